"""Convolutions, pools, norms and fully connected layers."""

from __future__ import annotations

from cnnspec.ops.base import Shape
from cnnspec.sources.calls.record import Untranslatable
from cnnspec.sources.calls.trace import Tensor
from cnnspec.sources.calls.windows import Window, convolved, deconvolved, pooled, same
from cnnspec.sources.keras.convert import Context, Converting, Layout, short


def _window(context: Context, x: Tensor, name: str) -> Window:
    sizes = context.shape(x)[2:]
    axes = len(sizes)
    F = context.sizes(name, axes, 2)
    S = context.sizes("strides", axes) if context.config.get("strides", 1) is not None else F
    D = context.sizes("dilation_rate", axes)
    padding = context.config.get("padding", "valid")
    if padding == "causal" and axes == 1:
        return Window(F, S, D, ((D[0] * (F[0] - 1), 0),))
    if padding not in ("valid", "same"):
        raise Untranslatable(f"its padding is {padding!r}"[:60])
    return Window(F, S, D, same(sizes, F, S, D) if padding == "same" else ((0, 0),) * axes)


def _slid(
    context: Context, x: Tensor, weight: Tensor, bias: Tensor | None, groups: int, window: Window
) -> Tensor:
    """A convolution, channels first."""
    K, shape = context.shape(weight)[0], context.shape(x)
    return convolved(context.call, x, shape, window, K, weight=weight, bias=bias, groups=groups)


