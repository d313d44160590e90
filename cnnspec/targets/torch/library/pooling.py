"""Pooling: with `Psame`, LeNet's, a fixed blur, over channels."""

import torch
from torch import Tensor, nn

from cnnspec.targets.torch.library.functions import binomial, same_padding


class MaxPool2dSame(nn.MaxPool2d):
    """Max pooling with ceil(N / stride) outputs."""

    def forward(self, x: Tensor) -> Tensor:
        ends = self.kernel_size, self.stride, self.dilation
        return super().forward(same_padding(x, *ends, value=float("-inf")))


class AvgPool2dSame(nn.AvgPool2d):
    """Average pooling with ceil(N / stride) outputs."""

    def forward(self, x: Tensor) -> Tensor:
        mean = super().forward(same_padding(x, self.kernel_size, self.stride))
        if self.count_include_pad:
            return mean
        ones = same_padding(torch.ones_like(x[:1, :1]), self.kernel_size, self.stride)
        return mean / super().forward(ones)


class Subsample(nn.Module):
    """LeNet-5's pooling: weight * (sum of the window) + bias, for each channel."""

    def __init__(
        self,
        channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
        axes: int = 2,
    ) -> None:
        super().__init__()
        window = (kernel_size,) * axes if isinstance(kernel_size, int) else kernel_size
        self.kernel_size, self.stride = window, stride
        self.numbers = torch.Size(window).numel()
        self.weight = nn.Parameter(torch.empty(channels))
        self.bias = nn.Parameter(torch.empty(channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.constant_(self.weight, 1 / self.numbers)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        shape = (-1,) + (1,) * (x.ndim - 2)
        pool = getattr(nn.functional, f"avg_pool{x.ndim - 2}d")
        total: Tensor = pool(x, self.kernel_size, self.stride) * self.numbers
        return total * self.weight.view(shape) + self.bias.view(shape)


class Blur(nn.Module):
    """A fixed binomial filter on each map."""

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] | str = 0,
        axes: int = 2,
    ) -> None:
        super().__init__()
        window = (kernel_size,) * axes if isinstance(kernel_size, int) else kernel_size
        self.kernel_size, self.stride, self.padding = window, stride, padding
        self.kernel: Tensor
        self.register_buffer("kernel", torch.empty(window), persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        kernel = torch.ones(())
        for size in self.kernel_size:
            kernel = kernel[..., None] * binomial(size)
        self.kernel.copy_(kernel)

    def forward(self, x: Tensor) -> Tensor:
        padding = self.padding
        if padding == "same":
            x, padding = same_padding(x, self.kernel_size, self.stride), 0
        kernel = self.kernel.expand(x.shape[1], 1, *self.kernel_size)
        convolve = getattr(nn.functional, f"conv{x.ndim - 2}d")
        y: Tensor = convolve(x, kernel, None, self.stride, padding, 1, x.shape[1])
        return y


class ChannelMean(nn.Module):
    """The mean over the channels, at each position."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=1, keepdim=True)


class ChannelMax(nn.Module):
    """The maximum over the channels, at each position."""

    def forward(self, x: Tensor) -> Tensor:
        return x.max(dim=1, keepdim=True).values
