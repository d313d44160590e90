"""How the dimensions of a torch tensor correspond to the axes of a value: views and permutations without a
layer.

A value of the layer list has channels and axes, `(C, H, W)`. Code uses tensors such as (N, H, W, C), (N, H·W,
C) or (N, heads, H·W, C/heads): the same numbers, arranged otherwise. An *atom* is a part of an axis:
`Atom(axis, outer, size)` are `size` steps, and the parts of this axis to the left of it have `outer`
positions together. A dimension is a sequence of atoms, an arrangement (`Dims`) a sequence of dimensions. A
dimension of size 1 has no atoms.

>>> dims = whole((6, 4, 4), batch=2)
>>> written(viewed(permuted(dims, (0, 2, 3, 1)), (2, 16, 2, 3)))
'N HW C/2 C*3'
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from math import prod
from typing import NamedTuple, TypeAlias

from cnnspec.ops.base import Shape

BATCH = -1
"""The axis of images."""
REPEATED = -2
"""The axis of a dimension along which the same numbers are repeated (torch's expand)."""


class Atom(NamedTuple):
    """Part of an axis: 0 is the channels, 1, 2, … the axes of the map."""

    axis: int
    outer: int
    size: int


Dim: TypeAlias = tuple[Atom, ...]
Dims: TypeAlias = tuple[Dim, ...]


def whole(shape: Shape, batch: int) -> Dims:
    """The arrangement N x C x H x W."""
    return (full(BATCH, batch), *(full(axis, size) for axis, size in enumerate(shape)))


def full(axis: int, size: int) -> Dim:
    """The whole axis as one dimension."""
    return (Atom(axis, 1, size),) if size > 1 else ()


def joined(atoms: Iterable[Atom]) -> Dim:
    """Consecutive parts of an axis as one part."""
    result: list[Atom] = []
    for atom in atoms:
        last = result[-1] if result else None
        if last is not None and last.axis == atom.axis and last.outer * last.size == atom.outer:
            result[-1] = Atom(atom.axis, last.outer, last.size * atom.size)
        elif atom.size > 1:
            result.append(atom)
    return tuple(result)


def size_of(dim: Dim) -> int:
    return prod(atom.size for atom in dim)


def sizes_of(dims: Dims) -> tuple[int, ...]:
    return tuple(map(size_of, dims))


def atoms_of(dims: Iterable[Dim]) -> Dim:
    return joined(chain.from_iterable(dims))


def permuted(dims: Dims, order: Sequence[int]) -> Dims:
    return tuple(dims[place] for place in order)


def swapped(dims: Dims) -> Dims:
    """The dimensions with the last two exchanged."""
    return (*dims[:-2], dims[-1], dims[-2])


def heads_apart(dims: Dims) -> Dims:
    """With heads that are one dimension with the images in a dimension of their own."""
    first = dims[0]
    return ((first[0],), first[1:], *dims[1:]) if len(first) > 1 and first[0].axis == BATCH else dims


def viewed(dims: Dims, sizes: Sequence[int]) -> Dims | None:
    """Other dimensions over the same numbers in the same order; None where an atom would have to be divided
    unevenly (6 channels as 4 and …)."""
    left = list(reversed(atoms_of(dims)))
    result: list[Dim] = []
    for size in sizes:
        dim: list[Atom] = []
        while size > 1:
            if not left:
                return None
            atom = left.pop()
            taken = min(size, atom.size)
            if max(size, atom.size) % taken:
                return None
            if taken < atom.size:
                left.append(Atom(atom.axis, atom.outer * taken, atom.size // taken))
            dim.append(Atom(atom.axis, atom.outer, taken))
            size //= taken
        result.append(joined(dim))
    return None if left else tuple(result)


def in_order(dims: Iterable[Dim]) -> bool:
    """Whether the numbers are in the order of the axes."""
    atoms = atoms_of(dims)
    return list(atoms) == sorted(atoms)


def only(dims: Iterable[Dim], axes: Sequence[int], shape: Shape) -> bool:
    """Whether these dimensions are exactly all of these axes, in any arrangement."""
    atoms = joined(sorted(atoms_of(dims)))
    return atoms == atoms_of(full(axis, shape[axis]) for axis in sorted(axes)) and not any(
        atom.axis not in axes for atom in atoms
    )


def with_size(dims: Dims, axis: int, size: int) -> Dims:
    """The same arrangement, with another size of a whole axis."""
    return tuple(full(axis, size) if dim and dim[0].axis == axis else dim for dim in dims)


def written(dims: Dims) -> str:
    """The arrangement as text, for findings and tests: `N HW C`."""
    names = {BATCH: "N", REPEATED: "r", 0: "C"}
    ends = dict[int, int]()
    for atom in joined(sorted(atoms_of(dims))):
        ends[atom.axis] = max(ends.get(atom.axis, 1), atom.outer * atom.size)
    axes = max((axis for axis in ends), default=0)

    def one(atom: Atom) -> str:
        name = names.get(atom.axis) or "THW"[3 - axes :][atom.axis - 1]
        if atom.outer == 1 and atom.size == ends[atom.axis]:
            return name
        return f"{name}/{atom.size}" if atom.outer == 1 else f"{name}*{atom.size}"

    return " ".join("".join(map(one, dim)) or "1" for dim in dims)
