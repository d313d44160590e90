"""How torch says each layer: one function a word, from the op and its shapes to a constructor call.

A number carries the node that it may come from in a class with arguments: `W("K")` is the author's
expression for the field K, `C` the channels that arrive. Names that are no part of torch (`Scale`,
`LayerNorm2d`) are in `library`.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, TypeAlias

from cnnspec.lower.call import NOTHING, Built, Slot, Use, W, border, build, n, opt
from cnnspec.lower.symbolic import Apply, Const, Node, Var, apply
from cnnspec.lower.writer import listed
from cnnspec.ops.base import axes_of
from cnnspec.ops.sliding import ENDS
from cnnspec.targets.torch.starts import started

Emitter: TypeAlias = Callable[[Use], Built]
"""From a layer in one use to the call that makes it."""

MODULES: dict[str, Emitter] = {}
"""By the layer's word. Merges and layers that need a second tensor are expressions in `forward`: see
`expressions`."""

C = Var("@C")
"""The channels that arrive."""


def emits(*words: str) -> Callable[[Emitter], Emitter]:
    def keep(emitter: Emitter) -> Emitter:
        for word in words:
            MODULES[word] = emitter
        return emitter

    return keep


def module(use: Use) -> Built:
    """The constructor call of a layer, frozen and started as the spec says."""
    return started(use.op, use.arriving, MODULES[use.op.word](use))


def axes(use: Use) -> int:
    """How many axes the input's maps have; none of a vector."""
    return len(use.arriving[0]) - 1


def names_of(use: Use) -> list[Node]:
    """What stands for the sizes of the input: its channels, then its axes."""
    return [Var(f"@{letter}") for letter in ("C", *axes_of(use.arriving[0]))]


def each_size(use: Use, first: int = 0) -> Built:
    """The sizes of the input from that one on, as a tuple, equal ones too."""
    sizes = zip(use.arriving[0], names_of(use), strict=True)
    return Built("(", tuple(n(size, name) for size, name in sizes)[first:])


def number(exact: Fraction | int) -> int | float:
    """An exact number as Python writes it."""
    value = Fraction(exact)
    small = value.denominator == 1 and abs(value) < 2**53
    return value.numerator if small else float(value)


# --- layers that are alike --------------------------------------------------------------------------

FIXED = {
    "cmean": build("ChannelMean"),
    "cmax": build("ChannelMax"),
    "l2norm": build("L2Norm"),
    "selu": build("nn.SELU"),
    "gelu": build("nn.GELU"),
    "silu": build("nn.SiLU"),
    "mish": build("nn.Mish"),
    "hswish": build("nn.Hardswish"),
    "hsigmoid": build("nn.Hardsigmoid"),
    "sigmoid": build("nn.Sigmoid"),
    "softplus": build("nn.Softplus"),
    "abs": build("Abs"),
    "exp": build("Exp"),
    "log": build("Log"),
    "coords": build("Coords"),
    "transpose": build("Transpose"),
    "logsoftmax": build("nn.LogSoftmax", dim=1),
    "flatten": build("nn.Flatten"),
}
"""Layers that are the same call whatever their input is."""

ONE_NUMBER: dict[str, tuple[str, str, object]] = {
    "elu": ("nn.ELU", "alpha", 1),
    "droppath": ("DropPath", "p", 0.5),
    "times": ("Times", "factor", NOTHING),
    "pow": ("Pow", "p", NOTHING),
    "shuffle": ("nn.ChannelShuffle", "G", NOTHING),
}
"""Layers with one number: the function, the field, the function's default."""


@emits(*FIXED)
def fixed(use: Use) -> Built:
    return FIXED[use.op.word]


@emits("gap", "gmp")
def global_pool(use: Use) -> Built:
    return build(f"nn.Adaptive{'Avg' if use.op.word == 'gap' else 'Max'}Pool{axes(use)}d", 1)


@emits(*ONE_NUMBER)
def one_number(use: Use) -> Built:
    function, field, default = ONE_NUMBER[use.op.word]
    return build(function, Slot(None, number(getattr(use.op, field)), W(field), default))


# --- convolutions -----------------------------------------------------------------------------------


def _window(op: Any) -> dict[str, Slot]:
    padding = Slot(None, '"same"', W("P")) if _is_same(op) else opt(op.P, 0, W("P"))
    return {
        "kernel_size": n(op.F, W("F")),
        "stride": opt(op.S, 1, W("S")),
        "padding": padding,
        "dilation": opt(op.D, 1, W("D")),
    }


