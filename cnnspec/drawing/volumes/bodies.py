"""Facts about each body, found before the network is unfolded: how much it contains, and whether it is drawn
open.

A body with branches of its own (a residual block, an inception) is drawn closed, as one volume. It is open
where it is a chain; and where it makes maps smaller and larger again, because its branches are then the skips
of an encoder and a decoder."""

from __future__ import annotations

from collections.abc import Collection
from math import prod
from typing import NamedTuple

from cnnspec.drawing.colors import kind_of
from cnnspec.ir.graph import Body, Graph, Layer, Region, Step, outputs_of, places
from cnnspec.ops import Op
from cnnspec.ops.base import Shape

MOST_OPEN = 150
"""The most volumes of a body with an encoder and a decoder that is drawn open."""


class Inside(NamedTuple):
    """A body: its number of layers and of volumes, whether maps get smaller and larger in it, whether
    branches meet in it or in another use of its template, and the kind of its volumes (`block` where there
    are several)."""

    layers: int
    volumes: int
    shrinks: bool
    grows: bool
    branches: bool
    kind: str
    asked: bool | None = None
    """Whether the options close (True) or open (False) its block."""

    @property
    def closed(self) -> bool:
        if self.asked is not None:
            return self.asked
        both_ways = self.shrinks and self.grows and self.volumes <= MOST_OPEN
        return self.branches and not both_ways


def insides(
    graph: Graph, expand: Collection[str], collapse: Collection[str], levels: int
) -> list[list[Inside]]:
    """The bodies' facts, for each number of block levels that are still to be opened: 0 up to `levels`, or as
    many as there are. The blocks `collapse` are closed, and those of `expand` open. Inner bodies come before
    outer ones."""
    branching = {
        body.template for body in graph.bodies if _branches(body) and graph.templates[body.template].block
    }
    tables: list[list[Inside]] = []
    while len(tables) <= levels:
        known: list[Inside] = []
        for body in graph.bodies:
            block = graph.templates[body.template].block
            inside = _inside(body, tables[-1] if block and tables else known)
            asked = True if block in collapse else False if block in expand or (block and tables) else None
            known.append(inside._replace(branches=inside.branches or body.template in branching, asked=asked))
        if len(tables) > 1 and known == tables[-1]:
            break
        tables.append(known)
    return tables


def _branches(body: Body) -> bool:
    """Whether paths separate in a body and meet again in it."""
    reads = [1 << number for number in range(body.inputs)]  # the inputs with a path to a value, as bits
    for step in body.steps:
        seen = 0
        for value in data_inputs(step):
            if isinstance(step, Layer) and step.op.merges and seen & reads[value]:
                return True
            seen |= reads[value]
        reads += [seen] * outputs_of(step)
    return False


def _inside(body: Body, known: list[Inside]) -> Inside:
    layers = volumes = 0
    shrinks = grows = False
    kinds = set()
    for _, step, output in places(body):
        if isinstance(step, Region):
            for one in step.passes:
                inner = known[one.body]
                layers += inner.layers * one.count
                volumes += 1 if inner.closed else inner.volumes * one.count
                shrinks, grows = shrinks or inner.shrinks, grows or inner.grows
                kinds |= {"block"} if inner.closed or inner.branches else {inner.kind} - {""}
        else:
            layers += 1
            inputs = [body.values[value] or () for value in step.inputs]
            out = body.values[output] or ()
            if isinstance(step, Layer) and not kept_within(step.op, inputs, out):
                volumes += not is_sum(step.op)
                kinds |= set() if step.op.merges else {kind_between(step.op, inputs[0], out)}
            sizes = [prod(shape[1:]) for shape in (*inputs[:1], out)]
            if min(sizes) > 1:
                shrinks, grows = shrinks or sizes[-1] < sizes[0], grows or sizes[-1] > sizes[0]
    kind = kinds.pop() if len(kinds) == 1 else "block"
    return Inside(layers, volumes, shrinks, grows, _branches(body), kind)


def is_sum(op: Op) -> bool:
    """Whether a layer is a merge that keeps the shape of its branches."""
    return op.merges and op.word != "concat" and op.operator


def data_inputs(step: Step) -> tuple[int, ...]:
    """The values that a step reads for their numbers, not only for their shape."""
    if isinstance(step, Layer) and step.op.tensors:
        return step.inputs[:1]
    return step.inputs


def kept_within(op: Op, inputs: list[Shape], out: Shape) -> bool:
    """Whether a layer is drawn as a part of the volume that it reads: a layer that normalises, crops, pads or
    rearranges it."""
    if op.merges:
        return len(inputs) == 1
    if op.weighted or op.linear or kind_of(op) == "pool":
        return False
    input_shape = inputs[0]
    if len(input_shape) != len(out) or len(out) == 1:
        return prod(input_shape) == prod(out)
    return all(one.size == 1 and one.stride == 1 for one in op.window(tuple(inputs), out))


def kind_between(op: Op, input_shape: Shape, out: Shape) -> str:
    """The kind of layer whose colour a volume gets; a layer that makes maps larger counts as such."""
    if len(input_shape) == len(out) > 1 and prod(out[1:]) > prod(input_shape[1:]):
        return "resize"
    if op.linear and len(out) == 1:
        return "dense"
    return kind_of(op)
