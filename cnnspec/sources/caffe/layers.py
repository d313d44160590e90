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
    given, option = context.only(), context.option("convolution_param")
    shape = context.shape(given)
    window = _window(option, shape)
    K, G = option.integer("num_output"), groups or option.integer("group", 1)
    weight = context.weight(0, K, shape[1] // G, *window.F)
    bias = context.weight(1, K) if option.flag("bias_term", True) else None
    return [convolved(context.call, given, shape, window, K, weight=weight, bias=bias, groups=G)]


def depthwise(context: Context) -> Sequence[Tensor]:
    return convolution(context, context.shape(context.only())[1])


def deconvolution(context: Context) -> Sequence[Tensor]:
    given, option = context.only(), context.option("convolution_param")
    shape = context.shape(given)
    window = _window(option, shape)
    K, G = option.integer("num_output"), option.integer("group", 1)
    weight = context.weight(0, shape[1], K // G, *window.F)
    bias = context.weight(1, K) if option.flag("bias_term", True) else None
    return [deconvolved(context.call, given, shape, window, K, weight=weight, bias=bias, groups=G)]


def pooling(context: Context) -> Sequence[Tensor]:
    given, option = context.only(), context.option("pooling_param")
    kind = option.text("pool", "MAX")
    average = kind in ("AVE", "1")
    shape = context.shape(given)
    if kind not in ("MAX", "AVE", "0", "1"):
        window = _window(option, shape)._replace(ceil=True)
        return context.unsaid(f"its kind is {kind}", given, (*shape[:2], *window.out(shape[2:])))
    if option.flag("global_pooling"):
        op = "mean" if average else "amax"
        out = (*shape[:2], *(1 for _ in shape[2:]))
        return [context.call(op, out, self=given, dim=tuple(range(2, len(shape))), keepdim=True)]
    up = option.text("round_mode", "CEIL") in ("CEIL", "0") and option.flag("ceil_mode", True)
    window = _window(option, shape)._replace(ceil=up)
    if len(context.layer.texts("top")) == 2 and not average:
        return _with_places(context, given, window)
    return [pooled(context.call, given, shape, window, average=average, counts=average)]


def _with_places(context: Context, given: Tensor, window: Window) -> Sequence[Tensor]:
    """A maxpool that also returns the positions of its maxima (SegNet)."""
    batch, C, *sizes = context.shape(given)
    padding, out = window.padding(sizes), (batch, C, *window.out(sizes))
    arguments: dict[str, Value] = {"self": given, "kernel_size": window.F, "stride": window.S}
    arguments |= {"padding": padding, "dilation": window.D, "ceil_mode": window.ceil}
    return context.calls("max_pool2d_with_indices", [out, out], arguments)


def inner_product(context: Context) -> Sequence[Tensor]:
    given, option = context.only(), context.option("inner_product_param")
    batch, *sizes = context.shape(given)
    if option.integer("axis", 1) != 1:
        raise Unsaid("its axis is not 1")
    size, K = prod(sizes), option.integer("num_output")
    flat = given if len(sizes) == 1 else context.call("view", (batch, size), self=given, size=(batch, size))
    bias = context.weight(1, K) if option.flag("bias_term", True) else None
    return [context.call("linear", (batch, K), input=flat, weight=context.weight(0, K, size), bias=bias)]


def batch_norm(context: Context) -> Sequence[Tensor]:
    """Normalisation only: its weight and bias are in a Scale layer after it."""
    given, option = context.only(), context.option("batch_norm_param")
    C = context.shape(given)[1]
    arguments: dict[str, Value] = {
        "input": given,
        "weight": None,
        "bias": None,
        "running_mean": context.weight(0, C),
        "running_var": context.weight(1, C),
        "training": False,
        "momentum": round(1 - option.number("moving_average_fraction", 0.999), 10),
        "eps": option.number("eps", 1e-5),
    }
    return context.calls("batch_norm", [context.shape(given)], arguments)


def batch_norm_of_forks(context: Context) -> Sequence[Tensor]:
    """`BN` of SegNet, ENet and Inception, which includes the weight and bias."""
    given, option = context.only(), context.option("bn_param")
    shape = context.shape(given)
    C = shape[1]
    if option.text("bn_mode") == "INFERENCE":  # the weight and bias include the statistics
        sizes = (C, *(1 for _ in shape[2:]))
        made = context.call("mul", shape, self=given, other=context.weight(0, *sizes))
        return [context.call("add", shape, self=made, other=context.weight(1, *sizes))]
    names = ("weight", "bias", "running_mean", "running_var")
    arguments: dict[str, Value] = {name: context.weight(place, C) for place, name in enumerate(names)}
    arguments |= {
        "input": given,
        "training": False,
        "momentum": round(1 - option.number("momentum", 0.9), 10),
    }
    return context.calls(
        "batch_norm", [context.shape(given)], arguments | {"eps": option.number("eps", 1e-5)}
    )


def mean_variance_norm(context: Context) -> Sequence[Tensor]:
    """MVN: each map is normalised separately."""
    given, option = context.only(), context.option("mvn_param")
    shape = context.shape(given)
    if option.flag("across_channels") or not option.flag("normalize_variance", True):
        return context.unsaid("it is no instance normalisation", given, shape)
    none: dict[str, Value] = dict.fromkeys(("weight", "bias", "running_mean", "running_var"))
    arguments: dict[str, Value] = {"input": given, "use_input_stats": True, "momentum": 0.1}
    return context.calls("instance_norm", [shape], none | arguments | {"eps": option.number("eps", 1e-9)})


def regions(context: Context) -> Sequence[Tensor]:
    """ROIPooling: its regions come from a layer that is left out."""
    name = context.layer.texts("bottom")[0]
    given, option = context.values[name], context.option("roi_pooling_param")
    batch, C, *_ = context.shape(given)
    shape = (batch, C, option.integer("pooled_h", 1), option.integer("pooled_w", 1))
    return context.unsaid("its regions are computed, and as many as there are", given, shape)


def logarithm(context: Context) -> Sequence[Tensor]:
    """ln(shift + scale · x), in another base."""
    option = context.option("log_param", "exp_param")
    if any(option.all(name) for name in ("base", "scale", "shift")):
        given = context.only()
        return context.unsaid("it has a base, a scale or a shift", given, context.shape(given))
    return unary(context.layer.text("type").lower())(context)


def dropout_of_maps(context: Context) -> Sequence[Tensor]:
    given = context.only()
    rate = context.option("dropout_param", "spatial_dropout_param").number("dropout_ratio", 0.5)
    return [context.call("feature_dropout", context.shape(given), input=given, p=rate, train=False)]


def scale(context: Context) -> Sequence[Tensor]:
    """A weight and a bias for each channel, or the product of two blobs."""
    given, option = context.bottoms(), context.option("scale_param")
    shape = context.shape(given[0])
    if len(given) == 2:
        return [_gated(context, given[0], given[1])]
    C, calls = shape[1], context.record.calls
    last = calls[-1] if calls else None
    if (
        last is not None
        and last.op == "batch_norm"
        and last.arguments["weight"] is None
        and option.flag("bias_term")
    ):
        arguments = {**last.arguments, "weight": context.weight(0, C), "bias": context.weight(1, C)}
        if given[0].number == len(context.record.shapes) - 1:
            calls[-1] = last._replace(arguments=arguments)
            return [given[0]]
    sizes = (C, *(1 for _ in shape[2:]))
    made = context.call("mul", shape, self=given[0], other=context.weight(0, *sizes))
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
    given = context.only()
    shape = context.shape(given)
    sizes = (shape[1], *(1 for _ in shape[2:]))
    return [context.call("add", shape, self=given, other=context.weight(0, *sizes))]


def local_convolution(context: Context) -> Sequence[Tensor]:
    """DeepFace's layer of some forks: filters of its own at each position, with the positions last."""
    given, option = (
        context.only(),
        context.option("local_convolution_param", "local_param", "convolution_param"),
    )
    shape = context.shape(given)
    window = _window(option, shape)
    out = (shape[0], option.integer("num_output"), *window.out(shape[2:]))
    return context.unsaid("its filters are its own at each position, in the order of a fork", given, out)


def reduction(context: Context) -> Sequence[Tensor]:
    """A sum or an average over all axes from one on."""
    given, option = context.only(), context.option("reduction_param")
    shape, axis = context.shape(given), option.integer("axis")
    kind = option.text("operation", "SUM")
    out = shape[: axis % len(shape)]
    if kind not in ("MEAN", "4") or option.number("coeff", 1.0) != 1 or len(out) != 2 or len(shape) < 3:
        return context.unsaid(f"it is a {kind} from axis {axis} on", given, out or (1,))
    dims = tuple(range(2, len(shape)))
    return [context.call("mean", out, self=given, dim=dims, keepdim=False)]


def pyramid(context: Context) -> Sequence[Tensor]:
    """SPP: pools of 1, 2x2, 4x4, … windows, flattened and joined."""
    given, option = context.only(), context.option("spp_param")
    batch, C, *sizes = context.shape(given)
    average, parts, total = option.text("pool", "MAX") in ("AVE", "1"), list[Tensor](), 0
    if option.integer("pyramid_height") > 16:
        raise Unsaid("its pyramid is higher than 16")
    for level in range(option.integer("pyramid_height")):
        F = tuple(-(-size >> level) for size in sizes)
        P = tuple((one * 2**level - size + 1) // 2 for one, size in zip(F, sizes, strict=True))
        window = Window(F, F, (1, 1), tuple((one, one) for one in P))._replace(ceil=True)
        made = pooled(context.call, given, (batch, C, *sizes), window, average=average, counts=average)
        count = prod(context.shape(made)[1:])
        parts.append(context.call("view", (batch, count), self=made, size=(batch, count)))
        total += count
    return [context.call("cat", (batch, total), tensors=tuple(parts), dim=1)]


def tile(context: Context) -> Sequence[Tensor]:
    given, option = context.only(), context.option("tile_param")
    out = list(context.shape(given))
    out[option.integer("axis", 1) % len(out)] *= option.integer("tiles", 1)
    return context.unsaid("it repeats a map", given, out)


def clip(context: Context) -> Sequence[Tensor]:
    option = context.option("clip_param")
    return unary("clamp", min=option.number("min"), max=option.number("max"))(context)


def threshold(context: Context) -> Sequence[Tensor]:
    given = context.only()
    return context.unsaid("it is 1 above a number and 0 below", given, context.shape(given))


def mean_field(context: Context) -> Sequence[Tensor]:
    """CRF-RNN: as many steps of a conditional random field as are trained together."""
    given = context.bottoms()[0]
    return context.unsaid("it is a conditional random field", given, context.shape(given))


def axpy(context: Context) -> Sequence[Tensor]:
    """SENet's own layer: a gate times a map, plus another map."""
    gate, one, other = context.bottoms()
    return [context.call("add", context.shape(other), self=_gated(context, one, gate), other=other)]


def elementwise(context: Context) -> Sequence[Tensor]:
    option, given = context.option("eltwise_param"), context.bottoms()
    kind = option.text("operation", "SUM")
    op = {"SUM": "add", "1": "add", "PROD": "mul", "0": "mul", "MAX": "maximum", "2": "maximum"}.get(kind)
    if op is None:
        return context.unsaid(f"its operation is {kind}", given[0], context.shape(given[0]))
    factors = option.numbers("coeff") or [1.0] * len(given)
    if op != "add" and any(one != 1 for one in factors):
        raise Unsaid("it has factors")
    result = _times(context, given[0], factors[0])
    for one, factor in zip(given[1:], factors[1:], strict=True):
        shape = context.shape(result)
        if factor == -1:
            result = context.call("sub", shape, self=result, other=one)
        else:
            result = context.call(op, shape, self=result, other=_times(context, one, factor))
    return [result]


def _times(context: Context, given: Tensor, factor: float) -> Tensor:
    return given if factor == 1 else context.call("mul", context.shape(given), self=given, other=factor)


def response_norm(context: Context) -> Sequence[Tensor]:
    given, option = context.only(), context.option("lrn_param")
    if option.text("norm_region", "ACROSS_CHANNELS") not in ("ACROSS_CHANNELS", "0"):
        return [_within_channel(context, given, option)]
    arguments: dict[str, Value] = {
        "self": given,
        "size": option.integer("local_size", 5),
        "alpha": option.number("alpha", 1.0),
        "beta": option.number("beta", 0.75),
        "k": option.number("k", 1.0),
    }
    return context.calls("local_response_norm", [context.shape(given)], arguments)


def _within_channel(context: Context, given: Tensor, option: Message) -> Tensor:
    """x / (1 + alpha · mean of x² in a window)^beta."""
    shape, size = context.shape(given), option.integer("local_size", 5)
    square = context.call("pow", shape, self=given, exponent=2)
    window = Window((size,) * 2, (1, 1), (1, 1), (((size - 1) // 2,) * 2,) * 2)
    mean = pooled(context.call, square, shape, window, average=True, counts=True)
    more = context.call("add", shape, self=_times(context, mean, option.number("alpha", 1.0)), other=1.0)
    power = context.call("pow", shape, self=more, exponent=option.number("beta", 0.75))
    return context.call("div", shape, self=given, other=power)


def normalize(context: Context) -> Sequence[Tensor]:
    """SSD's own layer: each position's channels divided by their length, times a weight."""
    given, option = context.only(), context.option("norm_param")
    shape = context.shape(given)
    if option.flag("across_spatial", True) or option.flag("channel_shared", True):
        return context.unsaid("it normalises over the whole map, or has one weight", given, shape)
    made = context.call("normalize", shape, self=given, p=2, dim=1, eps=1e-12)
    sizes = (shape[1], *(1 for _ in shape[2:]))
    return [context.call("mul", shape, self=made, other=context.weight(0, *sizes))]


def unary(op: str, **arguments: Value) -> Converting:
    def convert(context: Context) -> Sequence[Tensor]:
        given = context.only()
        return context.calls(op, [context.shape(given)], {"self": given, **arguments})

    return convert


def relu(context: Context) -> Sequence[Tensor]:
    slope = context.option("relu_param").number("negative_slope")
    return unary("leaky_relu", negative_slope=slope)(context) if slope else unary("relu")(context)


def elu(context: Context) -> Sequence[Tensor]:
    return unary("elu", alpha=context.option("elu_param").number("alpha", 1.0))(context)


def prelu(context: Context) -> Sequence[Tensor]:
    given = context.only()
    shape = context.shape(given)
    size = 1 if context.option("prelu_param").flag("channel_shared") else shape[1]
    return [context.call("prelu", shape, self=given, weight=context.weight(0, size))]


def power(context: Context) -> Sequence[Tensor]:
    """(shift + scale · x)^power."""
    given, option = context.only(), context.option("power_param")
    shape = context.shape(given)
    made = _times(context, given, option.number("scale", 1.0))
    if option.number("shift"):
        made = context.call("add", shape, self=made, other=option.number("shift"))
    exponent = option.number("power", 1.0)
    return [made if exponent == 1 else context.call("pow", shape, self=made, exponent=exponent)]


def dropout(context: Context) -> Sequence[Tensor]:
    given = context.only()
    rate = context.option("dropout_param").number("dropout_ratio", 0.5)
    return [context.call("dropout", context.shape(given), input=given, p=rate, train=False)]


def softmax(context: Context) -> Sequence[Tensor]:
    given = context.only()
    shape = context.shape(given)
    axis = context.option("softmax_param").integer("axis", 1)
    return [context.call("softmax", shape, self=given, dim=axis % len(shape))]


def concat(context: Context) -> Sequence[Tensor]:
    given, option = context.bottoms(), context.option("concat_param")
    if len(given) == 1:
        return given
    out = list(context.shape(given[0]))
    axis = option.integer("axis", option.integer("concat_dim", 1)) % len(out)
    out[axis] = sum(context.shape(one)[axis] for one in given)
    return [context.call("cat", out, tensors=tuple(given), dim=axis)]


def slices(context: Context) -> Sequence[Tensor]:
    given, option = context.only(), context.option("slice_param")
    shape, tops = context.shape(given), context.layer.texts("top")
    axis = option.integer("axis", option.integer("slice_dim", 1)) % len(shape)
    points = option.integers("slice_point") or [shape[axis] * one // len(tops) for one in range(1, len(tops))]
    ends = [0, *points, shape[axis]]
    sizes = [high - low for low, high in pairwise(ends)]
    if len(sizes) != len(tops) or min(sizes) < 1:
        raise Unsaid(f"it gives {len(tops)} parts at {points}")
    outs = [(*shape[:axis], size, *shape[axis + 1 :]) for size in sizes]
    arguments: dict[str, Value] = {"self": given, "split_sizes": tuple(sizes), "dim": axis}
    return context.calls("split_with_sizes", outs, arguments)


def split(context: Context) -> Sequence[Tensor]:
    """One blob with several names."""
    return [context.only()] * len(context.layer.texts("top"))


def same(context: Context) -> Sequence[Tensor]:
    return [context.only()]


def flatten(context: Context) -> Sequence[Tensor]:
    given = context.only()
    batch, *sizes = context.shape(given)
    return [context.call("view", (batch, prod(sizes)), self=given, size=(batch, prod(sizes)))]


def reshape(context: Context) -> Sequence[Tensor]:
    given = context.only()
    shape, wanted = context.shape(given), context.option("reshape_param").message("shape").integers("dim")
    sizes = [shape[place] if size == 0 else size for place, size in enumerate(wanted)]
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = prod(shape) // max(prod(one for one in sizes if one != -1), 1)
    if sizes[:1] != [shape[0]] and prod(sizes[1:]) == prod(shape[1:]):
        sizes[0] = shape[0]  # the size of a batch
    if prod(sizes) != prod(shape) or min(sizes, default=0) < 1:
        raise Unsaid(f"{shape} cannot be reshaped to {tuple(wanted)}")
    return [context.call("view", sizes, self=given, size=tuple(sizes))]


def permute(context: Context) -> Sequence[Tensor]:
    given = context.only()
    shape, order = context.shape(given), context.option("permute_param").integers("order")
    order += [axis for axis in range(len(shape)) if axis not in order]
    return [context.call("permute", [shape[one] for one in order], self=given, dims=tuple(order))]


def crop(context: Context) -> Sequence[Tensor]:
    """The first blob, cropped to the size of the second from an offset."""
    given, like = context.bottoms()
    option = context.option("crop_param")
    axis, offsets = option.integer("axis", 2), option.integers("offset") or [0]
    for place in range(axis % len(context.shape(given)), len(context.shape(given))):
        begin = offsets[place - axis] if len(offsets) > 1 else offsets[0]
        shape, size = list(context.shape(given)), context.shape(like)[place]
        if begin + size > shape[place]:
            raise Unsaid(f"{shape[place]} positions cannot be cut to {size} from {begin}")
        shape[place] = size
        given = context.call("slice", shape, self=given, dim=place, start=begin, end=begin + size, step=1)
    return [given]


def interpolation(context: Context) -> Sequence[Tensor]:
    """Interp: bilinear, with aligned corners; a padding below 0 crops."""
    given, option = context.bottoms()[0], context.option("interp_param")
    batch, C, *sizes = context.shape(given)
    if option.integer("pad_beg") or option.integer("pad_end"):
        raise Unsaid("it cuts the map")
    zoom, shrink = option.integer("zoom_factor", 1), option.integer("shrink_factor", 1)
    out = [(size - 1) // shrink + 1 for size in sizes]
    out = [size + (size - 1) * (zoom - 1) for size in out]
    if option.all("height"):
        out = [option.integer("height"), option.integer("width")]
    elif len(context.bottoms()) == 2:
        out = list(context.shape(context.bottoms()[1])[2:])
    arguments: dict[str, Value] = {"input": given, "output_size": tuple(out), "align_corners": True}
    return context.calls("upsample_bilinear2d", [(batch, C, *out)], arguments)


def upsample(context: Context) -> Sequence[Tensor]:
    """An unpooling with the positions of a maxpool's maxima."""
    (given, *places), option = context.bottoms(), context.option("upsample_param")
    factor = option.integer("scale", 2)
    batch, C, *sizes = context.shape(given)
    out = tuple(size * factor for size in sizes)
    if places:
        less = [option.flag(f"pad_out_{side}") for side in "hw"]
        out = tuple(size - one for size, one in zip(out, less, strict=True))
        out = option.integer("upsample_h", out[0]), option.integer("upsample_w", out[1])
        more: dict[str, Value] = {"indices": places[0], "output_size": out}
        return [context.call("max_unpool2d", (batch, C, *out), self=given, **more)]
    arguments: dict[str, Value] = {"input": given, "output_size": out, "scale_factors": (float(factor),) * 2}
    return context.calls("upsample_nearest2d", [(batch, C, *out)], arguments)


def shuffle(context: Context) -> Sequence[Tensor]:
    given, groups = context.only(), context.option("shuffle_channel_param").integer("group", 1)
    batch, C, H, W = context.shape(given)
    size = (batch, groups, C // groups, H, W)
    apart = context.call("view", size, self=given, size=size)
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
