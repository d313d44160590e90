"""A function of the emitted program before it is text: its steps, with every tensor
assigned once.

A step is a call of a layer or a block, an `if` or a loop. The forward pass is these
steps as they stand; the backward pass is the same steps from the last to the first,
each with its own backward.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from cnnspec.lower.call import Call as LoweredCall
from cnnspec.lower.names import Namer
from cnnspec.lower.symbolic import Apply, Const, Node, Var, variables
from cnnspec.lower.writer import Code


@dataclass(eq=False, slots=True)
class Tensor:
    """A tensor of a function. `sides`: the `if`s under which it is there. `name` is
    given by naming.py: several tensors that are never alive at once may have one name.
    """

    number: int
    label: str | None = None
    sides: tuple[tuple[int, bool], ...] = ()
    note: str = ""
    name: str = ""


Value: TypeAlias = "Node | Code | LoweredCall"
Argument: TypeAlias = "tuple[str | None, Value]"


@dataclass(eq=False, slots=True)
class Call:
    """`y = conv(x, net["conv1"], K=64, F=3)`.

    form: `layer` has one tensor to differentiate by and takes it before the place;
    `merge` takes the place and then all its tensors; `block` is a function of this
    file's own. reads: tensors that the arguments speak of, of which there is no gradient.
    suffix: stands behind the place in the forward pass.
    """

    form: Literal["layer", "merge", "block"]
    function: str
    place: str
    inputs: list[Tensor]
    outputs: list[Tensor]
    arguments: list[Argument] = field(default_factory=list)
    reads: list[Tensor] = field(default_factory=list)
    suffix: str = ""
    callee: Function | None = None
    places: list[str] = field(default_factory=list)
    """Of a block: where the weights of the shared blocks are that it is handed."""


@dataclass(eq=False, slots=True)
class Let:
    """`c = x.shape[-1]`: a number of the author's; or (`place`) how an `if` comes out,
    kept for the way back."""

    variable: str
    node: Node
    reads: list[Tensor]
    place: str = ""


@dataclass(eq=False, slots=True)
class If:
    """Both sides of an `if`; `joins` are the tensors that come out of it: (what it is
    called behind it, what it is on the one side, on the other)."""

    condition: int
    variable: str
    then: list[Step] = field(default_factory=list)
    otherwise: list[Step] = field(default_factory=list)
    joins: list[tuple[Tensor, Tensor, Tensor]] = field(default_factory=list)

    def side(self, holds: bool) -> list[Step]:
        return self.then if holds else self.otherwise


@dataclass(eq=False, slots=True)
class Loop:
    """`for i in range(stop): x = …`: `given` goes in, `inside` is what each pass
    begins with, `last` what it ends with, `output` what comes out. Where `stop` is no
    plain number it is kept at `place`."""

    variable: str
    stop: Node
    place: str
    given: Tensor
    inside: Tensor
    body: list[Step]
    last: Tensor
    output: Tensor
    reads: list[Tensor] = field(default_factory=list)
    body_reads: set[Tensor] = field(default_factory=set)
    """What the passes read of what was there before: the same for all."""
    places: list[tuple[str, list[str]]] = field(default_factory=list)
    """Variables for places that differ from pass to pass."""


Step: TypeAlias = "Call | Let | If | Loop"


def used_before(steps: list[Step]) -> Iterator[Tensor]:
    """All tensors that steps read, inner ones included."""
    for step in steps:
        match step:
            case Call():
                yield from step.inputs
                yield from step.reads
            case Let():
                yield from step.reads
            case If():
                yield from used_before(step.then)
                yield from used_before(step.otherwise)
                for _, then, otherwise in step.joins:
                    yield then
                    yield otherwise
            case Loop():
                yield step.given
                yield from step.reads
                yield from used_before(step.body)
                yield step.last


def made_in(steps: list[Step]) -> Iterator[Tensor]:
    """All tensors that steps make, inner ones included."""
    for step in steps:
        match step:
            case Call():
                yield from step.outputs
            case If():
                yield from made_in(step.then)
                yield from made_in(step.otherwise)
                yield from (made for made, _, _ in step.joins)
            case Loop():
                yield step.inside
                yield from made_in(step.body)
                yield step.output


def numbers_in(steps: list[Step]) -> Iterator[str]:
    """The variables of all numbers that steps need."""
    for step in steps:
        match step:
            case Call():
                for _, argument in step.arguments:
                    yield from variables_in(argument)
            case Let():
                yield from variables(step.node)
            case If():
                yield step.variable
                yield from numbers_in(step.then)
                yield from numbers_in(step.otherwise)
            case Loop():
                yield from variables(step.stop)
                yield from numbers_in(step.body)


def variables_in(value: Value) -> Iterator[str]:
    """The variables that an argument speaks of: numbers, and tensors as `§12`."""
    if isinstance(value, LoweredCall):
        for _, argument in value.arguments:
            yield from variables_in(argument)
    elif isinstance(value, Const | Var | Apply):
        yield from variables(value)


class Parameter(NamedTuple):
    """A number that a function is given: its variable there and the author's default. Letters (`K`, `F`) are
    given by name."""

    variable: str
    letter: bool
    default: Const | None = None


@dataclass(eq=False, slots=True)
class Function:
    """A block of the author's (or the network) as a function: its tensors, its numbers,
    its steps."""

    name: str
    inputs: list[Tensor]
    outputs: list[Tensor]
    steps: list[Step]
    namer: Namer
    parameters: list[Parameter] = field(default_factory=list)
    doc: str = ""
    differentiable: tuple[bool, ...] = ()
    """Which inputs have a gradient: not those of which only the size is read."""
    numbered: list[Tensor | None] = field(default_factory=list)
    """The tensors by the numbers that nodes speak of."""
    places: list[str] = field(default_factory=list)
    """Variables for the places of the shared blocks that it is handed."""
