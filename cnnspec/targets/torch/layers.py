"""How torch says each layer: one function a word, from the op and its shapes to a constructor call.

A number carries the node that it may come from in a class with arguments: `W("K")` is the author's
expression for the field K, `C` the channels that arrive. Names that are no part of torch (`Scale`,
`LayerNorm2d`) are in `helpers`.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

from cnnspec.targets.symbolic import Node, Var, apply
from cnnspec.targets.torch.pieces import Built, Slot, build, n, opt
from cnnspec.targets.torch.starts import started
from cnnspec.targets.writer import listed

if TYPE_CHECKING:
    from cnnspec.ops import Op
    from cnnspec.ops.base import Shape

Emitter: TypeAlias = Callable[[Any, tuple["Shape", ...], "Shape", bool], Built]
"""(op, what arrives, what comes out, whether what arrives may be overwritten) → the call."""

MODULES: dict[str, Emitter] = {}
"""By the layer's word. Merges and layers that need a second tensor are expressions in `forward`: see
`expressions`."""

C = Var("@C")
"""The channels that arrive."""


def W(field: str, place: int | None = None) -> Node:
    """The author's expression for a field (or one dimension of it)."""
    return Var(f"@{field}" if place is None else f"@{field}.{place}")


def emits(*words: str) -> Callable[[Emitter], Emitter]:
    def keep(emitter: Emitter) -> Emitter:
        for word in words:
            MODULES[word] = emitter
        return emitter

    return keep


