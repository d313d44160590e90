# Written by cnnspec 0.0.0: model EfficientNetV2S (IR 0)
from contextlib import nullcontext
from typing import Final

import torch
from torch import Tensor, nn


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


class Fused(nn.Module):
    has_conv2: Final[bool]
    residual: Final[bool]

    def __init__(self, in_channels: int, t: int, k: int, s: int, rate: float) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, t * in_channels, kernel_size=3, stride=s, padding=1, bias=False
        )
        self.bn1 = nn.BatchNorm2d(t * in_channels, eps=0.001)
        self.silu = nn.SiLU()
        self.has_conv2 = t != 1
        if self.has_conv2:
            self.conv2 = nn.Conv2d(t * in_channels, k, kernel_size=1, bias=False)
            self.bn2 = nn.BatchNorm2d(k, eps=0.001)
        self.residual = s == 1 and in_channels == k
        if self.residual:
            self.droppath = DropPath(rate)

    def forward(self, x: Tensor) -> Tensor:
        y = self.silu(self.bn1(self.conv1(x)))
        if self.has_conv2:
            y = self.bn2(self.conv2(y))
        if self.residual:
            y = self.droppath(y)
            y = y + x
        return y


class Early(nn.Sequential):
    def __init__(
        self, in_channels: int, t: int, k: int, n: int, s: int, first: int, blocks: int
    ) -> None:
        super().__init__()
        for i in range(n):
            self.append(
                Fused(
                    in_channels,
                    t=t,
                    k=k,
                    s=s if i == 0 else 1,
                    rate=0.2 * (first + i) / blocks,
                ),
            )
            in_channels = k


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
    residual: Final[bool]

    def __init__(self, in_channels: int, t: int, k: int, s: int, rate: float) -> None:
        super().__init__()
        channels = t * in_channels
        self.conv1 = nn.Conv2d(in_channels, channels, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels, eps=0.001)
        self.silu1 = nn.SiLU()
        self.dwconv = nn.Conv2d(
            channels,
            channels,
            kernel_size=3,
            stride=s,
            padding=1,
            groups=channels,
            bias=False,
        )
        self.bn2 = nn.BatchNorm2d(channels, eps=0.001)
        self.silu2 = nn.SiLU()
        self.se = Se(channels, in_channels // 4)
        self.conv2 = nn.Conv2d(channels, k, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(k, eps=0.001)
        self.residual = s == 1 and in_channels == k
        if self.residual:
            self.droppath = DropPath(rate)

    def forward(self, x: Tensor) -> Tensor:
        y = self.silu1(self.bn1(self.conv1(x)))
        y = self.silu2(self.bn2(self.dwconv(y)))
        y = self.se(y)
        y = self.bn3(self.conv2(y))
        if self.residual:
            y = self.droppath(y)
            y = y + x
        return y


class Stage(nn.Sequential):
    def __init__(
        self, in_channels: int, t: int, k: int, n: int, s: int, first: int, blocks: int
    ) -> None:
        super().__init__()
        for i in range(n):
            self.append(
                Inverted(
                    in_channels,
                    t=t,
                    k=k,
                    s=s if i == 0 else 1,
                    rate=0.2 * (first + i) / blocks,
                ),
            )
            in_channels = k


class Small(nn.Sequential):
    def __init__(self, blocks: int) -> None:
        super().__init__()
        self.early1 = Early(24, t=1, k=24, n=2, s=1, first=0, blocks=blocks)
        self.early2 = Early(24, t=4, k=48, n=4, s=2, first=2, blocks=blocks)
        self.early3 = Early(48, t=4, k=64, n=4, s=2, first=6, blocks=blocks)
        self.stage1 = Stage(64, t=4, k=128, n=6, s=2, first=10, blocks=blocks)
        self.stage2 = Stage(128, t=6, k=160, n=9, s=1, first=16, blocks=blocks)
        self.stage3 = Stage(160, t=6, k=256, n=15, s=2, first=25, blocks=blocks)


class EfficientNetV2S(nn.Module):
    """EfficientNetV2: Smaller Models and Faster Training, Tan & Le, ICML 2021"""

    def __init__(
        self,
        classes: int = 1000,
        drop: float = 0.2,
        blocks: int = 40,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv1 = nn.Conv2d(
                3, 24, kernel_size=3, stride=2, padding=1, bias=False
            )
            self.bn1 = nn.BatchNorm2d(24, eps=0.001)
            self.silu1 = nn.SiLU()
            self.body = Small(blocks)
            self.conv2 = nn.Conv2d(256, 1280, kernel_size=1, bias=False)
            self.bn2 = nn.BatchNorm2d(1280, eps=0.001)
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
        x = self.silu1(self.bn1(self.conv1(x)))  # 24x192x192
        x = self.body(x)  # 256x12x12
        x = self.gap(self.silu2(self.bn2(self.conv2(x))))  # 1280x1x1
        return self.fc(torch.flatten(self.dropout(x), 1))


def main() -> None:
    model = EfficientNetV2S().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 384, 384))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
