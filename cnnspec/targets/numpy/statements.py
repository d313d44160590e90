"""A function of the emitted program before it is text: its steps, with every tensor assigned once.

A step is a call of a layer or a block, an `if` or a loop. The forward pass is these steps as they stand; the
backward pass is the same steps from the last to the first, each with its own backward.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from cnnspec.lower import program
from cnnspec.lower.over import Entry
from cnnspec.lower.program import Tensor
from cnnspec.lower.symbolic import Node

Argument: TypeAlias = "tuple[str | None, Any]"


@dataclass(eq=False, slots=True)
class Layers:
    """What a block is given for a layer parameter: a function and its backward pass (by their names), with
    the layers and numbers that it is to be called with."""

    forward: str
    backward: str
    layers: list[Layers] = field(default_factory=list)
    arguments: list[Node] = field(default_factory=list)


def numbers_of(layers: Layers) -> Iterator[Node]:
    """All numbers in what a block is given."""
    yield from layers.arguments
    for one in layers.layers:
        yield from numbers_of(one)


@dataclass(eq=False, slots=True)
class Call:
    """`y = conv(x, net["conv1"], K=64, F=3)`.

    form: `layer` has one tensor to differentiate by and takes it before the place; `merge` takes the place
    and then all its tensors; `block` is a function of this file's own, or one for a layer
    parameter. reads: tensors that the arguments speak of, of which there is no gradient. suffix: stands
    after the place in the forward pass; around: what the place stands in.
    """

    form: Literal["layer", "merge", "block"]
    function: str
    place: str
    inputs: list[Tensor]
    outputs: list[Tensor]
    arguments: list[Argument] = field(default_factory=list)
    reads: list[Tensor] = field(default_factory=list)
    suffix: str = ""
    around: str = ""
    callee: Function | None = None
    places: list[str] = field(default_factory=list)
    """Of a block: where the weights of the shared blocks are that it is handed."""
    layers: list[Layers] = field(default_factory=list)
    """Of a block: what stands for its layer parameters."""
    backward: str = ""
    """The function of the way back, where that is not `function` with `_backward`."""

    @property
    def wanted(self) -> list[Tensor]:
        """The inputs that it gives a gradient back to."""
        return self.inputs if self.callee is None else self.callee.differentiable(self.inputs)


@dataclass(eq=False, slots=True)
class Let(program.Let):
    """`c = x.shape[-1]`: a number of the author's; or (`place`) which side an `if` takes,
    kept for the backward pass."""

    place: str = ""
    reads: list[Tensor] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class If(program.If["Step"]):
    """An `if` on a variable."""

    variable: str = ""


@dataclass(eq=False, slots=True)
class Gathered:
    """A list of what a tensor of a loop is in each pass, and the tensors that its entries are after it."""

    variable: str
    tensor: Tensor
    outputs: list[Tensor]


@dataclass(eq=False, slots=True)
class Loop:
    """`for i in range(stop): x = …`: `given` goes in, `inside` is what each pass begins with, `last` what it
    ends with, `outputs` its outputs, as many of each. Where `stop` is not a plain number it is kept at
    `place`."""

    variable: str
    stop: Node
    place: str
    given: list[Tensor]
    inside: list[Tensor]
    body: list[Step]
    last: list[Tensor]
    outputs: list[Tensor]
    reads: list[Tensor] = field(default_factory=list)
    body_reads: set[Tensor] = field(default_factory=set)
    """What the passes read of what was there before: the same for all."""
    over: list[Entry] = field(default_factory=list)
    """The lists of which each pass has an entry."""
    places: list[tuple[str, list[str]]] = field(default_factory=list)
    """Variables for places that differ from pass to pass."""
    collected: list[Gathered] = field(default_factory=list)

    @property
    def entries(self) -> list[Tensor]:
        """What is read of the passes one by one."""
        return [tensor for one in self.collected for tensor in one.outputs]

    @property
    def ends(self) -> list[Tensor]:
        """What a pass ends with: what it passes on, and what is gathered."""
        return [*self.last, *(one.tensor for one in self.collected)]


Step: TypeAlias = "Call | Let | If | Loop"


def every(steps: list[Step]) -> Iterator[Step]:
    """All steps, inner ones included."""
    for step in steps:
        yield step
        match step:
            case If():
                yield from every(step.then)
                yield from every(step.otherwise)
            case Loop():
                yield from every(step.body)


def touched(step: Step) -> tuple[list[Tensor], list[Tensor]]:
    """The tensors that a step reads itself, and those that it makes."""
    match step:
        case Call():
            return [*step.inputs, *step.reads], step.outputs
        case Let():
            return step.reads, []
        case If():
            sides = [side for _, *sides in step.joins for side in sides]
            return sides, [made for made, _, _ in step.joins]
        case Loop():
            return [*step.given, *step.ends, *step.reads], [*step.inside, *step.outputs, *step.entries]


def read_in(steps: list[Step]) -> list[Tensor]:
    """All tensors that steps read, inner ones included."""
    return [tensor for step in every(steps) for tensor in touched(step)[0]]


def made_in(steps: list[Step]) -> list[Tensor]:
    """All tensors that steps make, inner ones included."""
    return [tensor for step in every(steps) for tensor in touched(step)[1]]


@dataclass(eq=False, slots=True)
class Function:
    """A block of the author's (or the network) as a function: its tensors and its steps."""

    name: str
    source: program.Function
    inputs: list[Tensor]
    outputs: list[Tensor]
    steps: list[Step]
    names: dict[Tensor, str] = field(default_factory=dict)
    """Given by naming.py: several tensors that are never alive at once may have one name."""
    layers: dict[str, Layers] = field(default_factory=dict)
    """Its layer parameters, by their variables."""
    alone: str | None = None
    """Of layers that are given to a block: the one function that they are, called with nothing else."""
    having: frozenset[int] = frozenset()
    """Which inputs have a gradient: not those of which only the size is read."""

    partial: bool = False
    """Whether some use leaves one of its outputs unused."""

    def differentiable(self, given: list[Tensor]) -> list[Tensor]:
        """Of what it is given, what there is a gradient of."""
        return [tensor for place, tensor in enumerate(given) if place in self.having]
