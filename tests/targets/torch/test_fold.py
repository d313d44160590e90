"""`--fold-bn`: the inference form gives what the trained network gives in evaluation."""

from __future__ import annotations

import pytest
import torch

from cnnspec.targets.torch.fold import folded
from tests.targets.torch.constructs import CONSTRUCTS
from tests.targets.torch.support import (
    executed,
    graph_of,
    inputs_of,
    keys_of,
    model_class,
    outputs_of,
    program,
    spec,
)
from tests.targets.torch.test_constructs import disturb

TEXTS = {
    **{name: text for name, text in CONSTRUCTS.items() if "bn" in text},
    "bias and eps": "input 3x8x8\nconv F3 P1 K4 -> bn eps=0.01 -> relu\nconv F1 K4 -> bn noaffine"
    " -> conv F1 K2 -> bn frozen\n",
    "same names, other pairs": "input 3x8x8\nstem: conv F3 P1 K4 -> bn -> relu\nbn -> conv F1 K4 -> relu\n",
    "read twice": "input 3x8x8\na: conv F3 P1 K4\nb: bn\nadd [ @a | @b ]\n",
    "an output": "input 3x8x8\na: conv F3 P1 K4\nb: bn -> relu\noutput @a, @b\n",
    "depthwise, dense": "input 4x8x8\ndwconv F3 P1 -> bn -> relu -> gap -> fc 8 -> bn -> relu -> fc 3\n",
    "not into these": "input 4x8x8\ndeconv F2 S2 K4 -> bn -> maxpool F2 -> bn\n"
    "conv F3 K2 connect=[0 1; 2 3] -> bn\n"
    "conv F1 K2 weight=[1 | 2 | 3 | 4] -> bn\n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_folded_network_is_the_same_function(name: str) -> None:
    compare(graph_of(TEXTS[name]))


@pytest.mark.parametrize(
    ("path", "variant"), [("deep/resnet.cnn", "ResNet18"), ("light/mobilenet_v2.cnn", None)]
)
def test_of_the_zoo(path: str, variant: str | None) -> None:
    graph = spec(path, variant)
    compare(graph)
    assert "BatchNorm" not in program(graph, fold_bn=True)


def compare(graph) -> None:  # type: ignore[no-untyped-def]
    whole = model_class(executed(program(graph)))().double()
    disturb(whole)
    pairs = folded(graph).pairs
    names = executed(program(graph, fold_bn=True))
    inference = model_class(names)().double().eval()
    norms = {pair.norm for pair in pairs}
    kept = {key: shape for key, shape in keys_of(graph).items() if key.rpartition(".")[0] not in norms}
    biases = {f"{pair.layer}.bias": kept[f"{pair.layer}.weight"][:1] for pair in pairs}
    assert {key: tuple(value.shape) for key, value in inference.state_dict().items()} == kept | biases
    state = whole.state_dict()
    before = {key: value.clone() for key, value in state.items()}
    if pairs:
        inference.load_state_dict(names["fold_batch_norm"](state))
    else:
        assert "fold_batch_norm" not in names
        inference.load_state_dict(state)
    assert all(torch.equal(value, before[key]) for key, value in state.items()), (
        "what is given is not changed"
    )
    inputs = inputs_of(graph, dtype=torch.float64)
    with torch.no_grad():
        for output, other in zip(
            outputs_of(inference(*inputs)), outputs_of(whole.eval()(*inputs)), strict=True
        ):
            torch.testing.assert_close(output, other, rtol=1e-9, atol=1e-9)
