# Written by cnnspec 0.0.0: model StackedHourglass8 (IR 0)
from collections import OrderedDict
from contextlib import nullcontext
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class Residual(nn.Module):
    projection: Final[bool]

    def __init__(self, in_channels: int, k: int) -> None:
        super().__init__()
        channels = k // 2
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(in_channels, channels, kernel_size=1)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
        self.bn3 = nn.BatchNorm2d(channels)
        self.relu3 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(channels, k, kernel_size=1)
        self.projection = in_channels != k
        if self.projection:
            self.conv4 = nn.Conv2d(in_channels, k, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(self.relu1(self.bn1(x)))
        y = self.conv2(self.relu2(self.bn2(y)))
        y = self.conv3(self.relu3(self.bn3(y)))
        if self.projection:
            x = self.conv4(x)
        return y + x


class Hourglass(nn.Module):
    has_hourglass: Final[bool]

    def __init__(self, n: int, k: int) -> None:
        super().__init__()
        self.residual1 = Residual(256, k)
        self.maxpool = nn.MaxPool2d(kernel_size=2)
        self.residual2 = Residual(256, k)
        self.has_hourglass = n > 1
        if self.has_hourglass:
            self.hourglass = Hourglass(n - 1, k)
        else:
            self.residual3 = Residual(k, k)
        self.residual4 = Residual(k, k)
        self.upsample = nn.Upsample(scale_factor=2)

    def forward(self, x: Tensor) -> Tensor:
        branch1 = self.residual1(x)
        x = self.residual2(self.maxpool(x))
        x = self.hourglass(x) if self.has_hourglass else self.residual3(x)
        branch2 = self.upsample(self.residual4(x))
        return branch1 + branch2


class Group(nn.Module):
    residual: Final[bool]

    def __init__(self, joints: int, i: int) -> None:
        super().__init__()
        self.y = sequential(
            hourglass=Hourglass(n=4, k=256),
            residual=Residual(256, 256),
            conv=nn.Conv2d(256, 256, kernel_size=1),
            bn=nn.BatchNorm2d(256),
            relu=nn.ReLU(inplace=True),
        )
        self.heat = nn.Conv2d(256, joints, kernel_size=1)
        self.residual = i < 7
        if self.residual:
            self.conv1 = nn.Conv2d(256, 256, kernel_size=1)
            self.conv2 = nn.Conv2d(joints, 256, kernel_size=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = self.y(x)
        heat = self.heat(y)
        if self.residual:
            branch2 = self.conv1(y)
            branch3 = self.conv2(heat)
            z = x + branch2 + branch3
        else:
            z = heat
        return z, heat


class StackedHourglass8Outputs(NamedTuple):
    heat1: Tensor
    heat2: Tensor
    heat3: Tensor
    heat4: Tensor
    heat5: Tensor
    heat6: Tensor
    heat7: Tensor
    heat8: Tensor


class StackedHourglass8(nn.Module):
    """Stacked Hourglass Networks for Human Pose Estimation, Newell et al., ECCV 2016"""

    def __init__(
        self,
        joints: int = 16,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3)
            self.bn = nn.BatchNorm2d(64)
            self.relu = nn.ReLU(inplace=True)
            self.residual1 = Residual(64, 128)
            self.maxpool = nn.MaxPool2d(kernel_size=2)
            self.residual2 = Residual(128, 256)
            self.residual3 = Residual(256, 256)
            self.group = nn.ModuleList([Group(joints, i) for i in range(8)])
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> StackedHourglass8Outputs:
        x = self.relu(self.bn(self.conv(x)))  # 64x128x128
        x = self.maxpool(self.residual1(x))  # 128x64x64
        x = self.residual2(x)  # 256x64x64
        x = self.residual3(x)  # 256x64x64
        heats = []
        for layer in self.group:
            x, heat = layer(x)
            heats.append(heat)
        (heat1, heat2, heat3, heat4, heat5, heat6, heat7, heat8) = heats
        return StackedHourglass8Outputs(
            heat1, heat2, heat3, heat4, heat5, heat6, heat7, heat8
        )


def main() -> None:
    model = StackedHourglass8().eval()
    with torch.no_grad():
        outputs = model(torch.randn(2, 3, 256, 256))
    for y in outputs:
        print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
