# Written by cnnspec 0.0.0: model SegNet (IR 0)
from contextlib import nullcontext

import torch
from torch import Tensor, nn


def unpool(
    x: Tensor,
    before: Tensor,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...],
    padding: int | tuple[int, ...] = 0,
    dilation: int | tuple[int, ...] = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """Max unpooling: x at the places of the maxima of `before`, 0 elsewhere."""
    pool = getattr(nn.functional, f"max_pool{x.ndim - 2}d")
    window = kernel_size, stride, padding, dilation, ceil_mode
    _, places = pool(before, *window, return_indices=True)
    zeros = x.new_zeros(before.shape).flatten(2)
    return zeros.scatter(2, places.flatten(2), x.flatten(2)).view_as(before)


class Unit(nn.Sequential):
    def __init__(self, in_channels: int, k: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, k, kernel_size=3, padding=1)
        self.bn = nn.BatchNorm2d(k)
        self.relu = nn.ReLU(inplace=True)


class SegNet(nn.Module):
    """SegNet: A Deep Convolutional Encoder-Decoder Architecture for Image Segmentation,
    Badrinarayanan et al., TPAMI 2017
    """

    def __init__(
        self,
        classes: int = 12,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.group1 = nn.Sequential(Unit(3, 64), Unit(64, 64))
            self.p1 = nn.MaxPool2d(kernel_size=2)
            self.group2 = nn.Sequential(Unit(64, 128), Unit(128, 128))
            self.p2 = nn.MaxPool2d(kernel_size=2)
            self.group3 = nn.Sequential(
                Unit(128, 256), *(Unit(256, 256) for _ in range(2))
            )
            self.p3 = nn.MaxPool2d(kernel_size=2)
            self.group4 = nn.Sequential(
                Unit(256, 512), *(Unit(512, 512) for _ in range(2))
            )
            self.p4 = nn.MaxPool2d(kernel_size=2, ceil_mode=True)
            self.group5 = nn.Sequential(*(Unit(512, 512) for _ in range(3)))
            self.p5 = nn.MaxPool2d(kernel_size=2, ceil_mode=True)
            self.group6 = nn.Sequential(*(Unit(512, 512) for _ in range(3)))
            self.group7 = nn.Sequential(*(Unit(512, 512) for _ in range(2)))
            self.unit1 = Unit(512, 256)
            self.group8 = nn.Sequential(*(Unit(256, 256) for _ in range(2)))
            self.unit2 = Unit(256, 128)
            self.unit3 = Unit(128, 128)
            self.unit4 = Unit(128, 64)
            self.unit5 = Unit(64, 64)
            self.conv = nn.Conv2d(64, classes, kernel_size=3, padding=1)
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
        p1_ = self.group1(x)  # 64x360x480
        p2_ = self.group2(self.p1(p1_))  # 128x180x240
        p3_ = self.group3(self.p2(p2_))  # 256x90x120
        p4_ = self.group4(self.p3(p3_))  # 512x45x60
        p5_ = self.group5(self.p4(p4_))  # 512x23x30
        p5 = self.p5(p5_)  # 512x12x15
        x = unpool(p5, p5_, 2, 2, ceil_mode=True)  # 512x23x30
        x = self.group6(x)  # 512x23x30
        x = unpool(x, p4_, 2, 2, ceil_mode=True)  # 512x45x60
        x = self.group7(x)  # 512x45x60
        x = self.unit1(x)  # 256x45x60
        x = unpool(x, p3_, 2, 2)  # 256x90x120
        x = self.group8(x)  # 256x90x120
        x = self.unit2(x)  # 128x90x120
        x = unpool(x, p2_, 2, 2)  # 128x180x240
        x = self.unit3(x)  # 128x180x240
        x = self.unit4(x)  # 64x180x240
        x = unpool(x, p1_, 2, 2)  # 64x360x480
        x = self.unit5(x)  # 64x360x480
        return self.conv(x)


def main() -> None:
    model = SegNet().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 360, 480))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
