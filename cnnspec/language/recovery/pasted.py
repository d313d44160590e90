"""Characters that come along when a spec is pasted from a paper, a web page or a word processor.

Each is one character, and so is what it is read as, so that offsets stay what they are: an arrow is read
by the lexer itself (`ARROWS`). The same character several times in a line is one finding.
"""

from __future__ import annotations

import re

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


def read_plain(text: str, sink: Sink) -> str:
    """The text with pasted characters read as the plain ones that they stand for, each with its E103."""
    parts: list[str] = []
    done = 0
    met: dict[tuple[int, str], list[Edit]] = {}  # by line and message
    for found in _STRETCH.finditer(text):
        start, end = found.span()
        stretch = found.group()
        if stretch[0] in '#"':
            continue
        if start == 0 and stretch[0] == "\ufeff":  # a byte order mark
            parts.append(" ")
            start = done = 1
            stretch = stretch[1:]
            if not stretch:
                continue
        if stretch[0] in _ASCII or stretch[0] in _LETTERS:
            read = "".join(_LETTERS.get(char, char) for char in stretch)
            if not any(char in _ASCII for char in stretch):
                continue  # a word of that script
            alike = "".join(sorted({char for char in stretch if char in _LETTERS}))
            parts += text[done:start], read
            done = end
            sink.report(
                "E103",
                f"`{alike}` in `{stretch}` looks like a Latin letter and is none",
                Span(start, end),
                help=f"write `{read}`",
                fix=(Edit(Span(start, end), read),),
                safe=True,
            )
            continue
        parts.append(text[done:start])
        done = end
        span = Span(start, end)
        if found.group(1):
            title = found.group(2)
            left, right = (
                start + 1 + len(title) - len(title.lstrip()),
                end - 1 - len(title) + len(title.rstrip()),
            )
            quotes = (Edit(Span(start, left), '"'), Edit(Span(max(left, right), end), '"'))
            parts.append(f'"{title}"')
            sink.report(
                "E103",
                "typographic quotation marks",
                span,
                help=f'a title stands in plain ones: "{title.strip()}"',
                fix=quotes,
                safe=True,
            )
            continue
        read = "".join(_READ_AS.get(char, char) for char in stretch)
        before, after = text[start - 1 : start], text[end : end + 1]
        if stretch in "×✕✖╳" and not (_digit(before, ")") and _digit(after, "(")):
            read = "*" if _times(text, start, end) else "x"
        if stretch in "—–―" and _parts_steps(text, end):
            read = "→"
        plain = "".join(ARROWS.get(char, char) for char in read)
        parts.append(read)
        message = f"{_shown(stretch, read)} in place of `{plain}`" if plain.strip() else _NAMES[plain[0]]
        met.setdefault((line_start(text, start), message), []).append(Edit(span, plain))
    for (_, message), edits in met.items():
        plain = edits[0].text
        sink.report(
            "E103",
            message,
            edits[0].span,
            related=tuple(Related(edit.span, "") for edit in edits[1:]),
            help=f"write `{plain}`" if plain.strip() else "write a plain space" if plain[0] == " " else "",
            fix=tuple(edits),
            safe=True,
        )
    parts.append(text[done:])
    return "".join(parts)


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
