"""A body that is being built: its values, its steps, and what a name means at the current step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from cnnspec.diagnostics import Sink, Span
from cnnspec.elaborate.naming import Names
from cnnspec.elaborate.values import Exact, NoValue, Unknown, Value, evaluate, number, truth, whole
from cnnspec.ir.graph import Body, Claim, Hole, Step
from cnnspec.language import tree
from cnnspec.ops.base import axes_of

if TYPE_CHECKING:
    from cnnspec.elaborate.context import Context
    from cnnspec.elaborate.inner_blocks import Inner
    from cnnspec.elaborate.passed_layers import PassedLayers
    from cnnspec.ops.base import Op, Shape

UNKNOWN = "?"
"""Stands for the value of a `let` in error: expressions that use it report nothing."""


@dataclass(eq=False, repr=False)
class Scope:
    """Values by name. A block's body sees its parameters, its own `let`s and the file's; a repeat adds
    `i`."""

    names: dict[str, Value]
    parent: Scope | None = None
    index: int | None = None  # i of the innermost repeat
    layers: Mapping[str, PassedLayers | None] = field(default_factory=dict)
    """The layers passed for the block's layer parameters; None in a block that is only searched for
    errors."""
    blocks: dict[str, InnerBlock | None] = field(default_factory=dict)
    """The `shared`s of a block by the author's names; None where they cannot be used."""
    attributes: set[str] = field(default_factory=set)
    """The attributes of this use of the block, where it has such `shared`s."""

    def around(self) -> Iterator[Scope]:
        """The scope itself and those that it is in, from the inside out."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def find(self, name: str) -> Value | None:
        for scope in self.around():
            if name in scope.names:
                return scope.names[name]
        return None

    def layers_named(self, name: str) -> tuple[PassedLayers | None] | None:
        """The layers passed for a layer parameter, in a tuple of one; None if there is no such parameter."""
        return next(((scope.layers[name],) for scope in self.around() if name in scope.layers), None)


@dataclass(eq=False, repr=False)
class InnerBlock:
    """A `shared` that one use of a block defines: the scope and the values that it sees; its attributes,
    each a set of weights, and whether these are frozen."""

    inner: Inner
    scope: Scope
    values: dict[str, Value]
    names: dict[tuple[object, ...], str] = field(default_factory=dict)
    frozen: dict[str, bool] = field(default_factory=dict)


@dataclass(eq=False, repr=False)
class Origin:
    """Where a value was computed: by the step whose text is `span`, from `source` (a value of the same body).
    For an input of a body, `outside` is the value of the surrounding body; for an output of a region,
    `inside` is the value of the region's body."""

    span: Span
    source: int | None = None
    outside: tuple[BodyBuilder, int] | None = None
    inside: tuple[BodyBuilder, int] | None = None


