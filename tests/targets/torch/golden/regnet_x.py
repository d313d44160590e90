# Written by cnnspec 0.0.0: model RegNetX_400MF (IR 0)
from contextlib import nullcontext
from typing import Final

import torch
from torch import Tensor, nn


class Bottleneck(nn.Module):
    projection: Final[bool]

    def __init__(self, in_channels: int, k: int, s: int) -> None:
        super().__init__()
        self.projection = s > 1 or in_channels != k
        if self.projection:
            self.conv1 = nn.Conv2d(in_channels, k, kernel_size=1, stride=s, bias=False)
            self.bn1 = nn.BatchNorm2d(k)
        self.conv2 = nn.Conv2d(in_channels, k, kernel_size=1, bias=False)
        self.bn2 = nn.BatchNorm2d(k)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(
            k, k, kernel_size=3, stride=s, padding=1, groups=k // min(16, k), bias=False
        )
        self.bn3 = nn.BatchNorm2d(k)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv4 = nn.Conv2d(k, k, kernel_size=1, bias=False)
        self.bn4 = nn.BatchNorm2d(k)
        self.relu3 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn1(self.conv1(x)) if self.projection else x
        x = self.relu1(self.bn2(self.conv2(x)))
        x = self.relu2(self.bn3(self.conv3(x)))
        x = self.bn4(self.conv4(x))
        return self.relu3(y + x)


class Stage(nn.Sequential):
    def __init__(self, in_channels: int, k: int, n: int) -> None:
        super().__init__()
        for i in range(n):
            self.append(Bottleneck(in_channels, k, s=2 if i == 0 else 1))
            in_channels = k


class RegNetX_400MF(nn.Module):
    """Designing Network Design Spaces, Radosavovic et al., CVPR 2020"""

    def __init__(
        self,
        classes: int = 1000,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv = nn.Conv2d(3, 32, kernel_size=3, stride=2, padding=1, bias=False)
            self.bn = nn.BatchNorm2d(32)
            self.relu = nn.ReLU(inplace=True)
            self.stage1 = Stage(32, 32, n=1)
            self.stage2 = Stage(32, 64, n=2)
            self.stage3 = Stage(64, 160, n=7)
            self.stage4 = Stage(160, 400, n=12)
            self.gap = nn.AdaptiveAvgPool2d(1)
            self.fc = nn.Linear(400, classes)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu"
                )
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn(self.conv(x)))  # 32x112x112
        x = self.stage1(x)  # 32x56x56
        x = self.stage2(x)  # 64x28x28
        x = self.stage3(x)  # 160x14x14
        x = torch.flatten(self.gap(self.stage4(x)), 1)  # 400
        return self.fc(x)


def main() -> None:
    model = RegNetX_400MF().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 224, 224))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
