"""Every spec of the zoo as a table: rows × cells × formats, and the layouts of the papers."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable

import pytest

from cnnspec.analyses.weights import OWN
from cnnspec.diagnostics import Diagnostic
from cnnspec.drawing.table import FORMATS, LAYOUTS, tables
from cnnspec.drawing.table.cells import Grid
from cnnspec.drawing.table.formats import written
from cnnspec.drawing.table.networks import Asked
from cnnspec.drawing.table.parts import Part, Parts
from cnnspec.resources import zoo
from tests.drawing.table.networks import networks

ZOO = sorted(zoo())


def amounts(parts: Iterable[Part]) -> tuple[int, int]:
    own, shared, macs = 0, {}, 0
    for part in parts:
        own += part.weights.get(OWN, 0)
        shared |= {name: count for name, count in part.weights.items() if name != OWN}
        macs += part.macs
    return own + sum(shared.values()), macs


def checked(grids: list[Grid] | Diagnostic) -> None:
    if isinstance(grids, Diagnostic):
        assert grids.code == "E803"
        assert grids.help
        return
    for form in FORMATS:
        made = written(grids, form)
        assert made == written(grids, form)
        if form == "csv":
            widths = {len(row) for row in csv.reader(io.StringIO(made)) if row}
            assert widths == {len(grid.align) for grid in grids}


@pytest.mark.parametrize("name", ZOO)
def test_every_spec_in_every_form(name: str) -> None:
    (network,) = networks(name)
    parts = Parts(network.report, network.source).all()
    totals = network.report.totals
    assert amounts(parts) == (totals.params, totals.macs)
    for rows, cells in itertools.product(("line", "size", "stage", "layer"), ("bracket", "stack", "call")):
        checked(tables([network], Asked(rows=rows, cells=cells)))
    for like in LAYOUTS:
        checked(tables([network], Asked(like=like)))


@pytest.mark.parametrize("rows", ["line", "size", "stage", "layer"])
def test_several_networks(rows: str) -> None:
    found = [*networks("lenet5"), *networks("resnet_cifar", "ResNet20", "ResNet32"), *networks("unet")]
    checked(tables(found, Asked(rows=rows)))  # type: ignore[arg-type]
    for like in LAYOUTS:
        checked(tables(found, Asked(rows=rows, like=like)))  # type: ignore[arg-type]
