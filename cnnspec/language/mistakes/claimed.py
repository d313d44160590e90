"""Claims and their numbers, written otherwise: `=> relu`, `params=3`, `1,792 params`, `1 516`, `0,5`."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span, line_start
from cnnspec.language.automaton import Automaton
from cnnspec.language.mistakes import foreign
from cnnspec.language.mistakes.mistake import Finding, Repair, found
from cnnspec.language.mistakes.nearby import NUMBER_LIKE
from cnnspec.language.tokens import END, Token
from cnnspec.notations.words import CLAIMS

LONGEST_NUMBER = 40
"""How far around a mistake a number is looked for."""

_CLAIMED_STEP = re.compile(r"=>[ \t]*([A-Za-z][A-Za-z0-9_]*)[ \t\r\n]*")
_SPACED_NUMBER = re.compile(r"~?[0-9]+(?:[ \t]+[0-9]+)+[kMG]?")
_THOUSANDS = re.compile(r"~?[0-9]{1,3}(?:,[0-9]{3})+[kMG]?")
_PARTED_NUMBER = re.compile(r"([FSPD])?([0-9]+),([0-9]+)(?![0-9,])")
_UNIT_APART = re.compile(r"~?[0-9][0-9,.]*[ \t]+([kKmMgGB]|million|billion)\b")
_POINTED = re.compile(
    r"(?:[FSPKGD][1-9][0-9]{0,2}\.[0-9]{3}"
    r"|[1-9][0-9]{0,2}(?:\.[0-9]{3}){2,5}|[1-9][0-9]{0,2}(?:'[0-9]{3}){1,5})(?![\w.,'])"
)
_SUBJECT = re.compile(
    r"(?:=>|,|expect)[ \t]*(~?[0-9][0-9,.]*[kMG]?)[ \t]+([A-Za-z]+)(?![ \t]*~?[0-9A-Za-z_])"
)
_CLAIMED = re.compile(r"[0-9.][0-9A-Za-z_.]*(?:,[0-9]+)*[A-Za-z]*")
_LOOKS = "claims look like `=> 64x56x56, params 1,516`; a step follows with `->`"


def claim_repair(automaton: Automaton, failure: Token) -> Repair | None:
    """What can be read as the claim that it was meant to be."""
    text, kind, start, end = automaton.text, failure.type, failure.start, failure.end
    span = Span(start, end)
    if automaton.last == "NAME" and (step := _step_behind_claims(text, start)):
        mark, word = step
        return Repair(
            "E101", "`=>` stands before claims, not before a step", mark, "the next step follows with `->`",
            (Edit(mark, "->"),), False,
            (("ARROW", "->", *mark), ("NAME", text[word.start : word.end], *word)), word.end, back=2,
        )  # fmt: skip
    if kind == "OUTPUT" and automaton.accepts("NAME"):
        return Repair(
            "E101", "what comes out is claimed by the word `out`", span, "write `out`",
            (Edit(span, "out"),), True, (("NAME", "out", start, end),), end,
        )  # fmt: skip
    if automaton.last == "NAME" and (kind == "EQUAL" or failure.text in ("==", ":")):
        number = _CLAIMED.match(text, end + len(text[end : end + 8]) - len(text[end : end + 8].lstrip(" \t")))
        if number:
            return Repair(
                "E101", f"a claim's value follows its word without `{failure.text}`", span, "write a space",
                (Edit(Span(start, number.start()), " "),), True, (), end,
            )  # fmt: skip
    return None


def claim_finding(automaton: Automaton, failure: Token) -> Finding | None:
    """What is wrong about a claim, in plain words."""
    text, kind, start, end = automaton.text, failure.type, failure.start, failure.end
    last, span, what = automaton.last, Span(start, end), found(failure, text)
    if kind == "_NL":
        span = Span(start, start)
    if last == "CLAIM_NUMBER":
        line = line_start(text, start)
        near = max(line, start - LONGEST_NUMBER)
        for apart in _UNIT_APART.finditer(text, near, start + 20):
            if apart.start() < start <= apart.start(1):
                unit = {"K": "k", "m": "M", "g": "G", "B": "G"}.get(apart[1][:1].upper(), apart[1])
                unit = {"k": "k", "K": "k", "m": "M", "million": "M", "billion": "G"}.get(apart[1], unit)
                return no_number(
                    apart,
                    f"{apart.group()[: apart.start(1) - apart.start()].rstrip()}{unit}",
                    "the unit is glued to it",
                )
        for turned in _SUBJECT.finditer(text, near, start + LONGEST_NUMBER):
            if turned.start(2) == start:
                where, plain = (
                    Span(turned.start(1), turned.end()),
                    f"{CLAIMS.get(turned[2].lower(), turned[2])} {turned[1]}",
                )
                return (
                    "E101",
                    "what is claimed stands before its number",
                    where,
                    f"write `{plain}`",
                    (Edit(where, plain),),
                )
    if failure.text in ("±", "%"):
        return "E101", f"unexpected {what}", span, "`~2k` holds within 5 %", ()
    if kind == "COMPARE":
        return (
            "E101",
            f"unexpected {what}",
            span,
            "a claim is a number, not a bound; it holds to the digits written",
            (),
        )
    if kind == "MINUS":
        return "E106", "nothing that is claimed is negative", span, "", (Edit(span, ""),)
    number = NUMBER_LIKE.match(text, start)
    if kind in ("NUMBER", "?") and number and last != "CLAIM_NUMBER":
        if parted := re.fullmatch(r"(~?[0-9]+),([0-9]+[kMG])", number.group()):
            return no_number(number, f"{parted[1]}.{parted[2]}", "the decimal mark is a point")
        if power := re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)e([0-9]{1,2})", number.group()):
            value = float(power[1]) * 10 ** int(power[2])
            return no_number(number, f"{round(value):,}", "a claim has no exponent")
        if kind == "NUMBER":
            return no_number(number, "", "commas stand before every three digits: 1,516")
    if last == "NAME" and kind in ("ARROW", "_NL", END, "COMMA"):
        return "E101", f"a claim needs a value before {what}", span, _LOOKS, ()
    return None


def _step_behind_claims(text: str, start: int) -> tuple[Span, Span] | None:
    """The `=>` and the layer's word of `=> relu`, where that ends before `start`."""
    begin = max(0, text.rfind("=>", 0, start))
    found_ = _CLAIMED_STEP.fullmatch(text, begin, start)
    if found_ is None or not foreign.is_layer(found_[1]):
        return None
    return Span(begin, begin + 2), Span(*found_.span(1))


