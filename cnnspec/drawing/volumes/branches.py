"""Branches that meet again after a few layers become one volume: they are a block that has no name in the
spec.

The remaining branches are the skips: from an encoder to its decoder, and a few shortcuts past single
layers."""

from __future__ import annotations

from cnnspec.drawing.volumes.bodies import is_sum
from cnnspec.drawing.volumes.volume import Source, Volume, grown
from cnnspec.ops import Op

SHORTCUTS, EXPANDED, PAST = 3, 16, 6
"""The most shortcuts that are drawn, the most where blocks are expanded, and the most volumes that each may
pass."""
STAGES, OPEN = 3, 16
"""The number of different map sizes that rules out a single block, and the most volumes that are then
drawn."""
FAR = 200
"""The largest distance, in volumes, in which the start of a branch is searched."""


def closed_branches(
    volumes: list[Volume], most: int = SHORTCUTS
) -> tuple[list[Volume], dict[Volume, Volume]]:
    """The remaining volumes, and the volume that replaces each of the others. `volumes` are in an order in
    which each comes after its sources. Up to `most` shortcuts stay."""
    order = {volume: place for place, volume in enumerate(volumes)}
    readers: dict[Volume, set[Volume]] = {volume: set() for volume in volumes}
    for volume in volumes:
        for source in volume.sources:
            readers[source.volume].add(volume)
    stretches: dict[Volume, tuple[Volume, list[Volume]]] = {}
    above: dict[Volume, Volume | None] = {}
    for volume in volumes:
        start = above[volume] = _fork([source.volume for source in volume.sources], above, order)
        if len(volume.sources) < 2 or start is None:
            continue
        inside = _between(start, volume)
        alone = inside is not None and all(readers[one] <= {*inside, volume} for one in inside)
        if inside is None or not alone or _comes_back_up(inside, volume):
            continue
        if _is_network(start, inside, volume):
            continue
        stretches[volume] = start, inside
    lateral = 1 if most > SHORTCUTS else 0
    shortcuts = [
        end for end, (start, inside) in stretches.items() if _is_shortcut(end, start, inside, lateral)
    ]
    became: dict[Volume, Volume] = {}
    for end, (start, inside) in stretches.items():
        if end not in shortcuts or len(shortcuts) > most:
            inside = [one for one in inside if one not in became]
            _close(end, start, inside)
            became.update(dict.fromkeys(inside, end))
    return [volume for volume in volumes if volume not in became], became


def _fork(
    sources: list[Volume], above: dict[Volume, Volume | None], order: dict[Volume, int]
) -> Volume | None:
    """The last volume that all paths to these pass through."""
    ways = [*sources]
    for _ in range(FAR):
        if not ways:
            return None
        last = max(ways, key=order.__getitem__)
        if all(way is last for way in ways):
            return last
        before = above[last]
        if before is None:
            return None
        ways = [before if way is last else way for way in ways]
    return None


def _between(start: Volume, end: Volume) -> list[Volume] | None:
    """The volumes on the paths from `start` to `end`, without these two; None where there are too many."""
    volumes: list[Volume] = []
    seen, ways = {start}, [end]
    while ways:
        for source in ways.pop().sources:
            if source.volume not in seen:
                seen.add(source.volume)
                volumes.append(source.volume)
                ways.append(source.volume)
        if len(volumes) > FAR:
            return None
    return volumes


def _comes_back_up(inside: list[Volume], end: Volume) -> bool:
    """Whether maps get larger again on the path: an encoder and its decoder."""
    if any(one.kind == "resize" for one in inside):
        return True
    return any(not one.is_vector and grown(one, end) for one in inside)


def _is_network(start: Volume, inside: list[Volume], end: Volume) -> bool:
    """Whether maps of three or more sizes are on the path: several stages, not a block."""
    maps = [one.axes for one in (start, *inside, end) if not one.is_vector]
    return start.kind != "input" and len(inside) <= OPEN and len({*maps}) >= STAGES


def _is_shortcut(end: Volume, start: Volume, inside: list[Volume], lateral: int) -> bool:
    """Whether this is a chain of a few layers beside a branch that is empty, or has `lateral` layers."""
    chain = all(len(one.sources) == 1 and not one.is_vector for one in inside)
    past = any(_way_up(source.volume, start) <= lateral for source in end.sources)
    return chain and past and len(end.sources) == 2 and len(inside) <= PAST


def _way_up(volume: Volume, start: Volume) -> int:
    """The number of volumes between `start` and the volume that is read, at most two."""
    for count in range(2):
        if volume is start:
            return count
        volume = volume.sources[0].volume if volume.sources else start
    return 2


def _close(end: Volume, start: Volume, inside: list[Volume]) -> None:
    """Makes a fold of the volume at the end of the branches."""
    if end.op is not None:
        end.title = title_of(end.op)
    end.kind, end.op, end.parts = "block", None, ()
    end.layers += sum(one.layers for one in inside)
    end.sources = [Source(start)]


def title_of(merge: Op) -> str:
    """The name of branches without a name of their own, after the merge at their end."""
    names = {"add": "residual block", "mul": "gate", "concat": "branches", "max": "maximum of branches"}
    return names.get(merge.word, merge.word)


def without_sums(volumes: list[Volume]) -> tuple[list[Volume], dict[Volume, Volume]]:
    """Removes sums of branches: each becomes part of the volume on the longest path to it, which has the same
    shape."""
    became: dict[Volume, Volume] = {}
    kept: list[Volume] = []
    order = {volume: place for place, volume in enumerate(volumes)}
    for volume in volumes:
        for source in volume.sources:
            source.volume = became.get(source.volume, source.volume)
        if volume.op is None or not is_sum(volume.op) or volume.kind != "merge":
            kept.append(volume)
            continue
        main = max((source.volume for source in volume.sources), key=order.__getitem__)
        if main.kind == "input" or main.shape != volume.shape:
            kept.append(volume)
            continue
        main.sources += [source for source in volume.sources if source.volume is not main]
        main.layers += volume.layers
        main.after += [volume.op, *volume.after]
        main.label = volume.label or main.label
        became[volume] = main
    return kept, became
