"""Convolutions, pools, norms and products: operators with windows or weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cnnspec.ops.sliding import reach
from cnnspec.sources.calls.record import Untranslatable
from cnnspec.sources.calls.trace import Tensor, Value
from cnnspec.sources.calls.windows import Calling, Window, convolved, deconvolved, pooled, same
from cnnspec.sources.onnx.convert import Context, Converting
from cnnspec.sources.onnx.elementwise import short
from cnnspec.sources.onnx.model import Node


def _window(context: Context, node: Node, x: Tensor, F: Sequence[int], ceil: bool = False) -> Window:
    """The window of a convolution or a pool, with the padding from `auto_pad` or `pads`."""
    axes = len(F)
    S, D = tuple(node.get("strides", (1,) * axes)), tuple(node.get("dilations", (1,) * axes))
    auto, pads = node.get("auto_pad", "NOTSET"), node.get("pads", (0,) * 2 * axes)
    if auto == "VALID":
        pads = (0,) * 2 * axes
    ends = tuple(zip(pads[:axes], pads[axes:], strict=True))
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        ends = same(context.shape(x)[2:], tuple(F), S, D)
        ends = ends if auto == "SAME_UPPER" else tuple((behind, before) for before, behind in ends)
    return Window(tuple(F), S, D, ends, ceil)


def _calling(context: Context, node: Node) -> Calling:
    return lambda op, shape, **arguments: context.call(node, op, shape, **arguments)[0]


def _conv(context: Context, node: Node) -> tuple[Tensor, ...]:
    x, weight = context.tensor(node, 0), context.tensor(node, 1)
    K, _, *F = context.shape(weight)
    window = _window(context, node, x, F)
    bias = context.tensor(node, 2) if context.operand(node, 2) is not None else None
    call, groups = _calling(context, node), node.get("group", 1)
    shape = context.shape(x)
    return (convolved(call, x, shape, window, K, weight=weight, bias=bias, groups=groups),)


def _deconv(context: Context, node: Node) -> tuple[Tensor, ...]:
    x, weight = context.tensor(node, 0), context.tensor(node, 1)
    _, per_group, *F = context.shape(weight)
    axes, groups = len(F), node.get("group", 1)
    window, sizes = _window(context, node, x, F), context.shape(x)[2:]
    output_size, auto = node.get("output_shape"), node.get("auto_pad", "NOTSET")
    if output_size is None and auto in ("SAME_UPPER", "SAME_LOWER"):
        output_size = [size * S for size, S in zip(sizes, window.S, strict=True)]
    more = node.get("output_padding", (0,) * axes)
    if output_size is None:
        ends = [(before, behind - e) for (before, behind), e in zip(window.ends, more, strict=True)]
    else:
        ends = []
        for N, f, S, D, e, out in zip(sizes, F, window.S, window.D, more, output_size[-axes:], strict=True):
            over = (N - 1) * S + reach(f, D) + e - out
            small, large = sorted((over // 2, over - over // 2)) if over > 0 else (0, over)
            before, behind = (small, large) if auto == "SAME_UPPER" or over < 0 else (large, small)
            ends.append((before, behind - e))
    bias = context.tensor(node, 2) if context.operand(node, 2) is not None else None
    window = window._replace(ends=tuple(ends))
    call, shape = _calling(context, node), context.shape(x)
    K = per_group * groups
    return (deconvolved(call, x, shape, window, K, weight=weight, bias=bias, groups=groups),)


def _pool(average: bool) -> Converting:
    def convert(context: Context, node: Node) -> tuple[Tensor, ...]:
        x, counts = context.tensor(node, 0), bool(node.get("count_include_pad", 0))
        window = _window(context, node, x, node.attributes["kernel_shape"], bool(node.get("ceil_mode", 0)))
        call, shape = _calling(context, node), context.shape(x)
        if len(node.outputs) > 1 and node.outputs[1]:
            return _with_places(context, node, x, window)
        return (pooled(call, x, shape, window, average=average, counts=average and counts),)

    return convert


def _with_places(context: Context, node: Node, x: Tensor, window: Window) -> tuple[Tensor, ...]:
    """A maxpool that also returns the positions of the maxima, for a MaxUnpool."""
    batch, C, *sizes = context.shape(x)
    out = (batch, C, *window.out(sizes))
    if not isinstance(padding := window.padding(sizes), tuple):
        raise Untranslatable("it gives the places of its maxima, and pads more after the map than before it")
    op = f"max_pool{len(sizes)}d_with_indices"
    arguments: dict[str, Value] = {"kernel_size": window.F, "stride": window.S, "padding": padding}
    arguments |= {"dilation": window.D, "ceil_mode": window.ceil}
    return context.call(node, op, out, out, self=x, **arguments)


def _unpool(context: Context, node: Node) -> tuple[Tensor, ...]:
    x, indices, output_size = context.tensor(node, 0), context.tensor(node, 1), context.constant(node, 2)
    window = _window(context, node, x, node.attributes["kernel_shape"])
    batch, C, *sizes = context.shape(x)
    rows = zip(sizes, window.F, window.S, window.ends, strict=True)
    out = tuple((N - 1) * S + F - before - behind for N, F, S, (before, behind) in rows)
    if output_size is not None:
        out = tuple(int(one) for one in output_size[2:])
    return context.call(
        node, f"max_unpool{len(sizes)}d", (batch, C, *out), self=x, indices=indices, output_size=out
    )


def _global_average(context: Context, node: Node) -> tuple[Tensor, ...]:
    x = context.tensor(node, 0)
    batch, C, *sizes = context.shape(x)
    ones = (1,) * len(sizes)
    op = f"adaptive_avg_pool{len(sizes)}d"
    return context.call(node, op, (batch, C, *ones), self=x, output_size=ones)


def _global_maximum(context: Context, node: Node) -> tuple[Tensor, ...]:
    x = context.tensor(node, 0)
    batch, C, *sizes = context.shape(x)
    dims = tuple(range(2, 2 + len(sizes)))
    return context.call(node, "amax", (batch, C, *(1 for _ in sizes)), self=x, dim=dims, keepdim=True)


def _batch_norm(context: Context, node: Node) -> tuple[Tensor, ...]:
    x = context.tensor(node, 0)
    weight, bias, mean, variance = (context.tensor(node, place) for place in range(1, 5))
    return context.call(
        node,
        "batch_norm",
        context.shape(x),
        input=x,
        weight=weight,
        bias=bias,
        running_mean=mean,
        running_var=variance,
        training=False,
        momentum=short(1 - node.get("momentum", 0.9)),
        eps=short(node.get("epsilon", 1e-5)),
    )


def _instance_norm(context: Context, node: Node) -> tuple[Tensor, ...]:
    x = context.tensor(node, 0)
    return context.call(
        node,
        "instance_norm",
        context.shape(x),
        input=x,
        weight=context.tensor(node, 1),
        bias=context.tensor(node, 2),
        running_mean=None,
        running_var=None,
        use_input_stats=True,
        momentum=0.1,
        eps=short(node.get("epsilon", 1e-5)),
    )


def _group_norm(context: Context, node: Node) -> tuple[Tensor, ...]:
    x = context.tensor(node, 0)
    if context.version < 21:
        raise Untranslatable("before version 21 it has a weight for each group")
    return context.call(
        node,
        "group_norm",
        context.shape(x),
        input=x,
        num_groups=node.attributes["num_groups"],
        weight=context.tensor(node, 1),
        bias=context.tensor(node, 2),
        eps=short(node.get("epsilon", 1e-5)),
    )


def _layer_norm(context: Context, node: Node) -> tuple[Tensor, ...]:
    x = context.tensor(node, 0)
    shape = context.shape(x)
    axis = node.get("axis", -1) % len(shape)
    bias = context.tensor(node, 2) if context.operand(node, 2) is not None else None
    return context.call(
        node,
        "layer_norm",
        shape,
        input=x,
        normalized_shape=shape[axis:],
        weight=context.tensor(node, 1),
        bias=bias,
        eps=short(node.get("epsilon", 1e-5)),
    )


def _rms_norm(context: Context, node: Node) -> tuple[Tensor, ...]:
    x = context.tensor(node, 0)
    shape = context.shape(x)
    axis = node.get("axis", -1) % len(shape)
    return context.call(
        node,
        "rms_norm",
        shape,
        input=x,
        normalized_shape=shape[axis:],
        weight=context.tensor(node, 1),
        eps=short(node.get("epsilon", 1e-5)),
    )


def _local_response_norm(context: Context, node: Node) -> tuple[Tensor, ...]:
    x = context.tensor(node, 0)
    return context.call(
        node,
        "local_response_norm",
        context.shape(x),
        self=x,
        size=node.attributes["size"],
        alpha=short(node.get("alpha", 1e-4)),
        beta=short(node.get("beta", 0.75)),
        k=short(node.get("bias", 1.0)),
    )


def _normalized(context: Context, node: Node) -> tuple[Tensor, ...]:
    x = context.tensor(node, 0)
    shape = context.shape(x)
    if node.get("p", 2) != 2:
        raise Untranslatable("it does not divide by the length")
    dim = node.get("axis", -1) % len(shape)
    return context.call(node, "normalize", shape, self=x, p=2, dim=dim, eps=1e-12)


def _gemm(context: Context, node: Node) -> tuple[Tensor, ...]:
    x, weight = context.tensor(node, 0), context.operand(node, 1)
    if not isinstance(weight, np.ndarray) or node.get("transA", 0) or len(context.shape(x)) != 2:
        raise Untranslatable("it is not a product of a vector with weights")
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
        if bias.size not in (1, K) or (bias.ndim > 1 and bias.shape[-2] != 1):
            raise Untranslatable("its bias differs from one image to another")
        spread = np.broadcast_to(
            np.asarray(bias, weight.dtype) * np.asarray(beta, weight.dtype), (1, K)
        ).reshape(K)
        added = context.weight(node.inputs[2], spread)
    return context.call(node, "linear", (context.shape(x)[0], K), input=x, weight=matrix, bias=added)


def _matmul(context: Context, node: Node) -> tuple[Tensor, ...]:
    left, right = context.operand(node, 0), context.operand(node, 1)
    assert left is not None
    assert right is not None
    first, second = context.shape(left), context.shape(right)
    if isinstance(right, np.ndarray) and right.ndim == 2 and isinstance(left, Tensor):
        weight = context.weight(f"{node.inputs[1]}.T", right.T)
        return context.call(node, "linear", (*first[:-1], second[1]), input=left, weight=weight, bias=None)
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        raise Untranslatable("it is a product with constants that are not a fully connected layer")
    batch = np.broadcast_shapes(first[:-2], second[:-2])
    return context.call(node, "matmul", (*batch, first[-2], second[-1]), self=left, other=right)


def _reduce(op: str) -> Converting:
    def convert(context: Context, node: Node) -> tuple[Tensor, ...]:
        return _reduced(context, node, context.tensor(node, 0), op)

    return convert


def _reduced(context: Context, node: Node, x: Tensor, op: str) -> tuple[Tensor, ...]:
    shape = context.shape(x)
    axes_input = context.constant(node, 1)
    axes = node.get("axes", None if axes_input is None else tuple(int(one) for one in axes_input.ravel()))
    if not axes and node.get("noop_with_empty_axes", 0):
        return (x,)  # otherwise all axes, by ONNX's rule
    dims = tuple(sorted(axis % len(shape) for axis in (axes or range(len(shape)))))
    keeps = bool(node.get("keepdims", 1))
    out = [1 if place in dims else size for place, size in enumerate(shape) if keeps or place not in dims]
    return context.call(node, op, out, self=x, dim=dims, keepdim=keeps)


def _of_numbers(first: str, then: str) -> Converting:
    """A function of each number before the sum, and a function of the sum."""

    def convert(context: Context, node: Node) -> tuple[Tensor, ...]:
        x = context.tensor(node, 0)
        if first:
            (x,) = context.call(node, first, context.shape(x), self=x)
        (y,) = _reduced(context, node, x, "sum")
        return context.call(node, then, context.shape(y), self=y) if then else (y,)

    return convert


def _length(context: Context, node: Node) -> tuple[Tensor, ...]:
    if node.get("keepdims", 1):
        return _reduced(context, node, context.tensor(node, 0), "linalg_vector_norm")
    return tuple(_of_numbers("square", "sqrt")(context, node))  # type: ignore[arg-type]


def _smallest(context: Context, node: Node) -> tuple[Tensor, ...]:
    """−max(−x)."""
    x = context.tensor(node, 0)
    (x,) = context.call(node, "neg", context.shape(x), self=x)
    (y,) = _reduced(context, node, x, "amax")
    return context.call(node, "neg", context.shape(y), self=y)


def _attention(context: Context, node: Node) -> tuple[Tensor, ...]:
    """Queries, keys and values as N x heads x positions x channels, or as N x positions x all channels."""
    inputs = [context.tensor(node, place) for place in range(3)]
    ranks = [len(context.shape(input_)) for input_ in inputs]
    plain = {"is_causal", "softcap", "scale", "q_num_heads", "kv_num_heads", "softmax_precision"}
    other = ", ".join(sorted({*node.attributes} - plain))
    for option, is_there in (
        ("a mask", any(node.inputs[3:4]) or node.get("is_causal", 0)),
        ("a cache of keys and values", any(node.inputs[4:])),
        ("a softcap", node.get("softcap", 0.0)),
        ("several outputs", any(node.outputs[1:])),
        (other, other),
    ):
        if is_there:
            raise Untranslatable(f"it has {option}")
    apart = ranks == [3, 3, 3]
    if apart:
        heads = node.attributes["q_num_heads"]
        if node.attributes["kv_num_heads"] != heads:
            raise Untranslatable("its queries have more heads than its keys")
        inputs = [_in_heads(context, node, input_, heads) for input_ in inputs]
    shapes = [context.shape(input_) for input_ in inputs]
    if shapes[0][1] != shapes[1][1]:
        raise Untranslatable("its queries have more heads than its keys")
    out = (*shapes[0][:-1], shapes[2][-1])
    names = dict(zip(("query", "key", "value"), inputs, strict=True))
    scale = node.get("scale")
    arguments: dict[str, Value] = {**names, "scale": None if scale is None else short(scale)}
    (y,) = context.call(node, "scaled_dot_product_attention", out, **arguments)
    if not apart:
        return (y,)
    batch, heads, N, depth = out
    (y,) = context.call(node, "permute", (batch, N, heads, depth), self=y, dims=(0, 2, 1, 3))
    size = (batch, N, heads * depth)
    return context.call(node, "view", size, self=y, size=size)


def _in_heads(context: Context, node: Node, x: Tensor, heads: int) -> Tensor:
    batch, N, C = context.shape(x)
    size = (batch, N, heads, C // heads)
    (y,) = context.call(node, "view", size, self=x, size=size)
    return context.call(node, "permute", (batch, heads, N, C // heads), self=y, dims=(0, 2, 1, 3))[0]


LAYERS: Mapping[str, Converting] = {
    "Conv": _conv,
    "ConvTranspose": _deconv,
    "MaxPool": _pool(average=False),
    "AveragePool": _pool(average=True),
    "MaxUnpool": _unpool,
    "Attention": _attention,
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
    "ReduceMin": _smallest,
    "ReduceL1": _of_numbers("abs", ""),
    "ReduceSumSquare": _of_numbers("square", ""),
    "ReduceLogSum": _of_numbers("", "log"),
    "ReduceLogSumExp": _of_numbers("exp", "log"),
    "ReduceL2": _length,
}
