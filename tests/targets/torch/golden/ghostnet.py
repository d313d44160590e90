# Written by cnnspec 0.0.0: model GhostNet (IR 0)
from contextlib import nullcontext
from typing import Final

import torch
from torch import Tensor, nn


def multiple(x: float, of: int) -> int:
    """The multiple of `of` nearest to x, but at least 90 % of x."""
    rounded = max(of, int(x + of / 2) // of * of)
    return rounded + of if rounded < 0.9 * x else rounded


class GhostPrimary(nn.Sequential):
    def __init__(self, in_channels: int, k: int, act: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, k // 2, kernel_size=1, bias=False)
        self.bn = nn.BatchNorm2d(k // 2)
        if act:
            self.relu = nn.ReLU(inplace=True)


class GhostCheap(nn.Sequential):
    def __init__(self, k: int, act: bool) -> None:
        super().__init__()
        channels = k // 2
        self.dwconv = nn.Conv2d(
            channels, channels, kernel_size=3, padding=1, groups=channels, bias=False
        )
        self.bn = nn.BatchNorm2d(channels)
        if act:
            self.relu = nn.ReLU(inplace=True)


class Ghost(nn.Module):
    def __init__(self, in_channels: int, k: int, act: bool) -> None:
        super().__init__()
        self.primary = GhostPrimary(in_channels, k, act)
        self.cheap = GhostCheap(k, act)

    def forward(self, x: Tensor) -> Tensor:
        primary = self.primary(x)
        cheap = self.cheap(primary)
        return torch.cat([primary, cheap], dim=1)


class Se(nn.Module):
    def __init__(self, in_channels: int, squeeze: int) -> None:
        super().__init__()
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.conv1 = nn.Conv2d(in_channels, squeeze, kernel_size=1)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(squeeze, in_channels, kernel_size=1)
        self.hsigmoid = nn.Hardsigmoid()

    def forward(self, x: Tensor) -> Tensor:
        gate = self.relu(self.conv1(self.gap(x)))
        gate = self.hsigmoid(self.conv2(gate))
        return x * gate


class Bottleneck(nn.Module):
    has_dwconv1: Final[bool]
    squeeze: Final[bool]
    projection: Final[bool]

    def __init__(
        self, in_channels: int, f: int, t: int, k: int, squeeze: bool, s: int
    ) -> None:
        super().__init__()
        channels = 2 * (t // 2)
        self.ghost1 = Ghost(in_channels, t, act=True)
        self.has_dwconv1 = s > 1
        if self.has_dwconv1:
            self.dwconv1 = nn.Conv2d(
                channels,
                channels,
                kernel_size=f,
                stride=s,
                padding=f // 2,
                groups=channels,
                bias=False,
            )
            self.bn1 = nn.BatchNorm2d(channels)
        self.squeeze = squeeze
        if self.squeeze:
            self.se = Se(channels, multiple(t // 4, 4))
        self.ghost2 = Ghost(channels, k, act=False)
        self.projection = s > 1 or in_channels != k
        if self.projection:
            self.dwconv2 = nn.Conv2d(
                in_channels,
                in_channels,
                kernel_size=f,
                stride=s,
                padding=f // 2,
                groups=in_channels,
                bias=False,
            )
            self.bn2 = nn.BatchNorm2d(in_channels)
            self.conv = nn.Conv2d(in_channels, k, kernel_size=1, bias=False)
            self.bn3 = nn.BatchNorm2d(k)

    def forward(self, x: Tensor) -> Tensor:
        y = self.ghost1(x)
        if self.has_dwconv1:
            y = self.bn1(self.dwconv1(y))
        if self.squeeze:
            y = self.se(y)
        y = self.ghost2(y)
        if self.projection:
            shortcut = self.bn2(self.dwconv2(x))
            x = self.bn3(self.conv(shortcut))
        return y + x


class GhostNet(nn.Module):
    """GhostNet: More Features from Cheap Operations, Han et al., CVPR 2020"""

    def __init__(
        self,
        classes: int = 1000,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv1 = nn.Conv2d(
                3, 16, kernel_size=3, stride=2, padding=1, bias=False
            )
            self.bn1 = nn.BatchNorm2d(16)
            self.relu1 = nn.ReLU(inplace=True)
            self.bottleneck1 = Bottleneck(16, f=3, t=16, k=16, squeeze=False, s=1)
            self.bottleneck2 = Bottleneck(16, f=3, t=48, k=24, squeeze=False, s=2)
            self.bottleneck3 = Bottleneck(24, f=3, t=72, k=24, squeeze=False, s=1)
            self.bottleneck4 = Bottleneck(24, f=5, t=72, k=40, squeeze=True, s=2)
            self.bottleneck5 = Bottleneck(40, f=5, t=120, k=40, squeeze=True, s=1)
            self.bottleneck6 = Bottleneck(40, f=3, t=240, k=80, squeeze=False, s=2)
            self.bottleneck7 = Bottleneck(80, f=3, t=200, k=80, squeeze=False, s=1)
            self.group1 = nn.Sequential(
                *(
                    Bottleneck(80, f=3, t=184, k=80, squeeze=False, s=1)
                    for _ in range(2)
                ),
            )
            self.bottleneck8 = Bottleneck(80, f=3, t=480, k=112, squeeze=True, s=1)
            self.bottleneck9 = Bottleneck(112, f=3, t=672, k=112, squeeze=True, s=1)
            self.bottleneck10 = Bottleneck(112, f=5, t=672, k=160, squeeze=True, s=2)
            self.group2 = nn.Sequential(
                *(
                    Bottleneck(160, f=5, t=960, k=160, squeeze=i % 2 == 1, s=1)
                    for i in range(4)
                ),
            )
            self.conv2 = nn.Conv2d(160, 960, kernel_size=1, bias=False)
            self.bn2 = nn.BatchNorm2d(960)
            self.relu2 = nn.ReLU(inplace=True)
            self.gap = nn.AdaptiveAvgPool2d(1)
            self.conv3 = nn.Conv2d(960, 1280, kernel_size=1)
            self.relu3 = nn.ReLU(inplace=True)
            self.dropout = nn.Dropout(0.2)
            self.fc = nn.Linear(1280, classes)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu"
                )
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu1(self.bn1(self.conv1(x)))  # 16x112x112
        x = self.bottleneck1(x)  # 16x112x112
        x = self.bottleneck2(x)  # 24x56x56
        x = self.bottleneck3(x)  # 24x56x56
        x = self.bottleneck4(x)  # 40x28x28
        x = self.bottleneck5(x)  # 40x28x28
        x = self.bottleneck6(x)  # 80x14x14
        x = self.bottleneck7(x)  # 80x14x14
        x = self.group1(x)  # 80x14x14
        x = self.bottleneck8(x)  # 112x14x14
        x = self.bottleneck9(x)  # 112x14x14
        x = self.bottleneck10(x)  # 160x7x7
        x = self.group2(x)  # 160x7x7
        x = self.gap(self.relu2(self.bn2(self.conv2(x))))  # 960x1x1
        x = torch.flatten(self.dropout(self.relu3(self.conv3(x))), 1)  # 1280
        return self.fc(x)


def main() -> None:
    model = GhostNet().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 224, 224))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
