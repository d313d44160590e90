# Written by cnnspec 0.0.0: model ShuffleNetG1 (IR 0)
from collections import OrderedDict
from contextlib import nullcontext

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class Path(nn.Sequential):
    def __init__(self, in_channels: int, k: int, out: int, s: int) -> None:
        super().__init__()
        channels = k // 4
        self.conv1 = nn.Conv2d(in_channels, channels, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.shuffle = nn.ChannelShuffle(1)
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
        self.conv2 = nn.Conv2d(channels, out, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)


class Down(nn.Module):
    def __init__(self, in_channels: int, k: int) -> None:
        super().__init__()
        self.avgpool = nn.AvgPool2d(kernel_size=3, stride=2, padding=1)
        self.path = Path(in_channels, k, k - in_channels, s=2)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        branch1 = self.avgpool(x)
        branch2 = self.path(x)
        x = torch.cat([branch1, branch2], dim=1)
        return self.relu(x)


class Unit(nn.Module):
    def __init__(self, in_channels: int, k: int) -> None:
        super().__init__()
        self.path = Path(in_channels, k, k, s=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.path(x) + x)


class ShuffleNetG1(nn.Module):
    """ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile
    Devices, Zhang et al., CVPR 2018
    """

    def __init__(
        self,
        classes: int = 1000,
        k: int = 144,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv = nn.Conv2d(3, 24, kernel_size=3, stride=2, padding=1, bias=False)
            self.bn = nn.BatchNorm2d(24)
            self.relu = nn.ReLU(inplace=True)
            self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
            self.stage2 = sequential(
                down=Down(24, k), group=nn.Sequential(*(Unit(k, k) for _ in range(3)))
            )
            self.stage3 = sequential(
                down=Down(k, 2 * k),
                group=nn.Sequential(*(Unit(2 * k, 2 * k) for _ in range(7))),
            )
            self.stage4 = sequential(
                down=Down(2 * k, 4 * k),
                group=nn.Sequential(*(Unit(4 * k, 4 * k) for _ in range(3))),
            )
            self.gap = nn.AdaptiveAvgPool2d(1)
            self.fc = nn.Linear(4 * k, classes)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn(self.conv(x))))  # 24x56x56
        x = self.stage2(x)  # 144x28x28
        x = self.stage3(x)  # 288x14x14
        x = torch.flatten(self.gap(self.stage4(x)), 1)  # 576
        return self.fc(x)


def main() -> None:
    model = ShuffleNetG1().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 224, 224))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
