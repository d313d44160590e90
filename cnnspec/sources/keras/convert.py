"""From a Keras configuration to a trace. Keras's tensors have their channels last, (N, H, W, C); a layer that
torch computes with channels first is a call between two permutations, which cancel when the trace is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias

from cnnspec.ops.base import Shape
from cnnspec.sources.calls.record import Record, Untranslatable
from cnnspec.sources.calls.trace import Tensor, Trace, Value
from cnnspec.sources.keras.config import From, Model, Refused, Step
from cnnspec.sources.layers import Scope


class Layout(NamedTuple):
    """The form of a weight in a Keras file: its sizes, and the order of its axes that gives torch's form.
    fill: the value of the weight where the layer does not have it."""

    sizes: Shape
    order: Shape
    fill: float | None = None


@dataclass
class Context:
    """values: the output of each layer. step: the current one. flat: for a map that was flattened row by row
    with its channels last, the same with its channels first, and the sizes of the map."""

    step: Step
    older: bool = False
    record: Record = field(default_factory=Record)
    values: dict[str, Tensor] = field(default_factory=dict)
    layouts: dict[str, Layout] = field(default_factory=dict)
    flat: dict[Tensor, tuple[Tensor, Shape]] = field(default_factory=dict)

    @property
    def config(self) -> Mapping[str, Any]:
        return self.step.config

    @property
    def channels_first(self) -> bool:
        return self.config.get("data_format") == "channels_first"

    def shape(self, tensor: Tensor) -> Shape:
        return self.record.shape(tensor)

    def tensors(self) -> list[Tensor]:
        """The tensors among the arguments, also inside lists."""
        tensors: list[Tensor] = []

        def look(values: Any) -> None:
            for value in values:
                if isinstance(value, From):
                    tensors.append(self.values[value.key])
                elif isinstance(value, list):
                    look(value)

        look(self.step.arguments)
        return tensors

    def operands(self) -> list[Tensor | float]:
        """Tensors and numbers among the arguments."""
        operands: list[Tensor | float] = []
        for argument in self.step.arguments:
            for each in argument if isinstance(argument, list) else [argument]:
                if isinstance(each, From):
                    operands.append(self.values[each.key])
                elif isinstance(each, int | float) and not isinstance(each, bool):
                    operands.append(each)
        return operands

    def only(self) -> Tensor:
        tensors = self.tensors()
        if len(tensors) != 1:
            raise Untranslatable(f"it reads {len(tensors)} tensors")
        return tensors[0]

    def weight(
        self, name: str, shape: Sequence[int], layout: Layout | None = None, fill: float | None = None
    ) -> Tensor:
        key = f"{self.step.own}/{name}"
        if key not in self.layouts:
            self.layouts[key] = layout or Layout(tuple(shape), tuple(range(len(shape))), fill)
        return self.record.weight(key, shape)

    def filters(self, name: str, shape: Sequence[int]) -> Tensor:
        """A weight whose axes are filters x channels x the rest in torch, and in the opposite order in
        Keras."""
        K, C, *rest = shape
        axes = len(rest)
        return self.weight(name, shape, Layout((*rest, C, K), (axes + 1, axes, *range(axes))))

    def call(self, op: str, /, *shapes: Sequence[int], **arguments: Value) -> Tensor:
        """Adds a call; returns its first output."""
        scopes = (
            Scope(""),
            *(Scope(".".join(self.step.models[: place + 1])) for place in range(len(self.step.models))),
        )
        own = Scope(self.step.own.replace("/", "."))
        return self.record.call(op, arguments, shapes, scopes, own, f"layer {self.step.own}")[0]

    def permuted(self, x: Tensor, order: Sequence[int]) -> Tensor:
        shape = self.shape(x)
        return self.call("permute", [shape[one] for one in order], self=x, dims=tuple(order))

    def first(self, x: Tensor) -> Tensor:
        """The tensor with the channels first."""
        rank = len(self.shape(x))
        return x if self.channels_first or rank < 3 else self.permuted(x, (0, rank - 1, *range(1, rank - 1)))

    def last(self, x: Tensor) -> Tensor:
        """The tensor with the channels where the next layer expects them."""
        rank = len(self.shape(x))
        return x if self.channels_first or rank < 3 else self.permuted(x, (0, *range(2, rank), 1))

    def sizes(self, name: str, axes: int, usual: int = 1) -> tuple[int, ...]:
        """An option with one number for each axis."""
        value = self.config.get(name, usual)
        sizes = (value,) * axes if isinstance(value, int) else tuple(value)
        if len(sizes) != axes or not all(isinstance(size, int) for size in sizes):
            raise Untranslatable(f"its {name} is {value!r}"[:100])
        return sizes


Converting: TypeAlias = Callable[[Context], Tensor]
EACH = frozenset(
    ("Activation", "AlphaDropout", "Dropout", "ELU", "GaussianNoise", "Identity", "LeakyReLU", "ReLU")
)
"""Layers that change each number separately."""


def convert(model: Model, size: Shape | None = None) -> Trace:
    """The trace of a model, for one image. size: C x H x W of an input whose size is not in the file."""
    return converted(model, size)[0]


def converted(model: Model, size: Shape | None = None) -> tuple[Trace, Mapping[str, Layout]]:
    """The trace, and the form of its weights in Keras files."""
    from cnnspec.sources.keras.activations import applied
    from cnnspec.sources.keras.tables import TABLE

    context = Context(Step("", "", {}, (), "", ()), model.older)
    ordered = sorted(model.steps, key=lambda step: step.kind != "InputLayer")
    for step in ordered:
        context.step = step
        try:
            if step.kind == "InputLayer":
                context.values[step.key] = _entered(context, step, size, model)
                continue
            if step.kind not in TABLE:
                raise Untranslatable("no layer of the language does this")
            output = applied(context, TABLE[step.kind](context), step.config.get("activation"))
            if step.kind in EACH and len(tensors := context.tensors()) == 1 and tensors[0] in context.flat:
                moved, sizes = context.flat[tensors[0]]
                other = replace(context, values=dict.fromkeys(context.values, moved))
                first = applied(other, TABLE[step.kind](other), step.config.get("activation"))
                context.flat[output] = first, sizes
            context.values[step.key] = output
        except Untranslatable as why:
            raise Refused(f"{step.kind} {step.own}: {why}") from None
        except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError, AttributeError) as error:
            raise Refused(f"{step.kind} {step.own}: {type(error).__name__} {error}"[:200]) from None
    several = len(model.outputs) > 1
    if not set(model.outputs) <= context.values.keys():
        raise Refused("no layer gives one of its outputs")
    ends = [context.values[key] for key in model.outputs]
    if not _channels_first(model):
        context.step = Step("", "", {}, (), "", ())
        ends = [context.first(end) for end in ends]
    names = (key.replace("/", "_") if several else "" for key in model.outputs)
    outputs = list(zip(names, ends, strict=True))
    name = model.name if model.name.isidentifier() else "Model"
    return context.record.trace(name, 1, outputs), context.layouts


def _entered(context: Context, step: Step, size: Shape | None, model: Model) -> Tensor:
    """An input of the network. It has its channels first, and is permuted for Keras's layers."""
    sizes = _sizes(step, size)
    if len(sizes) == 1 or _channels_first(model):
        return context.record.input(step.own, (1, *sizes))
    x = context.record.input(step.own, (1, sizes[-1], *sizes[:-1]))
    return context.last(x)


def _channels_first(model: Model) -> bool:
    return any(step.config.get("data_format") == "channels_first" for step in model.steps)


def _sizes(step: Step, size: Shape | None) -> Shape:
    shape = step.config.get("batch_shape") or step.config.get("batch_input_shape") or ()
    sizes = list(shape[1:])
    if any(one is None for one in sizes) and size is not None and len(size) == len(sizes):
        sizes = [
            one if one is not None else size_given
            for one, size_given in zip(sizes, (*size[1:], size[0]), strict=True)
        ]
    if not sizes or not all(isinstance(one, int) and 0 < one < 2**31 for one in sizes):
        raise Untranslatable(
            f"its size is {'x'.join('?' if one is None else str(one) for one in sizes)}: say it, as CxHxW"
        )
    return tuple(sizes)


def short(value: float) -> float:
    """A number without the digits that come from rounding: 0.075, not 0.07500000000000001."""
    return float(f"{value:.12g}")
