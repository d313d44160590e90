"""The layers that change the order of a tensor's numbers: reshapes, transposes, shuffles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from math import prod

from cnnspec.ops.base import Misfit, Op, Shape
from cnnspec.ops.dense import Flatten
from cnnspec.ops.resample import PixelShuffle, PixelUnshuffle, Shuffle, Upsample
from cnnspec.ops.reshape import Reshape, Transpose
from cnnspec.sources.calls.items import Cannot
from cnnspec.sources.calls.layout import (
    BATCH,
    REPEATED,
    Atom,
    Dim,
    Dims,
    atoms_of,
    full,
    in_order,
    joined,
    sizes_of,
)


def rearranged(shape: Shape, dims: Dims) -> list[Op]:
    """The layers, in order, that give a value of this shape the arrangement `dims`."""
    sizes = sizes_of(dims)
    if not 1 <= len(sizes) <= 4:
        dims = (dims[0], *dims[1:3], joined(chain.from_iterable(dims[3:]))) if len(sizes) > 4 else ((),)
        sizes = sizes_of(dims)
    if any(atom.axis == BATCH for atom in atoms_of(dims)):
        raise Cannot("images are split")
    if any(atom.axis == REPEATED for atom in atoms_of(dims)):
        return _repeated(shape, dims)
    ops = [] if in_order(dims) else _exchanged(shape, dims)
    if _after(shape, ops) != sizes:
        ops.append(Flatten() if len(sizes) == 1 else Reshape(shape=sizes))
    return ops


def _after(shape: Shape, ops: Iterable[Op]) -> Shape:
    """The shape after these layers."""
    for op in ops:
        out = op.out(shape)
        if isinstance(out, Misfit):
            raise Cannot(out.message)
        shape = out
    return shape


def _repeated(shape: Shape, dims: Dims) -> list[Op]:
    """torch's expand: the same numbers at each position."""
    dim_is = [any(atom.axis == REPEATED for atom in dim) for dim in dims]
    if dim_is[0] or any(len(dim) > 1 for dim, is_one in zip(dims, dim_is, strict=True) if is_one):
        return _repeated_in_a_row(shape, dims)
    small = rearranged(shape, tuple(() if is_one else dim for dim, is_one in zip(dims, dim_is, strict=True)))
    return [*small, Upsample(size_out=sizes_of(dims)[1:])]


def _repeated_in_a_row(shape: Shape, dims: Dims) -> list[Op]:
    """Numbers that are each repeated several times in a row: groups of channels."""
    atoms = [*chain.from_iterable(dims)]
    ends = [atom.axis == REPEATED for atom in atoms]
    if ends != sorted(ends):
        raise Cannot("repeated numbers are rearranged")
    small = rearranged(shape, (joined(atom for atom in atoms if atom.axis != REPEATED),))
    row = Reshape(shape=(*_after(shape, small), 1))
    times = prod(atom.size for atom in atoms if atom.axis == REPEATED)
    return [*small, row, Upsample(size_out=(times,)), Reshape(shape=sizes_of(dims))]


def _exchanged(shape: Shape, dims: Dims) -> list[Op]:
    """The layers that put the numbers in the order of these dimensions."""
    atoms = atoms_of(dims)
    for op in _exchanges(shape, sizes_of(dims), atoms):
        if _order_after(op, shape) == atoms:
            return [op]
    ways = (
        _with_effect(shape, ops) for ops in (*_by_windows(shape, dims), _by_transposing(sorted(atoms), atoms))
    )
    able = [ops for ops in ways if ops]
    if not able:
        raise Cannot("numbers are permuted in a way that takes many layers")
    return min(able, key=lambda ops: (len(ops) + (_after(shape, ops) != sizes_of(dims)), not _square(ops)))


def _square(ops: Iterable[Op]) -> bool:
    """Whether windows have one size, the same along all axes."""
    return all(len(set(getattr(op, "factor", (1,)))) == 1 for op in ops)


def _with_effect(shape: Shape, ops: Iterable[Op] | None) -> list[Op]:
    """The layers without reshapes to the same shape."""
    left: list[Op] = []
    for op in ops or ():
        if not isinstance(op, Reshape) or op.shape != _after(shape, left):
            left.append(op)
    return left


