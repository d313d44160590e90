"""Chooses the parameters of a block: those that explain the most of the differences between its uses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from cnnspec.structure.draft import Draft, Unsolved, by_use
from cnnspec.structure.express import Parameter, expression, is_width
from cnnspec.structure.slots import Slot

MOST_DIFFERENT = 60
"""The most arguments of a block that may differ between its uses."""
NAMES = {
    "size_out": "out",
    "shape.1": "size",
    "shape.2": "size",
    "shape.3": "size",
    "range": "end",
    "channels": "end",
    "S": "s",
    "F": "f",
    "P": "p",
    "D": "d",
    "G": "g",
    "K": "k",
    "times": "n",
}


PLAIN = frozenset(("K", "F", "S", "P", "D", "k", "mid", "f", "s", "p", "d", "n", "times", "shape"))
"""The fields whose numbers are preferred where others can be computed from them: `heads=k//32`."""


def choose(draft: Draft) -> None:
    """Repeatedly takes the parameter that explains most of the remaining differences, until none remain."""
    waiting: dict[tuple[Any, ...], list[Slot]] = {}
    for slot in draft.slots:
        if expression(slot.numbers, []) is None:
            waiting.setdefault(slot.vector, []).append(slot)
    if len(waiting) > MOST_DIFFERENT:
        raise Unsolved
    while waiting:
        best: tuple[Any, ...] = ()
        for vector, slots in waiting.items():
            for parameter, rank in _candidates(draft, slots[0], [more[0] for more in waiting.values()]):
                chosen = [*draft.parameters, parameter]
                gives = sum(
                    len(more)
                    for more in waiting.values()
                    if expression(more[0].numbers, chosen, parameter) is not None
                )
                different = len(set(map(str, parameter.values.values())))
                worth = (gives, -different, rank)
                if gives and (not best or worth > best[0]):
                    best = worth, parameter, vector
        if not best:
            raise Unsolved
        parameter = best[1]
        parameter.name = _name(draft, parameter, waiting[best[2]])
        parameter.first = min(map(draft.slots.index, waiting[best[2]]))
        draft.parameters.append(parameter)
        waiting = {
            vector: slots
            for vector, slots in waiting.items()
            if expression(slots[0].numbers, draft.parameters) is None
        }


def rename(draft: Draft) -> None:
    """Puts the parameters in the order of the text, and numbers those with equal names."""
    draft.parameters.sort(key=lambda one: one.first)
    stems = [parameter.name.rstrip("0123456789") for parameter in draft.parameters]
    if sum(map(is_width, stems)) > 2:
        stems = ["k" if is_width(one) else one for one in stems]
    for number, (one, stem) in enumerate(zip(draft.parameters, stems, strict=True)):
        if stem != one.name.rstrip("0123456789"):
            one.name = stem
        if stems.count(stem) > 1 and one.kind != "letter":
            count = stems[: number + 1].count(stem)
            one.name = stem if count == 1 and stems.count(stem) == 2 else f"{stem}{count}"


def _candidates(draft: Draft, slot: Slot, others: Sequence[Slot]) -> Iterable[tuple[Parameter, float]]:
    """Possible parameters: the numbers themselves, also with those of uses that have another layer there, or
    their ratios to C."""
    numbers = slot.numbers
    values = by_use(numbers.values)
    if values is None:
        return
    kind = slot.kind.removesuffix(" of a use")
    rank = 0.0 if slot.field in PLAIN or kind != "number" else -0.5
    yield Parameter("?", kind, values, family=numbers.family), rank
    for other in others if len(values) < len(draft.pattern.bodies) else ():
        more = by_use(other.numbers.values) if (other.field, other.kind) == (slot.field, slot.kind) else None
        if more and not more.keys() & values.keys() and len(more) + len(values) == len(draft.pattern.bodies):
            yield Parameter("?", kind, values | more, family=numbers.family), rank
    if not numbers.numeric or slot.field != "K" or slot.site is draft.last:
        return
    entry = {value: draft.entry[value[0]] for value in numbers.values}
    for of in (numbers.here, entry):
        ratios = {one: Fraction(value, of[one]) for one, value in numbers.values.items()}
        times = by_use({one: int(ratio) for one, ratio in ratios.items()})
        if times and max(times.values()) > 2 and all(ratio.denominator == 1 for ratio in ratios.values()):
            if 2 * len(set(times.values())) <= len(set(values.values())):
                yield Parameter("t", "number", times, family="ratio"), -float(max(times.values()))


def _name(draft: Draft, parameter: Parameter, slots: list[Slot]) -> str:
    if parameter.kind == "letter":
        letter = slots[0].field
        if any(one.name == letter for one in draft.parameters):
            raise Unsolved
        return letter
    if parameter.name == "t":
        return draft.free("t")
    if any(slot.field in ("K", "shape.0") for slot in slots):  # the block's output channels are `k`
        is_output = all(draft.channels_out[use] == value for use, value in parameter.values.items())
        return draft.free("k") if is_output else draft.free("mid", "k")
    field = slots[0].field
    return draft.free(NAMES.get(field, field.partition(".")[0]).lower())
