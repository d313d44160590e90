"""Analyses of a network: one file per question. Each analysis goes through `graph.bodies`, inner bodies
first, so that a body that is used often is computed once. No analysis names a layer: facts about layers come
from the op. `report.analyse` collects the results."""

from cnnspec.analyses.report import Report, analyse

__all__ = ["Report", "analyse"]
