"""A table with one column per network: their rows side by side; layers that all of them have span all
columns."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple, TypeAlias

from cnnspec.drawing.table.cells import Cell, Content, Grid, Line, Matrix, Row, text
from cnnspec.drawing.table.groups import Group
from cnnspec.drawing.table.parts import Part

Show: TypeAlias = Callable[[Part], Content]


class Beside(NamedTuple):
    """Corresponding rows of all networks; None for a network without such a row."""

    key: Hashable
    groups: tuple[Group | None, ...]

    @property
    def first(self) -> Group:
        return next(group for group in self.groups if group is not None)


class Head(NamedTuple):
    """A column before those of the networks: its title, and the function that gives its content in a row."""

    title: str
    show: Callable[[Beside], Content]


class Total(NamedTuple):
    """A row below the others: its title, and a line for each network."""

    title: str
    lines: tuple[Line, ...]


def in_order(networks: Sequence[Sequence[Group]]) -> list[Beside]:
    """The rows of several networks, matched by their number if all have equally many (inputs of different
    sizes), else by their sizes."""
    if len(set(map(len, networks))) > 1:
        return beside(networks)
    return [Beside(place, groups) for place, groups in enumerate(zip(*networks, strict=True))]


def beside(networks: Sequence[Sequence[Group]]) -> list[Beside]:
    """The rows of several networks, in an order that agrees with each network's own as far as possible."""
    order: list[Hashable] = []
    for groups in networks:
        shared = any(group.key in order for group in groups)
        at = 0 if shared else len(order)
        for group in groups:
            if group.key in order:
                at = order.index(group.key) + 1
            else:
                order.insert(at, group.key)
                at += 1
    by_key = [{group.key: group for group in groups} for groups in networks]
    return [Beside(key, tuple(groups.get(key) for groups in by_key)) for key in order]


def compared(
    names: Sequence[Line],
    rows: Sequence[Beside],
    heads: Sequence[Head],
    show: Show,
    totals: Sequence[Total] = (),
) -> Grid:
    """The table. The layers with which all networks begin or end a row span their columns."""
    rows_ = [
        Row(
            (
                *(Cell((text(head.title),), head=True) for head in heads),
                *(Cell((name,), head=True) for name in names),
            )
        )
    ]
    for row in rows:
        cells = below([_shown(group, show) for group in row.groups], len(names))
        before = [Cell(head.show(row), rows=len(cells)) for head in heads]
        rows_.append(Row((*before, *cells[0]), "full"))
        rows_ += [Row(more, "part") for more in cells[1:]]
    for place, total in enumerate(totals):
        label = [Cell((text(total.title),), columns=len(heads), head=True)] if heads else []
        amounts = [Cell((line,) if line else ()) for line in total.lines]
        rows_.append(Row((*label, *amounts), "" if place else "full"))
    return Grid("c" * (len(heads) + len(names)), tuple(rows_))


def _shown(group: Group | None, show: Show) -> list[Line | Matrix] | None:
    return None if group is None else [piece for part in group.parts for piece in show(part)]


def below(
    columns: Sequence[list[Line | Matrix] | None], width: int, between: str = ""
) -> list[tuple[Cell, ...]]:
    """The rows of cells for one row of the networks; layers that span all columns are on one line, or below
    one another."""
    known = [column for column in columns if column is not None]
    if len(known) < width:
        return [tuple(Cell(tuple(column or ())) for column in columns)]
    head = _common(known)
    rest = [column[head:] for column in known]
    tail = _common([column[::-1] for column in rest])
    middle = [column[: len(column) - tail] for column in rest]
    cells: list[tuple[Cell, ...]] = []
    if head:
        cells.append((_across(known[0][:head], width, between),))
    if any(middle):
        cells.append(tuple(Cell(tuple(column)) for column in middle))
    if tail:
        cells.append((_across(rest[0][-tail:], width, between),))
    return cells or [tuple(Cell() for _ in columns)]


def _common(columns: list[list[Line | Matrix]]) -> int:
    """The number of equal lines at the beginning of all columns."""
    count = 0
    for pieces in zip(*columns, strict=False):
        if isinstance(pieces[0], Matrix) or len(set(pieces)) > 1:
            break
        count += 1
    return count


def _across(pieces: list[Line | Matrix], width: int, between: str) -> Cell:
    """Layers that all networks have, across their columns: on one line, or on one line each."""
    lines = [piece for piece in pieces if isinstance(piece, Line)]
    if between:
        return Cell(tuple(lines), columns=width)
    commas = any("," in part for line in lines for part in line.pieces if isinstance(part, str))
    joined = text()
    for place, line in enumerate(lines):
        joined = joined + (text("; " if commas else ", ") if place else text()) + line
    return Cell((joined,), columns=width)
