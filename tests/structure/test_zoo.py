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

ALWAYS = frozenset(
    """
    captioning_encoder densenet efficientnet googlenet hrnet nasnet nfnet res2net resnet segnet siamese u2net
    unet video_resnet
    """.split()  # noqa: SIM905
)
"""Those that are written again in every run of the tests; the others with `-m heavy`."""
SPECS = sorted(Path("specs").rglob("*.cnn"))
PARAMETERS = [
    pytest.param(path, id=path.stem, marks=() if path.stem in ALWAYS else pytest.mark.heavy) for path in SPECS
]


def graphs(text: str) -> list[Graph]:
    return [one.graph for one in models(Source("a.cnn", text), lints=False) if one.graph is not None]


def came_back(graph: Graph, made: structure.Spec) -> None:
    """The same weights, each with its key."""
    (again,) = graphs(made.text)
    layers = [
        (entry, tuple(shape or () for shape in entry.input_shapes)) for entry in flat(graph) if entry.op
    ]
    theirs = {
        join(entry.attribute, one.name): one.shape
        for entry, shapes in layers
        for one in entry.op.weights(*shapes)  # type: ignore[union-attr]
    }
    ours = {key: one.shape for entry in flat(again) for key, one in entry.weights}
    assert {made.keys[key]: shape for key, shape in ours.items()} == theirs
    assert fmt(made.text) == made.text


@pytest.mark.parametrize("path", PARAMETERS)
def test_with_its_blocks(path: Path) -> None:
    graph = graphs(path.read_text())[0]
    made = structure.spec(layer_list(graph))
    came_back(graph, made)
    assert made.form == "blocks"


@pytest.mark.parametrize("path", PARAMETERS)
def test_without_names(path: Path) -> None:
    """As a format gives it that knows no modules."""
    graph = graphs(path.read_text())[-1]
    came_back(graph, structure.spec(layer_list(graph, blocks=False)))
