"""Tensors whose numbers are those of other tensors, moved: views, gathers and borders, followed back through
the trace to what they were made of.

Where a weight is stored as a table and spread over a larger tensor (positions of attention, filters that read
some of the maps), no view of it says so; the place of each number does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple, TypeAlias

from cnnspec.sources.calls.layout import BATCH, REPEATED, Dims
from cnnspec.sources.calls.trace import Call, Held, Tensor, Trace

MOST = 4_000_000
"""Numbers of a tensor whose places are followed."""
MOST_IN_ALL = 100_000_000
DEEPEST = 100
"""Calls after one another."""
NOWHERE = -(2**60)
"""The place of a number that is 0; any sum with it is below 0, too."""


class NotMoved(Exception):
    """Raised for a tensor that is not a rearrangement of others."""


class Moved(NamedTuple):
    """source: the number of a tensor of the trace. at: for each number, its place in the source, or one below
    0 where it is 0. factor: all of them were multiplied by it."""

    source: int
    shape: tuple[int, ...]
    at: Sequence[int]
    factor: float = 1.0


Rule: TypeAlias = Callable[["Moves", Call, Moved], Moved]

VIEWS = {
    "contiguous", "clone", "detach", "alias", "to", "_to_copy", "type_as", "lift_fresh_copy", "float",
    "view", "reshape", "_unsafe_view", "flatten", "unflatten", "squeeze", "unsqueeze", "ravel", "view_as",
    "reshape_as",
}  # fmt: skip
RULES: dict[str, Rule] = {}


class Moves:
    """The tensors of a trace by the calls that made them."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.made: dict[int, tuple[Call, int]] = {}
        self.changed: set[int] = set()
        self.left = MOST_IN_ALL
        number = len(trace.held)
        for call in trace.calls:
            if call.op.endswith("_") and not call.op.startswith("__"):
                self.changed |= {
                    argument.number for argument in call.arguments.values() if isinstance(argument, Tensor)
                }
            for place in range(len(call.shapes)):
                self.made[number] = call, place
                number += 1

    def shape(self, number: int) -> tuple[int, ...]:
        call, place = self.made.get(number, (None, 0))
        return self.trace.held[number].shape if call is None else call.shapes[place]

    def held(self, number: int) -> Held | None:
        return self.trace.held[number] if number < len(self.trace.held) else None

    def terms(self, number: int, depth: int = 0) -> list[Moved]:
        """What a tensor is the sum of. NotMoved, where it cannot be followed."""
        if number in self.changed or depth > DEEPEST:
            raise NotMoved
        call, _ = self.made.get(number, (None, 0))
        shape = self.shape(number)
        self.left -= prod(shape)
        if prod(shape) > MOST or self.left < 0:
            raise NotMoved
        first = call and next(iter(call.arguments.values()), None)
        if call is None or not isinstance(first, Tensor):
            return [Moved(number, shape, range(prod(shape)))]
        if call.op == "add" and call.arguments.get("alpha", 1) == 1:
            return self._sum(call, depth)
        if call.op == "index_put" and not call.arguments.get("accumulate"):
            return self._put(call, number, depth)
        factor = _factor(call)
        rule = RULES.get("view" if call.op in VIEWS else call.op)
        if rule is None and factor is None:
            return [Moved(number, shape, range(prod(shape)))]
        before = self.terms(first.number, depth + 1)
        if rule is None or factor is not None:
            return [one._replace(factor=one.factor * (factor or 1)) for one in before]
        return [rule(self, call, one) for one in before]

    def _sum(self, call: Call, depth: int) -> list[Moved]:
        terms: list[Moved] = []
        for argument in (call.arguments["self"], call.arguments["other"]):
            if not isinstance(argument, Tensor):
                raise NotMoved
            held = self.held(argument.number)
            if held is not None and held.values is not None and not any(held.values):
                continue
            terms += [_expanded(term, call.shapes[0]) for term in self.terms(argument.number, depth + 1)]
        return terms

    def _put(self, call: Call, number: int, depth: int) -> list[Moved]:
        """Numbers that are put into zeros, at places along the first dimensions."""
        into, values = call.arguments["self"], call.arguments["values"]
        if not isinstance(into, Tensor) or not isinstance(values, Tensor) or not self.zeros(into.number):
            raise NotMoved
        shape = call.shapes[0]
        places, indexed = self._places(call.arguments["indices"], shape)
        inner = prod(shape[len(indexed) :])
        moved = []
        for term in self.terms(values.number, depth + 1):
            at = [NOWHERE] * prod(shape)
            if len(term.at) != len(places) * inner:
                raise NotMoved
            for number, place in enumerate(places):
                at[place * inner : (place + 1) * inner] = term.at[number * inner : (number + 1) * inner]
            moved.append(term._replace(shape=shape, at=at))
        return moved

    def zeros(self, number: int, depth: int = 0) -> bool:
        """Whether a tensor is made of zeros alone."""
        held = self.held(number)
        if held is not None:
            return held.kind == "constant" and held.values is not None and not any(held.values)
        call, _ = self.made[number]
        first = next(iter(call.arguments.values()), None)
        if number in self.changed or depth > DEEPEST:
            return False
        if call.op in (*VIEWS, "expand", "expand_as") and isinstance(first, Tensor):
            return self.zeros(first.number, depth + 1)
        return call.op in ("new_zeros", "zeros", "zeros_like")

    def _places(self, indices: Any, shape: Sequence[int]) -> tuple[list[int], list[tuple[int, ...]]]:
        """Row by row: the places that lists of indices along the first dimensions name; the lists' shapes."""
        lists = [self.values(index) for index in indices]
        sizes = shape[: len(lists)]
        (count, *others) = {len(numbers) for numbers, _ in lists}
        if others or any(
            not -size <= n < size for size, (ns, _) in zip(sizes, lists, strict=True) for n in ns
        ):
            raise NotMoved
        places = [0] * count
        for size, (numbers, _) in zip(sizes, lists, strict=True):
            places = [place * size + n % size for place, n in zip(places, numbers, strict=True)]
        return places, [one for _, one in lists]

    def values(self, argument: object) -> tuple[list[int], tuple[int, ...]]:
        """The whole numbers of a constant, and its shape."""
        held = self.held(argument.number) if isinstance(argument, Tensor) else None
        if held is None:
            raise NotMoved
        if held.values is None:
            from cnnspec.sources.calls.items import Unknown

            raise Unknown("indices whose numbers are not known")
        return list(map(int, held.values)), held.shape


