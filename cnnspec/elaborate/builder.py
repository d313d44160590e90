"""A body in the making: its values, its steps, what it can see by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from cnnspec.diagnostics import Span
from cnnspec.elaborate.naming import Names
from cnnspec.elaborate.values import Value
from cnnspec.ir.graph import Body, Claim, Hole, Step

if TYPE_CHECKING:
    from cnnspec.ops.base import Op, Shape


@dataclass(eq=False, repr=False)
class Scope:
    """Values by name. A block's body sees its parameters, its own `let`s and the file's; a repeat adds
    `i`."""

    names: dict[str, Value]
    parent: Scope | None = None
    index: int | None = None  # i of the innermost repeat

    def find(self, name: str) -> Value | None:
        scope: Scope | None = self
        while scope is not None:
            value = scope.names.get(name)
            if value is not None:
                return value
            scope = scope.parent
        return None

    def all_names(self) -> set[str]:
        found: set[str] = set()
        scope: Scope | None = self
        while scope is not None:
            found |= set(scope.names)
            scope = scope.parent
        return found


@dataclass(eq=False, repr=False)
class Origin:
    """Where a value was made: by the step whose text is `span`, from `source` (a value of the same body);
    for an input of a body, by a value of the body around it (`outside`); by a region, by a value of the
    body in it (`inside`)."""

    span: Span
    source: int | None = None
    outside: tuple[BodyBuilder, int] | None = None
    inside: tuple[BodyBuilder, int] | None = None


@dataclass(eq=False, repr=False)
class BodyBuilder:
    """Collects one body. `current` is the number of the tensor that arrives at the next step, None where
    there is none. `undoable` are the layers with a label that an `unpool` may undo; what arrived at them
    stands in `labels` too."""

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
        """Appends a step that makes `shapes`; gives the number of its first value."""
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
        """Appends a step that could not be made out; gives the number of its value, of unknown shape."""
        step = Hole.model_construct(name=name, text=text, inputs=inputs, label=label, span=span)
        return self.add_step(step, (None,), span)

    def leave_hole(self, name: str, text: str, span: Span, label: str | None = None) -> None:
        """Puts a hole in place of the next step."""
        inputs = () if self.current is None else (self.current,)
        self.current = self.add_hole(name, text, span, inputs, label)

    def value_of(self, step: Step) -> int:
        """The number of the first value that a step made."""
        return next(value for value, made in self.makers.items() if made is step)

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


class Maker(NamedTuple):
    """The step that gave a value its size, by its text, and the whole shape that it made."""

    span: Span
    shape: Shape


ShapePart: TypeAlias = Literal["size", "channels", "shape"]
"""What of a shape is asked about: height and width, channels, or all of it."""


def made_by(builder: BodyBuilder, value: int, part: ShapePart) -> Maker | None:
    """The step that gave this value a part of its shape: the one back from it after which it no longer
    changed."""
    shape = builder.values[value]
    if shape is None:
        return None
    size = _part(shape, part)
    while True:
        origin = builder.origins[value]
        around = origin.outside or origin.inside
        if around is not None and around[0].values[around[1]] is not None:  # a claim can say what a hole made
            builder, value = around
            continue
        here = builder.values[value]
        assert here is not None
        before = None if origin.source is None else builder.values[origin.source]
        if before is None or origin.source is None or _part(before, part) != size:
            return Maker(origin.span, here)
        value = origin.source


def _part(shape: Shape, part: ShapePart) -> Shape:
    """Of a vector all parts are its length."""
    if part == "channels":
        return shape[:1]
    return shape[1:] if part == "size" and len(shape) == 3 else shape
