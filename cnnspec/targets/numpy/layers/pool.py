"""Pooling: windows over each map separately."""

import numpy as np

from cnnspec.targets.numpy.layers.net import constant, total
from cnnspec.targets.numpy.layers.windows import ends, padded, per_axis, spatial, taps, within


def places(size, F, S, P, D, ceil=False):
    """How many windows fit along each axis, ⌊(N + 2P − D(F − 1) − 1)/S⌋ + 1, and the
    padding that they need. `ceil` rounds up if the last window starts before the end of
    the map."""
    counts, needed = [], []
    for N, f, s, (before, after), d in zip(size, F, S, P, D, strict=True):
        reach = d * (f - 1) + 1
        room = N + before + after - reach
        count = room // s + 1
        if ceil and room % s and count * s < N + before:
            count += 1
        counts.append(count)
        needed.append((before, max(after, (count - 1) * s + reach - N - before)))
    return tuple(counts), tuple(needed)


def over_windows(combine, x, F, S, D, size):
    """np.add or np.maximum over each window, along one axis after the other."""
    for axis, (f, s, d, n) in enumerate(zip(F, S, D, size, strict=True), 1):
        before = [slice(None)] * axis
        starts = range(0, d * f, d)
        first, *others = [x[*before, i : i + s * (n - 1) + 1 : s] for i in starts]
        x = first if not others else combine(first, others[0])
        for other in others[1:]:
            combine(x, other, out=x)
    return x


def maxpool(x, net, F, S=None, P=0, D=1, ceil=False):
    """The largest number of each window; the padding is −∞:

    y[i, j] = max_(f, g) x[S·i + D·f − P, S·j + D·g − P]
    H' = ⌊(H + 2P − D(F − 1) − 1)/S⌋ + 1
    """
    F, S, D = per_axis(x, F, S or F, D)
    size, P = places(x.shape[1:-1], F, S, ends(x, P), D, ceil)
    y = over_windows(np.maximum, padded(x, P, -np.inf), F, S, D, size)
    net.keep(x, y, F, S, P, D)
    return net.out(y)


def winners(x, y, F, S, D):
    """For each tap of a max pooling: the numbers that it reads, and the windows in which this is the largest
    number (of several equal ones the first, row by row)."""
    open_ = np.ones(y.shape, bool)
    for _, seen in taps(F, S, D, y.shape[1:-1]):
        wins = (x[seen] == y) & open_
        open_ &= ~wins
        yield seen, wins


def maxpool_backward(dy, net):
    """dy is the gradient of the largest number of the window; that of the others is 0."""
    x, y, F, S, P, D = net.take()
    wide = padded(x, P, -np.inf)
    dx = np.zeros(wide.shape, dy.dtype)
    for seen, wins in winners(wide, y, F, S, D):
        dx[seen] += dy * wins
    return within(dx, P, x.shape[1:-1])


def unpool(x, net, before, F, S=None, P=0, D=1, ceil=False):
    """Each number goes where a max pooling found the largest in `before`; else 0."""
    F, S, D = per_axis(x, F, S or F, D)
    size, P = places(before.shape[1:-1], F, S, ends(x, P), D, ceil)
    wide = padded(before, P, -np.inf)
    after = over_windows(np.maximum, wide, F, S, D, size)
    y = np.zeros(wide.shape, x.dtype)
    for seen, wins in reversed(list(winners(wide, after, F, S, D))):
        y[seen][wins] = x[wins]  # of two windows with one maximum, the later one's number stays
    net.keep(wide, after, F, S, P, D)
    return net.out(within(y, P, before.shape[1:-1]))


def unpool_backward(dy, net):
    """dL/dx is what dy has at the places where x was put."""
    wide, after, F, S, P, D = net.take()
    dwide = padded(dy, P)
    dx = np.zeros(after.shape, dy.dtype)
    for seen, wins in winners(wide, after, F, S, D):
        dx += dwide[seen] * wins
    return dx


def avgpool(x, net, F, S=None, P=0):
    """The mean of each window; zeros of the padding count:

    y[i, j] = Σ_(f, g) x[S·i + f − P, S·j + g − P]/(F·F)
    H' = ⌊(H + 2P − F)/S⌋ + 1
    """
    F, S, D = per_axis(x, F, S or F, 1)
    size, P = places(x.shape[1:-1], F, S, ends(x, P), D)
    net.keep(x.shape[1:-1], F, S, P)
    return net.out(over_windows(np.add, padded(x, P), F, S, D, size) / int(np.prod(F)))


