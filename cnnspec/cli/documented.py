"""A checked model as an entry of the JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from cnnspec.cli.document import (
    ClaimEntry,
    Document,
    Field2D,
    FindingEntry,
    ModelEntry,
    RowEntry,
    TotalsEntry,
    WeightEntry,
)
from cnnspec.diagnostics.as_json import as_json

if TYPE_CHECKING:
    from cnnspec.analyses.receptive_field import Field
    from cnnspec.analyses.report import Row
    from cnnspec.diagnostics import Diagnostic, Source
    from cnnspec.pipeline import Model


def document_text(entries: Iterable[tuple[ModelEntry, Iterable[RowEntry]]], version: str) -> Iterator[str]:
    """The document as JSON, piece by piece, a row a line. Rows are made as they are written: a network of a
    million layers takes time, and no memory.
    """
    import json

    yield f'{{\n "version": 1,\n "cnnspec": {json.dumps(version)},\n "models": ['
    for number, (entry, rows) in enumerate(entries):
        yield f"{',' if number else ''}\n  {{"
        (plain,) = Document(cnnspec=version, models=[entry]).as_plain()["models"]
        for place, (name, value) in enumerate(plain.items()):
            yield f"{',' if place else ''}\n   {json.dumps(name)}: "
            if name == "rows":
                value = (row.model_dump(by_alias=True) for row in rows)
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


def row_entries(model: Model) -> Iterator[RowEntry]:
    if model.graph is not None and model.report is not None:
        for one in model.report.rows():
            yield _row(one, model.source)


def _entry(model: Model, rows: list[RowEntry]) -> ModelEntry:
    graph, report, source = model.graph, model.report, model.source
    name = graph.name if graph is not None else model.variant or ""
    claims: list[ClaimEntry] = []
    inputs: dict[str, list[int] | None] = {}
    outputs: dict[str, list[int] | None] = {}
    if graph is not None and report is not None:
        root = graph.root
        inputs = {name: _list(shape) for name, shape in zip(graph.inputs, root.values, strict=False)}
        outputs = {
            name: _list(root.values[value]) for name, value in zip(graph.outputs, root.outputs, strict=True)
        }
        claims = [
            ClaimEntry(
                line=source.position(one.span.start).line,
                text=one.text,
                holds=one.holds,
                value=list(one.value) if isinstance(one.value, tuple) else one.value,
            )
            for one in report.claims
        ]
    return ModelEntry(
        file=utf8(source.name),
        model=name,
        variant=model.variant,
        settings={knob: utf8(value) for knob, value in model.settings.items()},
        ok=not model.has_errors,
        inputs=inputs,
        outputs=outputs,
        totals=_totals(model),
        rows=rows,
        claims=claims,
        diagnostics=finding_entries(model.findings, source),
    )


def unreadable_entry(source: Source, findings: Sequence[Diagnostic]) -> ModelEntry:
    """A file of which nothing could be read: its findings, and no numbers."""
    return ModelEntry(
        file=utf8(source.name),
        model="",
        variant=None,
        settings={},
        ok=False,
        inputs={},
        outputs={},
        totals=_NO_TOTALS,
        rows=[],
        claims=[],
        diagnostics=finding_entries(findings, source),
    )


def finding_entries(findings: Iterable[Diagnostic], source: Source) -> list[FindingEntry]:
    """Findings as the document has them."""
    return [FindingEntry.model_validate(as_json(finding, source)) for finding in findings]


_NO_TOTALS = TotalsEntry(
    params=None,
    trainable=None,
    buffers=None,
    macs=None,
    activations=None,
    peak_memory=None,
    connections=None,
    layers=None,
    weighted=None,
    field=None,
)


def _totals(model: Model) -> TotalsEntry:
    if model.report is None:
        return _NO_TOTALS
    totals = model.report.totals
    return TotalsEntry(
        params=totals.params,
        trainable=totals.trainable,
        buffers=totals.buffers,
        macs=totals.macs,
        activations=totals.activations,
        peak_memory=totals.peak_memory,
        connections=totals.connections,
        layers=totals.layers,
        weighted=totals.weighted,
        field=None if totals.field is None else [_number(size) for size in totals.field],
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
        field=_field(one.field),
        line=source.position(entry.span.start).line,
        weights=[
            WeightEntry(
                key=key, shape=list(weight.shape), trainable=weight.role == "trainable", role=weight.role
            )
            for key, weight in entry.weights
        ],
    )


def _field(field: Field | None) -> Field2D | None:
    if field is None:
        return None
    return Field2D(
        size=[_number(size) for size in field.size],
        stride=[_number(stride) for stride in field.stride],
        offset=[_number(offset) for offset in field.offset],
    )


def _number(value: int | Fraction) -> int | float:
    return int(value) if value == int(value) else float(value)


def _list(shape: tuple[int, ...] | None) -> list[int] | None:
    return None if shape is None else list(shape)


def utf8(text: str) -> str:
    """Lone surrogates, which a file's name can hold, become U+FFFD."""
    return text.encode("utf-8", "replace").decode()
