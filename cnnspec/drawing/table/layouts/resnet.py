"""Table 1 of He et al. 2016: one row for each size of the maps, one column per network, blocks in
brackets."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import count

from cnnspec.drawing.table.cells import Content, Grid, text
from cnnspec.drawing.table.columns import cells_of, head_of, heads_and_totals
from cnnspec.drawing.table.compare import Beside, Head, Total, beside, compared, in_order
from cnnspec.drawing.table.groups import by_size, groups
from cnnspec.drawing.table.listing import content
from cnnspec.drawing.table.networks import Network, TableOptions, scientific
from cnnspec.drawing.table.parts import joined


def resnet(networks: Sequence[Network], options: TableOptions) -> list[Grid]:
    """The table."""
    if options.rows in (None, "size"):
        columns = [by_size(joined(network.parts("softmax"))) for network in networks]
    else:
        columns = [groups(network, options.rows) for network in networks]
    rows = in_order(columns) if options.rows in (None, "size") else beside(columns)
    heads = [Head("layer name", _namer(rows)), Head("output size", head_of("output", options))]
    totals = [
        Total(
            "MACs",
            tuple(scientific(network.report.totals.macs or 0, options.numbers) for network in networks),
        )
    ]
    if options.columns is not None:
        heads, totals = heads_and_totals(options, networks, ())
    cells = options.cells or "bracket"
    return [
        compared(
            [text(name) for name in heads_of(networks)],
            rows,
            heads,
            lambda part: cells_of(part, cells),
            totals,
        )
    ]


def _namer(rows: Sequence[Beside]) -> Callable[[Beside], Content]:
    """The names of rows, `conv1`, `conv2_x`: rows are numbered, and `_x` marks a row with blocks. The last
    row, after the maps, has no name."""
    names: dict[object, str] = {}
    numbers = count(1)
    for row in rows:
        parts = [part for group in row.groups if group is not None for part in group.parts]
        if not any(part.word in ("conv", "dwconv", "deconv") or part.kind == "cell" for part in parts):
            names[row.key] = ""
            continue
        blocks = any(part.kind == "cell" or part.times > 1 for part in parts)
        names[row.key] = f"conv{next(numbers)}{'_x' if blocks else ''}"

    def show(row: Beside) -> Content:
        return content(names[row.key])

    return show


def heads_of(networks: Sequence[Network]) -> list[str]:
    """`50-layer` where the networks' names contain their depth and differ in it, else the names."""
    depths = [str(network.report.totals.layers) for network in networks]
    named = (
        re.search(rf"(?<![0-9]){depth}(?![0-9])", network.label)
        for network, depth in zip(networks, depths, strict=True)
    )
    if len(set(depths)) == len(depths) > 1 and all(named):
        return [f"{depth}-layer" for depth in depths]
    return [network.label for network in networks]
