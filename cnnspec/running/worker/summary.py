"""A summary of a volume in a few numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cnnspec.running.worker.program import Array

SMALL = 12
"""The most rows and columns of a map that is shown number by number; the planes of a volume are one after
another."""
FEW = 48
"""The most rows that are shown number by number, over all maps."""
SHORT = 16
"""The longest vector that is shown number by number."""


def summary(volume: Array) -> dict[str, Any]:
    """The shape (without the batch), statistics over all images, and the first image's numbers where these
    are few."""
    shape = list(volume.shape[1:])
    with np.errstate(all="ignore"):
        numbers: dict[str, Any] = {
            "shape": shape,
            "mean": float(volume.mean(dtype=np.float64)),
            "std": float(volume.std(dtype=np.float64)),
            "min": float(volume.min()),
            "max": float(volume.max()),
            "norm": float(np.sqrt(np.square(volume, dtype=np.float64).sum())),
            "zeros": float(np.count_nonzero(volume == 0) / volume.size),
        }
    if _few(shape):
        numbers["values"] = planes(volume[0]).astype(np.float64).tolist()
    return numbers


def _few(shape: list[int]) -> bool:
    if len(shape) == 1:
        return shape[0] <= SHORT
    C, *outer, W = shape
    rows = math.prod(outer)
    return max(rows, W) <= SMALL and C * rows <= FEW


def planes(volume: Array) -> Array:
    """Maps as rows and columns: a signal is one row, the planes of a volume are below one another."""
    return volume if volume.ndim in (1, 3) else volume.reshape(len(volume), -1, volume.shape[-1])
