"""Weights: how many numbers the network learns (`trainable`), holds as parameters (`params`), and keeps
beside them (`buffers`: running statistics).

All of it comes from `Op.weights`, the named shapes that the emitted programs use too. The uses of a
`shared` block have the same weights, which count once: a stretch of the network has weights of its own,
which add up, and a set of shared blocks, whose union is taken."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import NamedTuple

from cnnspec.analyses.shapes import Fit, Shapes
from cnnspec.ir.graph import Graph, Layer, Region, Step
from cnnspec.ops.base import Weight


class Tally(NamedTuple):
    """Numbers of weights: `params` = `trainable` + frozen ones; `buffers` are none of the params."""

    params: int = 0
    trainable: int = 0
    buffers: int = 0

    def plus(self, other: Tally) -> Tally:
        return Tally(
            self.params + other.params, self.trainable + other.trainable, self.buffers + other.buffers
        )

    def times(self, count: int) -> Tally:
        return Tally(count * self.params, count * self.trainable, count * self.buffers)


NOTHING = Tally()


class Holding(NamedTuple):
    """The weights of a stretch: its own (None: a shape is unknown), and the shared blocks that it uses."""

    own: Tally | None = NOTHING
    shared: frozenset[str] = frozenset()

    def plus(self, other: Holding) -> Holding:
        own = None if self.own is None or other.own is None else self.own.plus(other.own)
        return Holding(own, self.shared | other.shared if other.shared else self.shared)

    def times(self, count: int) -> Holding:
        return Holding(None if self.own is None else self.own.times(count), self.shared)


class Weights(NamedTuple):
    """`steps[b][s]`: what step `s` of body `b` holds, all its passes together; `bodies[b]`: what one pass
    through body `b` holds; `shared`: what each shared block holds itself, without those that it uses.
    """

    steps: tuple[tuple[Holding, ...], ...]
    bodies: tuple[Holding, ...]
    shared: dict[str, Tally | None]

    @property
    def total(self) -> Tally | None:
        """Of the whole network."""
        return self.of(self.bodies[-1])

    def stretch(self, body: int, first: int, last: int) -> Tally | None:
        """Of the steps `first` … `last` (exclusive) of a body; a shared block in it counts once."""
        return self.of(_together(self.steps[body][first:last]))

    def of(self, holding: Holding) -> Tally | None:
        """A holding's own weights and those of its shared blocks."""
        result = holding.own
        for name in holding.shared:
            part = self.shared[name]
            if result is None or part is None:
                return None
            result = result.plus(part)
        return result


def weights(graph: Graph, shapes: Shapes) -> Weights:
    """The weights of all steps and bodies of a network."""
    steps: list[tuple[Holding, ...]] = []
    bodies: list[Holding] = []
    shared: dict[str, Tally | None] = {}
    for body, fits in zip(graph.bodies, shapes, strict=True):
        held = tuple(_step(step, fit, bodies, shared) for step, fit in zip(body.steps, fits, strict=True))
        steps.append(held)
        bodies.append(_together(held))
    return Weights(tuple(steps), tuple(bodies), shared)


def tally(named: Iterable[Weight]) -> Tally:
    """One layer's weights counted by their role. A buffer of shape () is one number."""
    trainable = frozen = buffers = 0
    for weight in named:
        numbers = prod(weight.shape)
        if weight.role == "trainable":
            trainable += numbers
        elif weight.role == "frozen":
            frozen += numbers
        else:
            buffers += numbers
    return Tally(trainable + frozen, trainable, buffers)


def _step(step: Step, fit: Fit | None, bodies: list[Holding], shared: dict[str, Tally | None]) -> Holding:
    if isinstance(step, Region):
        held = _together(bodies[one.body].times(one.count) for one in step.passes)
        if step.shared is None:
            return held
        shared.setdefault(step.shared, held.own)
        return Holding(NOTHING, held.shared | {step.shared})
    if isinstance(step, Layer) and fit is not None:
        named = step.op.weights(*fit.arriving)
        return Holding(tally(named)) if named else Holding()
    return Holding(None)


def _together(parts: Iterable[Holding]) -> Holding:
    result = Holding()
    for part in parts:
        result = result.plus(part)
    return result
