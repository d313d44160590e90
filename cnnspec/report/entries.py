"""A checked model as an entry of the JSON document: plain values, in the form that document.py describes.

They are not built through its classes, which would cost a tenth of a `check`. The Python API validates its
result, and so do the tests.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from cnnspec.analyses.report import Totals
from cnnspec.diagnostics import Diagnostic, Source
from cnnspec.diagnostics.as_json import as_json, utf8

if TYPE_CHECKING:
    from cnnspec.analyses.report import Row
    from cnnspec.pipeline import Model

Entry = dict[str, Any]


def document_text(entries: Iterable[Entry], version: str) -> Iterator[str]:
    """The document as JSON, piece by piece, one row per line. Rows are generated one by one: a network of a
    million layers takes time, but no memory.
    """
    yield f'{{\n "version": 1,\n "cnnspec": {json.dumps(version)},\n "models": ['
    for number, entry in enumerate(entries):
        yield f"{',' if number else ''}\n  {{"
        for place, (name, value) in enumerate(entry.items()):
            yield f"{',' if place else ''}\n   {json.dumps(name)}: "
            if value is None or isinstance(value, dict | str | bool):
                yield json.dumps(value)
                continue
            between = "["
            for one in value:
                yield f"{between}\n    {json.dumps(one)}"
                between = ","
            yield "[]" if between == "[" else "\n   ]"
        yield "\n  }"
    yield "\n ]\n}\n"


def model_entry(model: Model) -> Entry:
    """A model in `check --format json`; unknown values are null or missing. Its rows are generated one by
    one, when they are needed.
    """
    graph, report, source = model.graph, model.report, model.source
    entry = _entry(model.written, model.findings)
    entry["model"] = graph.name if graph is not None else model.variant or ""
    entry["variant"] = model.variant
    entry["settings"] = {knob: utf8(value) for knob, value in model.settings.items()}
    entry["ok"] = not model.has_errors
    if graph is not None:
        shapes, outputs = graph.root.values, graph.root.outputs
        entry["inputs"] = dict(zip(graph.inputs, shapes, strict=False))
        entry["outputs"] = {name: shapes[at] for name, at in zip(graph.outputs, outputs, strict=True)}
    if report is not None:
        totals = report.totals
        entry["totals"] = {**totals._asdict(), "field": totals.field and _numbers(totals.field)}
        entry["rows"] = (_row(row, source) for row in report.rows())
        entry["claims"] = [
            {
                "line": source.position(claim.span.start).line,
                "text": claim.text,
                "holds": claim.holds,
                "value": claim.value,
            }
            for claim in report.claims
        ]
    return entry


def unreadable_entry(source: Source, finding: Diagnostic) -> Entry:
    """The entry of a file that could not be read: its finding, and no numbers."""
    return _entry(source, [finding])


def _entry(source: Source, findings: Sequence[Diagnostic]) -> Entry:
    """The entry of a model about which nothing is known."""
    return {
        "file": utf8(source.name),
        "model": "",
        "variant": None,
        "settings": {},
        "ok": False,
        "inputs": {},
        "outputs": {},
        "totals": dict.fromkeys(Totals._fields),
        "rows": [],
        "claims": [],
        "diagnostics": [as_json(finding, source) for finding in findings],
    }


def _row(one: Row, source: Source) -> Entry:
    entry, field = one.entry, one.field
    return {
        "name": entry.path,
        "op": entry.op.word if entry.op is not None else None,
        "args": entry.op.written() if entry.op is not None else "",
        "in": entry.input_shapes,
        "out": entry.out,
        "params": one.params,
        "macs": one.macs,
        "field": field and {name: _numbers(values) for name, values in field._asdict().items()},
        "line": source.position(entry.span.start).line,
        "weights": [
            {
                "key": key,
                "shape": weight.shape,
                "trainable": weight.role == "trainable",
                "role": weight.role,
            }
            for key, weight in entry.weights
        ],
    }


def _numbers(values: Iterable[int | Fraction]) -> list[int | float]:
    """Numbers that are whole as `int`."""
    return [int(value) if value == int(value) else float(value) for value in values]
