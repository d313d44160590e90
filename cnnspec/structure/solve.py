"""Finds a block's parameters: what differs between its uses becomes an expression, and what no expression
gives becomes a parameter."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from cnnspec.ops.base import arguments_of, written_number
from cnnspec.structure import names
from cnnspec.structure.align import FREE
from cnnspec.structure.express import Numbers, Parameter, condition, expression, is_width
from cnnspec.structure.parts import Leaf, Merge, Repeat, Use
from cnnspec.structure.pattern import Group, Instance, Pattern, Site, Track
from cnnspec.structure.text import Writer, layer_text

MOST_DIFFERENT = 60
"""Arguments of a block that differ between its uses, at most."""
NAMES = {
    "size_out": "out",
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


class Slot:
    """An argument that differs: `field` of a site."""

    def __init__(self, site: Site, field: str, numbers: Numbers, kind: str) -> None:
        self.site, self.field, self.numbers, self.kind = site, field, numbers, kind
        self.text: str | None = None
        self.axis: int | None = None  # where the axes have numbers of their own
        self.step: Fraction | None = None  # what it grows by with each pass of a repeat

    @property
    def vector(self) -> tuple[Any, ...]:
        return tuple((one, type(value), value) for one, value in self.numbers.values.items())


class Solver:
    def __init__(self, writer: Writer, pattern: Pattern, calls: Sequence[int] = ()) -> None:
        self.writer, self.network, self.pattern = writer, writer.network, pattern
        self.calls = calls  # how many calls each use stands for
        self.entry = {
            number: self.network.shape(body.inputs[0])[0] for number, body in enumerate(pattern.bodies)
        }
        self.given = {
            number: self.network.shape(body.outputs[0])[0] for number, body in enumerate(pattern.bodies)
        }
        self.slots: list[Slot] = []
        self.groups: list[tuple[Group | Track, Numbers]] = []
        self.parameters: list[Parameter] = []
        self.last: Site | None = None  # the last layer with filters

    def solve(self) -> list[Parameter]:
        for line in self.pattern.lines:
            self.walk(line, {number: chain.begin for number, chain in line.at.items()})
        if len(self.pattern.bodies) > 1:
            self.choose()
            self.rename()
            factors = self.factors()
            for group, present in self.groups:
                group.condition = self.condition(group, present, factors)
            self.fill()
        for slot in self.slots:
            text = slot.text or expression(slot.numbers, self.parameters)
            if text is None:
                raise Unsolved
            if slot.step is not None:
                text = growing(text, slot.step)
            if slot.kind == "layer":
                slot.site.layer = text
            elif slot.axis:
                slot.site.given[slot.field] += f"x({text})"
            else:
                slot.site.given[slot.field] = text if slot.axis is None else f"({text})"
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

    # --- what differs -----------------------------------------------------------------------------

    def channels(self, at: Mapping[Instance, int]) -> dict[Instance, int]:
        return {number: self.network.shape(value)[0] for number, value in at.items()}

    def walk(self, track: Track, at: dict[Instance, int]) -> None:
        """Goes along a chain; `at` is the value that is there, in each instance."""
        for number, site in enumerate(track.sites):
            optional = set(site.at) != set(at)
            here = self.channels(at)
            alone = optional and all(
                set(one.at) != set(site.at)
                for one in (*track.sites[:number][-1:], *track.sites[number + 1 :][:1])
            )
            if (
                isinstance(site.first, Leaf)
                and site.first.op.activation
                and not site.first.op.weights((1, 1, 1))
                and self.layer(site, at, here, alone)
            ):
                if optional and not alone:
                    self.optional(track, site, at, here)
                else:
                    track.groups.append(Group([site]))
            elif optional and not (alone and isinstance(site.first, Repeat)):
                self.optional(track, site, at, here)
            else:
                track.groups.append(Group([site]))
            if not site.layer:
                self.fields(site, here, at if alone else site.at)
            at |= {one: step.end for one, step in site.at.items()}

    def layer(
        self, site: Site, at: Mapping[Instance, int], here: Mapping[Instance, int], alone: bool
    ) -> bool:
        """Whether an activation is a parameter: it differs, or it `alone` is not there in some uses."""
        usual = self.writer.usual
        texts = {
            one: layer_text(site.at[one].op, usual=usual) if one in site.at else "id"
            for one in (at if alone else site.at)
        }
        if len(set(texts.values())) == 1:
            return False
        site.layer = "act"
        self.slots.append(Slot(site, "act", Numbers(texts, here, self.entry), "layer"))
        return True

    def optional(
        self, track: Track, site: Site, at: Mapping[Instance, int], here: Mapping[Instance, int]
    ) -> None:
        last = track.groups[-1] if track.groups else None
        if last is not None and last.condition:
            side = last.otherwise or last.sites
            if side[-1].at.keys() == site.at.keys():
                side.append(site)
                return
            others = set(at) - set(last.sites[0].at)
            if not last.otherwise and set(site.at) == others and others:
                last.otherwise.append(site)
                return
        group = Group([site], "?")
        track.groups.append(group)
        present = {one: one in site.at for one in at}
        self.groups.append((group, Numbers(present, here, self.entry)))

    def fields(self, site: Site, here: Mapping[Instance, int], at: Iterable[Instance]) -> None:
        """What differs in the arguments of a step; `at` are the instances that have it, or none of a
        repeat."""
        match site.first:
            case Leaf():
                self.arguments(site, here)
            case Use(region):
                for parameter in self.writer.blocks[region.block].parameters:
                    values = {
                        number: step.region.arguments[parameter.name] for number, step in site.at.items()
                    }
                    self.slot(site, parameter.name, values, here, parameter.kind + " of a use")
            case Merge():
                for track in site.tracks:
                    at = {one: chain.begin for one, chain in track.at.items()}
                    if set(at) != set(site.at):
                        present = {one: one in at for one in site.at}
                        track.condition = "?"
                        self.groups.append((track, Numbers(present, here, self.entry)))
                    self.walk(track, at)
            case Repeat():
                times = {one: len(site.at[one].passes) if one in site.at else 0 for one in at}
                self.slot(site, "times", times, here, "number")
                track = site.tracks[0]
                self.walk(track, {one: chain.begin for one, chain in track.at.items()})

    def arguments(self, site: Site, here: Mapping[Instance, int]) -> None:
        op = site.first.op
        if hasattr(op, "K"):
            self.last = site
        for field, argument in arguments_of(type(op)):
            if argument.kind not in FREE or isinstance(getattr(op, field), str | None):
                continue
            if argument.kind == "range":
                for end in (0, 1):
                    each = {number: getattr(step.op, field)[end] for number, step in site.at.items()}
                    self.slot(site, f"{field}.{end}", each, here, "number")
                continue
            values = {number: _plain(getattr(step.op, field)) for number, step in site.at.items()}
            if any(isinstance(one, tuple) for one in values.values()):
                self.axes(site, field, values, here)
            else:
                self.slot(site, field, values, here, "number")

    def axes(self, site: Site, field: str, values: dict[Instance, Any], here: Mapping[Instance, int]) -> None:
        """Sizes that are not the same along all axes: `S=1x(s)x(s)`, or a letter, `F=F`."""
        count = len(getattr(site.first.op, field))
        each = {one: value if isinstance(value, tuple) else (value,) * count for one, value in values.items()}
        columns = [
            Numbers({one: value[axis] for one, value in each.items()}, here, self.entry)
            for axis in range(count)
        ]
        different = {tuple(one.values.values()) for one in columns if not one.constant}
        if len(different) > 1:
            self.slot(site, field, values, here, "letter")
            return
        for axis, numbers in enumerate(columns):
            slot = Slot(site, field, numbers, "number")
            slot.axis = axis
            self.slots.append(slot)

    def slot(
        self, site: Site, field: str, values: dict[Instance, Any], here: Mapping[Instance, int], kind: str
    ) -> None:
        numbers = Numbers(values, here, self.entry)
        if numbers.constant:
            return
        step = progression(values) if numbers.numeric else None
        if step is not None:
            starts = {one: value - step * one[-1] for one, value in values.items()}
            numbers = Numbers(starts, here, self.entry)
        self.slots.append(Slot(site, field, numbers, kind))
        self.slots[-1].step = step

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
                        if expression(more[0].numbers, known) is not None
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
        if any(slot.field == "K" for slot in slots):  # the channels that the block gives are `k`
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
        """What a use does not need is what most have."""
        for parameter in self.parameters:
            most = self.most(parameter)[0]
            for use in range(len(self.pattern.bodies)):
                parameter.values.setdefault(use, most)

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
            usual = usual and not is_width(parameter.name) and parameter.name != "K"
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


def progression(values: Mapping[Instance, Any]) -> Fraction | None:
    """What a number grows by from pass to pass of a repeat, where that is always the same."""
    passes: dict[Instance, list[tuple[int, Any]]] = {}
    for number, value in values.items():
        if len(number) == 1:
            return None
        passes.setdefault(number[:-1], []).append((number[-1], value))
    steps = {
        Fraction(value - each[0][1]) / (place - each[0][0])
        for each in passes.values()
        for place, value in each[1:]
    }
    return steps.pop() if len(steps) == 1 and steps != {0} else None


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


def _plain(value: Any) -> Any:
    """`(3, 3)` as 3."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