def lying(dims: Dims, shape: Sequence[int], batch: int) -> list[int]:
    """For each number of a tensor with this layout, its place among those of `batch` values of a shape."""
    before = {BATCH: prod(shape)} | {axis: prod(shape[axis + 1 :]) for axis in range(len(shape))}
    sizes = {BATCH: batch} | dict(enumerate(shape))
    parts = []
    for atom in (atom for dim in dims for atom in dim):
        step = 0
        if atom.axis != REPEATED:
            step = before[atom.axis] * (sizes[atom.axis] // (atom.outer * atom.size))
        parts.append([step * n for n in range(atom.size)])
    return grid(parts)


def grid(parts: Sequence[Sequence[int]]) -> list[int]:
    """The sums of one number of each part; those of the last part come one after the other."""
    sums = [0]
    for part in parts:
        sums = [a + b for a in sums for b in part]
    return sums


def _steps(shape: Sequence[int]) -> list[int]:
    return [prod(shape[place + 1 :]) for place in range(len(shape))]


def _taken(moved: Moved, shape: Sequence[int], parts: Sequence[Sequence[int]]) -> Moved:
    at = moved.at
    return moved._replace(shape=tuple(shape), at=[at[n] if n >= 0 else NOWHERE for n in grid(parts)])


def _expanded(moved: Moved, shape: tuple[int, ...]) -> Moved:
    if moved.shape == shape:
        return moved
    before = (1,) * (len(shape) - len(moved.shape)) + moved.shape
    parts = [
        [step * n if size == old else 0 for n in range(size)]
        for size, old, step in zip(shape, before, _steps(before), strict=True)
    ]
    return _taken(moved, shape, parts)


def _factor(call: Call) -> float | None:
    other = call.arguments.get("other")
    if isinstance(other, bool) or not isinstance(other, int | float):
        return None
    if call.op == "mul":
        return float(other)
    return (
        1 / float(other) if call.op == "div" and other and not call.arguments.get("rounding_mode") else None
    )


def _rule(*names: str) -> Callable[[Rule], Rule]:
    def register(rule: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, rule))
        return rule

    return register


@_rule("view")
def _viewed(moves: Moves, call: Call, moved: Moved) -> Moved:
    return moved._replace(shape=call.shapes[0])


@_rule("permute", "transpose", "movedim", "t", "swapaxes", "moveaxis", "mT", "numpy_T")
def _permuted(moves: Moves, call: Call, moved: Moved) -> Moved:
    from cnnspec.sources.calls.shapes import order_of

    order = order_of(call.op, call.arguments, len(moved.shape))
    steps = _steps(moved.shape)
    parts = [[steps[place] * n for n in range(moved.shape[place])] for place in order]
    return _taken(moved, call.shapes[0], parts)


