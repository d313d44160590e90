"""Numbers and sizes in another form: `50%`, `K1.024`, `0,5`, `S=2,2`."""

from __future__ import annotations

import re
from fractions import Fraction

from cnnspec.diagnostics import Span
from cnnspec.language.recovery.mistake import Answer, Mistake, rewritten
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.write import write_number

NUMBER_LIKE = r"~?[0-9.][0-9A-Za-z_.]*(?:,[0-9]+)*[A-Za-z]*"
_NUMBER = r"[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?![A-Za-z0-9_.])"
UNIT = r"(?:[kMG]|(?:[KMG]i?)?B)"
CLAIMED = rf"~?[0-9]+(?:,[0-9]{{3}})*(?:\.[0-9]+)?{UNIT}?"
_THOUSANDS = re.compile(r"~?[0-9]{1,3}(?:,[0-9]{3})+[kMG]?")
_POINTED = (
    r"(?<![\w.'])(?:[FSPKGD][1-9][0-9]{0,2}\.[0-9]{3}"
    r"|[1-9][0-9]{0,2}(?:\.[0-9]{3}){2,5}|[1-9][0-9]{0,2}(?:'[0-9]{3}){1,5})(?![\w.,'])"
)
_SIZES = (
    r"(?<!\w)(?:(reshape|crop|upsample)[ \t]+|(out|offset|[FSPD])[ \t]*=[ \t]*)"
    r"([(\[]?[ \t]*([0-9]+(?:(?:[ \t]*[,xX*][ \t]*|[ \t]+)[0-9]+)+)(?:[ \t]*[)\]])?)(?![\w.,])"
)
POINT = "the decimal mark is a point"


def invalid_number(match: re.Match[str], plain: str, reason: str, safe: bool = False) -> Answer:
    """E106; with a fix where the number can be read as `plain`."""
    kind = "hyperparameter" if match.group()[0].isalpha() else "number"
    span, message = Span(*match.span()), f"`{match.group()}` is not a valid {kind}"
    if not plain:
        return Answer("E106", message, span, reason)
    reads = plain if safe else None
    return rewritten(span, plain, message, f"{reason}: `{plain}`", "E106", safe=safe, reads=reads)


def _percentage(m: Mistake) -> Answer | None:
    """A `%` without a divisor after it."""
    pattern, number = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)[ \t]*%"), m.part(1).start
    match = pattern.match(m.text, number) if m.last == "DIVIDE" and number >= 0 else None
    if match is None or match.end() != m.part(0).start + 1:
        return None
    plain, message = write_number(Fraction(match[1]) / 100), "a percentage is written as a fraction of 1"
    if counted := re.search(r"(?:\b(fc|rbf|input)|[FSPKGD]=?|\*)[ \t]*$", m.text[m.begin : number]):
        message = f"`{counted.group().strip()}` takes a number, and `{match.group()}` is a share"
        return rewritten(Span(*match.span()), match[1], message, code="E106", reads=match[1])
    return rewritten(Span(*match.span()), plain, message, code="E106", safe=True, reads=plain)


def _sizes_apart(m: Mistake) -> Answer | None:
    match = m.around(_SIZES, 3)
    if match is None:
        return None
    shape, named = "x".join(re.findall("[0-9]+", match[4])), f"{match[2]}=" if match[2] else ""
    return rewritten(
        Span(*match.span(3)), shape, f"`{match[3]}` is not a valid size: sizes are joined by `x`",
        f"write `{named or match[1] + ' '}{shape}`", "E106", safe=True,
        reads=named + shape, since=match.start(2 if named else 3),
    )  # fmt: skip


def _stride(m: Mistake) -> Answer | None:
    """`conv F3 K8 /2`."""
    match = m.here(r"/[ \t]*([0-9]+)(?![\w.])")
    if match is None:
        return None
    span, strides = Span(*match.span()), re.findall(r"S=?([0-9]+)", re.split("->|[|:]", m.head)[-1])
    if not strides:
        message, way = "expected the stride's letter, found `/`", f"write `S{match[1]}`"
        return rewritten(span, f" S{match[1]}", message, way, "E101", reads=f" S{match[1]}")
    message = f"the stride is given already, `S{strides[-1]}`: found `{match.group()}`"
    if strides[-1] == match[1]:
        return rewritten(span, "", message, f"leave `{match.group()}` out", "E101", safe=True, reads="")
    return Answer("E101", message, span, f"keep one of the two, `S{strides[-1]}` or `S{match[1]}`", reads="")


