"""The writers, one per format: a function from grids to text. Each escapes what it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module

from cnnspec.drawing.table.cells import Grid


def written(grids: Sequence[Grid], form: str) -> str:
    """The tables in one of the formats: `write` of the file of its name, or of `csv_`, `json_`, whose names
    Python has taken."""
    name = f"{form}_" if form in ("csv", "json") else form
    write: Callable[[Sequence[Grid]], str] = import_module(f"cnnspec.drawing.table.formats.{name}").write
    return write(grids)
