"""Locally connected layers."""

import numpy as np

from cnnspec.targets.numpy.layers.net import uniform
from cnnspec.targets.numpy.layers.windows import ends, padded, taps, two


def local(x, net, K, F, S=1, P=0, D=1, bias=True, start=None, start_bias=None):
    """A convolution whose filters differ from position to position:

        y[i, j, k] = b[k, i, j] + Σ_(f, g, c) x[S·i + D·f − P, S·j + D·g − P, c] · w[k, c, f, g, i, j]

    (F·F·C + 1)·K weights for each of H'·W' positions.
    """
    (N, _, _, C), S, D, (Fh, Fw) = x.shape, two(S), two(D), two(F)
    wide = padded(x, P)
    h = (wide.shape[1] - D[0] * (Fh - 1) - 1) // S[0] + 1
    w = (wide.shape[2] - D[1] * (Fw - 1) - 1) // S[1] + 1
    first = uniform(1 / np.sqrt(C * Fh * Fw))
    weight = net.weight("weight", (K, C, Fh, Fw, h, w), start or first)
    y = np.zeros((N, h, w, K), x.dtype)
    for f, g, tap in taps((Fh, Fw), S, D, (h, w)):
        y += np.einsum("nijc,kcij->nijk", wide[tap], weight[:, :, f, g])
    if bias:
        y += np.moveaxis(net.weight("bias", (K, h, w), start_bias or first), 0, -1)
    net.keep(x, weight, S, P, D, bias)
    return net.out(y)


def local_backward(dy, net):
    """Position by position as a convolution: dL/db = Σ dy over the images,

    dL/dw[k, c, f, g, i, j] = Σ_n dy[i, j, k] · x[S·i + D·f − P, S·j + D·g − P, c]
    """
    x, weight, S, P, D, bias = net.take()
    if bias:
        net.gradient("bias", np.moveaxis(dy.sum(0), -1, 0))
    wide = padded(x, P)
    dwide, dweight = np.zeros_like(wide), np.zeros_like(weight)
    for f, g, tap in taps(weight.shape[2:4], S, D, dy.shape[1:3]):
        dweight[:, :, f, g] = np.einsum("nijc,nijk->kcij", wide[tap], dy)
        dwide[tap] += np.einsum("nijk,kcij->nijc", dy, weight[:, :, f, g])
    net.gradient("weight", dweight)
    (top, _), (left, _) = ends(P)
    return dwide[:, top : top + x.shape[1], left : left + x.shape[2]]
