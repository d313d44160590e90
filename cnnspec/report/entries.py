"""A checked model as an entry of the JSON document."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from cnnspec.diagnostics import WHOLE_FILE, Diagnostic, Source
from cnnspec.diagnostics.as_json import as_json, utf8
from cnnspec.language.tree import File
from cnnspec.pipeline import Model
from cnnspec.report.document import (
    ClaimEntry,
    Field2D,
    FindingEntry,
    ModelEntry,
    RowEntry,
    TotalsEntry,
    WeightEntry,
)

if TYPE_CHECKING:
    from cnnspec.analyses.claims import Checked
    from cnnspec.analyses.report import Report, Row


def document_text(entries: Iterable[tuple[ModelEntry, Iterable[RowEntry]]], version: str) -> Iterator[str]:
    """The document as JSON, piece by piece, a row a line. Rows are made as they are written: a network of a
    million layers takes time, and no memory.
    """
    yield f'{{\n "version": 1,\n "cnnspec": {json.dumps(version)},\n "models": ['
    for number, (entry, rows) in enumerate(entries):
        yield f"{',' if number else ''}\n  {{"
        for place, (name, value) in enumerate(entry.as_plain().items()):
            yield f"{',' if place else ''}\n   {json.dumps(name)}: "
            if name == "rows":
                value = (row.model_dump() for row in rows)
            elif not isinstance(value, list):
                yield json.dumps(value)
                continue
            between = "["
            for one in value:
                yield f"{between}\n    {json.dumps(one)}"
                between = ","
            yield "[]" if between == "[" else "\n   ]"
        yield "\n  }"
    yield "\n ]\n}\n"


def model_entry(model: Model) -> ModelEntry:
    """What `check --format json` says of a model; what could not be worked out is null or missing."""
    return _entry(model, list(row_entries(model)))


def entry_and_rows(model: Model) -> tuple[ModelEntry, Iterator[RowEntry]]:
    """The same, its rows apart and not yet worked out."""
    return _entry(model, []), row_entries(model)


def unreadable_entry(source: Source, finding: Diagnostic) -> ModelEntry:
    """A file of which nothing could be read: its finding, and no numbers."""
    return _entry(Model(source, File((), (), WHOLE_FILE), None, {}, None, None, (finding,)), [])


def row_entries(model: Model) -> Iterator[RowEntry]:
    """Every layer of the unrolled network, made one by one."""
    if model.report is not None:
        for one in model.report.rows():
            yield _row(one, model.source)


def _entry(model: Model, rows: list[RowEntry]) -> ModelEntry:
    graph, report, source = model.graph, model.report, model.source
    inputs: dict[str, list[int] | None] = {}
    outputs: dict[str, list[int] | None] = {}
    if graph is not None:
        shapes = [_list(shape) for shape in graph.root.values]
        inputs = dict(zip(graph.inputs, shapes, strict=False))
        outputs = {name: shapes[value] for name, value in zip(graph.outputs, graph.root.outputs, strict=True)}
    return ModelEntry(
        file=utf8(source.name),
        model=graph.name if graph is not None else model.variant or "",
        variant=model.variant,
        settings={knob: utf8(value) for knob, value in model.settings.items()},
        ok=not model.has_errors,
        inputs=inputs,
        outputs=outputs,
        totals=_totals(report),
        rows=rows,
        claims=[_claim(one, source) for one in report.claims] if report is not None else [],
        diagnostics=[FindingEntry.model_validate(as_json(finding, source)) for finding in model.findings],
    )


def _totals(report: Report | None) -> TotalsEntry:
    if report is None:
        return TotalsEntry.model_validate(dict.fromkeys(TotalsEntry.model_fields))
    totals = report.totals
    return TotalsEntry.model_validate({**totals._asdict(), "field": totals.field and _numbers(totals.field)})


def _claim(one: Checked, source: Source) -> ClaimEntry:
    return ClaimEntry(
        line=source.position(one.span.start).line,
        text=one.text,
        holds=one.holds,
        value=list(one.value) if isinstance(one.value, tuple) else one.value,
    )


def _row(one: Row, source: Source) -> RowEntry:
    entry = one.entry
    return RowEntry(
        name=entry.path,
        op=entry.op.word if entry.op is not None else None,
        args=entry.op.written() if entry.op is not None else "",
        in_=[_list(shape) for shape in entry.arriving],
        out=_list(entry.out),
        params=one.params,
        macs=one.macs,
        field=one.field
        and Field2D(
            size=_numbers(one.field.size),
            stride=_numbers(one.field.stride),
            offset=_numbers(one.field.offset),
        ),
        line=source.position(entry.span.start).line,
        weights=[
            WeightEntry(
                key=key, shape=list(weight.shape), trainable=weight.role == "trainable", role=weight.role
            )
            for key, weight in entry.weights
        ],
    )


def _numbers(values: Iterable[int | Fraction]) -> list[int | float]:
    """What is whole as whole numbers."""
    return [int(value) if value == int(value) else float(value) for value in values]


def _list(shape: tuple[int, ...] | None) -> list[int] | None:
    return None if shape is None else list(shape)
