# Written by cnnspec 0.0.0: model MnasNet_050 (IR 0)
from contextlib import nullcontext
from typing import Final

import torch
from torch import Tensor, nn


def multiple(x: float, of: int) -> int:
    """The multiple of `of` nearest to x, but at least 90 % of x."""
    rounded = max(of, int(x + of / 2) // of * of)
    return rounded + of if rounded < 0.9 * x else rounded


class Inverted(nn.Module):
    residual: Final[bool]

    def __init__(self, in_channels: int, t: int, f: int, k: int, s: int) -> None:
        super().__init__()
        channels = t * in_channels
        self.conv1 = nn.Conv2d(in_channels, channels, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels, momentum=0.0003)
        self.relu1 = nn.ReLU(inplace=True)
        self.dwconv = nn.Conv2d(
            channels,
            channels,
            kernel_size=f,
            stride=s,
            padding=f // 2,
            groups=channels,
            bias=False,
        )
        self.bn2 = nn.BatchNorm2d(channels, momentum=0.0003)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels, k, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(k, momentum=0.0003)
        self.residual = s == 1 and in_channels == k

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.relu2(self.bn2(self.dwconv(y)))
        y = self.bn3(self.conv2(y))
        if self.residual:
            y = y + x
        return y


class Stage(nn.Sequential):
    def __init__(
        self, in_channels: int, t: int, f: int, k: int, n: int, s: int
    ) -> None:
        super().__init__()
        for i in range(n):
            self.append(
                Inverted(
                    in_channels, t=t, f=f, k=multiple(0.5 * k, 8), s=s if i == 0 else 1
                ),
            )
            in_channels = multiple(0.5 * k, 8)


class MnasNet_050(nn.Module):
    """MnasNet: Platform-Aware Neural Architecture Search for Mobile, Tan et al., CVPR
    2019
    """

    def __init__(
        self,
        classes: int = 1000,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv1 = nn.Conv2d(
                3, 16, kernel_size=3, stride=2, padding=1, bias=False
            )
            self.bn1 = nn.BatchNorm2d(16, momentum=0.0003)
            self.relu1 = nn.ReLU(inplace=True)
            self.dwconv = nn.Conv2d(
                16, 16, kernel_size=3, padding=1, groups=16, bias=False
            )
            self.bn2 = nn.BatchNorm2d(16, momentum=0.0003)
            self.relu2 = nn.ReLU(inplace=True)
            self.conv2 = nn.Conv2d(16, 8, kernel_size=1, bias=False)
            self.bn3 = nn.BatchNorm2d(8, momentum=0.0003)
            self.stage1 = Stage(8, t=3, f=3, k=24, n=3, s=2)
            self.stage2 = Stage(16, t=3, f=5, k=40, n=3, s=2)
            self.stage3 = Stage(24, t=6, f=5, k=80, n=3, s=2)
            self.stage4 = Stage(40, t=6, f=3, k=96, n=2, s=1)
            self.stage5 = Stage(48, t=6, f=5, k=192, n=4, s=2)
            self.stage6 = Stage(96, t=6, f=3, k=320, n=1, s=1)
            self.conv3 = nn.Conv2d(160, 1280, kernel_size=1, bias=False)
            self.bn4 = nn.BatchNorm2d(1280, momentum=0.0003)
            self.relu3 = nn.ReLU(inplace=True)
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
                nn.init.uniform_(module.weight, -0.0548, 0.0548)
                nn.init.zeros_(module.bias)
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu1(self.bn1(self.conv1(x)))  # 16x112x112
        x = self.relu2(self.bn2(self.dwconv(x)))  # 16x112x112
        x = self.bn3(self.conv2(x))  # 8x112x112
        x = self.stage1(x)  # 16x56x56
        x = self.stage2(x)  # 24x28x28
        x = self.stage3(x)  # 40x14x14
        x = self.stage4(x)  # 48x14x14
        x = self.stage5(x)  # 96x7x7
        x = self.stage6(x)  # 160x7x7
        x = self.gap(self.relu3(self.bn4(self.conv3(x))))  # 1280x1x1
        return self.fc(torch.flatten(self.dropout(x), 1))


def main() -> None:
    model = MnasNet_050().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 224, 224))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