def module(op: Op, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    """The constructor call of a layer, frozen and started as the spec says."""
    return started(op, arriving, MODULES[op.word](op, arriving, out, fresh))


def number(exact: Fraction | int) -> int | float:
    """An exact number as Python writes it."""
    value = Fraction(exact)
    small = value.denominator == 1 and abs(value) < 2**53
    return value.numerator if small else float(value)


def real(exact: Fraction, default: object, field: str) -> Slot:
    """A number where 1 is written 1.0."""
    return opt(float(exact), default, W(field))


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
def conv(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    if op.connect is not None:
        table = listed([listed([str(number) for number in row]) for row in op.connect])
        function, window = _or_same("SparseConv2d", op)
        return build(function, n(arriving[0][0], C), table, **window, bias=opt(op.has_bias, True))
    return _convolution(op, arriving, n(op.K, W("K")), opt(op.G, 1, W("G")))


@emits("dwconv")
def dwconv(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    depth = arriving[0][0]
    filters = n(out[0], C) if op.K is None else n(out[0], W("K"))
    return _convolution(op, arriving, filters, opt(depth, 1, C))


def _is_same(op: Any) -> bool:
    return isinstance(op.P, str)


def _convolution(op: Any, arriving: tuple[Shape, ...], filters: Slot, groups: Slot) -> Built:
    function, window = _or_same("nn.Conv2d", op)
    bias = opt(op.has_bias, True)
    return build(function, n(arriving[0][0], C), filters, **window, groups=groups, bias=bias)


def _or_same(function: str, op: Any) -> tuple[str, dict[str, Slot]]:
    """The layer and its window. torch's own `padding="same"` wants stride 1, and warns where the zeros are
    odd in number: then the layer is our own."""
    window = _window(op)
    odd = any(d * (f - 1) % 2 for f, d in zip(op.F, op.D, strict=True))
    if _is_same(op) and (op.S != (1, 1) or odd):
        function = f"{function.removeprefix('nn.')}Same"
        del window["padding"]
    return function, window


@emits("deconv")
def deconv(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    named: dict[str, Slot] = {"kernel_size": n(op.F, W("F")), "stride": opt(op.S, 1, W("S"))}
    function = "nn.ConvTranspose2d"
    if _is_same(op):
        function = "ConvTranspose2dSame"
    else:
        named["padding"] = opt(op.P, 0, W("P"))
        named["output_padding"] = opt(op.extra, 0, W("extra"))
    named["groups"] = opt(op.G, 1, W("G"))
    named["bias"] = opt(op.has_bias, True)
    named["dilation"] = opt(op.D, 1, W("D"))
    return build(function, n(arriving[0][0], C), n(op.K, W("K")), **named)


# --- pooling ----------------------------------------------------------------------------------------


def _pool(op: Any, name: str, extra: dict[str, Slot]) -> Built:
    if op.size_out is not None:
        return build(f"nn.Adaptive{name}Pool2d", n(op.size_out, W("size_out")))
    named = {
        "kernel_size": n(op.size, W("F")),
        "stride": opt(op.stride, op.size, W("F" if op.S is None else "S")),
    }
    if op.S is None:
        named["stride"] = Slot(None, op.size, None, op.size)
    if _is_same(op):
        return build(f"{name}Pool2dSame", **named, **extra)
    named["padding"] = opt(op.P, 0, W("P"))
    return build(f"nn.{name}Pool2d", **named, **extra, ceil_mode=opt(op.ceil, False))


@emits("maxpool")
def maxpool(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    return _pool(op, "Max", {"dilation": opt(op.D, 1, W("D"))})


@emits("avgpool")
def avgpool(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    return _pool(op, "Avg", {"count_include_pad": opt(not op.exclude_pad, True)})


@emits("gap")
def gap(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    return build("nn.AdaptiveAvgPool2d", 1)


@emits("gmp")
def gmp(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    return build("nn.AdaptiveMaxPool2d", 1)


@emits("cmean")
def cmean(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    return build("ChannelMean")


@emits("cmax")
def cmax(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    return build("ChannelMax")


@emits("subsample")
def subsample(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    stride = Slot(None, op.size, None, op.size) if op.S is None else opt(op.S, op.size, W("S"))
    return build("Subsample", n(arriving[0][0], C), n(op.size, W("F")), stride=stride)


# --- normalisation ----------------------------------------------------------------------------------


def _norm(op: Any) -> dict[str, Slot]:
    return {"eps": opt(float(op.eps), 1e-5, W("eps"))}


@emits("bn")
def bn(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    named = _norm(op) | {
        "momentum": opt(float(op.momentum), 0.1, W("momentum")),
        "affine": opt(op.affine, True),
    }
    return build("nn.BatchNorm2d" if len(out) == 3 else "nn.BatchNorm1d", n(out[0], C), **named)


@emits("in")
def instance(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    return build("nn.InstanceNorm2d", n(out[0], C), **_norm(op), affine=opt(op.affine, False))


@emits("ln")
def ln(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    function = "LayerNorm2d" if len(out) == 3 else "nn.LayerNorm"
    return build(function, n(out[0], C), **_norm(op), elementwise_affine=opt(op.affine, True))


@emits("gn")
def gn(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    return build("nn.GroupNorm", n(op.G, W("G")), n(out[0], C), **_norm(op), affine=opt(op.affine, True))


@emits("lrn")
def lrn(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    return build(
        "nn.LocalResponseNorm",
        n(op.size, W("size")),
        alpha=real(op.alpha, 1e-4, "alpha"),
        beta=real(op.beta, 0.75, "beta"),
        k=real(op.k, 1.0, "k"),
    )


@emits("l2norm")
def l2norm(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    return build("L2Norm")


# --- activations ------------------------------------------------------------------------------------

_PLAIN = {
    "selu": "nn.SELU",
    "gelu": "nn.GELU",
    "silu": "nn.SiLU",
    "mish": "nn.Mish",
    "hswish": "nn.Hardswish",
    "hsigmoid": "nn.Hardsigmoid",
    "sigmoid": "nn.Sigmoid",
    "softplus": "nn.Softplus",
    "abs": "Abs",
}


@emits(*_PLAIN)
def plain(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    return build(_PLAIN[op.word])


@emits("relu", "relu6")
def relu(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    return build("nn.ReLU" if op.word == "relu" else "nn.ReLU6", inplace=opt(fresh, False))


@emits("leaky")
def leaky(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    # torch cannot go back through an overwritten input where the slope is negative
    return build(
        "nn.LeakyReLU",
        Slot(None, number(op.slope), W("slope"), 0.01),
        inplace=opt(fresh and op.slope > 0, False),
    )


@emits("prelu")
def prelu(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    return build("nn.PReLU") if op.one else build("nn.PReLU", Slot(None, arriving[0][0], C, 1))


@emits("elu")
def elu(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    return build("nn.ELU", Slot(None, number(op.alpha), W("alpha"), 1))


@emits("tanh")
def tanh(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    if op.amp == 1 and op.gain == 1:
        return build("nn.Tanh")
    gain = op.gain
    text = repr(number(gain)) if _short(gain) else f"{gain.numerator} / {gain.denominator}"
    return build(
        "ScaledTanh", amp=opt(number(op.amp), 1, W("amp")), gain=Slot(None, text) if gain != 1 else opt(1, 1)
    )


def _short(exact: Fraction) -> bool:
    """Whether a fraction ends as a decimal."""
    return Fraction(repr(float(exact))) == exact


@emits("softmax")
def softmax(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    return build("nn.Softmax", dim=1)


@emits("logsoftmax")
def logsoftmax(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    return build("nn.LogSoftmax", dim=1)


# --- dropout, factors, dense layers -----------------------------------------------------------------


@emits("dropout")
def dropout(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    return build("nn.Dropout", Slot(None, number(op.p), W("p"), 0.5))


@emits("droppath")
def droppath(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    return build("DropPath", Slot(None, number(op.p), W("p"), 0.5))


@emits("scale")
def scale(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    channels = n(1, None) if op.one else n(arriving[0][0], C)
    return build("Scale", channels, init=opt(number(op.start), 1, W("start")))


@emits("times")
def times(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    return build("Times", n(number(op.factor), W("factor")))


@emits("flatten")
def flatten(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    return build("nn.Flatten")


@emits("fc")
def fc(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    """C x 1 x 1 is flattened before it (see `prepare`), or by a class of its own where there is no place
    before it."""
    function = "nn.Linear" if len(arriving[0]) == 1 else "FlatLinear"
    return build(function, n(arriving[0][0], C), n(op.K, W("K")), bias=opt(op.has_bias, True))


@emits("rbf")
def rbf(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    return build("Rbf", n(arriving[0][0], C), n(op.K, W("K")))


# --- larger maps, other layouts ---------------------------------------------------------------------


@emits("upsample")
def upsample(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    mode = opt(f'"{op.mode}"', '"nearest"')
    if op.size_out is not None:
        return build("nn.Upsample", size=n(op.size_out, W("size_out")), mode=mode)
    return build("nn.Upsample", scale_factor=n(op.factor, W("factor")), mode=mode)


@emits("pixelshuffle")
def pixelshuffle(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    return build("nn.PixelShuffle", n(op.factor, W("factor")))


@emits("pixelunshuffle")
def pixelunshuffle(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    return build("nn.PixelUnshuffle", n(op.factor, W("factor")))


@emits("shuffle")
def shuffle(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    return build("nn.ChannelShuffle", n(op.G, W("G")))


@emits("pad")
def pad(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    (top, bottom), (left, right) = op.rows, op.columns
    sides = (left, right, top, bottom)
    if op.channels != (0, 0) and not any(sides):
        before, behind = op.channels
        return build("PadChannels", n(before, W("channels", 0)), n(behind, Var("@channels.last")))
    if op.channels != (0, 0):
        return build("nn.ZeroPad3d", Slot(None, f"({', '.join(map(str, (*sides, *op.channels)))})"))
    kind = {"zeros": "ZeroPad2d", "reflect": "ReflectionPad2d", "replicate": "ReplicationPad2d"}[op.mode]
    if len(set(sides)) == 1:
        source = (
            W("all")
            if op.left is None and op.right is None and op.top is None and op.bottom is None
            else None
        )
        return build(f"nn.{kind}", n(left, source))
    return build(f"nn.{kind}", Slot(None, f"({', '.join(map(str, sides))})"))


@emits("crop")
def crop(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    top, left = op.start(arriving[0], out)
    return build("Crop", top, left, n(out[1], None), n(out[2], None))


@emits("slice")
def slice_(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    low, high = op.channels
    return build("Slice", n(low, W("channels", 0)), n(high, W("channels", 1)))


@emits("reshape")
def reshape(op: Any, arriving: tuple[Shape, ...], out: Shape, fresh: bool) -> Built:
    sizes = [n(size, W("shape", place)) for place, size in enumerate(op.shape)]
    return build("Reshape", *sizes)


# --- channels that come out ---------------------------------------------------------------------------


def channels(op: Any, arriving: tuple[Node | None, ...]) -> Node | None:
    """C after the layer as a node over `@C` and the author's expressions; None: not said here, ask the
    numbers."""
    match op.word:
        case "conv" | "deconv" | "fc" | "rbf":
            return W("K")
        case "dwconv":
            return C if op.K is None else W("K")
        case "slice":
            return apply("-", W("channels", 1), W("channels", 0))
        case "reshape":
            return W("shape", 0)
        case "pad":
            return apply("+", C, W("channels", 0)) if op.channels != (0, 0) else C
        case "pixelshuffle":
            return apply("//", C, apply("*", W("factor"), W("factor")))
        case "pixelunshuffle":
            return apply("*", apply("*", C, W("factor")), W("factor"))
        case "concat":
            total: Node | None = arriving[0]
            for one in arriving[1:]:
                total = None if total is None or one is None else apply("+", total, one)
            return total
        case "flatten" | "cmean" | "cmax":
            return None
    return C
