"""Pooling: windows over each map by itself."""

import numpy as np

from cnnspec.targets.numpy.layers.net import constant
from cnnspec.targets.numpy.layers.windows import ends, padded, taps, two


def places(size, F, S, P, D=(1, 1), ceil=False):
    """How many windows fit along each axis, ⌊(N + 2P − D(F − 1) − 1)/S⌋ + 1, and the
    padding that they need. `ceil` rounds up if the last window starts before the end of
    the map."""
    counts, needed = [], []
    for N, f, s, (before, behind), d in zip(size, F, S, ends(P), D, strict=True):
        reach = d * (f - 1) + 1
        room = N + before + behind - reach
        count = room // s + 1
        if ceil and room % s and count * s < N + before:
            count += 1
        counts.append(count)
        needed.append((before, max(behind, (count - 1) * s + reach - N - before)))
    return (counts[0], counts[1]), (needed[0], needed[1])


def over_windows(combine, x, F, S, D, size):
    """np.add or np.maximum over each window: along its rows, then its columns."""
    down = (F[0], 1), (S[0], 1), (D[0], 1), (size[0], x.shape[2])
    along = (1, F[1]), (1, S[1]), (1, D[1]), size
    for direction in (down, along):
        first, *others = [x[tap] for _, _, tap in taps(*direction)]
        x = first if not others else combine(first, others[0])
        for other in others[1:]:
            combine(x, other, out=x)
    return x


def maxpool(x, net, F, S=None, P=0, D=1, ceil=False):
    """The largest number of each window; the padding is −∞:

    y[i, j] = max_(f, g) x[S·i + D·f − P, S·j + D·g − P]
    H' = ⌊(H + 2P − D(F − 1) − 1)/S⌋ + 1
    """
    F, S, D = two(F), two(S or F), two(D)
    size, P = places(x.shape[1:3], F, S, P, D, ceil)
    y = over_windows(np.maximum, padded(x, P, -np.inf), F, S, D, size)
    net.keep(x, y, F, S, P, D)
    return net.out(y)


def winners(x, y, F, S, D):
    """For each tap of a max pooling: what it sees, and in which windows that is the
    largest number (of several equal ones the first, row by row)."""
    open_ = np.ones(y.shape, bool)
    for _, _, tap in taps(F, S, D, y.shape[1:3]):
        wins = (x[tap] == y) & open_
        open_ &= ~wins
        yield tap, wins


def maxpool_backward(dy, net):
    """dy is the gradient of the largest number of the window; that of the others is 0."""
    x, y, F, S, P, D = net.take()
    (top, _), (left, _) = P
    wide = padded(x, P, -np.inf)
    dx = np.zeros(wide.shape, dy.dtype)
    for tap, wins in winners(wide, y, F, S, D):
        dx[tap] += dy * wins
    return dx[:, top : top + x.shape[1], left : left + x.shape[2]]


def unpool(x, net, before, F, S=None, P=0, D=1, ceil=False):
    """Each number goes where a max pooling found the largest in `before`; else 0."""
    F, S, D = two(F), two(S or F), two(D)
    size, P = places(before.shape[1:3], F, S, P, D, ceil)
    wide = padded(before, P, -np.inf)
    after = over_windows(np.maximum, wide, F, S, D, size)
    y = np.zeros(wide.shape, x.dtype)
    for tap, wins in reversed(list(winners(wide, after, F, S, D))):
        y[tap][wins] = x[wins]  # of two windows with one maximum, the later one's number stays
    net.keep(wide, after, F, S, P, D)
    (top, _), (left, _) = P
    return net.out(y[:, top : top + before.shape[1], left : left + before.shape[2]])


def unpool_backward(dy, net):
    """dL/dx is what dy has at the places where x was put."""
    wide, after, F, S, P, D = net.take()
    dwide = padded(dy, P)
    dx = np.zeros(after.shape, dy.dtype)
    for tap, wins in winners(wide, after, F, S, D):
        dx += dwide[tap] * wins
    return dx


def avgpool(x, net, F, S=None, P=0):
    """The mean of each window; zeros of the padding count:

    y[i, j] = Σ_(f, g) x[S·i + f − P, S·j + g − P]/(F·F)
    H' = ⌊(H + 2P − F)/S⌋ + 1
    """
    F, S = two(F), two(S or F)
    size, P = places(x.shape[1:3], F, S, P)
    net.keep(x.shape[1:3], F, S, P)
    return net.out(over_windows(np.add, padded(x, P), F, S, (1, 1), size) / (F[0] * F[1]))


