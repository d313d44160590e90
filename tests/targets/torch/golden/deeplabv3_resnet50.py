# Written by cnnspec 0.0.0: model DeepLabV3ResNet50 (IR 0)
from contextlib import nullcontext
from typing import Final

import torch
from torch import Tensor, nn


class Bottleneck(nn.Module):
    projection: Final[bool]

    def __init__(self, in_channels: int, k: int, s: int, d: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, k, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(k)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(
            k, k, kernel_size=3, stride=s, padding=d, dilation=d, bias=False
        )
        self.bn2 = nn.BatchNorm2d(k)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(k, 4 * k, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * k)
        self.projection = s > 1 or in_channels != 4 * k
        if self.projection:
            self.conv4 = nn.Conv2d(
                in_channels, 4 * k, kernel_size=1, stride=s, bias=False
            )
            self.bn4 = nn.BatchNorm2d(4 * k)
        self.relu3 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.relu2(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        if self.projection:
            x = self.bn4(self.conv4(x))
        return self.relu3(y + x)


class Stage(nn.Sequential):
    def __init__(
        self, in_channels: int, k: int, n: int, s: int = 1, first: int = 1, d: int = 1
    ) -> None:
        super().__init__()
        for i in range(n):
            self.append(
                Bottleneck(in_channels, k, s if i == 0 else 1, first if i == 0 else d)
            )
            in_channels = 4 * k


class Unit(nn.Sequential):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 1,
        padding: int = 0,
        dilation: int = 1,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size=kernel_size,
            padding=padding,
            dilation=dilation,
            bias=False,
        )
        self.bn = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)


class Classes(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(256, classes, kernel_size=1)

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        x = self.conv(x)
        return nn.functional.interpolate(x, size=image.shape[2:], mode="bilinear")


class DeepLabV3ResNet50(nn.Module):
    """Rethinking Atrous Convolution for Semantic Image Segmentation, Chen et al., arXiv
    2017
    """

    def __init__(
        self,
        classes: int = 21,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
            self.bn = nn.BatchNorm2d(64)
            self.relu = nn.ReLU(inplace=True)
            self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
            self.stage1 = Stage(64, 64, n=3)
            self.stage2 = Stage(256, 128, n=4, s=2)
            self.c4 = Stage(512, 256, n=6, d=2)
            self.c5 = Stage(1024, 512, n=3, first=2, d=4)
            self.unit1 = Unit(2048, 256)
            self.unit2 = Unit(2048, 256, kernel_size=3, padding=12, dilation=12)
            self.unit3 = Unit(2048, 256, kernel_size=3, padding=24, dilation=24)
            self.unit4 = Unit(2048, 256, kernel_size=3, padding=36, dilation=36)
            self.gap = nn.AdaptiveAvgPool2d(1)
            self.unit5 = Unit(2048, 256)
            self.unit6 = Unit(1280, 256)
            self.dropout = nn.Dropout()
            self.unit7 = Unit(256, 256, kernel_size=3, padding=1)
            self.scores = Classes(classes)
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
        x = self.maxpool(self.relu(self.bn(self.conv(image))))  # 64x130x130
        x = self.stage1(x)  # 256x130x130
        x = self.stage2(x)  # 512x65x65
        x = self.c4(x)  # 1024x65x65
        c5 = self.c5(x)  # 2048x65x65
        branch1 = self.unit1(c5)  # 256x65x65
        branch2 = self.unit2(c5)  # 256x65x65
        branch3 = self.unit3(c5)  # 256x65x65
        branch4 = self.unit4(c5)  # 256x65x65
        branch5 = self.unit5(self.gap(c5))  # 256x1x1
        branch5 = nn.functional.interpolate(branch5, size=c5.shape[2:], mode="bilinear")
        x = torch.cat([branch1, branch2, branch3, branch4, branch5], dim=1)
        x = self.dropout(self.unit6(x))  # 256x65x65
        x = self.unit7(x)  # 256x65x65
        return self.scores(x, image)


def main() -> None:
    model = DeepLabV3ResNet50().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 520, 520))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
