"""How far apart images are at the output, as the weights start: beside torch's own networks."""

from __future__ import annotations

import pytest
import torch

from cnnspec.analyses.start import start
from tests.targets.torch.support import executed, graph_of, model_class, program

WIDE = "input 100x4x4\n"


@pytest.mark.parametrize(
    "layers",
    [
        "[conv F1 K200 -> relu]*6 -> flatten -> fc 100",
        "[conv F1 K200 init=he -> relu]*8 -> flatten -> fc 100 init=normal(0.01)",
        "[conv F1 K200 init=he(fan_out) nobias -> leaky 0.2]*6 -> conv F1 K100 init=truncated(0.05)",
        "[conv F1 K200 init=xavier -> tanh]*5 -> flatten -> fc 100 init=uniform(0.1)",
        "[conv F1 K200 init=normal(0.2) -> sigmoid]*3 -> conv F1 K100",
        "conv F1 K200 init=he -> relu -> [add [ id | conv F1 K200 init=he -> relu ]]*5 -> conv F1 K100",
        "conv F1 K200 init=he -> relu -> concat [ id | conv F1 K50 -> relu -> times 3 ] -> conv F1 K100",
        "[conv F1 K200 init=he -> relu]*3 -> deconv F2 S2 K100 init=he -> sub [ id | conv F1 K100 bias=2 ]",
    ],
)
def test_beside_torch(layers: str) -> None:
    graph = graph_of(WIDE + layers + "\n")
    torch.manual_seed(0)
    spreads = []
    for _ in range(3):
        model = model_class(executed(program(graph)))()
        outputs = model(torch.randn(8, 100, 4, 4)).detach()
        spreads.append(float(outputs.var(0).mean()))
    found = start(graph)
    assert found is not None
    assert found.apart == pytest.approx(float(torch.tensor(spreads).mean()) ** 0.5, rel=0.25)


def test_what_it_says_nothing_of() -> None:
    for layers in ("conv F1 K8 -> bn", "conv F1 K8 spectral", "gelu", "conv F1 K8 weight=[2]", "[relu]*2000"):
        assert start(graph_of(f"{WIDE}{layers}\n")) is None
