# Written by cnnspec 0.0.0: model YOLOv3Tiny (IR 0)
from collections import OrderedDict
from contextlib import nullcontext
from typing import NamedTuple

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


def listed(sizes: int | tuple[int, ...], axes: int = 1) -> list[int]:
    """A number for each axis."""
    return [sizes] * axes if isinstance(sizes, int) else list(sizes)


def same_padding(
    x: Tensor,
    kernel_size: list[int],
    stride: list[int],
    dilation: list[int],
    value: float = 0,
) -> Tensor:
    """Pads x for ceil(N / stride) windows; the odd zero goes after the map."""
    ends: list[int] = []
    for axis in range(x.ndim - 3, -1, -1):
        size = kernel_size[axis % len(kernel_size)]
        step = stride[axis % len(stride)]
        gap = dilation[axis % len(dilation)]
        length = x.shape[2 + axis]
        places = (length + step - 1) // step
        zeros = max((places - 1) * step + gap * (size - 1) + 1 - length, 0)
        ends += [zeros // 2, zeros - zeros // 2]
    return nn.functional.pad(x, ends, value=value)


class MaxPool2dSame(nn.Module):
    """Max pooling with ceil(N / stride) outputs."""

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
        dilation: int | tuple[int, ...] = 1,
    ) -> None:
        super().__init__()
        self.kernel_size = listed(kernel_size, axes=2)
        self.stride = self.kernel_size if stride is None else listed(stride, axes=2)
        self.dilation = listed(dilation, axes=2)

    def forward(self, x: Tensor) -> Tensor:
        size, step, gap = self.kernel_size, self.stride, self.dilation
        x = same_padding(x, size, step, gap, value=float("-inf"))
        return nn.functional.max_pool2d(x, size, step, 0, gap)


class Unit(nn.Sequential):
    def __init__(self, in_channels: int, k: int, f: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, k, kernel_size=f, padding=f // 2, bias=False)
        self.bn = nn.BatchNorm2d(k)
        self.leaky = nn.LeakyReLU(0.1, inplace=True)


class Yolo26(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.unit = Unit(384, 256, f=3)
        self.conv = nn.Conv2d(256, 3 * (5 + classes), kernel_size=1)

    def forward(self, x: Tensor, fine: Tensor) -> Tensor:
        x = torch.cat([x, fine], dim=1)
        x = self.unit(x)
        return self.conv(x)


class YOLOv3TinyOutputs(NamedTuple):
    yolo13: Tensor
    yolo26: Tensor


class YOLOv3Tiny(nn.Module):
    """YOLOv3: An Incremental Improvement, Redmon & Farhadi, arXiv 2018"""

    def __init__(
        self,
        classes: int = 80,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.unit1 = Unit(3, 16, f=3)
            self.maxpool1 = nn.MaxPool2d(kernel_size=2)
            self.unit2 = Unit(16, 32, f=3)
            self.maxpool2 = nn.MaxPool2d(kernel_size=2)
            self.unit3 = Unit(32, 64, f=3)
            self.maxpool3 = nn.MaxPool2d(kernel_size=2)
            self.unit4 = Unit(64, 128, f=3)
            self.maxpool4 = nn.MaxPool2d(kernel_size=2)
            self.fine = Unit(128, 256, f=3)
            self.maxpool5 = nn.MaxPool2d(kernel_size=2)
            self.unit5 = Unit(256, 512, f=3)
            self.maxpool6 = MaxPool2dSame(kernel_size=2, stride=1)
            self.coarse = sequential(
                unit1=Unit(512, 1024, f=3), unit2=Unit(1024, 256, f=1)
            )
            self.yolo13 = sequential(
                unit=Unit(256, 512, f=3),
                conv=nn.Conv2d(512, 3 * (5 + classes), kernel_size=1),
            )
            self.unit6 = Unit(256, 128, f=1)
            self.upsample = nn.Upsample(scale_factor=2)
            self.yolo26 = Yolo26(classes)
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

    def forward(self, x: Tensor) -> YOLOv3TinyOutputs:
        x = self.maxpool1(self.unit1(x))  # 16x208x208
        x = self.maxpool2(self.unit2(x))  # 32x104x104
        x = self.maxpool3(self.unit3(x))  # 64x52x52
        x = self.maxpool4(self.unit4(x))  # 128x26x26
        fine = self.fine(x)  # 256x26x26
        x = self.maxpool6(self.unit5(self.maxpool5(fine)))  # 512x13x13
        coarse = self.coarse(x)  # 256x13x13
        yolo13 = self.yolo13(coarse)  # 255x13x13
        x = self.upsample(self.unit6(coarse))  # 128x26x26
        yolo26 = self.yolo26(x, fine)  # 255x26x26
        return YOLOv3TinyOutputs(yolo13, yolo26)


def main() -> None:
    model = YOLOv3Tiny().eval()
    with torch.no_grad():
        outputs = model(torch.randn(2, 3, 416, 416))
    for y in outputs:
        print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