def number_in_pieces(automaton: Automaton, failure: Token) -> Finding | None:
    """`1 516` in a claim; `0,5`, `4,096` and `F3,5` among arguments."""
    text, start = automaton.text, failure.start
    begin = min(start, len(text))
    least = max(0, begin - LONGEST_NUMBER)
    while begin > least and (text[begin - 1].isalnum() or text[begin - 1] in " \t~.,"):
        begin -= 1
    if failure.type in ("NUMBER", "CLAIM_NUMBER", "DIM") and automaton.last == "CLAIM_NUMBER":
        for spaced in _SPACED_NUMBER.finditer(text, begin, start + LONGEST_NUMBER):
            if spaced.start() < start < spaced.end():
                plain = re.sub(r"[ \t]+", ",", spaced.group())
                return no_number(spaced, plain, "commas stand before every three digits", _THOUSANDS)
    if failure.type == "COMMA" and not automaton.accepts("COMMA") and automaton.last != "MATRIX_NUMBER":
        for parted in _PARTED_NUMBER.finditer(text, begin, start + LONGEST_NUMBER):
            if parted.start() < start < parted.end():
                letter, first, second = parted.groups()
                if letter:
                    return no_number(
                        parted, f"{letter}{first}x{second}", "rows and columns are parted by `x`"
                    )
                if len(second) == 3 and first != "0":
                    return no_number(parted, first + second, "commas stand in claims only")
                return no_number(parted, f"{first}.{second}", "the decimal mark is a point")
    return None


def points_between_thousands(automaton: Automaton, start: int) -> Repair | None:
    """`K1.024` read as `K1024`; in a claim, `25.557.032` and `25'557'032` as `25,557,032`."""
    text = automaton.text
    begin = start
    while begin > max(0, start - LONGEST_NUMBER) and (text[begin - 1].isalnum() or text[begin - 1] in ".'"):
        begin -= 1
    found_ = _POINTED.match(text, begin)
    if found_ is None or not begin <= start < found_.end():
        return None
    written = found_.group()
    claimed = automaton.last == "CLAIM_NUMBER" or automaton.accepts("CLAIM_NUMBER")
    kind = "CLAIM_NUMBER" if claimed else "HYPER" if written[0].isalpha() else ""
    if not kind or (kind == "CLAIM_NUMBER") is written[0].isalpha():
        return None
    plain = re.sub("[.']", "," if claimed else "", written)
    read = automaton.values[-1] if automaton.values else None  # `K1`, `4` of `4'000`
    back = 1 if type(read) is Token and read.start == begin else 0
    if not back and not automaton.accepts(kind):
        return None
    reason = "commas part the thousands of a claim" if claimed else "thousands are not parted"
    span = Span(begin, found_.end())
    return Repair(
        "E106", f"`{written}` is no number", span, f"{reason}: `{plain}`", (Edit(span, plain),), True,
        ((kind, plain, *span),), span.end, back,
    )  # fmt: skip


def no_number(
    written: re.Match[str], plain: str, reason: str, wanted: re.Pattern[str] | None = None
) -> Finding:
    span = Span(*written.span())
    message = f"`{written.group()}` is no number"
    if not plain or (wanted is not None and not wanted.fullmatch(plain)):
        return "E106", message, span, reason, ()
    return "E106", message, span, f"{reason}: `{plain}`", (Edit(span, plain),)
