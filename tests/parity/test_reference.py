"""Every network of torchvision in the zoo has torchvision's weights, buffers, MACs and output shapes.

The numbers in torchvision.toml were read out of torchvision's modules; nothing of torch is needed here.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from cnnspec.diagnostics import Source
from cnnspec.pipeline import models

HERE = Path(__file__).parent
SPECS = HERE.parents[1] / "specs"
NETWORKS: dict[str, dict[str, Any]] = tomllib.loads((HERE / "torchvision.toml").read_text("utf-8"))


def test_all_networks_are_there() -> None:
    assert len(NETWORKS) == 78


@pytest.mark.parametrize("name", NETWORKS)
def test_numbers(name: str) -> None:
    network = NETWORKS[name]
    source = Source(network["spec"], (SPECS / network["spec"]).read_text("utf-8"))
    (model,) = models(source, variant=network.get("variant"))
    assert not model.has_errors
    assert model.graph is not None
    assert model.report is not None
    totals = model.report.totals
    assert totals.params == network["params"]
    assert totals.trainable == network["params"]
    assert totals.buffers == network["buffers"]
    assert totals.macs == network["macs"]
    root = model.graph.root
    assert root.inputs == 1
    assert root.values[0] == tuple(network["input"])
    assert [root.values[number] for number in root.outputs] == [tuple(shape) for shape in network["outputs"]]
