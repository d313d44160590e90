"""Convolutions, depthwise and transposed ones too: each function with the formula that it computes."""

import numpy as np

from cnnspec.targets.numpy.layers.net import uniform
from cnnspec.targets.numpy.layers.windows import blocks, ends, padded, taps, two, windows


def slide(x, weight, S, P, D):
    """Slides K filters over the maps:

        y[i, j, k] = Σ_(f, g, c) x[S·i + D·f − P, S·j + D·g − P, c] · w[k, c, f, g]

    The F·F·C numbers of a window are a row, those of a filter a column: the dot products
    of many windows with all K filters are one matrix product.
    """
    K, C, F, G = weight.shape
    filters = weight.transpose(0, 2, 3, 1).reshape(K, F * G * C).T
    seen = windows(padded(x, P), (F, G), S, D)
    N, H, W = seen.shape[:3]
    y = np.empty((N, H, W, K), x.dtype)
    for part in blocks(N, H, W * F * G * C):
        np.matmul(seen[part].reshape(-1, F * G * C), filters, out=y[part].reshape(-1, K))
    return y


def slide_to_weight(dy, x, weight, S, P, D):
    """A weight is used at every position of the filter; its gradient is the sum over all
    of them:

        dL/dw[k, c, f, g] = Σ_(n, i, j) dy[i, j, k] · x[S·i + D·f − P, S·j + D·g − P, c]
    """
    K, C, F, G = weight.shape
    seen = windows(padded(x, P), (F, G), S, D)
    N, H, W = seen.shape[:3]
    total = np.zeros((F * G * C, K), dy.dtype)
    for part in blocks(N, H, W * F * G * C):
        total += seen[part].reshape(-1, F * G * C).T @ dy[part].reshape(-1, K)
    return total.reshape(F, G, C, K).transpose(3, 2, 0, 1)


def slide_to_input(dy, weight, size, S, P, D):
    """x[S·i + D·f − P, S·j + D·g − P] is in y[i, j] with the weights w[:, :, f, g]; its
    gradient is the sum over all such positions:

        dL/dx[S·i + D·f − P, S·j + D·g − P, c] += Σ_k dy[i, j, k] · w[k, c, f, g]

    Tap by tap: one matrix product, shifted. At stride 1 this is itself a convolution,
    of dy with the filters turned by 180° (slower where x has few channels).
    """
    K, C, F, G = weight.shape
    N, h, w, _ = dy.shape
    (top, bottom), (left, right) = ends(P)
    around = (
        (D[0] * (F - 1) - top, size[0] - h + top),
        (D[1] * (G - 1) - left, size[1] - w + left),
    )
    if S == (1, 1) and F * G > 1 and 2 * C >= K and min(*around[0], *around[1]) >= 0:
        return slide(dy, weight[:, :, ::-1, ::-1].swapaxes(0, 1), S, around, D)
    filters = np.ascontiguousarray(weight.transpose(2, 3, 0, 1))
    dx = np.zeros((N, top + size[0] + max(bottom, 0), left + size[1] + max(right, 0), C), dy.dtype)
    for n, _ in blocks(N, 1, h * w * max(C, K), 2**18):
        rows, part = dy[n].reshape(-1, K), dx[n]
        for f, g, tap in taps((F, G), S, D, (h, w)):
            part[tap] += (rows @ filters[f, g]).reshape(len(part), h, w, C)
    return dx[:, top : top + size[0], left : left + size[1]]


def conv(x, net, K, F, S=1, P=0, D=1, bias=True, start=None, start_bias=None):
    """Convolution: x (N, H, W, C) → y (N, H', W', K)

        H' = ⌊(H + 2P − D(F − 1) − 1)/S⌋ + 1      (F·F·C)·K weights and K biases

    Slide, dot product over the whole depth, add each filter's bias.
    """
    C, S, D = x.shape[3], two(S), two(D)
    first = uniform(1 / np.sqrt(C * two(F)[0] * two(F)[1]))
    weight = net.weight("weight", (K, C, *two(F)), start or first)
    y = slide(x, weight, S, P, D)
    if bias:
        y += net.weight("bias", (K,), start_bias or first)
    net.keep(x, weight, S, P, D, bias)
    return net.out(y)


