"""Numbers and sizes in another form: `50%`, `K1.024`, `0,5`, `1_000`, `reshape 3,32,32`, `leaky -0.1`."""

from __future__ import annotations

import re
from fractions import Fraction

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.recovery.mistake import Answer, Mistake
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.tokens import UNKNOWN

LONGEST_NUMBER = 40
"""How far around a mistake a number is looked for."""
NUMBER_LIKE = re.compile(r"~?[0-9.][0-9A-Za-z_.]*(?:,[0-9]+)*[A-Za-z]*")
NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?![A-Za-z0-9_.])")
OPEN_RESHAPE = re.compile(r"\b(?:reshape|view)[ \t]+-1$")
_CLAIMED = re.compile(r"~?[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?[kMG]?")
_PERCENTAGE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)[ \t]*%")
_SPACED_NUMBER = re.compile(r"~?[0-9]+(?:[ \t]+[0-9]+)+[kMG]?")
_THOUSANDS = re.compile(r"~?[0-9]{1,3}(?:,[0-9]{3})+[kMG]?")
_PARTED_NUMBER = re.compile(r"([FSPD])?([0-9]+),([0-9]+)(?![0-9,])")
_POINTED = re.compile(
    r"(?:[FSPKGD][1-9][0-9]{0,2}\.[0-9]{3}"
    r"|[1-9][0-9]{0,2}(?:\.[0-9]{3}){2,5}|[1-9][0-9]{0,2}(?:'[0-9]{3}){1,5})(?![\w.,'])"
)
_SIZES = re.compile(
    r"(?<!\w)(?:(reshape|crop|upsample)[ \t]+|(out|offset|[FSPD])[ \t]*=[ \t]*)"
    r"([(\[]?[ \t]*([0-9]+(?:(?:[ \t]*[,xX*][ \t]*|[ \t]+)[0-9]+)+)(?:[ \t]*[)\]])?)(?![\w.,])"
)
_LONGEST_SIZES = 60
"""How far before a mistake its sizes may begin."""


def no_number(
    written: re.Match[str], plain: str, reason: str, wanted: re.Pattern[str] | None = None
) -> Answer:
    span = Span(*written.span())
    message = f"`{written.group()}` is no number"
    if not plain or (wanted is not None and not wanted.fullmatch(plain)):
        return Answer("E106", message, span, reason)
    return Answer("E106", message, span, f"{reason}: `{plain}`", (Edit(span, plain),))


def _percentage(m: Mistake) -> Answer | None:
    """A `%` that has nothing behind it to divide by."""
    number = m.part(1).start
    found = _PERCENTAGE.match(m.text, number) if m.last == "DIVIDE" and number >= 0 else None
    if found is None or found.end() != m.part(0).start + 1:
        return None
    plain, span = _decimal(Fraction(found[1]) / 100), Span(*found.span())
    return Answer(
        "E106", "a percentage is written as a fraction of 1", span, f"write `{plain}`", (Edit(span, plain),),
        True, reads=plain,
    )  # fmt: skip


def _decimal(value: Fraction) -> str:
    """1/8 → `0.125`, exactly."""
    digits = 0
    while value.denominator != 1:
        value, digits = value * 10, digits + 1
    written = str(value.numerator).rjust(digits + 1, "0")
    return f"{written[:-digits]}.{written[-digits:]}" if digits else written


def _sizes_apart(m: Mistake) -> Answer | None:
    begin = max(m.begin, m.start - _LONGEST_SIZES + 1)
    for found in _SIZES.finditer(m.text, begin, min(len(m.text), m.start + _LONGEST_SIZES)):
        if not found.start(3) < m.start < found.end():
            continue
        shape, span = "x".join(re.findall("[0-9]+", found[4])), Span(*found.span(3))
        named = f"{found[2]}=" if found[2] else ""
        way = f"{named or found[1] + ' '}{shape}"
        message = f"`{found[3]}` is no size: sizes are joined by `x`"
        since = found.start(2) if found[2] else span.start
        return Answer(
            "E106",
            message,
            span,
            f"write `{way}`",
            (Edit(span, shape),),
            True,
            reads=named + shape,
            since=since,
        )
    return None


def _before(m: Mistake, more: str) -> int:
    """Where the number that the mistake stands in may begin."""
    begin = min(m.start, len(m.text))
    least = max(0, begin - LONGEST_NUMBER)
    while begin > least and (m.text[begin - 1].isalnum() or m.text[begin - 1] in more):
        begin -= 1
    return begin


def _spaced(m: Mistake) -> Answer | None:
    if m.last != "CLAIM_NUMBER":
        return None
    for spaced in _SPACED_NUMBER.finditer(m.text, _before(m, " \t~.,"), m.start + LONGEST_NUMBER):
        if spaced.start() < m.start < spaced.end():
            plain = re.sub(r"[ \t]+", ",", spaced.group())
            return no_number(spaced, plain, "commas stand before every three digits", _THOUSANDS)
    return None


