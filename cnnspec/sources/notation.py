"""The door for Darknet's .cfg and Caffe's .prototxt, whose text is parsed in `notations`, and nowhere else.

The network is written as plain lines and elaborated; its flat view is the layer list.
"""

from __future__ import annotations

import re
from types import ModuleType
from typing import NamedTuple

from cnnspec.diagnostics import Severity, Source, line_start
from cnnspec.ir.flat import Entry, flat
from cnnspec.ir.graph import Graph
from cnnspec.notations import caffe, darknet
from cnnspec.notations.network import Network, Node, written
from cnnspec.ops import Op
from cnnspec.sources.layers import Input, Layer, LayerList, Output

FORMATS: dict[str, ModuleType] = {".cfg": darknet, ".prototxt": caffe}
_NAME = re.compile(r"^[ \t]*name[ \t]*:[ \t]*[\"']([^\"']+)", re.M)


class Refused(ValueError):
    """A text that is no network of the format, or of which a part cannot be said; and why."""


class Doubt(NamedTuple):
    """A part of the text whose meaning is not certain: its line, from 1, and why."""

    line: int
    why: str


def read(text: str, ending: str, name: str = "") -> tuple[LayerList, list[Doubt]]:
    """The network of a .cfg or .prototxt, and what is not certain of it."""
    programs = list(FORMATS[ending].networks(text))
    if len(programs) != 1:
        raise Refused(
            "no network is found in it" if not programs else f"{len(programs)} networks are found in it"
        )
    network: Network = programs[0].network
    doubts = [Doubt(_line(text, node), node.why) for node in network.nodes if node.why]
    unsaid = [node for node in network.nodes if not node.text]
    if unsaid:
        raise Refused(f"line {_line(text, unsaid[0])}: {unsaid[0].why or 'this cannot be said'}")
    named = _NAME.search(text)
    return _list(_graph(network), named[1] if named else name), doubts


def _line(text: str, node: Node) -> int:
    return text.count("\n", 0, line_start(text, node.span.start)) + 1


def _graph(network: Network) -> Graph:
    from cnnspec.pipeline import models

    text = "".join(part.text for part in written(network))
    (model, *_) = models(Source("import", text), lints=False)
    wrong = [one for one in model.findings if one.severity is Severity.ERROR]
    if wrong or model.graph is None:
        raise Refused(wrong[0].message if wrong else "no network is found in it")
    return model.graph


def _list(graph: Graph, name: str) -> LayerList:
    shapes = graph.root.values
    names = graph.inputs if len(graph.inputs) > 1 else ("",)
    inputs = tuple(Input(shapes[value] or (), given) for value, given in enumerate(names))
    entries, outputs = _entries(graph)
    layers = tuple(map(_layer, entries))
    ends = tuple(map(Output, outputs, graph.outputs if len(outputs) > 1 else ("",)))
    return LayerList(name, inputs, layers, ends)


def _entries(graph: Graph) -> tuple[list[Entry], tuple[int, ...]]:
    walk, entries = flat(graph), list[Entry]()
    while True:
        try:
            entries.append(next(walk))
        except StopIteration as end:
            return entries, end.value


def _layer(entry: Entry) -> Layer:
    assert isinstance(entry.op, Op)
    assert entry.out is not None
    keys = {weight.name: key for key, weight in entry.weights}
    return Layer(entry.op, entry.inputs, entry.out, entry.label or "", weights=keys)
