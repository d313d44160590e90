"""The parts of a network between a layer list and a text: lines of steps, as in the language.

Values keep their numbers from the layer list until their text is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from cnnspec.ops.base import Op

if TYPE_CHECKING:
    from cnnspec.structure.regions import Region


class Leaf(NamedTuple):
    """A layer of the list, by its number there; `tensors` are the values of its tensor arguments."""

    layer: int
    op: Op
    begin: int
    end: int
    tensors: tuple[int, ...] = ()


class Use(NamedTuple):
    """A region that is written as the use of a block; `tensors` are its inputs except the first."""

    region: Region
    begin: int
    end: int
    tensors: tuple[int, ...] = ()


class Merge(NamedTuple):
    """`add [ a | b ]`: a layer that merges branches. `layer` is None where the list has no such layer: a
    merge with one branch, which does nothing, in a use of a block whose other uses have more branches."""

    layer: int | None
    op: Op
    begin: int
    end: int
    branches: tuple[Chain | None, ...]


class Repeat(NamedTuple):
    """`[ … ]*n`: consecutive chains whose text is equal."""

    passes: tuple[Chain, ...]

    @property
    def begin(self) -> int:
        return self.passes[0].begin

    @property
    def end(self) -> int:
        return self.passes[-1].end


Step: TypeAlias = Leaf | Use | Merge | Repeat


class Chain(NamedTuple):
    """Consecutive steps from the value `begin`: `named` where the text names it (`@x -> …`), else the current
    value. `also` are further values at its beginning: `@x, @y -> …`."""

    begin: int
    named: bool
    steps: tuple[Step, ...]
    also: tuple[int, ...] = ()

    @property
    def end(self) -> int:
        return self.steps[-1].end if self.steps else self.begin


class Line(NamedTuple):
    """A chain on a line, and the values at its end."""

    chain: Chain
    ends: tuple[int, ...]


class Body(NamedTuple):
    """The lines of a file or a block. `named` are the values that need a label because other lines refer to
    them, in the order of the text."""

    inputs: tuple[int, ...]
    lines: tuple[Line, ...]
    outputs: tuple[int, ...]
    named: tuple[int, ...]


def local_numbers(body: Body) -> dict[int, int]:
    """For each value that a body's text refers to, its number in the body: first the inputs, then the
    labels."""
    return {value: number for number, value in enumerate(dict.fromkeys((*body.inputs, *body.named)))}


def references(chain: Chain) -> Iterator[int]:
    """The values that a chain refers to by label."""
    if chain.named:
        yield chain.begin
    yield from chain.also
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
    """The layers of a body in the order of computation."""
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
