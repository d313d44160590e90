"""Memory in bytes, float32, one image: the arrays that layers hold, and the largest total size of volumes
that exist at the same time in a forward pass.

The convention of the peak: a layer's inputs and its output exist together (nothing is computed in place),
with the numbers that the layer holds while it runs (the scores of attention). A volume exists from the layer
that makes it to the last layer that reads it; the model's outputs exist to the end. Weights are not counted.

A volume that is read after a block stays while the block's inside runs, and one whose last reader is inside
is freed there: the result equals that of the unrolled network. A body's peak therefore depends on which of
its inputs are still needed outside; it is computed once for each such case."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from math import prod
from typing import NamedTuple

from cnnspec.analyses.shapes import Shaped, Shapes
from cnnspec.analyses.weights import Tally
from cnnspec.ir.graph import Body, Graph, Region, handed_on, places, region_outputs, runs_of

BYTES = 4
"""Bytes of one float32 number."""

END = 1 << 60
"""A time after every moment."""


class Held(NamedTuple):
    """Bytes that some layers hold. `forward`: their outputs. `training`: their outputs and the gradients of
    these, all weights and buffers, and the gradients of the trainable weights. An optimizer's state is not
    included."""

    forward: int
    training: int


def held(activations: int | None, weights: Tally | None) -> Held | None:
    """The memory of layers with this number of output elements and these weights."""
    if activations is None or weights is None:
        return None
    elements = 2 * activations + weights.params + weights.trainable + weights.buffers
    return Held(BYTES * activations, BYTES * elements)


class Flow(NamedTuple):
    """Where a body's outputs come from: `source[k]` is i if output k is the volume of input i, and −1 − j if
    it is the volume computed for output j (usually j = k). `read` are the inputs that a layer inside
    reads."""

    source: tuple[int, ...]
    read: frozenset[int]
    sizes: tuple[int, ...]


class Moment(NamedTuple):
    """A layer, or one pass through a body (`body` is its number): the volumes of its inputs, those that it
    reads, and those of its outputs. `scratch` is the number of elements that a layer needs in addition while
    it runs."""

    inputs: tuple[int, ...]
    read: frozenset[int]
    gives: tuple[int, ...]
    sizes: tuple[int, ...]
    body: int | None = None
    scratch: int = 0


class Case(NamedTuple):
    """The facts outside of a pass through a body that affect its peak: `same[i]` is the first input with the
    same volume as input i; `kept` are the inputs that are still read after the pass."""

    body: int
    same: tuple[int, ...]
    kept: frozenset[int]


def peak_memory(graph: Graph, shapes: Shapes) -> int | None:
    """The peak in bytes; None where a shape is unknown."""
    if any(shape is None for body in graph.bodies for shape in body.values):
        return None
    root = graph.root
    case = Case(len(graph.bodies) - 1, tuple(range(root.inputs)), frozenset())
    return BYTES * _peak(case, graph, shapes, _flows(graph, shapes), {})


def _peak(case: Case, graph: Graph, shapes: Shapes, flows: Sequence[Flow], known: dict[Case, int]) -> int:
    """The largest number of elements that exist at once in one pass through a body, including its inputs and
    outputs."""
    if case in known:
        return known[case]
    body = graph.bodies[case.body]
    moments, outputs = _moments(body, shapes[case.body], case.same, flows)
    last = {volume: time for time, moment in enumerate(moments) for volume in moment.read}
    last |= {case.same[number]: END for number in case.kept}
    last |= dict.fromkeys(outputs, END)
    alive = {
        volume: prod(body.values[volume] or ()) for volume in set(case.same) if last.get(volume, -1) >= 0
    }
    living = peak = sum(alive.values())
    for time, moment in enumerate(moments):
        later = [last.get(volume, -1) > time for volume in moment.gives]
        if moment.body is None:
            peak = max(peak, living + sum(moment.sizes) + moment.scratch)
        else:
            beside = living - sum(alive.get(volume, 0) for volume in set(moment.inputs))
            inside = Case(
                moment.body,
                tuple(moment.inputs.index(volume) for volume in moment.inputs),
                frozenset(i for i, volume in enumerate(moment.inputs) if last.get(volume, -1) > time),
            )
            peak = max(peak, beside + _peak(inside, graph, shapes, flows, known))
        for volume in moment.read:
            if last[volume] == time:
                living -= alive.pop(volume)
        for volume, size, needed in zip(moment.gives, moment.sizes, later, strict=True):
            if needed and volume not in alive:
                alive[volume] = size
                living += size
    known[case] = peak
    return peak


def _moments(
    body: Body, layers: Sequence[Shaped | None], same: Sequence[int], flows: Sequence[Flow]
) -> tuple[list[Moment], list[int]]:
    """The layers and passes of a body in order, one `Moment` each, and the volumes of the body's outputs. The
    inputs have the volumes `same`; each new volume gets the next free number."""
    numbers = count(body.inputs)
    volumes = list(same)
    moments: list[Moment] = []
    for (_, step, output), layer in zip(places(body), layers, strict=True):
        inputs = tuple(volumes[number] for number in step.inputs)
        if isinstance(step, Region):
            passes = _passes(step, inputs, flows, numbers)
            moments += passes
            gives = [one.gives for one in passes]
            volumes += region_outputs(step, gives) if gives else inputs[: step.outputs]
        else:
            output_volume = next(numbers)
            scratch = 0 if layer is None else layer.op.scratch(layer.inputs, layer.output)
            sizes = (prod(body.values[output] or ()),)
            moments.append(Moment(inputs, frozenset(inputs), (output_volume,), sizes, scratch=scratch))
            volumes.append(output_volume)
    return moments, [volumes[number] for number in body.outputs]


def _passes(
    region: Region, inputs: tuple[int, ...], flows: Sequence[Flow], numbers: count[int]
) -> list[Moment]:
    """The passes of a region. Of more than three equal passes, the first two and the last are enough."""
    moments: list[Moment] = []
    for run in runs_of(region):
        flow = flows[run.body]
        for _ in range(min(run.count, 3)):
            fresh = {source: next(numbers) for source in sorted(set(flow.source)) if source < 0}
            gives = tuple(inputs[source] if source >= 0 else fresh[source] for source in flow.source)
            read = frozenset(inputs[number] for number in flow.read)
            moments.append(Moment(inputs, read, gives, flow.sizes, run.body))
            inputs = tuple(handed_on(region, inputs, gives))
    return moments


def _flows(graph: Graph, shapes: Shapes) -> list[Flow]:
    """The flows of all bodies that regions run, computed as if no two inputs of a body were the same
    volume."""
    flows: list[Flow] = []
    for body, layers in zip(graph.bodies[:-1], shapes, strict=False):
        moments, outputs = _moments(body, layers, range(body.inputs), flows)
        source = (v if v < body.inputs else -1 - outputs.index(v) for v in outputs)
        read = frozenset[int]().union(*(moment.read for moment in moments))
        sizes = tuple(prod(body.values[number] or ()) for number in body.outputs)
        flows.append(Flow(tuple(source), frozenset(v for v in read if v < body.inputs), sizes))
    return flows
