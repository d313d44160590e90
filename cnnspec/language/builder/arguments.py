"""A layer's arguments: values by name and by place, labels, matrices. (Hyperparameters are in letters.py.)"""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import Any

from cnnspec.diagnostics import Edit, Span
from cnnspec.language import tree
from cnnspec.language.builder.context import Context
from cnnspec.language.builder.letters import HYPER, hyperparameters
from cnnspec.language.builder.numbers import fraction
from cnnspec.language.tokens import LETTERS


def named(c: Context, v: Items[Any]) -> list[tree.Argument]:
    (_, text, start, end), _, value = v
    last = c.whole(value).end
    span = Span(start, last)
    if text in LETTERS:
        if type(value) is tree.Name and value.name == "same":
            value = tree.Same(value.span)
        return [tree.LetterArgument(text, value, False, span)]
    if text[-1] in LETTERS and HYPER.fullmatch(text[:-1]):  # `F3S1K=k`
        begin = end - 1
        c.sink.report(
            "E104", f"`{text[-1]}=` is glued to `{text[:-1]}`", Span(start, end),
            help=f"write `{text[:-1]} {text[-1]}=`", fix=(Edit(Span(begin, begin), " "),), safe=True,
        )  # fmt: skip
        return [
            *hyperparameters(c, text[:-1], start),
            tree.LetterArgument(text[-1], value, False, Span(begin, last)),
        ]
    return [tree.NamedArgument(text, value, span, Span(start, end))]


def positional(c: Context, v: Items[Any]) -> list[tree.Argument]:
    return [tree.PositionalArgument(v[0], c.whole(v[0]))]


def positional_range(c: Context, v: Items[Any]) -> list[tree.Argument]:
    found = range_of(c, v)
    return [tree.PositionalArgument(found, found.span)]


def range_of(c: Context, v: Items[Any]) -> tree.Range:
    low, _, high = v
    return tree.Range(low, high, Span(c.whole(low).start, c.whole(high).end))


def reference(c: Context, v: Items[Any]) -> tree.Reference:
    ((_, text, start, end),) = v
    return tree.Reference(text[1:], Span(start, end))


def matrix(c: Context, v: Items[Any]) -> tree.Matrix:
    opened, planes, closed = v
    return tree.Matrix(
        tuple(tuple(tuple(fraction(c, *number[1:]) for number in row) for row in plane) for plane in planes),
        Span(opened.start, closed.end),
    )
