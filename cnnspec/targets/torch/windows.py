"""The torch code of the layers with a window: convolutions and pooling."""

from __future__ import annotations

from typing import Any

from cnnspec.lower.call import Built, LayerUse, Slot, W, build, n, opt
from cnnspec.lower.symbolic import Apply
from cnnspec.lower.writer import listed
from cnnspec.targets.torch.emitters import C, axes, emits, names_of


def _window(op: Any) -> dict[str, Slot]:
    padding = Slot(None, '"same"', W("P")) if _is_same(op) else opt(op.P, 0, W("P"))
    return {
        "kernel_size": n(op.F, W("F")),
        "stride": opt(op.S, 1, W("S")),
        "padding": padding,
        "dilation": opt(op.D, 1, W("D")),
    }


@emits("conv")
def conv(use: LayerUse) -> Built:
    if use.op.connect is not None:
        table = listed([listed([str(number) for number in row]) for row in use.op.connect])
        function, window = _or_same(f"SparseConv{axes(use)}d", use)
        named = {**window, "bias": opt(use.op.has_bias, True)}
        return build(function, n(use.inputs[0][0], C), table, **named)
    return _convolution(use, n(use.op.K, W("K")), opt(use.op.G, 1, W("G")))


@emits("dwconv")
def dwconv(use: LayerUse) -> Built:
    depth = use.inputs[0][0]
    filters = n(use.out[0], C) if use.op.K is None else n(use.out[0], W("K"))
    return _convolution(use, filters, opt(depth, 1, C))


def _is_same(op: Any) -> bool:
    return isinstance(op.P, str)


def _convolution(use: LayerUse, filters: Slot, groups: Slot) -> Built:
    moved = use.op.word == "conv" and use.op.offsets
    function, window = _or_same("DeformableConv2d" if moved else f"nn.Conv{axes(use)}d", use)
    bias = opt(use.op.has_bias, True)
    return build(function, n(use.inputs[0][0], C), filters, **window, groups=groups, bias=bias)


def _or_same(function: str, use: LayerUse) -> tuple[str, dict[str, Slot]]:
    """The layer and its window. torch's own `padding="same"` needs stride 1, and warns where the number of
    zeros is odd: then the class is one of the emitted file."""
    window = _window(use.op)
    if _is_same(use.op) and use.any(_pads_unevenly):
        function = f"{function.removeprefix('nn.')}Same"
        del window["padding"]
    return function, window


def _pads_unevenly(op: Any) -> bool:
    odd = any(d * (f - 1) % 2 for f, d in zip(op.F, op.D, strict=True))
    return set(op.S) != {1} or odd


@emits("deconv")
def deconv(use: LayerUse) -> Built:
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
    return build(function, n(use.inputs[0][0], C), n(use.op.K, W("K")), **named)


@emits("local")
def local(use: LayerUse) -> Built:
    named = _window(use.op) | {"bias": opt(use.op.bias, True)}
    size = n(use.inputs[0][1:], Apply("sizes", tuple(names_of(use)[1:])))
    return build(f"LocalConv{axes(use)}d", n(use.inputs[0][0], C), n(use.op.K, W("K")), size, **named)


def _pool(use: LayerUse, kind: str, extra: dict[str, Slot]) -> Built:
    op, name = use.op, f"{kind}Pool{axes(use)}d"
    if op.size_out is not None:
        return build(f"nn.Adaptive{name}", n(op.size_out, W("size_out")))
    named = {"kernel_size": n(op.size, W("F"))}
    if name == "AvgPool3d" and op.ceil and not _is_same(op):  # torch refuses a window larger than the map
        sizes = zip(op.size, use.inputs[0][1:], op.P, strict=True)
        named["kernel_size"] = n(tuple(min(F, N + 2 * P) for F, N, P in sizes), W("F"))
    if op.S is not None:
        named["stride"] = opt(op.stride, op.size, W("S"))
    if _is_same(op):
        named.setdefault("stride", n(op.size, W("F")))
        return build(f"{name}Same", **named, **extra)
    named["padding"] = opt(op.P, 0, W("P"))
    return build(f"nn.{name}", **named, **extra, ceil_mode=opt(op.ceil, False))


@emits("maxpool")
def maxpool(use: LayerUse) -> Built:
    return _pool(use, "Max", {"dilation": opt(use.op.D, 1, W("D"))})


@emits("avgpool")
def avgpool(use: LayerUse) -> Built:
    return _pool(use, "Avg", {"count_include_pad": opt(not use.op.exclude_pad, True)})


@emits("blur")
def blur(use: LayerUse) -> Built:
    padding = Slot(None, '"same"', W("P")) if _is_same(use.op) else opt(use.op.P, 0, W("P"))
    stride = opt(use.op.S, 1, W("S"))
    return build(f"Blur{axes(use)}d", n(use.op.F, W("F")), stride=stride, padding=padding)


@emits("subsample")
def subsample(use: LayerUse) -> Built:
    named = {} if use.op.S is None else {"stride": opt(use.op.S, use.op.size, W("S"))}
    return build(f"Subsample{axes(use)}d", n(use.inputs[0][0], C), n(use.op.size, W("F")), **named)
