"""A layer's arguments: values by name and by place, labels, matrices. (Hyperparameters are in letters.py.)"""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import Any

from cnnspec.diagnostics import Edit, Span
from cnnspec.language import tree
from cnnspec.language.builder.context import Actions, Context
from cnnspec.language.builder.expressions import fraction
from cnnspec.language.builder.letters import HYPER, hyperparameters
from cnnspec.language.tokens import LETTERS


def _named(c: Context, v: Items[Any]) -> list[tree.Argument]:
    (_, text, start, end), _, value = v
    span = c.span(v)
    if text in LETTERS:
        return [tree.LetterArgument(text, same(value), False, span)]
    if text[-1] not in LETTERS or not HYPER.fullmatch(text[:-1]):
        return [tree.NamedArgument(text, value, span, Span(start, end))]
    begin = end - 1  # `F3S1K=k`
    c.sink.report(
        "E104", f"`{text[-1]}=` is glued to `{text[:-1]}`", Span(start, end),
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
