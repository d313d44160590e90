"""Numbers, exactly as they are written; expressions, shapes, arguments and claims, which are made of them."""

from __future__ import annotations

import re
from collections.abc import Sequence as Items
from fractions import Fraction
from typing import Any

from cnnspec.diagnostics import Edit, Span
from cnnspec.language import tree
from cnnspec.language.builder.context import Actions, Context, append
from cnnspec.language.tokens import ARROWS, LETTERS

MAX_DIGITS = 40
"""The most digits of a number before and after its point, and its largest exponent."""
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "B": 1}
_UNITS |= {"KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_EXPONENT = re.compile(r"[eE][-+]?([0-9]+)")
HYPER = re.compile(r"(?:[FSPKGD](?:[0-9]+(?:x[0-9]+){0,2}|same))+")
_SIZE = re.compile("[0-9]+")
_LETTER = re.compile(r"([FSPKGD])(?:(same)|([0-9]+(?:x[0-9]+)*))")

# --- numbers and expressions ----------------------------------------------------------------------


def fraction(c: Context, text: str, start: int, end: int) -> Fraction:
    """The exact value of `12`, `0.1`, `1e-6`, `2/3`; for an invalid number 1, with a finding."""
    value = c.numbers.get(text)
    if value is not None:
        return value
    digits, exponent = sum(map(str.isdigit, text)), _EXPONENT.search(text)
    code, message = "E603", ""
    if digits > MAX_DIGITS:
        message = f"this number has {digits:,} digits; {MAX_DIGITS} are allowed"
    elif exponent and int(exponent[1]) > MAX_DIGITS:
        message = f"the exponent of this number is larger than {MAX_DIGITS}"
    else:
        try:
            value = c.numbers[text] = Fraction(text)
            return value
        except ZeroDivisionError:
            code, message = "E106", f"{text} divides by zero"
        except ValueError:
            code, message = "E106", f"{text} is not a valid fraction: both its numbers must be whole"
    c.sink.report(code, message, Span(start, end))
    return Fraction(1)


def number(c: Context, text: str, start: int, end: int) -> tree.Number:
    return tree.Number(fraction(c, text, start, end), text, Span(start, end))


def _dimension(c: Context, text: str, start: int, end: int) -> tree.Number:
    """A whole number; any other number is reported (E106) and rounded."""
    if text.isdigit():
        return number(c, text, start, end)
    plain = text.lstrip("~").rstrip("kKMGiB")
    value = fraction(c, plain, start, end) * _UNITS[text.lstrip("~")[len(plain) :]]
    whole = value.denominator == 1 and "e" in plain.lower()
    message = (
        f"{text} is not a valid dimension: dimensions are {'written as digits' if whole else 'whole numbers'}"
    )
    way = "a dimension is written as digits, `224`, or as an expression in parentheses, `(r/2)`"
    way = f"write `{value}`" if whole else way
    if plain in c.numbers:  # else its size is reported
        c.sink.report("E106", message, Span(start, end), help=way)
    return tree.Number(Fraction(max(int(value), 1)), text, Span(start, end))


def _binary(c: Context, v: Items[Any]) -> Any:
    left, operator, right = v
    text = ARROWS.get(operator.text, operator.text)
    return c.checked(tree.Binary(text, left, right, c.span(v)), left, right)


def _function(c: Context, v: Items[Any]) -> Any:
    (_, text, start, end), arguments, _ = v
    node = tree.Function(text[:-1], tuple(arguments), c.span(v), Span(start, end - 1))
    return c.checked(node, *arguments)


def _list(c: Context, v: Items[Any]) -> Any:
    entries = tuple(v[1]) if type(v[1]) is list else (v[1],)
    return c.checked(tree.List(entries, c.span(v)), *entries)


def _parenthesis(c: Context, v: Items[Any]) -> Any:
    c.brackets[id(v[1])] = v[1], c.span(v)
    return v[1]


def _dim(c: Context, token: Any) -> tree.Number:
    _, text, start, end = token
    return _dimension(c, text[:-1], start, end - 1)


def _dims(start: int, dims: Items[Any], last: Any, end: int) -> tree.Dims:
    return tree.Dims((*dims, last), Span(start, end))


# A shape that is not complete is a list: where it begins, and its dimensions.
EXPRESSIONS: Actions = {
    "number": lambda c, v: number(c, *v[0][1:]),
    "variable": lambda c, v: tree.Name(v[0].text, v[0].span),
    "unary": lambda c, v: c.checked(tree.Unary(v[0].text, v[1], c.span(v)), v[1]),
    "binary": _binary,
    "conditional": lambda c, v: c.checked(tree.Conditional(v[2], v[0], v[4], c.span(v)), v[0], v[2], v[4]),
    "function": _function,
    "parenthesis": _parenthesis,
    "list": _list,
    "list_of_one": _list,
    "dim": lambda c, v: [v[0].start, _dim(c, v[0])],
    "dim_expr": lambda c, v: [v[0].start, v[1]],
    "more_dim": lambda c, v: append(v[0], _dim(c, v[1])),
    "more_dim_expr": lambda c, v: append(v[0], v[2]),
    "dims_to_number": lambda c, v: _dims(v[0][0], v[0][1:], _dimension(c, *v[1][1:]), v[1].end),
    "dims_to_expr": lambda c, v: _dims(v[0][0], v[0][1:], v[2], v[3].end),
    "dims_number": lambda c, v: tree.Dims((_dimension(c, *v[0][1:]),), v[0].span),
    "dims_expr": lambda c, v: tree.Dims((v[1],), c.span(v)),
}

# --- arguments ------------------------------------------------------------------------------------


def hyperparameters(c: Context, text: str, start: int) -> list[tree.LetterArgument]:
    """`F5S1P2` is three."""
    letters = []
    for part in _LETTER.finditer(text):
        letter, same, sizes = part.groups()
        begin, end = start + part.start(), start + part.end()
        span = Span(begin + 1, end)
        value: tree.Value
        if same:
            value = tree.Same(span)
        elif "x" not in sizes:
            value = number(c, sizes, begin + 1, end)
        else:
            at = begin + 1
            dims = (number(c, one[0], at + one.start(), at + one.end()) for one in _SIZE.finditer(sizes))
            value = tree.Dims(tuple(dims), span)
        letters.append(tree.LetterArgument(letter, value, True, Span(begin, end)))
    return letters


def _named(c: Context, v: Items[Any]) -> list[tree.Argument]:
    (_, text, start, end), _, value = v
    span = c.span(v)
    if text in LETTERS:
        return [tree.LetterArgument(text, same(value), False, span)]
    if text[-1] not in LETTERS or not HYPER.fullmatch(text[:-1]):
        return [tree.NamedArgument(text, value, span, Span(start, end))]
    begin = end - 1  # `F3S1K=k`
    c.sink.report(
        "E104", f"expected a space between `{text[:-1]}` and `{text[-1]}=`", Span(start, end),
        help=f"write `{text[:-1]} {text[-1]}=`", fix=(Edit(Span(begin, begin), " "),), safe=True,
    )  # fmt: skip
    last = tree.LetterArgument(text[-1], value, False, Span(begin, span.end))
    return [*hyperparameters(c, text[:-1], start), last]


def same(value: Any) -> Any:
    """The value of a hyperparameter, where it may be the word `same`."""
    return tree.Same(value.span) if type(value) is tree.Name and value.name == "same" else value


def _range(c: Context, v: Items[Any]) -> tree.Range:
    return tree.Range(v[0], v[2], c.span(v))


def _matrix(c: Context, v: Items[Any]) -> tree.Matrix:
    planes = ((tuple(fraction(c, *number[1:]) for number in row) for row in plane) for plane in v[1])
    return tree.Matrix(tuple(map(tuple, planes)), c.span(v))


ARGUMENTS: Actions = {
    "letters": lambda c, v: hyperparameters(c, v[0].text, v[0].start),
    "named": _named,
    "positional": lambda c, v: [tree.PositionalArgument(v[0], c.whole(v[0]))],
    "positional_range": lambda c, v: [tree.PositionalArgument(_range(c, v), c.span(v))],
    "range_of": _range,
    "reference": lambda c, v: tree.Reference(v[0].text[1:], v[0].span),
    "matrix": _matrix,
}

# --- claims ---------------------------------------------------------------------------------------


def _quantity(c: Context, v: Items[Any]) -> tree.Quantity:
    """A number with its unit and its precision."""
    ((_, text, start, end),) = v
    digits = text.lstrip("~").replace(",", "")
    unit = _UNITS[digits.lstrip("0123456789.")]
    digits = digits.rstrip("kKMGiB")
    decimals = len(digits.partition(".")[2])
    value = fraction(c, digits, start, end) * unit
    return tree.Quantity(
        value, Fraction(unit, 10 ** min(decimals, MAX_DIGITS)), text[0] == "~", text, Span(start, end)
    )


def _expression(text: str, span: Span, expression: tree.Expr) -> tree.Quantity:
    return tree.Quantity(Fraction(0), Fraction(1), False, text, span, expression)


def _claim(c: Context, v: Items[Any]) -> tree.Claim:
    word, value = v
    if word.text == "out" and type(value) is tree.Quantity:  # `out 10` is a shape
        value = _shape_of(c, value)
    return tree.Claim(word.text, value, c.span(v), word.span)


def _shape_of(c: Context, value: tree.Quantity) -> tree.Dims:
    dim = value.expression or _dimension(c, value.text.replace(",", ""), *value.span)
    return tree.Dims((dim,), value.span)


def _shape(shape: tree.Dims) -> tree.Claim:
    return tree.Claim("out", shape, shape.span, shape.span)


CLAIMS: Actions = {
    "quantity": _quantity,
    "quantity_name": lambda c, v: _expression(v[0].text, v[0].span, tree.Name(v[0].text, v[0].span)),
    "quantity_expr": lambda c, v: _expression("", c.span(v), v[1]),
    "claim": _claim,
    "bound": lambda c, v: tree.Claim(v[0].text, v[2], c.span(v), v[0].span, v[1].text),
    "claim_shape": lambda c, v: _shape(v[0]),
    "claim_number": lambda c, v: _shape(_shape_of(c, _quantity(c, v))),
    "claim_expr": lambda c, v: _shape(tree.Dims((v[1],), c.span(v))),
}
VALUES: Actions = EXPRESSIONS | ARGUMENTS | CLAIMS