def conv_backward(dy, net):
    """dL/db = Σ dy, for the bias was added at every position; see slide_to_…"""
    x, weight, S, P, D, bias = net.take()
    if bias:
        net.gradient("bias", dy.sum((0, 1, 2)))
    net.gradient("weight", slide_to_weight(dy, x, weight, S, P, D))
    return slide_to_input(dy, weight, x.shape[1:3], S, P, D)


def groups(G, weight, *maps):
    """The filters of each of G groups, with its C/G of the maps."""
    return zip(np.split(weight, G), *(np.split(x, G, axis=3) for x in maps), strict=True)


def conv_groups(x, net, K, G, F, S=1, P=0, D=1, bias=True, start=None, start_bias=None):
    """Convolution in G groups: K/G filters see only their own C/G of the maps.

    (F·F·C/G)·K weights and K biases.
    """
    C, S, D = x.shape[3] // G, two(S), two(D)
    first = uniform(1 / np.sqrt(C * two(F)[0] * two(F)[1]))
    weight = net.weight("weight", (K, C, *two(F)), start or first)
    y = np.concatenate([slide(part, w, S, P, D) for w, part in groups(G, weight, x)], axis=3)
    if bias:
        y += net.weight("bias", (K,), start_bias or first)
    net.keep(x, weight, G, S, P, D, bias)
    return net.out(y)


def conv_groups_backward(dy, net):
    """Each group by itself, as in a convolution."""
    x, weight, G, S, P, D, bias = net.take()
    if bias:
        net.gradient("bias", dy.sum((0, 1, 2)))
    dx, dweight = [], []
    for w, part, d in groups(G, weight, x, dy):
        dweight.append(slide_to_weight(d, part, w, S, P, D))
        dx.append(slide_to_input(d, w, x.shape[1:3], S, P, D))
    net.gradient("weight", np.concatenate(dweight))
    return np.concatenate(dx, axis=3)


def conv_table(x, net, table, F, S=1, P=0, D=1, bias=True, start=None, start_bias=None):
    """Convolution in which filter k sees only the maps table[k]: one plane of F·F
    weights for each connection. Filters of full depth have 0 where there is none.
    """
    C, K, S, D = x.shape[3], len(table), two(S), two(D)
    filters = [k for k, maps in enumerate(table) for _ in maps]
    depth = [c for maps in table for c in maps]
    first = uniform(1 / np.sqrt(len(depth) * two(F)[0] * two(F)[1] / K))
    planes = net.weight("weight", (len(depth), *two(F)), start or first)
    weight = np.zeros((K, C, *two(F)), x.dtype)
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
        net.gradient("bias", dy.sum((0, 1, 2)))
    net.gradient("weight", slide_to_weight(dy, x, weight, S, P, D)[filters, depth])
    return slide_to_input(dy, weight, x.shape[1:3], S, P, D)


