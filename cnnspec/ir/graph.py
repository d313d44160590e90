"""The IR: one network with its shapes known, the author's blocks and repeats kept.

A graph is a table of *bodies*, inner ones before the ones around them; the last is the whole network. A body
is a closed stretch of steps: its values are numbered from 0, first its inputs, then one for each output of a
step, in order. A step is a layer or a region; a region says which body it runs, on which values. Two passes
of a repeat (or two uses of a block) that do the same to the same shapes name the same body, so that 100,000
layers made by repeats are a handful of objects, and an analysis evaluates each body once.

The flat view, one entry per layer, is `cnnspec.ir.flat`; it is generated only on request.
"""

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Annotated, Literal, NamedTuple, TypeAlias, TypeVar

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator

from cnnspec.diagnostics import Span
from cnnspec.ir.expr import PLAIN, Exact, parsed
from cnnspec.ir.frozen import Frozen, Level, Name
from cnnspec.ir.template import Expr, Template
from cnnspec.ops import Op, dump_op, load_op
from cnnspec.ops.base import Shape

IR_VERSION: Literal[2] = 2

T = TypeVar("T")


def _a_list(text: str) -> str:
    if text.startswith("("):
        parsed(text)
    return text


Plain: TypeAlias = Annotated[str, Field(pattern=f"^([?]|[(].*|{PLAIN})$"), AfterValidator(_a_list)]
"""A value as text: `64`, `2/3`, `1x7`, `true`, `same`, `(64, 128)`; `?` if it is in error."""


class Layer(Frozen):
    """One layer. `site` is its site in the body's template, `name` its level in the dotted path ("" where its
    scope is only this step). `named` are the arguments whose text contains a name, so that it may be shared
    with other layers."""

    kind: Literal["layer"] = "layer"
    site: int
    name: Level
    op: Annotated[Op, PlainValidator(load_op), PlainSerializer(dump_op)]
    inputs: tuple[int, ...]
    label: Name | None = None
    span: Span
    spans: dict[str, Span] = {}
    named: tuple[Name, ...] = ()


class Hole(Frozen):
    """A step that could not be understood (an unknown layer, an argument in error): the shape of its output
    is unknown."""

    kind: Literal["hole"] = "hole"
    name: Level
    text: str
    inputs: tuple[int, ...]
    label: Name | None = None
    span: Span


class Pass(Frozen):
    """`count` passes in a row through one body."""

    body: int
    count: int = 1


class Region(Frozen):
    """A part of the author's text: a use of a block, a group, a labelled line, a repeat, or the layers that
    stand for a layer parameter.

    `inputs` become the values 0, 1, … of the body. A repeat passes the outputs of a pass on as the first
    inputs of the next; its further inputs are the same for all. The last `each` outputs of a pass are not
    passed on, but collected. `outputs` is the number of its outputs: the input of the next step (of a repeat,
    several), and the labels inside that are used outside, or the collected tensors, pass by pass. `block` is
    the block's name, `arguments` its arguments (numbers as text, exact), or the values that layers read where
    they are written. `shared` is the attribute of a shared block's weights: of the model, or (`inner`) of the
    innermost use of a block around it."""

    kind: Literal["block", "shared", "group", "line", "repeat", "layers"]
    site: int
    name: Level
    inputs: tuple[int, ...]
    outputs: int = 1
    each: int = 0
    passes: tuple[Pass, ...]
    block: Name | None = None
    arguments: dict[Name, Plain] = {}
    shared: Name | None = None
    inner: bool = False
    label: Name | None = None
    span: Span


Step: TypeAlias = Layer | Region | Hole


class Claim(Frozen):
    """The author's claim about the steps `first`…`last` (exclusive) of this body, or about the value `value`.

    `subject`: out, params, trainable, macs, flops, layers, weighted, field, connections, memory. It has a
    `shape`, or a `number` with the value of its last digit (`step`), exact, as text; the actual value must
    equal it, be about it (`~`), or be within the `bound`."""

    subject: str
    text: str
    shape: Shape | None = None
    number: str | None = None
    step: str = "1"
    about: bool = False
    bound: Annotated[str, Field(pattern="^([<>]=?)?$")] = ""
    first: int = 0
    last: int = 0
    value: int = 0
    span: Span


