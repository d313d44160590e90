"""Convolutions, also depthwise and transposed: each function with the formula that it computes."""

import numpy as np

from cnnspec.targets.numpy.layers.net import total, uniform
from cnnspec.targets.numpy.layers.windows import blocks, counts, ends, padded, per_axis, taps, windows, within


def slide(x, weight, S, P, D):
    """Slides K filters over the maps:

        y[i, j, k] = Σ_(f, g, c) x[S·i + D·f − P, S·j + D·g − P, c] · w[k, c, f, g]

    The F·F·C numbers of a window are a row, those of a filter a column: the dot products
    of many windows with all K filters are one matrix product.
    """
    K, F = len(weight), weight.shape[2:]
    filters = np.moveaxis(weight, 1, -1).reshape(K, -1).T
    seen = windows(padded(x, P), F, S, D)
    y = np.empty((*seen.shape[: x.ndim - 1], K), x.dtype)
    for part in blocks(y, len(filters)):
        np.matmul(seen[part].reshape(-1, len(filters)), filters, out=y[part].reshape(-1, K))
    return y


def slide_to_weight(dy, x, weight, S, P, D):
    """A weight is used at every position of the filter; its gradient is the sum over all
    of them:

        dL/dw[k, c, f, g] = Σ_(n, i, j) dy[i, j, k] · x[S·i + D·f − P, S·j + D·g − P, c]
    """
    K, C, *F = weight.shape
    seen = windows(padded(x, P), F, S, D)
    total = np.zeros((weight[0].size, K), dy.dtype)
    for part in blocks(dy, len(total)):
        total += seen[part].reshape(-1, len(total)).T @ dy[part].reshape(-1, K)
    return np.moveaxis(total.reshape(*F, C, K), (-1, -2), (0, 1))


