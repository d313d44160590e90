"""Functions and classes of NumPy training programs; copied as text."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from cnnspec.lower import library

ROOMS = ("chance", "samples", "augment", "losses", "files")
"""The modules, in the order of a program."""


@cache
def pieces() -> Mapping[str, library.Piece]:
    """All functions and classes by name, in the order of a program."""
    return library.pieces(Path(__file__).parent, *ROOMS)
