"""The columns that a table can have: values of each row, and, with several networks, of each network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple, TypeAlias

from cnnspec.diagnostics import WHOLE_FILE, Diagnostic
from cnnspec.diagnostics.suggest import did_you_mean
from cnnspec.drawing.table.cells import EMPTY, Content, Line, Size, text
from cnnspec.drawing.table.compare import Beside, Head, Total
from cnnspec.drawing.table.groups import Group
from cnnspec.drawing.table.listing import Column, Listed, content
from cnnspec.drawing.table.networks import Cells, Network, TableOptions, Unfit, amount, size_of
from cnnspec.drawing.table.parts import Part
from cnnspec.drawing.table.words import bracket, call, kernel, number, stack
from cnnspec.report.amounts import exact, number_text

Show: TypeAlias = Callable[[Listed, TableOptions], Content]


class Known(NamedTuple):
    """A column: its title, its alignment, and the function that gives its content in a row."""

    title: str
    align: str
    show: Show


def cells_of(part: Part, cells: Cells) -> Content:
    """A part, in the notation that the options choose."""
    if cells == "stack":
        return stack(part)
    return (call(part) if cells == "call" else bracket(part),)


def _layer(row: Listed, options: TableOptions) -> Content:
    return tuple(cell for part in row.group.parts for cell in cells_of(part, options.cells or "bracket"))


def _last(row: Listed) -> Part:
    """The main part of a row with several parts: the one with the most weights."""
    return max(row.group.parts, key=lambda part: sum(part.weights.values()))


def _kernel(row: Listed, options: TableOptions) -> Content:
    size = kernel(_last(row)) if _last(row).kind == "layer" else None
    return (text(size),) if size is not None else EMPTY


def _stride(row: Listed, options: TableOptions) -> Content:
    part = next((part for part in row.group.parts if part.resizes), _last(row))
    ends = part.op is not None and part.op.ends_map
    return EMPTY if ends or len(part.stride) == 0 else content(number(part.stride))


def _times(row: Listed, options: TableOptions) -> Content:
    return content(str(sum(part.times for part in row.group.parts)))


def _operator(row: Listed, options: TableOptions) -> Content:
    return tuple(dict.fromkeys(text(part.word or "group") for part in row.group.parts))


COLUMNS: dict[str, Known] = {
    "name": Known("name", "l", lambda row, options: content(row.group.name)),
    "operator": Known("operator", "l", _operator),
    "layer": Known("layer", "l", _layer),
    "kernel": Known("kernel", "c", _kernel),
    "stride": Known("stride", "r", _stride),
    "channels": Known("channels", "r", lambda row, options: content(str(row.group.out[0]))),
    "repeats": Known("repeats", "r", _times),
    "input": Known(
        "input", "c", lambda row, options: (text(size_of(row.group.input_shape, options.shape or "CxHxW")),)
    ),
    "output": Known(
        "output", "c", lambda row, options: (text(size_of(row.group.out, options.shape or "CxHxW")),)
    ),
    "weights": Known("weights", "r", lambda row, options: content(amount(row.weights, options.numbers))),
    "MACs": Known(
        "MACs",
        "r",
        lambda row, options: content(amount(sum(part.macs for part in row.group.parts), options.numbers)),
    ),
    "depth": Known(
        "depth", "r", lambda row, options: content(str(sum(part.depth for part in row.group.parts)))
    ),
}
"""Columns for values of a row; the parameters of the network's blocks are columns too."""
FIELD = "field"
TOTALS = ("MACs", "weights", "depth", FIELD)
"""Values of a network: rows below a table with one column per network."""
HEADS = ("name", "input", "output")


def chosen(
    network: Network, options: TableOptions, groups: Sequence[Group], usual: Sequence[str] = ()
) -> list[Column]:
    """The columns of a table of one network."""
    columns: list[Column] = []
    parameters = list(dict.fromkeys(name for group in groups for part in group.parts for name in part.first))
    for name in options.columns or usual:
        known = {column.lower(): column for column in COLUMNS}.get(name.lower())
        if name in parameters:  # the author's own name has precedence
            columns.append(_argument(name))
        elif name.lower() == FIELD:
            columns.append(_field(network, groups))
        elif known is not None:
            title, align, show = COLUMNS[known]
            columns.append(Column(text(title), align, lambda row, show=show: show(row, options)))  # type: ignore[misc]
        else:
            raise Unfit(_no_column(name, [*COLUMNS, FIELD, *parameters]))
    return columns


def _field(network: Network, groups: Sequence[Group]) -> Column:
    """The receptive field of the last map of a row."""
    layers, fields = iter(network.report.rows()), {}
    for group in groups:
        fields[id(group)] = EMPTY
        for row in islice(layers, sum(part.layers for part in group.parts)):
            if row.field is not None:
                fields[id(group)] = (text(Size(tuple(map(number_text, row.field.size)))),)
    return Column(text(FIELD), "r", lambda row: fields[id(row.group)])


def _argument(name: str) -> Column:
    """A block's parameter; `–` in rows without it."""

    def show(row: Listed) -> Content:
        values = dict.fromkeys(part.first[name] for part in row.group.parts if name in part.first)
        return content(", ".join(values) or "–")

    return Column(text(name), "r", show)


def heads_and_totals(
    options: TableOptions, networks: Sequence[Network], usual: Sequence[str]
) -> tuple[list[Head], list[Total]]:
    """The columns before those of the networks, and the rows below the others."""
    heads: list[Head] = []
    totals: list[Total] = []
    for name in options.columns or usual:
        known = {head.lower(): head for head in (*HEADS, *TOTALS)}.get(name.lower())
        if known is None:
            raise Unfit(_no_column(name, (*HEADS, *TOTALS), " of a table with several networks"))
        if known in HEADS:
            heads.append(Head(known, head_of(known, options)))
        else:
            totals.append(Total(known, tuple(total(known, network, options) for network in networks)))
    return heads, totals


def head_of(name: str, options: TableOptions) -> Callable[[Beside], Content]:
    """The content of such a column in a row; where the networks differ, each value once."""

    def show(row: Beside) -> Content:
        groups = [group for group in row.groups if group is not None]
        if name == "name":
            return content(row.first.name)
        shapes = [group.out if name == "output" else group.input_shape for group in groups]
        return tuple(dict.fromkeys(text(size_of(shape, options.shape or "HxW")) for shape in shapes))

    return show


def total(name: str, network: Network, options: TableOptions) -> Line:
    """A value of a whole network."""
    totals = network.report.totals
    if name == "field":
        return text(Size(tuple(map(number_text, totals.field)))) if totals.field else text()
    if name == "depth":
        return text(exact(totals.layers))
    return text(amount((totals.macs if name == "MACs" else totals.params) or 0, options.numbers))


def _no_column(name: str, known: Sequence[str], of: str = "") -> Diagnostic:
    return Diagnostic(
        "E803",
        f"{name!r} is not a column{of}",
        WHOLE_FILE,
        help=did_you_mean(name, known) or f"expected {', '.join(known)}",
    )
