"""Characters that come along when a spec is pasted from a paper, a web page or a word processor.

Each is one character, and so is what it is read as, so that offsets stay what they are: an arrow is read
by the lexer itself (`ARROWS`). The same character several times in a line is one finding.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cnnspec.diagnostics import Edit, Related, Sink, Span, line_start
from cnnspec.language.tokens import ARROWS

_READ_AS = {
    **dict.fromkeys("×✕✖╳", "x"),
    **dict.fromkeys("“”„‟«»‘’″＂", '"'),
    **dict.fromkeys("−–—‐‑‒―", "-"),
    **dict.fromkeys("·∗⋅∙•", "*"),
    "÷": "/",
    "∕": "/",
    "∼": "~",
    "≈": "~",
    "＠": "@",
    **dict.fromkeys("\u00a0\u1680\u202f\u205f\u3000\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad", " "),
    **{chr(code): " " for code in range(0x2000, 0x200B)},
    **dict.fromkeys("\x85\u2028\u2029", "\n"),
    **{chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
}
_LETTERS = dict(zip("АВЕКМНОРСТХаеорсухΑΒΕΖΗΙΚΜΝΟΡΤΧο", "ABEKMHOPCTXaeopcyxABEZHIKMNOPTXo", strict=True))
"""Cyrillic and Greek letters that look like Latin ones, where they stand among those."""
_ASCII = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_ALIKE = "".join(_LETTERS)
_NAMES = {
    " ": "a space that is no plain space",
    "\n": "a line separator that is no plain new line",
}
_ALL = "".join(_READ_AS) + "".join(ARROWS)
_STRETCH = re.compile(
    r"#[^\r\n]*"  # in a comment everything may stand,
    r'|"[^"\r\n]*"'  # and so it may in a title
    r"|([“„«‟])([^“”„‟«»\"\r\n]*)([”“»\"‟])"
    rf"|[{re.escape(_ALL)}]+"
    rf"|[A-Za-z0-9_]*[{_ALIKE}][A-Za-z0-9_{_ALIKE}]*"
)


class _Pasted(NamedTuple):
    """What a stretch is read as, and what is reported of it."""

    read: str
    message: str
    help: str
    fix: tuple[Edit, ...]


def read_plain(text: str, sink: Sink) -> str:
    """The text with pasted characters read as the plain ones that they stand for, each with its E103."""
    parts: list[str] = []
    done = 0
    met: dict[tuple[int, str], list[_Pasted]] = {}  # by line and message
    for found in _STRETCH.finditer(text):
        pasted = _pasted(text, found)
        if pasted is None:
            continue
        parts += text[done : found.start()], pasted.read
        done = found.end()
        if pasted.fix:
            met.setdefault((line_start(text, found.start()), pasted.message), []).append(pasted)
    for same in met.values():
        edits = tuple(edit for one in same for edit in one.fix)
        places = [Span(one.fix[0].span.start, one.fix[-1].span.end) for one in same]
        related = tuple(Related(place, "") for place in places[1:])
        message, way = same[0].message, same[0].help
        sink.report("E103", message, places[0], related=related, help=way, fix=edits, safe=True)
    parts.append(text[done:])
    return "".join(parts)


def _pasted(text: str, found: re.Match[str]) -> _Pasted | None:
    start, end = found.span()
    stretch = found.group()
    if stretch[0] in '#"':
        return None
    if found[1]:
        title = found[2]
        left, right = start + 1 + len(title) - len(title.lstrip()), end - 1 - len(title) + len(title.rstrip())
        quotes = (Edit(Span(start, left), '"'), Edit(Span(max(left, right), end), '"'))
        way = f'a title stands in plain ones: "{title.strip()}"'
        return _Pasted(f'"{title}"', "typographic quotation marks", way, quotes)
    if stretch[0] in _ASCII or stretch[0] in _LETTERS:
        if not any(char in _ASCII for char in stretch):
            return None  # a word of that script
        read = "".join(_LETTERS.get(char, char) for char in stretch)
        alike = "".join(sorted({char for char in stretch if char in _LETTERS}))
        message = f"`{alike}` in `{stretch}` looks like a Latin letter and is none"
        return _Pasted(read, message, f"write `{read}`", (Edit(Span(start, end), read),))
    mark = " " if start == 0 and stretch[0] == "\ufeff" else ""  # a byte order mark
    stretch = stretch[len(mark) :]
    if not stretch:
        return _Pasted(mark, "", "", ())
    read = "".join(_READ_AS.get(char, char) for char in stretch)
    before, after = text[start - 1 : start], text[end : end + 1]
    if stretch in "×✕✖╳" and not (_digit(before, ")") and _digit(after, "(")):
        read = "*" if _times(text, start, end) else "x"
    if stretch in "—–―" and _parts_steps(text, end):
        read = "→"
    plain = "".join(ARROWS.get(char, char) for char in read)
    message = f"{_shown(stretch, read)} in place of `{plain}`" if plain.strip() else _NAMES[plain[0]]
    way = f"write `{plain}`" if plain.strip() else "write a plain space" if plain[0] == " " else ""
    return _Pasted(mark + read, message, way, (Edit(Span(start + len(mark), end), plain),))


def _parts_steps(text: str, end: int) -> bool:
    """Whether a dash stands before a layer and is meant as an arrow."""
    from cnnspec.language.recovery.words import is_layer

    following = re.compile(r"[ \t]+([A-Za-z][A-Za-z0-9_]*)").match(text, end)
    return following is not None and is_layer(following[1])


def _digit(char: str, other: str) -> bool:
    return char == other or "0" <= char <= "9" or (char in _READ_AS and _READ_AS[char].isdigit())


def _times(text: str, start: int, end: int) -> bool:
    """Whether a × multiplies (`]×3`, `4×k`) rather than stands between dimensions (`3×224`, `3 × 224`) or
    behind one number, `upsample 2×`."""
    before, after = text[max(0, start - 8) : start].rstrip(" "), text[end : end + 8].lstrip(" ")
    if text[start - 1 : start].isdigit() and (after[:1] in ("", "\r", "\n", "-", "#") or after[:2] == "bi"):
        return False
    return not (before[-1:].isdigit() and after[:1].isdigit())


def _shown(stretch: str, read: str) -> str:
    if read != stretch and all(0xFF01 <= ord(char) <= 0xFF5E for char in stretch):
        return f"full-width `{stretch}`"
    return f"`{stretch}`" if stretch.isprintable() else "a character that cannot be seen"
