# Written by cnnspec 0.0.0: model MobileNetV3Large (IR 0)
from collections.abc import Callable
from contextlib import nullcontext
from typing import Final

import torch
from torch import Tensor, nn


def multiple(x: float, of: int) -> int:
    """The multiple of `of` nearest to x, but at least 90 % of x."""
    rounded = max(of, int(x + of / 2) // of * of)
    return rounded + of if rounded < 0.9 * x else rounded


class Se(nn.Module):
    def __init__(self, in_channels: int, squeeze: int) -> None:
        super().__init__()
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.conv1 = nn.Conv2d(in_channels, squeeze, kernel_size=1)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(squeeze, in_channels, kernel_size=1)
        self.hsigmoid = nn.Hardsigmoid()

    def forward(self, x: Tensor) -> Tensor:
        gate = self.relu(self.conv1(self.gap(x)))
        gate = self.hsigmoid(self.conv2(gate))
        return x * gate


class Inverted(nn.Module):
    expansion: Final[bool]
    squeeze: Final[bool]
    residual: Final[bool]

    def __init__(
        self,
        in_channels: int,
        f: int,
        t: int,
        k: int,
        squeeze: bool,
        act: Callable[..., nn.Module],
        s: int,
    ) -> None:
        super().__init__()
        self.expansion = t != in_channels
        if self.expansion:
            self.conv1 = nn.Conv2d(in_channels, t, kernel_size=1, bias=False)
            self.bn1 = nn.BatchNorm2d(t, eps=0.001, momentum=0.01)
            self.act1 = act()
        self.dwconv = nn.Conv2d(
            t, t, kernel_size=f, stride=s, padding=f // 2, groups=t, bias=False
        )
        self.bn2 = nn.BatchNorm2d(t, eps=0.001, momentum=0.01)
        self.act2 = act()
        self.squeeze = squeeze
        if self.squeeze:
            self.se = Se(t, multiple(t // 4, 8))
        self.conv2 = nn.Conv2d(t, k, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(k, eps=0.001, momentum=0.01)
        self.residual = s == 1 and in_channels == k

    def forward(self, x: Tensor) -> Tensor:
        y = self.act1(self.bn1(self.conv1(x))) if self.expansion else x
        y = self.act2(self.bn2(self.dwconv(y)))
        if self.squeeze:
            y = self.se(y)
        y = self.bn3(self.conv2(y))
        if self.residual:
            y = y + x
        return y


class Large(nn.Sequential):
    def __init__(self) -> None:
        super().__init__()
        self.inverted1 = Inverted(16, f=3, t=16, k=16, squeeze=False, act=nn.ReLU, s=1)
        self.inverted2 = Inverted(16, f=3, t=64, k=24, squeeze=False, act=nn.ReLU, s=2)
        self.inverted3 = Inverted(24, f=3, t=72, k=24, squeeze=False, act=nn.ReLU, s=1)
        self.inverted4 = Inverted(24, f=5, t=72, k=40, squeeze=True, act=nn.ReLU, s=2)
        self.group1 = nn.Sequential(
            *(
                Inverted(40, f=5, t=120, k=40, squeeze=True, act=nn.ReLU, s=1)
                for _ in range(2)
            ),
        )
        self.inverted5 = Inverted(
            40, f=3, t=240, k=80, squeeze=False, act=nn.Hardswish, s=2
        )
        self.inverted6 = Inverted(
            80, f=3, t=200, k=80, squeeze=False, act=nn.Hardswish, s=1
        )
        self.group2 = nn.Sequential(
            *(
                Inverted(80, f=3, t=184, k=80, squeeze=False, act=nn.Hardswish, s=1)
                for _ in range(2)
            ),
        )
        self.inverted7 = Inverted(
            80, f=3, t=480, k=112, squeeze=True, act=nn.Hardswish, s=1
        )
        self.inverted8 = Inverted(
            112, f=3, t=672, k=112, squeeze=True, act=nn.Hardswish, s=1
        )
        self.inverted9 = Inverted(
            112, f=5, t=672, k=160, squeeze=True, act=nn.Hardswish, s=2
        )
        self.group3 = nn.Sequential(
            *(
                Inverted(160, f=5, t=960, k=160, squeeze=True, act=nn.Hardswish, s=1)
                for _ in range(2)
            ),
        )


class MobileNetV3Large(nn.Module):
    """Searching for MobileNetV3, Howard et al., ICCV 2019"""

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
            self.bn1 = nn.BatchNorm2d(16, eps=0.001, momentum=0.01)
            self.hswish1 = nn.Hardswish()
            self.body = Large()
            self.conv2 = nn.Conv2d(160, 960, kernel_size=1, bias=False)
            self.bn2 = nn.BatchNorm2d(960, eps=0.001, momentum=0.01)
            self.hswish2 = nn.Hardswish()
            self.gap = nn.AdaptiveAvgPool2d(1)
            self.fc1 = nn.Linear(960, 1280)
            self.hswish3 = nn.Hardswish()
            self.dropout = nn.Dropout(0.2)
            self.fc2 = nn.Linear(1280, classes)
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
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.hswish1(self.bn1(self.conv1(x)))  # 16x112x112
        x = self.body(x)  # 160x7x7
        x = self.gap(self.hswish2(self.bn2(self.conv2(x))))  # 960x1x1
        x = self.dropout(self.hswish3(self.fc1(torch.flatten(x, 1))))  # 1280
        return self.fc2(x)


def main() -> None:
    model = MobileNetV3Large().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 224, 224))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
