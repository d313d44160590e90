"""Caffe's layers, as the calls that torch would make. Pools round their sizes up, with torch's rule for the
last window; an average includes the padding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import prod

from cnnspec.notations.prototxt import Message
from cnnspec.ops.base import Shape, Sizes
from cnnspec.sources.caffe.convert import Context, Converting
from cnnspec.sources.calls.record import Unsaid
from cnnspec.sources.calls.trace import Tensor, Value
from cnnspec.sources.calls.windows import Window, convolved, deconvolved, pooled


def _sides(option: Message, name: str, otherwise: int, axes: int, short: str = "") -> Sizes:
    """`kernel_size: 3`, `kernel_size: 3 kernel_size: 5`, or `kernel_h: 3 kernel_w: 5`."""
    stem = short or name
    if option.all(f"{stem}_h") or option.all(f"{stem}_w"):
        return option.integer(f"{stem}_h", otherwise), option.integer(f"{stem}_w", otherwise)
    found = option.integers(name) or [otherwise]
    return (found[0],) * axes if len(found) == 1 else tuple(found)


def _window(option: Message, shape: Shape) -> Window:
    axes = len(shape) - 2
    F = _sides(option, "kernel_size", 0, axes, "kernel")
    P, S, D = (
        _sides(option, name, usual, axes) for name, usual in (("pad", 0), ("stride", 1), ("dilation", 1))
    )
    if min(F) < 1:
        raise Unsaid("it says no kernel_size")
    if any(len(one) != axes for one in (F, P, S, D)):
        raise Unsaid(f"its numbers are not for {axes} axes")
    return Window(F, S, D, tuple((one, one) for one in P))


def convolution(context: Context, groups: int | None = None) -> Sequence[Tensor]:
    x, option = context.only(), context.option("convolution_param")
    shape = context.shape(x)
    window = _window(option, shape)
    K, G = option.integer("num_output"), groups or option.integer("group", 1)
    weight = context.weight(0, K, shape[1] // G, *window.F)
    bias = context.weight(1, K) if option.flag("bias_term", True) else None
    return [convolved(context.call, x, shape, window, K, weight=weight, bias=bias, groups=G)]


def depthwise(context: Context) -> Sequence[Tensor]:
    return convolution(context, context.shape(context.only())[1])


def deconvolution(context: Context) -> Sequence[Tensor]:
    x, option = context.only(), context.option("convolution_param")
    shape = context.shape(x)
    window = _window(option, shape)
    K, G = option.integer("num_output"), option.integer("group", 1)
    weight = context.weight(0, shape[1], K // G, *window.F)
    bias = context.weight(1, K) if option.flag("bias_term", True) else None
    return [deconvolved(context.call, x, shape, window, K, weight=weight, bias=bias, groups=G)]


def pooling(context: Context) -> Sequence[Tensor]:
    x, option = context.only(), context.option("pooling_param")
    kind = option.text("pool", "MAX")
    average = kind in ("AVE", "1")
    shape = context.shape(x)
    if kind not in ("MAX", "AVE", "0", "1"):
        window = _window(option, shape)._replace(ceil=True)
        return context.hole(f"its kind is {kind}", x, (*shape[:2], *window.out(shape[2:])))
    if option.flag("global_pooling"):
        op = "mean" if average else "amax"
        out = (*shape[:2], *(1 for _ in shape[2:]))
        return [context.call(op, out, self=x, dim=tuple(range(2, len(shape))), keepdim=True)]
    up = option.text("round_mode", "CEIL") in ("CEIL", "0") and option.flag("ceil_mode", True)
    window = _window(option, shape)._replace(ceil=up)
    if len(context.layer.texts("top")) == 2 and not average:
        return _with_places(context, x, window)
    return [pooled(context.call, x, shape, window, average=average, counts=average)]


def _with_places(context: Context, x: Tensor, window: Window) -> Sequence[Tensor]:
    """A maxpool that also returns the positions of its maxima (SegNet)."""
    batch, C, *sizes = context.shape(x)
    padding, out = window.padding(sizes), (batch, C, *window.out(sizes))
    arguments: dict[str, Value] = {"self": x, "kernel_size": window.F, "stride": window.S}
    arguments |= {"padding": padding, "dilation": window.D, "ceil_mode": window.ceil}
    return context.calls("max_pool2d_with_indices", [out, out], arguments)


def inner_product(context: Context) -> Sequence[Tensor]:
    x, option = context.only(), context.option("inner_product_param")
    batch, *sizes = context.shape(x)
    if option.integer("axis", 1) != 1:
        raise Unsaid("its axis is not 1")
    size, K = prod(sizes), option.integer("num_output")
    flat = x if len(sizes) == 1 else context.call("view", (batch, size), self=x, size=(batch, size))
    bias = context.weight(1, K) if option.flag("bias_term", True) else None
    return [context.call("linear", (batch, K), input=flat, weight=context.weight(0, K, size), bias=bias)]


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
        made = context.call("mul", shape, self=x, other=context.weight(0, *sizes))
        return [context.call("add", shape, self=made, other=context.weight(1, *sizes))]
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


def scale(context: Context) -> Sequence[Tensor]:
    """A weight and a bias for each channel, or the product of two blobs."""
    inputs, option = context.bottoms(), context.option("scale_param")
    shape = context.shape(inputs[0])
    if len(inputs) == 2:
        return [_gated(context, inputs[0], inputs[1])]
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
    made = context.call("mul", shape, self=inputs[0], other=context.weight(0, *sizes))
    if option.flag("bias_term"):
        made = context.call("add", shape, self=made, other=context.weight(1, *sizes))
    return [made]


def _gated(context: Context, one: Tensor, gate: Tensor) -> Tensor:
    """A map times one number per channel."""
    shape, sizes = context.shape(one), context.shape(gate)
    if len(sizes) == 2 and len(shape) == 4:
        wide = (*sizes, 1, 1)
        gate = context.call("view", wide, self=gate, size=wide)
    if len(shape) == 2 and len(context.shape(gate)) == 4:
        one, gate = gate, context.call("view", (*shape, 1, 1), self=one, size=(*shape, 1, 1))
    return context.call("mul", context.shape(one), self=one, other=gate)


def bias(context: Context) -> Sequence[Tensor]:
    """A number for each channel is added."""
    x = context.only()
    shape = context.shape(x)
    sizes = (shape[1], *(1 for _ in shape[2:]))
    return [context.call("add", shape, self=x, other=context.weight(0, *sizes))]


def local_convolution(context: Context) -> Sequence[Tensor]:
    """DeepFace's layer of some forks: filters of its own at each position, with the positions last."""
    x, option = (
        context.only(),
        context.option("local_convolution_param", "local_param", "convolution_param"),
    )
    shape = context.shape(x)
    window = _window(option, shape)
    out = (shape[0], option.integer("num_output"), *window.out(shape[2:]))
    return context.hole("its filters are its own at each position, in the order of a fork", x, out)


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


