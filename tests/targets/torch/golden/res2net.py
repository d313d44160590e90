# Written by cnnspec 0.0.0: model Res2Net50 (IR 0)
from collections import OrderedDict
from contextlib import nullcontext
from typing import Final

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class Slice(nn.Module):
    """The channels from `low` up to `high`."""

    def __init__(self, low: int, high: int) -> None:
        super().__init__()
        self.low, self.high = low, high

    def forward(self, x: Tensor) -> Tensor:
        return x[:, self.low : self.high]


class Unit(nn.Sequential):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 1,
        stride: int = 1,
        padding: int = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            bias=False,
        )
        self.bn = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)


class BottleneckB(nn.Module):
    residual: Final[bool]

    def __init__(self, w: int, s: int, first: bool) -> None:
        super().__init__()
        self.w = w
        self.high = 2 * w
        self.residual = not first
        self.unit = Unit(w, w, kernel_size=3, stride=s, padding=1)

    def forward(self, x: Tensor, a: Tensor) -> Tensor:
        x = x[:, self.w : self.high]
        if self.residual:
            x = x + a
        return self.unit(x)


class BottleneckC(nn.Module):
    residual: Final[bool]

    def __init__(self, w: int, s: int, first: bool) -> None:
        super().__init__()
        self.low = 2 * w
        self.high = 3 * w
        self.residual = not first
        self.unit = Unit(w, w, kernel_size=3, stride=s, padding=1)

    def forward(self, x: Tensor, b: Tensor) -> Tensor:
        x = x[:, self.low : self.high]
        if self.residual:
            x = x + b
        return self.unit(x)


class BottleneckD(nn.Sequential):
    def __init__(self, w: int, s: int, first: bool) -> None:
        super().__init__()
        self.slice = Slice(3 * w, 4 * w)
        if first:
            self.avgpool = nn.AvgPool2d(kernel_size=3, stride=s, padding=1)


class Bottleneck(nn.Module):
    first: Final[bool]

    def __init__(self, in_channels: int, k: int, s: int, first: bool) -> None:
        super().__init__()
        w = 26 * k // 64
        self.all = Unit(in_channels, 4 * w)
        self.a = sequential(
            slice=Slice(0, w), unit=Unit(w, w, kernel_size=3, stride=s, padding=1)
        )
        self.b = BottleneckB(w, s, first)
        self.c = BottleneckC(w, s, first)
        self.d = BottleneckD(w, s, first)
        self.conv1 = nn.Conv2d(4 * w, 4 * k, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(4 * k)
        self.first = first
        if self.first:
            self.conv2 = nn.Conv2d(
                in_channels, 4 * k, kernel_size=1, stride=s, bias=False
            )
            self.bn2 = nn.BatchNorm2d(4 * k)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        all_ = self.all(x)
        a = self.a(all_)
        b = self.b(all_, a)
        c = self.c(all_, b)
        d = self.d(all_)
        y = torch.cat([a, b, c, d], dim=1)
        y = self.bn1(self.conv1(y))
        if self.first:
            x = self.bn2(self.conv2(x))
        return self.relu(y + x)


class Stage(nn.Sequential):
    def __init__(self, in_channels: int, k: int, n: int, s: int = 2) -> None:
        super().__init__()
        for i in range(n):
            self.append(Bottleneck(in_channels, k, s if i == 0 else 1, first=i == 0))
            in_channels = 4 * k


class Res2Net50(nn.Module):
    """Res2Net: A New Multi-Scale Backbone Architecture, Gao et al., TPAMI 2021"""

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
                stage4=Stage(1024, 512, n=3),
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
        x = self.body(x)  # 2048x7x7
        return self.head(x)


def main() -> None:
    model = Res2Net50().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 224, 224))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
