"""Characters from papers, web pages and word processors in a pasted spec.

Their replacement is as long as they are, so that offsets stay the same: an arrow is read by the lexer itself
(`ARROWS`). The same character several times in a line is one finding.
"""

from __future__ import annotations

import re
from typing import TypeAlias

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
    **{
        chr(first + digit): str(digit) for first in (0x660, 0x6F0, 0x966, 0x9E6, 0xE50) for digit in range(10)
    },
}
_LETTERS = dict(zip("АВЕКМНОРСТХаеорсухΑΒΕΖΗΙΚΜΝΟΡΤΧο", "ABEKMHOPCTXaeopcyxABEZHIKMNOPTXo", strict=True))
"""Cyrillic and Greek letters that look like Latin ones, where they are among those."""
_NAMES = {" ": "a special space (non-breaking or zero-width)", "\n": "a special line separator"}
_ALL = "".join(_READ_AS) + "".join(ARROWS)
_ALIKE = "".join(_LETTERS)
_STRETCH = re.compile(
    r"#[^\r\n]*"  # a comment may contain anything,
    r'|"[^"\r\n]*"'  # and so it may in a title
    r"|(?P<left>[“„«‟])(?P<title>[^“”„‟«»\"\r\n]*)[”“»\"‟]"
    r"|(?P<about>[∼≈][ \t]+(?=[0-9]))"
    r"|(?P<hidden>[A-Za-z0-9_]+(?:[\u00ad\u200c\u200d\u2060\ufeff]+[A-Za-z0-9_]+)+)"
    rf"|[{re.escape(_ALL)}]+"
    rf"|(?P<alike>[A-Za-z0-9_]*[{_ALIKE}][A-Za-z0-9_{_ALIKE}]*)"
)
_WORD = re.compile(r"[A-Za-z0-9_]*")
_WORD_BEFORE = re.compile(r"[A-Za-z0-9_]+\Z")
_NEAR = 40
Pasted: TypeAlias = tuple[str, Span, str, str, tuple[Edit, ...]]
"""The reading of a stretch of characters; and the mark, the message, the help and the fix, empty where it is
correct."""


def read_plain(text: str, sink: Sink) -> str:
    """The text with pasted characters replaced by plain ones, each reported (E103)."""
    parts: list[str] = []
    done = 0
    stretches: dict[tuple[int, str], list[Pasted]] = {}  # by line and message
    for match in _STRETCH.finditer(text):
        if match.group()[0] in '#"':
            continue
        pasted = _pasted(text, match)
        parts += text[done : match.start()], pasted[0]
        done = match.end()
        if pasted[4]:
            stretches.setdefault((line_start(text, match.start()), pasted[2]), []).append(pasted)
    for same in stretches.values():
        edits = tuple(edit for one in same for edit in one[4])
        related = tuple(Related(one[1], "") for one in same[1:])
        _, place, message, way, _ = same[0]
        if len({one[3] for one in same}) > 1 or edits[0].text.isalnum():
            way = f"write `{_together(text, edits)}`"
        sink.report("E103", message, place, related=related, help=way, fix=edits, safe=True)
    parts.append(text[done:])
    return "".join(parts)


def _together(text: str, edits: tuple[Edit, ...]) -> str:
    """The corrected text from the word of the first edit to that of the last."""
    before = _WORD_BEFORE.search(text, max(0, edits[0].span.start - _NEAR), edits[0].span.start)
    behind = _WORD.match(text, edits[-1].span.end)
    shown, done = "", before.start() if before else edits[0].span.start
    for edit in edits:
        shown += text[done : edit.span.start] + edit.text
        done = edit.span.end
    return shown + (behind.group() if behind else "")


def _pasted(text: str, match: re.Match[str]) -> Pasted:
    start, end = match.span()
    stretch, place = match.group(), Span(start, end)
    if match["left"]:
        title = match["title"]
        left, right = start + 1 + len(title) - len(title.lstrip()), end - 1 - len(title) + len(title.rstrip())
        quotes = (Edit(Span(start, left), '"'), Edit(Span(max(left, right), end), '"'))
        way = f'a title is written in plain ones: "{title.strip()}"'
        return f'"{title}"', place, "typographic quotation marks", way, quotes
    if match["about"]:
        number = re.compile(r"[0-9][0-9,.]*[kMG]?").match(text, end)
        way = f"write `~{number.group() if number else ''}`"
        read = " " * (end - start - 1) + "~"
        return read, Span(start, start + 1), f"expected `~`, found `{stretch[0]}`", way, (Edit(place, "~"),)
    if match["hidden"]:
        word = re.sub("[^A-Za-z0-9_]", "", stretch)
        message = f"`{word}` has an invisible character in it"
        return word.ljust(end - start), place, message, f"write `{word}`", (Edit(place, word),)
    if match["alike"]:
        read = "".join(_LETTERS.get(char, char) for char in stretch)
        alike = "".join(sorted({char for char in stretch if char in _LETTERS}))
        if not any(char.isascii() for char in stretch):
            return stretch, place, "", "", ()  # a word of that script
        message = f"`{alike}` in `{stretch}` looks like a Latin letter and is not one"
        return read, place, message, f"write `{read}`", (Edit(place, read),)
    mark = " " if start == 0 and stretch[0] == "\ufeff" else ""  # a byte order mark
    stretch = stretch[len(mark) :]
    if not stretch:
        return mark, place, "", "", ()
    read = "".join(_READ_AS.get(char, char) for char in stretch)
    before, after = text[start - 1 : start], text[end : end + 1]
    if stretch in "×✕✖╳" and not (_digit(before, ")") and _digit(after, "(")):
        read = "*" if _times(text, start, end) else "x"
    if stretch in "—–―⇒⟹" and _parts_steps(text, end):
        read = "→"
    plain = "".join(ARROWS.get(char, char) for char in read)
    place = Span(start + len(mark), end)
    fix = (Edit(place, plain),)
    if not plain.strip():
        way = "write a plain space" if plain[0] == " " else ""
        return mark + read, place, _NAMES[plain[0]], way, fix
    wide = read != stretch and all(0xFF01 <= ord(char) <= 0xFF5E for char in stretch)
    if wide and plain.isalnum():
        return mark + read, place, "full-width characters", f"write `{plain}`", fix
    if plain.isdigit() and stretch.isdigit():
        return mark + read, place, "digits of another script", f"write `{plain}`", fix
    shown = f"`{stretch}`" if stretch.isprintable() else "a character that cannot be seen"
    message = f"expected `{plain}`, found {'full-width ' * wide}{shown}"
    return mark + read, place, message, f"write `{plain}`", fix


def _parts_steps(text: str, end: int) -> bool:
    """Whether a dash is meant as an arrow: a layer follows."""
    from cnnspec.language.recovery.words import is_layer

    following = re.compile(r"[ \t]+([A-Za-z][A-Za-z0-9_]*)").match(text, end)
    return following is not None and is_layer(following[1])


def _digit(char: str, other: str) -> bool:
    return char == other or "0" <= char <= "9" or (char in _READ_AS and _READ_AS[char].isdigit())


def _times(text: str, start: int, end: int) -> bool:
    """Whether a × multiplies (`]×3`, `4×k`) rather than stands between dimensions (`3×224`, `3 × 224`) or
    after one number, `upsample 2×`."""
    before, after = text[max(0, start - 8) : start].rstrip(" "), text[end : end + 8].lstrip(" ")
    if text[start - 1 : start].isdigit() and (after[:1] in ("", "\r", "\n", "-", "#") or after[:2] == "bi"):
        return False
    return not (before[-1:].isdigit() and after[:1].isdigit())
