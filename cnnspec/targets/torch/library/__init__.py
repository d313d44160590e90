"""What torch lacks: copied as text into the programs that use it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cnnspec.lower import library


def pieces() -> Mapping[str, library.Piece]:
    """All functions and classes by name, in the order of a program."""
    return library.pieces(Path(__file__).parent, "functions", "modules")


def reserved() -> frozenset[str]:
    """Names that mean something in every emitted file."""
    return frozenset(pieces()) | {"torch", "nn", "Tensor", "main"}
