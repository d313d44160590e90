"""The knobs that the model's constructor takes: those whose other values change only numbers of the program.

The program is lowered for the network and for the network under other values (`lower.other_numbers`), so that
each number that depends on a knob has an expression. A knob with which this fails is a constant.
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

Made = TypeVar("Made")


def with_knobs(
    graph: Graph, lowered: Callable[[Graph, Sequence[str], Sequence[tuple[int, Numbers]]], Made]
) -> Made:
    """What `lowered` makes of the graph with as many knobs as possible."""
    names = [name for name in graph.arguments if _varied(graph, [name]) is not None]
    if (made := _tried(graph, names, lowered)) is not None:
        return made
    names = [name for name in names if len(names) > 1 and _tried(graph, [name], lowered) is not None]
    made = _tried(graph, names, lowered)
    return lowered(graph, (), ()) if made is None else made


def _tried(
    graph: Graph,
    names: Sequence[str],
    lowered: Callable[[Graph, Sequence[str], Sequence[tuple[int, Numbers]]], Made],
) -> Made | None:
    varied = _varied(graph, names) if names else None
    if varied is None:
        return None
    try:
        return lowered(varied[0], names, varied[1])
    except (Diverges, Unsupported, Mismatch):
        return None


def _varied(graph: Graph, names: Sequence[str]) -> tuple[Graph, list[tuple[int, Numbers]]] | None:
    """The graph with further bodies of the network, and the numbers of each; None where it would differ in
    more than numbers, or no other value fits."""
    others: list[tuple[int, Numbers]] = []
    for name in names:
        before = len(others)
        for value in other_values(graph.numbers[name]):
            numbers = {**graph.numbers, name: value}
            try:
                graph = under(graph, numbers)
            except Unfit:
                continue
            except (Differs, Mismatch):
                return None
            others.append((len(graph.bodies) - 2, numbers))
        if len(others) == before:
            return None
    return graph, others


def other_values(value: Exact) -> tuple[Exact, ...]:
    """Twice as many fit wherever a number is divided; one more shows what is rounded."""
    if isinstance(value, Fraction):
        return (value / 2,)
    return (2 * value, value + 1) if isinstance(value, int) and value else (1,)
