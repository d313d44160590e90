"""The output of `check` besides the findings: the table of a model, or one line per model; totals, claims,
and the result in one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cnnspec.analyses.memory import BYTES
from cnnspec.diagnostics import Diagnostic, Severity
from cnnspec.report.amounts import UNKNOWN, bytes_text, exact, shape_text, short
from cnnspec.report.columns import Amounts, cells, columns, head
from cnnspec.report.rows import folded, unfolded
from cnnspec.report.table import Column, Row, Table

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report
    from cnnspec.ir.graph import Graph
    from cnnspec.pipeline import Model

NAMES = (Column("name", cut=2), Column("layer", cut=1))
MODELS = (Column(""), Column("file", cut=1), Column("model", cut=2))
CLAIMS = Column("claims", right=True, drop=1)


def network_table(model: Model, every: bool, chosen: Sequence[str]) -> Iterator[Table]:
    """The table of a model, with blocks and repeats folded, or with `every` layer; None if nothing is
    known."""
    graph, report = model.graph, model.report
    if graph is None or report is None:
        return
    if every:
        rows = list(unfolded(graph, report, chosen))
    else:
        rows = folded(model.file, model.source, graph, report, chosen)
    rows.append(Row(("total", "", *cells(_amounts(graph, report), chosen)), "total"))
    knobs = "".join(f", {name} = {value}" for name, value in model.settings.items())
    title = f"{graph.name}{knobs}" + (f": {graph.title}" if graph.title else "")
    yield Table((*NAMES, *columns(chosen)), rows, f"{title}\n{head(chosen, [graph])}", tuple(_notes(model)))


def _amounts(graph: Graph, report: Report) -> Amounts:
    """The numbers of the whole model; with many outputs, the shapes of the first ones."""
    shapes = [graph.root.values[value] for value in graph.root.outputs]
    text = ", ".join(shape_text(shape) for shape in shapes[:2])
    out = f"{text}, … ({len(shapes)})" if len(shapes) > 2 else text
    totals = report.totals
    memory = report.memory(len(graph.bodies) - 1, 0, len(graph.root.steps))
    return Amounts(out, totals.params, totals.macs, totals.field, memory)


def counted(number: int | None, what: str) -> str:
    """`1 weight`, `61,706 weights`."""
    return f"{exact(number)} {what}" + "s" * (number != 1)


def _notes(model: Model) -> list[str]:
    """The lines below the table: totals without a column, and claims."""
    report = model.report
    assert report is not None
    totals = report.totals
    if totals.params is None:
        return ["", *claims] if (claims := _claims(model)) else []
    weights = f"{counted(totals.params, 'weight')} ({bytes_text(BYTES * totals.params)} in float32)"
    if totals.trainable != totals.params:
        weights += f", {exact(totals.trainable)} trainable"
    if totals.buffers:
        weights += f"; {exact(totals.buffers)} {'number' if totals.buffers == 1 else 'numbers'} in buffers"
    depth = f"depth {exact(totals.layers)} (weighted layers on the longest path)"
    peak = f"peak activation memory {bytes_text(totals.peak_memory)}"
    flops = None if totals.macs is None else 2 * totals.macs
    lines = [
        "",
        weights,
        f"{counted(totals.macs, 'MAC')}; {short(flops)} FLOPs (2 per MAC)",
        f"{depth}, {counted(totals.weighted, 'weighted layer')}",
        f"{counted(totals.activations, 'activation')}",
        f"{peak} (float32, inference, one image)",
    ]
    return lines + _claims(model)


def _claims(model: Model) -> list[str]:
    """The claims about the whole model and those that fail, one per line; of the inline claims that hold, the
    number."""
    assert model.report is not None
    lines: list[str] = []
    quiet = 0
    for claim in model.report.claims:
        if claim.holds and claim.body is not None:
            quiet += 1
            continue
        line = model.source.position(claim.span.start).line
        value = shape_text(claim.value) if isinstance(claim.value, tuple) else exact(claim.value)
        if claim.holds:
            lines.append(f"✓ {claim.text}" + ("" if value in claim.text else f" ({value})"))
        elif claim.holds is None:
            known = "" if value == UNKNOWN else f"; found {value}"
            lines.append(f"– {claim.text} (line {line}: not checked{known})")
        else:
            lines.append(f"✗ {claim.text} (line {line}: found {value})")
    if quiet:
        lines.append(f"✓ {quiet} inline {'claim' if quiet == 1 else 'claims'}")
    return lines


def overview(models: list[Model], chosen: Sequence[str]) -> Table:
    """One line per model."""
    rows = []
    graphs = [model.graph for model in models if model.graph is not None]
    for model in models:
        graph, report = model.graph, model.report
        name, amounts, claims = model.variant or "", Amounts(), ""
        if graph is not None and report is not None:
            held = sum(claim.holds is True for claim in report.claims)
            name, amounts = graph.name, _amounts(graph, report)
            claims = f"{held}/{len(report.claims)}" if report.claims else ""
        wrong = model.has_errors
        row = ("✗" if wrong else "✓", model.source.label, name, *cells(amounts, chosen), claims)
        rows.append(Row(row, "wrong" if wrong else "plain"))
    return Table((*MODELS, *columns(chosen), CLAIMS), rows, head(chosen, graphs))


def outcome(models: list[Model], findings: list[Diagnostic], left_out: int) -> str:
    """The last line, the result; "" if there is nothing to report."""
    parts = []
    if len(models) > 1:
        well = sum(not model.has_errors for model in models)
        parts.append(f"{well} of {len(models)} models passed")
    for severity in (Severity.ERROR, Severity.WARNING):
        if count := sum(finding.severity is severity for finding in findings):
            parts.append(f"{count} {severity}{'' if count == 1 else 's'}")
    if left_out:
        parts.append(f"{left_out} suggestion{'' if left_out == 1 else 's'} (see --advice)")
    return "\n" + ", ".join(parts) + "\n" if parts else ""