@_rule("expand", "expand_as", "broadcast_to")
def _repeated(moves: Moves, call: Call, moved: Moved) -> Moved:
    return _expanded(moved, call.shapes[0])


@_rule("slice", "narrow", "select", "flip")
def _part(moves: Moves, call: Call, moved: Moved) -> Moved:
    a: Mapping[str, Any] = call.arguments
    parts: list[Sequence[int]] = [range(size) for size in moved.shape]
    dims = [one % len(parts) for one in (a["dims"] if call.op == "flip" else (a.get("dim", 0),))]
    for dim in dims:
        size = moved.shape[dim]
        if call.op == "flip":
            parts[dim] = range(size)[::-1]
        elif call.op == "select":
            parts[dim] = [a["index"] % size]
        elif call.op == "narrow":
            parts[dim] = range(size)[a["start"] :][: a["length"]]
        else:
            parts[dim] = range(size)[a.get("start") : a.get("end") : a.get("step") or 1]
    steps = _steps(moved.shape)
    return _taken(
        moved, call.shapes[0], [[step * n for n in part] for step, part in zip(steps, parts, strict=True)]
    )


@_rule("constant_pad_nd", "pad")
def _bordered(moves: Moves, call: Call, moved: Moved) -> Moved:
    a: Mapping[str, Any] = call.arguments
    if a.get("value") or (a.get("mode") or "constant") != "constant":
        raise NotMoved
    parts = []
    for place, (size, step) in enumerate(zip(moved.shape, _steps(moved.shape), strict=True)):
        at = 2 * (len(moved.shape) - 1 - place)
        before, after = a["pad"][at : at + 2] or (0, 0)
        inside = [step * n for n in range(max(-before, 0), size - max(-after, 0))]
        parts.append([NOWHERE] * max(before, 0) + inside + [NOWHERE] * max(after, 0))
    return _taken(moved, call.shapes[0], parts)


@_rule("gather")
def _gathered(moves: Moves, call: Call, moved: Moved) -> Moved:
    index = call.arguments["index"]
    terms = moves.terms(index.number) if isinstance(index, Tensor) else []
    (term,) = terms if len(terms) == 1 else (None,)
    if term is None:
        raise NotMoved
    numbers, _ = moves.values(Tensor(term.source))
    dim = int(call.arguments["dim"]) % len(moved.shape)  # type: ignore[arg-type]
    steps = _steps(moved.shape)
    others = grid(
        [
            [0 if place == dim else step * n for n in range(size)]
            for place, (size, step) in enumerate(zip(call.shapes[0], steps, strict=True))
        ]
    )
    size = moved.shape[dim]
    along = [steps[dim] * (numbers[n] % size) if n >= 0 else 0 for n in term.at]
    at = moved.at
    return moved._replace(shape=call.shapes[0], at=[at[a + b] for a, b in zip(others, along, strict=True)])


@_rule("index")
def _indexed(moves: Moves, call: Call, moved: Moved) -> Moved:
    """With lists for dimensions one after the other."""
    indices: Any = call.arguments["indices"]
    first = next(place for place, index in enumerate(indices) if index is not None)
    lists = indices[first:]
    if None in lists:
        raise NotMoved
    spread = [moves.terms(list_.number) for list_ in lists]
    shapes = [one[0].shape for one in spread]
    shape = tuple(
        map(max, zip(*((1,) * (max(map(len, shapes)) - len(one)) + one for one in shapes), strict=True))
    )
    steps = _steps(moved.shape)
    along = [0] * prod(shape)
    for place, (term,) in enumerate(spread, first):
        numbers, _ = moves.values(Tensor(term.source))
        size = moved.shape[place]
        for number, at in enumerate(_expanded(term, shape).at):
            along[number] += steps[place] * (numbers[at] % size)
    parts: list[Sequence[int]] = [
        [step * n for n in range(size)] for size, step in zip(moved.shape, steps, strict=True)
    ]
    parts[first : first + len(lists)] = [along]
    return _taken(moved, call.shapes[0], parts)


@_rule("index_select")
def _selected(moves: Moves, call: Call, moved: Moved) -> Moved:
    dim = int(call.arguments["dim"]) % len(moved.shape)  # type: ignore[arg-type]
    indices = (*[None] * dim, call.arguments["index"])
    return _indexed(moves, call._replace(arguments={"indices": indices}), moved)
