"""A lowered program: functions, and the statements in them.

Numbers are nodes over the function's variables; every tensor is assigned once. A target turns this into text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

from cnnspec.ir.template import Template
from cnnspec.ir.uses import TemplateUse
from cnnspec.lower.call import Call
from cnnspec.lower.names import Namer
from cnnspec.lower.over import Entry
from cnnspec.lower.symbolic import Const, Node
from cnnspec.ops.base import AXES, Op, Shape

SIZES = {"C": "channels", "T": "time", "H": "height", "W": "width"}
"""The names of a tensor's sizes in a program, by their letters in the language."""


def letters_of(rank: int) -> str:
    """The letters of a shape's sizes: `C`, `CW`, `CHW` or `CTHW`; none for an unknown shape."""
    return "C" * (rank > 0) + AXES[len(AXES) + 1 - max(rank, 1) :]


@dataclass(eq=False, slots=True)
class Tensor:
    """A tensor of a function. `dims` are its sizes as nodes (None: no expression gives it); `shape` is its
    shape where it is the same in all uses. `sides` are the sides of conditions inside which it is made."""

    number: int
    label: str | None = None
    dims: tuple[Node | None, ...] = ()
    shape: Shape | None = None
    sides: tuple[tuple[Condition, bool], ...] = ()


@dataclass(eq=False, slots=True)
class Condition:
    """An `if` whose side differs between uses: its number in the function and its node."""

    number: int
    node: Node


When: TypeAlias = "tuple[Condition, bool] | None"


@dataclass(eq=False, slots=True)
class Layer:
    """A layer: the target's call of it, its inputs and its output."""

    name: str
    op: Op
    call: Call
    inputs: list[Tensor]
    output: Tensor
    rank: int = 3
    """The number of axes of its input, without the batch axis."""


@dataclass(eq=False, slots=True)
class Merge:
    """A merge of branches. For each branch: the condition under which it exists (None: always), and its
    number of axes."""

    name: str
    op: Op
    arms: list[tuple[Tensor, When, int]]
    output: Tensor


@dataclass(eq=False, slots=True)
class Invoke:
    """A use of a block. `arguments` are the numbers for the function's parameters, in order; `modules` are
    the shared blocks that it needs; `shared` is the block itself, if it is a shared one."""

    name: str
    function: Function
    arguments: list[Node]
    inputs: list[Tensor]
    outputs: list[Tensor]
    modules: list[Module] = field(default_factory=list)
    shared: Module | None = None
    layers: list[LayersArgument] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class LayersArgument:
    """The argument for a layer parameter of a function: layers, as a function with its numbers (except the
    sizes) and its own layers; or a layer parameter of the surrounding function (`variable`); or nothing,
    where it is unused."""

    function: Function | None = None
    arguments: list[Node] = field(default_factory=list)
    layers: list[LayersArgument] = field(default_factory=list)
    variable: str | None = None
    sizes: list[str] = field(default_factory=list)
    """Variables for the sizes that the layers are called with."""


@dataclass(eq=False, slots=True)
class Slot:
    """A layer parameter used as a step: its variable, and the sizes that it is called with."""

    name: str
    variable: str
    sizes: list[Node]
    inputs: list[Tensor]
    output: Tensor


@dataclass(eq=False, slots=True)
class Region:
    """Statements with inputs and outputs of their own."""

    inputs: list[Tensor]
    statements: list[Statement]
    outputs: list[Tensor]


@dataclass(eq=False, slots=True)
class Part:
    """A group or a labelled line of several steps."""

    name: str
    region: Region
    inputs: list[Tensor]
    outputs: list[Tensor]
    envs: list[dict[str, Any]] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Carried:
    """A size that changes from pass to pass: its variable, the tensor and the axis, its first value, and its
    value for the next pass. With `table` it is read from a table by the number of the pass, which may be one
    more parameter of the function."""

    variable: str
    place: int
    axis: int
    start: Node | None
    table: Callable[[], Node]
    update: Node | None = None


@dataclass(eq=False, slots=True)
class Collected:
    """An output of every pass of a repeat that is used after it: its index among the region's outputs, and
    the tensor of each pass."""

    place: int
    tensors: list[Tensor]

    @property
    def word(self) -> str:
        """The name of one of the tensors, without its number."""
        return (self.tensors[0].label or "y").rstrip("0123456789") or "y"


@dataclass(eq=False, slots=True)
class Repeat:
    """Passes one after another. The region's first outputs, as many as the repeat has `outputs`, are the
    first inputs of the next pass; further inputs are the same for all. `collected` are the outputs of every
    pass that are used later. `per_pass` are modules that differ between passes. `runs` are the runs of equal
    passes, each with its length and its own region, where these do not depend on the number of the pass.
    `over` are the lists that have one entry for each pass."""

    name: str
    index: str
    count: Node
    region: Region
    inputs: list[Tensor]
    outputs: list[Tensor]
    envs: list[dict[str, Any]]
    carried: list[Carried]
    per_pass: list[tuple[str, list[Module]]]
    runs: Callable[[], list[tuple[int, Region, list[dict[str, Any]]]] | None]
    over: list[Entry]
    collected: list[Collected]
    small: bool = False


