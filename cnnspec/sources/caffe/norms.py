"""Caffe's normalisations, and the scales and biases that follow them as layers of their own."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.notations.prototxt import Message
from cnnspec.sources.caffe.convert import Context
from cnnspec.sources.caffe.products import gated, times
from cnnspec.sources.calls.trace import Tensor, Value
from cnnspec.sources.calls.windows import Window, pooled


def batch_norm(context: Context) -> Sequence[Tensor]:
    """Normalisation only: its weight and bias are in a Scale layer after it."""
    x, option = context.only(), context.option("batch_norm_param")
    C = context.shape(x)[1]
    arguments: dict[str, Value] = {
        "input": x,
        "weight": None,
        "bias": None,
        "running_mean": context.weight(0, C),
        "running_var": context.weight(1, C),
        "training": False,
        "momentum": round(1 - option.number("moving_average_fraction", 0.999), 10),
        "eps": option.number("eps", 1e-5),
    }
    return context.calls("batch_norm", [context.shape(x)], arguments)


def batch_norm_of_forks(context: Context) -> Sequence[Tensor]:
    """`BN` of SegNet, ENet and Inception, which includes the weight and bias."""
    x, option = context.only(), context.option("bn_param")
    shape = context.shape(x)
    C = shape[1]
    if option.text("bn_mode") == "INFERENCE":  # the weight and bias include the statistics
        sizes = (C, *(1 for _ in shape[2:]))
        y = context.call("mul", shape, self=x, other=context.weight(0, *sizes))
        return [context.call("add", shape, self=y, other=context.weight(1, *sizes))]
    names = ("weight", "bias", "running_mean", "running_var")
    arguments: dict[str, Value] = {name: context.weight(place, C) for place, name in enumerate(names)}
    arguments |= {
        "input": x,
        "training": False,
        "momentum": round(1 - option.number("momentum", 0.9), 10),
    }
    return context.calls("batch_norm", [context.shape(x)], arguments | {"eps": option.number("eps", 1e-5)})


def mean_variance_norm(context: Context) -> Sequence[Tensor]:
    """MVN: each map is normalised separately."""
    x, option = context.only(), context.option("mvn_param")
    shape = context.shape(x)
    if option.flag("across_channels") or not option.flag("normalize_variance", True):
        return context.hole("it is not instance normalisation", x, shape)
    none: dict[str, Value] = dict.fromkeys(("weight", "bias", "running_mean", "running_var"))
    arguments: dict[str, Value] = {"input": x, "use_input_stats": True, "momentum": 0.1}
    return context.calls("instance_norm", [shape], none | arguments | {"eps": option.number("eps", 1e-9)})


def scale(context: Context) -> Sequence[Tensor]:
    """A weight and a bias for each channel, or the product of two blobs."""
    inputs, option = context.bottoms(), context.option("scale_param")
    shape = context.shape(inputs[0])
    if len(inputs) == 2:
        return [gated(context, inputs[0], inputs[1])]
    C, calls = shape[1], context.record.calls
    last = calls[-1] if calls else None
    if (
        last is not None
        and last.op == "batch_norm"
        and last.arguments["weight"] is None
        and option.flag("bias_term")
    ):
        arguments = {**last.arguments, "weight": context.weight(0, C), "bias": context.weight(1, C)}
        if inputs[0].number == len(context.record.shapes) - 1:
            calls[-1] = last._replace(arguments=arguments)
            return [inputs[0]]
    sizes = (C, *(1 for _ in shape[2:]))
    y = context.call("mul", shape, self=inputs[0], other=context.weight(0, *sizes))
    if option.flag("bias_term"):
        y = context.call("add", shape, self=y, other=context.weight(1, *sizes))
    return [y]


def bias(context: Context) -> Sequence[Tensor]:
    """A number for each channel is added."""
    x = context.only()
    shape = context.shape(x)
    sizes = (shape[1], *(1 for _ in shape[2:]))
    return [context.call("add", shape, self=x, other=context.weight(0, *sizes))]


def response_norm(context: Context) -> Sequence[Tensor]:
    x, option = context.only(), context.option("lrn_param")
    if option.text("norm_region", "ACROSS_CHANNELS") not in ("ACROSS_CHANNELS", "0"):
        return [_within_channel(context, x, option)]
    arguments: dict[str, Value] = {
        "self": x,
        "size": option.integer("local_size", 5),
        "alpha": option.number("alpha", 1.0),
        "beta": option.number("beta", 0.75),
        "k": option.number("k", 1.0),
    }
    return context.calls("local_response_norm", [context.shape(x)], arguments)


def _within_channel(context: Context, x: Tensor, option: Message) -> Tensor:
    """x / (1 + alpha · mean of x² in a window)^beta."""
    shape, size = context.shape(x), option.integer("local_size", 5)
    square = context.call("pow", shape, self=x, exponent=2)
    window = Window((size,) * 2, (1, 1), (1, 1), (((size - 1) // 2,) * 2,) * 2)
    mean = pooled(context.call, square, shape, window, average=True, counts=True)
    more = context.call("add", shape, self=times(context, mean, option.number("alpha", 1.0)), other=1.0)
    power = context.call("pow", shape, self=more, exponent=option.number("beta", 0.75))
    return context.call("div", shape, self=x, other=power)


def normalize(context: Context) -> Sequence[Tensor]:
    """SSD's own layer: each position's channels divided by their length, times a weight."""
    x, option = context.only(), context.option("norm_param")
    shape = context.shape(x)
    if option.flag("across_spatial", True) or option.flag("channel_shared", True):
        return context.hole("it normalises over the whole map, or has one weight", x, shape)
    y = context.call("normalize", shape, self=x, p=2, dim=1, eps=1e-12)
    sizes = (shape[1], *(1 for _ in shape[2:]))
    return [context.call("mul", shape, self=y, other=context.weight(0, *sizes))]
