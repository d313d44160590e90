"""Characters that come along when a spec is pasted from a paper, a web page or a word processor.

Each is one character, and so is what it is read as, so that offsets stay what they are: an arrow is read
by the
lexer itself (`ARROWS`).
"""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Sink, Span
from cnnspec.language.tables import ARROWS

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
)


def read_plain(text: str, sink: Sink) -> str:
    """The text with pasted characters read as the plain ones that they stand for, each with its E103."""
    parts: list[str] = []
    done = 0
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
        parts.append(text[done:start])
        done = end
        span = Span(start, end)
        if found.group(1):
            title = found.group(2)
            edits = (Edit(Span(start, start + 1), '"'), Edit(Span(end - 1, end), '"'))
            parts.append(f'"{title}"')
            sink.report(
                "E103",
                "typographic quotation marks",
                span,
                help=f'a title stands in plain ones: "{title}"',
                fix=edits,
                safe=True,
            )
            continue
        read = "".join(_READ_AS.get(char, char) for char in stretch)
        before, after = text[start - 1 : start], text[end : end + 1]
        if stretch in "×✕✖╳" and not (_digit(before, ")") and _digit(after, "(")):
            read = "*" if _times(text, start, end) else "x"
        plain = "".join(ARROWS.get(char, char) for char in read)
        parts.append(read)
        sink.report(
            "E103",
            f"{_shown(stretch, read)} in place of `{plain}`" if plain.strip() else _NAMES[plain[0]],
            span,
            help=f"write `{plain}`" if plain.strip() else "write a plain space" if plain[0] == " " else "",
            fix=(Edit(span, plain),),
            safe=True,
        )
    parts.append(text[done:])
    return "".join(parts)


def _digit(char: str, other: str) -> bool:
    return char == other or "0" <= char <= "9" or (char in _READ_AS and _READ_AS[char].isdigit())


def _times(text: str, start: int, end: int) -> bool:
    """Whether a × multiplies (`]×3`, `4×k`) rather than stands between dimensions (`3×224`, `3 × 224`)."""
    before, after = text[max(0, start - 8) : start].rstrip(" "), text[end : end + 8].lstrip(" ")
    return not (before[-1:].isdigit() and after[:1].isdigit())


def _shown(stretch: str, read: str) -> str:
    if read != stretch and all(0xFF01 <= ord(char) <= 0xFF5E for char in stretch):
        return f"full-width `{stretch}`"
    return f"`{stretch}`" if stretch.isprintable() else "a character that cannot be seen"
