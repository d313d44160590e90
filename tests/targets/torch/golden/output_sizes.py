# Written by cnnspec 0.0.0: model OutputSizes (IR 0)
from contextlib import nullcontext
from typing import NamedTuple

import torch
from torch import Tensor, nn


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


class Conv2dSame(nn.Conv2d):
    """A convolution with ceil(N / stride) outputs."""

    def forward(self, x: Tensor) -> Tensor:
        stride, dilation = list(self.stride), list(self.dilation)
        x = same_padding(x, list(self.kernel_size), stride, dilation)
        weight, bias, groups = self.weight, self.bias, self.groups
        return nn.functional.conv2d(x, weight, bias, stride, 0, dilation, groups)


class OutputSizesOutputs(NamedTuple):
    plain: Tensor
    padded: Tensor
    strided: Tensor
    halved: Tensor
    same: Tensor


class OutputSizes(nn.Module):
    """Convolutional layers: output size and weights, course notes, 2017"""

    def __init__(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.plain = nn.Conv2d(3, 10, kernel_size=5)
            self.padded = nn.Conv2d(3, 10, kernel_size=5, padding=2)
            self.strided = nn.Conv2d(3, 10, kernel_size=5, stride=3)
            self.halved = nn.Conv2d(3, 10, kernel_size=3, stride=2, padding=1)
            self.same = Conv2dSame(3, 10, kernel_size=3, stride=2)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, image: Tensor) -> OutputSizesOutputs:
        plain2 = self.plain(image)  # 10x28x28
        padded = self.padded(image)  # 10x32x32
        strided = self.strided(image)  # 10x10x10
        halved = self.halved(image)  # 10x16x16
        same = self.same(image)  # 10x16x16
        return OutputSizesOutputs(plain2, padded, strided, halved, same)


def main() -> None:
    model = OutputSizes().eval()
    with torch.no_grad():
        outputs = model(torch.randn(2, 3, 32, 32))
    for y in outputs:
        print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
