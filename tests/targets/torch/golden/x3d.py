# Written by cnnspec 0.0.0: model X3D_XS (IR 0)
from collections import OrderedDict
from contextlib import nullcontext
from typing import Final

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


def multiple(x: float, of: int) -> int:
    """The multiple of `of` nearest to x, but at least 90 % of x."""
    rounded = max(of, int(x + of / 2) // of * of)
    return rounded + of if rounded < 0.9 * x else rounded


class Gate(nn.Module):
    def __init__(self, in_channels: int, k: int, c: int) -> None:
        super().__init__()
        self.gap = nn.AdaptiveAvgPool3d(1)
        self.conv1 = nn.Conv3d(in_channels, k, kernel_size=1)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv3d(k, c, kernel_size=1)
        self.sigmoid = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        gate = self.relu(self.conv1(self.gap(x)))
        gate = self.sigmoid(self.conv2(gate))
        return x * gate


class Unit(nn.Module):
    gated: Final[bool]
    projection: Final[bool]

    def __init__(self, in_channels: int, k: int, s: int, gated: bool) -> None:
        super().__init__()
        channels = 9 * k // 4
        self.conv1 = nn.Conv3d(in_channels, channels, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm3d(channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.dwconv = nn.Conv3d(
            channels,
            channels,
            kernel_size=3,
            stride=(1, s, s),
            padding=1,
            groups=channels,
            bias=False,
        )
        self.bn2 = nn.BatchNorm3d(channels)
        self.gated = gated
        if self.gated:
            self.gate = Gate(channels, multiple(channels // 16, 8), channels)
        self.silu = nn.SiLU()
        self.conv2 = nn.Conv3d(channels, k, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm3d(k)
        self.projection = s > 1 or in_channels != k
        if self.projection:
            self.conv3 = nn.Conv3d(
                in_channels, k, kernel_size=1, stride=(1, s, s), bias=False
            )
            self.bn4 = nn.BatchNorm3d(k)
        self.relu2 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.bn2(self.dwconv(y))
        if self.gated:
            y = self.gate(y)
        y = self.bn3(self.conv2(self.silu(y)))
        if self.projection:
            x = self.bn4(self.conv3(x))
        return self.relu2(y + x)


class Stage(nn.Sequential):
    def __init__(self, in_channels: int, k: int, n: int) -> None:
        super().__init__()
        for i in range(n):
            self.append(Unit(in_channels, k, s=2 if i == 0 else 1, gated=i % 2 == 0))
            in_channels = k


class X3D_XS(nn.Module):
    """X3D: Expanding Architectures for Efficient Video Recognition, Feichtenhofer, CVPR
    2020
    """

    def __init__(
        self,
        classes: int = 400,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.stem = sequential(
                conv=nn.Conv3d(
                    3,
                    24,
                    kernel_size=(1, 3, 3),
                    stride=(1, 2, 2),
                    padding=(0, 1, 1),
                    bias=False,
                ),
                dwconv=nn.Conv3d(
                    24,
                    24,
                    kernel_size=(5, 1, 1),
                    padding=(2, 0, 0),
                    groups=24,
                    bias=False,
                ),
                bn=nn.BatchNorm3d(24),
                relu=nn.ReLU(inplace=True),
            )
            self.stage1 = Stage(24, 24, n=3)
            self.stage2 = Stage(24, 48, n=5)
            self.stage3 = Stage(48, 96, n=11)
            self.stage4 = Stage(96, 192, n=7)
            self.conv1 = nn.Conv3d(192, 432, kernel_size=1, bias=False)
            self.bn = nn.BatchNorm3d(432)
            self.relu1 = nn.ReLU(inplace=True)
            self.gap = nn.AdaptiveAvgPool3d(1)
            self.conv2 = nn.Conv3d(432, 2048, kernel_size=1, bias=False)
            self.relu2 = nn.ReLU(inplace=True)
            self.dropout = nn.Dropout()
            self.fc = nn.Linear(2048, classes)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu"
                )
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 24x4x80x80
        x = self.stage1(x)  # 24x4x40x40
        x = self.stage2(x)  # 48x4x20x20
        x = self.stage3(x)  # 96x4x10x10
        x = self.stage4(x)  # 192x4x5x5
        x = self.gap(self.relu1(self.bn(self.conv1(x))))  # 432x1x1x1
        x = torch.flatten(self.dropout(self.relu2(self.conv2(x))), 1)  # 2048
        return self.fc(x)


def main() -> None:
    model = X3D_XS().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 4, 160, 160))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