def _range(m: Mistake) -> Answer | None:
    numbers = r"(?P<mark>([0-9]+)[ \t]*(?:,|\.\.\.?)[ \t]*([0-9]+))(?![\w.,])"
    match = m.around(rf"\b(?:slice[ \t]+|channels[ \t]*=[ \t]*){numbers}")
    plain = f"{match[2]}:{match[3]}" if match else ""
    message = "a range is two numbers joined by `:`"
    return match and rewritten(Span(*match.span("mark")), plain, message, code="E106", safe=True, reads=plain)


def _sides(m: Mistake) -> Answer | None:
    """`pad 1,1,1,1`: in which order the sides are meant differs from tool to tool."""
    match = m.around(r"\bpad[ \t]+(?P<mark>([0-9]+)(?:[ \t]*,[ \t]*[0-9]+)+)(?![\w.,])")
    if match is None:
        return None
    span, message = Span(*match.span("mark")), f"`{match['mark']}` is not a valid padding"
    if len({*re.findall("[0-9]+", match["mark"])}) == 1:
        return rewritten(span, match[2], message, code="E106", safe=True, reads=match[2])
    sizes = re.findall("[0-9]+", match["mark"])
    way = "name the sides: `pad left=1 right=1 top=0 bottom=0`"
    if len(sizes) == 4:
        left, right, top, bottom = sizes
        way = f"name the sides: `pad left={left} right={right} top={top} bottom={bottom}` in PyTorch's order"
    return Answer("E106", message, span, way, reads=match[2])


def _times(m: Mistake) -> Answer | None:
    """`F3*3`."""
    match = m.around(r"(?<![A-Za-z])([FSPD])([0-9]+)[ \t]*\*[ \t]*([0-9]+)(?![\w.])")
    if match is None:
        return None
    plain = f"{match[1]}{match[2]}" if match[2] == match[3] else f"{match[1]}{match[2]}x{match[3]}"
    message = f"`{match.group()}` is not a valid size: rows and columns are joined by `x`"
    return rewritten(Span(*match.span()), plain, message, code="E106", safe=True, reads=plain)


def _shape_as_a_step(m: Mistake) -> Answer | None:
    """`-> 64x32x32`."""
    arrow, shape = m.part(0).token, m.here(r"[0-9]+[x@][0-9]+x[0-9]+(?![\w.])")
    if arrow is None or shape is None:
        return None
    plain, message = f"=> {shape.group()}", "a shape is claimed after `=>`"
    return rewritten(Span(arrow.start, shape.end()), plain, message, code="E101", safe=True, reads=plain)


def _shape_in_brackets(m: Mistake) -> Answer | None:
    """`conv F3 K8 | 8x30x30`, `conv F3 K8 (8x30x30)`, `conv F3 K8 -> output 8x30x30`."""
    match = m.around(
        r"(?P<mark>(?:[|:(\[]|->[ \t]*(?:output|out)\b[ \t:]*)[ \t]*([0-9]+[x@][0-9]+x[0-9]+)[ \t]*[)\]]?)"
        r"[ \t]*(?=#|[\r\n]|$)"
    ) or m.here(r"(?P<mark>[|:(\[][ \t]*([0-9]+[x@][0-9]+x[0-9]+)[ \t]*[)\]]?)[ \t]*(?=#|[\r\n]|$)")
    if (
        match is None
        or not m.text[m.begin : match.start()].strip()
        or re.search(r"[\[(:=]", m.text[m.begin : match.start()])
    ):
        return None
    plain, message = f"=> {match[2]}", "a shape is claimed after `=>`"
    span = Span(*match.span("mark"))
    return rewritten(span, plain, message, code="E101", safe=True, reads=plain, since=span.start)


