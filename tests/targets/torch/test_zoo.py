"""Every model of the zoo as a program: it runs, with the shapes, the weights and the names that the IR
says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from cnnspec.ir.flat import flat
from tests.targets.torch.support import (
    executed,
    inputs_of,
    keys_of,
    model_class,
    outputs_of,
    program,
    shapes_of,
    spec,
    zoo,
)


def some() -> list[Any]:
    """Every spec's first variant; the others are tried in `make zoo`."""
    return [
        pytest.param(*pair, marks=() if pair in zoo() else pytest.mark.heavy)
        for pair in zoo(all_variants=True)
    ]


@pytest.mark.parametrize(("path", "variant"), some())
def test_shapes_weights_and_names(path: str, variant: str | None) -> None:
    graph = spec(path, variant)
    names = executed(program(graph))
    with torch.device("meta"):
        model = model_class(names)().eval()
        inputs = inputs_of(graph)
    outputs = outputs_of(model(*inputs))
    assert [tuple(y.shape[1:]) for y in outputs] == shapes_of(graph)
    assert {key: tuple(value.shape) for key, value in model.state_dict().items()} == keys_of(graph)
    roles = {key: weight.role for entry in flat(graph) for key, weight in entry.weights}
    parameters = dict(model.named_parameters())
    assert set(parameters) == {key for key, role in roles.items() if role != "buffer"}
    assert all(
        parameter.requires_grad == (roles[key] == "trainable") for key, parameter in parameters.items()
    )


def test_a_program_shows_itself_working(tmp_path: Path) -> None:
    file = tmp_path / "resnet50.py"
    file.write_text(program(spec("deep/resnet.cnn", "ResNet50")))
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout == "(2, 1000)\n25,557,032 weights\n"


def test_the_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    """And nothing imports torch on the way."""
    script = (
        "import sys\nfrom cnnspec.api import load\nfrom cnnspec.targets.torch import emit\n"
        "for name, variant in [('resnet', 'ResNet50'), ('googlenet', 'GoogLeNet'), ('mobilenet_v3', None)]:\n"
        "    graph = load('zoo:' + name, variant=variant)\n"
        "    print(emit(graph), emit(graph, fold_bn=True))\n"
        "assert not {'torch', 'numpy'} & set(sys.modules)\n"
    )
    texts = set()
    for seed in ("0", "1", "12345"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            env=environment,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        texts.add(done.stdout)
    assert len(texts) == 1


def test_a_resnet50_is_about_as_long_as_a_person_would_write_it() -> None:
    text = program(spec("deep/resnet.cnn", "ResNet50"))
    assert text.count("\n") < 130  # with how its weights start, as torchvision's
    assert max(map(len, text.split("\n"))) <= 88
