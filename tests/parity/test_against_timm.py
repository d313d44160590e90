"""A few small networks of `make parity` beside timm's modules, where timm is; and that a wrong program is
noticed there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

try:
    import timm
    import torchvision  # noqa: F401
except Exception as problem:  # not installed, or built for another torch: then RuntimeError
    pytest.skip(f"{problem}; `make parity` brings its own timm", allow_module_level=True)

import torch
from torch import nn

from tests.parity import against_timm as parity
from tests.parity.against_torchvision import Differences, Mismatch, module_of, program

SMALL = "mobilevit_s"


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Layers this small only wait for each other on more, and long where other tests run beside them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", ["efficientvit_b0", "mnasnet_100", SMALL, "regnety_004"])
def test_agrees(name: str) -> None:
    assert parity.compare(name).largest <= parity.LIMIT


def broken(change: Callable[[nn.Module], object]) -> Differences:
    """The small network's comparison after a change of our module."""
    torch.manual_seed(0)
    ours = module_of(program(parity.NETWORKS[SMALL], {"input": "3x64x64"}), "cpu")
    change(ours)
    return parity.beside(ours, timm.create_model(SMALL).double(), 64)


def first(model: nn.Module, kind: type[nn.Module]) -> nn.Module:
    return next(module for module in model.modules() if isinstance(module, kind))


def test_a_wrong_layer_is_noticed() -> None:
    """Where it is: what reads its output has no counterpart."""
    with pytest.raises(Mismatch, match=r"our s1\.\w+ .* reads what none of theirs reads"):
        broken(lambda model: setattr(first(model, nn.BatchNorm2d), "eps", 1.1e-5))
    with pytest.raises(Mismatch, match="reads what none of theirs reads"):
        broken(lambda model: setattr(model.get_submodule("s3.mobilevit.group.0"), "ln1", nn.Identity()))


def test_a_wrong_end_is_noticed_in_the_output() -> None:
    def scaled(model: nn.Module) -> None:
        model.register_forward_hook(lambda module, given, output: output * 1.000001)

    differences = broken(scaled)
    assert 1e-7 < differences.outputs < 1e-5


def test_a_wrong_momentum_is_noticed_in_the_statistics() -> None:
    differences = broken(lambda model: setattr(first(model, nn.BatchNorm2d), "momentum", 0.101))
    assert differences.outputs <= parity.LIMIT
    assert differences.statistics is not None
    assert differences.statistics > parity.LIMIT