def pyramid(context: Context) -> Sequence[Tensor]:
    """SPP: pools of 1, 2x2, 4x4, … windows, flattened and joined."""
    x, option = context.only(), context.option("spp_param")
    batch, C, *sizes = context.shape(x)
    average, parts, total = option.text("pool", "MAX") in ("AVE", "1"), list[Tensor](), 0
    if option.integer("pyramid_height") > 16:
        raise Unsaid("its pyramid is higher than 16")
    for level in range(option.integer("pyramid_height")):
        F = tuple(-(-size >> level) for size in sizes)
        P = tuple((one * 2**level - size + 1) // 2 for one, size in zip(F, sizes, strict=True))
        window = Window(F, F, (1, 1), tuple((one, one) for one in P))._replace(ceil=True)
        made = pooled(context.call, x, (batch, C, *sizes), window, average=average, counts=average)
        count = prod(context.shape(made)[1:])
        parts.append(context.call("view", (batch, count), self=made, size=(batch, count)))
        total += count
    return [context.call("cat", (batch, total), tensors=tuple(parts), dim=1)]


def tile(context: Context) -> Sequence[Tensor]:
    x, option = context.only(), context.option("tile_param")
    out = list(context.shape(x))
    out[option.integer("axis", 1) % len(out)] *= option.integer("tiles", 1)
    return context.hole("it repeats a map", x, out)


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
    return [context.call("add", context.shape(other), self=_gated(context, one, gate), other=other)]


def elementwise(context: Context) -> Sequence[Tensor]:
    option, inputs = context.option("eltwise_param"), context.bottoms()
    kind = option.text("operation", "SUM")
    op = {"SUM": "add", "1": "add", "PROD": "mul", "0": "mul", "MAX": "maximum", "2": "maximum"}.get(kind)
    if op is None:
        return context.hole(f"its operation is {kind}", inputs[0], context.shape(inputs[0]))
    factors = option.numbers("coeff") or [1.0] * len(inputs)
    if op != "add" and any(one != 1 for one in factors):
        raise Unsaid("it has factors")
    result = _times(context, inputs[0], factors[0])
    for one, factor in zip(inputs[1:], factors[1:], strict=True):
        shape = context.shape(result)
        if factor == -1:
            result = context.call("sub", shape, self=result, other=one)
        else:
            result = context.call(op, shape, self=result, other=_times(context, one, factor))
    return [result]


def _times(context: Context, x: Tensor, factor: float) -> Tensor:
    return x if factor == 1 else context.call("mul", context.shape(x), self=x, other=factor)


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
    more = context.call("add", shape, self=_times(context, mean, option.number("alpha", 1.0)), other=1.0)
    power = context.call("pow", shape, self=more, exponent=option.number("beta", 0.75))
    return context.call("div", shape, self=x, other=power)


def normalize(context: Context) -> Sequence[Tensor]:
    """SSD's own layer: each position's channels divided by their length, times a weight."""
    x, option = context.only(), context.option("norm_param")
    shape = context.shape(x)
    if option.flag("across_spatial", True) or option.flag("channel_shared", True):
        return context.hole("it normalises over the whole map, or has one weight", x, shape)
    made = context.call("normalize", shape, self=x, p=2, dim=1, eps=1e-12)
    sizes = (shape[1], *(1 for _ in shape[2:]))
    return [context.call("mul", shape, self=made, other=context.weight(0, *sizes))]


def unary(op: str, **arguments: Value) -> Converting:
    def convert(context: Context) -> Sequence[Tensor]:
        x = context.only()
        return context.calls(op, [context.shape(x)], {"self": x, **arguments})

    return convert


def relu(context: Context) -> Sequence[Tensor]:
    slope = context.option("relu_param").number("negative_slope")
    return unary("leaky_relu", negative_slope=slope)(context) if slope else unary("relu")(context)


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
    made = _times(context, x, option.number("scale", 1.0))
    if option.number("shift"):
        made = context.call("add", shape, self=made, other=option.number("shift"))
    exponent = option.number("power", 1.0)
    return [made if exponent == 1 else context.call("pow", shape, self=made, exponent=exponent)]


def dropout(context: Context) -> Sequence[Tensor]:
    x = context.only()
    rate = context.option("dropout_param").number("dropout_ratio", 0.5)
    return [context.call("dropout", context.shape(x), input=x, p=rate, train=False)]


def softmax(context: Context) -> Sequence[Tensor]:
    x = context.only()
    shape = context.shape(x)
    axis = context.option("softmax_param").integer("axis", 1)
    return [context.call("softmax", shape, self=x, dim=axis % len(shape))]


def concat(context: Context) -> Sequence[Tensor]:
    inputs, option = context.bottoms(), context.option("concat_param")
    if len(inputs) == 1:
        return inputs
    out = list(context.shape(inputs[0]))
    axis = option.integer("axis", option.integer("concat_dim", 1)) % len(out)
    out[axis] = sum(context.shape(one)[axis] for one in inputs)
    return [context.call("cat", out, tensors=tuple(inputs), dim=axis)]


def slices(context: Context) -> Sequence[Tensor]:
    x, option = context.only(), context.option("slice_param")
    shape, tops = context.shape(x), context.layer.texts("top")
    axis = option.integer("axis", option.integer("slice_dim", 1)) % len(shape)
    points = option.integers("slice_point") or [shape[axis] * one // len(tops) for one in range(1, len(tops))]
    ends = [0, *points, shape[axis]]
    sizes = [high - low for low, high in pairwise(ends)]
    if len(sizes) != len(tops) or min(sizes) < 1:
        raise Unsaid(f"it gives {len(tops)} parts at {points}")
    outs = [(*shape[:axis], size, *shape[axis + 1 :]) for size in sizes]
    arguments: dict[str, Value] = {"self": x, "split_sizes": tuple(sizes), "dim": axis}
    return context.calls("split_with_sizes", outs, arguments)


def split(context: Context) -> Sequence[Tensor]:
    """One blob with several names."""
    return [context.only()] * len(context.layer.texts("top"))


def same(context: Context) -> Sequence[Tensor]:
    return [context.only()]


def flatten(context: Context) -> Sequence[Tensor]:
    x = context.only()
    batch, *sizes = context.shape(x)
    return [context.call("view", (batch, prod(sizes)), self=x, size=(batch, prod(sizes)))]


def reshape(context: Context) -> Sequence[Tensor]:
    x = context.only()
    shape, dims = context.shape(x), context.option("reshape_param").message("shape").integers("dim")
    sizes = [shape[place] if size == 0 else size for place, size in enumerate(dims)]
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = prod(shape) // max(prod(one for one in sizes if one != -1), 1)
    if sizes[:1] != [shape[0]] and prod(sizes[1:]) == prod(shape[1:]):
        sizes[0] = shape[0]  # the size of a batch
    if prod(sizes) != prod(shape) or min(sizes, default=0) < 1:
        raise Unsaid(f"{shape} cannot be reshaped to {tuple(dims)}")
    return [context.call("view", sizes, self=x, size=tuple(sizes))]


def permute(context: Context) -> Sequence[Tensor]:
    x = context.only()
    shape, order = context.shape(x), context.option("permute_param").integers("order")
    order += [axis for axis in range(len(shape)) if axis not in order]
    return [context.call("permute", [shape[one] for one in order], self=x, dims=tuple(order))]


def crop(context: Context) -> Sequence[Tensor]:
    """The first blob, cropped to the size of the second from an offset."""
    x, like = context.bottoms()
    option = context.option("crop_param")
    axis, offsets = option.integer("axis", 2), option.integers("offset") or [0]
    for place in range(axis % len(context.shape(x)), len(context.shape(x))):
        begin = offsets[place - axis] if len(offsets) > 1 else offsets[0]
        shape, size = list(context.shape(x)), context.shape(like)[place]
        if begin + size > shape[place]:
            raise Unsaid(f"{shape[place]} positions cannot be cut to {size} from {begin}")
        shape[place] = size
        x = context.call("slice", shape, self=x, dim=place, start=begin, end=begin + size, step=1)
    return [x]


def interpolation(context: Context) -> Sequence[Tensor]:
    """Interp: bilinear, with aligned corners; a padding below 0 crops."""
    x, option = context.bottoms()[0], context.option("interp_param")
    batch, C, *sizes = context.shape(x)
    if option.integer("pad_beg") or option.integer("pad_end"):
        raise Unsaid("it cuts the map")
    zoom, shrink = option.integer("zoom_factor", 1), option.integer("shrink_factor", 1)
    out = [(size - 1) // shrink + 1 for size in sizes]
    out = [size + (size - 1) * (zoom - 1) for size in out]
    if option.all("height"):
        out = [option.integer("height"), option.integer("width")]
    elif len(context.bottoms()) == 2:
        out = list(context.shape(context.bottoms()[1])[2:])
    arguments: dict[str, Value] = {"input": x, "output_size": tuple(out), "align_corners": True}
    return context.calls("upsample_bilinear2d", [(batch, C, *out)], arguments)


def upsample(context: Context) -> Sequence[Tensor]:
    """An unpooling with the positions of a maxpool's maxima."""
    (x, *places), option = context.bottoms(), context.option("upsample_param")
    factor = option.integer("scale", 2)
    batch, C, *sizes = context.shape(x)
    out = tuple(size * factor for size in sizes)
    if places:
        less = [option.flag(f"pad_out_{side}") for side in "hw"]
        out = tuple(size - one for size, one in zip(out, less, strict=True))
        out = option.integer("upsample_h", out[0]), option.integer("upsample_w", out[1])
        more: dict[str, Value] = {"indices": places[0], "output_size": out}
        return [context.call("max_unpool2d", (batch, C, *out), self=x, **more)]
    arguments: dict[str, Value] = {"input": x, "output_size": out, "scale_factors": (float(factor),) * 2}
    return context.calls("upsample_nearest2d", [(batch, C, *out)], arguments)


def shuffle(context: Context) -> Sequence[Tensor]:
    x, groups = context.only(), context.option("shuffle_channel_param").integer("group", 1)
    batch, C, H, W = context.shape(x)
    size = (batch, groups, C // groups, H, W)
    apart = context.call("view", size, self=x, size=size)
    turned = context.call("permute", (batch, C // groups, groups, H, W), self=apart, dims=(0, 2, 1, 3, 4))
    return [context.call("view", (batch, C, H, W), self=turned, size=(batch, C, H, W))]


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
    "swish": unary("silu"),
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