def _spaced(m: Mistake) -> Answer | None:
    match = m.around(r"(?<![\w.,~])~?[0-9]+(?:[ \t]+[0-9]+)+[kMG]?")
    if match is None:
        return None
    plain = re.sub(r"[ \t]+", ",", match.group())
    plain = plain if _THOUSANDS.fullmatch(plain) else ""
    return invalid_number(match, plain, "commas separate groups of three digits")


def _by_commas(m: Mistake) -> Answer | None:
    """A comma between digits: a decimal mark, thousands, or rows and columns."""
    match = m.around(r"(?<![\w.,])([FSPDKG]?)([0-9]+(?:,[0-9]+)+)(?![\w.,])")
    if match is None or m.accepts("COMMA") or m.last == "MATRIX_NUMBER":
        return None
    letter, numbers = match[1], match[2].split(",")
    if (
        re.search(r"\b(?:slice[ \t]+|channels[ \t]*=[ \t]*)$", m.text[m.begin : match.start()])
        and len(numbers) == 2
    ):
        return invalid_number(match, ":".join(numbers), "the two numbers are joined by `:`")
    if letter and letter in "FSPD":
        if len(numbers) == 2:
            return invalid_number(match, f"{letter}{'x'.join(numbers)}", "rows and columns are joined by `x`")
        sides = "; for each side its own: `pad left=1 right=1 top=0 bottom=0`" if letter == "P" else ""
        way = f"`{letter}` is one number, or rows by columns: `{letter}1x3`{sides}"
        return invalid_number(match, "", way)
    thousands = numbers[0] != "0" and all(len(number) == 3 for number in numbers[1:])
    whole = letter or re.search(r"\b(?:fc|rbf)[ \t]+$", m.text[m.begin : match.start()])
    if thousands and not whole and len(numbers) == 2:
        return invalid_number(match, "", f"write `{''.join(numbers)}` or `{'.'.join(numbers)}`")
    if thousands:
        return invalid_number(match, letter + "".join(numbers), "commas are allowed in claims only")
    return invalid_number(match, ".".join(numbers), POINT) if len(numbers) == 2 else None


def _pointed(m: Mistake) -> Answer | None:
    """`K1.024` read as `K1024`; in a claim, `25.557.032` and `25'557'032` as `25,557,032`."""
    match = m.around(_POINTED) or m.here(_POINTED)
    if match is None or m.in_claims == match.group()[0].isalpha():
        return None
    if m.part(0).start != match.start() and not m.accepts("CLAIM_NUMBER" if m.in_claims else "HYPER"):
        return None
    plain = re.sub("[.']", "," if m.in_claims else "", match.group())
    reason = "thousands are separated by commas in a claim" if m.in_claims else "thousands are not separated"
    return invalid_number(match, plain, reason, safe=True)


def _signed(m: Mistake) -> Answer | None:
    number = m.behind(_NUMBER)
    if not number or m.in_claims or open_reshape(m):
        return None
    plain = number.group() if m.kind == "PLUS" else f"({m.word}{number.group()})"
    return rewritten(
        Span(m.start, number.end()), plain, "an argument without a name has no leading sign",
        f"write `{plain}`, or give the argument by its name", "E108", safe=m.kind == "PLUS", reads=plain,
    )  # fmt: skip


def open_reshape(m: Mistake) -> Span | None:
    """`reshape -1`."""
    match = re.compile(r"\b(?:reshape|view)[ \t]+-1$").search(m.text, max(0, m.end - 40), m.end + 1)
    return None if match is None else Span(*match.span())


def _odd(m: Mistake) -> Answer | None:
    """A number that can be read as one: `1_000`, `.5`, `60K` in a claim, `2x`."""
    number = m.here(NUMBER_LIKE)
    if number is None or not any(map(str.isdigit, number.group())) or m.text[m.start - 1 : m.start].isalnum():
        return None
    plain, good = number.group().replace("_", ""), _NUMBER
    plain = f"0{plain}" if plain[0] == "." else plain.removesuffix(".")
    if m.accepts("CLAIM_NUMBER"):
        good = CLAIMED
    elif not m.accepts("NUMBER") and not m.accepts("MATRIX_NUMBER"):
        return None
    elif not m.accepts("MATRIX_NUMBER") and m.text[number.end() : number.end() + 1] not in {"-", "("}:
        plain = plain[:-1] if re.fullmatch("[0-9]+[xX]", plain) else plain
    if not re.fullmatch(good, plain):
        return None
    message = f"`{number.group()}` is not a valid number"
    return rewritten(Span(*number.span()), plain, message, code="E106", safe=True, reads=plain)


