"""The budget of weights: a network may be described in two lines that no machine could hold."""

from __future__ import annotations

from cnnspec.analyses.report import Report
from cnnspec.diagnostics import Diagnostic
from cnnspec.ir.graph import Region


def too_many_weights(report: Report, limit: int) -> Diagnostic | None:
    """E606 where the network has more than `limit` weights, at the layer that has the most."""
    total = report.totals.params
    if total is None or total <= limit:
        return None
    body = len(report.graph.bodies) - 1
    while True:
        held = [report.weights.of(holding) for holding in report.weights.steps[body]]
        most = max(range(len(held)), key=lambda step: getattr(held[step], "params", 0))
        step = report.graph.bodies[body].steps[most]
        if not isinstance(step, Region):
            break
        body = step.passes[-1].body
    return Diagnostic(
        "E606",
        f"this network has {total:,} weights, more than the {limit:,} allowed; here are the most of them",
        step.span,
        help="`gap` or a pooling layer before a fully connected one saves most; else raise it: --max-weights",
    )
