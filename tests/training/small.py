"""A small network, its recipe and its data: for the commands that train."""

from __future__ import annotations

from pathlib import Path

import numpy as np

RECIPE = """\
[data]
source = "npz"
path = "data.npz"

[optimizer]
name = "sgd"
rate = 0.5

[schedule]
epochs = 2
batch = 8
"""


def write_small(folder: Path, name: str) -> None:
    """NAME.cnn, NAME.toml and data.npz: the brighter half of an image says its class."""
    (folder / f"{name}.cnn").write_text(f"model {name.title()}\ninput 1x4x4\nflatten -> fc 2\n")
    (folder / f"{name}.toml").write_text(RECIPE)
    labels = np.arange(48) % 2
    images = np.zeros((48, 4, 4), np.uint8)
    images[labels == 0, :2] = 255
    images[labels == 1, 2:] = 255
    arrays = {"x_train": images[:32], "y_train": labels[:32], "x_test": images[32:], "y_test": labels[32:]}
    np.savez(folder / "data.npz", **arrays)
