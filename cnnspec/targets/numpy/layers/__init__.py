"""The layers of NumPy programs: copied as text into the programs that use them (see `lower.library`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cnnspec.lower import library

MODULES = (
    "net",
    "normalised",
    "windows",
    "conv",
    "deformable",
    "local",
    "pool",
    "norm",
    "activation",
    "dense",
    "resample",
    "merge",
    "attention",
    "loss",
)
"""The files, in the order of a program."""


def pieces() -> Mapping[str, library.Piece]:
    """All functions and classes by name, in the order of a program."""
    return library.pieces(Path(__file__).parent, *MODULES)
