"""Finds a block's parameters: what differs between its uses becomes an expression, and what no expression
gives becomes a parameter."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from cnnspec.ops.base import written_number
from cnnspec.structure import names
from cnnspec.structure.express import Numbers, Parameter, condition, expression, is_width
from cnnspec.structure.parts import Leaf, Use
from cnnspec.structure.pattern import Group, Instance, Pattern, Track
from cnnspec.structure.slots import Differences, Slot
from cnnspec.structure.text import Writer

MOST_DIFFERENT = 60
"""Arguments of a block that differ between its uses, at most."""
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


class Unsolved(Exception):
    """The uses have no common form."""


class Solver:
    def __init__(self, writer: Writer, pattern: Pattern, calls: Sequence[Sequence[int]] = ()) -> None:
        self.network, self.pattern = writer.network, pattern
        self.calls = [*map(len, calls)]  # how many calls each use stands for
        self.places = [(use, place) for use, each in enumerate(calls) for place in each]
        found = Differences(writer, pattern)
        self.entry, self.slots, self.groups, self.last = found.entry, found.slots, found.groups, found.last
        self.given = {
            number: self.network.shape(body.outputs[0])[0] for number, body in enumerate(pattern.bodies)
        }
        self.parameters: list[Parameter] = []

    def solve(self) -> list[Parameter]:
        if len(self.pattern.bodies) > 1:
            self.choose()
            self.rename()
            factors = self.factors()
            for group, present in self.groups:
                group.condition = self.condition(group, present, factors)
            self.fill()
        for slot in self.slots:
            text = slot.text or expression(slot.numbers, [] if slot.numbers.size[0] else self.parameters)
            if text is None:
                raise Unsolved
            if slot.step is not None:
                text = growing(text, slot.step)
            if slot.kind == "layer":
                slot.site.layer = text
            elif slot.axis is None:
                slot.site.given[slot.field] = text
            else:
                before = f"{slot.site.given[slot.field]}x" if slot.axis else ""
                slot.site.given[slot.field] = before + (text if text.isdigit() else f"({text})")
        self.letters()
        return self.order()

    def letters(self) -> None:
        """Where sizes along each axis are given by letters, `f(F1x7 P0x3 K64)`, all that can be are."""
        if not any(one.kind == "letter" for one in self.parameters):
            return
        conditions = " ".join(group.condition for group, _ in self.groups)
        for one in self.parameters:
            reads = [slot for slot in self.slots if re.search(rf"\b{one.name}\b", self.text(slot))]
            fields = {slot.field for slot in reads if self.text(slot) == one.name}
            letter = fields.pop() if len(fields) == 1 else ""
            plain = all(self.text(slot) == one.name and isinstance(slot.site.first, Leaf) for slot in reads)
            free = all(other.name != letter for other in self.parameters)
            if one.kind != "number" or not re.fullmatch("[FSPKGD]", letter) or not plain or not free:
                continue
            if not re.search(rf"\b{one.name}\b", conditions):
                one.name, one.kind = letter, "letter"
                for slot in reads:
                    slot.site.given[slot.field] = letter

    def text(self, slot: Slot) -> str:
        return slot.site.layer if slot.kind == "layer" else slot.site.given[slot.field]

    # --- parameters -------------------------------------------------------------------------------

    def choose(self) -> None:
        """Takes the parameter that gives the most of what is not given yet, until all is."""
        waiting: dict[tuple[Any, ...], list[Slot]] = {}
        for slot in self.slots:
            if expression(slot.numbers, []) is None:
                waiting.setdefault(slot.vector, []).append(slot)
        if len(waiting) > MOST_DIFFERENT:
            raise Unsolved
        while waiting:
            best: tuple[Any, ...] = ()
            for vector, slots in waiting.items():
                for parameter, rank in self.candidates(slots[0]):
                    known = [*self.parameters, parameter]
                    gives = sum(
                        len(more)
                        for more in waiting.values()
                        if expression(more[0].numbers, known, parameter) is not None
                    )
                    different = len(set(map(str, parameter.values.values())))
                    worth = (gives, -different, rank)
                    if gives and (not best or worth > best[0]):
                        best = worth, parameter, vector
            if not best:
                raise Unsolved
            parameter = best[1]
            parameter.name = self.name(parameter, waiting[best[2]])
            parameter.first = min(map(self.slots.index, waiting[best[2]]))
            self.parameters.append(parameter)
            waiting = {
                vector: slots
                for vector, slots in waiting.items()
                if expression(slots[0].numbers, self.parameters) is None
            }

    def rename(self) -> None:
        """Puts the parameters in the order of the text, and numbers those of one name."""
        self.parameters.sort(key=lambda one: one.first)
        stems = [one.name.rstrip("0123456789") for one in self.parameters]
        if sum(map(is_width, stems)) > 2:
            stems = ["k" if is_width(one) else one for one in stems]
        for number, (one, stem) in enumerate(zip(self.parameters, stems, strict=True)):
            if stem != one.name.rstrip("0123456789"):
                one.name = stem
            if stems.count(stem) > 1 and one.kind != "letter":
                count = stems[: number + 1].count(stem)
                one.name = stem if count == 1 and stems.count(stem) == 2 else f"{stem}{count}"

    def candidates(self, slot: Slot) -> Iterable[tuple[Parameter, float]]:
        """What could be a parameter: the numbers themselves, or how often C goes into them."""
        numbers = slot.numbers
        values = by_use(numbers.values)
        if values is None:
            return
        kind = slot.kind.removesuffix(" of a use")
        yield Parameter("?", kind, values), 0.0
        if not numbers.numeric or slot.field != "K" or slot.site is self.last:
            return
        entry = {one: self.entry[one[0]] for one in numbers.values}
        for of in (numbers.here, entry):
            ratios = {one: Fraction(value, of[one]) for one, value in numbers.values.items()}
            times = by_use({one: int(ratio) for one, ratio in ratios.items()})
            if times and max(times.values()) > 2 and all(ratio.denominator == 1 for ratio in ratios.values()):
                if 2 * len(set(times.values())) <= len(set(values.values())):
                    yield Parameter("t", "number", times), -float(max(times.values()))

    def name(self, parameter: Parameter, slots: list[Slot]) -> str:
        if parameter.kind == "letter":
            letter = slots[0].field
            if any(one.name == letter for one in self.parameters):
                raise Unsolved
            return letter
        if parameter.name == "t":
            return self.free("t")
        if any(slot.field in ("K", "shape.0") for slot in slots):  # the channels that the block gives are `k`
            given = all(self.given[use] == value for use, value in parameter.values.items())
            return self.free("k") if given else self.free("mid", "k")
        field = slots[0].field
        return self.free(NAMES.get(field, field.partition(".")[0]).lower())

    # --- conditions -------------------------------------------------------------------------------

    def factors(self) -> list[int]:
        """How often a width is taken somewhere in the block: `4*mid`."""
        found = set()
        for slot in self.slots:
            times, joint, name = (expression(slot.numbers, self.parameters) or "").partition("*")
            if joint and times.isdigit() and is_width(name):
                found.add(int(times))
        return sorted(found)

    def condition(self, group: Group | Track, present: Numbers, factors: list[int]) -> str:
        found = condition(present, self.parameters, factors)
        if found is not None:
            return found
        if isinstance(group, Group) and (found := self.ratio(group, present)):
            return found
        for parameter in self.parameters:
            missing = {one[0] for one in present.values} - set(parameter.values)
            if missing and is_width(parameter.name):
                before = dict(parameter.values)
                parameter.values |= {use: self.entry[use] for use in missing}
                found = condition(present, [parameter])
                if found is not None:
                    return found
                parameter.values = before
            if missing and parameter.kind == "number":
                wanted = by_use(present.values)
                if all(value > 0 for value in parameter.values.values()):
                    parameter.values |= dict.fromkeys(missing, 0)
                    if all((parameter.values[one[0]] > 0) == value for one, value in present.values.items()):
                        return f"{parameter.name} > 0"
                    parameter.values = {
                        use: value for use, value in parameter.values.items() if use not in missing
                    }
                value = next(one for one in (0, 1, -1) if one not in parameter.values.values())
                if parameter.name == "t" and 1 not in parameter.values.values():
                    value = 1
                if wanted is None or value < 0:
                    continue
                before = dict(parameter.values)
                parameter.values |= dict.fromkeys(missing, value)
                found = condition(present, [parameter])
                if found is not None:
                    return found
                parameter.values = before
        values = by_use(present.values)
        if values is None:
            raise Unsolved
        parameter = Parameter(self.free(self.switch(group)), "truth", values)
        self.parameters.append(parameter)
        return parameter.name

    def ratio(self, group: Group, present: Numbers) -> str | None:
        """`if t != 1 [ conv F1 K=t*C ]`, where what is there widens by a factor."""
        for slot in self.slots:
            if slot.site is not group.sites[0] or slot.field != "K":
                continue
            values = slot.numbers.values
            ratios = {one: Fraction(value, slot.numbers.here[one]) for one, value in values.items()}
            times = by_use({one: int(ratio) for one, ratio in ratios.items() if ratio.denominator == 1})
            there = {one[0] for one, value in present.values.items() if value}
            if not times or times.keys() != there or 1 in times.values():
                return None
            times |= {one[0]: 1 for one, value in present.values.items() if not value}
            parameter = Parameter(self.free("t"), "number", times)
            self.parameters.append(parameter)
            slot.text = f"{parameter.name}*C"
            return f"{parameter.name} != 1"
        return None

    def free(self, *wanted: str) -> str:
        return names.free(wanted, {"c", *(one.name for one in self.parameters)})

    def switch(self, group: Group | Track) -> str:
        """The name of a parameter that says whether something is there: what it is."""
        site = group.sites[0] if group.sites else None
        if site is None:
            return "residual"
        if isinstance(site.first, Use):
            return site.first.region.block
        layer = getattr(site.first, "layer", None)
        given = names.cleaned(self.network.layers[layer].name) if isinstance(layer, int) else ""
        word = site.first.op.word if hasattr(site.first, "op") else "more"
        return given if given and given.rstrip("0123456789") != word and given[0] != "x" else f"with_{word}"

    def fill(self) -> None:
        """What a use does not need is what most have; of rates that grow evenly with the calls, its own."""
        for parameter in self.parameters:
            if rates := self.even(parameter):
                parameter.values = rates
            most = self.most(parameter)[0]
            for use in range(len(self.pattern.bodies)):
                parameter.values.setdefault(use, most)

    def even(self, parameter: Parameter) -> dict[int, Any] | None:
        """The rate of each use, where they grow evenly with the calls: stochastic depth."""
        places = [use for use, _ in sorted(self.places, key=lambda one: one[1])]
        known = [
            (place, parameter.values[use]) for place, use in enumerate(places) if use in parameter.values
        ]
        if (
            len(known) == len(places)
            or len(known) < 3
            or not all(isinstance(one, Fraction) for _, one in known)
        ):
            return None
        (first, low), (last, high) = known[0], known[-1]
        step = (high - low) / (last - first)
        made: dict[int, Any] = {}
        for place, use in enumerate(places):
            if made.setdefault(use, low + step * (place - first)) != low + step * (place - first):
                return None
        return made if made.items() >= parameter.values.items() and min(made.values()) >= 0 else None

    def most(self, parameter: Parameter) -> tuple[Any, int, int]:
        """What most calls have, how many that are, and of how many."""
        count: Counter[Any] = Counter()
        for use, value in parameter.values.items():
            count[value] += self.calls[use] if self.calls else 1
        value, most = count.most_common(1)[0]
        return value, most, count.total()

    def order(self) -> list[Parameter]:
        """Those with a default behind those without."""
        for parameter in self.parameters:
            most, count, total = self.most(parameter)
            letter = parameter.kind == "letter" and parameter.name != "K"
            usual = count >= 2 and (2 + letter) * count >= total
            usual = usual and not is_width(parameter.name) and parameter.name not in ("K", "n")
            if parameter.kind == "number" and parameter.name in ("s", "d") and 1 in parameter.values.values():
                most, usual = 1, True
            parameter.default = most if usual or (parameter.kind == "truth" and most is False) else None
        return sorted(self.parameters, key=lambda one: one.default is not None)


def by_use(values: Mapping[Instance, Any]) -> dict[int, Any] | None:
    """What each use has, where all passes of a repeat have the same."""
    found: dict[int, Any] = {}
    for number, value in values.items():
        if found.setdefault(number[0], value) != value:
            return None
    return found


def growing(start: str, step: Fraction) -> str:
    """`i/170`, `(i + 3)/170`, `0.1 + 0.025*i`."""
    plain = re.fullmatch(r"[0-9./e-]+", start)
    times = Fraction(start) / step if plain else None
    if times is not None and times.denominator == 1 and times >= 0:
        passes = "i" if times == 0 else f"(i + {times})"
    elif times is not None and times.denominator == 1:
        passes = f"({-times} - i)" if step < 0 else f"(i - {-times})"
        step = -step if step < 0 else step
    else:
        passes = "i"
        start, times = (start, None)
    text = written_number(step)
    if text.startswith("1/"):
        grown = f"{passes}{text[1:]}"
    else:
        above, over, below = text.partition("/")
        grown = f"{above}*{passes}/{below}" if over else passes if text == "1" else f"{text}*{passes}"
    return grown if times is not None else f"{start} + {grown}"