def _by_windows(shape: Shape, dims: Dims) -> Iterable[list[Op] | None]:
    """A map put together from windows, or cut into windows: `pixelshuffle 7` and `pixelunshuffle 7` move all
    positions of a window from the channels and to the channels."""
    atoms = atoms_of(dims)
    if len(dims) > 2 and all(len(dim) == 2 for dim in dims[1:]):
        outer, inner = zip(*dims[1:], strict=True)
        ops = _by_transposing(sorted(atoms), [*dims[0], *inner, *outer])
        if ops is not None:
            sizes = prod(one.size for one in (*dims[0], *inner)), *(one.size for one in outer)
            last = PixelShuffle(factor=tuple(one.size for one in inner))
            yield [*ops, *([] if _after(shape, ops) == sizes else [Reshape(shape=sizes)]), last]
    cut = [sorted(atom for atom in atoms if atom.axis == axis) for axis in range(len(shape))]
    if len(cut) > 2 and all(len(each) == 2 for each in cut[1:]):
        outer, inner = zip(*cut[1:], strict=True)
        ops = _by_transposing([*cut[0], *inner, *outer], atoms)
        yield None if ops is None else [PixelUnshuffle(factor=tuple(one.size for one in inner)), *ops]


def _by_transposing(now: Sequence[Atom], target: Sequence[Atom]) -> list[Op] | None:
    """Any permutation, of consecutive blocks of atoms: `transpose` exchanges the last two axes. None, where
    that takes many."""
    ops: list[Op] = []
    for place in range(len(target)):
        at = now.index(target[place])
        if at == place:
            continue
        if len(ops) == 8:
            return None
        before = now[:place]
        front, back = now[place:at], now[at:]
        sizes = (prod(one.size for one in part) for part in (before, front, back))
        ops += [Reshape(shape=tuple(sizes)), Transpose()]
        now = [*before, *back, *front]
    return ops


def _order_after(op: Op, shape: Shape) -> Dim | None:
    """The order of a value's numbers after an op that moves them, as atoms of the value before."""
    axes = range(1, len(shape))
    dims: Sequence[Dim]
    if isinstance(op, Shuffle):
        each = shape[0] // op.G
        dims = ((Atom(0, op.G, each), Atom(0, 1, op.G)), *(full(axis, shape[axis]) for axis in axes))
    elif isinstance(op, Transpose):
        dims = [full(axis, size) for axis, size in enumerate(shape)]
        dims[-2:] = dims[:-3:-1]
    elif isinstance(op, PixelShuffle):
        inside, channels = prod(op.factor), shape[0] // prod(op.factor)
        parts, outer = [], channels
        for size in op.factor:
            parts.append(Atom(0, outer, size))
            outer *= size
        assert outer == channels * inside
        dims = (
            full(0, channels),
            *((*full(axis, shape[axis]), part) for axis, part in zip(axes, parts, strict=True)),
        )
        dims = (((Atom(0, 1, channels),) if channels > 1 else ()), *dims[1:])
    elif isinstance(op, PixelUnshuffle):
        inner = [Atom(axis, shape[axis] // size, size) for axis, size in zip(axes, op.factor, strict=True)]
        outer_ = [Atom(axis, 1, shape[axis] // size) for axis, size in zip(axes, op.factor, strict=True)]
        dims = ((*full(0, shape[0]), *inner), *((one,) for one in outer_))
    else:
        return None
    return atoms_of(dims)


def _exchanges(shape: Shape, sizes: Shape, atoms: Dim) -> Iterable[Op]:
    """The ops of the language that exchange axes, with their possible arguments here."""
    first = [atom for atom in atoms if atom.axis == 0]
    if len(first) >= 2 and first[-1].outer == 1:
        yield Shuffle(G=first[-1].size)
    if len(shape) >= 3:
        yield Transpose()
    if len(shape) == len(sizes) and len(shape) >= 2 and sizes[0]:
        before, after = shape[1:], sizes[1:]
        if all(b % a == 0 for a, b in zip(before, after, strict=True)):
            yield PixelShuffle(factor=tuple(b // a for a, b in zip(before, after, strict=True)))
        if all(a % b == 0 for a, b in zip(before, after, strict=True)):
            yield PixelUnshuffle(factor=tuple(a // b for a, b in zip(before, after, strict=True)))
