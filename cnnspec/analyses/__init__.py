"""What can be asked of a network: one file per question.

Each works body by body over `graph.bodies`, the inner ones first, so that whatever is repeated is worked
out once; none names a layer. `report.analyse` brings the answers together."""

from cnnspec.analyses.report import Report, analyse

__all__ = ["Report", "analyse"]
