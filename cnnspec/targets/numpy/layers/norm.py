"""Normalisation: mean 0 and variance 1, then a weight and a bias per channel."""

import numpy as np

from cnnspec.targets.numpy.layers.net import constant, total
from cnnspec.targets.numpy.layers.windows import spatial


def product(x, y):
    """Σ x·y over all images and positions, for each channel."""
    C = x.shape[-1]
    return np.einsum("nc,nc->c", x.reshape(x.size // C, C), y.reshape(y.size // C, C))


def bn(x, net, eps=1e-5, momentum=0.1, affine=True, start=None):
    """Batch normalisation: y = w·(x − μ)/√(σ² + eps) + b, for each channel.

    In training μ and σ² are those of the batch, over all images and positions; they
    update the running statistics with weight `momentum` (σ² as an unbiased estimate),
    which are used in evaluation.
    """
    C = x.shape[-1]
    weight = net.weight("weight", (C,), start or constant(1)) if affine else np.ones(C, x.dtype)
    bias = net.weight("bias", (C,), constant(0)) if affine else np.zeros(C, x.dtype)
    mean = net.buffer("running_mean", (C,), constant(0))
    var = net.buffer("running_var", (C,), constant(1))
    batches = net.buffer("num_batches_tracked", (), lambda rng, shape, dtype: np.zeros(shape, np.int64))
    if net.training:
        n = x.size // C
        old_mean, old_var = mean, var
        mean = total(x) / n
        x = x - mean
        var = product(x, x) / n
        net.update("running_mean", (1 - momentum) * old_mean + momentum * mean)
        net.update("running_var", (1 - momentum) * old_var + momentum * var * (n / max(n - 1, 1)))
        net.update("num_batches_tracked", batches + 1)
        mean = np.zeros_like(mean)  # x is centred now
    inverse = 1 / np.sqrt(var + eps)
    y = x * (weight * inverse)
    y += bias - mean * weight * inverse
    net.keep(x, mean, inverse, weight, affine, net.training)
    return net.out(y)


def bn_backward(dy, net):
    """With x̂ = (x − μ)/√(σ² + eps): dL/dw = Σ dy·x̂, dL/db = Σ dy.

    y depends on x directly and, in training, also through μ and σ²:

        dx = w/√(σ² + eps) · (dy − mean(dy) − x̂·mean(dy·x̂))
    """
    x, mean, inverse, weight, affine, training = net.take()
    dbias = total(dy)
    dweight = (product(dy, x) - mean * dbias) * inverse
    if affine:
        net.gradient("weight", dweight)
        net.gradient("bias", dbias)
    scale = weight * inverse
    if not training:
        return dy * scale
    n = x.size // x.shape[-1]
    dx = x * (-scale * inverse * dweight / n)
    dx += dy * scale
    dx -= scale * dbias / n
    return dx


def normed(x, net, shape, axes, eps, affine, bias=True, start=None):
    """x̂ = (x − μ)/√(σ² + eps) over these axes of x in this shape; then w·x̂ + b."""
    C, grouped = x.shape[-1], x.reshape(shape)
    centred = grouped - grouped.mean(axes, keepdims=True)
    inverse = 1 / np.sqrt((centred * centred).mean(axes, keepdims=True) + eps)
    centred *= inverse
    net.keep(centred, inverse, axes, affine, bias)
    y = centred.reshape(x.shape)
    if affine:
        y = y * net.weight("weight", (C,), start or constant(1))
        y = y + net.weight("bias", (C,), constant(0)) if bias else y
    return net.out(y)


def normed_backward(dy, net):
    """dL/dw = Σ dy·x̂, dL/db = Σ dy and d = dL/dx̂ = dy·w. x̂ depends on x directly,
    through μ and through σ²:

    dx = (d − mean(d) − x̂·mean(d·x̂))/√(σ² + eps)
    """
    xhat, inverse, axes, affine, bias = net.take()
    d = dy.reshape(xhat.shape)
    if affine:
        net.gradient("weight", product(dy, xhat))
        if bias:
            net.gradient("bias", total(dy))
        d = (dy * net.params[net.at + "weight"]).reshape(xhat.shape)
    along = (d * xhat).mean(axes, keepdims=True)
    return ((d - d.mean(axes, keepdims=True) - xhat * along) * inverse).reshape(dy.shape)


def instance_norm(x, net, eps=1e-5, affine=True, start=None):
    """Instance normalisation: each map of each image gets mean 0 and variance 1."""
    return normed(x, net, x.shape, spatial(x), eps, affine, start=start)


instance_norm_backward = normed_backward


def instance_norm_running(x, net, eps=1e-5, momentum=0.1, affine=True, start=None):
    """Instance normalisation with running statistics: the mean over the images of each map's
    μ and (unbiased) σ². Evaluation uses these instead of the map's own μ and σ²."""
    C, n, axes = x.shape[-1], int(np.prod(x.shape[1:-1])), spatial(x)
    mean = net.buffer("running_mean", (C,), constant(0))
    var = net.buffer("running_var", (C,), constant(1))
    batches = net.buffer("num_batches_tracked", (), lambda rng, shape, dtype: np.zeros(shape, np.int64))
    if net.training:
        new_var = x.var(axes).mean(0) * (n / (n - 1))
        net.update("running_mean", (1 - momentum) * mean + momentum * x.mean((0, *axes)))
        net.update("running_var", (1 - momentum) * var + momentum * new_var)
        net.update("num_batches_tracked", batches)  # as torch, which does not count here
        return normed(x, net, x.shape, spatial(x), eps, affine, start=start)
    inverse = 1 / np.sqrt(var + eps)
    xhat = (x - mean) * inverse
    net.keep(xhat, inverse, None, affine, True)
    if affine:
        xhat = xhat * net.weight("weight", (C,), start or constant(1)) + net.weight("bias", (C,), constant(0))
    return net.out(xhat)


def instance_norm_running_backward(dy, net):
    """As without them; in evaluation, and where it is frozen, μ and σ² are constants."""
    xhat, inverse, axes, affine, bias = net.take()
    if axes is not None:
        net.keep(xhat, inverse, axes, affine, bias)
        return normed_backward(dy, net)
    if affine:
        net.gradient("weight", product(dy, xhat))
        net.gradient("bias", total(dy))
        dy = dy * net.params[net.at + "weight"]
    return dy * inverse


def ln(x, net, eps=1e-5, affine=True, bias=True, start=None):
    """Layer normalisation: the channels at each position get mean 0 and variance 1."""
    return normed(x, net, x.shape, -1, eps, affine, bias, start)


ln_backward = normed_backward


def ln_all(x, net, eps=1e-5, affine=True, bias=True, start=None):
    """Layer normalisation of all an image's numbers; then a weight and a bias for each of
    them, of shape (C, H, W)."""
    _, *size, C = x.shape
    shape, axes = (C, *size), tuple(range(1, x.ndim))
    centred = x - x.mean(axes, keepdims=True)
    inverse = 1 / np.sqrt((centred * centred).mean(axes, keepdims=True) + eps)
    y = xhat = centred * inverse
    weight = np.moveaxis(net.weight("weight", shape, start or constant(1)), 0, -1) if affine else None
    if affine:
        y = xhat * weight
        y = y + np.moveaxis(net.weight("bias", shape, constant(0)), 0, -1) if bias else y
    net.keep(xhat, inverse, axes, weight, bias)
    return net.out(y)


def ln_all_backward(dy, net):
    """dL/dw = Σ dy·x̂ and dL/db = Σ dy over the images; then with d = dy·w as in ln:
    dx = (d − mean(d) − x̂·mean(d·x̂))/√(σ² + eps)."""
    xhat, inverse, axes, weight, bias = net.take()
    if weight is not None:
        net.gradient("weight", np.moveaxis((dy * xhat).sum(0), -1, 0))
        if bias:
            net.gradient("bias", np.moveaxis(dy.sum(0), -1, 0))
        dy = dy * weight
    along = (dy * xhat).mean(axes, keepdims=True)
    return (dy - dy.mean(axes, keepdims=True) - xhat * along) * inverse


def rms(x, net, eps=1e-6, affine=True, start=None):
    """Root mean square normalisation: y = w·x/√(mean(x²) + eps) over the channels at each
    position."""
    inverse = 1 / np.sqrt((x * x).mean(-1, keepdims=True) + eps)
    net.keep(x, inverse, affine)
    y = x * inverse
    return net.out(y * net.weight("weight", (x.shape[-1],), start or constant(1)) if affine else y)


def rms_backward(dy, net):
    """With x̂ = x/√(mean(x²) + eps): dL/dw = Σ dy·x̂, and x reaches x̂ directly and through
    the mean: dx = (d − x̂·mean(d·x̂))/√(mean(x²) + eps), d = dy·w."""
    x, inverse, affine = net.take()
    xhat = x * inverse
    if affine:
        net.gradient("weight", product(dy, xhat))
        dy = dy * net.params[net.at + "weight"]
    return (dy - xhat * (dy * xhat).mean(-1, keepdims=True)) * inverse


def grn(x, net, eps=1e-6):
    """Global response normalisation: y = x + w·x·g/(mean(g) + eps) + b, with g = √(Σ x²)
    over the positions of each channel, and the mean over the channels."""
    C = x.shape[-1]
    weight = net.weight("weight", (C,), constant(0))
    size = np.sqrt((x * x).sum(spatial(x), keepdims=True))
    middle = size.mean(-1, keepdims=True) + eps
    net.keep(x, size, middle, weight)
    return net.out(x + weight * x * (size / middle) + net.weight("bias", (C,), constant(0)))


def grn_backward(dy, net):
    """With r = g/m and m = mean(g) + eps: dL/dw = Σ dy·x·r, dL/db = Σ dy. x reaches y directly
    and through r: dL/dr = w·Σ dy·x over the positions, dL/dg = (dL/dr − mean(dL/dr·r))/m,
    and dg/dx = x/g."""
    x, size, middle, weight = net.take()
    ratio = size / middle
    net.gradient("weight", product(dy, x * ratio))
    net.gradient("bias", total(dy))
    dratio = weight * (dy * x).sum(spatial(x), keepdims=True)
    dsize = (dratio - (dratio * ratio).mean(-1, keepdims=True)) / middle
    return dy * (1 + weight * ratio) + x * (dsize / np.where(size > 0, size, 1))


def gn(x, net, G, eps=1e-5, affine=True, start=None):
    """Group normalisation: each of G groups of channels gets mean 0 and variance 1."""
    groups = (len(x), int(np.prod(x.shape[1:-1])), G, x.shape[-1] // G)
    return normed(x, net, groups, (1, 3), eps, affine, start=start)


gn_backward = normed_backward


def neighbours(x, before, after):
    """Σ over the channels from c − before to c + after."""
    C = x.shape[-1]
    wide = np.pad(x, (*[(0, 0)] * (x.ndim - 1), (before, after)))
    y = wide[..., :C].copy()
    for shift in range(1, before + after + 1):
        y += wide[..., shift : shift + C]
    return y


def lrn(x, net, size, alpha=1e-4, beta=0.75, k=1.0):
    """Local response normalisation: y = x/s^beta, s = k + alpha/size·Σ x² around c."""
    s = neighbours(x * x, size // 2, (size - 1) // 2) * (alpha / size) + k
    net.keep(x, s, size, alpha, beta)
    return net.out(x * s**-beta)


def lrn_backward(dy, net):
    """x[c] is in its own y and in the s of its neighbours:

    dx = dy·s^−beta − 2·alpha·beta/size·x·Σ dy·x·s^(−beta − 1)
    """
    x, s, size, alpha, beta = net.take()
    power = s**-beta
    through = neighbours(dy * x * power / s, (size - 1) // 2, size // 2)
    return dy * power - (2 * alpha * beta / size) * x * through


def l2norm(x, net):
    """Scales the channels of each position to length 1: y = x/max(√(Σ x²), 1e-12)."""
    length = np.sqrt((x * x).sum(-1, keepdims=True))
    y = x / np.maximum(length, 1e-12)
    net.keep(y, length)
    return net.out(y)


def l2norm_backward(dy, net):
    """y does not change with the length of x: dx = (dy − y·Σ dy·y)/√(Σ x²)."""
    y, length = net.take()
    along = (dy * y).sum(-1, keepdims=True) * (length > 1e-12)
    return (dy - y * along) / np.maximum(length, 1e-12)


def l2norm_positions(x, net):
    """Each map to length 1: y = x/max(√(Σ x²), 1e-12)."""
    length = np.sqrt((x * x).sum(spatial(x), keepdims=True))
    y = x / np.maximum(length, 1e-12)
    net.keep(y, length)
    return net.out(y)


def l2norm_positions_backward(dy, net):
    """As l2norm, map by map: dx = (dy − y·Σ dy·y)/√(Σ x²)."""
    y, length = net.take()
    along = (dy * y).sum(spatial(y), keepdims=True) * (length > 1e-12)
    return (dy - y * along) / np.maximum(length, 1e-12)