def dwconv(x, net, F, S=1, P=0, D=1, K=None, bias=True, start=None, start_bias=None):
    """Depthwise convolution: each map has its own filter, one map deep; with K, it has
    K/C of them.

        y[i, j, c] = b[c] + Σ_(f, g) x[S·i + D·f − P, S·j + D·g − P, c] · w[c, f, g]

    F·F·K weights and K biases. A tap is a whole row of the map times a row of weights,
    so each tap's weights are repeated along the row.
    """
    (N, _, _, C), S, D, (Fh, Fw) = x.shape, two(S), two(D), two(F)
    K = K or C
    first = uniform(1 / np.sqrt(Fh * Fw))
    weight = net.weight("weight", (K, 1, Fh, Fw), start or first)
    wide = padded(x, P) if K == C else np.repeat(padded(x, P), K // C, axis=3)
    h = (wide.shape[1] - D[0] * (Fh - 1) - 1) // S[0] + 1
    w = (wide.shape[2] - D[1] * (Fw - 1) - 1) // S[1] + 1
    along = np.tile(weight.transpose(2, 3, 1, 0), (1, 1, w, 1))
    y = np.zeros((N, h, w, K), x.dtype)
    for n, i in blocks(N, h, w * K, 2**16):
        part, seen = y[n, i], wide[n, S[0] * i.start :]
        for f, g, tap in taps((Fh, Fw), S, D, part.shape[1:3]):
            part += seen[tap] * along[f, g]
    if bias:
        y += net.weight("bias", (K,), start_bias or first)
    net.keep(x, weight, S, P, D, bias)
    return net.out(y)


def dwconv_backward(dy, net):
    """Each tap gives dy[i, j, c] · w[c, f, g] to the gradient of its x, and

    dL/dw[c, f, g] = Σ_(n, i, j) dy[i, j, c] · x[S·i + D·f − P, S·j + D·g − P, c]
    """
    x, weight, S, P, D, bias = net.take()
    (N, H, W, C), (_, h, w, K), F = x.shape, dy.shape, weight.shape[2:]
    if bias:
        net.gradient("bias", dy.sum((0, 1, 2)))
    wide = padded(x, P) if K == C else np.repeat(padded(x, P), K // C, axis=3)
    along = np.tile(weight.transpose(2, 3, 1, 0), (1, 1, w, 1))
    dwide, dweight = np.zeros_like(wide), np.zeros((*F, K), dy.dtype)
    for n, i in blocks(N, h, w * K, 2**16):
        part, seen, back = dy[n, i], wide[n, S[0] * i.start :], dwide[n, S[0] * i.start :]
        for f, g, tap in taps(F, S, D, part.shape[1:3]):
            dweight[f, g] += np.einsum("nijc,nijc->c", seen[tap], part)
            back[tap] += part * along[f, g]
    net.gradient("weight", dweight.transpose(2, 0, 1)[:, None])
    (top, _), (left, _) = ends(P)
    dx = dwide[:, top : top + H, left : left + W]
    return dx.reshape(N, H, W, C, K // C).sum(4) if K != C else dx


def cut_to_same(F, S=1, D=1):
    """The rows and columns to crop so that N positions become N·S."""
    found = []
    for f, s, d in zip(two(F), two(S), two(D), strict=True):
        cut = d * (f - 1) + 1 - s
        found.append((max(cut, 0) // 2, cut - max(cut, 0) // 2))
    return found[0], found[1]


def deconv(x, net, K, F, S=1, P=0, D=1, G=1, extra=0, bias=True, start=None, start_bias=None):
    """Transposed convolution: x (N, H, W, C) → y (N, H', W', K)

        H' = (H − 1)·S − 2P + D(F − 1) + 1 + extra

    Each number is multiplied by a whole filter; the products of neighbours are S
    positions apart, and are added where they overlap; P rows and columns are cropped.
    In G groups, C/G maps give K/G. (F·F·K/G)·C weights (C, K/G, F, F) and K biases.
    """
    (_, H, W, C), S, D, (Fh, Fw) = x.shape, two(S), two(D), two(F)
    (top, bottom), (left, right) = ends(P)
    P = (top, bottom - two(extra)[0]), (left, right - two(extra)[1])
    size = (
        (H - 1) * S[0] + D[0] * (Fh - 1) + 1 - P[0][0] - P[0][1],
        (W - 1) * S[1] + D[1] * (Fw - 1) + 1 - P[1][0] - P[1][1],
    )
    first = uniform(1 / np.sqrt(K // G * Fh * Fw))
    weight = net.weight("weight", (C, K // G, Fh, Fw), start or first)
    parts = groups(G, weight, x)
    y = np.concatenate([slide_to_input(part, w, size, S, P, D) for w, part in parts], axis=3)
    if bias:
        y += net.weight("bias", (K,), start_bias or first)
    net.keep(x, weight, G, S, P, D, bias)
    return net.out(y)


def deconv_backward(dy, net):
    """The other way round it is a convolution: dL/dx slides the filters over dy, and a
    weight's gradient is a convolution's, with x and dy exchanged."""
    x, weight, G, S, P, D, bias = net.take()
    if bias:
        net.gradient("bias", dy.sum((0, 1, 2)))
    (top, bottom), (left, right) = P  # below 0: the `extra` rows
    dy = dy[:, : dy.shape[1] + min(bottom, 0), : dy.shape[2] + min(right, 0)]
    P = (top, max(bottom, 0)), (left, max(right, 0))
    dx, dweight = [], []
    for w, part, d in groups(G, weight, x, dy):
        dx.append(slide(d, w, S, P, D))
        dweight.append(slide_to_weight(part, d, w, S, P, D))
    net.gradient("weight", np.concatenate(dweight))
    return np.concatenate(dx, axis=3)
