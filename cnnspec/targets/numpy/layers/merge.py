"""Merges of branches."""

import numpy as np

from cnnspec.targets.numpy.layers.net import constant


def add(net, *xs):
    """The sum of the branches, number by number."""
    net.keep(len(xs))
    y = xs[0]
    for x in xs[1:]:
        y = y + x
    return net.out(y)


def add_backward(dy, net):
    """Each branch gets all of dy."""
    (count,) = net.take()
    return [dy] * count


def add_weighted(net, *xs, eps=1e-4):
    """Σ relu(wᵢ)·xᵢ / (Σ relu(wⱼ) + eps), with a trained w for each branch"""
    w = net.weight("weight", (len(xs),), constant(1.0))
    total = np.maximum(w, 0).sum() + eps
    shares = np.maximum(w, 0) / total
    y = sum(share * x for share, x in zip(shares, xs, strict=True))
    net.keep(xs, w, total, shares, y)
    return net.out(y)


def add_weighted_backward(dy, net):
    """Each branch gets its share of dy; dL/dwᵢ = Σ dy·(xᵢ − y)/(Σ relu(wⱼ) + eps) where wᵢ > 0."""
    xs, w, total, shares, y = net.take()
    net.gradient("weight", np.stack([(dy * (x - y)).sum() for x in xs]) / total * (w > 0))
    return [share * dy for share in shares]


def sub(net, *xs):
    """The first branch minus the others."""
    net.keep(len(xs))
    y = xs[0]
    for x in xs[1:]:
        y = y - x
    return net.out(y)


def sub_backward(dy, net):
    """The first branch gets dy, the others −dy."""
    (count,) = net.take()
    return [dy] + [-dy] * (count - 1)


def concat(net, *xs):
    """The maps of the branches, stacked along the channels."""
    net.keep(np.cumsum([x.shape[-1] for x in xs[:-1]]))
    return net.out(np.concatenate(xs, axis=-1))


def concat_backward(dy, net):
    """Each branch gets the part of dy that belongs to its maps."""
    (ends,) = net.take()
    return np.split(dy, ends, axis=-1)


def spread(x, rank):
    """A vector as maps of one number, (N, C) → (N, 1, 1, C)."""
    return x if x.ndim == rank else x.reshape(len(x), *[1] * (rank - 2), x.shape[-1])


def mul(net, *xs):
    """The product; vectors broadcast over all positions, one map over all channels."""
    rank = max(x.ndim for x in xs)
    factors = [spread(x, rank) for x in xs]
    y = factors[0]
    for factor in factors[1:]:
        y = y * factor
    net.keep(factors, [x.shape for x in xs])
    return net.out(y)


def mul_backward(dy, net):
    """Each branch gets dy times the others, summed where it was broadcast."""
    factors, shapes = net.take()
    found = []
    for here, shape in enumerate(shapes):
        d = dy
        for there, factor in enumerate(factors):
            if there != here:
                d = d * factor
        over = tuple(a for a in range(d.ndim) if factors[here].shape[a] < d.shape[a])
        found.append(d.sum(over, keepdims=True).reshape(shape))
    return found


def div(net, *xs):
    """The first branch divided by the others; they are broadcast as in mul."""
    rank = max(x.ndim for x in xs)
    parts = [spread(x, rank) for x in xs]
    y = parts[0]
    for part in parts[1:]:
        y = y / part
    net.keep(y, parts, [x.shape for x in xs])
    return net.out(y)


def div_backward(dy, net):
    """dL/dx₁ = dy/(x₂·x₃·…), dL/dxᵢ = −dy·y/xᵢ, summed over what was broadcast."""
    y, parts, shapes = net.take()
    d = dy
    for part in parts[1:]:
        d = d / part
    found = [d, *(-dy * y / part for part in parts[1:])]
    for here, (part, shape) in enumerate(zip(parts, shapes, strict=True)):
        over = tuple(a for a in range(dy.ndim) if part.shape[a] < dy.shape[a])
        found[here] = found[here].sum(over, keepdims=True).reshape(shape)
    return found


def maximum(net, *xs):
    """The largest of the branches, number by number."""
    y = xs[0]
    for x in xs[1:]:
        y = np.maximum(y, x)
    net.keep(xs)
    return net.out(y)


def maximum_backward(dy, net):
    """dy goes to the branch with the largest number, half to each of two equal ones."""
    (xs,) = net.take()
    found = []
    for number in range(len(xs) - 1, 0, -1):  # y = max(max(x1, x2), x3): the last one first
        before = xs[0]
        for x in xs[1:number]:
            before = np.maximum(before, x)
        share = (xs[number] > before) + 0.5 * (xs[number] == before)
        share = share.astype(dy.dtype)
        found.insert(0, dy * share)
        dy = dy * (1 - share)
    return [dy, *found]
