"""The differences between the uses of a block: arguments, and steps that only some uses have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import prod
from typing import Any

from cnnspec.ops.base import arguments_of
from cnnspec.structure.align import FREE
from cnnspec.structure.express import Base, Numbers, expression, family_of
from cnnspec.structure.holes import UnknownLayer
from cnnspec.structure.parts import Leaf, Merge, Repeat, Use
from cnnspec.structure.pattern import Group, Instance, Pattern, Site, Track
from cnnspec.structure.text import Writer, layer_text


class Slot:
    """An argument that differs between uses: `field` of a site."""

    def __init__(self, site: Site, field: str, numbers: Numbers, kind: str) -> None:
        self.site, self.field, self.numbers, self.kind = site, field, numbers, kind
        self.text: str | None = None
        self.axis: int | None = None  # set where each axis has its own number
        self.step: Fraction | None = None  # the increase with each pass of a repeat

    @property
    def vector(self) -> tuple[Any, ...]:
        return tuple((one, type(value), value) for one, value in self.numbers.values.items())


class Differences:
    """`slots` are the arguments that differ, in the order of the text; `groups` the steps that only some uses
    have, with these uses; `last` is the last layer with filters. Each track gets its groups."""

    def __init__(self, writer: Writer, pattern: Pattern) -> None:
        self.writer, self.network, self.pattern = writer, writer.network, pattern
        self.entry = {
            number: self.network.shape(body.inputs[0])[0] for number, body in enumerate(pattern.bodies)
        }
        self.slots: list[Slot] = []
        self.groups: list[tuple[Group | Track, Numbers]] = []
        self.last: Site | None = None
        for line in pattern.lines:
            self.walk(line, {number: chain.begin for number, chain in line.at.items()})

    def channels(self, at: Mapping[Instance, int]) -> dict[Instance, int]:
        return {number: self.network.shape(value)[0] for number, value in at.items()}

    def walk(self, track: Track, at: dict[Instance, int]) -> None:
        """Follows a chain; `at` is the current value in each instance."""
        for number, site in enumerate(track.sites):
            optional = set(site.at) != set(at)
            channels = self.channels(at)
            alone = optional and all(
                set(one.at) != set(site.at)
                for one in (*track.sites[:number][-1:], *track.sites[number + 1 :][:1])
            )
            if (
                isinstance(site.first, Leaf)
                and site.first.op.activation
                and (
                    not site.first.op.weights((1, 1, 1)) or len({one.op.word for one in site.at.values()}) > 1
                )
                and self.layer(site, at, channels, alone)
            ):
                if optional and not alone:
                    self.optional(track, site, at, channels)
                else:
                    track.groups.append(Group([site]))
            elif optional and not (alone and isinstance(site.first, Repeat)):
                self.optional(track, site, at, channels)
            else:
                track.groups.append(Group([site]))
            if not site.layer:
                self.fields(site, channels, at if alone else site.at)
            at |= {one: step.end for one, step in site.at.items()}

    def layer(
        self, site: Site, at: Mapping[Instance, int], channels: Mapping[Instance, int], alone: bool
    ) -> bool:
        """Whether an activation becomes a parameter: it differs between uses, or it `alone` is absent in
        some."""
        usual = self.writer.usual
        texts = {
            one: layer_text(site.at[one].op, usual=usual) if one in site.at else "id"
            for one in (at if alone else site.at)
        }
        if len(set(texts.values())) == 1:
            return False
        site.layer = "act"
        self.slots.append(Slot(site, "act", Numbers(texts, channels, self.entry), "layer"))
        return True

    def optional(
        self, track: Track, site: Site, at: Mapping[Instance, int], channels: Mapping[Instance, int]
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
        self.groups.append((group, Numbers(present, channels, self.entry)))

    def fields(self, site: Site, channels: Mapping[Instance, int], at: Iterable[Instance]) -> None:
        """The differences in the arguments of a step; `at` are the instances that have it, or none of a
        repeat."""
        match site.first:
            case Leaf():
                self.arguments(site, channels)
            case Use(region):
                for parameter in self.writer.blocks[region.block].parameters:
                    values = {
                        number: step.region.arguments[parameter.name] for number, step in site.at.items()
                    }
                    self.slot(site, parameter.name, values, channels, parameter.kind + " of a use")
            case Merge():
                self.arguments(site, channels)
                for track in site.tracks:
                    at = {one: chain.begin for one, chain in track.at.items()}
                    if set(at) != set(site.at):
                        present = {one: one in at for one in site.at}
                        track.condition = "?"
                        self.groups.append((track, Numbers(present, channels, self.entry)))
                    self.walk(track, at)
            case Repeat():
                times = {one: len(site.at[one].passes) if one in site.at else 0 for one in at}
                self.slot(site, "times", times, channels, "number")
                track = site.tracks[0]
                self.walk(track, {one: chain.begin for one, chain in track.at.items()})

    def arguments(self, site: Site, channels: Mapping[Instance, int]) -> None:
        op = site.first.op
        if isinstance(op, UnknownLayer):
            self.claim(site, channels)
            return
        if hasattr(op, "K"):
            self.last = site
        for field, argument in arguments_of(type(op)):
            if argument.kind not in FREE or isinstance(getattr(op, field), str | None):
                continue
            if argument.kind == "range":
                for end in (0, 1):
                    each = {number: getattr(step.op, field)[end] for number, step in site.at.items()}
                    self.slot(site, f"{field}.{end}", each, channels, "number")
                continue
            values = {number: getattr(step.op, field) for number, step in site.at.items()}
            if argument.kind == "shape":
                self.axes(site, field, values, channels, letter=False)
                continue
            if argument.kind == "sizes" and argument.letter is None and self.sizes(site, field, values):
                continue
            values = {number: _plain(value) for number, value in values.items()}
            if any(isinstance(value, tuple) for value in values.values()):
                self.axes(site, field, values, channels, argument.letter is not None)
            else:
                self.slot(site, field, values, channels, "number")

    def claim(self, site: Site, channels: Mapping[Instance, int]) -> None:
        """The claimed shape of an unknown layer, whose C is that of the claim."""
        shapes = {number: step.op.shape for number, step in site.at.items()}
        for axis in range(len(site.first.op.shape)):
            numbers = Numbers({one: shape[axis] for one, shape in shapes.items()}, {}, self.entry)
            if not numbers.constant:
                self.slots.append(Slot(site, f"shape.{axis}", numbers, "number"))

    def sizes(self, site: Site, field: str, values: dict[Instance, Any]) -> bool:
        """Whether sizes can be computed from the map's: `crop (H-1)x(W-1)`."""
        if len(set(values.values())) == 1:
            return False
        count = len(next(iter(values.values())))
        columns = [
            Numbers({one: value[axis] for one, value in values.items()}, {}, self.entry)
            for axis in range(count)
        ]
        for letters in ("THW", "THWhw"):  # rather the map at the step than the one at the beginning
            for axis, numbers in enumerate(columns):
                numbers.sizes = [base for base in self.map_sizes(site, axis - count) if base[0] in letters]
                numbers.fixed = True
            if all(expression(numbers, []) is not None for numbers in columns):
                self.by_axis(site, field, columns)
                return True
        return False

    def axes(
        self,
        site: Site,
        field: str,
        values: dict[Instance, Any],
        channels: Mapping[Instance, int],
        letter: bool,
    ) -> None:
        """Sizes that differ between axes: `S=1x(s)x(s)`, or a letter, `F=F`."""
        if len(set(values.values())) == 1:
            return
        count = len(getattr(site.first.op, field))
        each = {one: value if isinstance(value, tuple) else (value,) * count for one, value in values.items()}
        columns = [
            Numbers(
                {one: value[axis] for one, value in each.items()},
                channels,
                self.entry,
                family=family_of(field),
            )
            for axis in range(count)
        ]
        if not letter:
            for axis, numbers in enumerate(columns):
                numbers.sizes = self.map_sizes(site, axis - count) if axis else ()
        different = {tuple(column.values.values()) for column in columns if not column.constant}
        if len(different) > 1 and letter:
            self.slot(site, field, values, channels, "letter")
        else:
            self.by_axis(site, field, columns)

    def map_sizes(self, site: Site, axis: int) -> list[Base]:
        """The sizes of the map at a step and of the map at the beginning of the block, those along the same
        axis (counted from the last) first; then the numbers of positions."""
        shapes = {one: self.network.shape(step.begin) for one, step in site.at.items()}
        begin = {one: self.network.shape(self.pattern.bodies[one[0]].inputs[0]) for one in site.at}
        single: list[Base] = []
        products: list[Base] = []
        for shape, letters in ((shapes, "THW"), (begin, "hw")):
            rank = len(next(iter(shape.values()))) - 1
            if rank > len(letters) or any(len(one) != rank + 1 for one in shape.values()):
                continue
            names = letters[len(letters) - rank :]
            each = [
                (name, {one: value[at + 1] for one, value in shape.items()}) for at, name in enumerate(names)
            ]
            single += sorted(each, key=lambda base: base[0] != names[axis:][:1])
            if rank > 1:
                products.append(("*".join(names), {one: prod(value[1:]) for one, value in shape.items()}))
        return [*single, *products]

    def by_axis(self, site: Site, field: str, columns: Iterable[Numbers]) -> None:
        for axis, numbers in enumerate(columns):
            slot = Slot(site, field, numbers, "number")
            slot.axis = axis
            self.slots.append(slot)

    def slot(
        self, site: Site, field: str, values: dict[Instance, Any], channels: Mapping[Instance, int], kind: str
    ) -> None:
        numbers = Numbers(values, channels, self.entry, family=family_of(field))
        if numbers.constant:
            return
        step = progression(values) if numbers.numeric else None
        if step is not None:
            starts = {one: value - step * one[-1] for one, value in values.items()}
            numbers = Numbers(starts, channels, self.entry, family=numbers.family)
        self.slots.append(Slot(site, field, numbers, kind))
        self.slots[-1].step = step


def progression(values: Mapping[Instance, Any]) -> Fraction | None:
    """The increase of a number from pass to pass of a repeat, where it is constant; else None."""
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


def _plain(value: Any) -> Any:
    """3 for `(3, 3)`."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
