"""Windows that slide over a map along each of its axes: their positions and the numbers in them. Formulas are
written for images, whose positions are (i, j)."""

import numpy as np


def spatial(x):
    """The axes of the positions: of (N, H, W, C) these are (1, 2)."""
    return tuple(range(1, x.ndim - 1))


def per_axis(x, *sizes):
    """Each size as one number for each axis of x's maps: for images, 3 means (3, 3)."""
    return [size if isinstance(size, tuple) else (size,) * (x.ndim - 2) for size in sizes]


def ends(x, P):
    """Padding before and after, along each axis: for images, 1 means ((1, 1), (1, 1))."""
    return tuple(one if isinstance(one, tuple) else (one, one) for one in per_axis(x, P)[0])


def same(x, F, S=1, D=1):
    """The padding that gives ⌈N/S⌉ positions, an odd row or column at the end."""
    found = []
    for N, f, s, d in zip(x.shape[1:-1], *per_axis(x, F, S, D), strict=True):
        zeros = max((-(-N // s) - 1) * s + d * (f - 1) + 1 - N, 0)
        found.append((zeros // 2, zeros - zeros // 2))
    return tuple(found)


def padded(x, P, value=0):
    """The map with P rows and columns of `value` around it."""
    if not any(map(any, P)):
        return x
    return np.pad(x, ((0, 0), *P, (0, 0)), constant_values=value)


def within(wide, P, size):
    """The map of this size that has P rows and columns around it."""
    return wide[:, *(slice(before, before + N) for (before, _), N in zip(P, size, strict=True))]


def counts(x, F, S, D):
    """How many positions a filter has along each axis: ⌊(N − D(F − 1) − 1)/S⌋ + 1."""
    sizes = zip(x.shape[1:-1], F, S, D, strict=True)
    return tuple((N - d * (f - 1) - 1) // s + 1 for N, f, s, d in sizes)


def windows(x, F, S, D):
    """The numbers under the filter at each position: (N, H', W', F, F, C), a view."""
    reach = tuple(d * (f - 1) + 1 for f, d in zip(F, D, strict=True))
    seen = np.lib.stride_tricks.sliding_window_view(x, reach, axis=spatial(x))
    seen = seen[:, *(np.s_[::s] for s in S), :, *(np.s_[::d] for d in D)]
    return np.moveaxis(seen, x.ndim - 1, -1)


def blocks(y, numbers, most=2**20):
    """Blocks of images and rows of y for which about a million numbers are needed, which
    fit into the processor's cache; each position needs `numbers` of them."""
    row = numbers * int(np.prod(y.shape[2:-1]))
    images, step = max(1, most // (y.shape[1] * row)), max(1, most // row)
    for n in range(0, len(y), images):
        for i in range(0, y.shape[1], step):
            yield np.s_[n : n + images, i : i + step]


def taps(F, S, D, size):
    """Each tap (f, g) of the filter, and the part of the map that it reads at the `size` positions of the
    filter."""
    for tap in np.ndindex(*F):
        first = [d * f for d, f in zip(D, tap, strict=True)]
        steps = zip(first, S, size, strict=True)
        yield tap, np.s_[:, *(slice(i, i + s * (n - 1) + 1, s) for i, s, n in steps)]
