"""Locally connected layers."""

import numpy as np

from cnnspec.targets.numpy.layers.net import uniform
from cnnspec.targets.numpy.layers.windows import counts, ends, padded, per_axis, taps, within


def local(x, net, K, F, S=1, P=0, D=1, bias=True, start=None, start_bias=None):
    """A convolution whose filters differ from position to position:

        y[i, j, k] = b[k, i, j] + Σ_(f, g, c) x[S·i + D·f − P, S·j + D·g − P, c] · w[k, c, f, g, i, j]

    (F·F·C + 1)·K weights for each of H'·W' positions.
    """
    (F, S, D), P, C = per_axis(x, F, S, D), ends(x, P), x.shape[-1]
    wide = padded(x, P)
    size = counts(wide, F, S, D)
    first = uniform(1 / np.sqrt(C * np.prod(F)))
    weight = net.weight("weight", (K, C, *F, *size), start or first)
    y = np.zeros((len(x), *size, K), x.dtype)
    for tap, here in taps(F, S, D, size):
        y += np.einsum("n...c,kc...->n...k", wide[here], weight[:, :, *tap])
    if bias:
        y += np.moveaxis(net.weight("bias", (K, *size), start_bias or first), 0, -1)
    net.keep(x, weight, F, S, P, D, bias)
    return net.out(y)


def local_backward(dy, net):
    """Position by position as a convolution: dL/db = Σ dy over the images,

    dL/dw[k, c, f, g, i, j] = Σ_n dy[i, j, k] · x[S·i + D·f − P, S·j + D·g − P, c]
    """
    x, weight, F, S, P, D, bias = net.take()
    if bias:
        net.gradient("bias", np.moveaxis(dy.sum(0), -1, 0))
    wide = padded(x, P)
    dwide, dweight = np.zeros_like(wide), np.zeros_like(weight)
    for tap, here in taps(F, S, D, dy.shape[1:-1]):
        dweight[:, :, *tap] = np.einsum("n...c,n...k->kc...", wide[here], dy)
        dwide[here] += np.einsum("n...k,kc...->n...c", dy, weight[:, :, *tap])
    net.gradient("weight", dweight)
    return within(dwide, P, x.shape[1:-1])
