# Written by cnnspec 0.0.0: model MobileNetV2 (IR 0)
from contextlib import nullcontext
from typing import Final

import torch
from torch import Tensor, nn


def multiple(x: float, of: int) -> int:
    """The multiple of `of` nearest to x, but at least 90 % of x."""
    rounded = max(of, int(x + of / 2) // of * of)
    return rounded + of if rounded < 0.9 * x else rounded


class Inverted(nn.Module):
    expansion: Final[bool]
    residual: Final[bool]

    def __init__(self, in_channels: int, t: int, k: int, s: int) -> None:
        super().__init__()
        channels = t * in_channels
        self.expansion = t != 1
        if self.expansion:
            self.conv1 = nn.Conv2d(in_channels, channels, kernel_size=1, bias=False)
            self.bn1 = nn.BatchNorm2d(channels)
            self.relu6_1 = nn.ReLU6(inplace=True)
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
        self.relu6_2 = nn.ReLU6(inplace=True)
        self.conv2 = nn.Conv2d(channels, k, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(k)
        self.residual = s == 1 and in_channels == k

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu6_1(self.bn1(self.conv1(x))) if self.expansion else x
        y = self.relu6_2(self.bn2(self.dwconv(y)))
        y = self.bn3(self.conv2(y))
        if self.residual:
            y = y + x
        return y


class Stage(nn.Sequential):
    def __init__(self, in_channels: int, t: int, k: int, n: int, s: int) -> None:
        super().__init__()
        for i in range(n):
            self.append(Inverted(in_channels, t, multiple(k, 8), s if i == 0 else 1))
            in_channels = multiple(k, 8)


class MobileNetV2(nn.Module):
    """MobileNetV2: Inverted Residuals and Linear Bottlenecks, Sandler et al., CVPR 2018"""

    def __init__(
        self,
        classes: int = 1000,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv1 = nn.Conv2d(
                3, 32, kernel_size=3, stride=2, padding=1, bias=False
            )
            self.bn1 = nn.BatchNorm2d(32)
            self.relu6_1 = nn.ReLU6(inplace=True)
            self.stage1 = Stage(32, t=1, k=16, n=1, s=1)
            self.stage2 = Stage(16, t=6, k=24, n=2, s=2)
            self.stage3 = Stage(24, t=6, k=32, n=3, s=2)
            self.stage4 = Stage(32, t=6, k=64, n=4, s=2)
            self.stage5 = Stage(64, t=6, k=96, n=3, s=1)
            self.stage6 = Stage(96, t=6, k=160, n=3, s=2)
            self.stage7 = Stage(160, t=6, k=320, n=1, s=1)
            self.conv2 = nn.Conv2d(320, 1280, kernel_size=1, bias=False)
            self.bn2 = nn.BatchNorm2d(1280)
            self.relu6_2 = nn.ReLU6(inplace=True)
            self.gap = nn.AdaptiveAvgPool2d(1)
            self.dropout = nn.Dropout(0.2)
            self.fc = nn.Linear(1280, classes)
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
        x = self.relu6_1(self.bn1(self.conv1(x)))  # 32x112x112
        x = self.stage1(x)  # 16x112x112
        x = self.stage2(x)  # 24x56x56
        x = self.stage3(x)  # 32x28x28
        x = self.stage4(x)  # 64x14x14
        x = self.stage5(x)  # 96x14x14
        x = self.stage6(x)  # 160x7x7
        x = self.stage7(x)  # 320x7x7
        x = self.gap(self.relu6_2(self.bn2(self.conv2(x))))  # 1280x1x1
        return self.fc(torch.flatten(self.dropout(x), 1))


def main() -> None:
    model = MobileNetV2().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 224, 224))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
