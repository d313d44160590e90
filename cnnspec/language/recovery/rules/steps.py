"""Arrows, branches, repetitions and conditions in another form: `>`, `[a]x2`, `elif`, `&&`."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Span
from cnnspec.language.recovery.mistake import Mistake
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.rules.lines import before_layer, behind_arrows
from cnnspec.language.recovery.words import TIMES_BEHIND
from cnnspec.language.tokens import UNKNOWN

_ARROW_LIKE = re.compile(r"-+[ \t]*>+|~>|>+(?!=)")
_CLAIMS_LIKE = re.compile(r"={2,}>+|=>+|=[ \t]+>")
_SOME_HYPER = re.compile(r"[ \t]*[FSPKGD](?:[0-9]|same)")
_CLAIMED_SHAPE = re.compile(r"[ \t]*(?:[0-9]+[x@]|\()")
_CONDITION = re.compile(r"(?:^|[|\[])[ \t]*(?:if|let)\b[^\[|]*[\w)][ \t]*$")
_AND = re.compile("&&")
_OR = re.compile(r"\|\|")
_BRACKETS = {"RPAR": "(", "RSQB": "[", "RBRACE": "{"}
BRANCHES = "branches stand behind a word that merges them: `add [ … | … ]`, `concat [ … | … ]`"


def _times(m: Mistake) -> re.Match[str] | None:
    behind = m.last == "RSQB" and m.accepts("STAR") and m.here(TIMES_BEHIND)
    return TIMES_BEHIND.match(m.text, m.gap.start) if behind else None


def _no_step(m: Mistake) -> Span | None:
    return Span(m.start, behind_arrows(m)) if m.accepts("CALL") else None


ARROWS = (
    Rule(
        {"conv F3 ⟦==>⟧ 3x4x5": "conv F3 => 3x4x5"}, "`{0}` in place of `=>`",
        when=lambda m: m.accepts("CLAIMS") and m.here(_CLAIMS_LIKE), put="=>", reads="=>", safe=True,
    ),
    Rule(
        {"conv F3 ⟦- >⟧ relu": "conv F3 -> relu"}, "`{0}` in place of `->`",
        when=lambda m: m.accepts("ARROW") and m.here(_ARROW_LIKE), put="->", reads="->", safe=True,
    ),
)  # fmt: skip

STEPS = (
    Rule(
        {"if C > 3 [ relu ] ⟦elif⟧ C > 2 [ bn ]": "if C > 3 [ relu ] else if C > 2 [ bn ]"},
        "`{found}` in place of `else if`",
        when=lambda m: m.word in ("elif", "elseif") and m.accepts("ELSE"),
        put="else if", reads="else if", safe=True,
    ),
    Rule(
        {"[a ⟦|⟧ b]": ""}, "`|` parts branches, and here are none", BRANCHES,
        on=("VBAR",), when=lambda m: m.inside == "[" and m.accepts("_NL"), reads="\n",
    ),
    Rule(
        {"[a]⟦ times 2⟧": "[a]*2"}, "a repetition is written with `*`",
        when=lambda m: m.word == "times" and _times(m), put="*{2}", reads="*{2}",
    ),
    Rule(
        {"[a]⟦x2⟧": "[a]*2", "[a]⟦^2⟧": "[a]*2"}, "a repetition is written with `*`",
        when=lambda m: _times(m), put="*{2}", reads="*{2}", safe=True,
    ),
    Rule(
        {"if a ⟦&&⟧ b [ relu ]": "if a and b [ relu ]"}, "`&&` in place of `and`",
        on=(UNKNOWN,), when=lambda m: m.accepts("AND") and m.here(_AND), put="and", reads="and", safe=True,
    ),
    Rule(
        {"if ⟦!⟧a [ relu ]": "if not a [ relu ]"}, "`!` in place of `not`",
        on=(UNKNOWN,), when=lambda m: m.word == "!" and m.accepts("NOT"), put="not ", reads="not", safe=True,
    ),
    Rule(
        {"[a]*⟦*⟧2": "[a]*2"}, "`**` in place of `*`", "write `*`",
        on=("STAR",), when=lambda m: m.part(1).symbol == "RSQB" and m.text[m.start - 1 : m.end] == "**",
        put="", reads="", safe=True,
    ),
    Rule(
        {"[a] ⟦relu⟧": "[a] -> relu"},
        "`->` is missing before {shown}", "the next step follows with `->` or on a new line",
        on=("LSQB", "NAME", "CALL"),
        when=lambda m: m.accepts("ARROW") and (m.kind == "LSQB" or m.last in ("RSQB", "RPAR")),
        before=" ->", reads="->",
    ),
    Rule(
        {"relu -> ⟦-> ->⟧ bn": "relu ->  bn"}, "a step is missing before `->`", "leave the arrow out",
        on=("ARROW",), when=_no_step, put="", reads="", safe=True,
    ),
    Rule(
        {"if s ⟦=⟧ 2 [a]": "if s == 2 [a]"}, "`=` in a condition; two values are compared with `==`",
        on=("EQUAL",), when=lambda m: m.accepts("COMPARE"), put="==", reads="==", safe=True,
    ),
    Rule(
        {"if a ⟦||⟧ b [ relu ]": "if a or b [ relu ]"}, "`||` in place of `or`",
        on=("VBAR",),
        when=lambda m: (found := m.here(_OR)) and _CONDITION.search(m.head) and found,
        put="or", safe=True,
    ),
    Rule(
        {"conv F3⟦;⟧K8": "conv F3 K8"}, "arguments are parted by spaces, not by `{found}`", "write a space",
        on=("SEMICOLON", "VBAR", "DIVIDE", "MINUS", "PLUS", "STAR"),
        when=lambda m: m.last == "HYPER" and m.accepts("HYPER") and bool(m.behind(_SOME_HYPER)),
        put=" ", reads="", safe=True,
    ),
    Rule(
        {"relu ⟦-⟧ bn": "relu  ->  bn"}, "`-` in place of `->`",
        on=("MINUS",), when=lambda m: m.accepts("ARROW") and before_layer(m),
        put=" -> ", reads="->", safe=True,
    ),
    Rule(
        {"conv F3 K8 ⟦=⟧ 8x6x6": "conv F3 K8 => 8x6x6"}, "`{found}` in place of `=>`",
        on=("EQUAL", "COMPARE"),
        when=lambda m: m.word in ("=", "==") and m.accepts("CLAIMS") and bool(m.behind(_CLAIMED_SHAPE)),
        put="=>", reads="=>", safe=True,
    ),
)  # fmt: skip

LEFT_OVER = (
    Rule(
        {"if C ⟦<>⟧ 3 [ relu ]": "if C != 3 [ relu ]"}, "`<>` in place of `!=`",
        on=("COMPARE",),
        when=lambda m: m.text[m.start - 1 : m.end] == "<>" and Span(m.start - 1, m.end),
        put="!=", reads="!=", safe=True,
    ),
    Rule(
        {"relu ->⟦>⟧ bn": "relu -> bn"}, "`->{found}` in place of `->`", "leave the `{found}` out",
        on=("COMPARE",), when=lambda m: m.last == "ARROW" and m.text[m.start - 1] == ">",
        put="", reads="", safe=True,
    ),
)  # fmt: skip

BRACKETS = (
    Rule(
        {"f(1 ⟦2⟧)": "f(1, 2)"}, "`,` is missing before {shown}", "put a comma between the two",
        on=("NAME", "NUMBER", "CALL", "REFERENCE", "LPAR", "DIM", "CLAIM_NUMBER"),
        when=lambda m: m.accepts("COMMA") and (m.inside == "(" or m.last in ("CLAIM_NUMBER", "REFERENCE")),
        before=",", reads=",",
    ),
    Rule(
        {"relu ⟦)⟧": "relu "}, "`{found}` closes nothing: no bracket is open", "leave it out",
        on=tuple(_BRACKETS), when=lambda m: not m.is_open(_BRACKETS[m.kind]), put="", reads="", safe=True,
    ),
)  # fmt: skip