def slide_to_input(dy, weight, size, S, P, D):
    """x[S·i + D·f − P, S·j + D·g − P] is in y[i, j] with the weights w[:, :, f, g]; its
    gradient is the sum over all such positions:

        dL/dx[S·i + D·f − P, S·j + D·g − P, c] += Σ_k dy[i, j, k] · w[k, c, f, g]

    Tap by tap: one matrix product, shifted. At stride 1 this is itself a convolution,
    of dy with the filters turned by 180° (slower where x has few channels).
    """
    (K, C, *F), (_, *positions, _) = weight.shape, dy.shape
    around = [
        (d * (f - 1) - before, N - n + before)
        for d, f, (before, _), N, n in zip(D, F, P, size, positions, strict=True)
    ]
    if max(S) == 1 < max(F) and 2 * C >= K and min(map(min, around)) >= 0:
        turned = np.flip(weight, range(2, weight.ndim)).swapaxes(0, 1)
        return slide(dy, turned, S, around, D)
    filters = np.ascontiguousarray(np.moveaxis(weight, (0, 1), (-2, -1)))
    wide = [before + N + max(after, 0) for (before, after), N in zip(P, size, strict=True)]
    dx = np.zeros((len(dy), *wide, C), dy.dtype)
    images = max(1, 2**18 // (int(np.prod(positions)) * max(C, K)))
    for n in range(0, len(dy), images):
        part, rows = dx[n : n + images], dy[n : n + images].reshape(-1, K)
        for tap, seen in taps(F, S, D, positions):
            part[seen] += (rows @ filters[tap]).reshape(len(part), *positions, C)
    return within(dx, P, size)


def conv(x, net, K, F, S=1, P=0, D=1, bias=True, start=None, start_bias=None):
    """Convolution: x (N, H, W, C) → y (N, H', W', K)

        H' = ⌊(H + 2P − D(F − 1) − 1)/S⌋ + 1      (F·F·C)·K weights and K biases

    Slide, dot product over the whole depth, add each filter's bias.
    """
    (F, S, D), P, C = per_axis(x, F, S, D), ends(x, P), x.shape[-1]
    first = uniform(1 / np.sqrt(C * np.prod(F)))
    weight = net.weight("weight", (K, C, *F), start or first)
    y = slide(x, weight, S, P, D)
    if bias:
        y += net.weight("bias", (K,), start_bias or first)
    net.keep(x, weight, S, P, D, bias)
    return net.out(y)


def conv_backward(dy, net):
    """dL/db = Σ dy, because the bias was added at every position; see slide_to_…"""
    x, weight, S, P, D, bias = net.take()
    if bias:
        net.gradient("bias", total(dy))
    net.gradient("weight", slide_to_weight(dy, x, weight, S, P, D))
    return slide_to_input(dy, weight, x.shape[1:-1], S, P, D)


def groups(G, weight, *maps):
    """The filters of each of G groups, with its C/G of the maps."""
    return zip(np.split(weight, G), *(np.split(x, G, axis=-1) for x in maps), strict=True)


def conv_groups(x, net, K, G, F, S=1, P=0, D=1, bias=True, start=None, start_bias=None):
    """Convolution in G groups: K/G filters read only their own C/G of the maps.

    (F·F·C/G)·K weights and K biases.
    """
    (F, S, D), P, C = per_axis(x, F, S, D), ends(x, P), x.shape[-1] // G
    first = uniform(1 / np.sqrt(C * np.prod(F)))
    weight = net.weight("weight", (K, C, *F), start or first)
    y = np.concatenate([slide(part, w, S, P, D) for w, part in groups(G, weight, x)], axis=-1)
    if bias:
        y += net.weight("bias", (K,), start_bias or first)
    net.keep(x, weight, G, S, P, D, bias)
    return net.out(y)


def conv_groups_backward(dy, net):
    """Each group as in a convolution."""
    x, weight, G, S, P, D, bias = net.take()
    if bias:
        net.gradient("bias", total(dy))
    dx, dweight = [], []
    for w, part, d in groups(G, weight, x, dy):
        dweight.append(slide_to_weight(d, part, w, S, P, D))
        dx.append(slide_to_input(d, w, x.shape[1:-1], S, P, D))
    net.gradient("weight", np.concatenate(dweight))
    return np.concatenate(dx, axis=-1)


def conv_table(x, net, table, F, S=1, P=0, D=1, bias=True, start=None, start_bias=None):
    """Convolution in which filter k reads only the maps table[k]: one plane of F·F
    weights for each connection. Filters of full depth have 0 where there is none.
    """
    (F, S, D), P, K = per_axis(x, F, S, D), ends(x, P), len(table)
    filters = [k for k, maps in enumerate(table) for _ in maps]
    depth = [c for maps in table for c in maps]
    first = uniform(1 / np.sqrt(len(depth) * np.prod(F) / K))
    planes = net.weight("weight", (len(depth), *F), start or first)
    weight = np.zeros((K, x.shape[-1], *F), x.dtype)
    weight[filters, depth] = planes
    y = slide(x, weight, S, P, D)
    if bias:
        y += net.weight("bias", (K,), start_bias or first)
    net.keep(x, weight, filters, depth, S, P, D, bias)
    return net.out(y)


def conv_table_backward(dy, net):
    """As in a convolution; only the planes of the table are weights."""
    x, weight, filters, depth, S, P, D, bias = net.take()
    if bias:
        net.gradient("bias", total(dy))
    net.gradient("weight", slide_to_weight(dy, x, weight, S, P, D)[filters, depth])
    return slide_to_input(dy, weight, x.shape[1:-1], S, P, D)


def dwconv(x, net, F, S=1, P=0, D=1, K=None, bias=True, start=None, start_bias=None):
    """Depthwise convolution: each map has its own filter, one map deep; with K, it has
    K/C of them.

        y[i, j, c] = b[c] + Σ_(f, g) x[S·i + D·f − P, S·j + D·g − P, c] · w[c, f, g]

    F·F·K weights and K biases. A tap is a whole row of the map times a row of weights,
    so each tap's weights are repeated along the row.
    """
    (F, S, D), P, C = per_axis(x, F, S, D), ends(x, P), x.shape[-1]
    K = K or C
    first = uniform(1 / np.sqrt(np.prod(F)))
    weight = net.weight("weight", (K, 1, *F), start or first)
    wide = padded(x, P) if K == C else np.repeat(padded(x, P), K // C, axis=-1)
    y = np.zeros((len(x), *counts(wide, F, S, D), K), x.dtype)
    along = repeated(weight, y)
    for n, i in blocks(y, K, 2**16):
        part, seen = y[n, i], wide[n, S[0] * i.start :]
        for tap, here in taps(F, S, D, part.shape[1:-1]):
            part += seen[here] * along[*tap, : part.shape[-2]]
    if bias:
        y += net.weight("bias", (K,), start_bias or first)
    net.keep(x, weight, S, P, D, bias)
    return net.out(y)


def repeated(weight, y):
    """The weights of each tap (f, g) for a whole row of y: (F, F, W', K)."""
    return np.tile(np.moveaxis(weight, (0, 1), (-1, -2)), (y.shape[-2], 1))


def dwconv_backward(dy, net):
    """Each tap gives dy[i, j, c] · w[c, f, g] to the gradient of its x, and

    dL/dw[c, f, g] = Σ_(n, i, j) dy[i, j, c] · x[S·i + D·f − P, S·j + D·g − P, c]
    """
    x, weight, S, P, D, bias = net.take()
    C, (K, _, *F) = x.shape[-1], weight.shape
    if bias:
        net.gradient("bias", total(dy))
    wide = padded(x, P) if K == C else np.repeat(padded(x, P), K // C, axis=-1)
    along, axes = repeated(weight, dy), list(range(dy.ndim))
    dwide, dweight = np.zeros_like(wide), np.zeros((*F, K), dy.dtype)
    for n, i in blocks(dy, K, 2**16):
        part, seen, back = dy[n, i], wide[n, S[0] * i.start :], dwide[n, S[0] * i.start :]
        for tap, here in taps(F, S, D, part.shape[1:-1]):
            dweight[tap] += np.einsum(seen[here], axes, part, axes, axes[-1:])
            back[here] += part * along[*tap, : part.shape[-2]]
    net.gradient("weight", np.moveaxis(dweight, -1, 0)[:, None])
    dx = within(dwide, P, x.shape[1:-1])
    return dx.reshape(*x.shape, K // C).sum(-1) if K != C else dx


def cut_to_same(x, F, S=1, D=1):
    """The rows and columns to crop so that N positions become N·S."""
    found = []
    for f, s, d in zip(*per_axis(x, F, S, D), strict=True):
        cut = d * (f - 1) + 1 - s
        found.append((max(cut, 0) // 2, cut - max(cut, 0) // 2))
    return tuple(found)


def deconv(x, net, K, F, S=1, P=0, D=1, G=1, extra=0, bias=True, start=None, start_bias=None):
    """Transposed convolution: x (N, H, W, C) → y (N, H', W', K)

        H' = (H − 1)·S − 2P + D(F − 1) + 1 + extra

    Each number is multiplied by a whole filter; the products of neighbours are S
    positions apart, and are added where they overlap; P rows and columns are cropped.
    In G groups, C/G maps give K/G. (F·F·K/G)·C weights (C, K/G, F, F) and K biases.
    """
    (F, S, D, extra), C = per_axis(x, F, S, D, extra), x.shape[-1]
    P = [(before, after - more) for (before, after), more in zip(ends(x, P), extra, strict=True)]
    sizes = zip(x.shape[1:-1], F, S, D, P, strict=True)
    size = [(N - 1) * s + d * (f - 1) + 1 - sum(cut) for N, f, s, d, cut in sizes]
    first = uniform(1 / np.sqrt(K // G * np.prod(F)))
    weight = net.weight("weight", (C, K // G, *F), start or first)
    parts = groups(G, weight, x)
    y = np.concatenate([slide_to_input(part, w, size, S, P, D) for w, part in parts], axis=-1)
    if bias:
        y += net.weight("bias", (K,), start_bias or first)
    net.keep(x, weight, G, S, P, D, bias)
    return net.out(y)


def deconv_backward(dy, net):
    """The reverse is a convolution: dL/dx slides the filters over dy, and the weights' gradient is that of a
    convolution with x and dy exchanged."""
    x, weight, G, S, P, D, bias = net.take()
    if bias:
        net.gradient("bias", total(dy))
    extra = [max(-after, 0) for _, after in P]  # rows that no x reaches
    dy = dy[:, *(slice(N - more) for N, more in zip(dy.shape[1:-1], extra, strict=True))]
    P = [(before, max(after, 0)) for before, after in P]
    dx, dweight = [], []
    for w, part, d in groups(G, weight, x, dy):
        dx.append(slide(d, w, S, P, D))
        dweight.append(slide_to_weight(part, d, w, S, P, D))
    net.gradient("weight", np.concatenate(dweight))
    return np.concatenate(dx, axis=-1)
