"""The network as rows of volumes: the longest path through it (the spine), and the rows that branch off."""

from __future__ import annotations

from collections import Counter
from functools import partial

from cnnspec.drawing.options import Options
from cnnspec.drawing.volumes.branches import EXPANDED, SHORTCUTS, closed_branches, without_sums
from cnnspec.drawing.volumes.runs import merged_runs
from cnnspec.drawing.volumes.unfold import unfolded
from cnnspec.drawing.volumes.volume import Link, Strip, Volume
from cnnspec.ir.graph import Graph

DEFAULT = Options(style="volumes")


def strip_of(graph: Graph, options: Options = DEFAULT) -> Strip:
    """The rows and links of a network that has no errors."""
    volumes, values = unfolded(graph, options)
    outputs = [value.volume for value in values]
    closing = partial(closed_branches, most=EXPANDED if options.expand or options.levels else SHORTCUTS)
    for step in (merged_runs, closing, _by_depth, without_sums, merged_runs, _by_depth):
        volumes, became = step(volumes)
        outputs = [_latest(became, output) for output in outputs]
    depth = _depths(volumes)
    main = {
        volume: max(
            (source.volume for source in volume.sources), key=lambda one: (len(one.shape) > 1, depth[one])
        )
        for volume in volumes
        if volume.sources
    }
    spine = [max(outputs, key=depth.__getitem__)]
    while spine[-1] in main:
        spine.append(main[spine[-1]])
    spine.reverse()
    on_links = _onto_links(volumes, spine, outputs)
    rows, heads = _rows([volume for volume in volumes if volume not in on_links], spine, main)
    return Strip(rows, heads, _links(rows, heads), outputs)


def _latest(became: dict[Volume, Volume], volume: Volume) -> Volume:
    while volume in became:
        volume = became[volume]
    return volume


def _depths(volumes: list[Volume]) -> dict[Volume, int]:
    """The number of volumes on the longest path to each volume."""
    depth: dict[Volume, int] = {}
    for volume in volumes:
        depth[volume] = 1 + max((depth[source.volume] for source in volume.sources), default=0)
    return depth


def _by_depth(volumes: list[Volume]) -> tuple[list[Volume], dict[Volume, Volume]]:
    """Puts the main branch after the branches beside it, whatever their order in the text."""
    return sorted(volumes, key=_depths(volumes).__getitem__), {}


def _onto_links(volumes: list[Volume], spine: list[Volume], outputs: list[Volume]) -> set[Volume]:
    """Moves single layers between two volumes of the spine, such as a lateral 1x1 convolution, onto the
    link."""
    on_spine = set(spine)
    readers = Counter(source.volume for volume in volumes for source in volume.sources)
    moved: set[Volume] = set()
    for volume in spine:
        for source in volume.sources:
            lateral = source.volume
            single = len(lateral.sources) == 1 and readers[lateral] == 1 and lateral not in outputs
            if lateral in on_spine or not single or lateral.sources[0].volume not in on_spine:
                continue
            if lateral.op is not None and not lateral.sources[0].cropped:
                moved.add(lateral)
                source.volume = lateral.sources[0].volume
                source.via, source.layers = [lateral.op, *lateral.after], lateral.layers
    return moved


def _rows(
    volumes: list[Volume], spine: list[Volume], main: dict[Volume, Volume]
) -> tuple[list[list[Volume]], list[Volume | None]]:
    """Puts each volume that is not on the spine on a row of its own kind, after the volume that it reads."""
    rows: list[list[Volume]] = [spine]
    heads: list[Volume | None] = [None]
    last: dict[Volume, list[Volume]] = {}
    on_spine = set(spine)
    for volume in volumes:
        if volume in on_spine:
            continue
        before = main.get(volume)
        row = last.pop(before, None) if before is not None else None
        if row is None:
            row = []
            rows.append(row)
            heads.append(before)
        row.append(volume)
        last[volume] = row
    return rows, heads


def _links(rows: list[list[Volume]], heads: list[Volume | None]) -> list[Link]:
    """The inputs that are not from the volume before."""
    links = []
    for row, head in zip(rows, heads, strict=True):
        for before, volume in zip([head, *row], row, strict=False):
            step = next((source for source in volume.sources if source.volume is before), None)
            links += [
                Link(source.volume, volume, source.cropped, tuple(source.via))
                for source in volume.sources
                if source is not step  # a second input is a shortcut past this layer
            ]
    return links
