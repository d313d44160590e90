# Written by cnnspec 0.0.0: model DenseNet121 (IR 0)
from collections import OrderedDict
from contextlib import nullcontext

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class Layer(nn.Module):
    def __init__(self, in_channels: int, k: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(in_channels, 4 * k, kernel_size=1, bias=False)
        self.bn2 = nn.BatchNorm2d(4 * k)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(4 * k, k, kernel_size=3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(self.relu1(self.bn1(x)))
        y = self.conv2(self.relu2(self.bn2(y)))
        return torch.cat([x, y], dim=1)


class Transition(nn.Sequential):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(in_channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(in_channels, in_channels // 2, kernel_size=1, bias=False)
        self.avgpool = nn.AvgPool2d(kernel_size=2)


class DenseNet121(nn.Module):
    """Densely Connected Convolutional Networks, Huang et al., CVPR 2017"""

    def __init__(
        self,
        classes: int = 1000,
        k: int = 32,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.stem = sequential(
                conv=nn.Conv2d(
                    3, 2 * k, kernel_size=7, stride=2, padding=3, bias=False
                ),
                bn=nn.BatchNorm2d(2 * k),
                relu=nn.ReLU(inplace=True),
                maxpool=nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
            )
            self.group1 = nn.Sequential(*(Layer(2 * k + k * i, k) for i in range(6)))
            self.transition1 = Transition(8 * k)
            self.group2 = nn.Sequential(*(Layer(4 * k + k * i, k) for i in range(12)))
            self.transition2 = Transition(16 * k)
            self.group3 = nn.Sequential(*(Layer(8 * k + k * i, k) for i in range(24)))
            self.transition3 = Transition(32 * k)
            self.group4 = nn.Sequential(*(Layer(16 * k + k * i, k) for i in range(16)))
            self.bn = nn.BatchNorm2d(32 * k)
            self.relu = nn.ReLU(inplace=True)
            self.gap = nn.AdaptiveAvgPool2d(1)
            self.fc = nn.Linear(32 * k, classes)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 64x56x56
        x = self.group1(x)  # 256x56x56
        x = self.transition1(x)  # 128x28x28
        x = self.group2(x)  # 512x28x28
        x = self.transition2(x)  # 256x14x14
        x = self.group3(x)  # 1024x14x14
        x = self.transition3(x)  # 512x7x7
        x = self.gap(self.relu(self.bn(self.group4(x))))  # 1024x1x1
        return self.fc(torch.flatten(x, 1))


def main() -> None:
    model = DenseNet121().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 224, 224))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
