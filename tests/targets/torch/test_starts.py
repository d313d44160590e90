"""How weights start: `init=` gives the distribution that it names, measured; literals are the numbers; else
torch's own."""

from __future__ import annotations

import math

import pytest
import torch

from cnnspec.ir.flat import flat
from tests.targets.torch.support import built, graph_of

WIDE = "input 64x8x8\n{layer}\n"
LAYERS = ["conv F3 P1 K96", "dwconv F5 P2 K6400", "deconv F3 K96", "conv F3 K64 G4", "flatten -> fc 96"]
SCHEMES = [
    "",
    " init=he",
    " init=he(fan_out)",
    " init=truncated(0.02)",
    " init=constant(-0.5)",
    " init=normal(1, 0.02)",
    " init=xavier",
    " init=normal(0.02)",
    " init=uniform(0.3)",
    " init=zeros",
    " init=ones",
]
STANDARD_DEVIATIONS = {"uniform": 1 / math.sqrt(3), "normal": 1, "truncated": 0.8796256610342398, "signs": 1}
"""Of each distribution, where its value is 1."""


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("layer", LAYERS)
def test_the_distribution_is_what_the_ir_says(layer: str, scheme: str) -> None:
    graph = graph_of(WIDE.format(layer=layer + scheme).replace("x8x8", "x8x8"))
    measured(graph)


@pytest.mark.parametrize(
    "text",
    [
        "input 256x9x9\nconv F3 K256 connect=["
        + "; ".join(f"{k} {(k * 7 + 1) % 256}" for k in range(256))
        + "]",
        "input 256x9x9\nconv F3 K256 init=he connect=["
        + "; ".join(f"{k} {(k * 7 + 1) % 256}" for k in range(256))
        + "]",
        "input 400\nrbf 50",
        "input 400\nrbf 50 init=normal(0.1)",
        "input 9x9x9\nsubsample F3",
        "input 9x9x9\nprelu -> scale init=1e-6 -> bn -> ln",
        "input 4096x2x2\nbn init=normal(1, 0.02) -> ln init=truncated(0.1) -> rms init=uniform(0.5)",
        "input 4096x2x2\ngn G2 init=zeros -> in running init=constant(-2) -> bn init=ones",
    ],
)
def test_other_layers(text: str) -> None:
    measured(graph_of(text))


def measured(graph) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    state = built(graph).state_dict()
    for entry in flat(graph):
        for key, weight in entry.weights:
            value, start = state[key].double(), weight.initial
            if start.distribution == "constant":
                torch.testing.assert_close(value, torch.full_like(value, start.value), rtol=1e-6, atol=1e-12)
                continue
            if start.distribution == "values":
                whole = torch.tensor(start.values, dtype=torch.float64).view(start.shape).expand(value.shape)
                torch.testing.assert_close(value, whole, rtol=1e-6, atol=1e-7)
                continue
            count = value.numel()
            spread = start.value * STANDARD_DEVIATIONS[start.distribution]
            assert abs(float(value.mean()) - start.mean) < 5 * spread / math.sqrt(count), key
            assert math.isclose(float(value.std(correction=0)), spread, rel_tol=5 / math.sqrt(count)), key
            if start.distribution == "uniform":
                assert float(value.abs().max()) <= start.value * (1 + 1e-6)
            if start.distribution == "truncated":
                assert 1.9 * start.value < float(value.abs().max()) <= 2 * start.value * (1 + 1e-6)
            if start.distribution == "normal":
                inside = float(((value - start.mean).abs() < start.value).double().mean())
                assert math.isclose(inside, 0.6827, abs_tol=2.5 / math.sqrt(count)), key
            if start.distribution == "signs":
                assert set(value.unique().tolist()) == {-start.value, start.value}


def test_literals_are_the_numbers() -> None:
    state = built(
        graph_of("input 2x6x6\nconv F3 K2 weight=[1 0 -1; 2 0 -2; 1/3 0 0.1] bias=-500")
    ).state_dict()
    plane = torch.tensor([[1, 0, -1], [2, 0, -2], [1 / 3, 0, 0.1]])
    torch.testing.assert_close(state["conv.weight"], plane.expand(2, 2, 3, 3))
    assert state["conv.bias"].tolist() == [-500, -500]
    state = built(graph_of("input 3\nfc 2 weight=[1 2 3; 4 5 6] bias=[7 8]")).state_dict()
    assert state["fc.weight"].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert state["fc.bias"].tolist() == [7, 8]