def avgpool_backward(dy, net):
    """dy/(F·F) goes back to all of the window: the share that each number had in y."""
    size, F, S, P = net.take()
    return back_to_windows(dy / int(np.prod(F)), size, F, S, P)


def back_to_windows(dy, size, F, S, P):
    """dy of each window's sum, added to all the numbers of the window."""
    wide = [before + N + after for (before, after), N in zip(P, size, strict=True)]
    dwide = np.zeros((len(dy), *wide, dy.shape[-1]), dy.dtype)
    for _, seen in taps(F, S, *per_axis(dy, 1), dy.shape[1:-1]):
        dwide[seen] += dy
    return within(dwide, P, size)


def avgpool_counted(x, net, F, S=None, P=0, ceil=False, exclude_pad=False):
    """The mean of each window over the numbers that count: positions beyond the padding (`ceil`) do not
    count, the padding counts unless `exclude_pad` is set."""
    (F, S, D), borders = per_axis(x, F, S or F, 1), ends(x, P)
    size, P = places(x.shape[1:-1], F, S, borders, D, ceil)
    count = np.ones((), x.dtype)
    for N, f, s, n, (before, after) in zip(x.shape[1:-1], F, S, size, borders, strict=True):
        first = np.arange(n) * s - before
        low, high = (0, N) if exclude_pad else (-before, N + after)
        here = np.minimum(first + f, high) - np.maximum(first, low)
        count = np.multiply.outer(count, here.astype(x.dtype))
    count = count[..., None]
    net.keep(x.shape[1:-1], F, S, P, count)
    return net.out(over_windows(np.add, padded(x, P), F, S, D, size) / count)


def avgpool_counted_backward(dy, net):
    """dy/count goes back to all of the window."""
    size, F, S, P, count = net.take()
    return back_to_windows(dy / count, size, F, S, P)


def subsample(x, net, F, S=None):
    """LeNet-5's pooling: y[c] = w[c]·Σ(window of map c) + b[c], at first their mean."""
    (F, S, D), C = per_axis(x, F, S or F, 1), x.shape[-1]
    size, P = places(x.shape[1:-1], F, S, ends(x, 0), D)
    weight = net.weight("weight", (C,), constant(1 / np.prod(F)))
    sums = over_windows(np.add, x, F, S, D, size)
    net.keep(x.shape[1:-1], weight, sums, F, S, P)
    return net.out(sums * weight + net.weight("bias", (C,), constant(0)))


def subsample_backward(dy, net):
    """dL/dw = Σ dy·(the window's sum), dL/db = Σ dy, dx = dy·w in all of the window."""
    size, weight, sums, F, S, P = net.take()
    net.gradient("weight", total(dy * sums))
    net.gradient("bias", total(dy))
    return back_to_windows(dy * weight, size, F, S, P)


def gap(x, net):
    """Global average pooling: the mean of each map, (N, H, W, C) → (N, 1, 1, C)."""
    net.keep(x.shape)
    return net.out(x.mean(spatial(x), keepdims=True))


def gap_backward(dy, net):
    """Each of the H·W numbers has its share in the mean: dx = dy/(H·W)."""
    (shape,) = net.take()
    return np.broadcast_to(dy / int(np.prod(shape[1:-1])), shape)


def cmean(x, net):
    """The mean over the channels at each position: one map."""
    net.keep(x.shape)
    return net.out(x.mean(-1, keepdims=True))


def cmean_backward(dy, net):
    """Each channel has its share in the mean: dx = dy/C."""
    (shape,) = net.take()
    return np.broadcast_to(dy / shape[-1], shape)


def cmax(x, net):
    """The largest number over the channels at each position: one map."""
    where = x.argmax(-1)[..., None]
    net.keep(x.shape, where)
    return net.out(np.take_along_axis(x, where, -1))


