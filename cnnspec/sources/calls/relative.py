"""Scores of attention that depend on where the positions are: what is added to them is read back to a table,
or to products of the queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isclose, prod
from typing import NamedTuple

from cnnspec.ops.attention import AXES
from cnnspec.sources.calls.items import Affine, Cannot, Kept, Laid, Offsets, Scores, Unknown
from cnnspec.sources.calls.layout import atoms_of, full, heads_apart, size_of, sizes_of
from cnnspec.sources.calls.moved import Moved, NotMoved, grid, lying
from cnnspec.sources.calls.reader import Reader
from cnnspec.sources.calls.trace import Held, Tensor
from cnnspec.sources.layers import Rearranged

NO_TABLE = "numbers that are no table of relative positions are added to the scores of attention"
A_DISTANCE = (
    "what is added to the scores of attention has the same number for several offsets (by distances); in the "
    "language's tables each offset has its own"
)


def with_offsets(reader: Reader, scores: Scores, argument: object) -> Scores:
    """Scores to which a tensor of the trace is added."""
    if scores.softmax or scores.offsets is not None:
        return scores._replace(wrong=NO_TABLE)
    try:
        return scores._replace(offsets=offsets_of(reader, argument, scores))
    except Unknown:
        raise
    except Cannot as error:
        return scores._replace(wrong=str(error))


def scaled_scores(scores: Scores, factor: float) -> Scores:
    """Scores times a number, with what was added to them."""
    offsets = scores.offsets
    if offsets is not None and offsets.kind == "table":
        offsets = offsets._replace(ratio=offsets.ratio * factor)
    return scores._replace(factor=scores.factor * factor, offsets=offsets)


def offsets_of(reader: Reader, argument: object, scores: Scores) -> Offsets:
    """What a tensor that is added to scores is."""
    q = scores.k if scores.turned else scores.q
    q = q._replace(dims=heads_apart(q.dims))
    if not isinstance(argument, Tensor):
        raise Cannot(NO_TABLE)
    try:
        terms = reader.moves.terms(argument.number)
    except NotMoved:
        raise Cannot(NO_TABLE) from None
    shape = reader.shape(q.value)
    sizes, axes = shape[1:], range(1, len(shape))
    mapped = bool(sizes) and q.dims[-2] == atoms_of(map(full, axes, sizes))
    heads = prod(sizes_of(q.dims[1:-2]))
    held = [reader.moves.held(term.source) for term in terms]
    if len(terms) == 1 and held[0] is not None:
        count = size_of(q.dims[-2])
        maps: list[tuple[int, ...]] = [sizes, (count,)] if mapped else [(count,)]
        maps += [(n, count // n) for n in range(1, count + 1) if count % n == 0]
        return _table(reader, terms[0], held[0], heads, maps)
    if mapped and len(terms) == len(sizes) and not any(held):
        return _of_queries(reader, terms, q, heads, scores)
    raise Cannot(NO_TABLE)


def _offsets(sizes: Sequence[int]) -> list[int]:
    """For each position and each other one, the number of the offset: what the tables are laid out by."""
    counts = [2 * size - 1 for size in sizes]
    steps = [prod(counts[axis + 1 :]) for axis in range(len(counts))]
    places = grid([[step * n for n in range(size)] for step, size in zip(steps, sizes, strict=True)])
    middle = sum(step * (size - 1) for step, size in zip(steps, sizes, strict=True))
    return [middle + to - place for place in places for to in places]


def _table(reader: Reader, term: Moved, held: Held, heads: int, maps: Sequence[Sequence[int]]) -> Offsets:
    """(heads, N, N) numbers of (heads, 2H − 1, 2W − 1); maps: the sizes that the map can have."""
    count = prod(maps[0]) ** 2
    if held.kind != "weight":
        raise Cannot("a mask, or numbers that are constants, are added to the scores of attention")
    if len(term.at) != heads * count:
        raise Cannot("one table of relative positions is added to the scores of all windows, or of all heads")
    for sizes in maps:
        shape = (heads, *(2 * size - 1 for size in sizes))
        if prod(shape) == prod(held.shape):
            offsets, each = _offsets(sizes), prod(shape[1:])
            places: dict[int, int] = {}
            for number, place in enumerate(term.at):
                offset = number // count * each + offsets[number % count]
                if places.setdefault(offset, place) != place:
                    break
            else:
                weights = {"table": _key(reader, held, places, shape)}
                return Offsets("table", weights, tuple(sizes), term.factor)
    raise Cannot(A_DISTANCE)


def _of_queries(reader: Reader, terms: Sequence[Moved], q: Laid, heads: int, scores: Scores) -> Offsets:
    """For each axis, products of the queries with 2n − 1 vectors, one for each offset along it."""
    shape = reader.shape(q.value)
    sizes, weights, factors = shape[1:], {}, []
    for term in terms:
        product = _product(reader, term, q, heads)
        for axis, size in enumerate(sizes):
            name = f"relative_{AXES[-len(sizes) :][axis]}"
            if name not in weights and (places := _along(product, sizes, axis)) is not None:
                depth = shape[0] // heads
                rows = {
                    row * depth + n: product.rows[place] * depth + n
                    for row, place in places.items()
                    for n in range(depth)
                }
                weights[name] = _key(reader, product.held, rows, (2 * size - 1, depth))
                break
        else:
            raise Cannot("products of the queries are added to the scores of attention, not by offsets")
        factors.append(product.factor)
    if not all(isclose(factor, factors[0], rel_tol=1e-9) for factor in factors) or not scores.factor:
        raise Cannot("products of the queries with other factors along each axis")
    return Offsets("query", dict(sorted(weights.items())), sizes, factors[0] / scores.factor)


class _Product(NamedTuple):
    """A product of the queries with the rows of a weight, moved. at: for a position of the queries in each
    head and a position of the keys, the row. rows: of the weight, by their numbers in the product."""

    held: Held
    at: Sequence[int]
    rows: Sequence[int]
    factor: float


def _product(reader: Reader, term: Moved, q: Laid, heads: int) -> _Product:
    call, _ = reader.moves.made.get(term.source, (None, 0))
    if call is None or call.op not in ("matmul", "bmm", "linear"):
        raise Cannot(NO_TABLE)
    first, second = (reader.item(argument) for argument in list(call.arguments.values())[:2])
    factor = term.factor
    if isinstance(first, Affine) and len(set(first.factor)) == 1 and not any(first.shift):
        factor *= first.factor[0]
        first = first.of
    if not isinstance(first, Laid) or not isinstance(second, Kept) or second.held.kind != "weight":
        raise Cannot(NO_TABLE)
    shape, depth = reader.shape(q.value), sizes_of(q.dims)[-1]
    if first.value != q.value or first.dims[-1] != q.dims[-1] or len(second.held.shape) != 2:
        raise Cannot("products of other tensors than the queries are added to the scores of attention")
    turned = call.op == "linear"
    rows = lying(second.dims if turned else second.dims[::-1], second.held.shape, 1)
    if rows != sorted(rows) or len(rows) != prod(second.held.shape):
        raise Cannot("the vectors of relative positions are rearranged")
    batch = reader.trace.batch
    canonical = lying(first.dims[:-1], (heads, *shape[1:]), batch)
    expected = lying((q.dims[0], *q.dims[1:-2], q.dims[-2]), (heads, *shape[1:]), batch)
    count, each = len(rows) // depth, prod(shape[1:])
    if len(term.at) != len(expected) * each:
        raise Cannot(NO_TABLE)
    at = []
    for number, place in enumerate(expected):
        for one in term.at[number * each : (number + 1) * each]:
            if one < 0 or canonical[one // count] != place:
                raise Cannot(NO_TABLE)
            at.append(one % count)
    return _Product(second.held, at, range(count), factor)


def _along(product: _Product, sizes: Sequence[int], axis: int) -> dict[int, int] | None:
    """The row of each offset along an axis, if it is that alone that decides."""
    inner = prod(sizes[axis + 1 :])
    size = sizes[axis]
    total = prod(sizes)
    positions = [place // inner % size for place in range(total)]
    offsets = [to - place + size - 1 for place in positions for to in positions]
    rows: dict[int, int] = {}
    for number in range(0, len(product.at), len(offsets)):
        for offset, row in zip(offsets, product.at[number : number + len(offsets)], strict=True):
            if rows.setdefault(offset, row) != row:
                return None
    return rows


def _key(reader: Reader, held: Held, places: Mapping[int, int], shape: tuple[int, ...]) -> str:
    """The key of a weight whose numbers are these of another one: moved by a permutation of axes that may run
    backwards."""
    if len(places) != prod(held.shape) or len(places) != prod(shape) or min(places.values()) < 0:
        raise Cannot(A_DISTANCE)
    inner = [prod(shape[axis + 1 :]) for axis in range(len(shape))]
    steps = [places[step] - places[0] if size > 1 else 0 for step, size in zip(inner, shape, strict=True)]
    expected = grid([[step * n for n in range(size)] for step, size in zip(steps, shape, strict=True)])
    if any(places[number] != places[0] + one for number, one in enumerate(expected)):
        raise Cannot(A_DISTANCE)
    by_size = sorted(range(len(shape)), key=lambda axis: -abs(steps[axis]) if steps[axis] else 0)
    sizes = tuple(shape[axis] for axis in by_size)
    order = tuple(by_size.index(axis) for axis in range(len(shape)))
    reversed_ = tuple(axis for axis, step in enumerate(steps) if step < 0)
    if not reversed_ and order == tuple(range(len(shape))) and _bare(held.shape) == _bare(shape):
        return held.key
    return reader.key(Rearranged(held.key, sizes, order, reversed_))


def _bare(shape: Sequence[int]) -> list[int]:
    return [size for size in shape if size > 1]
