"""Convolutions whose taps are moved: they read between the positions of the map."""

import numpy as np

from cnnspec.targets.numpy.layers.conv import groups
from cnnspec.targets.numpy.layers.net import total, uniform
from cnnspec.targets.numpy.layers.windows import ends, per_axis


def moved_taps(offsets, F, S, P, D):
    """Along each axis the place that a tap reads, (N, H', W', groups, taps):

    S·i + D·f − P + offset
    """
    taps = int(np.prod(F))
    moved = offsets.reshape(*offsets.shape[:-1], offsets.shape[-1] // (taps * len(F)), taps, len(F))
    axes = zip(np.indices(offsets.shape[1:-1]), np.indices(F).reshape(len(F), -1), S, P, D, strict=True)
    return [
        s * at[..., None, None] + d * tap - before + moved[..., axis]
        for axis, (at, tap, s, (before, _), d) in enumerate(axes)
    ]


def corners(places, size):
    """The positions around each place: their number in the map, counted row by row, their
    share along each axis (0 outside the map), and by how much that grows with the place."""
    for corner in np.ndindex(*(2 for _ in size)):
        index, shares, slopes = 0, [], []
        for place, after, N in zip(places, corner, size, strict=True):
            low = np.floor(place)
            inside = (low + after >= 0) & (low + after < N)
            shares.append(inside * (place - low if after else 1 - (place - low)))
            slopes.append(inside * (1 if after else -1))
            index = index * N + np.clip(low + after, 0, N - 1).astype(int)
        yield index, shares, slopes


def reading(x, index):
    """x[n, p, g] for each index p: the maps in groups, and which image and group each is of."""
    N, *_, groups, _ = index.shape
    maps = x.reshape(N, int(np.prod(x.shape[1:-1])), groups, x.shape[-1] // groups)
    return maps, (np.arange(N).reshape(-1, *(1 for _ in index.shape[1:])), index, np.arange(groups)[:, None])


def filter_rows(w):
    """The filters as rows, tap by tap."""
    return np.moveaxis(w, 1, -1).reshape(len(w), w[0].size)


def patches_of(seen):
    """(N, H', W', groups, taps, C/groups) → (N, H', W', taps, C)"""
    patches = np.moveaxis(seen, -2, -3)
    return patches.reshape(*patches.shape[:-2], seen.shape[-3] * seen.shape[-1])


def conv_moved(net, *xs, K, F, S=1, P=0, D=1, G=1, bias=True, start=None, start_bias=None):
    """Deformable convolution: of the maps x, offsets for each tap, and perhaps a mask m

        y[i, j, k] = Σ_(f, g, c) m · x[S·i + D·f − P + dy, S·j + D·g − P + dx, c] · w[k, c, f, g]

    A number between four positions is interpolated; outside the map it is 0.
    """
    (x, offsets, *mask), (F, S, D), P = xs, per_axis(xs[0], F, S, D), ends(xs[0], P)
    C, places = x.shape[-1] // G, moved_taps(offsets, F, S, P, D)
    first = uniform(1 / np.sqrt(C * np.prod(F)))
    weight = net.weight("weight", (K, C, *F), start or first)
    seen = 0
    for index, shares, _ in corners(places, x.shape[1:-1]):
        maps, at = reading(x, index)
        seen = seen + np.prod(shares, axis=0)[..., None] * maps[at]
    seen = seen.astype(x.dtype)
    factors = mask[0].reshape(seen.shape[:-1])[..., None] if mask else 1
    patches = patches_of(seen * factors)
    y = np.concatenate(
        [
            part.reshape(*part.shape[:-2], w[0].size) @ filter_rows(w).T
            for w, part in groups(G, weight, patches)
        ],
        axis=-1,
    )
    if bias:
        y += net.weight("bias", (K,), start_bias or first)
    net.keep(xs, weight, places, seen, factors, G, bias)
    return net.out(y)


def conv_moved_backward(dy, net):
    """With dpatch = dy · w and d = m · dpatch, each of the four positions p around a tap has

    dL/dx[p] += share · d      dL/d(offset) += slope · x[p] · d      dL/dm = Σ x · dpatch
    """
    (x, offsets, *mask), weight, places, seen, factors, G, bias = net.take()
    if bias:
        net.gradient("bias", total(dy))
    dpatches, dweight = [], []
    for w, part, d in groups(G, weight, patches_of(seen * factors), dy):
        dpatches.append((d @ filter_rows(w)).reshape(part.shape))
        found = d.reshape(-1, len(w)).T @ part.reshape(-1, w[0].size)
        dweight.append(np.moveaxis(found.reshape(len(w), *w.shape[2:], -1), -1, 1))
    net.gradient("weight", np.concatenate(dweight))
    dseen = np.concatenate(dpatches, axis=-1)
    dseen = np.moveaxis(dseen.reshape(*dseen.shape[:-1], seen.shape[-3], seen.shape[-1]), -2, -3)
    dmask = [(dseen * seen).sum(-1).reshape(mask[0].shape)] if mask else []
    dseen = dseen * factors
    dx, dplaces = np.zeros_like(x), [0 for _ in places]
    for index, shares, slopes in corners(places, x.shape[1:-1]):
        maps, at = reading(x, index)
        np.add.at(reading(dx, index)[0], at, np.prod(shares, axis=0)[..., None] * dseen)
        along = (maps[at] * dseen).sum(-1)
        for axis, slope in enumerate(slopes):
            others = [share for other, share in enumerate(shares) if other != axis]
            dplaces[axis] = dplaces[axis] + slope * np.prod(others, axis=0) * along
    return [dx, np.stack(dplaces, axis=-1).reshape(offsets.shape).astype(x.dtype), *dmask]
