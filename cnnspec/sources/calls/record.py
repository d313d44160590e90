"""Records a trace for formats whose operators are not torch's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cnnspec.ops.base import Shape
from cnnspec.sources.calls.trace import Call, Held, Tensor, Trace, Value
from cnnspec.sources.layers import Scope


class Untranslatable(ValueError):
    """A layer cannot be translated; the message is the reason, a clause."""


NOT_FITTING = (ArithmeticError, LookupError, ValueError)
"""Errors of a shape's formula for numbers that are not possible: a stride of 0, an axis that there is not."""


def possible(shape: Sequence[int]) -> None:
    """Raises `Untranslatable` where no tensor has this shape."""
    if any(size < 1 for size in shape):
        raise Untranslatable(f"its output would be {'x'.join(map(str, shape[1:]))}"[:100])


@dataclass
class Record:
    """Inputs are numbered from 0, followed by the outputs of calls; weights, which occur between the calls,
    have numbers below 0. `trace` renumbers all of them as in a trace."""

    inputs: list[Held] = field(default_factory=list)
    weights: list[Held] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)

    def input(self, name: str, shape: Shape) -> Tensor:
        """Adds an input, with the batch. All inputs come before the first call."""
        self.inputs.append(Held("input", name, shape))
        self.shapes.append(shape)
        return Tensor(len(self.shapes) - 1)

    def weight(self, name: str, shape: Sequence[int], values: tuple[float, ...] | None = None) -> Tensor:
        self.weights.append(Held("weight", name, tuple(map(int, shape)), values))
        return Tensor(-len(self.weights))

    def constant(self, name: str, values: Sequence[float]) -> Tensor:
        """Adds numbers that are not a weight."""
        self.weights.append(Held("constant", name, (len(values),), tuple(values)))
        return Tensor(-len(self.weights))

    def shape(self, tensor: Tensor) -> Shape:
        number = tensor.number
        return self.shapes[number] if number >= 0 else self.weights[~number].shape

    def call(
        self,
        op: str,
        arguments: Mapping[str, Value],
        shapes: Sequence[Sequence[int]],
        scopes: tuple[Scope, ...] = (),
        own: Scope | None = None,
        place: str = "",
    ) -> tuple[Tensor, ...]:
        """Adds a call and returns its outputs. The argument `why` is the reason why it cannot be
        translated."""
        outputs = tuple(Tensor(len(self.shapes) + place) for place in range(len(shapes)))
        self.shapes += [tuple(map(int, shape)) for shape in shapes]
        values = {key: value for key, value in arguments.items() if key != "why"}
        why = str(arguments.get("why", ""))
        self.calls.append(
            Call(op, values, tuple(self.shapes[output.number] for output in outputs), scopes, own, place, why)
        )
        return outputs

    def trace(self, name: str, batch: int, outputs: Sequence[tuple[str, Tensor]]) -> Trace:
        entering, behind = len(self.inputs), len(self.weights)

        def moved(value: Value) -> Value:
            if isinstance(value, Tensor):
                number = value.number
                return Tensor(entering + ~number if number < 0 else number + behind * (number >= entering))
            return tuple(map(moved, value)) if type(value) is tuple else value

        calls = tuple(
            call._replace(arguments={key: moved(value) for key, value in call.arguments.items()})
            for call in self.calls
        )
        ends = tuple((key, Tensor(moved(value).number)) for key, value in outputs)  # type: ignore[union-attr]
        keys = {weight.key: weight.shape for weight in self.weights if weight.kind == "weight"}
        return Trace(name, batch, (*self.inputs, *self.weights), calls, ends, keys, notes=tuple(self.notes))
