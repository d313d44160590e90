"""Fewer bars where a figure of levels is too wide: consecutive steps on maps of about one size become one
step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from cnnspec.drawing.volumes.levels.inks import counted, meaning
from cnnspec.drawing.volumes.shorter import fold_of, with_folds
from cnnspec.drawing.volumes.volume import Strip, Volume

LONG = 60
"""The longest text, in characters, for a fold in the legend."""


def of_one_kind(before: Volume, volume: Volume) -> bool:
    """Whether two steps have the same meaning."""
    return meaning(before) == meaning(volume)


def any_kind(before: Volume, volume: Volume) -> bool:
    return True


def fewer(strip: Strip, together: Callable[[Volume, Volume], bool]) -> Strip:
    """The strip with one volume for each run of steps that stay on a level and may be joined (`together`). A
    volume at which a skip or another row begins or ends is the last of its run."""
    ends = {link.end for link in strip.links}
    kept = {link.start for link in strip.links} | ends | {*strip.heads} | {*strip.outputs}
    became: dict[Volume, Volume] = {}
    rows = []
    for row in strip.rows:
        runs: list[list[Volume]] = []
        for volume in row:
            last = runs[-1][-1] if runs else None
            goes_on = (
                last is not None and last not in kept and volume not in ends and last.kind != "input"
                and _on_one_level(last, volume) and together(last, volume)
            )  # fmt: skip
            if goes_on:
                runs[-1].append(volume)
            else:
                runs.append([volume])
        rows.append([_one(run, became) for run in runs])
    return with_folds(strip, rows, strip.heads, became)


def _on_one_level(before: Volume, volume: Volume) -> bool:
    if before.is_vector or volume.is_vector or len(before.axes) != len(volume.axes):
        return before.is_vector and volume.is_vector
    pairs = zip(before.axes, volume.axes, strict=True)
    return before.kind != "resize" != volume.kind and all(0.8 < a / b < 1.25 for a, b in pairs)


def _one(run: Sequence[Volume], became: dict[Volume, Volume]) -> Volume:
    if len(run) == 1:
        return run[0]
    fold = fold_of([*run], became)
    steps = [(text, len([*same])) for text, same in groupby(map(meaning, run))]
    text = ", ".join(counted(text, count) for text, count in steps)
    fold.title = text if len(text) <= LONG else fold.title
    return fold
