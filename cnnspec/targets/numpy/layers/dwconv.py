"""Depthwise convolution."""

import numpy as np

from cnnspec.targets.numpy.layers.net import uniform
from cnnspec.targets.numpy.layers.windows import blocks, ends, padded, taps, two


def dwconv(x, net, F, S=1, P=0, D=1, K=None, bias=True, start=None, start_bias=None):
    """Depthwise convolution: each map has a filter of its own, one map deep; with K, it
    has K/C of them.

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
    """Through each tap dy[i, j, c] · w[c, f, g] goes back to where x came from, and

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
