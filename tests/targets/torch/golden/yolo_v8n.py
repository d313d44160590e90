# Written by cnnspec 0.0.0: model YOLOv8n (IR 0)
from collections import OrderedDict
from contextlib import nullcontext
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class Unit(nn.Sequential):
    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int = 1, stride: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            bias=False,
        )
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001, momentum=0.03)
        self.silu = nn.SiLU()


class Bottleneck(nn.Module):
    shortcut: Final[bool]

    def __init__(self, in_channels: int, k: int, shortcut: bool) -> None:
        super().__init__()
        self.unit1 = Unit(in_channels, k, kernel_size=3)
        self.unit2 = Unit(k, k, kernel_size=3)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        y = self.unit2(self.unit1(x))
        if self.shortcut:
            y = y + x
        return y


class C2fGroup(nn.Module):
    def __init__(self, channels: int, k: int, shortcut: bool) -> None:
        super().__init__()
        self.low = channels - k // 2
        self.bottleneck = Bottleneck(k // 2, k // 2, shortcut)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bottleneck(x[:, self.low :])
        return torch.cat([x, y], dim=1)


class C2f(nn.Sequential):
    def __init__(self, in_channels: int, k: int, n: int, shortcut: bool) -> None:
        super().__init__()
        self.unit1 = Unit(in_channels, k)
        self.group = nn.Sequential(
            *(C2fGroup(k + k // 2 * i, k, shortcut) for i in range(n))
        )
        self.unit2 = Unit(k + k // 2 * n, k)


class Sppf(nn.Module):
    def __init__(self, k: int) -> None:
        super().__init__()
        self.a = Unit(256, k // 2)
        self.b = nn.MaxPool2d(kernel_size=5, stride=1, padding=2)
        self.c = nn.MaxPool2d(kernel_size=5, stride=1, padding=2)
        self.d = nn.MaxPool2d(kernel_size=5, stride=1, padding=2)
        self.unit = Unit(4 * (k // 2), k)

    def forward(self, x: Tensor) -> Tensor:
        a = self.a(x)
        b = self.b(a)
        c = self.c(b)
        d = self.d(c)
        x = torch.cat([a, b, c, d], dim=1)
        return self.unit(x)


class Backbone(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.unit1 = Unit(3, 16, kernel_size=3, stride=2)
        self.unit2 = Unit(16, 32, kernel_size=3, stride=2)
        self.c2f = C2f(32, 32, n=1, shortcut=True)
        self.p3 = sequential(
            unit=Unit(32, 64, kernel_size=3, stride=2),
            c2f=C2f(64, 64, n=2, shortcut=True),
        )
        self.p4 = sequential(
            unit=Unit(64, 128, kernel_size=3, stride=2),
            c2f=C2f(128, 128, n=2, shortcut=True),
        )
        self.p5 = sequential(
            unit=Unit(128, 256, kernel_size=3, stride=2),
            c2f=C2f(256, 256, n=1, shortcut=True),
            sppf=Sppf(256),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = self.unit2(self.unit1(x))
        p3 = self.p3(self.c2f(x))
        p4 = self.p4(p3)
        p5 = self.p5(p4)
        return p3, p4, p5


class NeckM4(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.upsample = nn.Upsample(scale_factor=2)
        self.c2f = C2f(384, 128, n=1, shortcut=False)

    def forward(self, x: Tensor, p4: Tensor) -> Tensor:
        x = self.upsample(x)
        x = torch.cat([x, p4], dim=1)
        return self.c2f(x)


class NeckN3(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.upsample = nn.Upsample(scale_factor=2)
        self.c2f = C2f(192, 64, n=1, shortcut=False)

    def forward(self, x: Tensor, p3: Tensor) -> Tensor:
        x = self.upsample(x)
        x = torch.cat([x, p3], dim=1)
        return self.c2f(x)


class NeckN4(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.unit = Unit(64, 64, kernel_size=3, stride=2)
        self.c2f = C2f(192, 128, n=1, shortcut=False)

    def forward(self, x: Tensor, m4: Tensor) -> Tensor:
        x = self.unit(x)
        x = torch.cat([x, m4], dim=1)
        return self.c2f(x)


class NeckN5(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.unit = Unit(128, 128, kernel_size=3, stride=2)
        self.c2f = C2f(384, 256, n=1, shortcut=False)

    def forward(self, x: Tensor, p5: Tensor) -> Tensor:
        x = self.unit(x)
        x = torch.cat([x, p5], dim=1)
        return self.c2f(x)


class Neck(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.m4 = NeckM4()
        self.n3 = NeckN3()
        self.n4 = NeckN4()
        self.n5 = NeckN5()

    def forward(
        self, p3: Tensor, p4: Tensor, p5: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        m4 = self.m4(p5, p4)
        n3 = self.n3(m4, p3)
        n4 = self.n4(n3, m4)
        n5 = self.n5(n4, p5)
        return n3, n4, n5


class Detect(nn.Module):
    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__()
        self.unit1 = Unit(in_channels, 64, kernel_size=3)
        self.unit2 = Unit(64, 64, kernel_size=3)
        self.conv1 = nn.Conv2d(64, 64, kernel_size=1)
        self.unit3 = Unit(in_channels, classes, kernel_size=3)
        self.unit4 = Unit(classes, classes, kernel_size=3)
        self.conv2 = nn.Conv2d(classes, classes, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        branch1 = self.unit2(self.unit1(x))
        branch1 = self.conv1(branch1)
        branch2 = self.unit4(self.unit3(x))
        branch2 = self.conv2(branch2)
        return torch.cat([branch1, branch2], dim=1)


class YOLOv8nOutputs(NamedTuple):
    d3: Tensor
    d4: Tensor
    d5: Tensor


class YOLOv8n(nn.Module):
    """Ultralytics YOLOv8, Jocher et al., 2023"""

    def __init__(
        self,
        classes: int = 80,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.backbone = Backbone()
            self.neck = Neck()
            self.d3 = Detect(64, classes)
            self.d4 = Detect(128, classes)
            self.d5 = Detect(256, classes)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> YOLOv8nOutputs:
        p3, p4, p5 = self.backbone(x)
        n3, n4, n5 = self.neck(p3, p4, p5)
        d3 = self.d3(n3)  # 144x80x80
        d4 = self.d4(n4)  # 144x40x40
        d5 = self.d5(n5)  # 144x20x20
        return YOLOv8nOutputs(d3, d4, d5)


def main() -> None:
    model = YOLOv8n().eval()
    with torch.no_grad():
        outputs = model(torch.randn(2, 3, 640, 640))
    for y in outputs:
        print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
