# Written by cnnspec 0.0.0: model EEGNet_8_2 (IR 0)
from contextlib import nullcontext

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


class EEGNet_8_2(nn.Module):
    """EEGNet: A Compact Convolutional Network for EEG-based Brain-Computer Interfaces,
    Lawhern et al., 2018
    """

    def __init__(
        self,
        classes: int = 2,
        f: int = 8,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv1 = Conv2dSame(1, f, kernel_size=(1, 64), bias=False)
            self.bn1 = nn.BatchNorm2d(f)
            self.dwconv1 = nn.Conv2d(
                f, 2 * f, kernel_size=(64, 1), groups=f, bias=False
            )
            self.bn2 = nn.BatchNorm2d(2 * f)
            self.elu1 = nn.ELU()
            self.avgpool1 = nn.AvgPool2d(kernel_size=(1, 4))
            self.dropout1 = nn.Dropout(0.25)
            self.dwconv2 = Conv2dSame(
                2 * f, 2 * f, kernel_size=(1, 16), groups=2 * f, bias=False
            )
            self.conv2 = nn.Conv2d(2 * f, 2 * f, kernel_size=1, bias=False)
            self.bn3 = nn.BatchNorm2d(2 * f)
            self.elu2 = nn.ELU()
            self.avgpool2 = nn.AvgPool2d(kernel_size=(1, 8))
            self.dropout2 = nn.Dropout(0.25)
            self.fc = nn.Linear(8 * f, classes)
            self.softmax = nn.Softmax(dim=1)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn1(self.conv1(x))  # 8x64x128
        x = self.avgpool1(self.elu1(self.bn2(self.dwconv1(x))))  # 16x1x32
        x = self.dwconv2(self.dropout1(x))  # 16x1x32
        x = self.avgpool2(self.elu2(self.bn3(self.conv2(x))))  # 16x1x4
        return self.softmax(self.fc(torch.flatten(self.dropout2(x), 1)))


def main() -> None:
    model = EEGNet_8_2().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 1, 64, 128))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
