"""Table 1 of Simonyan & Zisserman 2015: layers one below another, pooling across all columns, and in bold the
layers that the network to the left does not have."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from cnnspec.drawing.table.cells import Cell, Content, Grid, Matrix, Row, bold, text
from cnnspec.drawing.table.columns import cells_of
from cnnspec.drawing.table.networks import Cells, Network, TableOptions, amount, size_of
from cnnspec.drawing.table.parts import Part, joined

SHOWN = ("lrn", "softmax")


def vgg(networks: Sequence[Network], options: TableOptions) -> list[Grid]:
    """The table."""
    columns = [_segments(joined(network.parts(*SHOWN)), options.cells or "stack") for network in networks]
    width = len(networks)
    rows = [
        Row(tuple(Cell((text(network.label),), head=True) for network in networks)),
        Row(
            tuple(
                Cell((text(f"{network.report.totals.layers} weight layers"),), head=True)
                for network in networks
            )
        ),
        *_inputs(networks, options),
    ]
    for place in range(max(map(len, columns))):
        lines = [column[place] if place < len(column) else () for column in columns]
        if len(set(lines)) == 1:
            rows += [
                Row((Cell((line,), columns=width),), "" if at else "full") for at, line in enumerate(lines[0])
            ]
            continue
        marked = [lines[0], *(_marked(left, content) for left, content in pairwise(lines))]
        rows.append(Row(tuple(Cell(column) for column in marked), "full"))
    amounts = [
        f"{amount(network.report.totals.params or 0, options.numbers)} weights" for network in networks
    ]
    rows.append(Row(tuple(Cell((text(one),)) for one in amounts), "full"))
    return [Grid("c" * width, tuple(rows), heads=2)]


def _inputs(networks: Sequence[Network], options: TableOptions) -> list[Row]:
    """`input (224 × 224 RGB image)`."""
    lines = []
    for network in networks:
        shape = network.input
        if options.shape is not None or len(shape) != 3 or shape[0] not in (1, 3):
            lines.append(text("input (", size_of(shape, options.shape or "CxHxW"), ")"))
        else:
            lines.append(
                text("input (", size_of(shape, "HxW"), " RGB image)" if shape[0] == 3 else " image)")
            )
    if len(set(lines)) == 1:
        return [Row((Cell((lines[0],), columns=len(lines)),), "full")]
    return [Row(tuple(Cell((line,)) for line in lines), "full")]


def _segments(parts: Sequence[Part], cells: Cells) -> list[Content]:
    """The layers between poolings, each pooling by itself, and each layer after the maps by itself."""
    segments: list[Content] = []
    open_ = False
    for part in parts:
        lines = cells_of(part, cells)
        pools = part.kind == "layer" and not part.weighted and part.resizes
        if pools or len(part.input_shape) == 1 or set(part.input_shape[1:]) == {1}:
            segments += [(line,) for line in lines] if part.kind == "layer" else [lines]
            open_ = False
        elif open_:
            segments[-1] += lines
        else:
            segments.append(lines)
            open_ = True
    return segments


def _marked(left: Content, content: Content) -> Content:
    """Lines that the network to the left does not have, in bold."""
    kept: set[int] = set()
    for block in SequenceMatcher(None, left, content, autojunk=False).get_matching_blocks():
        kept |= set(range(block.b, block.b + block.size))
    return tuple(
        line if place in kept or isinstance(line, Matrix) else bold(line)
        for place, line in enumerate(content)
    )
