"""Attention, as one call, or as two products and a softmax."""

from __future__ import annotations

from math import isclose, prod

from cnnspec.ops.attention import Attention
from cnnspec.ops.merge import Concat
from cnnspec.ops.reshape import Reshape
from cnnspec.ops.scale import Times
from cnnspec.sources.calls.items import Affine, Cannot, Item, Kept, Laid, Linear, Scores, WithOnes, number
from cnnspec.sources.calls.layout import (
    REPEATED,
    Dim,
    atoms_of,
    full,
    heads_apart,
    only,
    permuted,
    size_of,
    sizes_of,
    swapped,
    viewed,
    whole,
)
from cnnspec.sources.calls.linear_attention import products_of, without_relu
from cnnspec.sources.calls.reader import Reader
from cnnspec.sources.calls.relative import with_offsets
from cnnspec.sources.calls.rules import Arguments, reads


@reads("scaled_dot_product_attention")
def attention(reader: Reader, a: Arguments) -> Item:
    """scaled_dot_product_attention(query, key, value, attn_mask, dropout_p, is_causal, scale)."""
    if a.get("is_causal"):
        raise Cannot("attention with a mask")
    q, k, v = (reader.laid(a[name]) for name in ("query", "key", "value"))
    depth = size_of(q.dims[-1])
    factor = a.get("scale") or depth**-0.5
    scores = Scores(q, k, factor)
    if a.get("attn_mask") is not None:
        assert reader.call is not None
        scores = with_offsets(reader, scores, reader.call.arguments["attn_mask"])
    return _attended(reader, scores, v)


@reads("bmm", "__matmul__")
def product(reader: Reader, a: Arguments) -> Item:
    """A product of matrices: queries and keys give scores, scores and values the output of attention."""
    one, other = a.get("self"), a.get("other", a.get("mat2"))
    if isinstance(one, Scores):
        if one.turned or not one.softmax:
            raise Cannot("a product of scores without a softmax along the keys")
        return _attended(reader, one, reader.laid(other))
    if isinstance(other, Scores):
        if linear := products_of(reader.laid(one), other):
            return linear
        if not other.turned or not other.softmax:
            raise Cannot("a product of scores without a softmax along the keys")
        value = reader.laid(one)
        attended = _attended(reader, other, value._replace(dims=swapped(value.dims)))
        return attended._replace(dims=swapped(attended.dims))
    if isinstance(other, Kept) and len(other.dims) == 2:
        from cnnspec.sources.calls.convolutions import times_matrix

        return times_matrix(reader, one, other)
    ones = isinstance(other, WithOnes)
    (one, factor), (other, times) = _factor(one), _factor(other)
    first, second = reader.laid(one), other.of if isinstance(other, WithOnes) else reader.laid(other)
    if len(first.dims) != len(second.dims) or len(first.dims) < 3:
        raise Cannot("a product of matrices that is no attention")
    turned = second._replace(dims=swapped(second.dims))
    if not ones and size_of(turned.dims[-2]) == 1 and size_of(first.dims[-1]) > 1:
        from cnnspec.sources.calls.arithmetic import multiplied

        total = _weighted_sum(reader, first, turned)
        return multiplied(reader, {"self": total, "other": factor * times}) if factor * times != 1 else total
    return Scores(first, turned, factor * times, ones=ones)


def _factor(item: Item) -> tuple[Item, float]:
    """A tensor, and the number that it was multiplied by."""
    plain = isinstance(item, Affine) and len(item.factor) == 1 and not any(item.shift) and not item.clamped
    return (item.of, item.factor[0]) if isinstance(item, Affine) and plain else (item, 1.0)


@reads("einsum")
def named_product(reader: Reader, a: Arguments) -> Item:
    """einsum(equation, tensors): a product of matrices whose dimensions are named by letters."""
    left, _, out = str(a["equation"]).replace(" ", "").partition("->")
    letters, items = left.split(","), a["tensors"]
    if (
        len(letters) != 2
        or "." in left
        or not out
        or any(len({*letter}) != len(letter) for letter in (*letters, out))
    ):
        raise Cannot("a product that is none of two matrices")
    first, second = letters
    over = "".join(one for one in first if one in second and one not in out)
    both = "".join(one for one in first if one in second and one in out)
    rows, columns = ("".join(one for one in letter_run if one not in over + both) for letter_run in letters)
    if isinstance(items[1], Kept) and len(over) == 1 and second == columns + over and not both:
        from cnnspec.sources.calls.convolutions import linear

        rows_last = _with_letters(reader, items[0], first, rows + over)
        result = linear(reader, {"input": rows_last, "weight": items[1], "bias": None})
        return _with_letters(reader, result, rows + columns, out)
    if not len(over) == len(rows) == len(columns) == 1:
        raise Cannot("a product that is none of two matrices")
    result = product(
        reader,
        {
            "self": _with_letters(reader, items[0], first, both + rows + over),
            "other": _with_letters(reader, items[1], second, both + over + columns),
        },
    )
    return _with_letters(reader, result, both + rows + columns, out)


