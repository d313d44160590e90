"""Claims in another form: `=> relu`, `params=3`, `1,792 params`, `macs 4,09G`."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.recovery.mistake import Answer, Mistake
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.rules.numbers import LONGEST_NUMBER, NUMBER_LIKE, no_number
from cnnspec.language.recovery.words import is_layer
from cnnspec.language.tokens import END, UNKNOWN
from cnnspec.notations.words import CLAIMS as SUBJECTS

_STEP = re.compile(r"=>[ \t]*([A-Za-z][A-Za-z0-9_]*)[ \t\r\n]*")
_UNIT_APART = re.compile(r"(~?[0-9][0-9,.]*)[ \t]+([kKmMgGB]|million|billion)\b")
_UNITS = {
    "k": "k",
    "K": "k",
    "m": "M",
    "M": "M",
    "million": "M",
    "g": "G",
    "G": "G",
    "B": "G",
    "billion": "G",
}
_TURNED = re.compile(r"(?:=>|,|expect)[ \t]*(~?[0-9][0-9,.]*[kMG]?)[ \t]+([A-Za-z]+)(?![ \t]*~?[0-9A-Za-z_])")
_GLUED = re.compile(r"(?P<over>(?P<mark>==?|:)[ \t]*)[0-9.]")
_LOOKS = "claims look like `=> 64x56x56, params 1,516`; a step follows with `->`"


def _step(m: Mistake) -> Answer | None:
    if m.last != "NAME" or not m.in_claims:
        return None
    begin = max(0, m.text.rfind("=>", 0, m.start))
    found = _STEP.fullmatch(m.text, begin, m.start)
    if found is None or not is_layer(found[1]):
        return None
    mark = Span(begin, begin + 2)
    return Answer(
        "E101", "`=>` stands before claims, not before a step", mark, "the next step follows with `->`",
        (Edit(mark, "->"),), reads=f"-> {found[1]}", resume=found.end(1),
    )  # fmt: skip


def _unit_apart(m: Mistake) -> Answer | None:
    if m.last != "CLAIM_NUMBER":
        return None
    near = max(m.begin, m.start - LONGEST_NUMBER)
    for found in _UNIT_APART.finditer(m.text, near, m.start + 20):
        if found.start() < m.start <= found.start(2):
            return no_number(found, found[1] + _UNITS[found[2]], "the unit is glued to it")
    return None


def _turned(m: Mistake) -> Answer | None:
    if m.last != "CLAIM_NUMBER":
        return None
    near = max(m.begin, m.start - LONGEST_NUMBER)
    for found in _TURNED.finditer(m.text, near, m.start + LONGEST_NUMBER):
        if found.start(2) == m.start:
            span, plain = (
                Span(found.start(1), found.end()),
                f"{SUBJECTS.get(found[2].lower(), found[2])} {found[1]}",
            )
            message = "what is claimed stands before its number"
            return Answer("E101", message, span, f"write `{plain}`", (Edit(span, plain),))
    return None


def _number(m: Mistake) -> Answer | None:
    number = m.here(NUMBER_LIKE) if m.in_claims and m.last != "CLAIM_NUMBER" else None
    if number is None:
        return None
    if parted := re.fullmatch(r"(~?[0-9]+),([0-9]+[kMG])", number.group()):
        return no_number(number, f"{parted[1]}.{parted[2]}", "the decimal mark is a point")
    if power := re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)e([0-9]{1,2})", number.group()):
        return no_number(
            number, f"{round(float(power[1]) * 10 ** int(power[2])):,}", "a claim has no exponent"
        )
    if m.kind == "NUMBER":
        return no_number(number, "", "commas stand before every three digits: 1,516")
    return None


CLAIMS = (
    Rule({"relu ⟦=>⟧ conv F3 K8": "relu -> conv F3 K8"}, when=_step),
    Rule(
        {"expect ⟦output⟧ 3x8x8": "expect out 3x8x8"},
        "what comes out is claimed by the word `out`",
        on=("OUTPUT",), when=lambda m: m.in_claims and m.accepts("NAME"), put="out", reads="out", safe=True,
    ),
    Rule(
        {"expect params ⟦=⟧ 3": "expect params  3"},
        "a claim's value follows its word without `{found}`", "write a space",
        when=lambda m: m.in_claims and m.last == "NAME" and m.word in ("=", "==", ":") and m.here(_GLUED),
        put=" ", reads="", safe=True,
    ),
    Rule({"expect macs ⟦4.09 G⟧": "expect macs 4.09G"}, when=_unit_apart),
    Rule({"expect ⟦1,792 params⟧": "expect params 1,792"}, when=_turned),
    Rule(
        {"expect params 2k ⟦±⟧ 5": ""}, "unexpected {shown}", "`~2k` holds within 5 %",
        when=lambda m: m.in_claims and m.word in ("±", "%"),
    ),
    Rule(
        {"expect macs ⟦<⟧2G": ""}, "unexpected {shown}",
        "a claim is a number, not a bound; it holds to the digits written",
        on=("COMPARE",), when=lambda m: m.in_claims,
    ),
    Rule(
        {"expect params ⟦-⟧3": "expect params 3"}, "nothing that is claimed is negative", "",
        on=("MINUS",), when=lambda m: m.in_claims, code="E106", put="",
    ),
    Rule(
        {"expect macs ⟦4,09G⟧": "expect macs 4.09G", "expect params ⟦1.8e3⟧": "expect params 1,800"},
        on=("NUMBER", UNKNOWN), when=_number,
    ),
    Rule(
        {"expect params⟦⟧": ""}, "a claim needs a value before {shown}", _LOOKS,
        on=("ARROW", "_NL", END, "COMMA"), when=lambda m: m.in_claims and m.last == "NAME",
    ),
)  # fmt: skip
