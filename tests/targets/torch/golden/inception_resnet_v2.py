# Written by cnnspec 0.0.0: model InceptionResNetV2 (IR 0)
from contextlib import nullcontext

import torch
from torch import Tensor, nn


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
    def __init__(self, k: int) -> None:
        super().__init__()
        self.avgpool = nn.AvgPool2d(
            kernel_size=3, stride=1, padding=1, count_include_pad=False
        )
        self.unit = Unit(192, k)


class Inception35(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.unit1 = Unit(320, 32)
        self.unit2 = Unit(320, 32)
        self.unit3 = Unit(32, 32, kernel_size=3, padding=1)
        self.unit4 = Unit(320, 32)
        self.unit5 = Unit(32, 48, kernel_size=3, padding=1)
        self.unit6 = Unit(48, 64, kernel_size=3, padding=1)
        self.conv = nn.Conv2d(128, 320, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        branch1 = self.unit1(x)
        branch2 = self.unit3(self.unit2(x))
        branch3 = self.unit5(self.unit4(x))
        branch3 = self.unit6(branch3)
        x = torch.cat([branch1, branch2, branch3], dim=1)
        return self.conv(x)


class Group2(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inception35 = Inception35()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.inception35(x)
        y = 0.17 * y
        return self.relu(x + y)


class Inception17(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.unit1 = Unit(1088, 192)
        self.unit2 = Unit(1088, 128)
        self.unit3 = Unit(128, 160, kernel_size=(1, 7), padding=(0, 3))
        self.unit4 = Unit(160, 192, kernel_size=(7, 1), padding=(3, 0))
        self.conv = nn.Conv2d(384, 1088, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        branch1 = self.unit1(x)
        branch2 = self.unit3(self.unit2(x))
        branch2 = self.unit4(branch2)
        x = torch.cat([branch1, branch2], dim=1)
        return self.conv(x)


class Group3(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inception17 = Inception17()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.inception17(x)
        y = 0.1 * y
        return self.relu(x + y)


class Inception8(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.unit1 = Unit(2080, 192)
        self.unit2 = Unit(2080, 192)
        self.unit3 = Unit(192, 224, kernel_size=(1, 3), padding=(0, 1))
        self.unit4 = Unit(224, 256, kernel_size=(3, 1), padding=(1, 0))
        self.conv = nn.Conv2d(448, 2080, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        branch1 = self.unit1(x)
        branch2 = self.unit3(self.unit2(x))
        branch2 = self.unit4(branch2)
        x = torch.cat([branch1, branch2], dim=1)
        return self.conv(x)


class Group4(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inception8 = Inception8()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.inception8(x)
        y = 0.2 * y
        return self.relu(x + y)


class InceptionResNetV2(nn.Module):
    """Inception-v4, Inception-ResNet and the Impact of Residual Connections on
    Learning, Szegedy et al., AAAI 2017
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
            self.unit6 = Unit(192, 96)
            self.unit7 = Unit(192, 48)
            self.unit8 = Unit(48, 64, kernel_size=5, padding=2)
            self.unit9 = Unit(192, 64)
            self.group1 = nn.Sequential(
                Unit(64, 96, kernel_size=3, padding=1),
                Unit(96, 96, kernel_size=3, padding=1),
            )
            self.mean = Mean(64)
            self.group2 = nn.Sequential(*(Group2() for _ in range(10)))
            self.unit10 = Unit(320, 384, kernel_size=3, stride=2)
            self.unit11 = Unit(320, 256)
            self.unit12 = Unit(256, 256, kernel_size=3, padding=1)
            self.unit13 = Unit(256, 384, kernel_size=3, stride=2)
            self.maxpool3 = nn.MaxPool2d(kernel_size=3, stride=2)
            self.group3 = nn.Sequential(*(Group3() for _ in range(20)))
            self.unit14 = Unit(1088, 256)
            self.unit15 = Unit(256, 384, kernel_size=3, stride=2)
            self.unit16 = Unit(1088, 256)
            self.unit17 = Unit(256, 288, kernel_size=3, stride=2)
            self.unit18 = Unit(1088, 256)
            self.unit19 = Unit(256, 288, kernel_size=3, padding=1)
            self.unit20 = Unit(288, 320, kernel_size=3, stride=2)
            self.maxpool4 = nn.MaxPool2d(kernel_size=3, stride=2)
            self.group4 = nn.Sequential(*(Group4() for _ in range(9)))
            self.inception8 = Inception8()
            self.unit21 = Unit(2080, 1536)
            self.gap = nn.AdaptiveAvgPool2d(1)
            self.dropout = nn.Dropout(0.2)
            self.fc = nn.Linear(1536, classes)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.xavier_uniform_(module.weight)
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
        branch1 = self.unit6(x)  # 96x35x35
        branch2 = self.unit7(x)  # 48x35x35
        branch2 = self.unit8(branch2)  # 64x35x35
        branch3 = self.unit9(x)  # 64x35x35
        branch3 = self.group1(branch3)  # 96x35x35
        branch4 = self.mean(x)  # 64x35x35
        x = torch.cat([branch1, branch2, branch3, branch4], dim=1)  # 320x35x35
        x = self.group2(x)  # 320x35x35
        branch1 = self.unit10(x)  # 384x17x17
        branch2 = self.unit11(x)  # 256x35x35
        branch2 = self.unit12(branch2)  # 256x35x35
        branch2 = self.unit13(branch2)  # 384x17x17
        branch3 = self.maxpool3(x)  # 320x17x17
        x = torch.cat([branch1, branch2, branch3], dim=1)  # 1088x17x17
        x = self.group3(x)  # 1088x17x17
        branch1 = self.unit14(x)  # 256x17x17
        branch1 = self.unit15(branch1)  # 384x8x8
        branch2 = self.unit16(x)  # 256x17x17
        branch2 = self.unit17(branch2)  # 288x8x8
        branch3 = self.unit18(x)  # 256x17x17
        branch3 = self.unit19(branch3)  # 288x17x17
        branch3 = self.unit20(branch3)  # 320x8x8
        branch4 = self.maxpool4(x)  # 1088x8x8
        x = torch.cat([branch1, branch2, branch3, branch4], dim=1)  # 2080x8x8
        x = self.group4(x)  # 2080x8x8
        x = x + self.inception8(x)  # 2080x8x8
        x = torch.flatten(self.dropout(self.gap(self.unit21(x))), 1)  # 1536
        return self.fc(x)


def main() -> None:
    model = InceptionResNetV2().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 299, 299))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
