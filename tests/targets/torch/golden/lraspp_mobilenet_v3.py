# Written by cnnspec 0.0.0: model LRASPP (IR 0)
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
        hs: bool,
        s: int,
        d: int = 1,
    ) -> None:
        super().__init__()
        self.expansion = t != in_channels
        if self.expansion:
            self.conv1 = nn.Conv2d(in_channels, t, kernel_size=1, bias=False)
            self.bn1 = nn.BatchNorm2d(t, eps=0.001, momentum=0.01)
            self.activation1 = nn.Hardswish() if hs else nn.ReLU(inplace=True)
        self.dwconv = nn.Conv2d(
            t,
            t,
            kernel_size=f,
            stride=s,
            padding=d * (f // 2),
            dilation=d,
            groups=t,
            bias=False,
        )
        self.bn2 = nn.BatchNorm2d(t, eps=0.001, momentum=0.01)
        self.activation2 = nn.Hardswish() if hs else nn.ReLU(inplace=True)
        self.squeeze = squeeze
        if self.squeeze:
            self.se = Se(t, multiple(t // 4, 8))
        self.conv2 = nn.Conv2d(t, k, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(k, eps=0.001, momentum=0.01)
        self.residual = s == 1 and in_channels == k

    def forward(self, x: Tensor) -> Tensor:
        y = self.activation1(self.bn1(self.conv1(x))) if self.expansion else x
        y = self.activation2(self.bn2(self.dwconv(y)))
        if self.squeeze:
            y = self.se(y)
        y = self.bn3(self.conv2(y))
        if self.residual:
            y = y + x
        return y


class LRASPP(nn.Module):
    """Searching for MobileNetV3, Howard et al., ICCV 2019"""

    def __init__(
        self,
        classes: int = 21,
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
            self.inverted1 = Inverted(16, f=3, t=16, k=16, squeeze=False, hs=False, s=1)
            self.inverted2 = Inverted(16, f=3, t=64, k=24, squeeze=False, hs=False, s=2)
            self.inverted3 = Inverted(24, f=3, t=72, k=24, squeeze=False, hs=False, s=1)
            self.low = Inverted(24, f=5, t=72, k=40, squeeze=True, hs=False, s=2)
            self.group1 = nn.Sequential(
                *(
                    Inverted(40, f=5, t=120, k=40, squeeze=True, hs=False, s=1)
                    for _ in range(2)
                ),
            )
            self.inverted4 = Inverted(40, f=3, t=240, k=80, squeeze=False, hs=True, s=2)
            self.inverted5 = Inverted(80, f=3, t=200, k=80, squeeze=False, hs=True, s=1)
            self.group2 = nn.Sequential(
                *(
                    Inverted(80, f=3, t=184, k=80, squeeze=False, hs=True, s=1)
                    for _ in range(2)
                ),
            )
            self.inverted6 = Inverted(80, f=3, t=480, k=112, squeeze=True, hs=True, s=1)
            self.inverted7 = Inverted(
                112, f=3, t=672, k=112, squeeze=True, hs=True, s=1
            )
            self.inverted8 = Inverted(
                112, f=5, t=672, k=160, squeeze=True, hs=True, s=1, d=2
            )
            self.group3 = nn.Sequential(
                *(
                    Inverted(160, f=5, t=960, k=160, squeeze=True, hs=True, s=1, d=2)
                    for _ in range(2)
                ),
            )
            self.conv2 = nn.Conv2d(160, 960, kernel_size=1, bias=False)
            self.bn2 = nn.BatchNorm2d(960, eps=0.001, momentum=0.01)
            self.hswish2 = nn.Hardswish()
            self.conv3 = nn.Conv2d(960, 128, kernel_size=1, bias=False)
            self.bn3 = nn.BatchNorm2d(128)
            self.relu = nn.ReLU(inplace=True)
            self.gap = nn.AdaptiveAvgPool2d(1)
            self.conv4 = nn.Conv2d(960, 128, kernel_size=1, bias=False)
            self.sigmoid = nn.Sigmoid()
            self.conv5 = nn.Conv2d(40, classes, kernel_size=1)
            self.conv6 = nn.Conv2d(128, classes, kernel_size=1)
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
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, image: Tensor) -> Tensor:
        x = self.hswish1(self.bn1(self.conv1(image)))  # 16x260x260
        x = self.inverted1(x)  # 16x260x260
        x = self.inverted2(x)  # 24x130x130
        x = self.inverted3(x)  # 24x130x130
        low = self.low(x)  # 40x65x65
        x = self.group1(low)  # 40x65x65
        x = self.inverted4(x)  # 80x33x33
        x = self.inverted5(x)  # 80x33x33
        x = self.group2(x)  # 80x33x33
        x = self.inverted6(x)  # 112x33x33
        x = self.inverted7(x)  # 112x33x33
        x = self.inverted8(x)  # 160x33x33
        x = self.group3(x)  # 160x33x33
        x = self.hswish2(self.bn2(self.conv2(x)))  # 960x33x33
        y = self.relu(self.bn3(self.conv3(x)))  # 128x33x33
        gate = self.sigmoid(self.conv4(self.gap(x)))  # 128x1x1
        branch2 = y * gate  # 128x33x33
        branch2 = nn.functional.interpolate(
            branch2, size=low.shape[2:], mode="bilinear"
        )  # 128x65x65
        branch1 = self.conv5(low)  # 21x65x65
        branch2 = self.conv6(branch2)  # 21x65x65
        x = branch1 + branch2  # 21x65x65
        return nn.functional.interpolate(x, size=image.shape[2:], mode="bilinear")


def main() -> None:
    model = LRASPP().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 520, 520))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