def _with_letters(reader: Reader, item: Item, letters: str, order: str) -> Item:
    """A tensor with its dimensions in another order, given by letters."""
    if letters == order:
        return item
    if isinstance(item, Scores) and letters == order[:-2] + order[:-3:-1]:
        return item._replace(turned=not item.turned)
    if sorted(letters) != sorted(order):
        raise Cannot("a product that is none of two matrices")
    laid = reader.laid(item)
    return laid._replace(dims=permuted(laid.dims, [letters.index(one) for one in order]))


def _weighted_sum(reader: Reader, x: Laid, weights: Laid) -> Item:
    """A product with a single column: the weighted sum of the numbers (global context)."""
    from cnnspec.sources.calls.arithmetic import multiplied
    from cnnspec.sources.calls.pools import summed

    return summed(reader, multiplied(reader, {"self": x, "other": weights}), len(x.dims) - 1)


def _attended(reader: Reader, scores: Scores, v: Laid) -> Laid:
    """The attention layer, from queries, keys and values with the dimensions N, heads, positions, channels of
    a head."""
    if scores.wrong:
        raise Cannot(scores.wrong)
    merged, offsets = heads_apart(v.dims) != v.dims, scores.offsets
    q, k, v = (one._replace(dims=heads_apart(one.dims)) for one in (scores.q, scores.k, v))
    heads = prod(sizes_of(q.dims[1:-2]))
    depth = size_of(q.dims[-1])
    values = [_by_heads(reader, q), *(_for_heads(reader, laid, heads) for laid in (k, v))]
    ratio = offsets.ratio if offsets is not None and offsets.kind == "query" else 1.0
    if offsets is not None and offsets.kind == "table" and not isclose(offsets.ratio, 1, rel_tol=1e-9):
        raise Cannot("the table of relative positions is multiplied by a number")
    factors = (scores.factor * ratio, 1 / ratio)
    plain = isclose(scores.factor, depth**-0.5, rel_tol=1e-9) and isclose(ratio, 1, rel_tol=1e-9)
    for place, factor in enumerate(() if plain else factors):
        if not isclose(factor, 1, rel_tol=1e-9):
            values[place] = reader.add(Times(factor=number(factor)), values[place])
    # keys and values must have the same positions; queries may have other ones
    shapes = [reader.shape(value) for value in values]
    if offsets is not None:
        values = [_sized(reader, value, offsets.sizes) for value in values]
    elif shapes[1][1:] != shapes[2][1:]:
        values[1:] = [_sized(reader, value, (prod(reader.shape(value)[1:]),)) for value in values[1:]]
    relative, weights = (offsets.kind, offsets.weights) if offsets is not None else (None, {})
    op = Attention(heads=heads, unscaled=not plain, relative=relative)
    result = _laid_out(reader, reader.add(op, *values, weights=weights), q, heads)
    return result._replace(dims=(atoms_of(result.dims[:2]), *result.dims[2:])) if merged else result


def _sized(reader: Reader, value: int, sizes: tuple[int, ...]) -> int:
    C, *before = reader.shape(value)
    return value if tuple(before) == sizes else reader.add(Reshape(shape=(C, *sizes)), value)


def linear(reader: Reader, item: Linear, eps: float) -> Laid:
    """Attention with relu(q) and relu(k) in place of the softmax."""
    q, k = (without_relu(reader, laid) for laid in (item.q, item.k))
    heads = prod(sizes_of(q.dims[1:-2]))
    values = [_by_heads(reader, laid) for laid in (q, k, item.v)]
    value = reader.add(Attention(heads=heads, softmax=False, eps=number(eps)), *values)
    return _laid_out(reader, value, q, heads)


def _laid_out(reader: Reader, value: int, q: Laid, heads: int) -> Laid:
    """The output with the dimensions N, heads, positions, channels of a head."""
    shape = reader.shape(value)
    positions: Dim = atoms_of(full(axis, size) for axis, size in enumerate(shape) if axis)
    parts = (*sizes_of(q.dims[1:-2]), shape[0] // heads)
    channels = viewed((full(0, shape[0]),), parts)
    assert channels is not None
    batch = whole(shape, reader.trace.batch)[:1]
    return Laid(value, (*batch, *channels[:-1], positions, channels[-1]))


def _for_heads(reader: Reader, laid: Laid, heads: int) -> int:
    """The keys or values; where all heads have the same, these are stacked once for each head."""
    count = len(laid.dims)
    shared = atoms_of(laid.dims[1:-2])
    if any(atom.axis != REPEATED for atom in shared) or heads == 1:
        return _by_heads(reader, laid)
    laid = laid._replace(dims=(laid.dims[0], *((),) * (count - 3), *laid.dims[-2:]))
    return reader.add(Concat(), *[_by_heads(reader, laid)] * heads)


def _by_heads(reader: Reader, laid: Laid) -> int:
    """A value whose channels are heads times channels of a head, and whose positions are the positions."""
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
