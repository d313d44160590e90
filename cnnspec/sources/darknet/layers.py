"""Darknet's layers, as the calls that torch would make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from cnnspec.ops.base import Shape
from cnnspec.sources.calls.record import Untranslatable
from cnnspec.sources.calls.trace import Tensor, Value
from cnnspec.sources.calls.windows import Window, convolved, deconvolved, pooled
from cnnspec.sources.darknet.convert import Context, Converting

ACTIVATIONS: Mapping[str, tuple[str, dict[str, Value]]] = {
    "leaky": ("leaky_relu", {"negative_slope": 0.1}),
    "relu": ("relu", {}),
    "relu6": ("relu6", {}),
    "logistic": ("sigmoid", {}),
    "tanh": ("tanh", {}),
    "mish": ("mish", {}),
    "swish": ("silu", {}),
    "elu": ("elu", {"alpha": 1.0}),
    "selu": ("selu", {}),
    "gelu": ("gelu", {"approximate": "tanh"}),
    "hardtan": ("clamp", {"min": -1, "max": 1}),
    "relie": ("leaky_relu", {"negative_slope": 0.01}),
    "normalize_channels_softmax": ("softmax", {"dim": 1}),
    "normalize_channels_softmax_maxval": ("softmax", {"dim": 1}),
}
WITHOUT_LAYER = frozenset(("loggy", "plse", "stair", "lhtan", "hard_mish", "normalize_channels", "revleaky"))
"""Darknet's activations that the language does not have."""


def activated(context: Context, x: Tensor, usual: str) -> Tensor:
    name = context.text("activation", usual)
    if name == "linear":
        return x
    if name == "ramp":  # x · (x > 0) + 0.1 · x
        shape = context.shape(x)
        rectified = context.call("relu", shape, self=x)
        return context.call("add", shape, self=rectified, other=_times(context, x, 0.1))
    if name in WITHOUT_LAYER:
        return _hole(context, f"the language has no activation {name}", x, context.shape(x))
    if name not in ACTIVATIONS:
        raise Untranslatable(f"its activation {name[:40]!r} is not known")
    op, arguments = ACTIVATIONS[name]
    return context.call(op, context.shape(x), self=x, **arguments)


def _hole(context: Context, why: str, x: Tensor, shape: Sequence[int]) -> Tensor:
    """A layer whose shape is known, with the reason why it cannot be translated."""
    return context.call(context.section.name, shape, input=x, why=why)


def _times(context: Context, x: Tensor, factor: float) -> Tensor:
    return x if factor == 1 else context.call("mul", context.shape(x), self=x, other=factor)


def normalised(context: Context, x: Tensor) -> Tensor:
    C = context.shape(x)[1]
    weights = {
        name: context.weight(name, C) for name in ("scales", "biases", "rolling_mean", "rolling_variance")
    }
    return context.call(
        "batch_norm",
        context.shape(x),
        input=x,
        weight=weights["scales"],
        bias=weights["biases"],
        running_mean=weights["rolling_mean"],
        running_var=weights["rolling_variance"],
        training=False,
        momentum=0.1,
        eps=1e-5,
    )


def _window(context: Context) -> Window:
    F, S, D = context.integer("size", 1), context.integer("stride", 1), context.integer("dilation", 1)
    steps = context.integer("stride_y", S), context.integer("stride_x", S)
    P = F // 2 * D if context.integer("pad") else context.integer("padding")
    return Window((F, F), steps, (D, D), ((P, P), (P, P)))


COMPUTED_OTHERWISE = {
    "xnor": "its weights are rounded to −1 and 1",
    "binary": "its weights are rounded to −1 and 1",
    "antialiasing": "its output is blurred before it is subsampled",
    "coordconv": "it also reads the coordinates of each position",
} | dict.fromkeys(("sway", "rotate", "stretch", "stretch_sway"), "its filters are turned and stretched")
"""Keys with which a convolution computes something that the language does not have."""


def _otherwise(context: Context) -> dict[str, Value]:
    return next(({"why": why} for key, why in COMPUTED_OTHERWISE.items() if context.integer(key)), {})


