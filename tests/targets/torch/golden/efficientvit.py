# Written by cnnspec 0.0.0: model EfficientViT_B0 (IR 0)
from collections import OrderedDict
from contextlib import nullcontext

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


class Mbconv(nn.Sequential):
    def __init__(self, in_channels: int, k: int, s: int = 1) -> None:
        super().__init__()
        c = 4 * in_channels
        self.conv1 = nn.Conv2d(in_channels, c, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.hswish1 = nn.Hardswish()
        self.dwconv = nn.Conv2d(
            c, c, kernel_size=3, stride=s, padding=1, groups=c, bias=False
        )
        self.bn2 = nn.BatchNorm2d(c)
        self.hswish2 = nn.Hardswish()
        self.conv2 = nn.Conv2d(c, k, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(k)


class ConvStageGroup(nn.Module):
    def __init__(self, k: int) -> None:
        super().__init__()
        self.mbconv = Mbconv(k, k)

    def forward(self, x: Tensor) -> Tensor:
        return self.mbconv(x) + x


class ConvStage(nn.Sequential):
    def __init__(self, in_channels: int, k: int, n: int) -> None:
        super().__init__()
        self.mbconv = Mbconv(in_channels, k, s=2)
        self.group = nn.Sequential(*(ConvStageGroup(k) for _ in range(n - 1)))


class MbconvBiased(nn.Sequential):
    def __init__(self, in_channels: int, k: int, s: int = 1) -> None:
        super().__init__()
        c = 4 * in_channels
        self.conv1 = nn.Conv2d(in_channels, c, kernel_size=1)
        self.hswish1 = nn.Hardswish()
        self.dwconv = nn.Conv2d(c, c, kernel_size=3, stride=s, padding=1, groups=c)
        self.hswish2 = nn.Hardswish()
        self.conv2 = nn.Conv2d(c, k, kernel_size=1, bias=False)
        self.bn = nn.BatchNorm2d(k)


class Attend(nn.Module):
    def __init__(self, in_channels: int, d: int) -> None:
        super().__init__()
        channels = 3 * in_channels
        self.near = nn.Conv2d(in_channels, channels, kernel_size=1, bias=False)
        self.wide = sequential(
            dwconv=nn.Conv2d(
                channels,
                channels,
                kernel_size=5,
                padding=2,
                groups=channels,
                bias=False,
            ),
            conv=nn.Conv2d(
                channels, channels, kernel_size=1, groups=channels // d, bias=False
            ),
        )
        self.attention = LinearAttention(2 * in_channels // d, eps=1e-5)
        self.conv = nn.Conv2d(2 * in_channels, in_channels, kernel_size=1, bias=False)
        self.bn = nn.BatchNorm2d(in_channels)

    def forward(self, x: Tensor) -> Tensor:
        near = self.near(x)
        wide = self.wide(near)
        q1, k1, v1 = near.chunk(3, dim=1)
        q2, k2, v2 = wide.chunk(3, dim=1)
        q = torch.cat([q1, q2], dim=1)
        k = torch.cat([k1, k2], dim=1)
        v = torch.cat([v1, v2], dim=1)
        x = self.attention(q, k, v)
        return self.bn(self.conv(x))


class AttentionStageGroup(nn.Module):
    def __init__(self, k: int) -> None:
        super().__init__()
        self.attend = Attend(k, 16)
        self.mbconv_biased = MbconvBiased(k, k)

    def forward(self, x: Tensor) -> Tensor:
        x = self.attend(x) + x
        return self.mbconv_biased(x) + x


class AttentionStage(nn.Sequential):
    def __init__(self, in_channels: int, k: int, n: int) -> None:
        super().__init__()
        self.mbconv_biased = MbconvBiased(in_channels, k, s=2)
        self.group = nn.Sequential(*(AttentionStageGroup(k) for _ in range(n)))


class EfficientViT_B0(nn.Module):
    """EfficientViT: Multi-Scale Linear Attention for High-Resolution Dense Prediction,
    Cai et al., ICCV 2023
    """

    def __init__(
        self,
        classes: int = 1000,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.stem = sequential(
                conv=nn.Conv2d(3, 8, kernel_size=3, stride=2, padding=1, bias=False),
                bn=nn.BatchNorm2d(8),
                hswish=nn.Hardswish(),
            )
            self.dwconv = nn.Conv2d(
                8, 8, kernel_size=3, padding=1, groups=8, bias=False
            )
            self.bn1 = nn.BatchNorm2d(8)
            self.hswish = nn.Hardswish()
            self.conv = nn.Conv2d(8, 8, kernel_size=1, bias=False)
            self.bn2 = nn.BatchNorm2d(8)
            self.s1 = ConvStage(8, 16, n=2)
            self.s2 = ConvStage(16, 32, n=2)
            self.s3 = AttentionStage(32, 64, n=2)
            self.s4 = AttentionStage(64, 128, n=2)
            self.head = sequential(
                conv=nn.Conv2d(128, 1024, kernel_size=1, bias=False),
                bn=nn.BatchNorm2d(1024),
                hswish1=nn.Hardswish(),
                gap=nn.AdaptiveAvgPool2d(1),
                flatten=nn.Flatten(),
                fc1=nn.Linear(1024, 1280, bias=False),
                ln=nn.LayerNorm(1280),
                hswish2=nn.Hardswish(),
                fc2=nn.Linear(1280, classes),
            )
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        stem = self.stem(x)  # 8x112x112
        x = self.hswish(self.bn1(self.dwconv(stem)))  # 8x112x112
        x = self.bn2(self.conv(x))  # 8x112x112
        x = self.s1(x + stem)  # 16x56x56
        x = self.s2(x)  # 32x28x28
        x = self.s3(x)  # 64x14x14
        x = self.s4(x)  # 128x7x7
        return self.head(x)


def main() -> None:
    model = EfficientViT_B0().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 224, 224))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
