"""The text below a volume besides its channels: `×3`, `11×11, /4`, the name of an output."""

from __future__ import annotations

from cnnspec.drawing.volumes.volume import Strip, Volume
from cnnspec.drawing.volumes.words import extent, stride, times, window


def notes_of(strip: Strip) -> dict[Volume, str]:
    """The notes by volume; "" where the legend has all the information."""
    volumes = [volume for row in strip.rows for volume in row]
    windows = {
        (window(volume.op), stride(volume.op)) for volume in volumes if volume.op and volume.kind == "conv"
    }
    named = len(strip.outputs) > 1
    return {volume: _note(volume, len(windows) > 1, named and volume in strip.outputs) for volume in volumes}


def _note(volume: Volume, windows: bool, is_output: bool) -> str:
    if volume.note:
        return volume.note
    if is_output and volume.label:
        return volume.label
    if volume.kind == "input" and volume.name != "input":
        return volume.name
    if volume.count > 1:
        return f"×{volume.count:,}"
    if volume.op is not None and volume.kind == "conv" and windows and window(volume.op):
        steps = stride(volume.op)
        slower = f"/{steps[0]}" if len(set(steps)) == 1 else f"/{times(steps)}"
        return extent(window(volume.op)) + (f", {slower}" if max(steps, default=1) > 1 else "")
    return ""
