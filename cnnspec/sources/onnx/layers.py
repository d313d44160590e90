"""Convolutions, pools, norms and products: operators with windows or weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

import numpy as np

from cnnspec.ops.base import Shape
from cnnspec.sources.calls.trace import Tensor, Value
from cnnspec.sources.onnx.convert import Context, Converting, Unsaid
from cnnspec.sources.onnx.elementwise import short
from cnnspec.sources.onnx.model import Node

LOWEST = float("-inf")


def _padding(
    node: Node, shape: Shape, window: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> list[tuple[int, int]]:
    """The padding before and behind, of each axis."""
    auto = node.get("auto_pad", "NOTSET")
    pads = list(node.get("pads", (0,) * 2 * len(window)))
    if auto in ("NOTSET", ""):
        return [(pads[place], pads[place + len(window)]) for place in range(len(window))]
    if auto == "VALID":
        return [(0, 0)] * len(window)
    found: list[tuple[int, int]] = []
    for size, F, S, D in zip(shape[2:], window, strides, dilations, strict=True):
        total = max((ceil(size / S) - 1) * S + D * (F - 1) + 1 - size, 0)
        small, large = total // 2, total - total // 2
        found.append((small, large) if auto == "SAME_UPPER" else (large, small))
    return found


def _padded(
    context: Context, node: Node, given: Tensor, pads: Sequence[tuple[int, int]], value: float
) -> tuple[Tensor, tuple[int, ...]]:
    """Padding that is the same before and behind is the layer's own; else it is a step before it."""
    if all(before == behind >= 0 for before, behind in pads):
        return given, tuple(before for before, _ in pads)
    shape = context.shape(given)
    sizes = [size + sum(pad) for size, pad in zip(shape[2:], pads, strict=True)]
    flat = tuple(one for pad in reversed(pads) for one in pad)
    (made,) = context.call(
        node, "pad", (*shape[:2], *sizes), self=given, pad=flat, mode="constant", value=value
    )
    return made, (0,) * len(pads)


