"""Emitted models are at home in torch: compile without a break, also into C++, are exported,
and run under bf16 autocast and with channels_last."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import torch._inductor.config

from cnnspec.ops import words
from tests.cases.samples import every_argument
from tests.support import sampled
from tests.targets.test_axes import SIGNALS, VOLUMES
from tests.targets.torch.constructs import CONSTRUCTS
from tests.targets.torch.support import built, graph_of, inputs_of, outputs_of, single_threaded, spec

TEXTS = [*CONSTRUCTS.values(), *SIGNALS.values(), *VOLUMES.values()]


def agree(changed: Any, model: torch.nn.Module, inputs: list[torch.Tensor]) -> None:
    for output, other in zip(outputs_of(changed(*inputs)), outputs_of(model(*inputs)), strict=True):
        torch.testing.assert_close(output, other)


def compiles(text: str) -> None:
    graph = graph_of(text)
    model = built(graph).eval()
    torch.compiler.reset()
    agree(torch.compile(model, fullgraph=True, backend="aot_eager"), model, inputs_of(graph))


def exports(text: str) -> None:
    graph = graph_of(text)
    model = built(graph).eval()
    inputs = inputs_of(graph)
    agree(torch.export.export(model, tuple(inputs)).module(), model, inputs)


@pytest.mark.slow
@pytest.mark.parametrize("text", sampled(TEXTS, 2))
def test_compiles_without_a_graph_break(text: str) -> None:
    compiles(text)


@pytest.mark.slow
@pytest.mark.parametrize("word", sampled(words(), 8))
def test_every_argument_compiles_without_a_graph_break(word: str) -> None:
    for text in every_argument(word):
        compiles(text)


@pytest.mark.slow
@pytest.mark.parametrize("text", sampled(TEXTS, 2, turn=1))
def test_exports(text: str) -> None:
    exports(text)


@pytest.mark.slow
@pytest.mark.parametrize("word", sampled(words(), 8, turn=4))
def test_every_argument_exports(word: str) -> None:
    for text in every_argument(word):
        exports(text)


def test_trains_compiled() -> None:
    """Batch norm, dropout, stochastic depth and the way back, compiled."""
    graph = graph_of(
        "input 3x16x16\nconv F3 P1 K8 nobias -> bn -> relu\n"
        "[add [ conv F3 P1 K8 -> bn -> droppath 0.2 | id ] -> relu]*2\ngap -> dropout 0.1 -> fc 10\n"
    )
    model = built(graph)
    step = torch.compile(model, fullgraph=True, backend="aot_eager")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    torch.manual_seed(0)
    x, y = torch.randn(16, 3, 16, 16), torch.randint(10, (16,))
    losses = []
    for _ in range(30):
        loss = torch.nn.functional.cross_entropy(step(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]


@pytest.mark.slow
@pytest.mark.skipif(
    not any(map(shutil.which, ("g++", "clang++", "c++"))),
    reason="inductor needs a C++ compiler, and none is here",
)
@pytest.mark.filterwarnings("ignore::FutureWarning:torch.*", "ignore::UserWarning:torch.*")
@single_threaded
def test_inductor_agrees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Very small, and compiled in a hurry: the compiler needs seconds for every kernel."""
    graph = graph_of("input 3x8x8\nconv F3 P1 K4 nobias -> bn\nadd [ hswish | id ]\n")
    model = built(graph).eval()
    inputs = inputs_of(graph)
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    torch.compiler.reset()
    hurry = {
        "compile_threads": 1,  # in this process: no pool of workers is left behind
        "cpp.simdlen": 1,
        "aot_inductor.debug_compile": True,
        "force_disable_caches": True,
    }
    with torch.no_grad(), torch._inductor.config.patch(hurry):
        output = torch.compile(model, fullgraph=True, backend="inductor")(*inputs)
        expected = model(*inputs)
    assert list(tmp_path.rglob("*.so")), "inductor compiled nothing"
    torch.testing.assert_close(output, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("path", ["classic/lenet5.cnn", "light/squeezenet.cnn"])
def test_bf16_autocast_and_channels_last(path: str) -> None:
    graph = spec(path)
    model = built(graph).eval().to(memory_format=torch.channels_last)
    inputs = [x.to(memory_format=torch.channels_last) for x in inputs_of(graph, 1)]
    with torch.no_grad():
        whole = model(*inputs)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            half = model(*inputs)
    assert whole.shape == half.shape
    assert (whole - half.float()).abs().max() <= 0.1 * whole.abs().max().clamp(min=1)
