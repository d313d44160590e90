"""Every model of the zoo, taken apart into a list of its layers, is written again."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnspec import structure
from cnnspec.diagnostics import Source
from cnnspec.ir.flat import flat, join
from cnnspec.ir.graph import Graph
from cnnspec.pipeline import models
from cnnspec.structure.spec import formatted as fmt
from tests.structure.from_graph import layer_list

SPECS = sorted(Path("specs").rglob("*.cnn"))


def graphs(text: str) -> list[Graph]:
    return [one.graph for one in models(Source("a.cnn", text), lints=False) if one.graph is not None]


def came_back(graph: Graph, made: structure.Spec) -> None:
    """The same weights, each with its key."""
    (again,) = graphs(made.text)
    arriving = [(entry, tuple(shape or () for shape in entry.arriving)) for entry in flat(graph) if entry.op]
    theirs = {
        join(entry.attribute, one.name): one.shape
        for entry, shapes in arriving
        for one in entry.op.weights(*shapes)  # type: ignore[union-attr]
    }
    ours = {key: one.shape for entry in flat(again) for key, one in entry.weights}
    assert {made.keys[key]: shape for key, shape in ours.items()} == theirs
    assert fmt(made.text) == made.text


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_with_its_blocks(path: Path) -> None:
    graph = graphs(path.read_text())[0]
    made = structure.spec(layer_list(graph))
    came_back(graph, made)
    assert made.form == "blocks"


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_without_names(path: Path) -> None:
    """As a format gives it that knows no modules."""
    graph = graphs(path.read_text())[-1]
    came_back(graph, structure.spec(layer_list(graph, blocks=False)))
