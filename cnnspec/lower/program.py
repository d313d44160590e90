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
"""What a program calls the sizes of a tensor, by their names in the language."""


def letters_of(rank: int) -> str:
    """The names of a shape's sizes: `C`, `CW`, `CHW` or `CTHW`; none where nothing is known of it."""
    return "C" * (rank > 0) + AXES[len(AXES) + 1 - max(rank, 1) :]


@dataclass(eq=False, slots=True)
class Tensor:
    """A tensor of a function. `dims` are its sizes as nodes (None: no expression gives it); `shape` is that
    of all uses, where it is the same in all. `sides` are the sides of conditions that it is made under."""

    number: int
    label: str | None = None
    dims: tuple[Node | None, ...] = ()
    shape: Shape | None = None
    sides: tuple[tuple[Condition, bool], ...] = ()


@dataclass(eq=False, slots=True)
class Condition:
    """An `if` that comes out differently in different uses: its number in the function and its node."""

    number: int
    node: Node


When: TypeAlias = "tuple[Condition, bool] | None"


@dataclass(eq=False, slots=True)
class Layer:
    """A layer: how the target calls it, and what it reads."""

    name: str
    op: Op
    call: Call
    inputs: list[Tensor]
    output: Tensor
    rank: int = 3
    """How many axes its input has, without the batch."""


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
    """The argument for a layer parameter of a function: layers, as a function with its numbers (but its
    sizes) and its own layers; or a layer parameter of the function around it (`variable`); or nothing, where
    it does not matter."""

    function: Function | None = None
    arguments: list[Node] = field(default_factory=list)
    layers: list[LayersArgument] = field(default_factory=list)
    variable: str | None = None
    sizes: list[str] = field(default_factory=list)
    """Variables for the sizes that the layers are called with."""


@dataclass(eq=False, slots=True)
class Slot:
    """A step that is a layer parameter: its variable, and the sizes that it is called with."""

    name: str
    variable: str
    sizes: list[Node]
    inputs: list[Tensor]
    output: Tensor


@dataclass(eq=False, slots=True)
class Region:
    """A stretch of statements with inputs and outputs of its own, and the uses that it serves."""

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
    """An output of every pass of a repeat: its index among the region's outputs, and the tensor of each
    pass."""

    place: int
    tensors: list[Tensor]

    @property
    def word(self) -> str:
        """What one of them is called, without its number."""
        return (self.tensors[0].label or "y").rstrip("0123456789") or "y"


@dataclass(eq=False, slots=True)
class Repeat:
    """Passes one after another. The region's first outputs, as many as the repeat has `outputs`, are the
    first inputs of the next pass; further inputs are the same for all. `collected` is what is read of every
    pass. `per_pass` are modules that differ from pass to pass.
    `runs` are the runs of equal passes, where these do not depend on the number of the pass: how many, and
    their own region. `over` are the lists of which each pass has an entry."""

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
    """Both sides of a condition; `joins` are the tensors that it decides: the output, what it is where
    the condition holds, and where not."""

    condition: Condition
    then: list[S] = field(default_factory=list)
    otherwise: list[S] = field(default_factory=list)
    joins: list[tuple[Tensor, Tensor, Tensor]] = field(default_factory=list)

    def side(self, holds: bool) -> list[S]:
        return self.then if holds else self.otherwise


@dataclass(eq=False, slots=True)
class Let:
    """A `let` of the author's, as a variable."""

    variable: str
    node: Node


Statement: TypeAlias = "Layer | Merge | Invoke | Slot | Part | Repeat | If[Statement] | Let"


def every(statements: Iterable[Statement]) -> Iterator[Statement]:
    """All statements, inner ones included."""
    for one in statements:
        yield one
        match one:
            case Part() | Repeat():
                yield from every(one.region.statements)
            case If():
                yield from every((*one.then, *one.otherwise))


@dataclass(frozen=True, slots=True)
class Module:
    """Where the weights of a shared block are: in the model (`key`), in an argument of the function
    (`variable`), or in an attribute of the function's own (`own`)."""

    key: str | None = None
    variable: str | None = None
    own: str | None = None

    def __str__(self) -> str:
        return self.key or self.variable or ""


@dataclass(eq=False, slots=True)
class Parameter:
    """A number that a function is given. `source`: the author's parameter (its name), a size of an input
    (which, and the axis), or a number of each use that no expression gives (`values`, by use)."""

    variable: str
    source: str | tuple[int, int] | None
    letter: bool = False
    default: Const | None = None
    values: list[Any] = field(default_factory=list)
    used: bool = True
    flag: bool = False
    """It was 0 or 1, and a target has made it a bool."""


@dataclass(eq=False, slots=True)
class Need:
    """A shared block that a function takes as an argument: its variable, and the model's key in each use."""

    variable: str
    keys: tuple[str, ...]


@dataclass(eq=False, slots=True)
class Own:
    """A shared block that each use of a function's block has for itself: its variable, and what makes it.
    `uses` are those that have it; `values` are the numbers for its function's parameters, by use, and
    `sources` nodes that they may come from;
    `where` says under which condition it is there (None: always)."""

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
    """A layer parameter of a function: its variable, and what stands for it where nothing is given."""

    variable: str
    place: int
    """How many of the author's other parameters come before it."""
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
    """Which of the uses a body and arguments are."""
    parameters: list[Parameter] = field(default_factory=list)
    number: int = 0
    """Of its template."""
    layers: dict[str, LayerParameter] = field(default_factory=dict)
    """By the author's names."""
    sizes: dict[int, str] = field(default_factory=dict)
    """Variables for the sizes that layers which it gives are called with, by axis."""
    needs: list[Need] = field(default_factory=list)
    own: dict[str, Own] = field(default_factory=dict)
    """The shared blocks that are defined in it, by their attributes."""
    region: Region = field(default_factory=lambda: Region([], [], []))
    lets: list[tuple[str, Node]] = field(default_factory=list)
    first: list[Let] = field(default_factory=list)
    """Parameters that are always what their defaults say, over those before them."""
    lists: dict[str, tuple[str, Const]] = field(default_factory=dict)
    """The lists that it indexes, each with its variable, by their text."""
    conditions: list[Condition] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    made: Any = None
    """What the target made of it."""
    whole: bool = False
    """Its statements are all there; before, a call of it is one of its own."""
    recursive: bool = False

    def layer(self, name: str) -> str:
        """The variable of a layer parameter, which is used now."""
        self.layers[name].used = True
        return self.layers[name].variable
