"""Caffe's layers with windows: convolutions and pools. Pools round their sizes up, with torch's rule for the
last window; an average includes the padding."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from cnnspec.notations.prototxt import Message
from cnnspec.ops.base import Shape, Sizes
from cnnspec.sources.caffe.convert import Context
from cnnspec.sources.calls.record import Untranslatable
from cnnspec.sources.calls.trace import Tensor, Value
from cnnspec.sources.calls.windows import Window, convolved, deconvolved, pooled


def _sides(option: Message, name: str, otherwise: int, axes: int, short: str = "") -> Sizes:
    """`kernel_size: 3`, `kernel_size: 3 kernel_size: 5`, or `kernel_h: 3 kernel_w: 5`."""
    stem = short or name
    if option.all(f"{stem}_h") or option.all(f"{stem}_w"):
        return option.integer(f"{stem}_h", otherwise), option.integer(f"{stem}_w", otherwise)
    sizes = option.integers(name) or [otherwise]
    return (sizes[0],) * axes if len(sizes) == 1 else tuple(sizes)


def _window(option: Message, shape: Shape) -> Window:
    axes = len(shape) - 2
    F = _sides(option, "kernel_size", 0, axes, "kernel")
    P, S, D = (
        _sides(option, name, usual, axes) for name, usual in (("pad", 0), ("stride", 1), ("dilation", 1))
    )
    if min(F) < 1:
        raise Untranslatable("it has no kernel_size")
    if any(len(one) != axes for one in (F, P, S, D)):
        raise Untranslatable(f"its numbers are not for {axes} axes")
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


def pyramid(context: Context) -> Sequence[Tensor]:
    """SPP: pools of 1, 2x2, 4x4, … windows, flattened and joined."""
    x, option = context.only(), context.option("spp_param")
    batch, C, *sizes = context.shape(x)
    average, parts, total = option.text("pool", "MAX") in ("AVE", "1"), list[Tensor](), 0
    if option.integer("pyramid_height") > 16:
        raise Untranslatable("its pyramid is higher than 16")
    for level in range(option.integer("pyramid_height")):
        F = tuple(-(-size >> level) for size in sizes)
        P = tuple((one * 2**level - size + 1) // 2 for one, size in zip(F, sizes, strict=True))
        window = Window(F, F, (1, 1), tuple((one, one) for one in P))._replace(ceil=True)
        pooled_ = pooled(context.call, x, (batch, C, *sizes), window, average=average, counts=average)
        count = prod(context.shape(pooled_)[1:])
        parts.append(context.call("view", (batch, count), self=pooled_, size=(batch, count)))
        total += count
    return [context.call("cat", (batch, total), tensors=tuple(parts), dim=1)]
