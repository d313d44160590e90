# Written by cnnspec 0.0.0: model M3 (IR 0)
from collections import OrderedDict
from contextlib import nullcontext

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


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


class Conv1dSame(nn.Conv1d):
    """A convolution with ceil(N / stride) outputs."""

    def forward(self, x: Tensor) -> Tensor:
        stride, dilation = list(self.stride), list(self.dilation)
        x = same_padding(x, list(self.kernel_size), stride, dilation)
        weight, bias, groups = self.weight, self.bias, self.groups
        return nn.functional.conv1d(x, weight, bias, stride, 0, dilation, groups)


class Stage(nn.Sequential):
    def __init__(self, in_channels: int, k: int, n: int) -> None:
        super().__init__()
        self.group = nn.Sequential(
            *(
                sequential(
                    conv=nn.Conv1d(in_channels, k, kernel_size=3, padding=1),
                    bn=nn.BatchNorm1d(k),
                    relu=nn.ReLU(inplace=True),
                )
                for _ in range(n)
            ),
        )
        self.maxpool = nn.MaxPool1d(kernel_size=4, ceil_mode=True)


class M3(nn.Module):
    """Very Deep Convolutional Neural Networks for Raw Waveforms, Dai et al., ICASSP
    2017
    """

    def __init__(
        self,
        classes: int = 10,
        k: int = 256,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.conv = Conv1dSame(1, k, kernel_size=80, stride=4)
            self.bn = nn.BatchNorm1d(k)
            self.relu = nn.ReLU(inplace=True)
            self.maxpool = nn.MaxPool1d(kernel_size=4)
            self.group = nn.Sequential(Stage(k, k, n=1))
            self.gap = nn.AdaptiveAvgPool1d(1)
            self.fc = nn.Linear(k, classes)
            self.softmax = nn.Softmax(dim=1)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn(self.conv(x))))  # 256x2000
        x = torch.flatten(self.gap(self.group(x)), 1)  # 256
        return self.softmax(self.fc(x))


def main() -> None:
    model = M3().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 1, 32000))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
