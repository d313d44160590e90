# Written by cnnspec 0.0.0: model U2Net (IR 0)
from collections import OrderedDict
from contextlib import nullcontext
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class Unit(nn.Sequential):
    def __init__(self, in_channels: int, k: int, d: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, k, kernel_size=3, padding=d, dilation=d)
        self.bn = nn.BatchNorm2d(k)
        self.relu = nn.ReLU(inplace=True)


class Level(nn.Module):
    has_maxpool: Final[bool]

    def __init__(self, in_channels: int, n: int, mid: int, k: int) -> None:
        super().__init__()
        self.e = Unit(in_channels, mid)
        self.has_maxpool = n > 1
        if self.has_maxpool:
            self.maxpool = nn.MaxPool2d(kernel_size=2, ceil_mode=True)
            self.level = Level(mid, n - 1, mid, mid)
        else:
            self.unit1 = Unit(mid, mid, d=2)
        self.unit2 = Unit(2 * mid, k)

    def forward(self, x: Tensor) -> Tensor:
        e = self.e(x)
        if self.has_maxpool:
            x = self.level(self.maxpool(e))
            y = nn.functional.interpolate(x, size=e.shape[2:], mode="bilinear")
        else:
            y = self.unit1(e)
        y = torch.cat([y, e], dim=1)
        return self.unit2(y)


class Rsu(nn.Module):
    def __init__(self, in_channels: int, n: int, mid: int, k: int) -> None:
        super().__init__()
        self.x = Unit(in_channels, k)
        self.level = Level(k, n - 1, mid, k)

    def forward(self, x: Tensor) -> Tensor:
        x2 = self.x(x)
        return self.level(x2) + x2


class Dilated(nn.Module):
    has_dilated: Final[bool]

    def __init__(self, in_channels: int, d: int, mid: int, k: int) -> None:
        super().__init__()
        self.e = Unit(in_channels, mid, d=d)
        self.has_dilated = d < 4
        if self.has_dilated:
            self.dilated = Dilated(mid, 2 * d, mid, mid)
        else:
            self.unit1 = Unit(mid, mid, d=8)
        self.unit2 = Unit(2 * mid, k, d=d)

    def forward(self, x: Tensor) -> Tensor:
        e = self.e(x)
        y = self.dilated(e) if self.has_dilated else self.unit1(e)
        y = torch.cat([y, e], dim=1)
        return self.unit2(y)


class Flat(nn.Module):
    def __init__(self, in_channels: int, mid: int, k: int) -> None:
        super().__init__()
        self.x = Unit(in_channels, k)
        self.dilated = Dilated(k, 1, mid, k)

    def forward(self, x: Tensor) -> Tensor:
        x2 = self.x(x)
        return self.dilated(x2) + x2


class Up(nn.Module):
    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = nn.functional.interpolate(x, size=skip.shape[2:], mode="bilinear")
        return torch.cat([x, skip], dim=1)


