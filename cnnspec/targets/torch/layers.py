"""The torch code of each layer: one function per word, from the op and its shapes to a constructor call.
Layers with a window are in `windows`, norms in `normalisation`.

Names that are not part of torch (`Scale`, `LayerNorm2d`) are in `library`."""

from __future__ import annotations

from fractions import Fraction

from cnnspec.lower.call import NOTHING, Built, LayerUse, Slot, W, border, build, n, opt
from cnnspec.lower.symbolic import Const, apply
from cnnspec.ops.base import axes_of
from cnnspec.ops.sliding import ENDS
from cnnspec.targets.torch import normalisation, windows  # noqa: F401
from cnnspec.targets.torch.emitters import MODULES, C, axes, each_size, emits, names_of
from cnnspec.targets.torch.starts import number, started


def module(use: LayerUse) -> Built:
    """The constructor call of a layer, with its `init=`, literals and `frozen`."""
    return started(use.op, use.inputs, MODULES[use.op.word](use))


FIXED = {
    "cmean": build("ChannelMean"),
    "cmax": build("ChannelMax"),
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
"""Layers whose call is the same for every input."""

ONE_NUMBER: dict[str, tuple[str, str, object]] = {
    "elu": ("nn.ELU", "alpha", 1),
    "droppath": ("DropPath", "p", 0.5),
    "times": ("Times", "factor", NOTHING),
    "pow": ("Pow", "p", NOTHING),
    "shuffle": ("nn.ChannelShuffle", "G", NOTHING),
}
"""Layers with one number: the function, the field, and the function's default."""


@emits(*FIXED)
def fixed(use: LayerUse) -> Built:
    return FIXED[use.op.word]


@emits("gap", "gmp")
def global_pool(use: LayerUse) -> Built:
    return build(f"nn.Adaptive{'Avg' if use.op.word == 'gap' else 'Max'}Pool{axes(use)}d", 1)


@emits(*ONE_NUMBER)
def one_number(use: LayerUse) -> Built:
    function, field, default = ONE_NUMBER[use.op.word]
    return build(function, Slot(None, number(getattr(use.op, field)), W(field), default))


# --- activations --------------------------------------------------------------------------------------


@emits("relu", "relu6")
def relu(use: LayerUse) -> Built:
    return build("nn.ReLU" if use.op.word == "relu" else "nn.ReLU6", inplace=opt(use.fresh, False))


@emits("leaky")
def leaky(use: LayerUse) -> Built:
    # torch cannot compute the gradient through an overwritten input if the slope is negative
    return build(
        "nn.LeakyReLU",
        Slot(None, number(use.op.slope), W("slope"), 0.01),
        inplace=opt(use.fresh and use.op.slope > 0, False),
    )


@emits("prelu")
def prelu(use: LayerUse) -> Built:
    match use.op.slopes:
        case "one":
            return build("nn.PReLU")
        case "positions" if axes(use):
            names = names_of(use)
            return build("PositionPReLU", *(n(size, name) for size, name in zip(use.out, names, strict=True)))
    return build("nn.PReLU", Slot(None, use.inputs[0][0], C, 1))


@emits("softmax")
def softmax(use: LayerUse) -> Built:
    if use.op.positions:
        return build("PositionSoftmax")
    if use.op.G > 1:
        return build("GroupSoftmax", n(use.op.G, W("G")))
    return build("nn.Softmax", dim=1)


@emits("l2norm")
def l2norm(use: LayerUse) -> Built:
    return build("PositionL2Norm" if use.op.positions else "L2Norm")


@emits("tanh")
def tanh(use: LayerUse) -> Built:
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
    """Whether a fraction is a finite decimal."""
    return Fraction(repr(float(exact))) == exact


# --- factors, dense layers ----------------------------------------------------------------------------


@emits("dropout")
def dropout(use: LayerUse) -> Built:
    function = f"nn.Dropout{axes(use)}d" if use.op.maps else "nn.Dropout"
    return build(function, Slot(None, float(use.op.p), W("p"), 0.5))  # TorchScript takes no whole number


@emits("scale")
def scale(use: LayerUse) -> Built:
    channels = n(1, None) if use.op.one else n(use.inputs[0][0], C)
    start = opt(number(use.op.start), 1, W("start"))
    return build("Scale", channels, init=start, bias=opt(use.op.bias, False))


@emits("fc")
def fc(use: LayerUse) -> Built:
    """A C x 1 x 1 input is flattened before it (see `prepare`), or by a class of its own where nothing can
    come before it."""
    function = "nn.Linear" if len(use.inputs[0]) == 1 else "FlatLinear"
    return build(function, n(use.inputs[0][0], C), n(use.op.K, W("K")), bias=opt(use.op.has_bias, True))


@emits("rbf")
def rbf(use: LayerUse) -> Built:
    return build("Rbf", n(use.inputs[0][0], C), n(use.op.K, W("K")))


# --- merges that are no operators, or have weights ----------------------------------------------------


@emits("add")
def add(use: LayerUse) -> Built:
    return build("WeightedAdd", n(len(use.inputs)), eps=opt(float(use.op.eps), 1e-4, W("eps")))


@emits("attention")
def attention(use: LayerUse) -> Built:
    op = use.op
    heads = opt(op.heads, 1, W("heads"))
    if not op.softmax:
        return build("LinearAttention", heads, eps=opt(float(op.eps), 1e-15, W("eps")))
    scale = opt(1 if op.unscaled else None, None)
    if op.relative is None:
        return build("ChannelAttention" if op.channels else "Attention", heads, scale=scale)
    size = each_size(use, first=1)
    if op.relative == "table":
        return build("RelativeAttention", n(op.heads, W("heads")), size, scale=scale)
    channels = n(use.inputs[0][0], C)
    return build("QueryRelativeAttention", channels, n(op.heads, W("heads")), size, scale=scale)


# --- larger maps, other layouts -----------------------------------------------------------------------


@emits("upsample")
def upsample(use: LayerUse) -> Built:
    how = {
        "mode": opt(f'"{use.op.mode}"', '"nearest"'),
        "align_corners": opt(use.op.corners, False),
    }
    if use.op.size_out is not None:
        return build("nn.Upsample", size=n(use.op.size_out, W("size_out")), **how)
    return build("nn.Upsample", scale_factor=n(use.op.factor, W("factor")), **how)


@emits("pixelshuffle", "pixelunshuffle")
def pixelshuffle(use: LayerUse) -> Built:
    kind = "PixelShuffle" if use.op.word == "pixelshuffle" else "PixelUnshuffle"
    if axes(use) != 2 or use.any(lambda op: op.factor[0] != op.factor[1]):
        factors = enumerate(use.op.factor)
        return build(f"{kind}Nd", *(n(factor, W("factor", axis)) for axis, factor in factors))
    return build(f"nn.{kind}", n(use.op.factor[0], W("factor")))


@emits("pad")
def pad(use: LayerUse) -> Built:
    names = [end for axis in reversed(axes_of(use.out)) for end in ENDS[axis]]  # torch's order
    sides = tuple(size for ends in reversed(use.op.ends(use.inputs[0])) for size in ends)
    deeper = use.any(lambda op: op.channels != (0, 0))
    if deeper and not use.any(lambda op: any(map(any, op.ends(use.inputs[0])))):
        before, behind = use.op.channels
        return build("PadChannels", n(before, W("channels", 0)), n(behind, W("channels", 1)))
    if deeper and axes(use) == 3:
        return build("ZeroPad", *(n(size) for size in (*sides, *use.op.channels)))
    if deeper:
        return build(f"nn.ZeroPad{axes(use) + 1}d", n((*sides, *use.op.channels)))
    kind = {"zeros": "Zero", "reflect": "Reflection", "replicate": "Replication"}[use.op.mode]
    return build(f"nn.{kind}Pad{axes(use)}d", n(sides, border(use.op, *names)))


@emits("crop")
def crop(use: LayerUse) -> Built:
    """Each axis from a start up to a stop, as in a slice, counted from the end where the spec does so."""
    op, bounds = use.op, []
    for axis, start in enumerate(op.start(use.inputs[0], use.out)):
        has, kept = use.inputs[0][1 + axis], use.out[1 + axis]
        size, first = names_of(use)[1 + axis], W("offset", axis)
        if op.offset is None:
            first = apply("//", apply("-", size, W("size", axis)), Const(2))
        stop, last = start + kept, apply("+", first, W("size", axis))
        if op.offset is None or use.sized:
            stop, last = stop - has, apply("-", last, size)
        if "offset" in use.sized:
            start, first = start - has, apply("-", first, size)
        bounds += [Slot(None, start, first, derived=True), Slot(None, stop, last, derived=True)]
    return build("Crop", *bounds)


@emits("slice")
def slice_(use: LayerUse) -> Built:
    low, high = use.op.channels
    return build("Slice", n(low, W("channels", 0)), n(high, W("channels", 1)))


@emits("reshape")
def reshape(use: LayerUse) -> Built:
    sizes = [n(size, W("shape", place)) for place, size in enumerate(use.op.shape)]
    return build("Reshape", *sizes)
