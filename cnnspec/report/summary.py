"""What `check` says to a person besides the findings: the table of a model or a line for each of several,
totals, claims, and how it went."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cnnspec.diagnostics import Severity
from cnnspec.report.amounts import UNKNOWN, bytes_text, exact, field_text, shape_text, short
from cnnspec.report.rows import COLUMNS, folded, row, unfolded
from cnnspec.report.table import Column, Row, Table

if TYPE_CHECKING:
    from cnnspec.ir.graph import Graph
    from cnnspec.pipeline import Model

HEAD = "MACs: multiply–accumulates of conv, dwconv, deconv and fc, for one image"


def network_table(model: Model, every: bool) -> Iterator[Table]:
    """The table of a model, blocks and repeats folded, or `every` layer; none where nothing is known."""
    graph, report = model.graph, model.report
    if graph is None or report is None:
        return
    rows = list(unfolded(graph, report)) if every else folded(model.file, model.source, graph, report)
    totals = report.totals
    rows.append(row("total", "", _outputs(graph), totals.params, totals.macs, totals.field, "total"))
    knobs = "".join(f", {name} = {value}" for name, value in model.settings.items())
    title = f"{graph.name}{knobs}" + (f": {graph.title}" if graph.title else "")
    yield Table(COLUMNS, rows, f"{title}\n{HEAD}", tuple(_notes(model)))


def _notes(model: Model) -> list[str]:
    """What stands below the table: the totals that no column has, and the claims."""
    report = model.report
    assert report is not None
    totals = report.totals
    if totals.params is None:
        return ["", *claims] if (claims := _claims(model)) else []
    weights = f"{exact(totals.params)} weights"
    if totals.trainable != totals.params:
        weights += f", {exact(totals.trainable)} trainable"
    if totals.buffers:
        weights += f" (and {exact(totals.buffers)} numbers in buffers)"
    lines = [
        "",
        f"{weights}; {exact(totals.macs)} MACs",
        f"layers {exact(totals.layers)} on the longest way, weighted {exact(totals.weighted)} in all",
        f"{exact(totals.activations)} activations, {bytes_text(totals.peak_memory)} at the peak (float32)",
    ]
    return lines + _claims(model)


def _claims(model: Model) -> list[str]:
    """The claims about the whole model and those that fail, a line each; of the lines' own claims that hold,
    how many."""
    assert model.report is not None
    lines: list[str] = []
    quiet = 0
    for one in model.report.claims:
        if one.holds and one.body is not None:
            quiet += 1
            continue
        line = model.source.position(one.span.start).line
        value = shape_text(one.value) if isinstance(one.value, tuple) else exact(one.value)
        if one.holds:
            lines.append(f"✓ {one.text}" + ("" if value in one.text else f" ({value})"))
        elif one.holds is None:
            known = "" if value == UNKNOWN else f"; it is {value}"
            lines.append(f"– {one.text} (line {line}: not checked{known})")
        else:
            lines.append(f"✗ {one.text} (line {line}: it is {value})")
    if quiet:
        lines.append(f"✓ {quiet} {'claim' if quiet == 1 else 'claims'} on lines")
    return lines


_OVERVIEW = (
    Column(""),
    Column("file", cut=1),
    Column("model", cut=2),
    Column("output"),
    Column("weights", right=True, drop=4),
    Column("MACs", right=True, drop=3),
    Column("field", right=True, drop=2),
    Column("claims", right=True, drop=1),
)


def overview(models: list[Model]) -> Table:
    """A line for each model."""
    rows = []
    for model in models:
        graph, report = model.graph, model.report
        name, *known = model.variant or "", UNKNOWN, UNKNOWN, UNKNOWN, "", ""
        if graph is not None and report is not None:
            totals, claims = report.totals, report.claims
            held = sum(one.holds is True for one in claims)
            name = graph.name
            known = [
                _outputs(graph),
                exact(totals.params),
                short(totals.macs),
                field_text(totals.field),
                f"{held}/{len(claims)}" if claims else "",
            ]
        wrong = model.has_errors
        cells = ("✗" if wrong else "✓", model.source.name, name, *known)
        rows.append(Row(cells, "wrong" if wrong else "plain"))
    return Table(_OVERVIEW, rows, HEAD)


def _outputs(graph: Graph) -> str:
    """The shapes of a model's outputs; of many, the first."""
    shapes = [graph.root.values[value] for value in graph.root.outputs]
    text = ", ".join(shape_text(shape) for shape in shapes[:2])
    return f"{text}, … ({len(shapes)})" if len(shapes) > 2 else text


def outcome(models: list[Model], left_out: int) -> str:
    """The last line: how it went; "" where there is nothing to say."""
    findings = {(model.source.name, finding) for model in models for finding in model.findings}
    parts = []
    if len(models) > 1:
        well = sum(not model.has_errors for model in models)
        parts.append(f"{well} of {len(models)} models are well")
    for severity in (Severity.ERROR, Severity.WARNING):
        if count := sum(one.severity is severity for _, one in findings):
            parts.append(f"{count} {severity}{'' if count == 1 else 's'}")
    if left_out:
        parts.append(f"{left_out} {'piece' if left_out == 1 else 'pieces'} of advice (--advice shows)")
    return "\n" + ", ".join(parts) + "\n" if parts else ""
