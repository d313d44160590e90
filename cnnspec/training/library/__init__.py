"""Functions and classes of training programs; copied as text."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from cnnspec.lower import library

ROOMS = (
    "processes",
    "samples",
    "files",
    "tables",
    "maps",
    "augment",
    "losses",
    "steps",
    "checkpoints",
    "report",
)
"""The files, in the order of a program."""


@cache
def pieces(sharded: bool = False) -> Mapping[str, library.Piece]:
    """All functions and classes by name, in the order of a program."""
    folder = Path(__file__).parent
    found = dict(library.pieces(folder, *ROOMS))
    return found | library.pieces(folder, "sharded") if sharded else found