def _parted(m: Mistake) -> Answer | None:
    if m.accepts("COMMA") or m.last == "MATRIX_NUMBER":
        return None
    for parted in _PARTED_NUMBER.finditer(m.text, _before(m, " \t~.,"), m.start + LONGEST_NUMBER):
        if parted.start() < m.start < parted.end():
            letter, first, second = parted.groups()
            if letter:
                return no_number(parted, f"{letter}{first}x{second}", "rows and columns are parted by `x`")
            if len(second) == 3 and first != "0":
                return no_number(parted, first + second, "commas stand in claims only")
            return no_number(parted, f"{first}.{second}", "the decimal mark is a point")
    return None


def _pointed(m: Mistake) -> Answer | None:
    """`K1.024` read as `K1024`; in a claim, `25.557.032` and `25'557'032` as `25,557,032`."""
    begin = m.start
    while begin > max(0, m.start - LONGEST_NUMBER) and (
        m.text[begin - 1].isalnum() or m.text[begin - 1] in ".'"
    ):
        begin -= 1
    found = _POINTED.match(m.text, begin)
    if found is None or not begin <= m.start < found.end():
        return None
    written, read = found.group(), m.part(0)
    if m.in_claims == written[0].isalpha():
        return None
    if read.start != begin and not m.accepts("CLAIM_NUMBER" if m.in_claims else "HYPER"):
        return None
    plain = re.sub("[.']", "," if m.in_claims else "", written)
    reason = "commas part the thousands of a claim" if m.in_claims else "thousands are not parted"
    return no_number(found, plain, reason)._replace(safe=True, reads=plain)


def _signed(m: Mistake) -> Answer | None:
    number = m.behind(NUMBER)
    if not number or not m.accepts("LPAR") or m.last != "NAME" or m.in_claims or open_reshape(m):
        return None
    span = Span(m.start, number.end())
    plain = number.group() if m.kind == "PLUS" else f"({m.word}{number.group()})"
    return Answer(
        "E108", "an argument without a name has no leading sign", span,
        f"write `{plain}`, or give the argument by its name", (Edit(span, plain),), m.kind == "PLUS",
        reads=plain,
    )  # fmt: skip


def open_reshape(m: Mistake) -> Span | None:
    """`reshape -1`."""
    found = OPEN_RESHAPE.search(m.text, max(0, m.end - 40), m.end + 1)
    return None if found is None else Span(*found.span())


def _odd(m: Mistake) -> Answer | None:
    """A number that is none, where it can be read as one: `1_000`, `.5`, `60K` in a claim, `2x`."""
    number = m.here(NUMBER_LIKE)
    if number is None or not any(map(str.isdigit, number.group())) or m.text[m.start - 1 : m.start].isalnum():
        return None
    written = number.group()
    plain, advice = written.replace("_", ""), ""
    plain = f"0{plain}" if plain[0] == "." else plain.removesuffix(".")
    if m.accepts("CLAIM_NUMBER"):
        plain = plain[:-1] + {"K": "k", "m": "M", "g": "G", "B": "G"}.get(plain[-1], plain[-1])
        advice, good = "units are k, M and G" if plain[-1].isalpha() else "", _CLAIMED
    elif m.accepts("NUMBER") and not m.accepts("MATRIX_NUMBER") and re.fullmatch("[0-9]+[xX]", plain):
        plain, good = plain[:-1], NUMBER
    elif m.accepts("NUMBER") or m.accepts("MATRIX_NUMBER"):
        good = NUMBER
    else:
        return None
    if not good.fullmatch(plain):
        return None
    span = Span(*number.span())
    return Answer(
        "E106", f"`{written}` is no number", span, advice or f"write `{plain}`", (Edit(span, plain),), True,
        reads=plain,
    )  # fmt: skip


PERCENTAGES = (Rule({"dropout ⟦50%⟧": "dropout 0.5"}, when=_percentage),)

SIZES = (
    Rule(
        {"reshape ⟦3,32,32⟧": "reshape 3x32x32", "conv F3 S=⟦2,2⟧ K8": "conv F3 S=2x2 K8"},
        on=("COMMA", "NUMBER", "NAME", "DIM", "STAR"), when=_sizes_apart,
    ),
    Rule(
        {"expect params ⟦1 516⟧": "expect params 1,516"},
        on=("NUMBER", "CLAIM_NUMBER", "DIM"), when=_spaced,
    ),
    Rule(
        {"dropout ⟦0,5⟧": "dropout 0.5", "fc ⟦4,096⟧": "fc 4096", "conv ⟦F3,5⟧ K8": "conv F3x5 K8"},
        on=("COMMA",), when=_parted,
    ),
)  # fmt: skip

NUMBERS = (
    Rule({"leaky ⟦-0.1⟧": "leaky (-0.1)"}, on=("MINUS", "PLUS"), when=_signed),
    Rule(
        {"conv F3 ⟦K1.024⟧": "conv F3 K1024", "expect params ⟦4'000⟧": "expect params 4,000"},
        on=(UNKNOWN,), when=_pointed,
    ),
    Rule(
        {
            "let a = ⟦1_000⟧": "let a = 1000",
            "let a = ⟦.5⟧": "let a = 0.5",
            "expect params ⟦60K⟧": "expect params 60k",
            "upsample ⟦2x⟧": "upsample 2",
        },
        on=(UNKNOWN,), when=_odd,
    ),
)  # fmt: skip