def conv(context: Context) -> Tensor:
    x = context.first(context.only())
    window = _window(context, x, "kernel_size")
    K, groups, C = context.config["filters"], context.config.get("groups", 1), context.shape(x)[1]
    weight = context.filters("kernel", (K, C // groups, *window.F))
    return context.last(_slid(context, x, weight, _bias(context, K), groups, window))


def _bias(context: Context, size: int) -> Tensor | None:
    return context.weight("bias", (size,)) if context.config.get("use_bias", True) else None


def _apart(context: Context, name: str, C: int, each: int, F: Shape) -> Tensor:
    """The filters of a depthwise convolution."""
    axes = len(F)
    layout = Layout((*F, C, each), (axes, axes + 1, *range(axes)))
    return context.weight(name, (C * each, 1, *F), layout)


def depthwise(context: Context) -> Tensor:
    x = context.first(context.only())
    window = _window(context, x, "kernel_size")
    C, each = context.shape(x)[1], context.config.get("depth_multiplier", 1)
    weight = _apart(context, "kernel", C, each, window.F)
    return context.last(_slid(context, x, weight, _bias(context, C * each), C, window))


def separable(context: Context) -> Tensor:
    x = context.first(context.only())
    window = _window(context, x, "kernel_size")
    C, each, K = context.shape(x)[1], context.config.get("depth_multiplier", 1), context.config["filters"]
    weight = _apart(context, "depthwise_kernel", C, each, window.F)
    apart = _slid(context, x, weight, None, C, window)
    ones = (1,) * len(window.F)
    point = context.filters("pointwise_kernel", (K, C * each, *ones))
    shape = context.shape(apart)
    between = context.call(
        f"conv{len(ones)}d",
        (shape[0], K, *shape[2:]),
        input=apart,
        weight=point,
        bias=_bias(context, K),
        stride=ones,
        padding=tuple(0 for _ in ones),
        dilation=ones,
        groups=1,
    )
    return context.last(between)


def deconv(context: Context) -> Tensor:
    x = context.first(context.only())
    window = _window(context, x, "kernel_size")
    K, extra = context.config["filters"], context.config.get("output_padding")
    C, cuts = context.shape(x)[1], context.config.get("padding") == "same"
    if extra is not None or any(one != 1 for one in window.D):
        raise Untranslatable("it has an output padding or a dilation")
    over = [F - S for F, S in zip(window.F, window.S, strict=True)]
    ends = tuple((max(one, 0) // 2, one - max(one, 0) // 2) if cuts else (0, min(one, 0)) for one in over)
    weight, bias = context.filters("kernel", (C, K, *window.F)), _bias(context, K)
    window, shape = window._replace(ends=ends), context.shape(x)
    return context.last(deconvolved(context.call, x, shape, window, K, weight=weight, bias=bias, groups=1))


def pool(average: bool) -> Converting:
    def convert(context: Context) -> Tensor:
        x = context.first(context.only())
        window = _window(context, x, "pool_size")
        return context.last(pooled(context.call, x, context.shape(x), window, average=average))

    return convert


def whole(op: str) -> Converting:
    """Pooling over the whole map: GlobalAveragePooling, GlobalMaxPooling."""

    def convert(context: Context) -> Tensor:
        x = context.first(context.only())
        batch, C, *sizes = context.shape(x)
        dims, keeps = tuple(range(2, 2 + len(sizes))), bool(context.config.get("keepdims", False))
        out = (batch, C, *(1 for _ in sizes)) if keeps else (batch, C)
        output = context.call(op, out, self=x, dim=dims, keepdim=keeps)
        return context.last(output) if keeps else output

    return convert


def batch_norm(context: Context) -> Tensor:
    config, x = context.config, context.only()
    rank = len(context.shape(x))
    axis = config.get("axis", -1)
    axis = (axis[0] if isinstance(axis, list) else axis) % rank
    if axis not in (1, rank - 1):
        raise Untranslatable(f"its axis is {axis}")
    first = x if axis == 1 else context.permuted(x, (0, rank - 1, *range(1, rank - 1)))
    C = context.shape(first)[1]
    weight = context.weight("gamma", (C,)) if config.get("scale", True) else None
    bias = context.weight("beta", (C,)) if config.get("center", True) else None
    if (weight is None) != (bias is None):
        kept = "beta" if weight is None else "gamma"
        context.record.notes[f"{context.step.own} has {kept} alone: here `bn` has both weights or none"] = (
            None
        )
        weight = weight or context.weight("gamma", (C,), fill=1.0)
        bias = bias or context.weight("beta", (C,), fill=0.0)
    mean, variance = context.weight("moving_mean", (C,)), context.weight("moving_variance", (C,))
    output = context.call(
        "batch_norm",
        context.shape(first),
        input=first,
        weight=weight,
        bias=bias,
        running_mean=mean,
        running_var=variance,
        training=False,
        momentum=short(1 - config.get("momentum", 0.99)),
        eps=config.get("epsilon", 1e-3),
    )
    return output if axis == 1 else context.permuted(output, (0, *range(2, rank), 1))


def layer_norm(context: Context) -> Tensor:
    config, x = context.config, context.only()
    shape = context.shape(x)
    axes = config.get("axis", -1)
    axes = sorted(axis % len(shape) for axis in (axes if isinstance(axes, list) else [axes]))
    if axes != list(range(axes[0], len(shape))):
        raise Untranslatable(f"its axes are {axes}")
    sizes = shape[axes[0] :]
    weight = context.weight("gamma", sizes) if config.get("scale", True) else None
    bias = context.weight("beta", sizes) if config.get("center", True) else None
    return context.call(
        "layer_norm",
        shape,
        input=x,
        normalized_shape=sizes,
        weight=weight,
        bias=bias,
        eps=config.get("epsilon", 1e-3),
    )


def group_norm(context: Context) -> Tensor:
    config, x = context.config, context.first(context.only())
    C = context.shape(x)[1]
    groups = config.get("groups", 32)
    weight, bias = context.weight("gamma", (C,)), context.weight("beta", (C,))
    if not config.get("scale", True) or not config.get("center", True):
        raise Untranslatable("it has one of its weights alone")
    output = context.call(
        "group_norm",
        context.shape(x),
        input=x,
        num_groups=C if groups == -1 else groups,
        weight=weight,
        bias=bias,
        eps=config.get("epsilon", 1e-3),
    )
    return context.last(output)


def dense(context: Context) -> Tensor:
    x, K = context.only(), context.config["units"]
    shape = context.shape(x)
    flat, map_sizes = context.flat.get(x, (x, shape[-1:]))
    layouts = [
        Layout((*sizes, K), (len(sizes), len(sizes) - 1, *range(len(sizes) - 1)))
        for sizes in (map_sizes, shape[-1:])
    ]
    layout = context.layouts.get(f"{context.step.own}/kernel", layouts[0])
    if layout not in layouts:
        raise Untranslatable("it reads a flattened map in one call, and another vector in the other")
    x = flat if layout == layouts[0] else x
    weight = context.weight("kernel", (K, shape[-1]), layout)
    return context.call("linear", (*shape[:-1], K), input=x, weight=weight, bias=_bias(context, K))


def layer_scale(context: Context) -> Tensor:
    """A layer of keras.applications: one weight per channel."""
    x = context.only()
    shape = context.shape(x)
    return context.call("mul", shape, self=x, other=context.weight("gamma", (shape[-1],)))


LAYERS: dict[str, Converting] = {
    **{f"Conv{axes}D": conv for axes in (1, 2, 3)},
    **{f"Convolution{axes}D": conv for axes in (1, 2, 3)},
    **{f"DepthwiseConv{axes}D": depthwise for axes in (1, 2)},
    **{f"SeparableConv{axes}D": separable for axes in (1, 2)},
    **{f"Conv{axes}DTranspose": deconv for axes in (1, 2, 3)},
    **{f"MaxPooling{axes}D": pool(average=False) for axes in (1, 2, 3)},
    **{f"AveragePooling{axes}D": pool(average=True) for axes in (1, 2, 3)},
    **{f"GlobalAveragePooling{axes}D": whole("mean") for axes in (1, 2, 3)},
    **{f"GlobalMaxPooling{axes}D": whole("amax") for axes in (1, 2, 3)},
    "BatchNormalization": batch_norm,
    "BatchNormalizationV1": batch_norm,
    "SyncBatchNormalization": batch_norm,
    "LayerNormalization": layer_norm,
    "GroupNormalization": group_norm,
    "Dense": dense,
    "LayerScale": layer_scale,
}
