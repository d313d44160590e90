"""A block whose parameters are being found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cnnspec.sources.layers import LayerList
from cnnspec.structure import names
from cnnspec.structure.express import Numbers, Parameter
from cnnspec.structure.pattern import Group, Instance, Pattern, Site, Track
from cnnspec.structure.slots import Differences, Slot
from cnnspec.structure.text import Writer


class Unsolved(Exception):
    """The uses have no common form."""


@dataclass(eq=False, repr=False)
class Draft:
    """A block with its differences between uses (`slots`, `groups`; `last` is its last layer with filters),
    and the `parameters` so far. entry, channels_out: the numbers of input and output channels, by use. calls:
    the positions of the calls that each use stands for."""

    network: LayerList
    pattern: Pattern
    calls: Sequence[Sequence[int]]
    entry: Mapping[int, int]
    channels_out: Mapping[int, int]
    slots: list[Slot]
    groups: list[tuple[Group | Track, Numbers]]
    last: Site | None
    parameters: list[Parameter] = field(default_factory=list)

    def free(self, *candidates: str) -> str:
        """The first of the names that no parameter has."""
        return names.free(candidates, {"c", "h", "w", *(parameter.name for parameter in self.parameters)})


def begun(writer: Writer, pattern: Pattern, calls: Sequence[Sequence[int]]) -> Draft:
    """The draft of a block whose parameters are not known yet."""
    differences = Differences(writer, pattern)
    shape = writer.network.shape
    channels_out = {number: shape(body.outputs[0])[0] for number, body in enumerate(pattern.bodies)}
    return Draft(
        writer.network,
        pattern,
        calls,
        differences.entry,
        channels_out,
        differences.slots,
        differences.groups,
        differences.last,
    )


def by_use(values: Mapping[Instance, Any]) -> dict[int, Any] | None:
    """The value in each use, where all passes of a repeat have the same; else None."""
    values_by_use: dict[int, Any] = {}
    for number, value in values.items():
        if values_by_use.setdefault(number[0], value) != value:
            return None
    return values_by_use
