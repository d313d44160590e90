"""Functions and classes of training programs; copied as text."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from cnnspec.lower import library

FOLDER = Path(__file__).parent
SHARED = ("samples", "files", "tables", "maps", "report", "chance", "common")
"""The modules that NumPy programs have, too."""
ROOMS = ("augment", "losses", "processes", "steps", "checkpoints")


@cache
def pieces(sharded: bool = False) -> Mapping[str, library.Piece]:
    """All functions and classes by name, in the order of a program."""
    pieces_ = {**library.pieces(FOLDER, *ROOMS), **library.pieces(FOLDER, *SHARED)}
    return pieces_ | library.pieces(FOLDER, "sharded") if sharded else pieces_
