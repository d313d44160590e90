"""Attention: each position of a map reads all positions of another one."""

import numpy as np

from cnnspec.targets.numpy.layers.net import normal


def split_heads(x, heads):
    """(N, heads, positions, channels of a head)."""
    positions = int(np.prod(x.shape[1:-1]))
    return x.reshape(len(x), positions, heads, x.shape[-1] // heads).swapaxes(1, 2)


def join_heads(x, size):
    """The channels of the heads one after another, on a map of this size."""
    return x.swapaxes(1, 2).reshape(len(x), *size, x.shape[1] * x.shape[3])


def attend(q, k, v, added):
    """Σ p·v over the positions of k with p, the softmax of qᵀk + added; and p."""
    scores = q @ k.swapaxes(2, 3) + added
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    p = powers / powers.sum(-1, keepdims=True)
    return p @ v, p


def attend_backward(dy, q, k, v, p):
    """dL/dq, dL/dk, dL/dv, and the scores' p·(dp − Σ dp·p)."""
    dp = dy @ v.swapaxes(2, 3)
    ds = p * (dp - (dp * p).sum(-1, keepdims=True))
    return ds @ k, ds.swapaxes(2, 3) @ q, p.swapaxes(2, 3) @ dy, ds


def attention(net, q, k, v, heads=1, unscaled=False):
    """Σ softmax(qᵀk/√d)·v over the positions of k, in each head of d channels"""
    sizes, factor = (q.shape[1:-1], k.shape[1:-1]), 1.0 if unscaled else (q.shape[-1] // heads) ** -0.5
    q, k, v = split_heads(factor * q, heads), split_heads(k, heads), split_heads(v, heads)
    y, p = attend(q, k, v, 0.0)
    net.keep(q, k, v, p, factor, sizes)
    return net.out(join_heads(y, sizes[0]))


def attention_backward(dy, net):
    """The chain rule through softmax(qᵀk/√d)·v."""
    q, k, v, p, factor, sizes = net.take()
    dq, dk, dv, _ = attend_backward(split_heads(dy, q.shape[1]), q, k, v, p)
    return [factor * join_heads(dq, sizes[0]), join_heads(dk, sizes[1]), join_heads(dv, sizes[1])]


def split_channels(x, heads):
    """(N, heads, channels of a head, positions)."""
    return split_heads(x, heads).swapaxes(2, 3)


def join_channels(x, size):
    """The channels of the heads one after another, on a map of this size."""
    return join_heads(x.swapaxes(2, 3), size)


def attention_channels(net, q, k, v, heads=1, unscaled=False):
    """Σ softmax(qkᵀ/√N)·v over the channels of k, in each head; q and k have N positions"""
    sizes = q.shape[1:-1], v.shape[1:-1]
    factor = 1.0 if unscaled else float(np.prod(sizes[0])) ** -0.5
    q, k, v = split_channels(factor * q, heads), split_channels(k, heads), split_channels(v, heads)
    y, p = attend(q, k, v, 0.0)
    net.keep(q, k, v, p, factor, sizes)
    return net.out(join_channels(y, sizes[1]))


def attention_channels_backward(dy, net):
    """As attention's, with channels and positions exchanged."""
    q, k, v, p, factor, sizes = net.take()
    dq, dk, dv, _ = attend_backward(split_channels(dy, q.shape[1]), q, k, v, p)
    return [factor * join_channels(dq, sizes[0]), join_channels(dk, sizes[0]), join_channels(dv, sizes[1])]


def offsets(size):
    """Along each axis: the offset of each pair of positions, counted from 0."""
    places = np.indices(size).reshape(len(size), -1)
    return tuple(place - place[:, None] + n - 1 for place, n in zip(places, size, strict=True))


def attention_relative(net, q, k, v, heads=1, unscaled=False):
    """As attention; a trained number for each head and offset is added to the scores"""
    size, factor = q.shape[1:-1], 1.0 if unscaled else (q.shape[-1] // heads) ** -0.5
    table = net.weight("table", (heads, *(2 * n - 1 for n in size)), normal(0.02))
    q, k, v = split_heads(factor * q, heads), split_heads(k, heads), split_heads(v, heads)
    places = offsets(size)
    y, p = attend(q, k, v, table[:, *places])
    net.keep(q, k, v, p, factor, size, places, table)
    return net.out(join_heads(y, size))


def attention_relative_backward(dy, net):
    """As attention's; the table gets the gradient of each score at its offset."""
    q, k, v, p, factor, size, places, table = net.take()
    dq, dk, dv, ds = attend_backward(split_heads(dy, q.shape[1]), q, k, v, p)
    dtable = np.zeros_like(table)
    np.add.at(dtable, (slice(None), *places), ds.sum(0))
    net.gradient("table", dtable)
    return [factor * join_heads(dq, size), join_heads(dk, size), join_heads(dv, size)]


def attention_query(net, q, k, v, heads=1, unscaled=False):
    """As attention; qᵀr is added to the scores, a trained r for each offset and axis"""
    size, depth = q.shape[1:-1], q.shape[-1] // heads
    factor = 1.0 if unscaled else depth**-0.5
    q, k, v = split_heads(factor * q, heads), split_heads(k, heads), split_heads(v, heads)
    added, vectors = 0.0, []
    for axis, n, places in zip("thw"[-len(size) :], size, offsets(size), strict=True):
        r = net.weight(f"relative_{axis}", (2 * n - 1, depth), normal(depth**-0.5))
        added = added + np.take_along_axis(q @ r.T, places[None, None], -1)
        vectors.append((axis, r, places))
    y, p = attend(q, k, v, added)
    net.keep(q, k, v, p, factor, size, vectors)
    return net.out(join_heads(y, size))


def attention_query_backward(dy, net):
    """As attention's; each score's gradient goes to q and to r of its offset too."""
    q, k, v, p, factor, size, vectors = net.take()
    dq, dk, dv, ds = attend_backward(split_heads(dy, q.shape[1]), q, k, v, p)
    for axis, r, places in vectors:
        dproducts = np.zeros((*q.shape[:3], len(r)), q.dtype)
        rows = np.arange(len(places))[:, None]
        np.add.at(dproducts, (slice(None), slice(None), rows, places), ds)
        dq = dq + dproducts @ r
        net.gradient(f"relative_{axis}", np.einsum("nhpo,nhpd->od", dproducts, q))
    return [factor * join_heads(dq, size), join_heads(dk, size), join_heads(dv, size)]


def attention_linear(net, q, k, v, heads=1, eps=1e-15):
    """relu(q)ᵀ(Σ relu(k)·vᵀ) / (relu(q)ᵀ Σ relu(k) + eps), in each head"""
    sizes = q.shape[1:-1], k.shape[1:-1]
    q, k, v = split_heads(q, heads), split_heads(k, heads), split_heads(v, heads)
    q, k = np.maximum(q, 0), np.maximum(k, 0)
    kv, total = k.swapaxes(2, 3) @ v, k.sum(2, keepdims=True)
    divisor = (q * total).sum(3, keepdims=True) + eps
    y = q @ kv / divisor
    net.keep(q, k, v, kv, total, divisor, y, sizes)
    return net.out(join_heads(y, sizes[0]))


def attention_linear_backward(dy, net):
    """The quotient rule, and then the products."""
    q, k, v, kv, total, divisor, y, sizes = net.take()
    dy = split_heads(dy, q.shape[1]) / divisor
    ddivisor = -(dy * y).sum(3, keepdims=True)
    dkv = q.swapaxes(2, 3) @ dy
    dq = (dy @ kv.swapaxes(2, 3) + ddivisor * total) * (q > 0)
    dk = (v @ dkv.swapaxes(2, 3) + (ddivisor * q).sum(2, keepdims=True)) * (k > 0)
    return [join_heads(dq, sizes[0]), join_heads(dk, sizes[1]), join_heads(k @ dkv, sizes[1])]
