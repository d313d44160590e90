"""Pooling: with `Psame`, LeNet's, a fixed blur, over channels."""

import torch
from torch import Tensor, nn

from cnnspec.targets.torch.library.functions import binomial, listed, same_padding


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


class AvgPool2dSame(nn.Module):
    """Average pooling with ceil(N / stride) outputs."""

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = listed(kernel_size, axes=2)
        self.stride = self.kernel_size if stride is None else listed(stride, axes=2)
        self.count_include_pad = count_include_pad

    def mean(self, x: Tensor) -> Tensor:
        x = same_padding(x, self.kernel_size, self.stride, [1])
        return nn.functional.avg_pool2d(x, self.kernel_size, self.stride)

    def forward(self, x: Tensor) -> Tensor:
        if self.count_include_pad:
            return self.mean(x)
        return self.mean(x) / self.mean(torch.ones_like(x[:1, :1]))


class Subsample2d(nn.Module):
    """LeNet-5's pooling: weight * (sum of the window) + bias, for each channel."""

    def __init__(
        self,
        channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
    ) -> None:
        super().__init__()
        window = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
        self.kernel_size, self.stride = window, window if stride is None else stride
        self.numbers = torch.Size(window).numel()
        self.weight = nn.Parameter(torch.empty(channels))
        self.bias = nn.Parameter(torch.empty(channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.constant_(self.weight, 1 / self.numbers)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        shape = (-1,) + (1,) * (x.ndim - 2)
        mean = nn.functional.avg_pool2d(x, self.kernel_size, self.stride)
        total = mean * self.numbers
        return total * self.weight.view(shape) + self.bias.view(shape)


class Blur2d(nn.Module):
    """A fixed binomial filter on each map."""

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] | str = 0,
    ) -> None:
        super().__init__()
        window = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
        self.kernel_size, self.stride = window, listed(stride, axes=2)
        self.padding = None if isinstance(padding, str) else listed(padding, axes=2)
        self.kernel: Tensor
        self.register_buffer("kernel", torch.empty(window), persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        kernel = torch.ones(())
        for size in self.kernel_size:
            kernel = kernel[..., None] * binomial(size)
        self.kernel.copy_(kernel)

    def forward(self, x: Tensor) -> Tensor:
        stride, groups = self.stride, x.shape[1]
        if self.padding is None:
            x = same_padding(x, list(self.kernel_size), stride, [1])
        kernel = self.kernel.expand(groups, 1, *self.kernel_size)
        padding = listed(0, axes=2) if self.padding is None else self.padding
        return nn.functional.conv2d(x, kernel, None, stride, padding, 1, groups)


class ChannelMean(nn.Module):
    """The mean over the channels, at each position."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=1, keepdim=True)


class ChannelMax(nn.Module):
    """The maximum over the channels, at each position."""

    def forward(self, x: Tensor) -> Tensor:
        return x.max(dim=1, keepdim=True).values
