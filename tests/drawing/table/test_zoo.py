"""Every spec of the zoo as a table: rows × cells × formats, and the layouts of the papers."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest

from cnnspec.diagnostics import Diagnostic
from cnnspec.drawing.table import FORMATS, LAYOUTS, tables
from cnnspec.drawing.table.cells import Grid
from cnnspec.drawing.table.formats import written
from cnnspec.drawing.table.groups import groups
from cnnspec.drawing.table.networks import Cells, Network, Rows, TableOptions, weights_of
from cnnspec.files import named, read_one
from cnnspec.pipeline import models
from cnnspec.resources import zoo
from tests.drawing.latex import compiled
from tests.drawing.table.networks import networks
from tests.drawing.table.test_formats import parsed
from tests.drawing.typst import set_in_typst
from tests.support import sampled

ZOO = sorted(zoo())
ROWS: tuple[Rows, ...] = ("line", "size", "stage", "layer")
CELLS: tuple[Cells, ...] = ("bracket", "stack", "call")


def checked(grids: list[Grid] | Diagnostic, forms: tuple[str, ...] = FORMATS) -> None:
    if isinstance(grids, Diagnostic):
        assert grids.code == "E803"
        assert grids.help
        return
    for form in forms:
        made = written(grids, form)
        if form == "html":
            assert set(parsed(made).widths) == {len(grid.align) for grid in grids}
        if form == "markdown":
            lines = [line for line in made.splitlines() if line.startswith("|")]
            bars = {re.sub(r"\\.", "", line).count("|") for line in lines}
            assert bars == {len(grid.align) + 1 for grid in grids}
        if form == "csv":
            widths = {len(row) for row in csv.reader(io.StringIO(made)) if row}
            assert widths == {len(grid.align) for grid in grids}


@pytest.mark.parametrize("name", sampled(ZOO, 3))
def test_every_spec(name: str) -> None:
    """In all layouts, each in some of the forms, in turn; a few are in all forms."""
    (network,) = networks(name)
    totals = network.report.totals
    layers = sum(1 for _ in network.report.rows())
    turn, whole = ZOO.index(name), ZOO.index(name) % 8 == 0
    for rows in ROWS:
        found = groups(network, rows)
        assert sum(weights_of(group.parts for group in found)) == totals.params
        assert sum(part.macs for group in found for part in group.parts) == totals.macs
        assert sum(part.layers for group in found for part in group.parts) == layers
        for cells in CELLS:
            turn += 1
            if rows != "layer" or cells == "bracket" or whole:  # that is a line, however
                forms = FORMATS if whole else FORMATS[turn % len(FORMATS) :][:1]
                checked(tables([network], TableOptions(rows=rows, cells=cells)), forms)
    for like in LAYOUTS:
        turn += 1
        forms = FORMATS if whole else FORMATS[turn % len(FORMATS) :][:1]
        checked(tables([network], TableOptions(like=like)), forms)


@pytest.mark.parametrize("name", sampled(ZOO, 3, turn=1))
def test_every_variant(name: str) -> None:
    """Each in some of the forms, in turn; its first variant is in all of them (above)."""
    source = read_one(name, named(f"zoo:{name}"))[1]
    for place, model in enumerate([*models(source, lints=False)][1:]):
        assert model.report is not None
        network = Network(model.report.graph.name, model.report, source)
        for turn, rows in enumerate(ROWS if place == 0 else ROWS[:-1], start=place):
            found = groups(network, rows)
            assert sum(weights_of(group.parts for group in found)) == network.report.totals.params
            assert sum(part.macs for group in found for part in group.parts) == network.report.totals.macs
            asked = TableOptions(rows=rows, cells=CELLS[turn % len(CELLS)])
            checked(tables([network], asked), FORMATS[turn % len(FORMATS) :][:1])
        like = LAYOUTS[place % len(LAYOUTS)]
        checked(tables([network], TableOptions(like=like)), FORMATS[place % len(FORMATS) :][:1])


@pytest.mark.parametrize("rows", ROWS)
def test_several_networks(rows: Rows) -> None:
    found = [*networks("lenet5"), *networks("resnet_cifar", "ResNet20", "ResNet32"), *networks("unet")]
    checked(tables(found, TableOptions(rows=rows)))
    for like in LAYOUTS:
        checked(tables(found, TableOptions(rows=rows, like=like)))


@pytest.mark.latex
@pytest.mark.parametrize("rows", ["line", "size", "stage"])
def test_latex_compiles_every_spec(rows: Rows, tmp_path: Path) -> None:
    found = []
    for name in ZOO:
        made = tables(networks(name), TableOptions(rows=rows, cells="bracket"))
        assert not isinstance(made, Diagnostic)
        found.append(written(made, "latex"))
    compiled("\\newpage\n".join(found), tmp_path, packages="booktabs,multirow")


@pytest.mark.latex
def test_typst_compiles_every_spec(tmp_path: Path) -> None:
    found = []
    for place, name in enumerate(ZOO):
        asked = TableOptions(rows=ROWS[place % 3], cells=CELLS[place // 3 % 3])
        made = tables(networks(name), asked)
        assert not isinstance(made, Diagnostic)
        found.append(written(made, "typst"))
    assert len(set_in_typst("\n#pagebreak()\n".join(found), tmp_path)) > 1000
