"""Other sizes, other positions: upsample, pixelshuffle, shuffle, pad, crop, slice."""

import numpy as np

from cnnspec.targets.numpy.layers.pool import across, across_backward
from cnnspec.targets.numpy.layers.windows import padded, two


def picked(where, size, dtype):
    """The matrix that picks position where[i] of `size` for its row i."""
    return (np.arange(size) == where[:, None]).astype(dtype)


def upsample(x, net, out):
    """The nearest number: y[i, j] = x[⌊i·H/H'⌋, ⌊j·W/W'⌋]."""
    (H, W), (h, w) = x.shape[1:3], two(out)
    rows, columns = np.arange(h) * H // h, np.arange(w) * W // w
    net.keep(rows, columns, x.shape)
    return net.out(x[:, rows][:, :, columns])


def picked_backward(dy, net):
    """dx is the sum of dy over the positions that took this x."""
    rows, columns, (_, H, W, _) = net.take()
    return across(dy, picked(rows, H, dy.dtype).T, picked(columns, W, dy.dtype).T)


upsample_backward = picked_backward


def stands(count, size, corners):
    """Where new position i lies among the old ones: (i + ½)·size/count − ½, or with the
    corners aligned i·(size − 1)/(count − 1)."""
    if corners:
        return np.arange(count) * (size - 1) / max(count - 1, 1)
    return (np.arange(count) + 0.5) * size / count - 0.5


def between(count, size, dtype, corners):
    """Row i mixes the two old positions around new position i."""
    at = np.maximum(stands(count, size, corners), 0)
    low = np.minimum(at.astype(int), size - 1)
    high = np.minimum(low + 1, size - 1)
    part = (at - low)[:, None]
    return ((1 - part) * picked(low, size, float) + part * picked(high, size, float)).astype(dtype)


def bilinear(x, net, out, corners=False):
    """Each new number is a mixture of the four old ones around it: y = A·x·Bᵀ with the
    shares of rows and columns."""
    (H, W), (h, w) = x.shape[1:3], two(out)
    A, B = between(h, H, x.dtype, corners), between(w, W, x.dtype, corners)
    net.keep(A, B)
    return net.out(across(x, A, B))


bilinear_backward = across_backward


def cubic(count, size, dtype, corners):
    """Row i mixes the four old positions around new position i, by Keys's kernel with
    a = −0.75; beyond the edge stands the edge."""
    at, a = stands(count, size, corners), -0.75
    first = np.floor(at).astype(int)
    rows = np.zeros((count, size))
    for tap in range(-1, 3):
        far = np.abs(at - (first + tap))[:, None]
        near = ((a + 2) * far - (a + 3)) * far * far + 1
        beyond = ((far - 5) * far + 8) * far * a - 4 * a
        rows += np.where(far <= 1, near, beyond) * picked(np.clip(first + tap, 0, size - 1), size, float)
    return rows.astype(dtype)


def bicubic(x, net, out, corners=False):
    """Each new number is a mixture of the sixteen old ones around it: y = A·x·Bᵀ with the
    shares of rows and columns."""
    (H, W), (h, w) = x.shape[1:3], two(out)
    A, B = cubic(h, H, x.dtype, corners), cubic(w, W, x.dtype, corners)
    net.keep(A, B)
    return net.out(across(x, A, B))


bicubic_backward = across_backward


def to_positions(x, factor):
    """(H, W, C·r·s) → (r·H, s·W, C)."""
    (N, H, W, C), (r, s) = x.shape, factor
    cells = x.reshape(N, H, W, C // (r * s), r, s).transpose(0, 1, 4, 2, 5, 3)
    return cells.reshape(N, H * r, W * s, C // (r * s))


def to_channels(x, factor):
    """(r·H, s·W, C) → (H, W, C·r·s)."""
    (N, H, W, C), (r, s) = x.shape, factor
    cells = x.reshape(N, H // r, r, W // s, s, C).transpose(0, 1, 3, 5, 2, 4)
    return cells.reshape(N, H // r, W // s, C * r * s)


def pixelshuffle(x, net, factor):
    """Channels become positions: y[r·i + a, s·j + b, c] = x[i, j, c·r·s + a·s + b]."""
    net.keep(two(factor))
    return net.out(to_positions(x, two(factor)))


def pixelshuffle_backward(dy, net):
    """Positions become channels again."""
    (factor,) = net.take()
    return to_channels(dy, factor)


def pixelunshuffle(x, net, factor):
    """Positions become channels: y[i, j, c·r·s + a·s + b] = x[r·i + a, s·j + b, c]."""
    net.keep(two(factor))
    return net.out(to_channels(x, two(factor)))


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


def pad(x, net, rows, columns, channels=0):
    """Zeros around the map, (top, bottom) and (left, right), and zero maps."""
    net.keep(x.shape, two(rows)[0], two(columns)[0], two(channels)[0])
    return net.out(np.pad(x, ((0, 0), two(rows), two(columns), two(channels))))


def pad_backward(dy, net):
    """The part of dy that is x's; the zeros have no gradient."""
    (_, H, W, C), top, left, first = net.take()
    return dy[:, top : top + H, left : left + W, first : first + C]


def pad_mirrored(x, net, rows, columns, mode):
    """The map continued past its border: mirrored ("reflect") or repeated ("edge")."""
    _, H, W, _ = x.shape
    rows, columns = (np.pad(np.arange(n), two(P), mode=mode) for n, P in ((H, rows), (W, columns)))
    net.keep(rows, columns, x.shape)
    return net.out(x[:, rows][:, :, columns])


pad_mirrored_backward = picked_backward


def crop(x, net, size, offset=None):
    """H x W of the map, from the offset or the middle (odd remainders: nearer to 0)."""
    (_, H, W, _), (h, w) = x.shape, two(size)
    top, left = ((H - h) // 2, (W - w) // 2) if offset is None else two(offset)
    net.keep(x.shape, top, left)
    return net.out(x[:, top : top + h, left : left + w])


def crop_backward(dy, net):
    """The gradient of what was cropped is 0."""
    (_, H, W, _), top, left = net.take()
    h, w = dy.shape[1:3]
    return padded(dy, ((top, H - h - top), (left, W - w - left)))


def coords(x, net):
    """The coordinates of each position, x and then y, from −1 to 1."""
    N, H, W, _ = x.shape
    net.keep(x.shape)
    y, along = np.meshgrid(np.linspace(-1, 1, H), np.linspace(-1, 1, W), indexing="ij")
    maps = np.stack([along, y], axis=-1).astype(x.dtype)
    return net.out(np.repeat(maps[None], N, axis=0))


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
