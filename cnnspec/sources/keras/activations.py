"""Activations: by name as a layer's argument, and as layers of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnnspec.sources.calls.record import Untranslatable
from cnnspec.sources.calls.trace import Tensor, Value
from cnnspec.sources.keras.convert import Context, Layout

NAMED: Mapping[str, tuple[str, dict[str, Value]]] = {
    "relu": ("relu", {}),
    "relu6": ("relu6", {}),
    "sigmoid": ("sigmoid", {}),
    "tanh": ("tanh", {}),
    "swish": ("silu", {}),
    "silu": ("silu", {}),
    "elu": ("elu", {"alpha": 1.0}),
    "selu": ("selu", {}),
    "gelu": ("gelu", {"approximate": "none"}),
    "mish": ("mish", {}),
    "softplus": ("softplus", {"beta": 1, "threshold": 20}),
    "softsign": ("softsign", {}),
    "exponential": ("exp", {}),
    "hard_swish": ("hardswish", {}),
    "hard_silu": ("hardswish", {}),
    "leaky_relu": ("leaky_relu", {"negative_slope": 0.2}),
}


def applied(context: Context, x: Tensor, activation: Any) -> Tensor:
    """The output of a layer's activation: a name, or a class with its configuration."""
    if isinstance(activation, dict):
        config = activation.get("config")
        activation = config if isinstance(config, str) else activation.get("class_name")
    if activation in (None, "linear"):
        return x
    shape = context.shape(x)
    if activation in ("softmax", "log_softmax"):
        return context.call(activation, shape, self=x, dim=len(shape) - 1)
    if activation == "hard_sigmoid" and context.older:  # 0.2·x + 0.5, limited to 0 … 1
        scaled = context.call("mul", shape, self=x, other=0.2)
        scaled = context.call("add", shape, self=scaled, other=0.5)
        return context.call("clamp", shape, self=scaled, min=0, max=1)
    if activation == "hard_sigmoid":
        return context.call("hardsigmoid", shape, self=x)
    if activation not in NAMED:
        raise Untranslatable(f"its activation {activation!r} is not known"[:100])
    op, arguments = NAMED[activation]
    return context.call(op, shape, self=x, **arguments)


def by_argument(context: Context) -> Tensor:
    """Activation: the table applies the argument after every layer."""
    return context.only()


def relu(context: Context) -> Tensor:
    x, config = context.only(), context.config
    top, slope = config.get("max_value"), config.get("negative_slope") or 0.0
    shape = context.shape(x)
    if config.get("threshold"):
        raise Untranslatable("it has a threshold")
    if slope and top is None:
        return context.call("leaky_relu", shape, self=x, negative_slope=float(slope))
    if slope:
        raise Untranslatable("it has a slope and a maximum")
    if top == 6:
        return context.call("relu6", shape, self=x)
    if top is None:
        return context.call("relu", shape, self=x)
    return context.call("clamp", shape, self=x, min=0, max=top)


def leaky_relu(context: Context) -> Tensor:
    x = context.only()
    slope = context.config.get("negative_slope", context.config.get("alpha", 0.3))
    return context.call("leaky_relu", context.shape(x), self=x, negative_slope=float(slope))


def elu(context: Context) -> Tensor:
    x = context.only()
    return context.call("elu", context.shape(x), self=x, alpha=float(context.config.get("alpha", 1.0)))


def prelu(context: Context) -> Tensor:
    x = context.only()
    shape = context.shape(x)
    shared = sorted(context.config.get("shared_axes") or [])
    first, axes = context.first(x), len(shape) - 2
    if not shared:
        sizes = shape[1:]
        order = tuple(range(axes + 1)) if first == x else (axes, *range(axes))
        layout = Layout(sizes, order)
        weight = context.weight("alpha", [sizes[one] for one in order], layout)
    elif shared == (list(range(1, axes + 1)) if first != x else list(range(2, axes + 2))):
        C = context.shape(first)[1]
        weight = context.weight("alpha", (C,), Layout((1,) * axes + (C,), tuple(range(axes + 1))))
    else:
        raise Untranslatable(f"its slopes are shared along the axes {shared} alone")
    return context.last(context.call("prelu", context.shape(first), self=first, weight=weight))


def softmax(context: Context) -> Tensor:
    x = context.only()
    shape, axis = context.shape(x), context.config.get("axis", -1)
    if not isinstance(axis, int):
        raise Untranslatable("it is over several axes")
    return context.call("softmax", shape, self=x, dim=axis % len(shape))


ACTIVATIONS = {
    "Activation": by_argument,
    "ReLU": relu,
    "LeakyReLU": leaky_relu,
    "ELU": elu,
    "PReLU": prelu,
    "Softmax": softmax,
}
