"""Depth as papers count it.

`layers`: the most weighted layers (conv, dwconv, deconv, fc, rbf, subsample: `Op.weighted`) on one way from
input to output, gates aside; ResNet-50 has 50, its projections lie beside longer ways. `weighted`: all of
them.

The recurrence: the depth of a layer's output is the largest of its inputs' plus 1 if the layer is
weighted. A body is summarised as the most weighted layers between each of its inputs and each of its
outputs, so that a repeat is a sum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from cnnspec.analyses.carried import carried_values
from cnnspec.analyses.shapes import Shapes
from cnnspec.analyses.sums import Sums, sums
from cnnspec.ir.graph import Body, Graph, Layer, Region, Step
from cnnspec.ir.walk import places

Ways: TypeAlias = dict[int, int]
"""From which inputs of the body a value can be reached, and past how many weighted layers at most."""


def weighted(graph: Graph, shapes: Shapes) -> Sums:
    """All layers that papers count."""
    return sums(graph, shapes, lambda op, arriving, out: int(op.weighted))


class Depth(NamedTuple):
    """`outputs[b]`: the ways from the inputs of body `b` to its outputs."""

    graph: Graph
    outputs: tuple[tuple[Ways, ...], ...]

    @property
    def total(self) -> int:
        """Most weighted layers on one way from an input to an output of the network."""
        return max((most for ways in self.outputs[-1] for most in ways.values()), default=0)

    def stretch(self, body: int, first: int, last: int, value: int) -> int:
        """Most weighted layers on one way through the steps `first` … `last` (exclusive) of a body to the
        value that they end with.
        """
        known: list[Ways] = []
        here = self.graph.bodies[body]
        for index, step, output in places(here):
            if index == last:
                break
            if index >= first:
                known += [{0: 0}] * (output - len(known))  # what is there before: all one origin
                known += _step(here, step, output, known, self.outputs)
        return max((most for ways in known[value : value + 1] for most in ways.values()), default=0)


def depth(graph: Graph) -> Depth:
    """The ways through all bodies of a network."""
    outputs: list[tuple[Ways, ...]] = []
    for body in graph.bodies:
        known: list[Ways] = [{number: 0} for number in range(body.inputs)]
        for _, step, output in places(body):
            known += _step(body, step, output, known, outputs)
        outputs.append(tuple(known[number] for number in body.outputs))
    return Depth(graph, tuple(outputs))


def _step(
    body: Body, step: Step, output: int, known: list[Ways], outputs: Sequence[tuple[Ways, ...]]
) -> list[Ways]:
    if isinstance(step, Region):
        return _region(step, [known[number] for number in step.inputs], outputs)
    if isinstance(step, Layer):
        counts = int(step.op.weighted)
        ways = _longest([known[number] for number in carried_values(step, body.values, output)])
        return [{origin: most + counts for origin, most in ways.items()} if counts else ways]
    return [_longest([known[number] for number in step.inputs])]


def _region(region: Region, given: Sequence[Ways], outputs: Sequence[tuple[Ways, ...]]) -> list[Ways]:
    results = list(given)
    for one in region.passes:
        through = outputs[one.body]
        if one.count > 1:  # all but the last of equal passes at once
            given = [_repeated(through[0], given, one.count - 1), *given[1:]]
        results = [_after(ways, given) for ways in through]
        given = [results[0], *given[1:]]
    return results[: region.outputs]


def _repeated(ways: Ways, given: Sequence[Ways], count: int) -> Ways:
    """The first output after `count` passes, each of which gets the one before's as its first input.

    An input from outside joins best in the first pass (the further passes only add), unless the first input
    leads nowhere: then only the last pass counts.
    """
    first = _after(ways, given)
    if 0 not in ways or count == 1:
        return first
    return {origin: most + (count - 1) * ways[0] for origin, most in first.items()}


def _after(ways: Ways, given: Sequence[Ways]) -> Ways:
    """The ways through a body, behind the ways to its inputs."""
    return _longest(
        [
            {origin: most + further for origin, most in given[number].items()}
            for number, further in ways.items()
        ]
    )


def _longest(parts: Sequence[Ways]) -> Ways:
    if len(parts) == 1:
        return parts[0]
    result: Ways = {}
    for part in parts:
        for origin, most in part.items():
            if most > result.get(origin, -1):
                result[origin] = most
    return result