@emits("conv")
def conv(use: Use) -> Built:
    if use.op.connect is not None:
        table = listed([listed([str(number) for number in row]) for row in use.op.connect])
        function, window = _or_same("SparseConv", use)
        named = {**window, "bias": opt(use.op.has_bias, True), "axes": opt(axes(use), 2)}
        return build(function, n(use.arriving[0][0], C), table, **named)
    return _convolution(use, n(use.op.K, W("K")), opt(use.op.G, 1, W("G")))


@emits("dwconv")
def dwconv(use: Use) -> Built:
    depth = use.arriving[0][0]
    filters = n(use.out[0], C) if use.op.K is None else n(use.out[0], W("K"))
    return _convolution(use, filters, opt(depth, 1, C))


def _is_same(op: Any) -> bool:
    return isinstance(op.P, str)


def _convolution(use: Use, filters: Slot, groups: Slot) -> Built:
    moved = use.op.word == "conv" and use.op.offsets
    function, window = _or_same("DeformableConv2d" if moved else f"nn.Conv{axes(use)}d", use)
    bias = opt(use.op.has_bias, True)
    return build(function, n(use.arriving[0][0], C), filters, **window, groups=groups, bias=bias)


def _or_same(function: str, use: Use) -> tuple[str, dict[str, Slot]]:
    """The layer and its window. torch's own `padding="same"` needs stride 1, and warns where the zeros are
    odd in number: then the layer is our own."""
    window = _window(use.op)
    if _is_same(use.op) and use.any(_pads_unevenly):
        function = f"{function.removeprefix('nn.')}Same"
        del window["padding"]
    return function, window


def _pads_unevenly(op: Any) -> bool:
    odd = any(d * (f - 1) % 2 for f, d in zip(op.F, op.D, strict=True))
    return set(op.S) != {1} or odd


@emits("deconv")
def deconv(use: Use) -> Built:
    named: dict[str, Slot] = {"kernel_size": n(use.op.F, W("F")), "stride": opt(use.op.S, 1, W("S"))}
    function = f"nn.ConvTranspose{axes(use)}d"
    if _is_same(use.op):
        function = f"{function.removeprefix('nn.')}Same"
    else:
        named["padding"] = opt(use.op.P, 0, W("P"))
        named["output_padding"] = opt(use.op.extra, 0, W("extra"))
    named["groups"] = opt(use.op.G, 1, W("G"))
    named["bias"] = opt(use.op.has_bias, True)
    named["dilation"] = opt(use.op.D, 1, W("D"))
    return build(function, n(use.arriving[0][0], C), n(use.op.K, W("K")), **named)


@emits("local")
def local(use: Use) -> Built:
    named = _window(use.op) | {"bias": opt(use.op.bias, True), "axes": opt(axes(use), 2)}
    size = n(use.arriving[0][1:], Apply("sizes", tuple(names_of(use)[1:])))
    return build("LocalConv", n(use.arriving[0][0], C), n(use.op.K, W("K")), size, **named)


# --- pooling ----------------------------------------------------------------------------------------


def _pool(use: Use, kind: str, extra: dict[str, Slot]) -> Built:
    op, name = use.op, f"{kind}Pool{axes(use)}d"
    if op.size_out is not None:
        return build(f"nn.Adaptive{name}", n(op.size_out, W("size_out")))
    named = {"kernel_size": n(op.size, W("F"))}
    if name == "AvgPool3d" and op.ceil and not _is_same(op):  # refuses a window larger than the map
        sizes = zip(op.size, use.arriving[0][1:], op.P, strict=True)
        named["kernel_size"] = n(tuple(min(F, N + 2 * P) for F, N, P in sizes), W("F"))
    if op.S is not None:
        named["stride"] = opt(op.stride, op.size, W("S"))
    if _is_same(op):
        named.setdefault("stride", n(op.size, W("F")))
        return build(f"{name}Same", **named, **extra)
    named["padding"] = opt(op.P, 0, W("P"))
    return build(f"nn.{name}", **named, **extra, ceil_mode=opt(op.ceil, False))


@emits("maxpool")
def maxpool(use: Use) -> Built:
    return _pool(use, "Max", {"dilation": opt(use.op.D, 1, W("D"))})


@emits("avgpool")
def avgpool(use: Use) -> Built:
    return _pool(use, "Avg", {"count_include_pad": opt(not use.op.exclude_pad, True)})


@emits("blur")
def blur(use: Use) -> Built:
    padding = Slot(None, '"same"', W("P")) if _is_same(use.op) else opt(use.op.P, 0, W("P"))
    stride = opt(use.op.S, 1, W("S"))
    return build("Blur", n(use.op.F, W("F")), stride=stride, padding=padding, axes=opt(axes(use), 2))


@emits("subsample")
def subsample(use: Use) -> Built:
    named = {} if use.op.S is None else {"stride": opt(use.op.S, use.op.size, W("S"))}
    named["axes"] = opt(axes(use), 2)
    return build("Subsample", n(use.arriving[0][0], C), n(use.op.size, W("F")), **named)


