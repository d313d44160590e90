"""The writers, one per format: a function from grids to text, which escapes all text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module

from cnnspec.drawing.table.cells import Grid


def written(grids: Sequence[Grid], form: str) -> str:
    """The tables in one of the formats: by `write` in the file of that name (`csv_` and `json_`, because
    Python has modules `csv` and `json`)."""
    name = f"{form}_" if form in ("csv", "json") else form
    write: Callable[[Sequence[Grid]], str] = import_module(f"cnnspec.drawing.table.formats.{name}").write
    return write(grids)
