"""A spec as a live torch module, and both programs compared, from Python."""

from __future__ import annotations

import copy
import inspect
import io
from pathlib import Path

import numpy as np
import pytest
import torch

import cnnspec

TEXT = "model Small\ninput 3x8x8\na: conv F3 K4 -> bn -> relu\ngap -> fc 10\n"


def test_a_live_module() -> None:
    model = cnnspec.torch_module("zoo:resnet", variant="ResNet18")
    assert isinstance(model, torch.nn.Module)
    assert sum(parameter.numel() for parameter in model.parameters()) == 11_689_512
    with torch.no_grad():
        assert model.eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 1000)


def test_it_is_copied_saved_and_has_a_source() -> None:
    model = cnnspec.torch_module(text=TEXT).eval()
    x = torch.randn(2, 3, 8, 8)
    kept = io.BytesIO()
    torch.save(model, kept)
    kept.seek(0)
    for other in (copy.deepcopy(model), torch.load(kept, weights_only=False)):
        assert torch.equal(other(x), model(x))
    assert "nn.Conv2d(3, 4, kernel_size=3)" in inspect.getsource(type(model))
    assert type(cnnspec.torch_module(text=TEXT)) is not type(model)


def test_its_weights_are_those_of_the_numpy_program(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    model = cnnspec.torch_module(cnnspec.load(text=TEXT)).eval()
    safetensors.save_file(model.state_dict(), tmp_path / "w.safetensors")
    x = np.random.default_rng(0).standard_normal((2, 3, 8, 8)).astype("float32")
    expected = model(torch.tensor(x)).detach().numpy()
    again = cnnspec.torch_module(text=TEXT, weights=tmp_path / "w.safetensors").eval()
    np.testing.assert_array_equal(again(torch.tensor(x)).detach().numpy(), expected)
    for weights in (
        tmp_path / "w.safetensors",
        {key: one.numpy() for key, one in model.state_dict().items()},
    ):
        found = cnnspec.run(text=TEXT, input=x, weights=weights)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_both_programs_compared() -> None:
    verdict = cnnspec.verify(text=TEXT)
    assert verdict.holds
    assert verdict.worst < 1e-10
    assert [layer["name"] for layer in verdict.as_document()["layers"]] == [
        "a.conv",
        "a.bn",
        "a.relu",
        "gap",
        "fc",
    ]
    with pytest.raises(cnnspec.SpecError, match="E301"):
        cnnspec.verify(text="input 1x8x8\nconv F9 K4\n")


def test_from_torch_gives_the_spec_of_a_module() -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten())
    text = cnnspec.from_torch(module, torch.zeros(2, 3, 5, 5))
    assert "input 3x5x5\n\nconv F3 K4 -> relu" in text
    assert module.training


def test_from_torch_raises_what_cannot_be_said() -> None:
    class Summing(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cumsum(x, 2)

    with pytest.raises(cnnspec.SpecError) as raised:
        cnnspec.from_torch(Summing(), torch.zeros(2, 3, 5, 5))
    assert raised.value.diagnostics[0].code == "E812"
