"""Caffe's layers, as the calls that torch would make: those of single numbers, and the table of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from cnnspec.sources.caffe.convert import Context, Converting
from cnnspec.sources.caffe.norms import (
    batch_norm,
    batch_norm_of_forks,
    bias,
    mean_variance_norm,
    normalize,
    response_norm,
    scale,
)
from cnnspec.sources.caffe.products import gated, times
from cnnspec.sources.caffe.shapes import (
    concat,
    crop,
    flatten,
    interpolation,
    permute,
    reshape,
    shuffle,
    slices,
    split,
    tile,
    upsample,
)
from cnnspec.sources.caffe.windows import (
    convolution,
    deconvolution,
    depthwise,
    local_convolution,
    pooling,
    pyramid,
)
from cnnspec.sources.calls.record import Untranslatable
from cnnspec.sources.calls.trace import Tensor, Value


def inner_product(context: Context) -> Sequence[Tensor]:
    x, option = context.only(), context.option("inner_product_param")
    batch, *sizes = context.shape(x)
    if option.integer("axis", 1) != 1:
        raise Untranslatable("its axis is not 1")
    size, K = prod(sizes), option.integer("num_output")
    flat = x if len(sizes) == 1 else context.call("view", (batch, size), self=x, size=(batch, size))
    if option.flag("transpose"):
        return context.hole("its matrix is transposed", x, (batch, K))
    bias = context.weight(1, K) if option.flag("bias_term", True) else None
    return [context.call("linear", (batch, K), input=flat, weight=context.weight(0, K, size), bias=bias)]


def regions(context: Context) -> Sequence[Tensor]:
    """ROIPooling: its regions come from a layer that is left out."""
    name = context.layer.texts("bottom")[0]
    x, option = context.values[name], context.option("roi_pooling_param")
    batch, C, *_ = context.shape(x)
    shape = (batch, C, option.integer("pooled_h", 1), option.integer("pooled_w", 1))
    return context.hole("its regions are computed from the data", x, shape)


def logarithm(context: Context) -> Sequence[Tensor]:
    """ln(shift + scale · x), in another base."""
    option = context.option("log_param", "exp_param")
    if any(option.all(name) for name in ("base", "scale", "shift")):
        x = context.only()
        return context.hole("it has a base, a scale or a shift", x, context.shape(x))
    return unary(context.layer.text("type").lower())(context)


def dropout_of_maps(context: Context) -> Sequence[Tensor]:
    x = context.only()
    rate = context.option("dropout_param", "spatial_dropout_param").number("dropout_ratio", 0.5)
    return [context.call("feature_dropout", context.shape(x), input=x, p=rate, train=False)]


def reduction(context: Context) -> Sequence[Tensor]:
    """A sum or an average over all axes from one on."""
    x, option = context.only(), context.option("reduction_param")
    shape, axis = context.shape(x), option.integer("axis")
    kind = option.text("operation", "SUM")
    out = shape[: axis % len(shape)]
    if kind not in ("MEAN", "4") or option.number("coeff", 1.0) != 1 or len(out) != 2 or len(shape) < 3:
        return context.hole(f"it is a {kind} from axis {axis} on", x, out or (1,))
    dims = tuple(range(2, len(shape)))
    return [context.call("mean", out, self=x, dim=dims, keepdim=False)]


def clip(context: Context) -> Sequence[Tensor]:
    option = context.option("clip_param")
    return unary("clamp", min=option.number("min"), max=option.number("max"))(context)


def threshold(context: Context) -> Sequence[Tensor]:
    x = context.only()
    return context.hole("it is 1 above a number and 0 below", x, context.shape(x))


def mean_field(context: Context) -> Sequence[Tensor]:
    """CRF-RNN: as many steps of a conditional random field as are trained together."""
    inputs = context.bottoms()[0]
    return context.hole("it is a conditional random field", inputs, context.shape(inputs))


def axpy(context: Context) -> Sequence[Tensor]:
    """SENet's own layer: a gate times a map, plus another map."""
    gate, one, other = context.bottoms()
    return [context.call("add", context.shape(other), self=gated(context, one, gate), other=other)]


