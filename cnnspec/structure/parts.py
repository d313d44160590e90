"""What a network is made of on the way from a list to a text: lines of steps, as the language has them.

Values keep the numbers that they have in the layer list until their text is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from cnnspec.ops.base import Op

if TYPE_CHECKING:
    from cnnspec.structure.regions import Region


class Leaf(NamedTuple):
    """A layer of the list, by its number there; `tensors` are the values that its tensor arguments name."""

    layer: int
    op: Op
    begin: int
    end: int
    tensors: tuple[int, ...] = ()


class Use(NamedTuple):
    """A region that is written as the use of a block; `tensors` are its inputs but the first."""

    region: Region
    begin: int
    end: int
    tensors: tuple[int, ...] = ()


class Merge(NamedTuple):
    """`add [ a | b ]`: a layer that merges branches. `layer` is None where there is none in the list: the
    language has a merge of one branch, which does nothing, where other uses of a block merge."""

    layer: int | None
    op: Op
    begin: int
    end: int
    branches: tuple[Chain | None, ...]


class Repeat(NamedTuple):
    """`[ … ]*n`: chains that are written alike, one after the other."""

    passes: tuple[Chain, ...]

    @property
    def begin(self) -> int:
        return self.passes[0].begin

    @property
    def end(self) -> int:
        return self.passes[-1].end


Step: TypeAlias = Leaf | Use | Merge | Repeat


class Chain(NamedTuple):
    """Steps, one after the other, from the value `begin`: `named` where the text says so (`@x -> …`), else
    the value that is there."""

    begin: int
    named: bool
    steps: tuple[Step, ...]

    @property
    def end(self) -> int:
        return self.steps[-1].end if self.steps else self.begin


class Line(NamedTuple):
    """A chain that stands on a line, and the values that it ends with."""

    chain: Chain
    ends: tuple[int, ...]


class Body(NamedTuple):
    """What stands in a file or in a block: `named` are the values that something refers to, which need a
    label, in the order of the text."""

    inputs: tuple[int, ...]
    lines: tuple[Line, ...]
    outputs: tuple[int, ...]
    named: tuple[int, ...]


def local_numbers(body: Body) -> dict[int, int]:
    """The number of each value that a body's text refers to, in the body: its inputs, then its labels."""
    return {value: number for number, value in enumerate(dict.fromkeys((*body.inputs, *body.named)))}


def references(chain: Chain) -> Iterator[int]:
    """The values that a chain refers to by their labels."""
    if chain.named:
        yield chain.begin
    for step in chain.steps:
        if isinstance(step, Leaf | Use):
            yield from step.tensors
        else:
            for inner in chains_in(step):
                yield from references(inner)


def chains_in(step: Step) -> Iterable[Chain]:
    """The branches of a merge, the passes of a repeat."""
    match step:
        case Merge():
            return (branch for branch in step.branches if branch is not None)
        case Repeat():
            return step.passes
    return ()


def layers_of(body: Body) -> Iterator[int]:
    """The layers of a body in the order in which they are worked out."""
    for line in body.lines:
        yield from _layers(line.chain)


def _layers(chain: Chain) -> Iterator[int]:
    for step in chain.steps:
        for inner in chains_in(step):
            yield from _layers(inner)
        if isinstance(step, Use):
            yield from layers_of(step.region.body)
        elif not isinstance(step, Repeat) and step.layer is not None:
            yield step.layer
