# Written by cnnspec 0.0.0: model Xception (IR 0)
from collections import OrderedDict
from contextlib import nullcontext

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class Separable(nn.Sequential):
    def __init__(self, in_channels: int, k: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(
            in_channels,
            in_channels,
            kernel_size=3,
            padding=1,
            groups=in_channels,
            bias=False,
        )
        self.conv = nn.Conv2d(in_channels, k, kernel_size=1, bias=False)
        self.bn = nn.BatchNorm2d(k)


class Entry(nn.Module):
    def __init__(self, in_channels: int, a: int, k: int, first: bool = True) -> None:
        super().__init__()
        self.relu1 = nn.ReLU() if first else nn.Identity()
        self.separable1 = Separable(in_channels, a)
        self.relu2 = nn.ReLU()
        self.separable2 = Separable(a, k)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.conv = nn.Conv2d(in_channels, k, kernel_size=1, stride=2, bias=False)
        self.bn = nn.BatchNorm2d(k)

    def forward(self, x: Tensor) -> Tensor:
        branch1 = self.relu2(self.separable1(self.relu1(x)))
        branch1 = self.maxpool(self.separable2(branch1))
        branch2 = self.bn(self.conv(x))
        return branch1 + branch2


class Middle(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.group = nn.Sequential(
            *(
                sequential(relu=nn.ReLU(), separable=Separable(728, 728))
                for _ in range(3)
            ),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.group(x) + x


class Xception(nn.Module):
    """Xception: Deep Learning with Depthwise Separable Convolutions, Chollet, CVPR 2017"""

    def __init__(
        self,
        classes: int = 1000,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv1 = nn.Conv2d(3, 32, kernel_size=3, stride=2, bias=False)
            self.bn1 = nn.BatchNorm2d(32)
            self.relu1 = nn.ReLU(inplace=True)
            self.conv2 = nn.Conv2d(32, 64, kernel_size=3, bias=False)
            self.bn2 = nn.BatchNorm2d(64)
            self.relu2 = nn.ReLU(inplace=True)
            self.entry1 = Entry(64, a=128, k=128, first=False)
            self.entry2 = Entry(128, a=256, k=256)
            self.entry3 = Entry(256, a=728, k=728)
            self.middle = nn.Sequential(*(Middle() for _ in range(8)))
            self.exit = Entry(728, a=728, k=1024)
            self.separable1 = Separable(1024, 1536)
            self.relu3 = nn.ReLU()
            self.separable2 = Separable(1536, 2048)
            self.relu4 = nn.ReLU()
            self.gap = nn.AdaptiveAvgPool2d(1)
            self.fc = nn.Linear(2048, classes)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu1(self.bn1(self.conv1(x)))  # 32x149x149
        x = self.relu2(self.bn2(self.conv2(x)))  # 64x147x147
        x = self.entry1(x)  # 128x74x74
        x = self.entry2(x)  # 256x37x37
        x = self.entry3(x)  # 728x19x19
        x = self.middle(x)  # 728x19x19
        x = self.exit(x)  # 1024x10x10
        x = self.relu3(self.separable1(x))  # 1536x10x10
        x = torch.flatten(self.gap(self.relu4(self.separable2(x))), 1)  # 2048
        return self.fc(x)


def main() -> None:
    model = Xception().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 299, 299))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
