"""A table of one network: one row for each group of parts, one column for each of its properties."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from cnnspec.drawing.table.cells import EMPTY, Cell, Content, Grid, Line, Row, text
from cnnspec.drawing.table.groups import Group
from cnnspec.drawing.table.networks import weights_of


class Listed(NamedTuple):
    """A row: the group and its weights."""

    group: Group
    weights: int


class Column(NamedTuple):
    """A column: its title, its alignment, and the function that gives its content in a row."""

    title: Line
    align: str
    show: Callable[[Listed], Content]


def listed(groups: Sequence[Group], columns: Sequence[Column], title: str = "") -> Grid:
    """The table."""
    weights = weights_of(group.parts for group in groups)
    rows = [Row(tuple(Cell((column.title,) if column.title else EMPTY, head=True) for column in columns))]
    for group, own in zip(groups, weights, strict=True):
        row = Listed(group, own)
        rows.append(Row(tuple(Cell(column.show(row)) for column in columns), "" if len(rows) > 1 else "full"))
    return Grid("".join(column.align for column in columns), tuple(rows), title=title)


def content(*pieces: str) -> Content:
    """A cell with one line of text; empty where the text is empty."""
    line = text(*pieces)
    return (line,) if line else EMPTY
