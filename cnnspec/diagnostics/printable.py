"""Text from a spec, made safe to show: no character of it moves a cursor, changes a colour or hides another.

A terminal obeys escape sequences, and bidirectional controls turn the reading order around. So characters
that cannot be printed are shown by name: control characters by their pictures (`␛`), the rest as `\\u202e`.
GitHub's runner obeys commands in a log, `##[error]` anywhere in a line and `::error::` at its beginning: one
character of these is shown by name, too.
"""

from __future__ import annotations

TAB_STOP = 4
COMMAND, OLD_COMMAND = "::", "##["
"""Matches the beginning of a line that GitHub's runner obeys, and the commands that it obeys anywhere."""


def cells(text: str) -> list[tuple[str, int]]:
    """For each character the text that is shown, and its width in columns of a terminal.

    >>> cells("a\\x1b木")
    [('a', 1), ('␛', 1), ('木', 2)]
    """
    if text.isascii() and text.isprintable() and OLD_COMMAND not in text:
        return [(char, 1) for char in text]
    shown: list[tuple[str, int]] = []
    column = 0
    after_mark = False
    for place, char in enumerate(text):
        if char == OLD_COMMAND[-1] and text[max(place - 2, 0) : place] == OLD_COMMAND[:-1]:
            cell, after_mark = _named(char), False
        else:
            cell, after_mark = _cell(char, column, after_mark)
        shown.append(cell)
        column += cell[1]
    return shown


def printable(text: str) -> str:
    """`text` on one line, without anything that a terminal or a runner would obey."""
    if not (text.isascii() and text.isprintable()) or OLD_COMMAND in text:
        text = "".join(shown for shown, _ in cells(text))
    if text.lstrip().startswith(COMMAND):
        text = text.replace(COMMAND, _named(COMMAND[0])[0] + COMMAND[1], 1)
    return text


def width(text: str) -> int:
    """The width of `text` in columns of a terminal."""
    return sum(columns for _, columns in cells(text))


def _cell(char: str, column: int, after_mark: bool) -> tuple[tuple[str, int], bool]:
    """The text that is shown for a character, and whether it is a combining mark."""
    code = ord(char)
    if char == "\t":
        columns = TAB_STOP - column % TAB_STOP
        return (" " * columns, columns), False
    if code < 0x20:
        return (chr(0x2400 + code), 1), False
    if code < 0x7F:
        return (char, 1), False
    if code == 0x7F:
        return ("\u2421", 1), False

    import unicodedata

    category = unicodedata.category(char)
    if category in ("Mn", "Me") and not after_mark:
        return (char, 0), True  # one accent is normal text; a stack of them covers the lines above
    if category[0] == "C" or category in ("Zl", "Zp", "Mn", "Me"):
        return _named(char), False
    return (char, 2 if unicodedata.east_asian_width(char) in "WF" else 1), False


def _named(char: str) -> tuple[str, int]:
    code = ord(char)
    escape = f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
    return escape, len(escape)