# --- normalisation ----------------------------------------------------------------------------------


def _norm(op: Any) -> dict[str, Slot]:
    return {"eps": opt(float(op.eps), 1e-5, W("eps"))}


@emits("bn")
def bn(use: Use) -> Built:
    named = _norm(use.op) | {
        "momentum": opt(float(use.op.momentum), 0.1, W("momentum")),
        "affine": opt(use.op.affine, True),
    }
    return build(f"nn.BatchNorm{max(axes(use), 1)}d", n(use.out[0], C), **named)


@emits("in")
def instance(use: Use) -> Built:
    return build(
        f"nn.InstanceNorm{axes(use)}d",
        n(use.out[0], C),
        **_norm(use.op),
        momentum=opt(float(use.op.momentum), 0.1, W("momentum")),
        affine=opt(use.op.affine, False),
        track_running_stats=opt(use.op.running, False),
    )


@emits("ln")
def ln(use: Use) -> Built:
    named = _norm(use.op) | {
        "elementwise_affine": opt(use.op.affine, True),
        "bias": opt(use.op.bias, True),
    }
    if use.op.all and axes(use):
        return build("nn.LayerNorm", each_size(use), **named)
    return build(f"LayerNorm{axes(use)}d" if axes(use) else "nn.LayerNorm", n(use.out[0], C), **named)


@emits("rms")
def rms(use: Use) -> Built:
    function = f"RMSNorm{axes(use)}d" if axes(use) else "nn.RMSNorm"
    return build(
        function,
        n(use.out[0], C),
        eps=n(float(use.op.eps), W("eps")),
        elementwise_affine=opt(use.op.affine, True),
    )


@emits("grn")
def grn(use: Use) -> Built:
    return build("GlobalResponseNorm", n(use.out[0], C), eps=opt(float(use.op.eps), 1e-6, W("eps")))


@emits("gn")
def gn(use: Use) -> Built:
    named = _norm(use.op) | {"affine": opt(use.op.affine, True)}
    return build("nn.GroupNorm", n(use.op.G, W("G")), n(use.out[0], C), **named)


@emits("lrn")
def lrn(use: Use) -> Built:
    defaults = {"alpha": 1e-4, "beta": 0.75, "k": 1.0}
    named = {name: opt(float(getattr(use.op, name)), default, W(name)) for name, default in defaults.items()}
    return build("nn.LocalResponseNorm", n(use.op.size, W("size")), **named)


# --- activations ------------------------------------------------------------------------------------


@emits("relu", "relu6")
def relu(use: Use) -> Built:
    return build("nn.ReLU" if use.op.word == "relu" else "nn.ReLU6", inplace=opt(use.fresh, False))


@emits("leaky")
def leaky(use: Use) -> Built:
    # torch cannot go back through an overwritten input where the slope is negative
    return build(
        "nn.LeakyReLU",
        Slot(None, number(use.op.slope), W("slope"), 0.01),
        inplace=opt(use.fresh and use.op.slope > 0, False),
    )


@emits("prelu")
def prelu(use: Use) -> Built:
    match use.op.slopes:
        case "one":
            return build("nn.PReLU")
        case "positions" if axes(use):
            names = names_of(use)
            return build("PositionPReLU", *(n(size, name) for size, name in zip(use.out, names, strict=True)))
    return build("nn.PReLU", Slot(None, use.arriving[0][0], C, 1))


@emits("softmax")
def softmax(use: Use) -> Built:
    if use.op.positions:
        return build("PositionSoftmax")
    if use.op.G > 1:
        return build("GroupSoftmax", n(use.op.G, W("G")))
    return build("nn.Softmax", dim=1)


@emits("tanh")
def tanh(use: Use) -> Built:
    if use.op.amp == 1 and use.op.gain == 1:
        return build("nn.Tanh")
    gain = use.op.gain
    text = repr(number(gain)) if _short(gain) else f"{gain.numerator} / {gain.denominator}"
    return build(
        "ScaledTanh",
        amp=opt(number(use.op.amp), 1, W("amp")),
        gain=Slot(None, text) if gain != 1 else opt(1, 1),
    )


def _short(exact: Fraction) -> bool:
    """Whether a fraction ends as a decimal."""
    return Fraction(repr(float(exact))) == exact


# --- factors, dense layers ---------------------------------------------------------------------------


@emits("dropout")
def dropout(use: Use) -> Built:
    function = f"nn.Dropout{axes(use)}d" if use.op.maps else "nn.Dropout"
    return build(function, Slot(None, number(use.op.p), W("p"), 0.5))


