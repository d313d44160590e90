# Written by cnnspec 0.0.0: model EfficientNetB0 (IR 0)
from contextlib import nullcontext
from typing import Final

import torch
from torch import Tensor, nn


def multiple(x: float, of: int) -> int:
    """The multiple of `of` nearest to x, but at least 90 % of x."""
    rounded = max(of, int(x + of / 2) // of * of)
    return rounded + of if rounded < 0.9 * x else rounded


class DropPath(nn.Module):
    """Stochastic depth: in training, sets the whole image to 0 with probability p."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        kept = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(1 - self.p)
        return x * kept / (1 - self.p) if self.p < 1 else x * 0


class Se(nn.Module):
    def __init__(self, in_channels: int, squeeze: int) -> None:
        super().__init__()
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.conv1 = nn.Conv2d(in_channels, squeeze, kernel_size=1)
        self.silu = nn.SiLU()
        self.conv2 = nn.Conv2d(squeeze, in_channels, kernel_size=1)
        self.sigmoid = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        gate = self.silu(self.conv1(self.gap(x)))
        gate = self.sigmoid(self.conv2(gate))
        return x * gate


class Inverted(nn.Module):
    expansion: Final[bool]
    residual: Final[bool]

    def __init__(
        self, in_channels: int, t: int, f: int, k: int, s: int, rate: float
    ) -> None:
        super().__init__()
        channels = t * in_channels
        self.expansion = t != 1
        if self.expansion:
            self.conv1 = nn.Conv2d(in_channels, channels, kernel_size=1, bias=False)
            self.bn1 = nn.BatchNorm2d(channels)
            self.silu1 = nn.SiLU()
        self.dwconv = nn.Conv2d(
            channels,
            channels,
            kernel_size=f,
            stride=s,
            padding=f // 2,
            groups=channels,
            bias=False,
        )
        self.bn2 = nn.BatchNorm2d(channels)
        self.silu2 = nn.SiLU()
        self.se = Se(channels, in_channels // 4)
        self.conv2 = nn.Conv2d(channels, k, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(k)
        self.residual = s == 1 and in_channels == k
        if self.residual:
            self.droppath = DropPath(rate)

    def forward(self, x: Tensor) -> Tensor:
        y = self.silu1(self.bn1(self.conv1(x))) if self.expansion else x
        y = self.silu2(self.bn2(self.dwconv(y)))
        y = self.se(y)
        y = self.bn3(self.conv2(y))
        if self.residual:
            y = self.droppath(y)
            y = y + x
        return y


class Stage(nn.Sequential):
    def __init__(
        self, in_channels: int, t: int, f: int, k: int, n: int, s: int, first: int
    ) -> None:
        super().__init__()
        for i in range(n):
            self.append(
                Inverted(
                    in_channels,
                    t=t,
                    f=f,
                    k=multiple(k, 8),
                    s=s if i == 0 else 1,
                    rate=0.2 * (first + i) / 16,
                ),
            )
            in_channels = multiple(k, 8)


class EfficientNetB0(nn.Module):
    """EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, Tan &
    Le, ICML 2019
    """

    def __init__(
        self,
        classes: int = 1000,
        drop: float = 0.2,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv1 = nn.Conv2d(
                3, 32, kernel_size=3, stride=2, padding=1, bias=False
            )
            self.bn1 = nn.BatchNorm2d(32)
            self.silu1 = nn.SiLU()
            self.stage1 = Stage(32, t=1, f=3, k=16, n=1, s=1, first=0)
            self.stage2 = Stage(16, t=6, f=3, k=24, n=2, s=2, first=1)
            self.stage3 = Stage(24, t=6, f=5, k=40, n=2, s=2, first=3)
            self.stage4 = Stage(40, t=6, f=3, k=80, n=3, s=2, first=5)
            self.stage5 = Stage(80, t=6, f=5, k=112, n=3, s=1, first=8)
            self.stage6 = Stage(112, t=6, f=5, k=192, n=4, s=2, first=11)
            self.stage7 = Stage(192, t=6, f=3, k=320, n=1, s=1, first=15)
            self.conv2 = nn.Conv2d(320, 1280, kernel_size=1, bias=False)
            self.bn2 = nn.BatchNorm2d(1280)
            self.silu2 = nn.SiLU()
            self.gap = nn.AdaptiveAvgPool2d(1)
            self.dropout = nn.Dropout(drop)
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
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.uniform_(module.weight, -0.0316, 0.0316)
                nn.init.zeros_(module.bias)
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.silu1(self.bn1(self.conv1(x)))  # 32x112x112
        x = self.stage1(x)  # 16x112x112
        x = self.stage2(x)  # 24x56x56
        x = self.stage3(x)  # 40x28x28
        x = self.stage4(x)  # 80x14x14
        x = self.stage5(x)  # 112x14x14
        x = self.stage6(x)  # 192x7x7
        x = self.stage7(x)  # 320x7x7
        x = self.gap(self.silu2(self.bn2(self.conv2(x))))  # 1280x1x1
        return self.fc(torch.flatten(self.dropout(x), 1))


def main() -> None:
    model = EfficientNetB0().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 224, 224))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
