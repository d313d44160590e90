"""A checked model as HTML, for notebooks: its layers, its totals, its claims and findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from textwrap import shorten
from typing import TYPE_CHECKING

from cnnspec.report.amounts import bytes_text, exact, field_text, shape_text, short

if TYPE_CHECKING:
    from cnnspec.report.document import ModelEntry

HEAD = ("name", "layer", "output", "weights", "MACs", "field")
MOST_ROWS = 200
MARKS = {True: "✓", False: "✗", None: "–"}


def html(models: Sequence[ModelEntry]) -> str:
    """Models of a document, one below the other."""
    return "\n".join("\n".join(_model(model)) for model in models)


def _model(model: ModelEntry) -> Iterator[str]:
    title = model.model if model.variant in (None, model.model) else f"{model.model}, {model.variant}"
    yield f"<h4>{escape(title)}</h4>"
    yield "<table>"
    yield _row("th", HEAD)
    for row in model.rows[:MOST_ROWS]:
        field = "" if row.field is None else field_text(row.field.size)
        layer = shorten(f"{row.op or '?'} {row.args}", 60, placeholder=" …")
        yield _row("td", (row.name, layer, shape_text(row.out), exact(row.params), short(row.macs), field))
    if len(model.rows) > MOST_ROWS:
        yield _row("td", (f"… {len(model.rows) - MOST_ROWS:,} more layers", *[""] * (len(HEAD) - 1)))
    totals = model.totals
    outputs = ", ".join(map(shape_text, model.outputs.values()))
    field = "" if totals.field is None else field_text(totals.field)
    yield _row("th", ("total", "", outputs, exact(totals.params), short(totals.macs), field))
    yield "</table>"
    yield f"<p>peak activation memory {bytes_text(totals.peak_memory)} (float32, inference, one image)</p>"
    lines = [f"{MARKS[claim.holds]} {claim.text}" for claim in model.claims]
    lines += [
        f"{diagnostic.severity}[{diagnostic.code}], line {diagnostic.line}: {diagnostic.message}"
        for diagnostic in model.diagnostics
    ]
    if lines:
        yield f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def _row(tag: str, cells: tuple[str, ...]) -> str:
    aligned = ("left", "left", "left", "right", "right", "right")
    return (
        "<tr>"
        + "".join(
            f'<{tag} style="text-align: {side}">{escape(cell)}</{tag}>'
            for cell, side in zip(cells, aligned, strict=True)
        )
        + "</tr>"
    )
