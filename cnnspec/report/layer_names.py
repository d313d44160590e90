"""The message about a layer that a network does not have."""

from __future__ import annotations

from cnnspec.diagnostics.printable import printable
from cnnspec.diagnostics.suggest import did_you_mean

MOST_LISTED = 24


def no_layer(file: str, layer: str | None, names: list[str]) -> str:
    head, near, listed = f"{file} has no layer without errors", "", names
    if layer is not None:
        head = f"{file} has no layer {layer}"
        levels = layer.split(".")
        longer = next((name for name in names if _in_order(levels, name.split("."))), None)
        near = f"; did you mean {longer}?" if longer is not None else ""
        parts = {name.rsplit(".", level)[0] for name in names for level in range(1, name.count(".") + 1)}
        if not near and (suggestion := did_you_mean(layer, [*names, *parts])):
            near = f"; {suggestion}"
        listed = names
        while levels and len(listed) == len(names):  # names below the part of the path that exists
            levels.pop()
            listed = [name for name in names if name.split(".")[: len(levels)] == levels] or names
    shown = ", ".join(listed[:MOST_LISTED]) + (f", … ({len(listed):,})" if len(listed) > MOST_LISTED else "")
    return printable(head + near) + "\n" + (f"  its layers: {printable(shown)}\n" if names else "")


def _in_order(levels: list[str], path: list[str]) -> bool:
    """Whether all levels are in a path, in this order, the last one at its end."""
    rest = iter(path)
    return path[-1] == levels[-1] and all(level in rest for level in levels)