def cmax_backward(dy, net):
    """dy is the gradient of the largest number; that of the others is 0."""
    shape, where = net.take()
    dx = np.zeros(shape, dy.dtype)
    np.put_along_axis(dx, where, dy, -1)
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
    sizes = zip(per_axis(x, out)[0], x.shape[1:-1], strict=True)
    matrices = [shares(n, N).astype(x.dtype) for n, N in sizes]
    net.keep(*matrices)
    return net.out(across(x, *matrices))


def across(x, *matrices):
    """A matrix for each axis of the maps, A·x·Bᵀ for images:

    y[i, j] = Σ_(h, w) A[i, h]·B[j, w]·x[h, w]
    """
    for axis, A in enumerate(matrices, 1):
        before, N, after = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
        rows = x.reshape(*before, N, int(np.prod(after)))
        x = (A @ rows).reshape(*before, len(A), *after)
    return x


def across_backward(dy, net):
    """y = A·x·Bᵀ, so dx = Aᵀ·dy·B."""
    return across(dy, *(A.T for A in net.take()))


avgpool_to_backward = across_backward


def largest(x, out):
    """Where the largest number of each window of an adaptive pooling is, as a position
    among its map's H·W numbers: (N, h·w, C). Of h windows, window i has the rows from
    ⌊i·H/h⌋ up to ⌈(i + 1)·H/h⌉."""
    (N, *size, C), (out,) = x.shape, per_axis(x, out)
    position = np.arange(np.prod(size)).reshape(size)
    where = np.empty((N, np.prod(out), C), int)
    for number, place in enumerate(np.ndindex(out)):
        sizes = zip(place, size, out, strict=True)
        window = [slice(i * H // h, -(-(i + 1) * H // h)) for i, H, h in sizes]
        inside, seen = position[*window].ravel(), x[:, *window]
        where[:, number] = inside[seen.reshape(N, len(inside), C).argmax(1)]
    return where


def in_rows(x):
    """The positions of the maps one after another: (N, H·W, C)."""
    return x.reshape(len(x), int(np.prod(x.shape[1:-1])), x.shape[-1])


def maxpool_to(x, net, out):
    """The largest number of each of out·out windows."""
    where = largest(x, out)
    net.keep(x.shape, where)
    return net.out(
        np.take_along_axis(in_rows(x), where, 1).reshape(len(x), *per_axis(x, out)[0], x.shape[-1])
    )


def maxpool_to_backward(dy, net):
    """dy is added to the gradient of the largest number of each window."""
    shape, where = net.take()
    dx = np.zeros(shape, dy.dtype)
    images, channels = np.arange(len(dx))[:, None, None], np.arange(dx.shape[-1])
    np.add.at(in_rows(dx), (images, where, channels), in_rows(dy))
    return dx


def gmp(x, net):
    """Global max pooling: the largest number of each map, (N, H, W, C) → (N, 1, 1, C)."""
    return maxpool_to(x, net, 1)


gmp_backward = maxpool_to_backward


def unpool_to(x, net, before):
    """Each number goes where `maxpool_to` found the largest in `before`; else 0."""
    y, where = np.zeros(before.shape, x.dtype), largest(before, x.shape[1:-1])
    np.put_along_axis(in_rows(y), where, in_rows(x), 1)
    net.keep(x.shape, where)
    return net.out(y)


def unpool_to_backward(dy, net):
    """dL/dx is what dy has at the places where x was put."""
    shape, where = net.take()
    return np.take_along_axis(in_rows(dy), where, 1).reshape(shape)


def blurring(size, F, S, before, after, dtype):
    """Row i holds the shares of the old positions in new position i: a row of Pascal's
    triangle over its sum."""
    shares = np.ones(1)
    for _ in range(F - 1):
        shares = np.convolve(shares, (0.5, 0.5))
    count = (size + before + after - F) // S + 1
    wide = np.zeros((count, before + size + after), dtype)
    for i in range(count):
        wide[i, i * S : i * S + F] = shares
    return wide[:, before : before + size]


def blur(x, net, F, S=1, P=0):
    """Filters each map with a fixed binomial filter: y = A·x·Bᵀ with the shares of rows and
    columns. It has no weights."""
    sizes = zip(x.shape[1:-1], *per_axis(x, F, S), ends(x, P), strict=True)
    matrices = [blurring(N, f, s, *zeros, x.dtype) for N, f, s, zeros in sizes]
    net.keep(*matrices)
    return net.out(across(x, *matrices))


blur_backward = across_backward
