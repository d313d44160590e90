# Written by cnnspec 0.0.0: model Darknet19 (IR 0)
from collections import OrderedDict
from contextlib import nullcontext

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


class Unit(nn.Sequential):
    def __init__(self, in_channels: int, k: int, f: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, k, kernel_size=f, padding=f // 2, bias=False)
        self.bn = nn.BatchNorm2d(k)
        self.leaky = nn.LeakyReLU(0.1, inplace=True)


class Squeeze(nn.Sequential):
    def __init__(self, in_channels: int, k: int, n: int) -> None:
        super().__init__()
        self.unit = Unit(in_channels, k, f=3)
        self.group = nn.Sequential(
            *(
                sequential(unit1=Unit(k, k // 2, f=1), unit2=Unit(k // 2, k, f=3))
                for _ in range(n)
            ),
        )


class Darknet19(nn.Module):
    """YOLO9000: Better, Faster, Stronger, Redmon & Farhadi, CVPR 2017"""

    def __init__(
        self,
        classes: int = 1000,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.unit1 = Unit(3, 32, f=3)
            self.maxpool1 = nn.MaxPool2d(kernel_size=2)
            self.unit2 = Unit(32, 64, f=3)
            self.maxpool2 = nn.MaxPool2d(kernel_size=2)
            self.squeeze1 = Squeeze(64, 128, n=1)
            self.maxpool3 = nn.MaxPool2d(kernel_size=2)
            self.squeeze2 = Squeeze(128, 256, n=1)
            self.maxpool4 = nn.MaxPool2d(kernel_size=2)
            self.squeeze3 = Squeeze(256, 512, n=2)
            self.maxpool5 = nn.MaxPool2d(kernel_size=2)
            self.squeeze4 = Squeeze(512, 1024, n=2)
            self.conv = nn.Conv2d(1024, classes, kernel_size=1)
            self.gap = nn.AdaptiveAvgPool2d(1)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool1(self.unit1(x))  # 32x128x128
        x = self.maxpool2(self.unit2(x))  # 64x64x64
        x = self.maxpool3(self.squeeze1(x))  # 128x32x32
        x = self.maxpool4(self.squeeze2(x))  # 256x16x16
        x = self.maxpool5(self.squeeze3(x))  # 512x8x8
        x = self.squeeze4(x)  # 1024x8x8
        return torch.flatten(self.gap(self.conv(x)), 1)


def main() -> None:
    model = Darknet19().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 256, 256))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