S = TypeVar("S")


@dataclass(eq=False, slots=True)
class If(Generic[S]):
    """Both sides of a condition. `joins` are the tensors that it decides: the output, its value where the
    condition holds, and its value where it does not."""

    condition: Condition
    then: list[S] = field(default_factory=list)
    otherwise: list[S] = field(default_factory=list)
    joins: list[tuple[Tensor, Tensor, Tensor]] = field(default_factory=list)

    def side(self, holds: bool) -> list[S]:
        return self.then if holds else self.otherwise


@dataclass(eq=False, slots=True)
class Let:
    """A `let` of the author's, or a size with a name, as a variable."""

    variable: str
    node: Node


Statement: TypeAlias = "Layer | Merge | Invoke | Slot | Part | Repeat | If[Statement] | Let"


def every(statements: Iterable[Statement]) -> Iterator[Statement]:
    """All statements, inner ones included."""
    for statement in statements:
        yield statement
        match statement:
            case Part() | Repeat():
                yield from every(statement.region.statements)
            case If():
                yield from every((*statement.then, *statement.otherwise))


@dataclass(frozen=True, slots=True)
class Module:
    """Where the weights of a shared block are: in the model (`key`), in an argument of the function
    (`variable`), or in an attribute of the surrounding block (`own`)."""

    key: str | None = None
    variable: str | None = None
    own: str | None = None

    def __str__(self) -> str:
        return self.key or self.variable or ""


@dataclass(eq=False, slots=True)
class Parameter:
    """A numeric parameter of a function. `source`: the author's parameter (its name), a size of an input (its
    index and the axis), or None for a number without an expression (`values`, by use)."""

    variable: str
    source: str | tuple[int, int] | None
    letter: bool = False
    default: Const | None = None
    values: list[Any] = field(default_factory=list)
    used: bool = True
    flag: bool = False
    """It was 0 or 1, and the target has turned it into a bool."""
    knob: bool = False
    """It is one of the file's, which the block reads."""


@dataclass(eq=False, slots=True)
class Need:
    """A shared block that a function takes as an argument: its variable, and the model's key in each use."""

    variable: str
    keys: tuple[str, ...]


@dataclass(eq=False, slots=True)
class Own:
    """A shared block that each use of a function's block has for itself: its variable, and the function that
    makes it. `uses` are the uses that have it; `values` are the numbers for its function's parameters, by
    use, and `sources` expressions that they may come from; `where` is the condition under which it exists
    (None: always)."""

    name: str
    variable: str
    function: Function
    layers: list[LayersArgument]
    uses: set[int] = field(default_factory=set)
    values: dict[str, dict[int, Any]] = field(default_factory=dict)
    sources: dict[str, list[Node]] = field(default_factory=dict)
    arguments: list[Node] = field(default_factory=list)
    where: tuple[Condition, bool] | None = None


@dataclass(eq=False, slots=True)
class LayerParameter:
    """A layer parameter of a function: its variable, and its default."""

    variable: str
    place: int
    """The number of the author's other parameters before it."""
    default: LayersArgument | None = None
    used: bool = False


@dataclass(eq=False, slots=True)
class Function:
    """A block of the spec, or the network: its parameters and its statements."""

    name: str
    template: Template
    namer: Namer
    uses: list[TemplateUse]
    keys: dict[tuple[int, str], int]
    """The number of the use, by body and arguments."""
    parameters: list[Parameter] = field(default_factory=list)
    number: int = 0
    """The number of its template."""
    layers: dict[str, LayerParameter] = field(default_factory=dict)
    """Its layer parameters, by the author's names."""
    sizes: dict[int, str] = field(default_factory=dict)
    """Variables for the sizes with which the layers that it passes are called, by axis."""
    needs: list[Need] = field(default_factory=list)
    own: dict[str, Own] = field(default_factory=dict)
    """The shared blocks that are defined in it, by their attributes."""
    region: Region = field(default_factory=lambda: Region([], [], []))
    lets: list[tuple[str, Node]] = field(default_factory=list)
    first: list[Let] = field(default_factory=list)
    """Parameters that always have the value of their default: assigned first, from the parameters before
    them."""
    lists: dict[str, tuple[str, Const]] = field(default_factory=dict)
    """The lists that it indexes, by their text: the variable and the list."""
    conditions: list[Condition] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    made: Any = None
    """The target's form of it."""
    whole: bool = False
    """Its statements are complete; before that, a call of it comes from itself."""
    recursive: bool = False

    def layer(self, name: str) -> str:
        """The variable of a layer parameter; marks the parameter as used."""
        self.layers[name].used = True
        return self.layers[name].variable
