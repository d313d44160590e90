"""Attention over the positions of maps, or over their channels."""

import torch
from torch import Tensor, nn


class Attention(nn.Module):
    """softmax(q^T k * scale) v over the positions of maps, in heads of the channels.

    The scale is 1 / sqrt(d), with d channels per head, unless it is given.
    """

    def __init__(self, heads: int = 1, scale: float | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.scale = None if scale is None else float(scale)

    def split(self, x: Tensor) -> Tensor:
        """Heads, positions, channels of the head."""
        return x.flatten(2).unflatten(1, (self.heads, -1)).transpose(2, 3)

    def offsets(self, q: Tensor, scale: float) -> Tensor | None:
        """What is added to the scores."""
        return None

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        size = q.shape[2:]
        q, k, v = self.split(q), self.split(k), self.split(v)
        scale = q.shape[-1] ** -0.5 if self.scale is None else self.scale
        added = self.offsets(q, scale)
        y = nn.functional.scaled_dot_product_attention(q, k, v, added, scale=scale)
        return y.transpose(2, 3).flatten(1, 2).unflatten(2, size)


class ChannelAttention(Attention):
    """softmax(q k^T * scale) v over the channels of each head."""

    def split(self, x: Tensor) -> Tensor:
        """Heads, channels of the head, positions."""
        return x.flatten(2).unflatten(1, (self.heads, -1))

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        size = v.shape[2:]
        q, k, v = self.split(q), self.split(k), self.split(v)
        y = nn.functional.scaled_dot_product_attention(q, k, v, scale=self.scale)
        return y.flatten(1, 2).unflatten(2, size)


def offsets(size: tuple[int, ...]) -> list[Tensor]:
    """Along each axis: the offset of each pair of positions, counted from 0."""
    places = torch.meshgrid(*(torch.arange(n) for n in size), indexing="ij")
    flat = [place.flatten() for place in places]
    return [place - place[:, None] + n - 1 for place, n in zip(flat, size, strict=True)]


class RelativeAttention(Attention):
    """Adds a trained number for each head and offset to the scores."""

    def __init__(
        self, heads: int, size: tuple[int, ...], scale: float | None = None
    ) -> None:
        super().__init__(heads, scale)
        self.size = size
        self.table = nn.Parameter(torch.empty(heads, *(2 * n - 1 for n in size)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.normal_(self.table, std=0.02)

    def offsets(self, q: Tensor, scale: float) -> Tensor | None:
        places: list[slice | Tensor] = [slice(None), *offsets(self.size)]
        return self.table[tuple(places)]


class QueryRelativeAttention(Attention):
    """Adds the products of q with a trained vector for each offset along each axis."""

    def __init__(
        self,
        channels: int,
        heads: int,
        size: tuple[int, ...],
        scale: float | None = None,
    ) -> None:
        super().__init__(heads, scale)
        self.size = size
        depth = channels // heads
        for axis, n in zip("thw"[-len(size) :], size, strict=True):
            vectors = nn.Parameter(torch.empty(2 * n - 1, depth))
            self.register_parameter(f"relative_{axis}", vectors)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        for vectors in self.parameters():
            nn.init.normal_(vectors, std=vectors.shape[1] ** -0.5)

    def offsets(self, q: Tensor, scale: float) -> Tensor | None:
        added = torch.zeros((), dtype=q.dtype, device=q.device)
        for vectors, places in zip(self.parameters(), offsets(self.size), strict=True):
            products = scale * q @ vectors.T
            index = places.to(q.device).expand(*q.shape[:3], -1)
            added = added + products.gather(3, index)
        return added


class LinearAttention(Attention):
    """relu(q)^T (sum of relu(k) v^T) / (relu(q)^T sum of relu(k) + eps)."""

    def __init__(self, heads: int = 1, eps: float = 1e-15) -> None:
        super().__init__(heads)
        self.eps = eps

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        size = q.shape[2:]
        q, k, v = self.split(q).relu(), self.split(k).relu(), self.split(v)
        y = q @ (k.transpose(2, 3) @ v)
        y = y / ((q * k.sum(2, keepdim=True)).sum(3, keepdim=True) + self.eps)
        return y.transpose(2, 3).flatten(1, 2).unflatten(2, size)