class Body(Frozen):
    """A closed stretch of steps. `values` are the shapes of all its values, None where unknown (after an
    error). `exported` are the labels of the outputs after the first, if it exports labels."""

    template: int
    inputs: int
    values: tuple[Shape | None, ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    exported: tuple[str, ...] = ()
    labels: dict[str, int] = {}
    claims: tuple[Claim, ...] = ()


class Place(NamedTuple):
    """A step of a body: its index, and the number of its first output value."""

    index: int  # type: ignore[assignment]  # (a tuple has a method of that name)
    step: Step
    output: int


def places(body: Body) -> Iterator[Place]:
    """The steps of a body in order. A layer or a hole has one output value, a region has `outputs` of
    them."""
    output = body.inputs
    for index, step in enumerate(body.steps):
        yield Place(index, step, output)
        output += outputs_of(step)


def start_of(body: Body, index: int) -> int:
    """The first output value of a step."""
    if len(body.values) == body.inputs + len(body.steps):  # each has one: no need to walk over them
        return body.inputs + index
    return body.inputs + sum(map(outputs_of, body.steps[:index]))


def handed(region: Region) -> int:
    """The number of tensors that one pass of a repeat gives to the next."""
    if not region.each:
        return region.outputs
    return region.outputs - region.each * sum(one.count for one in region.passes)


def handed_on(region: Region, inputs: Sequence[T], outputs: Sequence[T]) -> list[T]:
    """The inputs of a repeat's next pass: the outputs of the previous pass, then the inputs that are the same
    for all passes."""
    count = handed(region)
    return [*outputs[:count], *inputs[count:]]


def collected(region: Region, before: list[Sequence[T]], outputs: Sequence[T]) -> list[Sequence[T]]:
    """The outputs of the passes so far that `region_outputs` needs."""
    return [*before, outputs] if region.each else [outputs]


def region_outputs(region: Region, passes: Sequence[Sequence[T]]) -> list[T]:
    """The output values of a region, from the outputs of its passes."""
    if not region.each:
        return list(passes[-1][: region.outputs])
    count = handed(region)
    return [*passes[-1][:count], *(output for outputs in passes for output in outputs[count:])]


def source_of(region: Region, place: int) -> tuple[int, int]:
    """The body that computes one of a region's output values, and the index of that output in the body."""
    count = handed(region)
    if not region.each or place < count:
        return region.passes[-1].body, place
    number, place = divmod(place - count, region.each)
    bodies = [one.body for one in region.passes for _ in range(one.count)]
    return bodies[number], count + place


def runs_of(region: Region) -> Iterator[Pass]:
    """The passes, with consecutive equal ones as one run; one by one if each gives several tensors to the
    next (the effect of n passes is then not a power of that of one), or if each gives an output."""
    for one in region.passes:
        if region.kind == "repeat" and region.outputs > 1:
            yield from repeat(Pass.model_construct(body=one.body, count=1), one.count)
        else:
            yield one


def outputs_of(step: Step) -> int:
    return step.outputs if isinstance(step, Region) else 1


class BlockParameter(Frozen):
    """Of a block, as written: its default is canonical text; `formula` the same over the parameters before
    it, where it names any; `layers` is the template of a layer parameter's default, if a use needed it. A
    `knob` is passed to it by a target (see `lower.passed_knobs`)."""

    name: Name
    kind: Literal["value", "letter", "tensor", "layer", "knob"]
    default: str | None = None
    formula: Expr | None = None
    layers: int | None = None


class Block(Frozen):
    """The head of a block; its content is in the bodies of the regions that name it."""

    name: Name
    parameters: tuple[BlockParameter, ...]
    shared: bool
    inner: bool = False
    """It is defined in a block, and each use of that block has its own weights for it."""
    span: Span


class Graph(Frozen):
    """One network: a spec with its knobs and its variant settled."""

    version: Literal[2] = IR_VERSION
    name: str
    title: str = ""
    variant: str | None = None
    settings: dict[str, str] = {}
    knobs: dict[Name, Plain] = {}
    """The file's `let`s with the values that they have here (numbers as text, exact)."""
    arguments: tuple[Name, ...] = ()
    """Those that are named by arguments of the network's own layers and uses, and by nothing else: the
    network's template is the same for other values."""
    inputs: tuple[Name, ...]
    outputs: tuple[Name, ...]
    blocks: tuple[Block, ...] = ()
    templates: tuple[Template, ...] = ()
    bodies: tuple[Body, ...]
    claims: tuple[Claim, ...] = ()
    file: str = ""

    @property
    def root(self) -> Body:
        """The whole network: its inputs are the model's, its outputs too."""
        return self.bodies[-1]

    @property
    def numbers(self) -> dict[str, Exact]:
        """The values of the `arguments`."""
        return {name: parsed(self.knobs[name]) for name in self.arguments}
