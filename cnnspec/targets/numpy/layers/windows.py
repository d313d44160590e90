"""Windows that slide over a map: where they stand, what they see."""

import numpy as np


def two(size):
    """(rows, columns): 3 means (3, 3)."""
    return size if isinstance(size, tuple) else (size, size)


def ends(P):
    """Padding as ((top, bottom), (left, right)): 1 means ((1, 1), (1, 1))."""
    a, b = P if isinstance(P, tuple) else (P, P)
    return (a if isinstance(a, tuple) else (a, a)), (b if isinstance(b, tuple) else (b, b))


def same(x, F, S=1, D=1):
    """The padding that gives ⌈N/S⌉ positions, an odd row or column at the end."""
    found = []
    for N, f, s, d in zip(x.shape[1:3], two(F), two(S), two(D), strict=True):
        zeros = max((-(-N // s) - 1) * s + d * (f - 1) + 1 - N, 0)
        found.append((zeros // 2, zeros - zeros // 2))
    return found[0], found[1]


def padded(x, P, value=0):
    """The map with P rows and columns of `value` around it."""
    (top, bottom), (left, right) = ends(P)
    if top == bottom == left == right == 0:
        return x
    N, H, W, C = x.shape
    wide = np.full((N, top + H + bottom, left + W + right, C), value, x.dtype)
    wide[:, top : top + H, left : left + W] = x
    return wide


def windows(x, F, S, D):
    """What the filter sees at each position: (N, H', W', F, F, C), a view."""
    reach = (D[0] * (F[0] - 1) + 1, D[1] * (F[1] - 1) + 1)
    seen = np.lib.stride_tricks.sliding_window_view(x, reach, axis=(1, 2))
    return seen[:, :: S[0], :: S[1], :, :: D[0], :: D[1]].transpose(0, 1, 2, 4, 5, 3)


def blocks(count, rows, numbers, most=2**20):
    """Blocks of images and rows of about a million numbers, which fit into the
    processor's cache; a row has `numbers` of them."""
    images, step = max(1, most // (rows * numbers)), max(1, most // numbers)
    for n in range(0, count, images):
        for i in range(0, rows, step):
            yield np.s_[n : n + images, i : i + step]


def taps(F, S, D, size):
    """Each tap (f, g) of the filter, and the part of the map that it sees at the `size`
    positions of the filter."""
    (h, w) = size
    for f in range(F[0]):
        for g in range(F[1]):
            i, j = f * D[0], g * D[1]
            yield f, g, np.s_[:, i : i + S[0] * (h - 1) + 1 : S[0], j : j + S[1] * (w - 1) + 1 : S[1]]
