"""When a part of a block exists: a condition over the block's parameters, or a new parameter that switches
it."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import prod
from typing import Any

from cnnspec.structure import names
from cnnspec.structure.draft import Draft, Unsolved, by_use
from cnnspec.structure.express import Numbers, Parameter, condition, expression, is_width
from cnnspec.structure.parts import Use
from cnnspec.structure.pattern import Group, Track, sites_in


def factors(draft: Draft) -> list[int]:
    """The multiples of widths in the block: 4 for `4*mid`."""
    multiples = set()
    for slot in draft.slots:
        times, joint, name = (expression(slot.numbers, draft.parameters) or "").partition("*")
        if joint and times.isdigit() and is_width(name):
            multiples.add(int(times))
    return sorted(multiples)


def condition_of(draft: Draft, group: Group | Track, present: Numbers, factors: list[int]) -> str:
    """A condition for a part that is `present` in some instances; a new switch where no condition fits."""
    sites = [*sites_in(group)] if isinstance(group, Track) else group.sites
    own = {expression(slot.numbers, draft.parameters) or "" for slot in draft.slots if slot.site in sites}
    text = condition(present, draft.parameters, factors, own)
    if text is None and isinstance(group, Group):
        text = _ratio(draft, group, present)
    if text is None:
        text = _of_others(draft, group, present)
    if text is not None:
        return text
    values = by_use(present.values)
    if values is None:
        raise Unsolved
    switch = Parameter(draft.free(_switch(draft, group)), "truth", values)
    draft.parameters.append(switch)
    return switch.name


def _of_others(draft: Draft, group: Group | Track, present: Numbers) -> str | None:
    """A condition over a parameter that the other uses do not need: these get a value for which it is
    false."""
    values = by_use(present.values)
    for parameter in draft.parameters:
        missing = {one[0] for one in present.values} - set(parameter.values)
        if missing and is_width(parameter.name) and not _is_use(group):
            if text := _assuming(parameter, {use: draft.entry[use] for use in missing}, present):
                return text
        if not missing or parameter.kind != "number":
            continue
        if all(value > 0 for value in parameter.values.values()):
            assumed = parameter.values | dict.fromkeys(missing, 0)
            if all((assumed[one[0]] > 0) == value for one, value in present.values.items()):
                parameter.values = assumed
                return f"{parameter.name} > 0"
        value = next(one for one in (0, 1, -1) if one not in parameter.values.values())
        if parameter.name == "t" and 1 not in parameter.values.values():
            value = 1
        if values is not None and value >= 0:
            if text := _assuming(parameter, dict.fromkeys(missing, value), present):
                return text
    return None


def _is_use(group: Group | Track) -> bool:
    """Whether a part is the use of a block: its width does not show whether it is present."""
    return isinstance(group, Group) and all(isinstance(site.first, Use) for site in group.sites)


def _assuming(parameter: Parameter, values: Mapping[int, Any], present: Numbers) -> str | None:
    """A condition, if there is one when the uses without a value have these values."""
    before = parameter.values
    parameter.values = before | dict(values)
    text = condition(present, [parameter])
    if text is None:
        parameter.values = before
    return text


def _ratio(draft: Draft, group: Group, present: Numbers) -> str | None:
    """`if t != 1 [ conv F1 K=t*C ]`, where the part multiplies the number of channels."""
    for slot in draft.slots:
        if slot.site is not group.sites[0] or slot.field != "K":
            continue
        values = slot.numbers.values
        ratios = {one: Fraction(value, slot.numbers.here[one]) for one, value in values.items()}
        times = by_use({one: int(ratio) for one, ratio in ratios.items() if ratio.denominator == 1})
        uses_with = {one[0] for one, value in present.values.items() if value}
        if not times or times.keys() != uses_with or 1 in times.values():
            return None
        times |= {one[0]: 1 for one, value in present.values.items() if not value}
        parameter = Parameter(draft.free("t"), "number", times, family="ratio")
        draft.parameters.append(parameter)
        slot.text = f"{parameter.name}*C"
        return f"{parameter.name} != 1"
    return None


def _switch(draft: Draft, group: Group | Track) -> str:
    """A new parameter that switches a part on, named after its layers; returns the condition."""
    site = group.sites[0] if group.sites else None
    if site is None:
        return "residual"
    if isinstance(site.first, Use):
        return site.first.region.block
    shape = draft.network.shape
    if any(prod(shape(one.first.end)[1:]) < prod(shape(one.first.begin)[1:]) for one in group.sites):
        return "down"
    layer = getattr(site.first, "layer", None)
    own_name = names.cleaned(draft.network.layers[layer].name) if isinstance(layer, int) else ""
    word = site.first.op.word if hasattr(site.first, "op") else "more"
    return (
        own_name
        if own_name and own_name.rstrip("0123456789") != word and own_name[0] != "x"
        else f"with_{word}"
    )