@dataclass(eq=False, repr=False)
class BodyBuilder:
    """Collects one body. `current` is the number of the input of the next step, None where there is none.
    `undoable` are the layers with a label that an `unpool` may undo; their inputs are in `labels` too."""

    context: Context
    names: Names
    scope: Scope
    template: int = 0
    values: list[Shape | None] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)
    inputs: int = 0
    steps: list[Step] = field(default_factory=list)
    makers: dict[int, Step] = field(default_factory=dict)
    current: int | None = None
    labels: dict[str, int] = field(default_factory=dict)
    label_spans: dict[str, Span] = field(default_factory=dict)
    undoable: dict[str, Op] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    read: set[int] = field(default_factory=set)
    layers: int = 0
    passes: int = 0
    each: set[str] = field(default_factory=set)
    """The labels of the tensors that the passes of a repeat give to outputs."""
    several: tuple[int, ...] = ()
    """The inputs of the next step, where there are several: those that a line begins with, or that a block or
    a repeat gives."""

    @property
    def sink(self) -> Sink:
        return self.context.sink

    # --- expressions --------------------------------------------------------------------------------------

    def look_up(self, name: tree.Name) -> Value:
        """The value of a name at the current step: of a parameter, a `let`, `i`, or of the shape of the
        step's input."""
        word = name.name
        if word in ("C", "T", "H", "W"):
            return self._size_of_input(name)
        indices = (scope.index for scope in self.scope.around() if scope.index is not None)
        value = self.scope.find(word) if word != "i" else next(indices, None)
        if value is None:
            from cnnspec.elaborate.unknown_names import unknown_name

            raise unknown_name(self, name)
        if value == UNKNOWN:
            raise Unknown
        return value

    def _size_of_input(self, name: tree.Name) -> int:
        word = name.name
        if self.current is None:
            raise NoValue("E214", f"`{word}` is a size of the input, and this step has no input", name.span)
        shape = self.values[self.current]
        if shape is None:
            raise Unknown
        if word == "C":
            return shape[0]
        if word in (axes := axes_of(shape)):
            return shape[1 + axes.index(word)]
        if not axes:
            message = f"`{word}` is a size of a map, and the input here is a vector of {shape[0]}"
            raise NoValue("E214", message, name.span, "`C` is the length of a vector")
        if any(one.code == "E107" and self.context.text[slice(*one.span)] == word for one in self.sink):
            raise Unknown
        message = f"the input here, {'x'.join(map(str, shape))}, has no axis {word}"
        raise NoValue("E214", message, name.span, f"its sizes are {', '.join('C' + axes)}")

    def evaluate(self, expr: tree.Expr) -> Value:
        return evaluate(expr, self.look_up, self.context.limits.digits)

    def number(self, expr: tree.Expr) -> Exact:
        return number(expr, self.look_up, self.context.limits.digits)

    def whole(self, expr: tree.Expr) -> int:
        return whole(expr, self.look_up, self.context.limits.digits)

    def size(self, expr: tree.Expr, span: Span) -> int:
        """A whole number within the budget of a dimension; `span` is what a finding marks."""
        value, largest = self.whole(expr), self.context.limits.dimension
        if abs(value) > largest:
            raise NoValue(
                "E604",
                f"{value:,} is larger than the largest size allowed, {largest:,}",
                span,
                "no tensor can be so large",
            )
        return value

    def holds(self, condition: tree.Expr) -> bool:
        return truth(condition, self.look_up, self.context.limits.digits)

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Reports an expression without a value, and continues after the `with`."""
        try:
            yield
        except NoValue as problem:
            problem.report(self.sink)

    # --- steps --------------------------------------------------------------------------------------------

    def add_input(
        self, shape: Shape | None, span: Span, outside: tuple[BodyBuilder, int] | None = None
    ) -> int:
        self.inputs += 1
        return self._add_value(shape, Origin(span, outside=outside))

    def _add_value(self, shape: Shape | None, origin: Origin) -> int:
        self.values.append(shape)
        self.origins.append(origin)
        return len(self.values) - 1

    def add_step(self, step: Step, shapes: tuple[Shape | None, ...], span: Span) -> int:
        """Appends a step whose outputs have these shapes; returns the number of its first value."""
        self.steps.append(step)
        self.read.update(step.inputs)
        source = step.inputs[0] if step.inputs else None
        first = len(self.values)
        self.makers[first] = step
        for shape in shapes:
            self._add_value(shape, Origin(span, source))
        return first

    def add_hole(
        self, name: str, text: str, span: Span, inputs: tuple[int, ...] = (), label: str | None = None
    ) -> int:
        """Appends a step that could not be understood; returns the number of its value, whose shape is
        unknown."""
        step = Hole.model_construct(name=name, text=text, inputs=inputs, label=label, span=span)
        return self.add_step(step, (None,), span)

    def leave_hole(self, step: tree.Step, text: str, label: str | None = None) -> None:
        """Puts a hole in place of a step. The tensors in its arguments are used by it."""
        if isinstance(step, tree.CallStep | tree.LayerStep):
            named = (
                argument.value.name
                for argument in step.arguments
                if isinstance(argument.value, tree.Reference)
            )
            self.read.update(self.labels[name] for name in named if name in self.labels)
        inputs = () if self.current is None else (self.current,)
        self.current = self.add_hole(self.names.steps.get(id(step), ""), text, step.span, inputs, label)

    def value_of(self, step: Step) -> int:
        """The number of the first value that a step made."""
        return next(value for value, maker in self.makers.items() if maker is step)

    def finish(self, outputs: tuple[int, ...], exported: tuple[str, ...]) -> Body:
        return Body.model_construct(
            template=self.template,
            inputs=self.inputs,
            values=tuple(self.values),
            steps=tuple(self.steps),
            outputs=outputs,
            exported=exported,
            labels=dict(self.labels),
            claims=tuple(self.claims),
        )


def several_from(first: int, count: int) -> tuple[int, ...]:
    """The numbers of a step's output values, if there are several."""
    return tuple(range(first, first + count)) if count > 1 else ()


class Maker(NamedTuple):
    """The step that gave a value its size: its text, the shape of its output, and the shape of its input."""

    span: Span
    shape: Shape
    step: Step | None
    input_shape: Shape | None


ShapePart: TypeAlias = Literal["size", "channels", "shape"]
"""The part of a shape in question: height and width, channels, or all of it."""


def made_by(builder: BodyBuilder, value: int, part: ShapePart) -> Maker | None:
    """The step that decided a part of a value's shape: going back from the value, the last step that changed
    it."""
    shape = builder.values[value]
    if shape is None:
        return None
    size = _part(shape, part)
    while True:
        origin = builder.origins[value]
        around = origin.outside or origin.inside
        # a claim can give the shape of a hole
        if around is not None and around[0].values[around[1]] is not None:
            builder, value = around
            continue
        current_shape = builder.values[value]
        assert current_shape is not None
        before = None if origin.source is None else builder.values[origin.source]
        if before is None or origin.source is None or _part(before, part) != size:
            return Maker(origin.span, current_shape, builder.makers.get(value), before)
        value = origin.source


def _part(shape: Shape, part: ShapePart) -> Shape:
    """A part of a shape; of a vector each part is its length."""
    if part == "channels":
        return shape[:1]
    return shape[1:] if part == "size" and len(shape) > 1 else shape
