# Written by cnnspec 0.0.0: model BoTNet50 (IR 0)
from collections import OrderedDict
from contextlib import nullcontext
from typing import Final

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


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


class Bottleneck(nn.Module):
    projection: Final[bool]

    def __init__(self, in_channels: int, k: int, s: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, k, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(k)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(k, k, kernel_size=3, stride=s, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(k)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(k, 4 * k, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * k)
        self.projection = s > 1 or in_channels != 4 * k
        if self.projection:
            self.conv4 = nn.Conv2d(
                in_channels, 4 * k, kernel_size=1, stride=s, bias=False
            )
            self.bn4 = nn.BatchNorm2d(4 * k)
        self.relu3 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.relu2(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        if self.projection:
            x = self.bn4(self.conv4(x))
        return self.relu3(y + x)


class Stage(nn.Sequential):
    def __init__(self, in_channels: int, k: int, n: int, s: int = 2) -> None:
        super().__init__()
        for i in range(n):
            self.append(Bottleneck(in_channels, k, s=s if i == 0 else 1))
            in_channels = 4 * k


class Transformer(nn.Module):
    pooling: Final[bool]
    projection: Final[bool]

    def __init__(
        self, in_channels: int, in_height: int, in_width: int, k: int, s: int = 1
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, k, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(k)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(k, k, kernel_size=1, bias=False)
        self.conv3 = nn.Conv2d(k, k, kernel_size=1, bias=False)
        self.conv4 = nn.Conv2d(k, k, kernel_size=1, bias=False)
        self.attention = QueryRelativeAttention(k, 4, (in_height, in_width))
        self.pooling = s == 2
        if self.pooling:
            self.avgpool = nn.AvgPool2d(kernel_size=2)
        self.bn2 = nn.BatchNorm2d(k)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv5 = nn.Conv2d(k, 4 * k, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * k)
        self.projection = s > 1 or in_channels != 4 * k
        if self.projection:
            self.conv6 = nn.Conv2d(
                in_channels, 4 * k, kernel_size=1, stride=s, bias=False
            )
            self.bn4 = nn.BatchNorm2d(4 * k)
        self.relu3 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        q = self.conv2(y)
        k = self.conv3(y)
        v = self.conv4(y)
        y = self.attention(q, k, v)
        if self.pooling:
            y = self.avgpool(y)
        y = self.conv5(self.relu2(self.bn2(y)))
        y = self.bn3(y)
        if self.projection:
            x = self.bn4(self.conv6(x))
        return self.relu3(y + x)


class BoTNet50(nn.Module):
    """Bottleneck Transformers for Visual Recognition, Srinivas et al., CVPR 2021"""

    def __init__(
        self,
        classes: int = 1000,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.stem = sequential(
                conv=nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False),
                bn=nn.BatchNorm2d(64),
                relu=nn.ReLU(inplace=True),
                maxpool=nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
            )
            self.body = sequential(
                stage1=Stage(64, 64, n=3, s=1),
                stage2=Stage(256, 128, n=4),
                stage3=Stage(512, 256, n=6),
            )
            self.group = nn.Sequential(
                Transformer(1024, 14, 14, k=512, s=2),
                *(Transformer(2048, 7, 7, k=512) for _ in range(2)),
            )
            self.head = sequential(
                gap=nn.AdaptiveAvgPool2d(1),
                flatten=nn.Flatten(),
                fc=nn.Linear(2048, classes),
            )
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu"
                )
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 64x56x56
        x = self.body(x)  # 1024x14x14
        x = self.group(x)  # 2048x7x7
        return self.head(x)


def main() -> None:
    model = BoTNet50().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 224, 224))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
