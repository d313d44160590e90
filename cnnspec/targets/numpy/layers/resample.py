"""Other sizes, other positions: upsample, pixelshuffle, shuffle, pad, crop, slice."""

import numpy as np

from cnnspec.targets.numpy.layers.pool import across, across_backward
from cnnspec.targets.numpy.layers.windows import ends, padded, per_axis, within


def picked(where, size, dtype):
    """The matrix that picks position where[i] of `size` for its row i."""
    return (np.arange(size) == where[:, None]).astype(dtype)


def upsample(x, net, out):
    """The nearest number: y[i, j] = x[⌊i·H/H'⌋, ⌊j·W/W'⌋]."""
    sizes = zip(x.shape[1:-1], per_axis(x, out)[0], strict=True)
    return pick(x, net, [np.arange(n) * N // n for N, n in sizes])


def pick(x, net, where):
    """Along each axis the positions where[0], where[1], …: y[i, j] = x[w[0][i], w[1][j]]."""
    net.keep(where, x.shape[1:-1])
    for axis, positions in enumerate(where, 1):
        x = x.take(positions, axis)
    return net.out(x)


def pick_backward(dy, net):
    """dx is the sum of dy over the positions that took this x."""
    sizes = zip(*net.take(), strict=True)
    return across(dy, *(picked(positions, N, dy.dtype).T for positions, N in sizes))


upsample_backward = pick_backward


def spread_over(x, net, size):
    """A vector as a map of this size, the same at each position."""
    y = np.broadcast_to(x.reshape(len(x), *(1 for _ in size), x.shape[-1]), (len(x), *size, x.shape[-1]))
    return net.out(y)


def spread_over_backward(dy, net):
    """dx is the sum of dy over the positions."""
    return dy.sum(tuple(range(1, dy.ndim - 1)))


def old_positions(count, size, corners):
    """The place of new position i among the old ones: (i + ½)·size/count − ½, or with the
    corners aligned i·(size − 1)/(count − 1)."""
    if corners:
        return np.arange(count) * (size - 1) / max(count - 1, 1)
    return (np.arange(count) + 0.5) * size / count - 0.5


def between(count, size, dtype, corners):
    """Row i has the shares of the two old positions around new position i."""
    at = np.maximum(old_positions(count, size, corners), 0)
    low = np.minimum(at.astype(int), size - 1)
    high = np.minimum(low + 1, size - 1)
    part = (at - low)[:, None]
    return ((1 - part) * picked(low, size, float) + part * picked(high, size, float)).astype(dtype)


def interpolated(x, net, out, rule, corners):
    """Each new number is a mixture of old ones around it: y = A·x·Bᵀ with the shares of
    rows and columns."""
    sizes = zip(per_axis(x, out)[0], x.shape[1:-1], strict=True)
    matrices = [rule(n, N, x.dtype, corners) for n, N in sizes]
    net.keep(*matrices)
    return net.out(across(x, *matrices))


def linear(x, net, out, corners=False):
    """Linear interpolation between the two old positions around a new one, along each axis."""
    return interpolated(x, net, out, between, corners)


bilinear = linear
trilinear = linear
linear_backward = across_backward
bilinear_backward = across_backward
trilinear_backward = across_backward


def cubic(count, size, dtype, corners):
    """Row i has the shares of the four old positions around new position i, by Keys's kernel with a = −0.75;
    positions outside the map take the value at its edge."""
    at, a = old_positions(count, size, corners), -0.75
    first = np.floor(at).astype(int)
    rows = np.zeros((count, size))
    for tap in range(-1, 3):
        far = np.abs(at - (first + tap))[:, None]
        near = ((a + 2) * far - (a + 3)) * far * far + 1
        beyond = ((far - 5) * far + 8) * far * a - 4 * a
        rows += np.where(far <= 1, near, beyond) * picked(np.clip(first + tap, 0, size - 1), size, float)
    return rows.astype(dtype)


def bicubic(x, net, out, corners=False):
    """Cubic interpolation between the four old positions around a new one, along each axis."""
    return interpolated(x, net, out, cubic, corners)


bicubic_backward = across_backward


def to_positions(x, factor):
    """(H, W, C·r·s) → (r·H, s·W, C)."""
    (N, *size, C), axes = x.shape, len(factor)
    C = C // int(np.prod(factor))
    order = [place for axis in range(1, axes + 1) for place in (axis, axes + 1 + axis)]
    cells = x.reshape(N, *size, C, *factor).transpose(0, *order, axes + 1)
    return cells.reshape(N, *(r * H for r, H in zip(factor, size, strict=True)), C)


def to_channels(x, factor):
    """(r·H, s·W, C) → (H, W, C·r·s)."""
    (N, *size, C), axes = x.shape, len(factor)
    split = [part for H, r in zip(size, factor, strict=True) for part in (H // r, r)]
    order = *range(1, 2 * axes, 2), 2 * axes + 1, *range(2, 2 * axes + 1, 2)
    cells = x.reshape(N, *split, C).transpose(0, *order)
    return cells.reshape(*cells.shape[: axes + 1], C * int(np.prod(factor)))


def pixelshuffle(x, net, factor):
    """Channels become positions: y[r·i + a, s·j + b, c] = x[i, j, c·r·s + a·s + b]."""
    (factor,) = per_axis(x, factor)
    net.keep(factor)
    return net.out(to_positions(x, factor))


def pixelshuffle_backward(dy, net):
    """Positions become channels again."""
    (factor,) = net.take()
    return to_channels(dy, factor)


def pixelunshuffle(x, net, factor):
    """Positions become channels: y[i, j, c·r·s + a·s + b] = x[r·i + a, s·j + b, c]."""
    (factor,) = per_axis(x, factor)
    net.keep(factor)
    return net.out(to_channels(x, factor))


def pixelunshuffle_backward(dy, net):
    """Channels become positions again."""
    (factor,) = net.take()
    return to_positions(dy, factor)


def shuffle(x, net, G):
    """Channel shuffle: the first channel of each of G groups, then all second ones."""
    net.keep(G)
    return net.out(x.reshape(*x.shape[:-1], G, x.shape[-1] // G).swapaxes(-1, -2).reshape(x.shape))


def shuffle_backward(dy, net):
    """Each channel goes back to its place."""
    (G,) = net.take()
    return dy.reshape(*dy.shape[:-1], dy.shape[-1] // G, G).swapaxes(-1, -2).reshape(dy.shape)


def pad(x, net, *P, channels=0):
    """Zeros around the map, as many as P says for each axis (before and after it), and
    zero maps."""
    P = [one if isinstance(one, tuple) else (one, one) for one in (*P, channels)]
    net.keep(x.shape[1:], P)
    return net.out(np.pad(x, ((0, 0), *P)))


def pad_backward(dy, net):
    """The part of dy that is x's; the zeros have no gradient."""
    size, P = net.take()
    return within(dy, P, size)


def pad_mirrored(x, net, *P, mode):
    """The map continued past its border: mirrored ("reflect") or repeated ("edge")."""
    sizes = zip(x.shape[1:-1], ends(x, P), strict=True)
    return pick(x, net, [np.pad(np.arange(N), zeros, mode=mode) for N, zeros in sizes])


pad_mirrored_backward = pick_backward


def crop(x, net, size, offset=None):
    """A piece of this size, from the offset or the middle (odd remainders: nearer to 0)."""
    (size, offset), old = per_axis(x, size, offset), x.shape[1:-1]
    first = [(N - n) // 2 if at is None else at for N, n, at in zip(old, size, offset, strict=True)]
    P = [(at, N - n - at) for at, N, n in zip(first, old, size, strict=True)]
    net.keep(P)
    return net.out(within(x, P, size))


def crop_backward(dy, net):
    """The gradient of what was cropped is 0."""
    (P,) = net.take()
    return padded(dy, P)


def transpose(x, net):
    """Rows become columns"""
    return net.out(x.swapaxes(-3, -2))


def transpose_backward(dy, net):
    """Columns become rows again."""
    return dy.swapaxes(-3, -2)


def coords(x, net):
    """The coordinates of each position, x and then y, from −1 to 1."""
    net.keep(x.shape)
    rulers = [np.linspace(-1, 1, size) for size in x.shape[1:-1]]
    maps = np.stack(np.meshgrid(*rulers, indexing="ij")[::-1], axis=-1).astype(x.dtype)
    return net.out(np.repeat(maps[None], len(x), axis=0))


def coords_backward(dy, net):
    """The coordinates do not depend on x."""
    (shape,) = net.take()
    return np.zeros(shape, dy.dtype)


def channels(x, net, first, last):
    """The channels from `first` up to `last`, without `last`."""
    net.keep(x.shape, first)
    return net.out(x[..., first:last])


def channels_backward(dy, net):
    """The gradient of the other channels is 0."""
    shape, first = net.take()
    dx = np.zeros(shape, dy.dtype)
    dx[..., first : first + dy.shape[-1]] = dy
    return dx
