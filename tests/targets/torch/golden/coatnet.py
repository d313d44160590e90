# Written by cnnspec 0.0.0: model CoAtNet0 (IR 0)
from collections import OrderedDict
from contextlib import nullcontext
from typing import Final

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class LayerNorm2d(nn.LayerNorm):
    """Layer normalisation over the channels, at each position."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.movedim(1, -1)
        shape = self.normalized_shape
        x = nn.functional.layer_norm(x, shape, self.weight, self.bias, self.eps)
        return x.movedim(x.ndim - 1, 1)


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


class Mbconv(nn.Module):
    projection: Final[bool]

    def __init__(self, in_channels: int, k: int, s: int = 1) -> None:
        super().__init__()
        c = 4 * k
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, c, kernel_size=1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        self.gelu1 = nn.GELU()
        self.dwconv = nn.Conv2d(
            c, c, kernel_size=3, stride=s, padding=1, groups=c, bias=False
        )
        self.bn3 = nn.BatchNorm2d(c)
        self.gelu2 = nn.GELU()
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.conv2 = nn.Conv2d(c, c // 16, kernel_size=1)
        self.silu = nn.SiLU()
        self.conv3 = nn.Conv2d(c // 16, c, kernel_size=1)
        self.sigmoid = nn.Sigmoid()
        self.conv4 = nn.Conv2d(c, k, kernel_size=1)
        self.projection = s == 2
        if self.projection:
            self.avgpool = nn.AvgPool2d(kernel_size=2)
            self.conv5 = nn.Conv2d(in_channels, k, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(self.bn1(x))
        y = self.dwconv(self.gelu1(self.bn2(y)))
        y = self.gelu2(self.bn3(y))
        gate = self.silu(self.conv2(self.gap(y)))
        gate = self.sigmoid(self.conv3(gate))
        y = self.conv4(y * gate)
        if self.projection:
            x = self.conv5(self.avgpool(x))
        return y + x


class Transformer(nn.Module):
    pooling: Final[bool]

    def __init__(
        self, in_channels: int, in_height: int, in_width: int, k: int, s: int = 1
    ) -> None:
        super().__init__()
        height = (in_height - 2) // 2 + 1 if s == 2 else in_height
        width = (in_width - 2) // 2 + 1 if s == 2 else in_width
        self.ln1 = LayerNorm2d(in_channels, eps=1e-6)
        self.pooling = s == 2
        if self.pooling:
            self.avgpool1 = nn.AvgPool2d(kernel_size=2)
        self.conv1 = nn.Conv2d(in_channels, k, kernel_size=1)
        self.conv2 = nn.Conv2d(in_channels, k, kernel_size=1)
        self.conv3 = nn.Conv2d(in_channels, k, kernel_size=1)
        self.attention = RelativeAttention(k // 32, (height, width))
        self.conv4 = nn.Conv2d(k, k, kernel_size=1)
        if self.pooling:
            self.avgpool2 = nn.AvgPool2d(kernel_size=2)
            self.conv5 = nn.Conv2d(in_channels, k, kernel_size=1)
        self.ln2 = LayerNorm2d(k, eps=1e-6)
        self.conv6 = nn.Conv2d(k, 4 * k, kernel_size=1)
        self.gelu = nn.GELU()
        self.conv7 = nn.Conv2d(4 * k, k, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.ln1(x)
        if self.pooling:
            y = self.avgpool1(y)
        q = self.conv1(y)
        k = self.conv2(y)
        v = self.conv3(y)
        y = self.attention(q, k, v)
        y = self.conv4(y)
        if self.pooling:
            x = self.conv5(self.avgpool2(x))
        y = y + x
        x = self.conv6(self.ln2(y))
        x = self.conv7(self.gelu(x))
        return x + y


class CoAtNet0(nn.Module):
    """CoAtNet: Marrying Convolution and Attention for All Data Sizes, Dai et al.,
    NeurIPS 2021
    """

    def __init__(
        self,
        classes: int = 1000,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.s0 = sequential(
                conv1=nn.Conv2d(3, 64, kernel_size=3, stride=2, padding=1, bias=False),
                bn=nn.BatchNorm2d(64),
                gelu=nn.GELU(),
                conv2=nn.Conv2d(64, 64, kernel_size=3, padding=1, bias=False),
            )
            self.s1 = nn.Sequential(Mbconv(64, 96, s=2), Mbconv(96, 96))
            self.s2 = nn.Sequential(
                Mbconv(96, 192, s=2), *(Mbconv(192, 192) for _ in range(2))
            )
            self.s3 = nn.Sequential(
                Transformer(192, 28, 28, k=384, s=2),
                *(Transformer(384, 14, 14, k=384) for _ in range(4)),
            )
            self.s4 = nn.Sequential(
                Transformer(384, 14, 14, k=768, s=2), Transformer(768, 7, 7, k=768)
            )
            self.head = sequential(
                gap=nn.AdaptiveAvgPool2d(1),
                ln=LayerNorm2d(768, eps=1e-6),
                flatten=nn.Flatten(),
                fc1=nn.Linear(768, 768),
                tanh=nn.Tanh(),
                fc2=nn.Linear(768, classes),
            )
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.s0(x)  # 64x112x112
        x = self.s1(x)  # 96x56x56
        x = self.s2(x)  # 192x28x28
        x = self.s3(x)  # 384x14x14
        x = self.s4(x)  # 768x7x7
        return self.head(x)


def main() -> None:
    model = CoAtNet0().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 224, 224))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