def _out(
    sizes: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    rounds_up: bool = False,
) -> tuple[int, ...]:
    made: list[int] = []
    for size, F, S, P, D in zip(sizes, window, strides, pads, dilations, strict=True):
        left = size + 2 * P - D * (F - 1) - 1
        steps = -(-left // S) if rounds_up else left // S
        if rounds_up and steps * S >= size + P:
            steps -= 1
        made.append(steps + 1)
    return tuple(made)


def _conv(context: Context, node: Node) -> tuple[Tensor, ...]:
    given, weight = context.tensor(node, 0), context.tensor(node, 1)
    K, _, *window = context.shape(weight)
    axes = len(window)
    strides = tuple(node.get("strides", (1,) * axes))
    dilations = tuple(node.get("dilations", (1,) * axes))
    pads = _padding(node, context.shape(given), window, strides, dilations)
    given, padding = _padded(context, node, given, pads, 0.0)
    batch, _, *sizes = context.shape(given)
    out = (batch, K, *_out(sizes, window, strides, padding, dilations))
    bias = context.tensor(node, 2) if context.given(node, 2) is not None else None
    return context.call(
        node,
        f"conv{axes}d",
        out,
        input=given,
        weight=weight,
        bias=bias,
        stride=strides,
        padding=padding,
        dilation=dilations,
        groups=node.get("group", 1),
    )


def _deconv(context: Context, node: Node) -> tuple[Tensor, ...]:
    given, weight = context.tensor(node, 0), context.tensor(node, 1)
    _, per_group, *window = context.shape(weight)
    axes, groups = len(window), node.get("group", 1)
    strides = tuple(node.get("strides", (1,) * axes))
    dilations = tuple(node.get("dilations", (1,) * axes))
    extra = list(node.get("output_padding", (0,) * axes))
    batch, _, *sizes = context.shape(given)
    whole = [
        (size - 1) * S + D * (F - 1) + 1
        for size, S, F, D in zip(sizes, strides, window, dilations, strict=True)
    ]
    wanted, auto = node.get("output_shape"), node.get("auto_pad", "NOTSET")
    if wanted is None and auto in ("SAME_UPPER", "SAME_LOWER"):
        wanted = [size * S for size, S in zip(sizes, strides, strict=True)]
    if wanted is not None:
        over = [size + more - out for size, more, out in zip(whole, extra, wanted[-axes:], strict=True)]
        extra = [more + max(-one, 0) for more, one in zip(extra, over, strict=True)]
        small, large = [max(one, 0) // 2 for one in over], [-(-max(one, 0) // 2) for one in over]
        pads = [*small, *large] if auto == "SAME_UPPER" else [*large, *small]
    else:
        pads = list(node.get("pads", (0,) * 2 * axes))
    padding: list[int] = []
    for place in range(axes):
        before, behind = pads[place], pads[place + axes]
        padding.append(before)
        extra[place] += before - behind
        if not 0 <= extra[place] < max(strides[place], dilations[place]):
            raise Unsaid(f"its output is cut by {before} before and {behind} behind")
    out = [size - 2 * P + more for size, P, more in zip(whole, padding, extra, strict=True)]
    bias = context.tensor(node, 2) if context.given(node, 2) is not None else None
    return context.call(
        node,
        f"conv_transpose{axes}d",
        (batch, per_group * groups, *out),
        input=given,
        weight=weight,
        bias=bias,
        stride=strides,
        padding=tuple(padding),
        output_padding=tuple(extra),
        groups=groups,
        dilation=dilations,
    )


def _pool(op: str) -> Converting:
    def convert(context: Context, node: Node) -> tuple[Tensor, ...]:
        if len(node.outputs) > 1 and node.outputs[1]:
            raise Unsaid("it also gives the places of the maxima")
        window = tuple(node.attributes["kernel_shape"])
        axes, given = len(window), context.tensor(node, 0)
        strides = tuple(node.get("strides", (1,) * axes))
        dilations = tuple(node.get("dilations", (1,) * axes))
        counts, average = bool(node.get("count_include_pad", 0)), op == "avg_pool"
        rounds_up = bool(node.get("ceil_mode", 0))
        pads = _padding(node, context.shape(given), window, strides, dilations)
        uneven = any(before != behind for before, behind in pads)
        beyond = any(before > F // 2 for (before, _), F in zip(pads, window, strict=True))
        if average and (uneven or beyond) and not counts:
            raise Unsaid(f"its padding {pads} is not counted, and not the same on both sides")
        if beyond and not uneven:  # torch allows half of the window
            sizes = context.shape(given)
            flat = tuple(one for pad in reversed(pads) for one in pad)
            shape = (*sizes[:2], *(size + sum(pad) for size, pad in zip(sizes[2:], pads, strict=True)))
            value = 0.0 if average else LOWEST
            (given,) = context.call(node, "pad", shape, self=given, pad=flat, mode="constant", value=value)
            padding: tuple[int, ...] = (0,) * axes
        else:
            given, padding = _padded(context, node, given, pads, 0.0 if average else LOWEST)
        batch, C, *sizes_in = context.shape(given)
        out = (batch, C, *_out(sizes_in, window, strides, padding, dilations, rounds_up))
        more: dict[str, Value] = {"count_include_pad": counts} if average else {"dilation": dilations}
        if average and any(one != 1 for one in dilations):
            raise Unsaid("it is an average with dilation")
        return context.call(
            node,
            f"{op}{axes}d",
            out,
            self=given,
            kernel_size=window,
            stride=strides,
            padding=padding,
            ceil_mode=rounds_up,
            **more,
        )

    return convert


def _global_average(context: Context, node: Node) -> tuple[Tensor, ...]:
    given = context.tensor(node, 0)
    batch, C, *sizes = context.shape(given)
    ones = (1,) * len(sizes)
    op = f"adaptive_avg_pool{len(sizes)}d"
    return context.call(node, op, (batch, C, *ones), self=given, output_size=ones)


def _global_maximum(context: Context, node: Node) -> tuple[Tensor, ...]:
    given = context.tensor(node, 0)
    batch, C, *sizes = context.shape(given)
    dims = tuple(range(2, 2 + len(sizes)))
    return context.call(node, "amax", (batch, C, *(1 for _ in sizes)), self=given, dim=dims, keepdim=True)


def _batch_norm(context: Context, node: Node) -> tuple[Tensor, ...]:
    given = context.tensor(node, 0)
    weight, bias, mean, variance = (context.tensor(node, place) for place in range(1, 5))
    return context.call(
        node,
        "batch_norm",
        context.shape(given),
        input=given,
        weight=weight,
        bias=bias,
        running_mean=mean,
        running_var=variance,
        training=False,
        momentum=short(1 - node.get("momentum", 0.9)),
        eps=short(node.get("epsilon", 1e-5)),
    )


def _instance_norm(context: Context, node: Node) -> tuple[Tensor, ...]:
    given = context.tensor(node, 0)
    return context.call(
        node,
        "instance_norm",
        context.shape(given),
        input=given,
        weight=context.tensor(node, 1),
        bias=context.tensor(node, 2),
        running_mean=None,
        running_var=None,
        use_input_stats=True,
        momentum=0.1,
        eps=short(node.get("epsilon", 1e-5)),
    )


def _group_norm(context: Context, node: Node) -> tuple[Tensor, ...]:
    given = context.tensor(node, 0)
    if context.version < 21:
        raise Unsaid("before version 21 it has a weight for each group")
    return context.call(
        node,
        "group_norm",
        context.shape(given),
        input=given,
        num_groups=node.attributes["num_groups"],
        weight=context.tensor(node, 1),
        bias=context.tensor(node, 2),
        eps=short(node.get("epsilon", 1e-5)),
    )


def _layer_norm(context: Context, node: Node) -> tuple[Tensor, ...]:
    given = context.tensor(node, 0)
    shape = context.shape(given)
    axis = node.get("axis", -1) % len(shape)
    bias = context.tensor(node, 2) if context.given(node, 2) is not None else None
    return context.call(
        node,
        "layer_norm",
        shape,
        input=given,
        normalized_shape=shape[axis:],
        weight=context.tensor(node, 1),
        bias=bias,
        eps=short(node.get("epsilon", 1e-5)),
    )


def _rms_norm(context: Context, node: Node) -> tuple[Tensor, ...]:
    given = context.tensor(node, 0)
    shape = context.shape(given)
    axis = node.get("axis", -1) % len(shape)
    return context.call(
        node,
        "rms_norm",
        shape,
        input=given,
        normalized_shape=shape[axis:],
        weight=context.tensor(node, 1),
        eps=short(node.get("epsilon", 1e-5)),
    )


def _local_response_norm(context: Context, node: Node) -> tuple[Tensor, ...]:
    given = context.tensor(node, 0)
    return context.call(
        node,
        "local_response_norm",
        context.shape(given),
        self=given,
        size=node.attributes["size"],
        alpha=short(node.get("alpha", 1e-4)),
        beta=short(node.get("beta", 0.75)),
        k=short(node.get("bias", 1.0)),
    )


def _normalized(context: Context, node: Node) -> tuple[Tensor, ...]:
    given = context.tensor(node, 0)
    shape = context.shape(given)
    if node.get("p", 2) != 2:
        raise Unsaid("it does not divide by the length")
    dim = node.get("axis", -1) % len(shape)
    return context.call(node, "normalize", shape, self=given, p=2, dim=dim, eps=1e-12)


def _gemm(context: Context, node: Node) -> tuple[Tensor, ...]:
    given, weight = context.tensor(node, 0), context.given(node, 1)
    if not isinstance(weight, np.ndarray) or node.get("transA", 0) or len(context.shape(given)) != 2:
        raise Unsaid("it is no product of a vector with weights")
    alpha, beta = node.get("alpha", 1.0), node.get("beta", 1.0)
    matrix = (
        context.weight(node.inputs[1], weight)
        if node.get("transB", 0) and alpha == 1
        else context.weight(
            f"{node.inputs[1]}.T" if alpha == 1 else f"{node.inputs[1]}.{alpha:g}",
            (weight if node.get("transB", 0) else weight.T) * np.asarray(alpha, weight.dtype),
        )
    )
    bias = context.constant(node, 2)
    K = weight.shape[0] if node.get("transB", 0) else weight.shape[1]
    added = None
    if bias is not None and beta != 0:
        spread = np.broadcast_to(
            np.asarray(bias, weight.dtype) * np.asarray(beta, weight.dtype), (1, K)
        ).reshape(K)
        added = context.weight(node.inputs[2], spread)
    return context.call(node, "linear", (context.shape(given)[0], K), input=given, weight=matrix, bias=added)


def _matmul(context: Context, node: Node) -> tuple[Tensor, ...]:
    left, right = context.given(node, 0), context.given(node, 1)
    assert left is not None
    assert right is not None
    first, second = context.shape(left), context.shape(right)
    if isinstance(right, np.ndarray) and right.ndim == 2 and isinstance(left, Tensor):
        weight = context.weight(f"{node.inputs[1]}.T", right.T)
        return context.call(node, "linear", (*first[:-1], second[1]), input=left, weight=weight, bias=None)
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        raise Unsaid("it is a product with constants that are no fully connected layer")
    batch = np.broadcast_shapes(first[:-2], second[:-2])
    return context.call(node, "matmul", (*batch, first[-2], second[-1]), self=left, other=right)


def _reduce(op: str) -> Converting:
    def convert(context: Context, node: Node) -> tuple[Tensor, ...]:
        given = context.tensor(node, 0)
        shape = context.shape(given)
        said = context.constant(node, 1)
        axes = node.get("axes", None if said is None else tuple(int(one) for one in said.ravel()))
        if not axes and node.get("noop_with_empty_axes", 0):
            return (given,)  # by ONNX's rule all axes otherwise
        dims = tuple(sorted(axis % len(shape) for axis in (axes or range(len(shape)))))
        keeps = bool(node.get("keepdims", 1))
        out = [1 if place in dims else size for place, size in enumerate(shape) if keeps or place not in dims]
        return context.call(node, op, out, self=given, dim=dims, keepdim=keeps)

    return convert


LAYERS: Mapping[str, Converting] = {
    "Conv": _conv,
    "ConvTranspose": _deconv,
    "MaxPool": _pool("max_pool"),
    "AveragePool": _pool("avg_pool"),
    "GlobalAveragePool": _global_average,
    "GlobalMaxPool": _global_maximum,
    "BatchNormalization": _batch_norm,
    "InstanceNormalization": _instance_norm,
    "GroupNormalization": _group_norm,
    "LayerNormalization": _layer_norm,
    "RMSNormalization": _rms_norm,
    "LpNormalization": _normalized,
    "LRN": _local_response_norm,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "ReduceMean": _reduce("mean"),
    "ReduceSum": _reduce("sum"),
    "ReduceMax": _reduce("amax"),
    "ReduceMin": _reduce("amin"),
    "ReduceL2": _reduce("linalg_vector_norm"),
}
