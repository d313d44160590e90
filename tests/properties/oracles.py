"""What must hold of every text, and of every valid network."""

from __future__ import annotations

import ast
from fractions import Fraction
from typing import Any

from cnnspec.analyses.report import analyse
from cnnspec.diagnostics import Severity, Sink, Source
from cnnspec.diagnostics.github import render_github
from cnnspec.diagnostics.text import render_text
from cnnspec.elaborate import Request, elaborate, variants
from cnnspec.elaborate.limits import Limits
from cnnspec.ir.graph import Graph
from cnnspec.ir.serialize import graph_from_json, graph_to_json
from cnnspec.ir.verify import verify
from cnnspec.language import parse
from cnnspec.language.formatter import format_file
from cnnspec.pipeline import TARGETS, models, program
from tests.language.same_tree import same_tree

SMALL = Limits(work=4_000, layers=3_000)
"""Budgets under which thousands of texts are gone through in minutes."""


def ends_well(text: str, limits: Limits = SMALL) -> None:
    """Any text ends in IR or in coded findings with a place; what formats, formats for good."""
    source = Source("any.cnn", text)
    found = models(source, limits=limits)
    assert found
    for model in found[:3]:
        for finding in model.findings:
            assert len(finding.code) == 4
            assert 0 <= finding.span.start <= finding.span.end <= len(text)
            assert finding.message
        for finding in model.findings[:20]:
            for shown in (render_text(finding, source), render_github(finding, source)):
                assert all(char.isprintable() or char in "\n\u200b" for char in shown if not char.isspace())
                assert not set(shown) & set("\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")
            for edit in finding.fix:
                assert 0 <= edit.span.start <= edit.span.end <= len(text)
        if model.graph is None:
            assert model.has_errors
        else:
            faults = verify(model.graph)
            assert model.has_errors or faults == []
            assert graph_from_json(graph_to_json(model.graph)) == model.graph
            if not model.has_errors:
                assert not any(value is None for body in model.graph.bodies for value in body.values)
    formats_for_good(text)


def formats_for_good(text: str) -> None:
    """parse(format(tree)) == tree, and formatting twice changes nothing, where there is nothing wrong."""
    sink, source = Sink(), Source("any.cnn", text)
    file = parse(source, sink)
    result = format_file(source, file)
    if sink.has_errors:
        return
    again = Source("any.cnn", result)
    tree = parse(again, sink)
    assert not sink.has_errors
    assert same_tree(file, tree)
    assert format_file(again, tree) == result


def graph_of(text: str, limits: Limits | None = None) -> Graph:
    """Of a text that must be without errors."""
    source, sink = Source("grown.cnn", text), Sink()
    file = parse(source, sink)
    names = variants(file)
    graph = elaborate(Request(file, source, names[0] if names else None, limits=limits or Limits()), sink)
    wrong = [f"{one.code} {one.message}" for one in sink if one.severity is Severity.ERROR]
    assert graph is not None
    assert not wrong, f"{wrong}\n{text}"
    return graph


def figures(text: str) -> dict[str, Any]:
    """The numbers of a network: what no change of names or of writing may move."""
    graph = graph_of(text)
    report = analyse(graph)
    totals = report.totals
    return {
        "in": [graph.root.values[number] for number in range(graph.root.inputs)],
        "out": [graph.root.values[number] for number in graph.root.outputs],
        **{
            name: _plain(getattr(totals, name))
            for name in (
                "params",
                "trainable",
                "buffers",
                "macs",
                "activations",
                "connections",
                "layers",
                "weighted",
                "field",
            )
        },
    }


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | Fraction | tuple | type(None)) else repr(value)


def programs_are_well_behaved(text: str, limits: Limits = SMALL) -> None:
    """Of a text that is valid both targets write a program, or say why not."""
    (model, *_) = models(Source("any.cnn", text), limits=limits, first=True, lints=False)
    if not model.buildable:
        return
    for target in TARGETS:
        made = program(model.graph, target)
        if isinstance(made, str):
            well_behaved(made, target)
        else:
            assert {one.code for one in made} == {"E801"}


def well_behaved(text: str, target: str) -> None:
    """An emitted program compiles and imports only its target, and what its types need."""
    tree = ast.parse(text)
    assert text.replace("\n", "").isprintable()
    names = {
        name.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for name in node.names
    }
    names |= {
        (node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
    }
    assert names <= {target, "__future__", "collections", "contextlib", "functools", "typing"}
    compile(text, "emitted", "exec")
