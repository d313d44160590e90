"""Every model of the zoo, taken apart into a list of its layers, is written again."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnspec import structure
from cnnspec.diagnostics import Source
from cnnspec.ir.flat import flat
from cnnspec.ir.graph import Graph
from cnnspec.pipeline import models
from cnnspec.structure.spec import formatted as fmt
from tests.structure.from_graph import layer_list

SPECS = sorted(Path("specs").rglob("*.cnn"))


def graphs(text: str) -> list[Graph]:
    return [one.graph for one in models(Source("a.cnn", text), lints=False) if one.graph is not None]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_same_network(path: Path) -> None:
    for graph in graphs(path.read_text()):
        network = layer_list(graph)
        made = structure.spec(network)
        (again,) = graphs(made.text)
        weights = {key: one.shape for entry in flat(graph) for key, one in entry.weights}
        ours = {key: one.shape for entry in flat(again) for key, one in entry.weights}
        assert {made.keys[key]: shape for key, shape in ours.items()} == weights
        assert fmt(made.text) == made.text
