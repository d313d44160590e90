"""The knobs that the model's constructor takes: those whose other values change only numbers of the program.

The program is lowered for the network and for the network under other values (`lower.other_numbers`), so that
each number that depends on a knob has an expression. A knob with which this fails is a constant. Blocks are
passed the knobs that they read (`lower.passed_knobs`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TypeVar

from cnnspec.ir.expr import Exact
from cnnspec.ir.graph import Graph
from cnnspec.ir.uses import Mismatch, Numbers
from cnnspec.lower.call import Diverges, Unsupported
from cnnspec.lower.other_numbers import Differs, Unfit, under
from cnnspec.lower.passed_knobs import passable, passing

Made = TypeVar("Made")
Lowered = Callable[[Graph, Sequence[str], Sequence[tuple[int, Numbers]]], Made]


def with_knobs(graph: Graph, lowered: Lowered[Made]) -> Made:
    """What `lowered` makes of the graph with as many knobs as possible."""
    names, planned = _tried(graph, passable(graph), lowered)
    if planned is None and len(names) > 1:
        alone = {name: _tried(graph, [name], lowered)[1] for name in names}
        names = [name for name in names if alone[name] is not None]
        planned = alone[names[0]] if len(names) == 1 else _tried(graph, names, lowered)[1]
    return lowered(graph, (), ()) if planned is None else planned


def _tried(graph: Graph, names: Sequence[str], lowered: Lowered[Made]) -> tuple[list[str], Made | None]:
    """Those of the knobs with which the network differs only in numbers, and what is made with all of
    them."""
    while True:
        other = passing(graph, names)
        varying: list[str] = []
        others: list[tuple[int, Numbers]] = []
        together = _varied(other, names)  # less work than one after another
        for group in [names] if together is not None or len(names) < 2 else [[name] for name in names]:
            varied = together or _varied(other, group)
            if varied is not None:
                other, others = varied[0], [*others, *varied[1]]
                varying += group
        if len(varying) == len(names):
            break
        names = varying
    try:
        return varying, lowered(other, varying, others) if varying else None
    except (Diverges, Unsupported, Mismatch):
        return varying, None


def _varied(graph: Graph, names: Sequence[str]) -> tuple[Graph, list[tuple[int, Numbers]]] | None:
    """The graph with further bodies of the network, and the numbers of each; None where it would differ in
    more than numbers, or other values do not fit. For a single knob, one that fits is enough."""
    others: list[tuple[int, Numbers]] = []
    values = [other_values(graph.numbers[name], place) for place, name in enumerate(names)]
    for numbers in zip(*values, strict=True):
        other = graph.numbers | dict(zip(names, numbers, strict=True))
        if other in (graph.numbers, *(known for _, known in others)):
            continue
        try:
            graph = under(graph, other)
        except Unfit:
            if len(names) > 1:
                return None
        except (Differs, Mismatch):
            return None
        else:
            others.append((len(graph.bodies) - 2, other))
    return (graph, others) if others else None


def other_values(value: Exact, place: int) -> tuple[Exact, Exact]:
    """Two other values of a knob. Twice as many fit wherever a number is divided; one more shows what is
    rounded. Knobs of equal values have different ones: none is taken for another."""
    if isinstance(value, Fraction):
        return value / (place + 2), value
    return ((place + 2) * value, value + place + 1) if isinstance(value, int) and value else (place + 1,) * 2
