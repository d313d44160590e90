"""A few small networks of `make parity`, where torchvision is; and that a wrong program is noticed there."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest

try:
    import torchvision  # noqa: F401
except Exception as problem:  # not installed, or built for another torch: then RuntimeError
    pytest.skip(f"{problem}; `make parity` brings its own torchvision", allow_module_level=True)

import torch
from torch import nn

from tests.parity import against_torchvision as parity

SMALL = "shufflenet_v2_x0_5"
META: dict[str, Any] = {"device": "meta", "dtype": torch.float64}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Layers this small only wait for each other on more, and long where other tests run beside them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "resnet18", SMALL, "squeezenet1_1"])
def test_agrees(name: str) -> None:
    differences = parity.compare(name)
    assert differences.weight_gradients is not None
    assert differences.largest <= parity.LIMIT


def broken(change: Callable[[nn.Module], object]) -> parity.Differences:
    """The small network's comparison after a change of our module."""
    network = parity.NETWORKS[SMALL]
    ours = parity.module_of(parity.program(network, {}))
    change(ours)
    return parity.beside(ours, parity.torchvision_module(SMALL, network), network, 64)


def first(model: nn.Module, kind: type[nn.Module]) -> nn.Module:
    return next(module for module in model.modules() if isinstance(module, kind))


@pytest.mark.parametrize(
    ("kind", "attribute", "value"),
    [
        (nn.BatchNorm2d, "eps", 1.1e-5),
        (nn.ChannelShuffle, "groups", 1),
        (nn.MaxPool2d, "padding", 0),
    ],
)
def test_a_wrong_layer_is_noticed(kind: type[nn.Module], attribute: str, value: float) -> None:
    differences = broken(lambda model: setattr(first(model, kind), attribute, value))
    assert differences.outputs > parity.LIMIT


def test_a_wrong_momentum_is_noticed_in_the_statistics() -> None:
    differences = broken(lambda model: setattr(first(model, nn.BatchNorm2d), "momentum", 0.101))
    assert differences.outputs <= parity.LIMIT
    assert differences.statistics is not None
    assert differences.statistics > parity.LIMIT


def test_other_layers_are_a_mismatch() -> None:
    with pytest.raises(parity.Mismatch, match="layers with weights"):
        broken(lambda model: setattr(model, "bn1", nn.Identity()))
    with pytest.raises(parity.Mismatch, match="call 0"):
        broken(lambda model: setattr(model, "conv1", nn.Conv2d(3, 24, 5, 2, 2, bias=False, **META)))
    with pytest.raises(parity.Mismatch, match="dropout"):
        broken(lambda model: setattr(model, "fc", nn.Sequential(nn.Dropout(0.2), model.get_submodule("fc"))))


def test_differences_are_relative_and_no_nan_passes() -> None:
    one, two = torch.tensor([1.0, 4.0]), torch.tensor([1.0, 5.0])
    assert parity.relative([two], [one]) == 0.25
    assert parity.relative([two], [one], floor=8) == 0.125
    assert parity.relative([two], [torch.zeros(2)]) == math.inf
    assert parity.relative([one * math.nan], [one]) == math.inf
    with pytest.raises(parity.Mismatch):
        parity.relative([one, two], [one])
