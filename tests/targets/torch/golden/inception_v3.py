# Written by cnnspec 0.0.0: model InceptionV3 (IR 0)
from collections import OrderedDict
from contextlib import nullcontext

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class Unit(nn.Sequential):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int] = 1,
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            bias=False,
        )
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)
        self.relu = nn.ReLU(inplace=True)


class Mean(nn.Sequential):
    def __init__(self, in_channels: int, k: int) -> None:
        super().__init__()
        self.avgpool = nn.AvgPool2d(kernel_size=3, stride=1, padding=1)
        self.unit = Unit(in_channels, k)


class Inception35(nn.Module):
    def __init__(self, in_channels: int, k: int) -> None:
        super().__init__()
        self.unit1 = Unit(in_channels, 64)
        self.unit2 = Unit(in_channels, 48)
        self.unit3 = Unit(48, 64, kernel_size=5, padding=2)
        self.unit4 = Unit(in_channels, 64)
        self.group = nn.Sequential(
            Unit(64, 96, kernel_size=3, padding=1),
            Unit(96, 96, kernel_size=3, padding=1),
        )
        self.mean = Mean(in_channels, k)

    def forward(self, x: Tensor) -> Tensor:
        branch1 = self.unit1(x)
        branch2 = self.unit3(self.unit2(x))
        branch3 = self.group(self.unit4(x))
        branch4 = self.mean(x)
        return torch.cat([branch1, branch2, branch3, branch4], dim=1)


class Inception17(nn.Module):
    def __init__(self, k: int) -> None:
        super().__init__()
        self.unit1 = Unit(768, 192)
        self.unit2 = Unit(768, k)
        self.unit3 = Unit(k, k, kernel_size=(1, 7), padding=(0, 3))
        self.unit4 = Unit(k, 192, kernel_size=(7, 1), padding=(3, 0))
        self.unit5 = Unit(768, k)
        self.unit6 = Unit(k, k, kernel_size=(7, 1), padding=(3, 0))
        self.unit7 = Unit(k, k, kernel_size=(1, 7), padding=(0, 3))
        self.unit8 = Unit(k, k, kernel_size=(7, 1), padding=(3, 0))
        self.unit9 = Unit(k, 192, kernel_size=(1, 7), padding=(0, 3))
        self.mean = Mean(768, 192)

    def forward(self, x: Tensor) -> Tensor:
        branch1 = self.unit1(x)
        branch2 = self.unit3(self.unit2(x))
        branch2 = self.unit4(branch2)
        branch3 = self.unit6(self.unit5(x))
        branch3 = self.unit8(self.unit7(branch3))
        branch3 = self.unit9(branch3)
        branch4 = self.mean(x)
        return torch.cat([branch1, branch2, branch3, branch4], dim=1)


