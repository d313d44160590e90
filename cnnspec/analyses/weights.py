"""Weights: how many numbers the network learns (`trainable`), how many parameters it has (`params`), and how
many buffers (`buffers`: running statistics).

All numbers come from `Op.weights`, the named shapes that the emitted programs use too. The uses of a `shared`
block have the same weights, which count once: a sequence of steps has weights of its own, which add up, and
the weights of the shared blocks that it uses, each counted once.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from math import prod
from typing import NamedTuple, TypeAlias

from cnnspec.analyses.shapes import Shaped, Shapes
from cnnspec.diagnostics import Diagnostic
from cnnspec.ir.graph import Graph, Region, Step
from cnnspec.ops.base import Weight


class Tally(NamedTuple):
    """Numbers of weights: `params` = `trainable` + frozen ones; `buffers` are not included in params."""

    params: int = 0
    trainable: int = 0
    buffers: int = 0


NOTHING = Tally()
INNER = "."
"""The prefix of the key of a shared block that belongs to a use of a block."""
OWN = ""
"""The key of the weights outside shared blocks; no shared block has this name."""
Held: TypeAlias = dict[str, Tally | None]
"""The weights of a sequence of steps: its own, and by name those of each shared block without the shared
blocks in it. A shared block that belongs to a use of a block is under INNER and its name, up to that use.
None: a shape is unknown.
"""


class Weights(NamedTuple):
    """`steps[b][s]`: the weights of step `s` of body `b`, all its passes together; `bodies[b]`: the weights
    of one pass through body `b`.
    """

    steps: tuple[tuple[Held, ...], ...]
    bodies: tuple[Held, ...]

    @property
    def total(self) -> Tally | None:
        """The weights of the whole network."""
        return counted(self.bodies[-1])

    def stretch(self, body: int, first: int, last: int) -> Tally | None:
        """The weights of the steps `first` … `last` (exclusive) of a body; a shared block in it counts
        once.
        """
        return counted(_together(self.steps[body][first:last]))


def weights(graph: Graph, shapes: Shapes) -> Weights:
    """The weights of all steps and bodies of a network."""
    steps: list[tuple[Held, ...]] = []
    bodies: list[Held] = []
    for body, layers in zip(graph.bodies, shapes, strict=True):
        counts = tuple(_step(step, layer, bodies) for step, layer in zip(body.steps, layers, strict=True))
        steps.append(counts)
        bodies.append(_together(counts))
    return Weights(tuple(steps), tuple(bodies))


def counted(held: Held) -> Tally | None:
    """The sum of own weights and the weights of the shared blocks."""
    return reduce(_plus, held.values())


def tally(named: Iterable[Weight]) -> Tally:
    """One layer's weights counted by their role. A buffer of shape () is one number."""
    sizes = {"trainable": 0, "frozen": 0, "buffer": 0}
    for weight in named:
        sizes[weight.role] += prod(weight.shape)
    return Tally(sizes["trainable"] + sizes["frozen"], sizes["trainable"], sizes["buffer"])


def _step(step: Step, layer: Shaped | None, bodies: list[Held]) -> Held:
    if layer is not None:
        return {OWN: tally(layer.op.weights(*layer.inputs))}
    if not isinstance(step, Region):
        return {OWN: None}
    held = _together({**bodies[one.body], OWN: _times(one.count, bodies[one.body])} for one in step.passes)
    if step.block is not None:
        own = (one for name, one in held.items() if name == OWN or name.startswith(INNER))
        held = {name: one for name, one in held.items() if not name.startswith(INNER)} | {
            OWN: reduce(_plus, own)
        }
    if step.shared is None:
        return held
    return {**held, f"{INNER * step.inner}{step.shared}": held[OWN], OWN: NOTHING}


def _times(count: int, held: Held) -> Tally | None:
    own = held[OWN]
    return None if own is None else Tally(*(count * number for number in own))


def _together(parts: Iterable[Held]) -> Held:
    result: Held = {OWN: NOTHING}
    for part in parts:
        result |= {**part, OWN: _plus(result[OWN], part[OWN])}
    return result


def _plus(one: Tally | None, other: Tally | None) -> Tally | None:
    if one is None or other is None:
        return None
    return Tally(one[0] + other[0], one[1] + other[1], one[2] + other[2])


def too_many_weights(graph: Graph, weights: Weights, limit: int) -> Diagnostic | None:
    """E606 where the network has more than `limit` weights, at the layer that has the most: two lines can
    describe a network that no computer has the memory for.
    """
    total = weights.total
    if total is None or total.params <= limit:
        return None
    step: Step | None = None
    body = len(graph.bodies) - 1
    while step is None or isinstance(step, Region):
        held = [(counted(one) or NOTHING).params for one in weights.steps[body]]
        step = graph.bodies[body].steps[held.index(max(held))]
        if isinstance(step, Region):
            body = step.passes[-1].body
    return Diagnostic(
        "E606",
        f"this network has {total.params:,} weights, more than the {limit:,} allowed; "
        "this layer has the most of them",
        step.span,
        help="a `gap` or pool before a fully connected layer saves most; --max-weights raises the limit",
    )
