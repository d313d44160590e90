"""Functions and classes of NumPy training programs; copied as text."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from cnnspec.lower import library
from cnnspec.training.library import FOLDER, SHARED

ROOMS = ("augment", "losses", "checkpoints")
"""The modules besides those that all programs have."""


@cache
def pieces() -> Mapping[str, library.Piece]:
    """All functions and classes by name, in the order of a program."""
    own = library.pieces(Path(__file__).parent, *ROOMS)
    return {**own, **library.pieces(FOLDER, *SHARED)}
