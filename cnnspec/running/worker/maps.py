"""Feature maps as images: a layer's maps side by side on one sheet, from black for its least number to white
for its largest."""

from __future__ import annotations

import os

import numpy as np

from cnnspec.running.worker.messages import Missing
from cnnspec.running.worker.program import Array

MOST_MAPS = 256
LEAST_SIDE = 32
"""The least side of a map in pixels: smaller maps are drawn with larger squares."""
MOST_SIDE = 256
GAP = 2
GREY = 64


def save_sheet(folder: str, number: int, name: str, volume: Array) -> list[str]:
    """Saves the first image's maps as `012-body.stage1.0.conv1.png` and returns the name; none for a vector.
    A signal is an image with one row per channel, a volume has one map per channel and plane."""
    try:
        from PIL import Image
    except ImportError as error:
        raise Missing("images", str(error)) from None
    if volume.ndim < 3 or set(volume.shape[2:]) == {1}:
        return []
    first = volume[:1] if volume.ndim == 3 else volume[0]
    safe = "".join(char if char.isascii() and (char.isalnum() or char in "._-") else "_" for char in name)
    file = f"{number:03}-{safe[:120]}.png"
    os.makedirs(folder, exist_ok=True)
    Image.fromarray(sheet(first.reshape(-1, *first.shape[-2:]))).save(os.path.join(folder, file), "PNG")
    return [file]


def sheet(maps: Array) -> Array:
    """(C, H, W) as one grey image, about as wide as it is high; all maps of a layer have the same scale."""
    maps = maps[:MOST_MAPS].astype(np.float64)
    step = max(1, -(-max(maps.shape[1:]) // MOST_SIDE))
    maps = maps[:, ::step, ::step]
    low, high = float(maps.min()), float(maps.max())
    grey = np.zeros(maps.shape) if high <= low or not np.isfinite(high - low) else (maps - low) / (high - low)
    squares = max(1, -(-LEAST_SIDE // max(maps.shape[1:])))
    pixels = np.kron(np.round(grey * 255).astype(np.uint8), np.ones((1, squares, squares), np.uint8))
    C, H, W = pixels.shape
    columns = int(np.ceil(np.sqrt(C * (H + GAP) / (W + GAP))))
    rows = -(-C // columns)
    picture = np.full((rows * (H + GAP) + GAP, columns * (W + GAP) + GAP), GREY, np.uint8)
    for number, pixel in enumerate(pixels):
        top = GAP + number // columns * (H + GAP)
        left = GAP + number % columns * (W + GAP)
        picture[top : top + H, left : left + W] = pixel
    return picture
