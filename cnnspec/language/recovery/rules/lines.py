"""What is put around a line and at its end: bullets, quotation marks, comments of other languages, `;`."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.recovery.mistake import Answer, Mistake
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.words import is_layer
from cnnspec.notations.words import layer_word

_BULLET = re.compile(r"[ \t]*((?:[0-9]{1,3}[.):]|\([0-9]{1,3}\)|[-*+])[ \t]*)(?=([A-Za-z][A-Za-z0-9_]*))")
_QUOTED = re.compile(r"\"([A-Za-z]\w*)\"[ \t]*:")
_ENDS_ROW = re.compile(r"\\\\(?:hline)?[ \t]*(?=[\r\n]|$)")
_INPUT_BEFORE = re.compile(r"(?:^|[\r\n])[ \t]*input[^\r\n]*[ \t\r\n]*$")
_ARROWS = re.compile(r"->(?:[ \t]*->)*")
_LAYER = re.compile(r"[ \t]*([A-Za-z][A-Za-z0-9_]*)")
_DASHES = re.compile("--")
_VARIANT = re.compile(r"[ \t]*variant\b")


def _bullet(m: Mistake) -> Span | None:
    if m.head.strip(" \t0123456789("):
        return None
    found, read = m.of_line(_BULLET), m.part(0)
    inside = read.token is not None and read.start >= m.begin
    return Span(*found.span(1)) if found and not inside and layer_word(found[2]) is not None else None


def _long_comment(m: Mistake) -> Answer | None:
    if not m.text.startswith("/*", m.start):
        return None
    stop = m.text.find("*/", m.start)
    message, way = (
        "a comment begins with `#` and ends with the line",
        "put `#` before each line of the comment",
    )
    resume = stop + 2 if stop >= 0 else m.line_end
    return Answer("E101", message, Span(m.start, m.start + 2), way, reads="", resume=resume)


def _input_goes_on(m: Mistake) -> Answer | None:
    """`input 3x8x8 -> relu`."""
    if not m.accepts("_NL") or not _INPUT_BEFORE.search(m.text, max(0, m.start - 200), m.start):
        return None
    alone, stop = not m.head.strip(), behind_arrows(m)
    way, written = ("leave the arrow out", "") if alone else ("begin a new line here", "\n")
    fix = (Edit(Span(m.start if alone else m.gap.start, stop), written),)
    message = "the input is a statement of its own; the first step begins a new line"
    return Answer("E101", message, m.span, way, fix, reads="\n", resume=stop)


def behind_arrows(m: Mistake) -> int:
    """Where the arrows that stand here one behind the other end."""
    arrows = m.here(_ARROWS)
    return arrows.end() if arrows else m.end


def before_layer(m: Mistake) -> re.Match[str] | None:
    """The layer's word that follows."""
    following = m.behind(_LAYER)
    return following if following and is_layer(following[1]) else None


MARKS = (
    Rule(
        {"conv F3 K8 ⟦\\\\⟧\nrelu": "conv F3 K8 \nrelu"},
        "a line ends without `\\\\`", "leave it out",
        when=lambda m: m.here(_ENDS_ROW), put="", reads="", safe=True,
    ),
    Rule(
        {"⟦%⟧ what\nconv F3 K8": "# what\nconv F3 K8"},
        "a comment begins with `#`", "write `#` in place of `%`",
        when=lambda m: m.word == "%" and not m.head.strip(), put="#", reads="", to_line_end=True, safe=True,
    ),
    Rule(
        {"⟦1. ⟧conv F3 K8": "conv F3 K8"},
        "a line begins with its steps, without a bullet or a number", "leave `{marked}` out",
        when=_bullet, code="E102", put="", reads="", safe=True,
    ),
    Rule(
        {'⟦"C1":⟧ conv F3 K8': "C1: conv F3 K8"},
        "a label stands without quotation marks",
        when=lambda m: m.accepts("LABEL") and m.here(_QUOTED), put="{1}:", reads="{1}:", safe=True,
    ),
)  # fmt: skip

COMMENTS = (
    Rule(
        {"conv F3 ⟦//⟧ why": "conv F3 # why"},
        "a comment begins with `#`", "write `#` in place of `//`",
        on=("DIVIDE",), when=lambda m: m.word == "//", put="#", reads="", to_line_end=True, safe=True,
    ),
    Rule({"conv F3 ⟦/*⟧ why */": ""}, when=_long_comment),
    Rule(
        {"relu ⟦--⟧ why": "relu # why"},
        "a comment begins with `#`", "write `#` in place of `--`",
        on=("MINUS",),
        when=lambda m: not m.accepts("MINUS") and m.here(_DASHES),
        put="#", reads="", to_line_end=True, safe=True,
    ),
)  # fmt: skip

STATEMENTS = (
    Rule(
        {"input 3x8x8 ⟦->⟧ relu": "input 3x8x8\n relu", "input 3x8x8\n⟦->⟧ relu": "input 3x8x8\n relu"},
        on=("ARROW",), when=_input_goes_on,
    ),
    Rule(
        {"variant A: n = 2⟦;⟧ m = 3": "variant A: n = 2, m = 3"},
        "what a variant says is parted by commas, not by `;`",
        on=("SEMICOLON",), when=lambda m: m.accepts("COMMA") and bool(m.of_line(_VARIANT)),
        put=",", reads=",", safe=True,
    ),
    Rule(
        {"variant A: n = 2 ⟦expect⟧ params 56": "variant A: n = 2, expect params 56"},
        "`,` is missing before {shown}", "put a comma between the two",
        on=("EXPECT", "NAME"), when=lambda m: m.accepts("COMMA") and bool(m.of_line(_VARIANT)),
        before=",", reads=",", safe=True,
    ),
)  # fmt: skip

ENDS = (
    Rule(
        {"conv F3⟦;⟧ \nrelu": "conv F3 \nrelu"},
        "a line ends without `;`", "leave the `;` out",
        on=("SEMICOLON",), when=lambda m: m.rest.strip()[:1] in ("", "#"), put="", reads="", safe=True,
    ),
    Rule(
        {"conv F3⟦;⟧ relu": "conv F3\n relu"},
        "`;` does not part steps", "the next step follows with `->` or on a new line",
        on=("SEMICOLON",), when=lambda m: m.accepts("_NL"), put="\n", reads="\n",
    ),
    Rule(
        {"add [@a⟦,⟧ @b]": "add [@a | @b]"},
        "branches are parted by `|`, not by commas", "write `|`",
        on=("COMMA",), when=lambda m: m.inside == "[" and m.accepts("VBAR") and m.last != "MATRIX_NUMBER",
        put=" |", reads="|",
    ),
    Rule(
        {"conv F3⟦,⟧\nrelu": "conv F3\nrelu"},
        "a line ends without a comma", "leave the comma out",
        on=("COMMA",), when=lambda m: m.inside != "(" and not m.rest.split("#")[0].strip(),
        put="", reads="", safe=True,
    ),
    Rule(
        {"conv F3⟦,⟧ relu": "conv F3 -> relu"},
        "steps are parted by `->`, not by commas",
        on=("COMMA",), when=lambda m: m.inside != "(" and m.accepts("ARROW") and before_layer(m),
        put=" ->", reads="->", safe=True,
    ),
    Rule(
        {"conv F3⟦,⟧ K64": "conv F3 K64"},
        "arguments are parted by spaces, not by commas", "leave the comma out",
        on=("COMMA",), when=lambda m: m.inside != "(" and m.accepts("HYPER"), put="", reads="", safe=True,
    ),
)  # fmt: skip