def avgpool_backward(dy, net):
    """dy/(F·F) goes back to all of the window: the share that each number had in y."""
    size, F, S, P = net.take()
    return back_to_windows(dy / (F[0] * F[1]), size, F, S, P)


def back_to_windows(dy, size, F, S, P):
    """dy of each window's sum, added to all the numbers of the window."""
    (N, h, w, C), ((top, bottom), (left, right)) = dy.shape, ends(P)
    dwide = np.zeros((N, top + size[0] + bottom, left + size[1] + right, C), dy.dtype)
    for _, _, tap in taps(F, S, (1, 1), (h, w)):
        dwide[tap] += dy
    return dwide[:, top : top + size[0], left : left + size[1]]


def avgpool_counted(x, net, F, S=None, P=0, ceil=False, exclude_pad=False):
    """The mean of each window over the numbers that count: those beyond the padding
    (`ceil`) do not, the padding does unless `exclude_pad`."""
    F, S, given = two(F), two(S or F), ends(P)
    size, P = places(x.shape[1:3], F, S, P, ceil=ceil)
    counts = []
    for N, f, s, n, (before, behind) in zip(x.shape[1:3], F, S, size, given, strict=True):
        first = np.arange(n) * s - before
        low, high = (0, N) if exclude_pad else (-before, N + behind)
        counts.append(np.minimum(first + f, high) - np.maximum(first, low))
    count = np.multiply.outer(*counts)[:, :, None].astype(x.dtype)
    net.keep(x.shape[1:3], F, S, P, count)
    return net.out(over_windows(np.add, padded(x, P), F, S, (1, 1), size) / count)


def avgpool_counted_backward(dy, net):
    """dy/count goes back to all of the window."""
    size, F, S, P, count = net.take()
    return back_to_windows(dy / count, size, F, S, P)


def subsample(x, net, F, S=None):
    """LeNet-5's pooling: y[c] = w[c]·Σ(window of map c) + b[c], at first their mean."""
    F, S, C = two(F), two(S or F), x.shape[3]
    size, P = places(x.shape[1:3], F, S, 0)
    weight = net.weight("weight", (C,), constant(1 / (F[0] * F[1])))
    total = over_windows(np.add, x, F, S, (1, 1), size)
    net.keep(x.shape[1:3], weight, total, F, S, P)
    return net.out(total * weight + net.weight("bias", (C,), constant(0)))


def subsample_backward(dy, net):
    """dL/dw = Σ dy·(the window's sum), dL/db = Σ dy, dx = dy·w in all of the window."""
    size, weight, total, F, S, P = net.take()
    net.gradient("weight", (dy * total).sum((0, 1, 2)))
    net.gradient("bias", dy.sum((0, 1, 2)))
    return back_to_windows(dy * weight, size, F, S, P)


def gap(x, net):
    """Global average pooling: the mean of each map, (N, H, W, C) → (N, 1, 1, C)."""
    net.keep(x.shape)
    return net.out(x.mean((1, 2), keepdims=True))


def gap_backward(dy, net):
    """Each of the H·W numbers has its share in the mean: dx = dy/(H·W)."""
    (shape,) = net.take()
    return np.broadcast_to(dy / (shape[1] * shape[2]), shape)


def cmean(x, net):
    """The mean over the channels at each position: one map."""
    net.keep(x.shape)
    return net.out(x.mean(3, keepdims=True))


def cmean_backward(dy, net):
    """Each channel has its share in the mean: dx = dy/C."""
    (shape,) = net.take()
    return np.broadcast_to(dy / shape[3], shape)


def cmax(x, net):
    """The largest number over the channels at each position: one map."""
    where = x.argmax(3)[..., None]
    net.keep(x.shape, where)
    return net.out(np.take_along_axis(x, where, 3))


def cmax_backward(dy, net):
    """dy is the gradient of the largest number; that of the others is 0."""
    shape, where = net.take()
    dx = np.zeros(shape, dy.dtype)
    np.put_along_axis(dx, where, dy, 3)
    return dx


