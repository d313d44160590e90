# Written by cnnspec 0.0.0: model YOLOv2Tiny (IR 0)
from contextlib import nullcontext

import torch
from torch import Tensor, nn


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
    def __init__(self, in_channels: int, k: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, k, kernel_size=3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(k)
        self.leaky = nn.LeakyReLU(0.1, inplace=True)


class YOLOv2Tiny(nn.Module):
    """YOLO9000: Better, Faster, Stronger, Redmon & Farhadi, CVPR 2017"""

    def __init__(
        self,
        classes: int = 20,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.unit1 = Unit(3, 16)
            self.maxpool1 = nn.MaxPool2d(kernel_size=2)
            self.unit2 = Unit(16, 32)
            self.maxpool2 = nn.MaxPool2d(kernel_size=2)
            self.unit3 = Unit(32, 64)
            self.maxpool3 = nn.MaxPool2d(kernel_size=2)
            self.unit4 = Unit(64, 128)
            self.maxpool4 = nn.MaxPool2d(kernel_size=2)
            self.unit5 = Unit(128, 256)
            self.maxpool5 = nn.MaxPool2d(kernel_size=2)
            self.unit6 = Unit(256, 512)
            self.maxpool6 = MaxPool2dSame(kernel_size=2, stride=1)
            self.group = nn.Sequential(Unit(512, 1024), Unit(1024, 1024))
            self.conv = nn.Conv2d(1024, 5 * (5 + classes), kernel_size=1)
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
        x = self.maxpool1(self.unit1(x))  # 16x208x208
        x = self.maxpool2(self.unit2(x))  # 32x104x104
        x = self.maxpool3(self.unit3(x))  # 64x52x52
        x = self.maxpool4(self.unit4(x))  # 128x26x26
        x = self.maxpool5(self.unit5(x))  # 256x13x13
        x = self.maxpool6(self.unit6(x))  # 512x13x13
        x = self.group(x)  # 1024x13x13
        return self.conv(x)


def main() -> None:
    model = YOLOv2Tiny().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 3, 416, 416))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
