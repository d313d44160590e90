# Written by cnnspec 0.0.0: model GoogLeNet (IR 0)
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
        kernel_size: int = 1,
        stride: int = 1,
        padding: int = 0,
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


class Inception(nn.Module):
    def __init__(
        self,
        in_channels: int,
        one: int,
        three_in: int,
        three: int,
        five_in: int,
        five: int,
        pool: int,
    ) -> None:
        super().__init__()
        self.unit1 = Unit(in_channels, one)
        self.unit2 = Unit(in_channels, three_in)
        self.unit3 = Unit(three_in, three, kernel_size=3, padding=1)
        self.unit4 = Unit(in_channels, five_in)
        self.unit5 = Unit(five_in, five, kernel_size=3, padding=1)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=1, padding=1, ceil_mode=True)
        self.unit6 = Unit(in_channels, pool)

    def forward(self, x: Tensor) -> Tensor:
        branch1 = self.unit1(x)
        branch2 = self.unit3(self.unit2(x))
        branch3 = self.unit5(self.unit4(x))
        branch4 = self.unit6(self.maxpool(x))
        return torch.cat([branch1, branch2, branch3, branch4], dim=1)


class GoogLeNet(nn.Module):
    """Going Deeper with Convolutions, Szegedy et al., CVPR 2015"""

    def __init__(
        self,
        classes: int = 1000,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.unit1 = Unit(3, 64, kernel_size=7, stride=2, padding=3)
            self.maxpool1 = nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
            self.unit2 = Unit(64, 64)
            self.unit3 = Unit(64, 192, kernel_size=3, padding=1)
            self.maxpool2 = nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
            self.i3a = Inception(
                192, one=64, three_in=96, three=128, five_in=16, five=32, pool=32
            )
            self.i3b = sequential(
                inception=Inception(
                    256, one=128, three_in=128, three=192, five_in=32, five=96, pool=64
                ),
                maxpool=nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),
            )
            self.i4a = Inception(
                480, one=192, three_in=96, three=208, five_in=16, five=48, pool=64
            )
            self.i4b = Inception(
                512, one=160, three_in=112, three=224, five_in=24, five=64, pool=64
            )
            self.i4c = Inception(
                512, one=128, three_in=128, three=256, five_in=24, five=64, pool=64
            )
            self.i4d = Inception(
                512, one=112, three_in=144, three=288, five_in=32, five=64, pool=64
            )
            self.i4e = sequential(
                inception=Inception(
                    528,
                    one=256,
                    three_in=160,
                    three=320,
                    five_in=32,
                    five=128,
                    pool=128,
                ),
                maxpool=nn.MaxPool2d(kernel_size=2, ceil_mode=True),
            )
            self.i5a = Inception(
                832, one=256, three_in=160, three=320, five_in=32, five=128, pool=128
            )
            self.i5b = Inception(
                832, one=384, three_in=192, three=384, five_in=48, five=128, pool=128
            )
            self.scores = sequential(
                gap=nn.AdaptiveAvgPool2d(1),
                dropout=nn.Dropout(0.2),
                flatten=nn.Flatten(),
                fc=nn.Linear(1024, classes),
            )
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.normal_(module.weight, std=0.01)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool1(self.unit1(x))  # 64x56x56
        x = self.unit2(x)  # 64x56x56
        x = self.maxpool2(self.unit3(x))  # 192x28x28
        x = self.i3a(x)  # 256x28x28
        x = self.i3b(x)  # 480x14x14
        x = self.i4a(x)  # 512x14x14
        x = self.i4b(x)  # 512x14x14
        x = self.i4c(x)  # 512x14x14
        x = self.i4d(x)  # 528x14x14
        x = self.i4e(x)  # 832x7x7
        x = self.i5a(x)  # 832x7x7
        x = self.i5b(x)  # 1024x7x7
        return self.scores(x)


def main() -> None:
    model = GoogLeNet().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 224, 224))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
