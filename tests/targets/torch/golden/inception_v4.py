# Written by cnnspec 0.0.0: model InceptionV4 (IR 0)
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
    def __init__(self, in_channels: int, k: int) -> None:
        super().__init__()
        self.avgpool = nn.AvgPool2d(
            kernel_size=3, stride=1, padding=1, count_include_pad=False
        )
        self.unit = Unit(in_channels, k)


class Inception35(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.unit1 = Unit(384, 96)
        self.unit2 = Unit(384, 64)
        self.unit3 = Unit(64, 96, kernel_size=3, padding=1)
        self.unit4 = Unit(384, 64)
        self.group = nn.Sequential(
            Unit(64, 96, kernel_size=3, padding=1),
            Unit(96, 96, kernel_size=3, padding=1),
        )
        self.mean = Mean(384, 96)

    def forward(self, x: Tensor) -> Tensor:
        branch1 = self.unit1(x)
        branch2 = self.unit3(self.unit2(x))
        branch3 = self.group(self.unit4(x))
        branch4 = self.mean(x)
        return torch.cat([branch1, branch2, branch3, branch4], dim=1)


class Inception17(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.unit1 = Unit(1024, 384)
        self.unit2 = Unit(1024, 192)
        self.unit3 = Unit(192, 224, kernel_size=(1, 7), padding=(0, 3))
        self.unit4 = Unit(224, 256, kernel_size=(7, 1), padding=(3, 0))
        self.unit5 = Unit(1024, 192)
        self.unit6 = Unit(192, 192, kernel_size=(7, 1), padding=(3, 0))
        self.unit7 = Unit(192, 224, kernel_size=(1, 7), padding=(0, 3))
        self.unit8 = Unit(224, 224, kernel_size=(7, 1), padding=(3, 0))
        self.unit9 = Unit(224, 256, kernel_size=(1, 7), padding=(0, 3))
        self.mean = Mean(1024, 128)

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
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.unit1 = Unit(in_channels, 256, kernel_size=(1, 3), padding=(0, 1))
        self.unit2 = Unit(in_channels, 256, kernel_size=(3, 1), padding=(1, 0))

    def forward(self, x: Tensor) -> Tensor:
        branch1 = self.unit1(x)
        branch2 = self.unit2(x)
        return torch.cat([branch1, branch2], dim=1)


class Inception8(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.unit1 = Unit(1536, 256)
        self.unit2 = Unit(1536, 384)
        self.split1 = Split(384)
        self.unit3 = Unit(1536, 384)
        self.unit4 = Unit(384, 448, kernel_size=(3, 1), padding=(1, 0))
        self.unit5 = Unit(448, 512, kernel_size=(1, 3), padding=(0, 1))
        self.split2 = Split(512)
        self.mean = Mean(1536, 256)

    def forward(self, x: Tensor) -> Tensor:
        branch1 = self.unit1(x)
        branch2 = self.split1(self.unit2(x))
        branch3 = self.unit4(self.unit3(x))
        branch3 = self.split2(self.unit5(branch3))
        branch4 = self.mean(x)
        return torch.cat([branch1, branch2, branch3, branch4], dim=1)


class InceptionV4(nn.Module):
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
            self.unit4 = Unit(64, 96, kernel_size=3, stride=2)
            self.unit5 = Unit(160, 64)
            self.unit6 = Unit(64, 96, kernel_size=3)
            self.unit7 = Unit(160, 64)
            self.unit8 = Unit(64, 64, kernel_size=(1, 7), padding=(0, 3))
            self.unit9 = Unit(64, 64, kernel_size=(7, 1), padding=(3, 0))
            self.unit10 = Unit(64, 96, kernel_size=3)
            self.unit11 = Unit(192, 192, kernel_size=3, stride=2)
            self.maxpool2 = nn.MaxPool2d(kernel_size=3, stride=2)
            self.group1 = nn.Sequential(*(Inception35() for _ in range(4)))
            self.unit12 = Unit(384, 384, kernel_size=3, stride=2)
            self.unit13 = Unit(384, 192)
            self.unit14 = Unit(192, 224, kernel_size=3, padding=1)
            self.unit15 = Unit(224, 256, kernel_size=3, stride=2)
            self.maxpool3 = nn.MaxPool2d(kernel_size=3, stride=2)
            self.group2 = nn.Sequential(*(Inception17() for _ in range(7)))
            self.unit16 = Unit(1024, 192)
            self.unit17 = Unit(192, 192, kernel_size=3, stride=2)
            self.unit18 = Unit(1024, 256)
            self.unit19 = Unit(256, 256, kernel_size=(1, 7), padding=(0, 3))
            self.unit20 = Unit(256, 320, kernel_size=(7, 1), padding=(3, 0))
            self.unit21 = Unit(320, 320, kernel_size=3, stride=2)
            self.maxpool4 = nn.MaxPool2d(kernel_size=3, stride=2)
            self.group3 = nn.Sequential(*(Inception8() for _ in range(3)))
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
        x = self.unit3(x)  # 64x147x147
        branch1 = self.maxpool1(x)  # 64x73x73
        branch2 = self.unit4(x)  # 96x73x73
        x = torch.cat([branch1, branch2], dim=1)  # 160x73x73
        branch1 = self.unit5(x)  # 64x73x73
        branch1 = self.unit6(branch1)  # 96x71x71
        branch2 = self.unit7(x)  # 64x73x73
        branch2 = self.unit8(branch2)  # 64x73x73
        branch2 = self.unit9(branch2)  # 64x73x73
        branch2 = self.unit10(branch2)  # 96x71x71
        x = torch.cat([branch1, branch2], dim=1)  # 192x71x71
        branch1 = self.unit11(x)  # 192x35x35
        branch2 = self.maxpool2(x)  # 192x35x35
        x = torch.cat([branch1, branch2], dim=1)  # 384x35x35
        x = self.group1(x)  # 384x35x35
        branch1 = self.unit12(x)  # 384x17x17
        branch2 = self.unit13(x)  # 192x35x35
        branch2 = self.unit14(branch2)  # 224x35x35
        branch2 = self.unit15(branch2)  # 256x17x17
        branch3 = self.maxpool3(x)  # 384x17x17
        x = torch.cat([branch1, branch2, branch3], dim=1)  # 1024x17x17
        x = self.group2(x)  # 1024x17x17
        branch1 = self.unit16(x)  # 192x17x17
        branch1 = self.unit17(branch1)  # 192x8x8
        branch2 = self.unit18(x)  # 256x17x17
        branch2 = self.unit19(branch2)  # 256x17x17
        branch2 = self.unit20(branch2)  # 320x17x17
        branch2 = self.unit21(branch2)  # 320x8x8
        branch3 = self.maxpool4(x)  # 1024x8x8
        x = torch.cat([branch1, branch2, branch3], dim=1)  # 1536x8x8
        x = torch.flatten(self.dropout(self.gap(self.group3(x))), 1)  # 1536
        return self.fc(x)


def main() -> None:
    model = InceptionV4().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 299, 299))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
