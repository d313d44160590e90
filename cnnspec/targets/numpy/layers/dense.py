"""Vectors: flatten, fc, rbf; and factors and dropout."""

import numpy as np

from cnnspec.targets.numpy.layers.net import constant, signs, uniform


def flatten(x, net):
    """A volume as a vector of C·H·W numbers: map by map, row by row."""
    net.keep(x.shape)
    return net.out(np.moveaxis(x, -1, 1).reshape(len(x), int(np.prod(x.shape[1:]))))


def flatten_backward(dy, net):
    """Each number goes back to its place."""
    ((N, *size, C),) = net.take()
    return np.moveaxis(dy.reshape(N, C, *size), 1, -1)


def reshape(x, net, *shape):
    """The same numbers, map by map and row by row, as C, H, W, or as a vector."""
    net.keep(x.shape)
    return net.out(np.moveaxis(np.moveaxis(x, -1, 1).reshape(len(x), *shape), 1, -1))


def reshape_backward(dy, net):
    """Each number goes back to its place."""
    ((N, *size, C),) = net.take()
    return np.moveaxis(np.moveaxis(dy, -1, 1).reshape(N, C, *size), 1, -1)


def fc(x, net, K, bias=True, start=None, start_bias=None):
    """Fully connected: y = W·x + b, with C·K weights and K biases."""
    C = x.shape[-1]
    first = uniform(1 / np.sqrt(C))
    weight = net.weight("weight", (K, C), start or first)
    rows = x.reshape(len(x), C)
    y = rows @ weight.T
    if bias:
        y += net.weight("bias", (K,), start_bias or first)
    net.keep(rows, weight, x.shape, bias)
    return net.out(y)


def fc_backward(dy, net):
    """dL/dW = dyᵀ·x, dL/db = Σ dy, dL/dx = dy·W."""
    rows, weight, shape, bias = net.take()
    if bias:
        net.gradient("bias", dy.sum(0))
    net.gradient("weight", dy.T @ rows)
    return (dy @ weight).reshape(shape)


def rbf(x, net, K, start=signs):
    """The squared distances to K prototypes: y[k] = Σ_c (x[c] − w[k, c])². C·K weights."""
    C = x.shape[-1]
    weight = net.weight("weight", (K, C), start)
    away = x.reshape(len(x), 1, C) - weight
    net.keep(away, x.shape)
    return net.out((away * away).sum(2))


def rbf_backward(dy, net):
    """dy[k]/dx = 2·(x − w[k]), and the negative of it for w[k]."""
    away, shape = net.take()
    pull = 2 * dy[:, :, None] * away
    net.gradient("weight", -pull.sum(0))
    return pull.sum(1).reshape(shape)


def scale(x, net, start=1.0, one=False, bias=False):
    """y = w·x, a trained factor for each channel (`one`: for all of them); with `bias`,
    y = w·x + b."""
    count = (1 if one else x.shape[-1],)
    weight = net.weight("weight", count, constant(start))
    net.keep(x, weight, bias)
    y = x * weight
    return net.out(y + net.weight("bias", count, constant(0)) if bias else y)


def scale_backward(dy, net):
    """dL/dw = Σ dy·x, dL/db = Σ dy, dL/dx = dy·w."""
    x, weight, bias = net.take()
    places = tuple(range(x.ndim if len(weight) == 1 else x.ndim - 1))
    net.gradient("weight", (dy * x).sum(places).reshape(weight.shape))
    if bias:
        net.gradient("bias", dy.sum(places).reshape(weight.shape))
    return dy * weight


def times(x, net, factor):
    """y = factor·x."""
    net.keep(factor)
    return net.out(factor * x)


def times_backward(dy, net):
    """dx = factor·dy."""
    (factor,) = net.take()
    return factor * dy


def dropped(x, net, p, shape):
    """In training x times a mask of this shape: 0 with probability p, else 1/(1 − p). A
    mask given for this place (1: keep) replaces the random one."""
    mask = None
    if net.training:
        mask = net.masks.get(net.at[:-1])
        if mask is None:
            mask = net.rng.random(shape) >= p
        elif len(shape) == np.ndim(mask) > 1:
            mask = np.moveaxis(mask, 1, -1)
        mask = np.reshape(mask, shape).astype(bool).astype(x.dtype) * (1 / (1 - p) if p < 1 else 0)
    net.keep(mask)
    return net.out(x if mask is None else x * mask)


def dropout(x, net, p=0.5, maps=False):
    """Each number (`maps`: each map) is 0 with probability p in training; a mask is
    (N, C, H, W), for maps (N, C, 1, 1)."""
    return dropped(x, net, p, (len(x), *[1] * (x.ndim - 2), x.shape[-1]) if maps else x.shape)


def dropout_backward(dy, net):
    """The same mask applies to the gradient."""
    (mask,) = net.take()
    return dy if mask is None else dy * mask


def droppath(x, net, p=0.5):
    """Each image is 0 with probability p in training; a mask has N numbers."""
    return dropped(x, net, p, (len(x), *[1] * (x.ndim - 1)))


droppath_backward = dropout_backward
