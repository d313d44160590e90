"""The common form of a block's uses: their steps merged into sites.

An *instance* is one pass through a part of a pattern: the number of the use, and inside a repeat also the
number of the pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from cnnspec.structure.parts import Body, Chain

Instance: TypeAlias = tuple[int, ...]


@dataclass(eq=False, repr=False)
class Site:
    """A step, as it is in each instance that has it. `refers`: the local numbers of the values that its
    arguments name. `tracks` are the branches of a merge, or the pass of a repeat. `texts` are the texts of
    arguments that differ between instances, by field; `layer` is the parameter that replaces the step."""

    at: dict[Instance, Any]  # the steps, by instance
    refers: tuple[int, ...] = ()
    tracks: list[Track] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    layer: str = ""

    @property
    def first(self) -> Any:
        return next(iter(self.at.values()))


@dataclass(eq=False, repr=False)
class Group:
    """Sites that exist under a condition, and (`otherwise`) those that exist where it does not hold."""

    sites: list[Site]
    condition: str = ""
    otherwise: list[Site] = field(default_factory=list)


@dataclass(eq=False, repr=False)
class Track:
    """A chain. A branch may be absent (`none`) in some instances, and exists under a `condition`. It begins
    at the local value `begin`, or at the current value, and may have further local values (`also`) there.
    `groups` are its sites as they are written."""

    at: dict[Instance, Chain]
    begin: int | None = None
    also: tuple[int, ...] = ()
    sites: list[Site] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    condition: str = ""


@dataclass(eq=False, repr=False)
class Pattern:
    """The uses of a block: their bodies, and the lines, each with the local numbers of the values at its
    end."""

    bodies: list[Body]
    lines: list[Track]

    def sites(self) -> Iterator[Site]:
        for line in self.lines:
            yield from sites_in(line)


def sites_in(track: Track) -> Iterator[Site]:
    for site in track.sites:
        yield site
        for inner in site.tracks:
            yield from sites_in(inner)
