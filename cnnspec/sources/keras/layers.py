"""Convolutions, pools, norms and fully connected layers."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.sources.calls.trace import Tensor, Value
from cnnspec.sources.keras.convert import Context, Converting, Unsaid, out_of, same_padding, short

LOWEST = float("-inf")


def _padded(context: Context, given: Tensor, pads: Sequence[tuple[int, int]], value: float) -> Tensor:
    shape = context.shape(given)
    sizes = [size + sum(pad) for size, pad in zip(shape[2:], pads, strict=True)]
    flat = tuple(one for pad in reversed(pads) for one in pad)
    return context.call("pad", (*shape[:2], *sizes), self=given, pad=flat, mode="constant", value=value)


def _window(context: Context, given: Tensor, name: str) -> tuple[tuple[int, ...], tuple[int, ...], bool]:
    """F, S and whether the padding is "same"."""
    axes = len(context.shape(given)) - 2
    F = context.sizes(name, axes)
    S = F if context.config.get("strides", 1) is None else context.sizes("strides", axes)
    padding = context.config.get("padding", "valid")
    if padding not in ("valid", "same"):
        raise Unsaid(f"its padding is {padding!r}"[:60])
    return F, S, padding == "same"


def _slid(
    context: Context,
    given: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    groups: int,
    window: tuple[tuple[int, ...], tuple[int, ...], bool],
) -> Tensor:
    """A convolution, channels first."""
    F, S, same = window
    D = context.sizes("dilation_rate", len(F))
    batch, _, *sizes = context.shape(given)
    padding: Value = (0,) * len(F)
    if same:
        pads = same_padding(sizes, F, S, D)
        if all(before == behind for before, behind in pads):
            padding = tuple(before for before, _ in pads)
        else:
            given = _padded(context, given, pads, 0.0)
    out = (batch, context.shape(weight)[0], *out_of(sizes, F, S, D, same))
    return context.call(
        f"conv{len(F)}d",
        out,
        input=given,
        weight=weight,
        bias=bias,
        stride=S,
        padding=padding,
        dilation=D,
        groups=groups,
    )


def conv(context: Context) -> Tensor:
    given = context.first(context.only())
    window = _window(context, given, "kernel_size")
    K, groups, C = context.config["filters"], context.config.get("groups", 1), context.shape(given)[1]
    weight = context.weight("kernel", (K, C // groups, *window[0]))
    return context.last(_slid(context, given, weight, _bias(context, K), groups, window))


def _bias(context: Context, size: int) -> Tensor | None:
    return context.weight("bias", (size,)) if context.config.get("use_bias", True) else None


def depthwise(context: Context) -> Tensor:
    given = context.first(context.only())
    window = _window(context, given, "kernel_size")
    C, each = context.shape(given)[1], context.config.get("depth_multiplier", 1)
    weight = context.weight("kernel", (C * each, 1, *window[0]))
    return context.last(_slid(context, given, weight, _bias(context, C * each), C, window))


def separable(context: Context) -> Tensor:
    given = context.first(context.only())
    window = _window(context, given, "kernel_size")
    C, each, K = context.shape(given)[1], context.config.get("depth_multiplier", 1), context.config["filters"]
    weight = context.weight("depthwise_kernel", (C * each, 1, *window[0]))
    apart = _slid(context, given, weight, None, C, window)
    ones = (1,) * len(window[0])
    point = context.weight("pointwise_kernel", (K, C * each, *ones))
    shape = context.shape(apart)
    made = context.call(
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
    return context.last(made)


def deconv(context: Context) -> Tensor:
    given = context.first(context.only())
    F, S, same = _window(context, given, "kernel_size")
    K, extra = context.config["filters"], context.config.get("output_padding")
    batch, C, *sizes = context.shape(given)
    if extra is not None or any(one != 1 for one in context.sizes("dilation_rate", len(F))):
        raise Unsaid("it says an output padding or a dilation")
    weight = context.weight("kernel", (C, K, *F))
    if same:
        cut = [max(window - step, 0) for window, step in zip(F, S, strict=True)]
        if any(window < step for window, step in zip(F, S, strict=True)):
            raise Unsaid("its stride is larger than its filter")
        padding = tuple((one + 1) // 2 for one in cut)
        more = tuple(2 * P - one for P, one in zip(padding, cut, strict=True))
        if any(more):
            raise Unsaid(f"it cuts {cut} positions, unlike before and behind")
        out = [size * step for size, step in zip(sizes, S, strict=True)]
    else:
        padding, more = (0,) * len(F), (0,) * len(F)
        out = [(size - 1) * step + max(window, step) for size, step, window in zip(sizes, S, F, strict=True)]
        more = tuple(max(step - window, 0) for step, window in zip(S, F, strict=True))
    made = context.call(
        f"conv_transpose{len(F)}d",
        (batch, K, *out),
        input=given,
        weight=weight,
        bias=_bias(context, K),
        stride=S,
        padding=padding,
        output_padding=more,
        groups=1,
        dilation=(1,) * len(F),
    )
    return context.last(made)


def pool(op: str) -> Converting:
    def convert(context: Context) -> Tensor:
        given = context.first(context.only())
        axes = len(context.shape(given)) - 2
        F = context.sizes("pool_size", axes, 2)
        S = context.sizes("strides", axes) if context.config.get("strides") is not None else F
        same, ones = context.config.get("padding", "valid") == "same", (1,) * axes
        batch, C, *sizes = context.shape(given)
        padding = (0,) * axes
        if same:
            pads = same_padding(sizes, F, S, ones)
            if all(before == behind for before, behind in pads):
                padding = tuple(before for before, _ in pads)
            elif op == "max_pool":
                given = _padded(context, given, pads, LOWEST)
            else:
                raise Unsaid("its padding is not the same before and behind, and not counted")
        out = (batch, C, *out_of(sizes, F, S, ones, same))
        more: dict[str, Value] = {"dilation": ones} if op == "max_pool" else {"count_include_pad": False}
        return context.last(
            context.call(
                f"{op}{axes}d",
                out,
                self=given,
                kernel_size=F,
                stride=S,
                padding=padding,
                ceil_mode=False,
                **more,
            )
        )

    return convert


def whole(op: str) -> Converting:
    """Pooling over the whole map: GlobalAveragePooling, GlobalMaxPooling."""

    def convert(context: Context) -> Tensor:
        given = context.first(context.only())
        batch, C, *sizes = context.shape(given)
        dims, keeps = tuple(range(2, 2 + len(sizes))), bool(context.config.get("keepdims", False))
        out = (batch, C, *(1 for _ in sizes)) if keeps else (batch, C)
        made = context.call(op, out, self=given, dim=dims, keepdim=keeps)
        return context.last(made) if keeps else made

    return convert


def batch_norm(context: Context) -> Tensor:
    config, given = context.config, context.only()
    rank = len(context.shape(given))
    axis = config.get("axis", -1)
    axis = (axis[0] if isinstance(axis, list) else axis) % rank
    if axis not in (1, rank - 1):
        raise Unsaid(f"its axis is {axis}")
    first = given if axis == 1 else context.permuted(given, (0, rank - 1, *range(1, rank - 1)))
    C = context.shape(first)[1]
    weight = context.weight("gamma", (C,)) if config.get("scale", True) else None
    bias = context.weight("beta", (C,)) if config.get("center", True) else None
    if (weight is None) != (bias is None):
        kept = "beta" if weight is None else "gamma"
        context.record.notes[f"{context.step.own} has {kept} alone: here `bn` has both weights or none"] = (
            None
        )
        weight, bias = weight or context.weight("gamma", (C,)), bias or context.weight("beta", (C,))
    mean, variance = context.weight("moving_mean", (C,)), context.weight("moving_variance", (C,))
    made = context.call(
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
    return made if axis == 1 else context.permuted(made, (0, *range(2, rank), 1))


def layer_norm(context: Context) -> Tensor:
    config, given = context.config, context.only()
    shape = context.shape(given)
    axes = config.get("axis", -1)
    axes = sorted(axis % len(shape) for axis in (axes if isinstance(axes, list) else [axes]))
    if axes != list(range(axes[0], len(shape))):
        raise Unsaid(f"its axes are {axes}")
    sizes = shape[axes[0] :]
    weight = context.weight("gamma", sizes) if config.get("scale", True) else None
    bias = context.weight("beta", sizes) if config.get("center", True) else None
    return context.call(
        "layer_norm",
        shape,
        input=given,
        normalized_shape=sizes,
        weight=weight,
        bias=bias,
        eps=config.get("epsilon", 1e-3),
    )


def group_norm(context: Context) -> Tensor:
    config, given = context.config, context.first(context.only())
    C = context.shape(given)[1]
    groups = config.get("groups", 32)
    weight, bias = context.weight("gamma", (C,)), context.weight("beta", (C,))
    if not config.get("scale", True) or not config.get("center", True):
        raise Unsaid("it has one of its weights alone")
    made = context.call(
        "group_norm",
        context.shape(given),
        input=given,
        num_groups=C if groups == -1 else groups,
        weight=weight,
        bias=bias,
        eps=config.get("epsilon", 1e-3),
    )
    return context.last(made)


def dense(context: Context) -> Tensor:
    given = context.only()
    shape, K = context.shape(given), context.config["units"]
    weight = context.weight("kernel", (K, shape[-1]))
    return context.call("linear", (*shape[:-1], K), input=given, weight=weight, bias=_bias(context, K))


def layer_scale(context: Context) -> Tensor:
    """keras.applications' own layer: a weight for each channel."""
    given = context.only()
    shape = context.shape(given)
    return context.call("mul", shape, self=given, other=context.weight("gamma", (shape[-1],)))


LAYERS: dict[str, Converting] = {
    **{f"Conv{axes}D": conv for axes in (1, 2, 3)},
    **{f"Convolution{axes}D": conv for axes in (1, 2, 3)},
    **{f"DepthwiseConv{axes}D": depthwise for axes in (1, 2)},
    **{f"SeparableConv{axes}D": separable for axes in (1, 2)},
    **{f"Conv{axes}DTranspose": deconv for axes in (1, 2, 3)},
    **{f"MaxPooling{axes}D": pool("max_pool") for axes in (1, 2, 3)},
    **{f"AveragePooling{axes}D": pool("avg_pool") for axes in (1, 2, 3)},
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
