# Written by cnnspec 0.0.0: model ResNet20 (IR 0)
from contextlib import nullcontext
from typing import Final

import torch
from torch import Tensor, nn


class PadChannels(nn.Module):
    """Adds channels of zeros before and after those of the input."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.before, self.after = before, after

    def forward(self, x: Tensor) -> Tensor:
        around = (0, 0) * (x.ndim - 2) + (self.before, self.after)
        return nn.functional.pad(x, around)


class Basic(nn.Module):
    has_maxpool: Final[bool]

    def __init__(self, in_channels: int, k: int, s: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, k, kernel_size=3, stride=s, padding=1, bias=False
        )
        self.bn1 = nn.BatchNorm2d(k)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(k, k, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(k)
        self.has_maxpool = s > 1
        if self.has_maxpool:
            self.maxpool = nn.MaxPool2d(kernel_size=1, stride=s)
            self.pad = PadChannels(in_channels // 2, in_channels // 2)
        self.relu2 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.has_maxpool:
            x = self.pad(self.maxpool(x))
        return self.relu2(y + x)


class Stage(nn.Sequential):
    def __init__(self, in_channels: int, k: int, s: int = 2) -> None:
        super().__init__()
        for i in range(3):
            self.append(Basic(in_channels, k, s if i == 0 else 1))
            in_channels = k


class ResNet20(nn.Module):
    """Deep Residual Learning for Image Recognition, He et al., CVPR 2016"""

    def __init__(
        self,
        classes: int = 10,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv = nn.Conv2d(3, 16, kernel_size=3, padding=1, bias=False)
            self.bn = nn.BatchNorm2d(16)
            self.relu = nn.ReLU(inplace=True)
            self.stage1 = Stage(16, 16, s=1)
            self.stage2 = Stage(16, 32)
            self.stage3 = Stage(32, 64)
            self.gap = nn.AdaptiveAvgPool2d(1)
            self.fc = nn.Linear(64, classes)
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
        x = self.relu(self.bn(self.conv(x)))  # 16x32x32
        x = self.stage1(x)  # 16x32x32
        x = self.stage2(x)  # 32x16x16
        x = torch.flatten(self.gap(self.stage3(x)), 1)  # 64
        return self.fc(x)


def main() -> None:
    model = ResNet20().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 32, 32))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
