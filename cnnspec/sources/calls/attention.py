"""Attention, as one op or written out with two products and a softmax."""

from __future__ import annotations

from math import isclose, prod

from cnnspec.ops.attention import Attention
from cnnspec.ops.reshape import Reshape
from cnnspec.ops.scale import Times
from cnnspec.sources.calls.layout import (
    Dim,
    Dims,
    atoms_of,
    full,
    only,
    size_of,
    sizes_of,
    viewed,
    whole,
)
from cnnspec.sources.calls.reader import Cannot, Item, Laid, Reader, Scores, number
from cnnspec.sources.calls.rules import Given, reads


@reads("scaled_dot_product_attention")
def attention(reader: Reader, a: Given) -> Item:
    """scaled_dot_product_attention(query, key, value, attn_mask, dropout_p, is_causal, scale)."""
    if a.get("attn_mask") is not None or a.get("is_causal"):
        raise Cannot("attention with a mask")
    q, k, v = (reader.laid(a[name]) for name in ("query", "key", "value"))
    depth = size_of(q.dims[-1])
    factor = a.get("scale") or depth**-0.5
    return _attended(reader, Scores(q, k, factor, softmax=True), v)


@reads("bmm", "__matmul__")
def product(reader: Reader, a: Given) -> Item:
    """Queries and keys give scores, scores and values the output of attention."""
    one, other = a.get("self"), a.get("other", a.get("mat2"))
    if isinstance(one, Scores):
        if one.turned or not one.softmax:
            raise Cannot("a product of scores without a softmax along the keys")
        return _attended(reader, one, reader.laid(other))
    if isinstance(other, Scores):
        if not other.turned or not other.softmax:
            raise Cannot("a product of scores without a softmax along the keys")
        value = reader.laid(one)
        made = _attended(reader, other, value._replace(dims=_swapped(value.dims)))
        return made._replace(dims=_swapped(made.dims))
    first, second = reader.laid(one), reader.laid(other)
    if len(first.dims) != len(second.dims) or len(first.dims) < 3:
        raise Cannot("a product of matrices that is no attention")
    turned = second._replace(dims=_swapped(second.dims))
    if size_of(turned.dims[-2]) == 1 and size_of(first.dims[-1]) > 1:
        return _weighted_sum(reader, first, turned)
    return Scores(first, turned)


def _weighted_sum(reader: Reader, x: Laid, weights: Laid) -> Item:
    """A product with a single column: numbers times weights, summed (global context)."""
    from cnnspec.sources.calls.arithmetic import multiplied
    from cnnspec.sources.calls.pools import summed

    return summed(reader, multiplied(reader, {"self": x, "other": weights}), len(x.dims) - 1)


def _swapped(dims: Dims) -> Dims:
    return (*dims[:-2], dims[-1], dims[-2])


def _attended(reader: Reader, scores: Scores, v: Laid) -> Laid:
    """The layer, of queries, keys and values with dimensions N, heads, positions, channels of a head."""
    q, k = scores.q, scores.k
    heads = prod(sizes_of(q.dims[1:-2]))
    depth = size_of(q.dims[-1])
    values = [_by_heads(reader, laid) for laid in (q, k, v)]
    plain = isclose(scores.factor, depth**-0.5, rel_tol=1e-9)
    if not plain and scores.factor != 1:
        values[0] = reader.add(Times(factor=number(scores.factor)), values[0])
    # keys and values must have the same positions; those of the queries may be others
    shapes = [reader.shape(value) for value in values]
    if shapes[1][1:] != shapes[2][1:]:
        for place in (1, 2):
            C, *sizes = reader.shape(values[place])
            if len(sizes) > 1:
                values[place] = reader.add(Reshape(shape=(C, prod(sizes))), values[place])
    value = reader.add(Attention(heads=heads, unscaled=not plain), *values)
    shape = reader.shape(value)
    positions: Dim = atoms_of(full(axis, size) for axis, size in enumerate(shape) if axis)
    parts = (*sizes_of(q.dims[1:-2]), shape[0] // heads)
    channels = viewed((full(0, shape[0]),), parts)
    assert channels is not None
    batch = whole(shape, reader.trace.batch)[:1]
    return Laid(value, (*batch, *channels[:-1], positions, channels[-1]))


def _by_heads(reader: Reader, laid: Laid) -> int:
    """A value whose channels are heads by channels of a head, and whose positions are positions."""
    *before, positions, depth = laid.dims
    shape = reader.shape(laid.value)
    channels = atoms_of([*before[1:], depth])
    axes = range(1, len(shape))
    in_axes = atoms_of(full(axis, shape[axis]) for axis in axes)
    if (
        len(shape) > 1
        and channels == full(0, shape[0])
        and only([positions], axes, shape)
        and positions == in_axes
    ):
        return laid.value
    return reader.settled(laid, (before[0], channels, positions))
