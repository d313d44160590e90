"""A strip that is too long for a figure: volumes in its middle, and rows beyond the limit, are folded."""

from __future__ import annotations

from cnnspec.drawing.volumes.volume import Link, Strip, Volume

ROWS = 8
"""The most rows."""


def shortened(strip: Strip, longest: int) -> Strip:
    """The strip as it is drawn: rows of more than `longest` volumes are folded by the size of their maps, and
    rows beyond the limit become one volume."""
    became: dict[Volume, Volume] = {}
    rows = [_folded_row(row, longest, became) for row in strip.rows]
    heads = list(strip.heads)
    if len(rows) > ROWS:
        rest = [volume for row in rows[ROWS - 1 :] for volume in row]
        rows, heads = [*rows[: ROWS - 1], [fold_of(rest, became)]], [*heads[: ROWS - 1], heads[ROWS - 1]]
    return with_folds(strip, rows, heads, became)


def with_folds(
    strip: Strip, rows: list[list[Volume]], heads: list[Volume | None], became: dict[Volume, Volume]
) -> Strip:
    """The strip with these rows, where some volumes have been replaced by others."""
    if not became:
        return strip

    def now(volume: Volume) -> Volume:
        while volume in became:
            volume = became[volume]
        return volume

    links = [Link(now(link.start), now(link.end), link.cropped, link.via) for link in strip.links]
    kept = {(link.start, link.end): link for link in links if link.start is not link.end}
    outputs = [now(output) for output in strip.outputs]
    return Strip(rows, [head and now(head) for head in heads], [*kept.values()], outputs)


def _folded_row(row: list[Volume], longest: int, became: dict[Volume, Volume]) -> list[Volume]:
    """Folds the volumes on maps of one size first, then those in the middle."""
    if len(row) <= longest:
        return row
    folded: list[list[Volume]] = []
    for volume in row:
        if folded and folded[-1][0].axes == volume.axes and volume.kind != "input":
            folded[-1].append(volume)
        else:
            folded.append([volume])
    if len(folded) > longest:
        half = longest // 2
        middle = [volume for stretch in folded[half:-half] for volume in stretch]
        folded = [*folded[:half], middle, *folded[-half:]]
    return [fold_of(stretch, became) for stretch in folded]


def fold_of(volumes: list[Volume], became: dict[Volume, Volume]) -> Volume:
    """A fold of several volumes, with the shape of the last one."""
    if len(volumes) == 1:
        return volumes[0]
    last, kinds = volumes[-1], {volume.kind for volume in volumes}
    layers = sum(volume.layers + sum(source.layers for source in volume.sources) for volume in volumes)
    fold = Volume(last.name, last.shape, kinds.pop() if len(kinds) == 1 else "block", layers=layers)
    fold.title, fold.note, fold.label = "several layers", f"{layers:,} layers", last.label
    if fold.kind == "input":
        fold.title, fold.note = "", f"{len(volumes):,} inputs"
    became.update(dict.fromkeys(volumes, fold))
    return fold
