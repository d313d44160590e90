"""The text between two stacks: the layer between them, in two short lines."""

from __future__ import annotations

from cnnspec.drawing.volumes.volume import Volume
from cnnspec.drawing.volumes.words import behind, extent, fold_name, name_of, stride, times, window


def caption(volume: Volume) -> list[str]:
    """The lines: `5×5`, `convolution`; then the activation."""
    if volume.op is None:
        name = fold_name(volume)
        return [f"{name} ×{volume.count:,}" if volume.count > 1 else name]
    op, size = volume.op, window(volume.op)
    first = extent(size) if size else ""
    steps = stride(op)
    if first and volume.kind != "pool" and max(steps, default=1) > 1:
        first += f", /{steps[0]}" if len(set(steps)) == 1 else f", /{times(steps)}"
    words = name_of(op)
    if first:
        lines = [first, words]
    else:
        lines = words.rsplit(" ", 1) if len(words) > 12 else [words]
    activations = behind(volume.after)
    return [*lines, activations.strip()] if activations else lines
