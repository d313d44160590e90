"""Finds a block's parameters: differences between its uses become expressions, and those that no expression
fits become parameters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from cnnspec.ops.base import written_number
from cnnspec.structure.conditions import condition_of, factors
from cnnspec.structure.defaults import fill, ordered
from cnnspec.structure.draft import Draft, Unsolved, begun
from cnnspec.structure.express import Parameter, expression
from cnnspec.structure.parameters import choose, rename
from cnnspec.structure.parts import Leaf
from cnnspec.structure.pattern import Pattern, Track, sites_in
from cnnspec.structure.slots import Slot
from cnnspec.structure.text import Writer


def solved(writer: Writer, pattern: Pattern, calls: Sequence[Sequence[int]] = ()) -> list[Parameter]:
    """The parameters of a block; sets the texts of the differing arguments in its pattern. `calls`: the
    positions of the calls that each use stands for."""
    draft = begun(writer, pattern, calls)
    if len(pattern.bodies) > 1:
        choose(draft)
        rename(draft)
        times = factors(draft)
        for group, present in draft.groups:
            group.condition = condition_of(draft, group, present, times)
        fill(draft)
    for slot in draft.slots:
        text = slot.text or expression(slot.numbers, [] if slot.numbers.fixed else draft.parameters)
        if text is None:
            raise Unsolved
        if slot.step is not None:
            text = _growing(text, slot.step)
        if slot.kind == "layer":
            slot.site.layer = text
        elif slot.axis is None:
            slot.site.texts[slot.field] = text
        else:
            before = f"{slot.site.texts[slot.field]}x" if slot.axis else ""
            slot.site.texts[slot.field] = before + (text if text.isdigit() else f"({text})")
    _strides(draft)
    _letters(draft)
    return ordered(draft)


def _strides(draft: Draft) -> None:
    """`if s > 1 [ conv F1 S=s K=k ]`, not `S2`: a part that only some uses have has their stride."""
    stride = next(
        (parameter for parameter in draft.parameters if parameter.name == "s" and parameter.kind == "number"),
        None,
    )
    if stride is None:
        return
    for group, _ in draft.groups:
        sites = sites_in(group) if isinstance(group, Track) else group.sites
        for site in (one for one in sites if isinstance(one.first, Leaf) and "S" not in one.texts):
            steps = {one[0]: set(getattr(step.op, "S", None) or ()) for one, step in site.at.items()}
            if all(each == {stride.values.get(use)} != {1} for use, each in steps.items()):
                site.texts["S"] = "s"


def _letters(draft: Draft) -> None:
    """Where one size needs a letter, such as `f(F1x7 P0x3 K64)`, turns all parameters that can be letters
    into letters."""
    if not any(one.kind == "letter" for one in draft.parameters):
        return
    conditions = " ".join(group.condition for group, _ in draft.groups)
    for parameter in draft.parameters:
        reads = [slot for slot in draft.slots if re.search(rf"\b{parameter.name}\b", _text(slot))]
        fields = {slot.field for slot in reads if _text(slot) == parameter.name}
        letter = fields.pop() if len(fields) == 1 else ""
        plain = all(_text(slot) == parameter.name and isinstance(slot.site.first, Leaf) for slot in reads)
        free = all(other.name != letter for other in draft.parameters)
        if parameter.kind != "number" or not re.fullmatch("[FSPKGD]", letter) or not plain or not free:
            continue
        if not re.search(rf"\b{parameter.name}\b", conditions):
            parameter.name, parameter.kind = letter, "letter"
            for slot in reads:
                slot.site.texts[slot.field] = letter


def _text(slot: Slot) -> str:
    return slot.site.layer if slot.kind == "layer" else slot.site.texts[slot.field]


def _growing(start: str, step: Fraction) -> str:
    """`i/170`, `(i + 3)/170`, `0.1 + 0.025*i`."""
    if later := re.fullmatch(r"(\w+) \+ ([0-9./]+)", start):  # a rate from another parameter on
        return f"{later[1]} + {_growing(later[2], step)}"
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
