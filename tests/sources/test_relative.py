"""Attention whose scores depend on where the positions are, as others write it; and without a softmax."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnspec.sources.layers import Hole
from tests.sources.support import LIMIT, beside, imported, listed, with_numbers
from tests.targets.torch.support import single_threaded

H, W, HEADS, DEPTH = 3, 4, 2, 4


class Heads(nn.Module):
    """Queries, keys and values of a map, (N, heads, positions, channels)."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Conv2d(3, 3 * HEADS * DEPTH, 1)

    def split(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        made = self.qkv(x).reshape(-1, 3, HEADS, DEPTH, H * W).unbind(1)
        q, k, v = (one.transpose(-2, -1) for one in made)
        return q, k, v

    def joined(self, y: Tensor) -> Tensor:
        return y.transpose(-2, -1).reshape(-1, HEADS * DEPTH, H, W)


class Table(Heads):
    """Swin's table, by an index that is a buffer: offsets from the key to the query, heads last."""

    index: Tensor

    def __init__(self, distances: bool = False) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn((2 * H - 1) * (2 * W - 1), HEADS))
        places = torch.stack(torch.meshgrid(torch.arange(H), torch.arange(W), indexing="ij")).flatten(1)
        offsets = places[:, :, None] - places[:, None]
        offsets = offsets.abs() if distances else offsets + torch.tensor([H - 1, W - 1])[:, None, None]
        self.register_buffer("index", offsets[0] * (2 * W - 1) + offsets[1])

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.split(x)
        scores = DEPTH**-0.5 * q @ k.transpose(-2, -1)
        added = self.table[self.index.flatten()].view(H * W, H * W, HEADS).permute(2, 0, 1).contiguous()
        return self.joined((scores + added.unsqueeze(0)).softmax(-1) @ v)


class MaskedTable(Table):
    """The same, given to torch's own attention."""

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.split(x)
        added = self.table[self.index.flatten()].view(H * W, H * W, HEADS).permute(2, 0, 1)
        return self.joined(F.scaled_dot_product_attention(q, k, v, attn_mask=added))


class OfQueries(Heads):
    """BoTNet's: products of the queries, shifted by a border and a view."""

    def __init__(self, all_scaled: bool = False) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.randn(2 * H - 1, DEPTH))
        self.columns = nn.Parameter(torch.randn(2 * W - 1, DEPTH))
        self.all_scaled = all_scaled

    def along(self, q: Tensor, vectors: Tensor, order: tuple[int, ...]) -> Tensor:
        n, h, w, _ = q.shape
        x = (q @ vectors.transpose(-1, -2)).reshape(-1, w, 2 * w - 1)
        x = F.pad(F.pad(x, [0, 1]).flatten(1), [0, w - 1])
        x = x.reshape(-1, w + 1, 2 * w - 1)[:, :w, w - 1 :]
        return x.reshape(n, h, 1, w, w).expand(-1, -1, h, -1, -1).permute(order)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (one.flatten(0, 1) for one in self.split(x))
        q2 = q.reshape(-1, H, W, DEPTH)
        added = self.along(q2.transpose(1, 2), self.rows, (0, 3, 1, 4, 2))
        added = added + self.along(q2, self.columns, (0, 1, 3, 2, 4))
        scores, added = q @ k.transpose(-2, -1), added.reshape(-1, H * W, H * W)
        scale = DEPTH**-0.5
        scores = (scores + added) * scale if self.all_scaled else scores * scale + added
        return self.joined((scores.softmax(-1) @ v).unflatten(0, (-1, HEADS)))


class WithoutSoftmax(Heads):
    """EfficientViT's: a column of ones gives the sum that is divided by."""

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.split(x)
        v = F.pad(v, (0, 1), value=1.0)
        y = F.relu(q) @ (F.relu(k).transpose(-1, -2) @ v)
        return self.joined(y[..., :-1] / (y[..., -1:] + 1e-6))


class Matrix(nn.Module):
    """Parameters that a tensor is multiplied by, not through nn.Linear: their axes are in, out."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Parameter(torch.randn(3, 5)), nn.Parameter(torch.randn(5, 2))
        self.bias = nn.Parameter(torch.randn(2))

    def forward(self, x: Tensor) -> Tensor:
        y = (x.flatten(2).transpose(1, 2) @ self.first).mean(1)
        return torch.addmm(self.bias, y, self.second)


MODULES: dict[str, tuple[Any, str]] = {
    "table": (Table, "attention heads=2 relative ["),
    "mask": (MaskedTable, "attention heads=2 relative ["),
    "queries": (OfQueries, "attention heads=2 unscaled relative=query ["),
    "queries, scaled": (lambda: OfQueries(all_scaled=True), "attention heads=2 relative=query ["),
    "matrix": (Matrix, "conv F1 K5 nobias\ngap -> fc 2"),
    "linear": (WithoutSoftmax, "attention heads=2 linear eps=1e-6 ["),
}


@pytest.mark.parametrize("name", MODULES)
@single_threaded
def test_it_gives_the_numbers_of_the_module(name: str) -> None:
    make, text = MODULES[name]
    image = torch.randn(2, 3, H, W, dtype=torch.float64)
    found = imported(with_numbers(make()), image)
    assert text in found.spec.text
    assert found.unused == []
    assert max(beside(found, image)) < LIMIT, found.spec.text


def test_a_weight_in_another_order_is_named_as_torch_writes_it() -> None:
    found = imported(Table(), torch.zeros(2, 3, H, W))
    assert found.spec.keys["attention.table"] == "table.view(5, 7, 2).permute(2, 0, 1).flip((1, 2))"


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: Table(distances=True), "the same number for several offsets"),
        (lambda: Shifted(), "constants, are added to the scores"),
    ],
)
def test_what_is_no_table_of_the_language_says_why(make: Any, why: str) -> None:
    _, layers = listed(make(), torch.zeros(2, 3, H, W))
    assert why in next(one.why for one in layers.layers if isinstance(one, Hole))


class Shifted(Heads):
    """A mask that the code computes."""

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.split(x)
        mask = torch.arange(H * W)[:, None] // 6 != torch.arange(H * W) // 6
        return self.joined(F.scaled_dot_product_attention(q, k, v, attn_mask=-100.0 * mask))
