# Written by cnnspec 0.0.0: model WRN_28_10 (IR 0)
from contextlib import nullcontext
from typing import Final

import torch
from torch import Tensor, nn


class Path(nn.Sequential):
    def __init__(self, in_channels: int, k: int, s: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, k, kernel_size=3, stride=s, padding=1, bias=False
        )
        self.bn = nn.BatchNorm2d(k)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(0.3)
        self.conv2 = nn.Conv2d(k, k, kernel_size=3, padding=1, bias=False)


class Unit(nn.Module):
    residual: Final[bool]

    def __init__(self, in_channels: int, k: int, s: int) -> None:
        super().__init__()
        self.residual = in_channels == k
        if self.residual:
            self.bn1 = nn.BatchNorm2d(in_channels)
            self.relu1 = nn.ReLU(inplace=True)
            self.path1 = Path(in_channels, k, s)
        else:
            self.bn2 = nn.BatchNorm2d(in_channels)
            self.relu2 = nn.ReLU(inplace=True)
            self.path2 = Path(in_channels, k, s)
            self.conv = nn.Conv2d(in_channels, k, kernel_size=1, stride=s, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.residual:
            y = self.path1(self.relu1(self.bn1(x)))
            x = y + x
        else:
            x = self.relu2(self.bn2(x))
            branch1 = self.path2(x)
            branch2 = self.conv(x)
            x = branch1 + branch2
        return x


class Stage(nn.Sequential):
    def __init__(self, in_channels: int, k: int, s: int) -> None:
        super().__init__(Unit(in_channels, k, s), *(Unit(k, k, s=1) for _ in range(3)))


class WRN_28_10(nn.Module):
    """Wide Residual Networks, Zagoruyko & Komodakis, BMVC 2016"""

    def __init__(
        self,
        classes: int = 10,
        w: int = 10,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv = nn.Conv2d(3, 16, kernel_size=3, padding=1, bias=False)
            self.stage1 = Stage(16, 16 * w, s=1)
            self.stage2 = Stage(16 * w, 32 * w, s=2)
            self.stage3 = Stage(32 * w, 64 * w, s=2)
            self.bn = nn.BatchNorm2d(64 * w)
            self.relu = nn.ReLU(inplace=True)
            self.gap = nn.AdaptiveAvgPool2d(1)
            self.fc = nn.Linear(64 * w, classes)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu"
                )
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)  # 16x32x32
        x = self.stage1(x)  # 160x32x32
        x = self.stage2(x)  # 320x16x16
        x = self.gap(self.relu(self.bn(self.stage3(x))))  # 640x1x1
        return self.fc(torch.flatten(x, 1))


def main() -> None:
    model = WRN_28_10().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 32, 32))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
