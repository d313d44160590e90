# Written by cnnspec 0.0.0: model ShuffleNetV2_050 (IR 0)
from collections import OrderedDict
from contextlib import nullcontext

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class Path(nn.Sequential):
    def __init__(self, in_channels: int, k: int, s: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, k, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(k)
        self.relu1 = nn.ReLU(inplace=True)
        self.dwconv = nn.Conv2d(
            k, k, kernel_size=3, stride=s, padding=1, groups=k, bias=False
        )
        self.bn2 = nn.BatchNorm2d(k)
        self.conv2 = nn.Conv2d(k, k, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(k)
        self.relu2 = nn.ReLU(inplace=True)


class Down(nn.Module):
    def __init__(self, in_channels: int, k: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(
            in_channels,
            in_channels,
            kernel_size=3,
            stride=2,
            padding=1,
            groups=in_channels,
            bias=False,
        )
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv = nn.Conv2d(in_channels, k // 2, kernel_size=1, bias=False)
        self.bn2 = nn.BatchNorm2d(k // 2)
        self.relu = nn.ReLU(inplace=True)
        self.path = Path(in_channels, k // 2, s=2)
        self.shuffle = nn.ChannelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        branch1 = self.bn1(self.dwconv(x))
        branch1 = self.relu(self.bn2(self.conv(branch1)))
        branch2 = self.path(x)
        x = torch.cat([branch1, branch2], dim=1)
        return self.shuffle(x)


class Unit(nn.Module):
    def __init__(self, in_channels: int, k: int) -> None:
        super().__init__()
        self.path = Path(in_channels - in_channels // 2, k // 2, s=1)
        self.shuffle = nn.ChannelShuffle(2)

    def forward(self, x: Tensor) -> Tensor:
        branch1, branch2 = x.chunk(2, dim=1)
        branch2 = self.path(branch2)
        x = torch.cat([branch1, branch2], dim=1)
        return self.shuffle(x)


class ShuffleNetV2_050(nn.Module):
    """ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design, Ma et
    al., ECCV 2018
    """

    def __init__(
        self,
        classes: int = 1000,
        k: int = 48,
        last: int = 1024,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv1 = nn.Conv2d(
                3, 24, kernel_size=3, stride=2, padding=1, bias=False
            )
            self.bn1 = nn.BatchNorm2d(24)
            self.relu1 = nn.ReLU(inplace=True)
            self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
            self.stage2 = sequential(
                down=Down(24, k),
                group=nn.Sequential(*(Unit(2 * (k // 2), k) for _ in range(3))),
            )
            self.stage3 = sequential(
                down=Down(2 * (k // 2), 2 * k),
                group=nn.Sequential(*(Unit(2 * k, 2 * k) for _ in range(7))),
            )
            self.stage4 = sequential(
                down=Down(2 * k, 4 * k),
                group=nn.Sequential(*(Unit(4 * k, 4 * k) for _ in range(3))),
            )
            self.conv2 = nn.Conv2d(4 * k, last, kernel_size=1, bias=False)
            self.bn2 = nn.BatchNorm2d(last)
            self.relu2 = nn.ReLU(inplace=True)
            self.gap = nn.AdaptiveAvgPool2d(1)
            self.fc = nn.Linear(last, classes)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu1(self.bn1(self.conv1(x))))  # 24x56x56
        x = self.stage2(x)  # 48x28x28
        x = self.stage3(x)  # 96x14x14
        x = self.stage4(x)  # 192x7x7
        x = self.gap(self.relu2(self.bn2(self.conv2(x))))  # 1024x1x1
        return self.fc(torch.flatten(x, 1))


def main() -> None:
    model = ShuffleNetV2_050().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 224, 224))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