class Split(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.unit1 = Unit(384, 384, kernel_size=(1, 3), padding=(0, 1))
        self.unit2 = Unit(384, 384, kernel_size=(3, 1), padding=(1, 0))

    def forward(self, x: Tensor) -> Tensor:
        branch1 = self.unit1(x)
        branch2 = self.unit2(x)
        return torch.cat([branch1, branch2], dim=1)


class Inception8(nn.Module):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.unit1 = Unit(in_channels, 320)
        self.unit2 = Unit(in_channels, 384)
        self.split1 = Split()
        self.unit3 = Unit(in_channels, 448)
        self.unit4 = Unit(448, 384, kernel_size=3, padding=1)
        self.split2 = Split()
        self.mean = Mean(in_channels, 192)

    def forward(self, x: Tensor) -> Tensor:
        branch1 = self.unit1(x)
        branch2 = self.split1(self.unit2(x))
        branch3 = self.unit4(self.unit3(x))
        branch3 = self.split2(branch3)
        branch4 = self.mean(x)
        return torch.cat([branch1, branch2, branch3, branch4], dim=1)


class InceptionV3(nn.Module):
    """Rethinking the Inception Architecture for Computer Vision, Szegedy et al., CVPR
    2016
    """

    def __init__(
        self,
        classes: int = 1000,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.unit1 = Unit(3, 32, kernel_size=3, stride=2)
            self.unit2 = Unit(32, 32, kernel_size=3)
            self.unit3 = Unit(32, 64, kernel_size=3, padding=1)
            self.maxpool1 = nn.MaxPool2d(kernel_size=3, stride=2)
            self.unit4 = Unit(64, 80)
            self.unit5 = Unit(80, 192, kernel_size=3)
            self.maxpool2 = nn.MaxPool2d(kernel_size=3, stride=2)
            self.inception35_1 = Inception35(192, 32)
            self.inception35_2 = Inception35(256, 64)
            self.inception35_3 = Inception35(288, 64)
            self.unit6 = Unit(288, 384, kernel_size=3, stride=2)
            self.unit7 = Unit(288, 64)
            self.unit8 = Unit(64, 96, kernel_size=3, padding=1)
            self.unit9 = Unit(96, 96, kernel_size=3, stride=2)
            self.maxpool3 = nn.MaxPool2d(kernel_size=3, stride=2)
            self.mid = sequential(
                inception17_1=Inception17(128),
                inception17_2=Inception17(160),
                inception17_3=Inception17(160),
                inception17_4=Inception17(192),
            )
            self.unit10 = Unit(768, 192)
            self.unit11 = Unit(192, 320, kernel_size=3, stride=2)
            self.unit12 = Unit(768, 192)
            self.unit13 = Unit(192, 192, kernel_size=(1, 7), padding=(0, 3))
            self.unit14 = Unit(192, 192, kernel_size=(7, 1), padding=(3, 0))
            self.unit15 = Unit(192, 192, kernel_size=3, stride=2)
            self.maxpool4 = nn.MaxPool2d(kernel_size=3, stride=2)
            self.inception8_1 = Inception8(1280)
            self.inception8_2 = Inception8(2048)
            self.scores = sequential(
                gap=nn.AdaptiveAvgPool2d(1),
                dropout=nn.Dropout(),
                flatten=nn.Flatten(),
                fc=nn.Linear(2048, classes),
            )
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.normal_(module.weight, std=0.1)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.unit1(x)  # 32x149x149
        x = self.unit2(x)  # 32x147x147
        x = self.maxpool1(self.unit3(x))  # 64x73x73
        x = self.unit4(x)  # 80x73x73
        x = self.maxpool2(self.unit5(x))  # 192x35x35
        x = self.inception35_1(x)  # 256x35x35
        x = self.inception35_2(x)  # 288x35x35
        x = self.inception35_3(x)  # 288x35x35
        branch1 = self.unit6(x)  # 384x17x17
        branch2 = self.unit7(x)  # 64x35x35
        branch2 = self.unit8(branch2)  # 96x35x35
        branch2 = self.unit9(branch2)  # 96x17x17
        branch3 = self.maxpool3(x)  # 288x17x17
        x = torch.cat([branch1, branch2, branch3], dim=1)  # 768x17x17
        mid = self.mid(x)  # 768x17x17
        branch1 = self.unit10(mid)  # 192x17x17
        branch1 = self.unit11(branch1)  # 320x8x8
        branch2 = self.unit12(mid)  # 192x17x17
        branch2 = self.unit13(branch2)  # 192x17x17
        branch2 = self.unit14(branch2)  # 192x17x17
        branch2 = self.unit15(branch2)  # 192x8x8
        branch3 = self.maxpool4(mid)  # 768x8x8
        x = torch.cat([branch1, branch2, branch3], dim=1)  # 1280x8x8
        x = self.inception8_1(x)  # 2048x8x8
        x = self.inception8_2(x)  # 2048x8x8
        return self.scores(x)


def main() -> None:
    model = InceptionV3().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 299, 299))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
