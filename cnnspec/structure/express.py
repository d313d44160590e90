"""Numbers that differ between the uses of a block → an expression over its parameters, or over C, that has
these values."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Any, TypeAlias

from cnnspec.ops.base import written_number, written_sizes
from cnnspec.structure.pattern import Instance

Gives: TypeAlias = Callable[[int], Any]
Value: TypeAlias = Any
"""An int, a Fraction, a bool; a tuple for sizes that differ between axes; the text of a layer."""
Base: TypeAlias = tuple[str, Mapping[Instance, Any]]
"""What an expression may contain: its text, and its value in each instance."""
FACTORS = (2, 3, 4, 5, 6, 8, 16, 32)
AXES = ("T", "H", "W", "h", "w")
"""The axes of the map at a step, and (small letters) of the map at the beginning of the block."""
PARTS = ((3, 4), (2, 3), (3, 2), (3, 8), (5, 8), (7, 8))
"""Fractions of a number of channels: the ends of `slice C//2:3*C//4`."""


@dataclass(eq=False, repr=False)
class Parameter:
    """A parameter of a block: its value in each use (`values`; a use that does not need it has none), and its
    default."""

    name: str
    kind: str  # "number", "letter", "truth" or "layer"
    values: dict[int, Value]
    default: Value = None
    first: int = 1 << 30  # the first argument that contains it, in the order of the text
    family: str = ""


@dataclass(eq=False, repr=False)
class Numbers:
    """The values of an argument in each instance, with the numbers of channels: at the step (`here`; empty
    where the text cannot use C), and at the beginning of the block (`entry`, by use). sizes: for a size, the
    sizes of maps and products of them, by name; fixed: such a size cannot be computed from anything else.
    family: what the argument counts; a window is not computed from a number of channels."""

    values: dict[Instance, Value]
    here: Mapping[Instance, int]
    entry: Mapping[int, int]
    sizes: Sequence[Base] = ()
    fixed: bool = False
    family: str = "width"

    @property
    def constant(self) -> bool:
        return len(set(map(_typed, self.values.values()))) == 1

    @property
    def numeric(self) -> bool:
        return all(
            isinstance(value, int | Fraction) and not isinstance(value, bool)
            for value in self.values.values()
        )


def _typed(value: Value) -> tuple[type, Value]:
    return type(value), value


FAMILY = {
    **dict.fromkeys(("F", "S", "P", "D", "f", "s", "p", "d"), "window"),
    **dict.fromkeys(("border", "left", "right", "top", "bottom", "front", "back"), "window"),
    **dict.fromkeys(("C", "c", "K", "k", "mid", "G", "g", "heads", "shape", "size"), "width"),
    **dict.fromkeys(("range", "end", "channels"), "range"),
    **dict.fromkeys(("n", "times"), "count"),
    "t": "ratio",
}
"""What the fields of layers and the parameters of blocks count."""
RELATED = {("width", "ratio"), ("range", "width")}
"""The families whose numbers may be computed from those of another one: `K=t*C`, `slice 0:C//2`."""


def family_of(name: str) -> str:
    """The family of a field or a parameter; "" for one like no other."""
    return FAMILY.get(name.partition(".")[0].rstrip("0123456789"), "")


def related(one: str, other: str) -> bool:
    """Whether a number of a family may be computed from one of another family."""
    return one == other or (one, other) in RELATED


def expression(numbers: Numbers, parameters: list[Parameter], new: Parameter | None = None) -> str | None:
    """The simplest text that has these values, or None. `new`: expressions with the other parameters were
    tried before."""
    if numbers.constant:
        return written_value(next(iter(numbers.values.values())))
    for one in parameters if new is None else (new,):
        if _holds(numbers, _of(one, numbers)) and _equals(numbers, one):
            return one.name
    if not numbers.numeric:
        return None
    bases: list[Base] = [
        (parameter.name, _of(parameter, numbers))
        for parameter in parameters
        if parameter.kind == "number" and related(numbers.family, parameter.family)
    ]
    bases += numbers.sizes
    if not numbers.fixed and related(numbers.family, "width"):
        if numbers.here:
            bases.append(("C", numbers.here))
        if any(numbers.here.get(instance) != numbers.entry[instance[0]] for instance in numbers.values):
            bases.append(("c", {value: numbers.entry[value[0]] for value in numbers.values}))
    at = list(numbers.values)
    expected = list(numbers.values.values())
    able = [(name, [values[one] for one in at]) for name, values in bases if all(one in values for one in at)]
    whole = all(isinstance(one, int) for one in expected)
    name = new.name if new is not None else ""
    forms = _forms(able, name, numbers.family == "range") if whole else _later(able, expected)
    return next((text for text, gives in forms if _is(gives, expected)), None)


def _is(gives: Gives, expected: list[Value]) -> bool:
    return all(gives(number) == value for number, value in enumerate(expected))


def _of(parameter: Parameter, numbers: Numbers) -> dict[Instance, Value]:
    return {
        instance: parameter.values[instance[0]]
        for instance in numbers.values
        if instance[0] in parameter.values
    }


def _equals(numbers: Numbers, parameter: Parameter) -> bool:
    """Whether equal numbers mean the same: not the stride and the number of repeats."""
    families = numbers.family, parameter.family
    return related(*families) or "" in families


def _holds(numbers: Numbers, values: Mapping[Instance, Value]) -> bool:
    return all(
        one in values and _typed(values[one]) == _typed(value) for one, value in numbers.values.items()
    )


def _later(bases: list[tuple[str, list[Value]]], expected: list[Value]) -> Iterator[tuple[str, Gives]]:
    """Rates at a constant distance from a parameter: the `p + 1/80` of the second of two layers."""
    for name, values in bases:
        more = Fraction(expected[0]) - Fraction(values[0])
        if more > 0 and any(isinstance(value, Fraction) for value in values):
            yield f"{name} + {written_number(more)}", lambda at, v=values, m=more: v[at] + m  # type: ignore[misc]


def _forms(bases: list[tuple[str, list[Value]]], new: str, parts: bool) -> Iterator[tuple[str, Gives]]:
    """Expressions over the bases, with their values in each instance, simple ones first; with `new`, only
    those that contain it; with `parts`, other fractions than 1/n, too."""
    yield from ((name, values.__getitem__) for name, values in bases)
    bases = [(name, values) for name, values in bases if all(isinstance(value, int) for value in values)]
    single = [base for base in bases if new in ("", base[0])]
    for name, values in single:
        for factor in FACTORS:
            yield f"{factor}*{name}", lambda at, v=values, f=factor: f * v[at]  # type: ignore[misc]
        for factor in (*FACTORS, *((7,) if name in AXES else ())):  # windows are 7x7
            yield f"{name}//{factor}", lambda at, v=values, f=factor: v[at] // f  # type: ignore[misc]
    for name, values in single:
        for less in (1, 2) if name in AXES else ():
            yield f"{name}-{less}", lambda at, v=values, b=less: v[at] - b  # type: ignore[misc]
    for times, a in single:
        for name, b in bases if is_ratio(times) else ():
            if name in ("C", "c"):
                yield f"{times}*{name}", lambda at, a=a, b=b: a[at] * b[at]  # type: ignore[misc]
    for name, values in single:
        for factor in FACTORS:
            yield (
                f"multiple({name}//{factor}, 8)",
                lambda at, v=values, f=factor: _multiple(v[at] // f),  # type: ignore[misc]
            )
    for name, values in single:
        for above, of in PARTS if parts else ():
            yield f"{above}*{name}//{of}", lambda at, v=values, t=above, f=of: t * v[at] // f  # type: ignore[misc]
    channels = dict(bases)
    if new == "" and channels.keys() >= {"C", "c"}:
        yield "C//c", lambda at, a=channels["C"], b=channels["c"]: a[at] // b[at]  # type: ignore[misc]
    bases = [base for base in bases if not is_ratio(base[0])]
    for (left, a), (right, b) in combinations(bases, 2):
        if new not in ("", left, right) or {left, right} == {"C", "c"}:
            continue
        yield f"{left} + {right}", lambda at, a=a, b=b: a[at] + b[at]  # type: ignore[misc]
        yield f"{left} - {right}", lambda at, a=a, b=b: a[at] - b[at]  # type: ignore[misc]
        yield f"{right} - {left}", lambda at, a=a, b=b: b[at] - a[at]  # type: ignore[misc]


def is_ratio(name: str) -> bool:
    """Whether a parameter is a factor for the number of channels."""
    return name.rstrip("0123456789") == "t"


def _multiple(value: int) -> int:
    """`multiple(value, 8)`."""
    rounded = max(8, (value + 4) // 8 * 8)
    return rounded + 8 if 10 * rounded < 9 * value else rounded


def condition(
    present: Numbers,
    parameters: list[Parameter],
    factors: Sequence[int] = (),
    own: Container[str] = (),
) -> str | None:
    """The simplest condition that holds exactly where the values are True, or None. `factors`: the multiples
    of widths in the block. `own`: the parameters that the part itself reads, which may be 0 where it is
    absent."""
    expected = present.values
    atoms = list(_atoms(present, parameters, factors, own))
    for text, values in atoms:
        if values == expected:
            return text
    plain = [atom for atom in atoms if "*" not in atom[0]]
    never = [one for one in plain if not any(one[1][at] for at, value in expected.items() if not value)]
    for (left, a), (right, b) in combinations(never, 2):
        if all(a[at] or b[at] for at, value in expected.items() if value):
            return f"{left} or {right}"
    always = [one for one in plain if all(one[1][at] for at, value in expected.items() if value)]
    for (left, a), (right, b) in combinations(always, 2):
        if not any(a[at] and b[at] for at, value in expected.items() if not value):
            return f"{left} and {right}"
    return None


def _atoms(
    present: Numbers, parameters: list[Parameter], factors: Sequence[int], own: Container[str]
) -> Iterator[tuple[str, dict[Instance, bool]]]:
    at = list(present.values)
    full = [parameter for parameter in parameters if all(inst[0] in parameter.values for inst in at)]
    for one in full:
        if one.kind == "truth":
            yield one.name, {inst: one.values[inst[0]] for inst in at}
            yield f"not {one.name}", {inst: not one.values[inst[0]] for inst in at}
    same = all(present.here[inst] == present.entry[inst[0]] for inst in at)
    name = "C" if same else "c"
    entry = {inst: present.entry[inst[0]] for inst in at}
    numbers = [one for one in full if one.kind == "number"]
    for parameter in numbers:
        if parameter.name == "s":
            yield "s > 1", {inst: parameter.values[inst[0]] > 1 for inst in at}
            yield "s == 1", {inst: parameter.values[inst[0]] == 1 for inst in at}
        elif parameter.name in own:
            yield f"{parameter.name} > 0", {inst: parameter.values[inst[0]] > 0 for inst in at}
    for factor in (1, *factors):
        for one in numbers:
            if is_width(one.name):
                right = one.name if factor == 1 else f"{factor}*{one.name}"
                values = {inst: factor * one.values[inst[0]] for inst in at}
                yield f"{name} != {right}", {inst: entry[inst] != values[inst] for inst in at}
                yield f"{name} == {right}", {inst: entry[inst] == values[inst] for inst in at}
    for one in numbers:
        if one.name != "s" and not is_ratio(one.name):
            continue
        for value in sorted({one.values[inst[0]] for inst in at})[:12]:
            text = written_number(value)
            yield f"{one.name} != {text}", {inst: one.values[inst[0]] != value for inst in at}
            yield f"{one.name} == {text}", {inst: one.values[inst[0]] == value for inst in at}
            yield f"{one.name} > {text}", {inst: one.values[inst[0]] > value for inst in at}


def is_width(name: str) -> bool:
    """Whether a parameter is a number of channels."""
    return name.rstrip("0123456789") in ("k", "mid")


def written_value(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return written_sizes(value) if isinstance(value, tuple) else written_number(value)
