# Written by cnnspec 0.0.0: model X3D_XS (IR 0)
from typing import Final

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    chain = nn.Sequential()
    for name, layer in layers.items():
        chain.add_module(name, layer)
    return chain


def multiple(x: float, of: int) -> int:
    """The multiple of `of` nearest to x, but at least 90 % of x."""
    rounded = max(of, int(x + of / 2) // of * of)
    return rounded + of if rounded < 0.9 * x else rounded


def zero_bias(layer: nn.Module) -> None:
    """Biases start at 0."""
    for name, bias in layer.named_parameters():
        if name == "bias":
            nn.init.zeros_(bias)


def he(layer: nn.Module, fan_out: bool = False) -> None:
    """Weights start as N(0, 2 / fan_in) (He et al., 2015), biases at 0."""
    nn.init.kaiming_normal_(
        layer.get_parameter("weight"),
        mode="fan_out" if fan_out else "fan_in",
        nonlinearity="relu",
    )
    zero_bias(layer)


def normal(layer: nn.Module, std: float, mean: float = 0) -> None:
    """Weights start as N(mean, std^2), biases at 0."""
    nn.init.normal_(layer.get_parameter("weight"), mean, std)
    zero_bias(layer)


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
    has_conv3: Final[bool]

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
        self.has_conv3 = s > 1 or in_channels != k
        if self.has_conv3:
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
        if self.has_conv3:
            x = self.bn4(self.conv3(x))
        return self.relu2(y + x)


class Stage(nn.Sequential):
    def __init__(self, in_channels: int, k: int, n: int) -> None:
        super().__init__()
        for i in range(n):
            self.append(Unit(in_channels, k, 2 if i == 0 else 1, i % 2 == 0))
            in_channels = k


class X3D_XS(nn.Module):
    """X3D: Expanding Architectures for Efficient Video Recognition, Feichtenhofer, CVPR
    2020
    """

    def __init__(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__()
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
                24, 24, kernel_size=(5, 1, 1), padding=(2, 0, 0), groups=24, bias=False
            ),
            bn=nn.BatchNorm3d(24),
            relu=nn.ReLU(inplace=True),
        )
        self.stage1 = Stage(24, 24, 3)
        self.stage2 = Stage(24, 48, 5)
        self.stage3 = Stage(48, 96, 11)
        self.stage4 = Stage(96, 192, 7)
        self.conv1 = nn.Conv3d(192, 432, kernel_size=1, bias=False)
        self.bn = nn.BatchNorm3d(432)
        self.relu1 = nn.ReLU(inplace=True)
        self.gap = nn.AdaptiveAvgPool3d(1)
        self.conv2 = nn.Conv3d(432, 2048, kernel_size=1, bias=False)
        self.relu2 = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout()
        self.fc = nn.Linear(2048, 400)
        self.to(device=device, dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Starts every weight and running statistic anew; after `to_empty()`, too."""
        for module in self.modules():
            reset = getattr(module, "reset_parameters", None)
            if isinstance(module, nn.Conv3d):
                he(module, fan_out=True)
            elif isinstance(module, nn.Linear):
                normal(module, std=0.01)
            elif reset is not None:
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
