"""Networks and their tables, as `cnnspec table` makes them."""

from __future__ import annotations

import csv
import io
from typing import Any

from cnnspec.diagnostics import Diagnostic, Source
from cnnspec.drawing.table import tables
from cnnspec.drawing.table.cells import Grid
from cnnspec.drawing.table.formats import written
from cnnspec.drawing.table.networks import Network, TableOptions
from cnnspec.files import named, read_one
from cnnspec.pipeline import models


def networks(name: str, *variants: str) -> list[Network]:
    """Of a spec of the zoo, or of a spec's text: its variants, or the first."""
    source = Source("spec.cnn", name) if "\n" in name else read_one(name, named(f"zoo:{name}"))[1]
    found = []
    for variant in variants or (None,):
        (model,) = models(source, variant=variant, first=True, lints=False)
        assert model.report is not None
        assert not [one for one in model.findings if one.code.startswith("E") and one.code != "E501"]
        found.append(Network(model.report.graph.name, model.report, source))
    return found


def grids(name: str, *variants: str, **how: Any) -> list[Grid]:
    """The tables of networks."""
    found = tables(networks(name, *variants), TableOptions(**how))
    assert not isinstance(found, Diagnostic), found
    return found


def rows(name: str, *variants: str, **how: Any) -> list[list[str]]:
    """The table as CSV, read back."""
    text = written(grids(name, *variants, **how), "csv")
    return list(csv.reader(io.StringIO(text)))


def refused(name: str, *variants: str, **how: Any) -> Diagnostic:
    """Why there is no such table."""
    found = tables(networks(name, *variants), TableOptions(**how))
    assert isinstance(found, Diagnostic)
    return found
