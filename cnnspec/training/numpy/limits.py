"""The recipes that NumPy programs support: everything else is refused with a reference to the torch
target."""

from __future__ import annotations

from cnnspec.training.read import Reading
from cnnspec.training.recipe import Recipe

KEYS = {
    "run": ("amp", "compile", "channels_last", "parallel", "tensorboard", "onnx"),
}
"""The keys of these sections that need torch."""


def refused(recipe: Recipe, reading: Reading) -> bool:
    """Report what needs torch; whether there is something."""
    before = len(reading.sink)
    for name, keys in KEYS.items():
        section = getattr(recipe, name)
        for key in keys:
            if getattr(section, key) != type(section).model_fields[key].default:
                hint = "--target torch, or leave it out"
                message = f"{key} in [{name}] needs torch"
                reading.sink.report("E825", message, reading.value(name, key), help=hint)
    return len(reading.sink) > before
