"""Weights that the code computes before it uses them, and numbers that meet a layer only later."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.sources.support import LIMIT, beside, imported, listed, with_numbers

IMAGE = torch.randn(2, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


class Standardized(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        variance, mean = torch.var_mean(self.weight, (1, 2, 3), correction=0, keepdim=True)
        weight = (self.weight - mean) * (variance + 1e-5).rsqrt()
        return F.conv2d(x, weight, self.bias, self.stride, self.padding)


class Fusion(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 3, padding=1)
        self.shares = nn.Parameter(torch.ones(2))

    def forward(self, x: Tensor) -> Tensor:
        shares = self.shares.relu()
        return torch.stack([self.one(x), self.other(x)], dim=-1) @ (shares / (shares.sum() + 1e-4))


class Prototypes(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc, self.rows = nn.Linear(192, 5), nn.Parameter(torch.randn(4, 5))

    def forward(self, x: Tensor) -> Tensor:
        y = 1.7159 * torch.tanh(2 / 3 * self.fc(x.flatten(1)))
        return (y[:, None] - self.rows).square().sum(2)


class Shifted(nn.Module):
    """What is scaled is used with its bias and without."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.ones(3, 1, 1)), nn.Parameter(torch.zeros(3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        y = x * self.gamma
        return torch.cat([(y + self.beta).relu(), y], 1)


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (Standardized(3, 4, 3, padding=1), "conv F3 P1 K4 standardized eps=1e-5"),
        (Fusion(), "add weighted ["),
        (Prototypes(), "fc 5 -> tanh amp=1.7159 gain=2/3 -> rbf 4"),
        (Shifted(), "concat ["),
    ],
    ids=lambda one: type(one).__name__,
)
def test_it_computes_the_same(module: nn.Module, text: str) -> None:
    found = imported(with_numbers(module), IMAGE)
    assert text in found.spec.text
    assert max(beside(found, IMAGE)) < LIMIT


class Gate(nn.Module):
    """Squeeze and excitation, as it is often written."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(3, 2, bias=False), nn.ReLU(), nn.Linear(2, 3, bias=False), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.fc(F.adaptive_avg_pool2d(x, 1).view(2, 3)).view(2, 3, 1, 1)
        return x * y.expand_as(x)


class Frames(nn.Module):
    """Each frame by itself; then their mean."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([self.conv(x[:, at : at + 1]) for at in range(3)], 1).mean(1)


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (Gate(), "mul [ id | gap -> fc 2 nobias -> relu -> fc 3 nobias -> sigmoid ]"),
        (
            Frames(),
            "add [ slice 0:1 -> conv() | slice 1:2 -> conv() | slice 2:3 -> conv() ] => 4x6x6 times 1/3",
        ),
    ],
    ids=lambda one: type(one).__name__,
)
def test_it_reads_as_it_is_meant(module: nn.Module, text: str) -> None:
    found = imported(with_numbers(module), IMAGE)
    assert text in " ".join(found.spec.text.replace("conv_block", "conv").split())
    assert max(beside(found, IMAGE)) < LIMIT


def test_an_input_that_is_not_used_is_left_out() -> None:
    class Masked(nn.Module):
        def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
            y = x.relu()
            return y, y

    _, layers = listed(Masked(), IMAGE, IMAGE + 1)
    assert (len(layers.inputs), len(layers.outputs)) == (1, 1)
    assert [note.partition(" is ")[0] for note in layers.notes] == ["the output 1", "the input mask"]


class Unpooled(nn.Module):
    """As programs of cnnspec have it: it is exported without a loop."""

    def forward(self, x: Tensor) -> Tensor:
        small, places = F.max_pool2d(x, 2, return_indices=True)
        zeros = x.new_zeros(x.shape).flatten(2)
        return zeros.scatter(2, places.flatten(2), small.relu().flatten(2)).view_as(x)


class Means(nn.Module):
    """Zeros on two sides only, which do not count."""

    def forward(self, x: Tensor) -> Tensor:
        return self.mean(x) / self.mean(torch.ones_like(x[:1, :1]))

    def mean(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(F.pad(x, (0, 1, 0, 1)), 3, 2)


@pytest.mark.parametrize(
    ("module", "text"),
    [(Unpooled(), "relu -> unpool like=@"), (Means(), "avgpool F3 S2 Psame exclude_pad")],
    ids=lambda one: type(one).__name__,
)
def test_a_pool_that_is_written_out(module: nn.Module, text: str) -> None:
    found = imported(module, IMAGE)
    assert text in found.spec.text
    assert max(beside(found, IMAGE)) < LIMIT
