"""Elementwise operators: activations and arithmetic."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cnnspec.sources.calls.record import Untranslatable
from cnnspec.sources.calls.trace import Tensor, Value
from cnnspec.sources.onnx.convert import Context, Converting
from cnnspec.sources.onnx.model import Array, Node


def unary(op: str, **arguments: Value) -> Converting:
    def convert(context: Context, node: Node) -> tuple[Tensor, ...]:
        x = context.tensor(node, 0)
        return context.call(node, op, context.shape(x), self=x, **arguments)

    return convert


def with_number(op: str, argument: str, attribute: str, usual: float) -> Converting:
    """An activation with one number: `alpha` of LeakyRelu."""

    def convert(context: Context, node: Node) -> tuple[Tensor, ...]:
        x = context.tensor(node, 0)
        return context.call(
            node, op, context.shape(x), self=x, **{argument: short(node.get(attribute, usual))}
        )

    return convert


def short(value: float) -> float:
    """The number before it was rounded to float32: 0.1, not 0.10000000149."""
    rounded = np.float32(value)
    return float(str(rounded)) if np.float32(float(str(rounded))) == rounded else float(value)


def number(value: Array) -> float | int:
    """The number of a constant with one element."""
    one = value.ravel()[0]
    return int(one) if np.issubdtype(value.dtype, np.integer) else short(one)


def operand(context: Context, node: Node, place: int) -> Value:
    """An operand: a tensor, or the number of a constant with one element."""
    value = context.operand(node, place)
    if isinstance(value, np.ndarray) and value.size == 1:
        return number(value)
    return context.tensor(node, place)


def binary(op: str) -> Converting:
    def convert(context: Context, node: Node) -> tuple[Tensor, ...]:
        left, right = (context.operand(node, place) for place in (0, 1))
        assert left is not None
        assert right is not None
        shape = np.broadcast_shapes(context.shape(left), context.shape(right))
        return context.call(node, op, shape, self=operand(context, node, 0), other=operand(context, node, 1))

    return convert


def many(op: str) -> Converting:
    """Sum, Max, Min of any number of tensors: as calls with two."""

    def convert(context: Context, node: Node) -> tuple[Tensor, ...]:
        result = context.tensor(node, 0)
        for place in range(1, len(node.inputs)):
            shape = np.broadcast_shapes(context.shape(result), context.shape(context.tensor(node, place)))
            (result,) = context.call(node, op, shape, self=result, other=operand(context, node, place))
        return (result,)

    return convert


def _average(context: Context, node: Node) -> tuple[Tensor | Array, ...]:
    (total,) = many("add")(context, node)
    assert isinstance(total, Tensor)
    return context.call(node, "div", context.shape(total), self=total, other=len(node.inputs))


def _power(context: Context, node: Node) -> tuple[Tensor, ...]:
    exponent = context.constant(node, 1)
    if exponent is None or exponent.size != 1:
        raise Untranslatable("its exponent is not a single number")
    x = context.tensor(node, 0)
    return context.call(node, "pow", context.shape(x), self=x, exponent=number(exponent))


def _clip(context: Context, node: Node) -> tuple[Tensor, ...]:
    ends: dict[str, Value] = {}
    for place, name in enumerate(("min", "max"), 1):
        limit = node.get(name)
        value = context.constant(node, place)
        end = float(value.ravel()[0]) if value is not None else limit
        ends[name] = None if end is None or abs(end) > 3e38 else short(end)
    x = context.tensor(node, 0)
    return context.call(node, "clamp", context.shape(x), self=x, **ends)


def _hard_sigmoid(context: Context, node: Node) -> tuple[Tensor, ...]:
    x, alpha, beta = context.tensor(node, 0), node.get("alpha", 0.2), node.get("beta", 0.5)
    shape = context.shape(x)
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        return context.call(node, "hardsigmoid", shape, self=x)
    (scaled,) = context.call(node, "mul", shape, self=x, other=short(alpha))
    (scaled,) = context.call(node, "add", shape, self=scaled, other=short(beta))
    return context.call(node, "clamp", shape, self=scaled, min=0, max=1)


def _prelu(context: Context, node: Node) -> tuple[Tensor, ...]:
    x, slope = context.tensor(node, 0), context.operand(node, 1)
    if not isinstance(slope, np.ndarray):
        raise Untranslatable("its slopes are computed by the network")
    sizes = [one for one in slope.shape if one != 1]
    if len(sizes) > 1 or (sizes and sizes[0] != context.shape(x)[1]):
        raise Untranslatable(f"its slopes have the shape {slope.shape}")
    weight = context.weight(f"{node.inputs[1]}", slope.reshape(-1))
    return context.call(node, "prelu", context.shape(x), self=x, weight=weight)


def _softmax(op: str) -> Converting:
    """Before version 13 all axes from `axis` on count as one; since then only that axis."""

    def convert(context: Context, node: Node) -> tuple[Tensor, ...]:
        x = context.tensor(node, 0)
        shape = context.shape(x)
        newer = context.version >= 13
        axis = node.get("axis", -1 if newer else 1) % len(shape)
        if newer or axis == len(shape) - 1 or all(one == 1 for one in shape[axis + 1 :]):
            return context.call(node, op, shape, self=x, dim=axis)
        raise Untranslatable("it is over all axes at once, as before version 13")

    return convert


def _selu(context: Context, node: Node) -> tuple[Tensor | Array, ...]:
    alpha, gamma = node.get("alpha", 1.67326319217681884765625), node.get("gamma", 1.05070102214813232421875)
    if abs(alpha - 1.6732632) > 1e-6 or abs(gamma - 1.0507010) > 1e-6:
        return unary("elu", alpha=short(alpha), scale=short(gamma), input_scale=1)(context, node)
    return unary("selu")(context, node)


def _swish(context: Context, node: Node) -> tuple[Tensor, ...]:
    """x·sigmoid(alpha·x)."""
    x, alpha = context.tensor(node, 0), short(node.get("alpha", 1.0))
    shape = context.shape(x)
    if alpha == 1:
        return context.call(node, "silu", shape, self=x)
    (scaled,) = context.call(node, "mul", shape, self=x, other=alpha)
    (scaled,) = context.call(node, "sigmoid", shape, self=scaled)
    return context.call(node, "mul", shape, self=x, other=scaled)


def _softsign(context: Context, node: Node) -> tuple[Tensor, ...]:
    """x/(1 + |x|)."""
    x = context.tensor(node, 0)
    shape = context.shape(x)
    (size,) = context.call(node, "abs", shape, self=x)
    (size,) = context.call(node, "add", shape, self=size, other=1)
    return context.call(node, "div", shape, self=x, other=size)


def _gelu(context: Context, node: Node) -> tuple[Tensor, ...]:
    x = context.tensor(node, 0)
    approximate = node.get("approximate", "none")
    return context.call(node, "gelu", context.shape(x), self=x, approximate=approximate)


def _same(context: Context, node: Node) -> tuple[Tensor | Array, ...]:
    """No effect: Identity, Cast, Dropout in evaluation, and the rounding of quantized networks, which is
    noted."""
    value = context.operand(node, 0)
    assert value is not None
    return (value,)


def _quantized(context: Context, node: Node) -> tuple[Tensor | Array, ...]:
    context.record.notes[
        "the rounding of a quantized network (QuantizeLinear, DequantizeLinear) is left out"
    ] = None
    return _same(context, node)


def _dropout(context: Context, node: Node) -> tuple[Tensor, ...]:
    x, ratio = context.tensor(node, 0), context.constant(node, 1)
    rate = float(ratio.ravel()[0]) if ratio is not None else node.get("ratio", 0.5)
    return context.call(node, "dropout", context.shape(x), input=x, p=short(rate), train=False)


ELEMENTWISE: Mapping[str, Converting] = {
    "Relu": unary("relu"),
    "Sigmoid": unary("sigmoid"),
    "Tanh": unary("tanh"),
    "Selu": _selu,
    "Softplus": unary("softplus", beta=1, threshold=20),
    "Softsign": _softsign,
    "Swish": _swish,
    "HardSwish": unary("hardswish"),
    "Mish": unary("mish"),
    "Erf": unary("erf"),
    "Exp": unary("exp"),
    "Log": unary("log"),
    "Sqrt": unary("sqrt"),
    "Abs": unary("abs"),
    "Neg": unary("neg"),
    "Reciprocal": unary("reciprocal"),
    "LeakyRelu": with_number("leaky_relu", "negative_slope", "alpha", 0.01),
    "Elu": with_number("elu", "alpha", "alpha", 1.0),
    "Celu": with_number("celu", "alpha", "alpha", 1.0),
    "HardSigmoid": _hard_sigmoid,
    "Gelu": _gelu,
    "PRelu": _prelu,
    "Clip": _clip,
    "Softmax": _softmax("softmax"),
    "LogSoftmax": _softmax("log_softmax"),
    "Add": binary("add"),
    "Sub": binary("sub"),
    "Mul": binary("mul"),
    "Div": binary("div"),
    "Pow": _power,
    "Sum": many("add"),
    "Max": many("maximum"),
    "Min": many("minimum"),
    "Mean": _average,
    "Identity": _same,
    "Cast": _same,
    "CastLike": _same,
    "Dropout": _dropout,
    "QuantizeLinear": _quantized,
    "DequantizeLinear": _quantized,
}
