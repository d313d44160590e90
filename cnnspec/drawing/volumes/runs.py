"""Consecutive equal volumes become one with ×n: the passes of a repeat, the blocks of a stage."""

from __future__ import annotations

from collections import Counter

from cnnspec.drawing.volumes.volume import Volume

SEVERAL = 8
"""The most passes of a repeat of single layers that are drawn as volumes of their own."""


def merged_runs(volumes: list[Volume]) -> tuple[list[Volume], dict[Volume, Volume]]:
    """The remaining volumes, and the volume that replaces each of the others."""
    readers = Counter(source.volume for volume in volumes for source in volume.sources)
    sizes = Counter(volume.repeat for volume in volumes)
    kept: list[Volume] = []
    became: dict[Volume, Volume] = {}
    for volume in volumes:
        for source in volume.sources:
            source.volume = became.get(source.volume, source.volume)
        before = kept[-1] if kept else None
        if before is None or not _alike(before, volume, sizes) or readers[before] > 1:
            kept.append(volume)
            continue
        became[volume] = before
        readers[before] = readers[volume]
        before.count += volume.count
        before.layers += volume.layers
        before.shape = volume.shape
        before.label = volume.label or before.label
        before.after = volume.after
    return kept, became


def _alike(one: Volume, other: Volume, sizes: Counter[int]) -> bool:
    """Whether two neighbours are passes of the same repeat, or equal blocks, on maps of the same size."""
    if [source.volume for source in other.sources] != [one] or one.kind != other.kind:
        return False
    if one.axes != other.axes or one.title != other.title or one.kind == "input":
        return False
    together = one.repeat == other.repeat >= 0
    if one.op is not None or other.op is not None:
        same = one.op == other.op if one.shape == other.shape else together
        return same and together and sizes[one.repeat] > SEVERAL
    return together or (one.shape == other.shape and not one.label and not other.label)