def shares(count, size):
    """Row i has 1/n at n positions: ⌊i·size/count⌋ up to ⌈(i + 1)·size/count⌉."""
    rows = np.zeros((count, size))
    for i in range(count):
        seen = np.s_[i * size // count : -(-(i + 1) * size // count)]
        rows[i, seen] = 1 / len(rows[i, seen])
    return rows


def avgpool_to(x, net, out):
    """The means of out·out windows: y = A·x·Bᵀ, with the windows' shares in A and B."""
    A, B = (shares(n, size).astype(x.dtype) for n, size in zip(two(out), x.shape[1:3], strict=True))
    net.keep(A, B)
    return net.out(across(x, A, B))


def across(x, A, B):
    """A·x·Bᵀ for every map: y[i, j] = Σ_(h, w) A[i, h]·B[j, w]·x[h, w]."""
    N, H, W, C = x.shape
    x = (A @ x.reshape(N, H, W * C)).reshape(N, len(A), W, C)
    return B @ x


def across_backward(dy, net):
    """y = A·x·Bᵀ, so dx = Aᵀ·dy·B."""
    A, B = net.take()
    return across(dy, A.T, B.T)


avgpool_to_backward = across_backward


def largest(x, out):
    """Where the largest number of each window of an adaptive pooling is, as a position
    among its map's H·W numbers: (N, h·w, C). Of h windows, window i has the rows from
    ⌊i·H/h⌋ up to ⌈(i + 1)·H/h⌉."""
    (N, H, W, C), (h, w) = x.shape, two(out)
    position = np.arange(H * W).reshape(H, W)
    where = np.empty((N, h * w, C), int)
    for i in range(h):
        rows = np.s_[i * H // h : -(-(i + 1) * H // h)]
        for j in range(w):
            columns = np.s_[j * W // w : -(-(j + 1) * W // w)]
            inside, seen = position[rows, columns].ravel(), x[:, rows, columns]
            where[:, i * w + j] = inside[seen.reshape(N, len(inside), C).argmax(1)]
    return where


def in_rows(x):
    """The positions of the maps one after another: (N, H·W, C)."""
    return x.reshape(len(x), x.shape[1] * x.shape[2], x.shape[3])


def maxpool_to(x, net, out):
    """The largest number of each of out·out windows."""
    where = largest(x, out)
    net.keep(x.shape, where)
    return net.out(np.take_along_axis(in_rows(x), where, 1).reshape(len(x), *two(out), x.shape[3]))


def maxpool_to_backward(dy, net):
    """dy is added to the gradient of the largest number of each window."""
    (N, H, W, C), where = net.take()
    dx = np.zeros((N, H * W, C), dy.dtype)
    np.add.at(dx, (np.arange(N)[:, None, None], where, np.arange(C)), in_rows(dy))
    return dx.reshape(N, H, W, C)


def gmp(x, net):
    """Global max pooling: the largest number of each map, (N, H, W, C) → (N, 1, 1, C)."""
    return maxpool_to(x, net, 1)


gmp_backward = maxpool_to_backward


def unpool_to(x, net, before):
    """Each number goes where `maxpool_to` found the largest in `before`; else 0."""
    y, where = np.zeros(before.shape, x.dtype), largest(before, x.shape[1:3])
    np.put_along_axis(in_rows(y), where, in_rows(x), 1)
    net.keep(x.shape, where)
    return net.out(y)


def unpool_to_backward(dy, net):
    """dL/dx is what dy has at the places where x was put."""
    shape, where = net.take()
    return np.take_along_axis(in_rows(dy), where, 1).reshape(shape)


def blurring(size, F, S, before, behind, dtype):
    """Row i holds the shares of the old positions in new position i: a row of Pascal's
    triangle over its sum."""
    shares = np.ones(1)
    for _ in range(F - 1):
        shares = np.convolve(shares, (0.5, 0.5))
    count = (size + before + behind - F) // S + 1
    wide = np.zeros((count, before + size + behind), dtype)
    for i in range(count):
        wide[i, i * S : i * S + F] = shares
    return wide[:, before : before + size]


def blur(x, net, F, S=1, P=0):
    """Each map through a fixed binomial filter: y = A·x·Bᵀ with the shares of rows and
    columns. Nothing to train."""
    rows, columns = zip(x.shape[1:3], two(F), two(S), ends(P), strict=True)
    A, B = (blurring(N, f, s, *zeros, x.dtype) for N, f, s, zeros in (rows, columns))
    net.keep(A, B)
    return net.out(across(x, A, B))


blur_backward = across_backward
