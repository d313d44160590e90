"""The recipes that NumPy programs support: everything else is refused with a reference to the torch
target."""

from __future__ import annotations

from pydantic import BaseModel

from cnnspec.lower.names import string
from cnnspec.training.network import Network
from cnnspec.training.read import Reading
from cnnspec.training.recipe import Digits, Folder, Npz, Recipe, Torchvision

SOURCES = (Digits, Npz, Folder, Torchvision)
FITS = ("exact", "pad", "resize")
KEYS = {
    "augment": {"flip", "crop", "erase"},
    "run": {"accumulate", "clip", "ema", "deterministic", "save_every", "patience"},
}
"""The keys of these sections that NumPy programs support."""


def refused(recipe: Recipe, network: Network, reading: Reading) -> bool:
    """Reports everything that needs torch; whether there was anything."""
    before = len(reading.sink)

    def report(what: str, *path: str) -> None:
        hint = "--target torch, or leave it out"
        reading.sink.report("E825", f"{what} needs torch", reading.value(*path), help=hint)

    if not readable(recipe, network, reading, "--target torch"):
        return True
    if getattr(recipe.data, "stream", False):
        report("stream in [data]", "data", "stream")
    for name, known in KEYS.items():
        section: BaseModel = getattr(recipe, name)
        for key, field in type(section).model_fields.items():
            if key not in known and getattr(section, key) != field.default:
                report(f"{key} in [{name}]", name, key)
    if any(output.maps for output in network.outputs):
        for key in ("flip", "crop"):
            if getattr(recipe.augment, key):
                report(f"{key} of images with label maps", "augment", key)
    return len(reading.sink) > before


def readable(recipe: Recipe, network: Network, reading: Reading, help: str) -> bool:
    """Whether a NumPy program can read the data; reports a finding with this help if not."""
    data = recipe.data
    others = []
    if not isinstance(data, SOURCES):
        others.append("source")
    elif data.fit not in FITS or (data.fit != "exact" and any(one.maps for one in network.outputs)):
        others.append("fit")
    if any(output.middle for output in network.outputs):
        message = "the middle of label maps as the target needs torch"
        reading.sink.report("E825", message, reading.key("data"), help=help)
        return False
    for key in others:
        message = f"{key} = {string(getattr(data, key))} in [data] needs torch"
        reading.sink.report("E825", message, reading.value("data", key), help=help)
    return not others
