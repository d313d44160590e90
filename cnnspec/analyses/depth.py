"""Depth as papers count it: the largest number of weighted layers (conv, dwconv, deconv, fc, rbf, subsample:
`Op.weighted`) on one path from input to output, without the branches that are gates. ResNet-50 has 50: its
projections are on shorter paths.

The recurrence: the depth of a layer's output is the largest depth of its inputs, plus 1 if the layer is
weighted. A body is summarised as the largest number of weighted layers between each of its inputs and each of
its outputs, so that a repeat is a sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from cnnspec.analyses.shapes import carried
from cnnspec.ir.graph import (
    Body,
    Graph,
    Layer,
    Region,
    Step,
    collected,
    handed_on,
    outputs_of,
    region_outputs,
    runs_of,
    start_of,
)

Paths: TypeAlias = dict[int, int]
"""The values from which a value can be reached, each with the largest number of weighted layers on the
path.
"""


class Depth(NamedTuple):
    """`outputs[b]`: the paths from the inputs of body `b` to its outputs."""

    graph: Graph
    outputs: tuple[tuple[Paths, ...], ...]

    @property
    def total(self) -> int:
        """The largest number of weighted layers on one path from an input to an output of the network."""
        return _most(self.outputs[-1])

    def stretch(self, body: int, first: int, last: int, value: int) -> int:
        """The largest number of weighted layers on one path through the steps `first` … `last` (exclusive) of
        a body to the value that they end with.
        """
        body_ = self.graph.bodies[body]
        if first >= last or value < start_of(body_, first):
            return 0
        return _most([_values(body_, self.outputs, first, last)[value]])


def depth(graph: Graph) -> Depth:
    """The paths through all bodies of a network."""
    outputs: list[tuple[Paths, ...]] = []
    for body in graph.bodies:
        values = _values(body, outputs, 0, len(body.steps))
        outputs.append(tuple(values[number] for number in body.outputs))
    return Depth(graph, tuple(outputs))


def _most(paths: Iterable[Paths]) -> int:
    return max((most for path in paths for most in path.values()), default=0)


def _values(body: Body, outputs: Sequence[tuple[Paths, ...]], first: int, last: int) -> dict[int, Paths]:
    """The longest paths to the values of a body, over the steps `first` … `last` (exclusive): paths from the
    body's inputs and from values computed by earlier steps."""
    known = {number: {number: 0} for number in range(body.inputs)}
    output = start_of(body, first)
    for step in body.steps[first:last]:
        inputs = [known.get(number, {number: 0}) for number in step.inputs]
        known |= enumerate(_step(body, step, output, inputs, outputs), start=output)
        output += outputs_of(step)
    return known


def _step(
    body: Body, step: Step, output: int, inputs: list[Paths], outputs: Sequence[tuple[Paths, ...]]
) -> list[Paths]:
    if isinstance(step, Region):
        return _region(step, inputs, outputs)
    if not isinstance(step, Layer):
        return [_longest(inputs)]
    shapes = [body.values[number] for number in step.inputs]
    paths = _longest([inputs[place] for place in carried(step.op, shapes, body.values[output])])
    return [{origin: most + 1 for origin, most in paths.items()} if step.op.weighted else paths]


def _region(region: Region, inputs: Sequence[Paths], outputs: Sequence[tuple[Paths, ...]]) -> list[Paths]:
    gathered: list[Sequence[Paths]] = []
    for run in runs_of(region):
        through = outputs[run.body]
        if run.count > 1:  # all equal passes except the last, at once
            inputs = [_repeated(through[0], inputs, run.count - 1), *inputs[1:]]
        results = [_after(paths, inputs) for paths in through]
        inputs, gathered = handed_on(region, inputs, results), collected(region, gathered, results)
    return region_outputs(region, gathered) if gathered else list(inputs[: region.outputs])


def _repeated(paths: Paths, inputs: Sequence[Paths], count: int) -> Paths:
    """The paths to the first output after `count` passes. The first output of a pass is the first input of
    the next. Inputs from outside the repeat join the longest path in the first pass, and further passes only
    add to it. If no path leads from the first input to the output, only the last pass counts.
    """
    further = (count - 1) * paths.get(0, 0)
    return {origin: most + further for origin, most in _after(paths, inputs).items()}


def _after(paths: Paths, inputs: Sequence[Paths]) -> Paths:
    """The paths through a body, continued from the paths to its inputs."""
    return _longest(
        [
            {origin: most + further for origin, most in inputs[number].items()}
            for number, further in paths.items()
        ]
    )


def _longest(parts: Sequence[Paths]) -> Paths:
    if len(parts) == 1:
        return parts[0]
    result: Paths = {}
    for part in parts:
        for origin, most in part.items():
            result[origin] = max(most, result.get(origin, 0))
    return result