def elementwise(context: Context) -> Sequence[Tensor]:
    option, inputs = context.option("eltwise_param"), context.bottoms()
    kind = option.text("operation", "SUM")
    op = {"SUM": "add", "1": "add", "PROD": "mul", "0": "mul", "MAX": "maximum", "2": "maximum"}.get(kind)
    if op is None:
        return context.hole(f"its operation is {kind}", inputs[0], context.shape(inputs[0]))
    factors = option.numbers("coeff") or [1.0] * len(inputs)
    if op != "add" and any(one != 1 for one in factors):
        raise Untranslatable("it has factors")
    result = times(context, inputs[0], factors[0])
    for input_, factor in zip(inputs[1:], factors[1:], strict=True):
        shape = context.shape(result)
        if factor == -1:
            result = context.call("sub", shape, self=result, other=input_)
        else:
            result = context.call(op, shape, self=result, other=times(context, input_, factor))
    return [result]


def unary(op: str, **arguments: Value) -> Converting:
    def convert(context: Context) -> Sequence[Tensor]:
        x = context.only()
        return context.calls(op, [context.shape(x)], {"self": x, **arguments})

    return convert


def relu(context: Context) -> Sequence[Tensor]:
    slope = context.option("relu_param").number("negative_slope")
    return unary("leaky_relu", negative_slope=slope)(context) if slope else unary("relu")(context)


def swish(context: Context) -> Sequence[Tensor]:
    """x·sigmoid(beta·x)."""
    x, beta = context.only(), context.option("swish_param").number("beta", 1.0)
    shape = context.shape(x)
    if beta == 1:
        return [context.call("silu", shape, self=x)]
    gate = context.call("sigmoid", shape, self=times(context, x, beta))
    return [context.call("mul", shape, self=x, other=gate)]


def elu(context: Context) -> Sequence[Tensor]:
    return unary("elu", alpha=context.option("elu_param").number("alpha", 1.0))(context)


def prelu(context: Context) -> Sequence[Tensor]:
    x = context.only()
    shape = context.shape(x)
    size = 1 if context.option("prelu_param").flag("channel_shared") else shape[1]
    return [context.call("prelu", shape, self=x, weight=context.weight(0, size))]


def power(context: Context) -> Sequence[Tensor]:
    """(shift + scale · x)^power."""
    x, option = context.only(), context.option("power_param")
    shape = context.shape(x)
    y = times(context, x, option.number("scale", 1.0))
    if option.number("shift"):
        y = context.call("add", shape, self=y, other=option.number("shift"))
    exponent = option.number("power", 1.0)
    return [y if exponent == 1 else context.call("pow", shape, self=y, exponent=exponent)]


def dropout(context: Context) -> Sequence[Tensor]:
    x = context.only()
    rate = context.option("dropout_param").number("dropout_ratio", 0.5)
    return [context.call("dropout", context.shape(x), input=x, p=rate, train=False)]


def softmax(context: Context) -> Sequence[Tensor]:
    x = context.only()
    shape = context.shape(x)
    axis = context.option("softmax_param").integer("axis", 1)
    return [context.call("softmax", shape, self=x, dim=axis % len(shape))]


TABLE: Mapping[str, Converting] = {
    "convolution": convolution,
    "convolutiondepthwise": depthwise,
    "depthwiseconvolution": depthwise,
    "deconvolution": deconvolution,
    "pooling": pooling,
    "innerproduct": inner_product,
    "batchnorm": batch_norm,
    "bn": batch_norm_of_forks,
    "mvn": mean_variance_norm,
    "roipooling": regions,
    "exp": logarithm,
    "log": logarithm,
    "spatialdropout": dropout_of_maps,
    "scale": scale,
    "bias": bias,
    "localconvolution": local_convolution,
    "local": local_convolution,
    "reduction": reduction,
    "spp": pyramid,
    "tile": tile,
    "clip": clip,
    "threshold": threshold,
    "multistagemeanfield": mean_field,
    "axpy": axpy,
    "eltwise": elementwise,
    "lrn": response_norm,
    "normalize": normalize,
    "relu": relu,
    "relu6": unary("relu6"),
    "elu": elu,
    "prelu": prelu,
    "sigmoid": unary("sigmoid"),
    "tanh": unary("tanh"),
    "absval": unary("abs"),
    "bnll": unary("softplus", beta=1, threshold=20),
    "swish": swish,
    "mish": unary("mish"),
    "power": power,
    "dropout": dropout,
    "softmax": softmax,
    "concat": concat,
    "slice": slices,
    "split": split,
    "flatten": flatten,
    "reshape": reshape,
    "permute": permute,
    "crop": crop,
    "interp": interpolation,
    "upsample": upsample,
    "shufflechannel": shuffle,
}
