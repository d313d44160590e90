"""Activations: by name as a layer's argument, and as layers of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnnspec.sources.calls.record import Unsaid
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


def applied(context: Context, given: Tensor, activation: Any) -> Tensor:
    """The output of a layer's activation: a name, or a class with its configuration."""
    if isinstance(activation, dict):
        config = activation.get("config")
        activation = config if isinstance(config, str) else activation.get("class_name")
    if activation in (None, "linear"):
        return given
    shape = context.shape(given)
    if activation in ("softmax", "log_softmax"):
        return context.call(activation, shape, self=given, dim=len(shape) - 1)
    if activation == "hard_sigmoid" and context.older:  # 0.2·x + 0.5, limited to 0 … 1
        made = context.call("mul", shape, self=given, other=0.2)
        made = context.call("add", shape, self=made, other=0.5)
        return context.call("clamp", shape, self=made, min=0, max=1)
    if activation == "hard_sigmoid":
        return context.call("hardsigmoid", shape, self=given)
    if activation not in NAMED:
        raise Unsaid(f"its activation {activation!r} is not known"[:100])
    op, arguments = NAMED[activation]
    return context.call(op, shape, self=given, **arguments)


def by_argument(context: Context) -> Tensor:
    """Activation: the table applies the argument after every layer."""
    return context.only()


def relu(context: Context) -> Tensor:
    given, config = context.only(), context.config
    top, slope = config.get("max_value"), config.get("negative_slope") or 0.0
    shape = context.shape(given)
    if config.get("threshold"):
        raise Unsaid("it has a threshold")
    if slope and top is None:
        return context.call("leaky_relu", shape, self=given, negative_slope=float(slope))
    if slope:
        raise Unsaid("it has a slope and a maximum")
    if top == 6:
        return context.call("relu6", shape, self=given)
    if top is None:
        return context.call("relu", shape, self=given)
    return context.call("clamp", shape, self=given, min=0, max=top)


def leaky_relu(context: Context) -> Tensor:
    given = context.only()
    slope = context.config.get("negative_slope", context.config.get("alpha", 0.3))
    return context.call("leaky_relu", context.shape(given), self=given, negative_slope=float(slope))


def elu(context: Context) -> Tensor:
    given = context.only()
    return context.call(
        "elu", context.shape(given), self=given, alpha=float(context.config.get("alpha", 1.0))
    )


def prelu(context: Context) -> Tensor:
    given = context.only()
    shape = context.shape(given)
    shared = sorted(context.config.get("shared_axes") or [])
    first, axes = context.first(given), len(shape) - 2
    if not shared:
        sizes = shape[1:]
        order = tuple(range(axes + 1)) if first == given else (axes, *range(axes))
        layout = Layout(sizes, order)
        weight = context.weight("alpha", [sizes[one] for one in order], layout)
    elif shared == (list(range(1, axes + 1)) if first != given else list(range(2, axes + 2))):
        C = context.shape(first)[1]
        weight = context.weight("alpha", (C,), Layout((1,) * axes + (C,), tuple(range(axes + 1))))
    else:
        raise Unsaid(f"its slopes are shared along the axes {shared} alone")
    return context.last(context.call("prelu", context.shape(first), self=first, weight=weight))


def softmax(context: Context) -> Tensor:
    given = context.only()
    shape, axis = context.shape(given), context.config.get("axis", -1)
    if not isinstance(axis, int):
        raise Unsaid("it is over several axes")
    return context.call("softmax", shape, self=given, dim=axis % len(shape))


ACTIVATIONS = {
    "Activation": by_argument,
    "ReLU": relu,
    "LeakyReLU": leaky_relu,
    "ELU": elu,
    "PReLU": prelu,
    "Softmax": softmax,
}
