"""A function of the emitted program before it is text: its steps, in which every tensor is assigned once.

A step is a call of a layer or a block, an `if` or a loop. The forward pass is these steps in order; the
backward pass is the same steps from the last to the first, each with its own backward function.
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
    """The argument for a layer parameter: a function and its backward pass (by name), with the layers and
    numbers that it is called with.
    """

    forward: str
    backward: str
    layers: list[Layers] = field(default_factory=list)
    arguments: list[Argument] = field(default_factory=list)


def numbers_of(layers: Layers) -> Iterator[Node]:
    """All numbers in an argument for a layer parameter."""
    yield from (node for _, node in layers.arguments)
    for layer in layers.layers:
        yield from numbers_of(layer)


@dataclass(eq=False, slots=True)
class Call:
    """`y = conv(x, net["conv1"], K=64, F=3)`.

    form: `layer` has one input with a gradient, as its first argument, before the place; `merge` takes the
    place and then all its tensors; `block` is a function of this file's own, or the variable of a layer
    parameter. reads: tensors that occur in the arguments and get no gradient. suffix: code after the place in
    the forward pass; around: code around the place.
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
    """For a block: the places of the weights of the shared blocks that are passed to it."""
    layers: list[Layers] = field(default_factory=list)
    """For a block: the arguments for its layer parameters."""
    backward: str = ""
    """The function of the backward pass, where it is not `function` with `_backward`."""

    @property
    def with_gradient(self) -> list[Tensor]:
        """The inputs that get a gradient."""
        return self.inputs if self.callee is None else self.callee.differentiable(self.inputs)


@dataclass(eq=False, slots=True)
class Let(program.Let):
    """`c = x.shape[-1]`: a number of the author's; or (`place`) the side that an `if` takes, kept for the
    backward pass.
    """

    place: str = ""
    reads: list[Tensor] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class If(program.If["Step"]):
    """An `if` on a variable."""

    variable: str = ""


@dataclass(eq=False, slots=True)
class Gathered:
    """A list of a loop's tensor over the passes, and the tensors that its entries become after the loop."""

    variable: str
    tensor: Tensor
    outputs: list[Tensor]


@dataclass(eq=False, slots=True)
class Loop:
    """`for i in range(stop): x = …`: `initial` are the tensors before it, `inside` those at the beginning of
    each pass, `last` those at its end, `outputs` those after the loop; all four have the same length. A
    `stop` that is not a constant number is kept at `place`.
    """

    variable: str
    stop: Node
    place: str
    initial: list[Tensor]
    inside: list[Tensor]
    body: list[Step]
    last: list[Tensor]
    outputs: list[Tensor]
    reads: list[Tensor] = field(default_factory=list)
    body_reads: set[Tensor] = field(default_factory=set)
    """Tensors from before the loop that every pass reads."""
    over: list[Entry] = field(default_factory=list)
    """The lists that have one entry for each pass."""
    places: list[tuple[str, list[str]]] = field(default_factory=list)
    """Variables for places that differ between passes."""
    collected: list[Gathered] = field(default_factory=list)
    unused: list[Tensor] = field(default_factory=list)
    """The outputs that nothing reads, so that the last pass has no gradient of them."""

    @property
    def entries(self) -> list[Tensor]:
        """The tensors of single passes that are read after the loop."""
        return [tensor for one in self.collected for tensor in one.outputs]

    @property
    def ends(self) -> list[Tensor]:
        """The tensors at the end of a pass: those for the next pass, and those that are gathered."""
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
    """The tensors that a step itself reads, and those that it makes."""
    match step:
        case Call():
            return [*step.inputs, *step.reads], step.outputs
        case Let():
            return step.reads, []
        case If():
            sides = [side for _, *sides in step.joins for side in sides]
            return sides, [joined for joined, _, _ in step.joins]
        case Loop():
            return [*step.initial, *step.ends, *step.reads], [*step.inside, *step.outputs, *step.entries]


def read_in(steps: list[Step]) -> list[Tensor]:
    """All tensors that steps read, inner ones included."""
    return [tensor for step in every(steps) for tensor in touched(step)[0]]


def made_in(steps: list[Step]) -> list[Tensor]:
    """All tensors that steps make, inner ones included."""
    return [tensor for step in every(steps) for tensor in touched(step)[1]]


def differentiated(steps: list[Step]) -> set[Tensor]:
    """The tensors to which the steps add a gradient."""
    tensors: set[Tensor] = set()
    for step in every(steps):
        match step:
            case Call():
                tensors.update(step.with_gradient)
            case If():
                tensors.update(side for _, *sides in step.joins for side in sides)
            case Loop():
                tensors.update(step.initial)
    return tensors


@dataclass(eq=False, slots=True)
class Function:
    """A block of the author's (or the network) as a function: its tensors and its steps."""

    name: str
    source: program.Function
    inputs: list[Tensor]
    outputs: list[Tensor]
    steps: list[Step]
    names: dict[Tensor, str] = field(default_factory=dict)
    """From naming.py. Several tensors may have one name if they are never needed at the same time."""
    layers: dict[str, Layers] = field(default_factory=dict)
    """Its layer parameters, by their variables."""
    alone: Layers | None = None
    """For layers that are passed to a block: the call that they consist of, where it is a single one."""
    takes: tuple[int, ...] = ()
    """The lowered function's inputs that it takes, by their indices: an input without a label that nothing
    reads is left out."""
    having: frozenset[int] = frozenset()
    """The indices of the inputs that get a gradient; an input of which only the size is read gets none."""

    partial: bool = False
    """Whether some call leaves one of its outputs unused."""

    def differentiable(self, inputs: list[Tensor]) -> list[Tensor]:
        """The tensors, among these inputs, that get a gradient."""
        return [tensor for place, tensor in enumerate(inputs) if place in self.having]
