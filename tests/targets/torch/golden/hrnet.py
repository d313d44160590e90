# Written by cnnspec 0.0.0: model HRNetW18 (IR 0)
from collections import OrderedDict
from contextlib import nullcontext
from typing import Final

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class New(nn.Sequential):
    def __init__(self, in_channels: int, k: int, s: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, k, kernel_size=3, stride=s, padding=1, bias=False
        )
        self.bn = nn.BatchNorm2d(k)
        self.relu = nn.ReLU(inplace=True)


class Bottleneck(nn.Module):
    projection: Final[bool]

    def __init__(self, in_channels: int, k: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, k, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(k)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(k, k, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(k)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(k, 4 * k, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * k)
        self.projection = in_channels != 4 * k
        if self.projection:
            self.conv4 = nn.Conv2d(in_channels, 4 * k, kernel_size=1, bias=False)
            self.bn4 = nn.BatchNorm2d(4 * k)
        self.relu3 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.relu2(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        if self.projection:
            x = self.bn4(self.conv4(x))
        return self.relu3(y + x)


class Basic(nn.Module):
    def __init__(self, in_channels: int, k: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, k, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(k)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(k, k, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(k)
        self.relu2 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu2(y + x)


class Up(nn.Sequential):
    def __init__(self, in_channels: int, k: int, n: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, k, kernel_size=1, bias=False)
        self.bn = nn.BatchNorm2d(k)
        self.upsample = nn.Upsample(scale_factor=2**n)


class H2(nn.Module):
    def __init__(self, w: int) -> None:
        super().__init__()
        self.up = Up(2 * w, w, n=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, h1: Tensor, m1: Tensor) -> Tensor:
        x = self.up(m1)
        return self.relu(h1 + x)


class Down(nn.Sequential):
    def __init__(self, in_channels: int, k: int, n: int) -> None:
        super().__init__()
        self.group = nn.Sequential(
            *(New(in_channels, in_channels, s=2) for _ in range(n - 1))
        )
        self.conv = nn.Conv2d(
            in_channels, k, kernel_size=3, stride=2, padding=1, bias=False
        )
        self.bn = nn.BatchNorm2d(k)


class M2(nn.Module):
    def __init__(self, w: int) -> None:
        super().__init__()
        self.down = Down(w, 2 * w, n=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, h1: Tensor, m1: Tensor) -> Tensor:
        x = self.down(h1)
        return self.relu(x + m1)


class ThreeH(nn.Module):
    def __init__(self, w: int) -> None:
        super().__init__()
        self.up1 = Up(2 * w, w, n=1)
        self.up2 = Up(4 * w, w, n=2)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        branch2 = self.up1(b)
        branch3 = self.up2(c)
        return self.relu(a + branch2 + branch3)


class ThreeM2(nn.Module):
    def __init__(self, w: int) -> None:
        super().__init__()
        self.down = Down(w, 2 * w, n=1)
        self.up = Up(4 * w, 2 * w, n=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        branch1 = self.down(a)
        branch3 = self.up(c)
        return self.relu(branch1 + b + branch3)


class ThreeL2(nn.Module):
    def __init__(self, w: int) -> None:
        super().__init__()
        self.down1 = Down(w, 4 * w, n=2)
        self.down2 = Down(2 * w, 4 * w, n=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        branch1 = self.down1(a)
        branch2 = self.down2(b)
        return self.relu(branch1 + branch2 + c)


class Three(nn.Module):
    def __init__(
        self, in_channels: int, m_channels: int, lo_channels: int, w: int
    ) -> None:
        super().__init__()
        self.a = nn.Sequential(*(Basic(in_channels, w) for _ in range(4)))
        self.b = nn.Sequential(*(Basic(m_channels, 2 * w) for _ in range(4)))
        self.c = nn.Sequential(*(Basic(lo_channels, 4 * w) for _ in range(4)))
        self.h = ThreeH(w)
        self.m2 = ThreeM2(w)
        self.l2 = ThreeL2(w)

    def forward(
        self, x: Tensor, m: Tensor, lo: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        a = self.a(x)
        b = self.b(m)
        c = self.c(lo)
        h = self.h(a, b, c)
        m2 = self.m2(a, b, c)
        l2 = self.l2(a, b, c)
        return h, m2, l2


class FourH(nn.Module):
    def __init__(self, w: int) -> None:
        super().__init__()
        self.up1 = Up(2 * w, w, n=1)
        self.up2 = Up(4 * w, w, n=2)
        self.up3 = Up(8 * w, w, n=3)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
        branch2 = self.up1(b)
        branch3 = self.up2(c)
        branch4 = self.up3(d)
        return self.relu(a + branch2 + branch3 + branch4)


class FourM2(nn.Module):
    def __init__(self, w: int) -> None:
        super().__init__()
        self.down = Down(w, 2 * w, n=1)
        self.up1 = Up(4 * w, 2 * w, n=1)
        self.up2 = Up(8 * w, 2 * w, n=2)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
        branch1 = self.down(a)
        branch3 = self.up1(c)
        branch4 = self.up2(d)
        return self.relu(branch1 + b + branch3 + branch4)


class FourL2(nn.Module):
    def __init__(self, w: int) -> None:
        super().__init__()
        self.down1 = Down(w, 4 * w, n=2)
        self.down2 = Down(2 * w, 4 * w, n=1)
        self.up = Up(8 * w, 4 * w, n=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
        branch1 = self.down1(a)
        branch2 = self.down2(b)
        branch4 = self.up(d)
        return self.relu(branch1 + branch2 + c + branch4)


class FourS2(nn.Module):
    def __init__(self, w: int) -> None:
        super().__init__()
        self.down1 = Down(w, 8 * w, n=3)
        self.down2 = Down(2 * w, 8 * w, n=2)
        self.down3 = Down(4 * w, 8 * w, n=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
        branch1 = self.down1(a)
        branch2 = self.down2(b)
        branch3 = self.down3(c)
        return self.relu(branch1 + branch2 + branch3 + d)


class Four(nn.Module):
    def __init__(
        self,
        in_channels: int,
        m_channels: int,
        lo_channels: int,
        s_channels: int,
        w: int,
    ) -> None:
        super().__init__()
        self.a = nn.Sequential(*(Basic(in_channels, w) for _ in range(4)))
        self.b = nn.Sequential(*(Basic(m_channels, 2 * w) for _ in range(4)))
        self.c = nn.Sequential(*(Basic(lo_channels, 4 * w) for _ in range(4)))
        self.d = nn.Sequential(*(Basic(s_channels, 8 * w) for _ in range(4)))
        self.h = FourH(w)
        self.m2 = FourM2(w)
        self.l2 = FourL2(w)
        self.s2 = FourS2(w)

    def forward(
        self, x: Tensor, m: Tensor, lo: Tensor, s: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        a = self.a(x)
        b = self.b(m)
        c = self.c(lo)
        d = self.d(s)
        h = self.h(a, b, c, d)
        m2 = self.m2(a, b, c, d)
        l2 = self.l2(a, b, c, d)
        s2 = self.s2(a, b, c, d)
        return h, m2, l2, s2


class Join(nn.Module):
    def __init__(self, in_channels: int, k: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, k, kernel_size=3, stride=2, padding=1)
        self.bn = nn.BatchNorm2d(k)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        x = self.relu(self.bn(self.conv(x)))
        return c + x


class HRNetW18(nn.Module):
    """Deep High-Resolution Representation Learning for Visual Recognition, Wang et al.,
    TPAMI 2020
    """

    def __init__(
        self,
        classes: int = 1000,
        w: int = 18,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.x = sequential(
                new1=New(3, 64, s=2),
                new2=New(64, 64, s=2),
                group=nn.Sequential(
                    Bottleneck(64, 64), *(Bottleneck(256, 64) for _ in range(3))
                ),
            )
            self.h1 = sequential(
                new=New(256, w), group=nn.Sequential(*(Basic(w, w) for _ in range(4)))
            )
            self.m1 = sequential(
                new=New(256, 2 * w, s=2),
                group=nn.Sequential(*(Basic(2 * w, 2 * w) for _ in range(4))),
            )
            self.h2 = H2(w)
            self.m2 = M2(w)
            self.l2 = New(2 * w, 4 * w, s=2)
            self.group1 = nn.ModuleList([Three(w, 2 * w, 4 * w, w) for _ in range(4)])
            self.s3 = New(4 * w, 8 * w, s=2)
            self.group2 = nn.ModuleList(
                [Four(w, 2 * w, 4 * w, 8 * w, w) for _ in range(3)]
            )
            self.c1 = Bottleneck(w, 32)
            self.c2 = Bottleneck(2 * w, 64)
            self.c3 = Bottleneck(4 * w, 128)
            self.c4 = Bottleneck(8 * w, 256)
            self.join1 = Join(128, 256)
            self.join2 = Join(256, 512)
            self.join3 = Join(512, 1024)
            self.conv = nn.Conv2d(1024, 2048, kernel_size=1)
            self.bn = nn.BatchNorm2d(2048)
            self.relu = nn.ReLU(inplace=True)
            self.gap = nn.AdaptiveAvgPool2d(1)
            self.fc = nn.Linear(2048, classes)
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

    def forward(self, x: Tensor) -> Tensor:
        x2 = self.x(x)  # 256x56x56
        h1 = self.h1(x2)  # 18x56x56
        m1 = self.m1(x2)  # 36x28x28
        h2 = self.h2(h1, m1)  # 18x56x56
        m2 = self.m2(h1, m1)  # 36x28x28
        l2 = self.l2(m2)  # 72x14x14
        h3, m3, l3 = h2, m2, l2
        for layer in self.group1:
            h3, m3, l3 = layer(h3, m3, l3)
        s3 = self.s3(l3)  # 144x7x7
        h, m, lo, s = h3, m3, l3, s3
        for layer in self.group2:
            h, m, lo, s = layer(h, m, lo, s)
        c1 = self.c1(h)  # 128x56x56
        c2 = self.c2(m)  # 256x28x28
        c3 = self.c3(lo)  # 512x14x14
        c4 = self.c4(s)  # 1024x7x7
        x = self.join1(c1, c2)  # 256x28x28
        x = self.join2(x, c3)  # 512x14x14
        x = self.join3(x, c4)  # 1024x7x7
        x = self.gap(self.relu(self.bn(self.conv(x))))  # 2048x1x1
        return self.fc(torch.flatten(x, 1))


def main() -> None:
    model = HRNetW18().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 224, 224))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