def convolutional(context: Context) -> Tensor:
    x, window = context.before, _window(context)
    K, G = context.integer("filters", 1), context.integer("groups", 1)
    norm, shape = context.integer("batch_normalize"), context.shape(x)
    weight = context.weight("weights", K, shape[1] // G, *window.F)
    bias = None if norm else context.weight("biases", K)
    more: dict[str, Value] = {"weight": weight, "bias": bias, "groups": G, **_otherwise(context)}
    y = convolved(context.call, x, shape, window, K, **more)
    return activated(context, normalised(context, y) if norm else y, "logistic")


def deconvolutional(context: Context) -> Tensor:
    x, window = context.before, _window(context)
    K, norm, shape = context.integer("filters", 1), context.integer("batch_normalize"), context.shape(x)
    weight = context.weight("weights", shape[1], K, *window.F)
    bias = None if norm else context.weight("biases", K)
    y = deconvolved(context.call, x, shape, window, K, weight=weight, bias=bias, groups=1)
    return activated(context, normalised(context, y) if norm else y, "logistic")


def maxpool(context: Context, average: bool = False) -> Tensor:
    """`padding` is the sum of both sides, size − 1 by default. The last windows may begin on the map and end
    after the padding, which an average does not include."""
    x = context.before
    batch, C, *sizes = context.shape(x)
    if context.integer("maxpool_depth"):
        shape = (batch, context.integer("out_channels", 1), *sizes)
        return _hole(context, "it is over channels", x, shape)
    S = context.integer("stride", 1)
    steps = context.integer("stride_y", S), context.integer("stride_x", S)
    F = context.integer("size", S)
    total = context.integer("padding", F - 1)
    before = total // 2
    ends = tuple(
        (before, max((n + total - F) // step * step + F - n - before, before if total % 2 == 0 else 0))
        for n, step in zip(sizes, steps, strict=True)
    )
    window = Window((F, F), steps, (1, 1), ends)
    if context.integer("antialiasing"):
        shape = (batch, C, *window.out(sizes))
        return _hole(context, COMPUTED_OTHERWISE["antialiasing"], x, shape)
    return pooled(context.call, x, (batch, C, *sizes), window, average=average)


def avgpool(context: Context) -> Tensor:
    batch, C, *_ = context.shape(context.before)
    return context.call("mean", (batch, C, 1, 1), self=context.before, dim=(2, 3), keepdim=True)


def connected(context: Context) -> Tensor:
    batch, *sizes = context.shape(context.before)
    size, K, norm = prod(sizes), context.integer("output", 1), context.integer("batch_normalize")
    flat = context.before
    if len(sizes) > 1:
        flat = context.call("view", (batch, size), self=flat, size=(batch, size))
    bias = None if norm else context.weight("biases", K)
    y = context.call("linear", (batch, K), input=flat, weight=context.weight("weights", K, size), bias=bias)
    return activated(context, normalised(context, y) if norm else y, "logistic")


def dropout(context: Context) -> Tensor:
    x, rate = context.before, context.number("probability", 0.5)
    if context.integer("dropblock"):
        context.record.notes["[dropout] with dropblock=1 is left out: the language has no DropBlock"] = None
        return x
    return context.call("dropout", context.shape(x), input=x, p=rate, train=False)


def softmax(context: Context) -> Tensor:
    """Over all numbers of a map, or with `spatial` over the channels of each position."""
    if context.integer("groups", 1) != 1:
        return _hole(context, "it has several groups", context.before, context.shape(context.before))
    x = _times(context, context.before, 1 / context.number("temperature", 1.0))
    batch, *sizes = context.shape(x)
    if len(sizes) > 1 and not context.integer("spatial"):
        x = context.call("view", (batch, prod(sizes)), self=x, size=(batch, prod(sizes)))
    more = (
        {"why": "it is over the groups of a tree, which is in another file"} if context.text("tree") else {}
    )
    return context.call("softmax", context.shape(x), self=x, dim=1, **more)


def length_of_one(context: Context) -> Tensor:
    return context.call(
        "normalize", context.shape(context.before), self=context.before, p=2, dim=1, eps=1e-12
    )


def response_norm(context: Context) -> Tensor:
    why = "its windows are not those of other tools: the first ones have a channel less"
    return _hole(context, why, context.before, context.shape(context.before))


def route(context: Context) -> Tensor:
    inputs = context.others("layers")
    groups, place = context.integer("groups", 1), context.integer("group_id")
    if groups > 1:
        inputs = [_part(context, input_, groups, place) for input_ in inputs]
    if len(inputs) == 1:
        return inputs[0]
    shapes = [context.shape(input_) for input_ in inputs]
    if any(shape[2:] != shapes[0][2:] for shape in shapes):
        raise Untranslatable("the layers that it joins have different sizes")
    out = (shapes[0][0], sum(shape[1] for shape in shapes), *shapes[0][2:])
    return context.call("cat", out, tensors=tuple(inputs), dim=1)


def _part(context: Context, x: Tensor, groups: int, place: int) -> Tensor:
    batch, C, *sizes = context.shape(x)
    size = C // groups
    low = size * place
    return context.call("slice", (batch, size, *sizes), self=x, dim=1, start=low, end=low + size, step=1)


def shortcut(context: Context) -> Tensor:
    """alpha · the layer before + beta · another one; or with a trained weight for each of them."""
    if context.text("weights_type", "none") != "none":
        return activated(context, _weighted(context), "linear")
    result = _times(context, context.before, context.number("alpha", 1.0))
    shape = context.shape(result)
    for one in context.others("from"):
        part = _times(context, _of_shape(context, one, shape), context.number("beta", 1.0))
        result = context.call("add", shape, self=result, other=part)
    return activated(context, result, "linear")


def _weighted(context: Context) -> Tensor:
    terms = [context.before, *context.others("from")]
    shape = context.shape(context.before)
    terms = [_of_shape(context, term, shape) for term in terms]
    if context.text("weights_type") == "per_channel":
        return _hole(context, "its sum has a trained weight for each channel", context.before, shape)
    if context.text("weights_normalization") not in ("relu", "avg_relu"):
        return _hole(context, "its trained weights are not divided by their sum", context.before, shape)
    weight, count = context.weight("weights", len(terms)), len(terms)
    stack = (*shape, count)
    pile = context.call("stack", stack, tensors=tuple(terms), dim=-1)
    above = context.call("relu", (count,), self=weight)
    below = context.call("add", (), self=context.call("sum", (), self=above), other=1e-4)
    share = context.call("div", (count,), self=above, other=below)
    return context.call("matmul", shape, self=pile, other=share)


def _of_shape(context: Context, x: Tensor, shape: Shape) -> Tensor:
    """Of a larger map every second position (or third, …); as many channels as there are, or zeros."""
    batch, C, *sizes = context.shape(x)
    step = sizes[0] // shape[2]
    if step < 1 or sizes[1] // shape[3] != step or [-(-n // step) for n in sizes] != list(shape[2:]):
        ours, theirs = ("x".join(map(str, one)) for one in (shape[2:], sizes))
        raise Untranslatable(f"it adds a map of {theirs} to one of {ours}")
    if step > 1:
        for dim, size in enumerate(sizes, 2):
            sizes[dim - 2] = -(-size // step)
            x = context.call("slice", (batch, C, *sizes), self=x, dim=dim, start=0, end=size, step=step)
    if shape[1] < C:
        return context.call("slice", shape, self=x, dim=1, start=0, end=shape[1], step=1)
    if shape[1] > C:
        pad = (0, 0, 0, 0, 0, shape[1] - C)
        return context.call("pad", shape, self=x, pad=pad, mode="constant", value=0.0)
    return x


def gate(context: Context) -> Tensor:
    """scale_channels and sam: another layer, times this one."""
    (other,) = context.others("from")
    shapes = zip(context.shape(context.before), context.shape(other), strict=True)
    if any(n not in (1, size) for n, size in shapes):
        ours, theirs = ("x".join(map(str, context.shape(one)[1:])) for one in (context.before, other))
        raise Untranslatable(f"it multiplies a map of {theirs} by one of {ours}")
    y = context.call("mul", context.shape(other), self=other, other=context.before)
    return activated(context, y, "linear")


def upsample(context: Context) -> Tensor:
    x, factor = context.before, context.integer("stride", 2)
    if factor < 1:
        raise Untranslatable(f"its stride is {factor}")
    batch, C, *sizes = context.shape(x)
    out = tuple(n * factor for n in sizes)
    scales = (float(factor),) * 2
    y = context.call("upsample_nearest2d", (batch, C, *out), input=x, output_size=out, scale_factors=scales)
    return _times(context, y, context.number("scale", 1.0))


def reorg(context: Context) -> Tensor:
    """Reorders the numbers of a map as if it had C/S² channels and were S times as large: Darknet's own
    order."""
    x, S = context.before, context.integer("stride", 1)
    batch, C, H, W = context.shape(x)
    if context.integer("reverse"):
        shape = (batch, C // (S * S), H * S, W * S)
        return _hole(context, "it is reversed", x, shape)
    if C % (S * S) or H % S or W % S:
        raise Untranslatable(f"{C} maps of {H}x{W} cannot be rearranged by {S}")
    c = C // (S * S)
    wide, size = (batch, c, H * S, W * S), (batch, c, H, S, W, S)
    y = context.call("view", wide, self=x, size=wide)
    y = context.call("view", size, self=y, size=size)
    y = context.call("permute", (batch, S, S, c, H, W), self=y, dims=(0, 3, 5, 1, 2, 4))
    out = (batch, C * S * S, H // S, W // S)
    return context.call("view", out, self=y, size=out)


def space_to_depth(context: Context) -> Tensor:
    """reorg3d: the same with the order of other tools."""
    x, S = context.before, context.integer("stride", 1)
    batch, C, H, W = context.shape(x)
    size = (batch, C, H // S, S, W // S, S)
    y = context.call("view", size, self=x, size=size)
    y = context.call("permute", (batch, S, S, C, H // S, W // S), self=y, dims=(0, 3, 5, 1, 2, 4))
    out = (batch, C * S * S, H // S, W // S)
    return context.call("view", out, self=y, size=out)


def local(context: Context) -> Tensor:
    x, window = context.before, _window(context)
    batch, C, *sizes = context.shape(x)
    K, out = context.integer("filters", 1), window.out(sizes)
    weight, bias = context.weight("weights", K, C, *window.F, *out), context.weight("biases", K, *out)
    padding = tuple(before for before, _ in window.ends)
    y = context.call(
        "local",
        (batch, K, *out),
        input=x,
        weight=weight,
        bias=bias,
        stride=window.S,
        padding=padding,
    )
    return activated(context, y, "logistic")


def crop(context: Context) -> Tensor:
    """The middle of the image, whose numbers from 0 to 1 become those from −1 to 1 (without `noadjust`)."""
    x = context.before
    for dim, key in ((2, "crop_height"), (3, "crop_width")):
        shape = list(context.shape(x))
        size = context.integer(key, shape[dim])
        begin, shape[dim] = (shape[dim] - size) // 2, size
        if begin:
            x = context.call("slice", shape, self=x, dim=dim, start=begin, end=begin + size, step=1)
    if context.integer("noadjust"):
        return x
    doubled = _times(context, x, 2.0)
    return context.call("sub", context.shape(x), self=doubled, other=1.0)


TABLE: Mapping[str, Converting] = {
    "convolutional": convolutional,
    "conv": convolutional,
    "deconvolutional": deconvolutional,
    "maxpool": maxpool,
    "max": maxpool,
    "local_avgpool": lambda context: maxpool(context, average=True),
    "avgpool": avgpool,
    "avg": avgpool,
    "connected": connected,
    "conn": connected,
    "dropout": dropout,
    "softmax": softmax,
    "soft": softmax,
    "route": route,
    "shortcut": shortcut,
    "scale_channels": gate,
    "sam": gate,
    "upsample": upsample,
    "reorg": reorg,
    "reorg3d": space_to_depth,
    "local": local,
    "crop": crop,
    "batchnorm": lambda context: normalised(context, context.before),
    "l2norm": length_of_one,
    "normalization": response_norm,
    "lrn": response_norm,
    "empty": lambda context: context.before,
    "silence": lambda context: context.before,
    "logistic": lambda context: activated(context, context.before, "logistic"),
    "activation": lambda context: activated(context, context.before, "linear"),
}
