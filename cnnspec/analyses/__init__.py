"""What can be computed about a network: one file per question. Each analysis goes through `graph.bodies`,
inner bodies first, so that a body that is used often is computed once. No analysis names a layer: it asks the
op. `report.analyse` puts the answers together."""

from cnnspec.analyses.report import Report, analyse

__all__ = ["Report", "analyse"]
