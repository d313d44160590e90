"""The meanings of a figure's colours: `3×3 convolution + BN + ReLU`, `max pooling`, a block's name."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.drawing.volumes.legend import Entry
from cnnspec.drawing.volumes.shades import Fills
from cnnspec.drawing.volumes.volume import Volume
from cnnspec.drawing.volumes.words import behind, extent, fold_name, name_of, window


def meanings(volumes: Sequence[Volume], fills: Fills) -> list[Entry]:
    """An entry for each colour, in the order of first use; inputs need none."""
    by_color: dict[str, list[Volume]] = {}
    for volume in volumes:
        if volume.kind != "input":
            by_color.setdefault(fills.of(volume), []).append(volume)
    return [Entry(color, _meaning(group, volumes[-1])) for color, group in by_color.items()]


def _meaning(group: list[Volume], last: Volume) -> str:
    ops = [volume.op for volume in group if volume.op is not None]
    if not ops:
        return fold_name(group[0])
    names = [*dict.fromkeys(map(name_of, ops))]
    if len(names) > 2:
        names = [_common(names)]
    text = ", ".join(names)
    sizes = {window(op) for op in ops}
    if len(sizes) == 1 and len(names) == 1 and all(sizes):
        text = f"{extent(sizes.pop())} {text}"
    inner = [volume for volume in group if volume.op is not None and volume is not last]
    further = {behind(volume.after) for volume in inner}
    return text + (further.pop() if len(further) == 1 else "")


def _common(names: list[str]) -> str:
    """The common name of several layers of a kind: `average pooling, max pooling, …` are `pooling`."""
    lasts = {name.rpartition(" ")[2] for name in names}
    return lasts.pop() if len(lasts) == 1 else ", ".join(names[:2]) + ", …"