class X5(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = Up()
        self.flat = Flat(1024, mid=256, k=512)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        x = self.up(x, y)
        return self.flat(x)


class X4(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = Up()
        self.rsu = Rsu(1024, n=4, mid=128, k=256)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        x = self.up(x, y)
        return self.rsu(x)


class X3(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = Up()
        self.rsu = Rsu(512, n=5, mid=64, k=128)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        x = self.up(x, y)
        return self.rsu(x)


class X2(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = Up()
        self.rsu = Rsu(256, n=6, mid=32, k=64)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        x = self.up(x, y)
        return self.rsu(x)


class X1(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = Up()
        self.rsu = Rsu(128, n=7, mid=16, k=64)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        x = self.up(x, y)
        return self.rsu(x)


class Side(nn.Module):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, 1, kernel_size=3, padding=1)

    def forward(self, x: Tensor, first: Tensor) -> Tensor:
        x = self.conv(x)
        return nn.functional.interpolate(x, size=first.shape[2:], mode="bilinear")


class D0(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(6, 1, kernel_size=1)
        self.sigmoid = nn.Sigmoid()

    def forward(
        self, s1: Tensor, s2: Tensor, s3: Tensor, s4: Tensor, s5: Tensor, s6: Tensor
    ) -> Tensor:
        x = torch.cat([s1, s2, s3, s4, s5, s6], dim=1)
        return self.sigmoid(self.conv(x))


class U2NetOutputs(NamedTuple):
    d0: Tensor
    d1: Tensor
    d2: Tensor
    d3: Tensor
    d4: Tensor
    d5: Tensor
    d6: Tensor


class U2Net(nn.Module):
    """U2-Net: Going Deeper with Nested U-Structure for Salient Object Detection, Qin et
    al., Pattern Recognition 2020
    """

    def __init__(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.e1 = Rsu(3, n=7, mid=32, k=64)
            self.e2 = sequential(
                maxpool=nn.MaxPool2d(kernel_size=2, ceil_mode=True),
                rsu=Rsu(64, n=6, mid=32, k=128),
            )
            self.e3 = sequential(
                maxpool=nn.MaxPool2d(kernel_size=2, ceil_mode=True),
                rsu=Rsu(128, n=5, mid=64, k=256),
            )
            self.e4 = sequential(
                maxpool=nn.MaxPool2d(kernel_size=2, ceil_mode=True),
                rsu=Rsu(256, n=4, mid=128, k=512),
            )
            self.e5 = sequential(
                maxpool=nn.MaxPool2d(kernel_size=2, ceil_mode=True),
                flat=Flat(512, mid=256, k=512),
            )
            self.x6 = sequential(
                maxpool=nn.MaxPool2d(kernel_size=2, ceil_mode=True),
                flat=Flat(512, mid=256, k=512),
            )
            self.x5 = X5()
            self.x4 = X4()
            self.x3 = X3()
            self.x2 = X2()
            self.x1 = X1()
            self.s1 = nn.Conv2d(64, 1, kernel_size=3, padding=1)
            self.s2 = Side(64)
            self.s3 = Side(128)
            self.s4 = Side(256)
            self.s5 = Side(512)
            self.s6 = Side(512)
            self.d0 = D0()
            self.d1 = nn.Sigmoid()
            self.d2 = nn.Sigmoid()
            self.d3 = nn.Sigmoid()
            self.d4 = nn.Sigmoid()
            self.d5 = nn.Sigmoid()
            self.d6 = nn.Sigmoid()
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> U2NetOutputs:
        e1 = self.e1(x)  # 64x320x320
        e2 = self.e2(e1)  # 128x160x160
        e3 = self.e3(e2)  # 256x80x80
        e4 = self.e4(e3)  # 512x40x40
        e5 = self.e5(e4)  # 512x20x20
        x6 = self.x6(e5)  # 512x10x10
        x5 = self.x5(x6, e5)  # 512x20x20
        x4 = self.x4(x5, e4)  # 256x40x40
        x3 = self.x3(x4, e3)  # 128x80x80
        x2 = self.x2(x3, e2)  # 64x160x160
        x = self.x1(x2, e1)  # 64x320x320
        s1 = self.s1(x)  # 1x320x320
        s2 = self.s2(x2, s1)  # 1x320x320
        s3 = self.s3(x3, s1)  # 1x320x320
        s4 = self.s4(x4, s1)  # 1x320x320
        s5 = self.s5(x5, s1)  # 1x320x320
        s6 = self.s6(x6, s1)  # 1x320x320
        d0 = self.d0(s1, s2, s3, s4, s5, s6)  # 1x320x320
        d1 = self.d1(s1)  # 1x320x320
        d2 = self.d2(s2)  # 1x320x320
        d3 = self.d3(s3)  # 1x320x320
        d4 = self.d4(s4)  # 1x320x320
        d5 = self.d5(s5)  # 1x320x320
        d6 = self.d6(s6)  # 1x320x320
        return U2NetOutputs(d0, d1, d2, d3, d4, d5, d6)


def main() -> None:
    model = U2Net().eval()
    with torch.no_grad():
        outputs = model(torch.randn(2, 3, 320, 320))
    for y in outputs:
        print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
