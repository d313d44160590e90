"""Table 1 of Huang et al. 2017: dense blocks and the transitions between them, one column per network."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from cnnspec.diagnostics import WHOLE_FILE, Diagnostic
from cnnspec.drawing.table.cells import Cell, Content, Grid, Line, Matrix, Row, text
from cnnspec.drawing.table.columns import cells_of, heads_and_totals
from cnnspec.drawing.table.compare import below
from cnnspec.drawing.table.networks import Network, TableOptions, Unfit, size_of
from cnnspec.drawing.table.parts import Part, joined
from cnnspec.drawing.table.words import bracket


class Stage(NamedTuple):
    """A row of the table: its name, and its parts."""

    name: str
    parts: tuple[Part, ...]


def densenet(networks: Sequence[Network], options: TableOptions) -> list[Grid]:
    """The table."""
    columns = [_stages(network) for network in networks]
    names = list(dict.fromkeys(stage.name for column in columns for stage in column))
    if any([stage.name for stage in column] != names for column in columns):
        names.sort(key=lambda name: max(_place(column, name) for column in columns))
    head = [Cell((text(title),), head=True) for title in ("Layers", "Output Size")]
    rows = [Row((*head, *(Cell((text(network.label),), head=True) for network in networks)))]
    for name in names:
        stages = [next((stage for stage in column if stage.name == name), None) for column in columns]
        rows += _rows(name, stages, options)
    if options.columns is not None:
        totals = heads_and_totals(options, networks, ())[1]
        for place, total in enumerate(totals):
            cells = tuple(Cell((line,)) for line in total.lines)
            rows.append(
                Row((Cell((text(total.title),), columns=2, head=True), *cells), "" if place else "full")
            )
    return [Grid("c" * (2 + len(networks)), tuple(rows))]


def is_dense(part: Part) -> bool:
    """Whether a part is a block that concatenates its output to its input: `concat [ id | … ]`."""
    if part.kind == "merge" and part.word == "concat" and len(part.branches) > 1:
        return sum(not branch for branch in part.branches) == 1
    return part.kind == "cell" and any(map(is_dense, part.inner))


def _stages(network: Network) -> list[Stage]:
    parts = joined(network.parts("softmax"))
    runs = [(dense, tuple(run)) for dense, run in groupby(parts, is_dense)]
    if not any(dense for dense, _ in runs):
        raise Unfit(_without_blocks(parts))
    stages: list[Stage] = []
    blocks = sum(dense for dense, _ in runs)
    number = 0
    for dense, run in runs:
        if dense:
            number += 1
            stages.append(Stage(f"Dense Block ({number})", run))
        elif not number:
            stages += _before(run)
        elif number < blocks:
            stages.append(Stage(f"Transition Layer ({number})", run))
        else:
            stages.append(Stage("Classification Layer", run))
    return stages


def _before(parts: Sequence[Part]) -> list[Stage]:
    """The parts before the first block: one row each."""
    stages: list[Stage] = []
    for part in parts:
        name = "Convolution" if part.weighted else "Pooling"
        if any(stage.name == name for stage in stages):
            name = f"{name} ({sum(stage.name.startswith(name) for stage in stages) + 1})"
        stages.append(Stage(name, (part,)))
    return stages


def _place(column: Sequence[Stage], name: str) -> int:
    return next((place for place, stage in enumerate(column) if stage.name == name), -1)


def _rows(name: str, stages: Sequence[Stage | None], options: TableOptions) -> list[Row]:
    """A row; for a transition one row per layer, because their outputs differ in size."""
    present = [stage for stage in stages if stage is not None]
    apart = name.startswith("Transition") and len({len(stage.parts) for stage in present}) == 1
    steps: list[list[tuple[Part, ...] | None]]
    if apart:
        count = len(present[0].parts)
        steps = [
            [None if stage is None else stage.parts[place : place + 1] for stage in stages]
            for place in range(count)
        ]
    else:
        steps = [[None if stage is None else stage.parts for stage in stages]]
    rows: list[Row] = []
    made = [
        (_sizes(step, options), below([_shown(parts, options) for parts in step], len(stages), "\n"))
        for step in steps
    ]
    high = sum(len(cells) for _, cells in made)
    for sizes, cells in made:
        for place, cell in enumerate(cells):
            before = [Cell((text(name),), rows=high)] if not rows else []
            if not place:
                before.append(Cell(sizes, rows=len(cells)))
            rows.append(Row((*before, *cell), "part" if rows else "full"))
    return rows


def _sizes(step: Sequence[tuple[Part, ...] | None], options: TableOptions) -> Content:
    shapes = [parts[-1].out for parts in step if parts]
    return tuple(dict.fromkeys(text(size_of(shape, options.shape or "HxW")) for shape in shapes))


def _shown(parts: tuple[Part, ...] | None, options: TableOptions) -> list[Line | Matrix] | None:
    if parts is None:
        return None
    if options.cells not in (None, "bracket"):
        return [piece for part in parts for piece in cells_of(part, options.cells)]
    return [bracket(part, "plain") for part in parts]


def _without_blocks(parts: Sequence[Part]) -> Diagnostic:
    cell = next((part for part in parts if part.kind == "cell"), None)
    return Diagnostic(
        "E803",
        "--like densenet: this network has no dense block, a repeat of `concat [ id | … ]`",
        cell.span if cell is not None else WHOLE_FILE,
        label="not a dense block" if cell is not None else "",
        help="`--like resnet` shows any network by the size of its maps",
    )