PERCENTAGES = (
    Rule({"dropout ⟦50%⟧": "dropout 0.5"}, when=_percentage),
)  # fmt: skip

SIZES = (
    Rule({"relu ⟦| 3x8x8⟧": "relu => 3x8x8", "relu ⟦(3x8x8)⟧": "relu => 3x8x8",
          "relu ⟦: 3x8x8⟧": "relu => 3x8x8",
          "relu ⟦-> output 3x8x8⟧": "relu => 3x8x8"}, on="VBAR LSQB LPAR DIM OUTPUT COLON ?",
         when=_shape_in_brackets),
    Rule({"reshape ⟦3,32,32⟧": "reshape 3x32x32", "conv F3 S=⟦2,2⟧ K8": "conv F3 S=2x2 K8"},
         on="COMMA NUMBER NAME DIM STAR", when=_sizes_apart),
    Rule({"conv ⟦F3*3⟧ K8": "conv F3 K8", "conv ⟦F3 * 5⟧ K8": "conv F3x5 K8"}, on="STAR", when=_times),
    Rule({"conv F3 K8 S1⟦/2⟧": ""}, "S must be a whole number",
         "to enlarge maps, use `deconv F2 S2 K8` or `upsample 2`", on="DIVIDE", last="HYPER",
         here=r"/[ \t]*[0-9]+(?![\w.])", when=lambda m: bool(re.search(r"S[0-9]+[ \t]*$", m.head))),
    Rule({"maxpool F2⟦/2⟧": "maxpool F2 S2", "conv F3 S2 K8⟦/2⟧": "conv F3 S2 K8", "conv F3 S1 K8⟦/2⟧": ""},
         on="DIVIDE", last="HYPER", when=_stride),
    Rule({"slice ⟦0, 2⟧": "slice 0:2", "slice ⟦0..2⟧": "slice 0:2"}, on="COMMA ?", when=_range),
    Rule({"pad ⟦1,1,1,1⟧": "pad 1", "pad ⟦0,1,0,1⟧": ""}, on="COMMA", when=_sides),
    Rule({"upsample ⟦*2⟧": "upsample 2"}, "expected a number, found `*`", on="STAR", last="NAME",
         here=r"\*[ \t]*([0-9]+)(?![\w.])",
         when=lambda m: bool(re.search(r"\b(?:up|pixel)\w+[ \t]*$", m.head)), put="{1}"),
    Rule({"relu ⟦-> 3x4x4⟧": "relu => 3x4x4"}, on="DIM", last="ARROW", when=_shape_as_a_step),
    Rule({"expect params ⟦1 516⟧": "expect params 1,516"}, on="NUMBER CLAIM_NUMBER DIM", last="CLAIM_NUMBER",
         when=_spaced),
    Rule({"dropout ⟦0,5⟧": "dropout 0.5", "fc ⟦4,096⟧": "fc 4096", "conv ⟦F3,5⟧ K8": "conv F3x5 K8",
         "conv F3 ⟦P1,1,0,0⟧ K8": "", "let a = ⟦1,500⟧": ""}, on="COMMA", when=_by_commas),
)  # fmt: skip

NUMBERS = (
    Rule({"leaky ⟦-0.1⟧": "leaky (-0.1)"}, on="MINUS PLUS", accepts="LPAR", last="NAME", when=_signed),
    Rule({"conv F3 ⟦K1.024⟧": "conv F3 K1024", "expect params ⟦4'000⟧": "expect params 4,000"}, on="?",
         when=_pointed),
    Rule({"let a = ⟦1_000⟧": "let a = 1000", "let a = ⟦.5⟧": "let a = 0.5", "upsample ⟦2x⟧": "upsample 2"},
         on="?", when=_odd),
)  # fmt: skip
