# Written by cnnspec 0.0.0: model DenseNetBC_100_12 (IR 0)
from contextlib import nullcontext

import torch
from torch import Tensor, nn


class Layer(nn.Module):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(in_channels, 48, kernel_size=1, bias=False)
        self.bn2 = nn.BatchNorm2d(48)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(48, 12, kernel_size=3, padding=1, bias=False)

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


class DenseNetBC_100_12(nn.Module):
    """Densely Connected Convolutional Networks, Huang et al., CVPR 2017"""

    def __init__(
        self,
        classes: int = 10,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv = nn.Conv2d(3, 24, kernel_size=3, padding=1, bias=False)
            self.group1 = nn.Sequential(*(Layer(24 + 12 * i) for i in range(16)))
            self.transition1 = Transition(216)
            self.group2 = nn.Sequential(*(Layer(108 + 12 * i) for i in range(16)))
            self.transition2 = Transition(300)
            self.group3 = nn.Sequential(*(Layer(150 + 12 * i) for i in range(16)))
            self.bn = nn.BatchNorm2d(342)
            self.relu = nn.ReLU(inplace=True)
            self.gap = nn.AdaptiveAvgPool2d(1)
            self.fc = nn.Linear(342, classes)
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
        x = self.conv(x)  # 24x32x32
        x = self.group1(x)  # 216x32x32
        x = self.transition1(x)  # 108x16x16
        x = self.group2(x)  # 300x16x16
        x = self.transition2(x)  # 150x8x8
        x = self.gap(self.relu(self.bn(self.group3(x))))  # 342x1x1
        return self.fc(torch.flatten(x, 1))


def main() -> None:
    model = DenseNetBC_100_12().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 32, 32))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
