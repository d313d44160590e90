"""Transposed convolution."""

import numpy as np

from cnnspec.targets.numpy.layers.conv import slide, slide_to_input, slide_to_weight
from cnnspec.targets.numpy.layers.net import uniform
from cnnspec.targets.numpy.layers.windows import ends, two


def cut_to_same(F, S=1, D=1):
    """What a deconvolution cuts off so that N places become N·S, the odd row and column
    at the bottom and right."""
    found = []
    for f, s, d in zip(two(F), two(S), two(D), strict=True):
        cut = d * (f - 1) + 1 - s
        found.append((max(cut, 0) // 2, cut - max(cut, 0) // 2))
    return found[0], found[1]


def deconv(x, net, K, F, S=1, P=0, D=1, G=1, extra=0, bias=True, start=None, start_bias=None):
    """Transposed convolution: x (N, H, W, C) → y (N, H', W', K)

        H' = (H − 1)·S − 2P + D(F − 1) + 1 + extra

    What a convolution does to the gradient of its input: each number is multiplied with
    a whole filter and laid down S places from its neighbour's; what overlaps adds up; P
    rows and columns are cut off. With G groups each C/G maps give K/G. (F·F·K/G)·C
    weights, stored as (C, K/G, F, F), and K biases.
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
    pairs = zip(np.split(x, G, axis=3), np.split(weight, G), strict=True)
    y = np.concatenate([slide_to_input(maps, filters, size, S, P, D) for maps, filters in pairs], axis=3)
    if bias:
        y += net.weight("bias", (K,), start_bias or first)
    net.keep(x, weight, G, S, P, D, bias)
    return net.out(y)


def deconv_backward(dy, net):
    """Turned round once more, it is a convolution: dL/dx slides the filters over dy,
    and a weight's gradient is what a convolution's is, with x and dy in each other's
    place."""
    x, weight, G, S, P, D, bias = net.take()
    if bias:
        net.gradient("bias", dy.sum((0, 1, 2)))
    (top, bottom), (left, right) = P
    dy = dy[
        :, : dy.shape[1] + min(bottom, 0), : dy.shape[2] + min(right, 0)
    ]  # nothing reached the extra ones
    P = (top, max(bottom, 0)), (left, max(right, 0))
    dx, dweight = [], []
    for dmaps, maps, filters in zip(
        np.split(dy, G, axis=3), np.split(x, G, axis=3), np.split(weight, G), strict=True
    ):
        dx.append(slide(dmaps, filters, S, P, D))
        dweight.append(slide_to_weight(maps, dmaps, filters, S, P, D))
    net.gradient("weight", np.concatenate(dweight))
    return np.concatenate(dx, axis=3)
