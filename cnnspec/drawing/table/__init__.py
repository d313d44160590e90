"""`cnnspec table`: the tables of papers. Networks → parts → a grid of cells → a format.

`parts` divides the network as papers do; a layout (`layouts/`) arranges the parts in a grid (`cells`), which
is independent of formats; a writer (`formats/`) prints the grid."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from cnnspec.diagnostics import Diagnostic

if TYPE_CHECKING:
    from cnnspec.drawing.table.cells import Grid
    from cnnspec.drawing.table.networks import Network, TableOptions

FORMATS = ("markdown", "latex", "html", "csv", "typst", "json")
"""The output formats: each is a file of `formats/`."""
LAYOUTS = ("resnet", "vgg", "mobilenet", "densenet", "efficientnet", "googlenet")
"""The values of `--like`: files of `layouts/` with a function of the same name."""
SINGLE = frozenset(("mobilenet", "efficientnet", "googlenet"))
"""Layouts with one table per network; the others have one column per network."""


def tables(networks: Sequence[Network], options: TableOptions) -> list[Grid] | Diagnostic:
    """The tables, or the finding where these networks cannot have them."""
    from cnnspec.drawing.table.networks import Unfit
    from cnnspec.drawing.table.parts import MANY, TooMany

    name = options.like or "general"
    layout = getattr(import_module(f"cnnspec.drawing.table.layouts.{name}"), name)
    try:
        grids: list[Grid] = layout(networks, options)
    except Unfit as why:
        return why.finding
    except TooMany as many:
        return Diagnostic(
            "E803",
            f"the table would have more than {MANY:,} rows",
            many.span,
            help="`cnnspec check` shows this network with its repeats folded",
        )
    return grids