@emits("scale")
def scale(use: Use) -> Built:
    channels = n(1, None) if use.op.one else n(use.arriving[0][0], C)
    start = opt(number(use.op.start), 1, W("start"))
    return build("Scale", channels, init=start, bias=opt(use.op.bias, False))


@emits("fc")
def fc(use: Use) -> Built:
    """C x 1 x 1 is flattened before it (see `prepare`), or by a class of its own where there is no place
    before it."""
    function = "nn.Linear" if len(use.arriving[0]) == 1 else "FlatLinear"
    return build(function, n(use.arriving[0][0], C), n(use.op.K, W("K")), bias=opt(use.op.has_bias, True))


@emits("rbf")
def rbf(use: Use) -> Built:
    return build("Rbf", n(use.arriving[0][0], C), n(use.op.K, W("K")))


# --- merges that are no operators, or have weights --------------------------------------------------


@emits("add")
def add(use: Use) -> Built:
    return build("WeightedAdd", n(len(use.arriving)), eps=opt(float(use.op.eps), 1e-4, W("eps")))


@emits("attention")
def attention(use: Use) -> Built:
    op = use.op
    heads = opt(op.heads, 1, W("heads"))
    if not op.softmax:
        return build("LinearAttention", heads, eps=opt(float(op.eps), 1e-15, W("eps")))
    scale = opt(1 if op.unscaled else None, None)
    if op.relative is None:
        return build("Attention", heads, scale=scale)
    size = each_size(use, first=1)
    if op.relative == "table":
        return build("RelativeAttention", n(op.heads, W("heads")), size, scale=scale)
    channels = n(use.arriving[0][0], C)
    return build("QueryRelativeAttention", channels, n(op.heads, W("heads")), size, scale=scale)


# --- larger maps, other layouts ---------------------------------------------------------------------


@emits("upsample")
def upsample(use: Use) -> Built:
    how = {
        "mode": opt(f'"{use.op.mode}"', '"nearest"'),
        "align_corners": opt(use.op.corners, False),
    }
    if use.op.size_out is not None:
        return build("nn.Upsample", size=n(use.op.size_out, W("size_out")), **how)
    return build("nn.Upsample", scale_factor=n(use.op.factor, W("factor")), **how)


@emits("pixelshuffle", "pixelunshuffle")
def pixelshuffle(use: Use) -> Built:
    kind = "PixelShuffle" if use.op.word == "pixelshuffle" else "PixelUnshuffle"
    if axes(use) != 2 or use.any(lambda op: op.factor[0] != op.factor[1]):
        factors = enumerate(use.op.factor)
        return build(f"{kind}Nd", *(n(factor, W("factor", axis)) for axis, factor in factors))
    return build(f"nn.{kind}", n(use.op.factor[0], W("factor")))


@emits("pad")
def pad(use: Use) -> Built:
    names = [end for axis in reversed(axes_of(use.out)) for end in ENDS[axis]]  # torch's order
    sides = tuple(size for ends in reversed(use.op.ends(use.arriving[0])) for size in ends)
    deeper = use.any(lambda op: op.channels != (0, 0))
    if deeper and not use.any(lambda op: any(map(any, op.ends(use.arriving[0])))):
        before, behind = use.op.channels
        return build("PadChannels", n(before, W("channels", 0)), n(behind, W("channels", 1)))
    if deeper and axes(use) == 3:
        return build("ZeroPad", *(n(size) for size in (*sides, *use.op.channels)))
    if deeper:
        return build(f"nn.ZeroPad{axes(use) + 1}d", n((*sides, *use.op.channels)))
    kind = {"zeros": "Zero", "reflect": "Reflection", "replicate": "Replication"}[use.op.mode]
    return build(f"nn.{kind}Pad{axes(use)}d", n(sides, border(use.op, *names)))


@emits("crop")
def crop(use: Use) -> Built:
    margins = []
    for axis, before in enumerate(use.op.start(use.arriving[0], use.out)):
        room = apply("-", names_of(use)[1 + axis], W("size", axis))
        first = W("offset", axis) if use.op.offset is not None else apply("//", room, Const(2))
        after = use.arriving[0][1 + axis] - use.out[1 + axis] - before
        margins += [
            Slot(None, before, first, derived=True),
            Slot(None, after, apply("-", room, first), derived=True),
        ]
    return build("Crop", *margins)


@emits("slice")
def slice_(use: Use) -> Built:
    low, high = use.op.channels
    return build("Slice", n(low, W("channels", 0)), n(high, W("channels", 1)))


@emits("reshape")
def reshape(use: Use) -> Built:
    sizes = [n(size, W("shape", place)) for place, size in enumerate(use.op.shape)]
    return build("Reshape", *sizes)
