# Written by cnnspec 0.0.0: model MobileViT_S (IR 0)
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


class Inverted(nn.Module):
    residual: Final[bool]

    def __init__(self, in_channels: int, k: int, s: int) -> None:
        super().__init__()
        channels = 4 * in_channels
        self.conv1 = nn.Conv2d(in_channels, channels, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.silu1 = nn.SiLU()
        self.dwconv = nn.Conv2d(
            channels,
            channels,
            kernel_size=3,
            stride=s,
            padding=1,
            groups=channels,
            bias=False,
        )
        self.bn2 = nn.BatchNorm2d(channels)
        self.silu2 = nn.SiLU()
        self.conv2 = nn.Conv2d(channels, k, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(k)
        self.residual = s == 1 and in_channels == k

    def forward(self, x: Tensor) -> Tensor:
        y = self.silu1(self.bn1(self.conv1(x)))
        y = self.silu2(self.bn2(self.dwconv(y)))
        y = self.bn3(self.conv2(y))
        if self.residual:
            y = y + x
        return y


class Pixels(nn.Sequential):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.pixelunshuffle = nn.PixelUnshuffle(2)
        self.shuffle = nn.ChannelShuffle(in_channels)


class Transformer(nn.Module):
    def __init__(self, in_channels: int, k: int) -> None:
        super().__init__()
        self.ln1 = LayerNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, k, kernel_size=1)
        self.pixels1 = Pixels(k)
        self.conv2 = nn.Conv2d(in_channels, k, kernel_size=1)
        self.pixels2 = Pixels(k)
        self.conv3 = nn.Conv2d(in_channels, k, kernel_size=1)
        self.pixels3 = Pixels(k)
        self.attention = Attention(16)
        self.shuffle = nn.ChannelShuffle(4)
        self.pixelshuffle = nn.PixelShuffle(2)
        self.conv4 = nn.Conv2d(k, k, kernel_size=1)
        self.ln2 = LayerNorm2d(k)
        self.conv5 = nn.Conv2d(k, 2 * k, kernel_size=1)
        self.silu = nn.SiLU()
        self.conv6 = nn.Conv2d(2 * k, k, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.ln1(x)
        q = self.conv1(y)
        q = self.pixels1(q)
        k = self.conv2(y)
        k = self.pixels2(k)
        v = self.conv3(y)
        v = self.pixels3(v)
        y = self.attention(q, k, v)
        y = self.conv4(self.pixelshuffle(self.shuffle(y)))
        y = y + x
        x = self.conv5(self.ln2(y))
        x = self.conv6(self.silu(x))
        return x + y


class Mobilevit(nn.Module):
    def __init__(self, in_channels: int, k: int, d: int, n: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, k, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(k)
        self.silu1 = nn.SiLU()
        self.conv2 = nn.Conv2d(k, d, kernel_size=1, bias=False)
        self.group = nn.Sequential(*(Transformer(d, d) for _ in range(n)))
        self.ln = LayerNorm2d(d)
        self.conv3 = nn.Conv2d(d, k, kernel_size=1, bias=False)
        self.bn2 = nn.BatchNorm2d(k)
        self.silu2 = nn.SiLU()
        self.conv4 = nn.Conv2d(in_channels + k, k, kernel_size=3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(k)
        self.silu3 = nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        y = self.silu1(self.bn1(self.conv1(x)))
        y = self.conv2(y)
        y = self.ln(self.group(y))
        y = self.silu2(self.bn2(self.conv3(y)))
        x = torch.cat([x, y], dim=1)
        return self.silu3(self.bn3(self.conv4(x)))


class MobileViT_S(nn.Module):
    """MobileViT: Light-weight, General-purpose, and Mobile-friendly Vision Transformer,
    Mehta and Rastegari, ICLR 2022
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
                conv=nn.Conv2d(3, 16, kernel_size=3, stride=2, padding=1, bias=False),
                bn=nn.BatchNorm2d(16),
                silu=nn.SiLU(),
            )
            self.s1 = Inverted(16, 32, s=1)
            self.s2 = sequential(
                inverted=Inverted(32, 64, s=2),
                group=nn.Sequential(*(Inverted(64, 64, s=1) for _ in range(2))),
            )
            self.s3 = sequential(
                inverted=Inverted(64, 96, s=2), mobilevit=Mobilevit(96, 96, d=144, n=2)
            )
            self.s4 = sequential(
                inverted=Inverted(96, 128, s=2),
                mobilevit=Mobilevit(128, 128, d=192, n=4),
            )
            self.s5 = sequential(
                inverted=Inverted(128, 160, s=2),
                mobilevit=Mobilevit(160, 160, d=240, n=3),
            )
            self.head = sequential(
                conv=nn.Conv2d(160, 640, kernel_size=1, bias=False),
                bn=nn.BatchNorm2d(640),
                silu=nn.SiLU(),
                gap=nn.AdaptiveAvgPool2d(1),
                flatten=nn.Flatten(),
                fc=nn.Linear(640, classes),
            )
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 16x128x128
        x = self.s1(x)  # 32x128x128
        x = self.s2(x)  # 64x64x64
        x = self.s3(x)  # 96x32x32
        x = self.s4(x)  # 128x16x16
        x = self.s5(x)  # 160x8x8
        return self.head(x)


def main() -> None:
    model = MobileViT_S().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 256, 256))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
