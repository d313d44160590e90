"""Modules: windows with `Psame`, and layers of the language."""

import torch
from torch import Tensor, nn

from cnnspec.targets.torch.library.functions import binomial, same_padding


class Conv2dSame(nn.Conv2d):
    """A convolution with ceil(N / stride) outputs."""

    def forward(self, x: Tensor) -> Tensor:
        x = same_padding(x, self.kernel_size, self.stride, self.dilation)
        return super().forward(x)


class ConvTranspose2dSame(nn.ConvTranspose2d):
    """A transposed convolution with N * stride outputs."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        height, width = x.shape[2] * self.stride[0], x.shape[3] * self.stride[1]
        y = super().forward(x)
        top, left = max(y.shape[2] - height, 0) // 2, max(y.shape[3] - width, 0) // 2
        y = y[:, :, top : top + height, left : left + width]
        below, right = height - y.shape[2], width - y.shape[3]
        if self.bias is None or not (below or right):
            return nn.functional.pad(y, (0, right, 0, below))
        bias = self.bias[:, None, None]
        return nn.functional.pad(y - bias, (0, right, 0, below)) + bias


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


class SparseConv2d(nn.Module):
    """A convolution whose filter k reads the channels in table[k] (LeNet-5's C3)."""

    def __init__(
        self,
        in_channels: int,
        table: list[list[int]],
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | str = 0,
        dilation: int | tuple[int, int] = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        high, wide = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
        filters = [k for k, maps in enumerate(table) for _ in maps]
        self.filters: Tensor
        self.maps: Tensor
        self.register_buffer("filters", torch.tensor(filters), persistent=False)
        maps = torch.tensor([c for maps in table for c in maps])
        self.register_buffer("maps", maps, persistent=False)
        self.shape = (len(table), in_channels, high, wide)
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.weight = nn.Parameter(torch.empty(len(filters), high, wide))
        self.bias = nn.Parameter(torch.empty(len(table))) if bias else None
        bound = (len(table) / self.weight.numel()) ** 0.5
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight.new_zeros(self.shape)
        weight = weight.index_put((self.filters, self.maps), self.weight)
        return nn.functional.conv2d(
            x, weight, self.bias, self.stride, self.padding, self.dilation
        )


class SparseConv2dSame(SparseConv2d):
    """A sparse convolution with ceil(N / stride) outputs."""

    def forward(self, x: Tensor) -> Tensor:
        x = same_padding(x, self.shape[2:], self.stride, self.dilation)
        return super().forward(x)


class FlatLinear(nn.Linear):
    """A linear layer that takes C x 1 x 1 as a vector."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(1))


class Rbf(nn.Module):
    """Squared distances from prototypes: y[k] = sum((x - weight[k]) ** 2)."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        signs = torch.randint(2, (out_features, in_features)) * 2.0 - 1
        self.weight = nn.Parameter(signs)

    def forward(self, x: Tensor) -> Tensor:
        return (x.flatten(1)[:, None] - self.weight).square().sum(2)


class Subsample(nn.Module):
    """LeNet-5's pooling: weight * (sum of the window) + bias, for each channel."""

    def __init__(
        self,
        channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        high, wide = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
        self.kernel_size, self.stride = (high, wide), stride
        self.weight = nn.Parameter(torch.full((channels,), 1 / (high * wide)))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        total = nn.functional.avg_pool2d(
            x, self.kernel_size, self.stride, divisor_override=1
        )
        return total * self.weight[:, None, None] + self.bias[:, None, None]


class LayerNorm2d(nn.LayerNorm):
    """Layer normalisation over the channels, at each position."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class L2Norm(nn.Module):
    """Divides the channels of each position by their length."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.normalize(x)


class ScaledTanh(nn.Module):
    """amp * tanh(gain * x)."""

    def __init__(self, amp: float = 1, gain: float = 1) -> None:
        super().__init__()
        self.amp, self.gain = amp, gain

    def forward(self, x: Tensor) -> Tensor:
        return self.amp * torch.tanh(self.gain * x)


class Abs(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.abs()


class ChannelMean(nn.Module):
    """The mean over the channels, at each position."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=1, keepdim=True)


class ChannelMax(nn.Module):
    """The maximum over the channels, at each position."""

    def forward(self, x: Tensor) -> Tensor:
        return x.max(dim=1, keepdim=True).values


class DropPath(nn.Module):
    """Stochastic depth: in training, sets the whole image to 0 with probability p."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        kept = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(1 - self.p)
        return x * kept / (1 - self.p) if self.p < 1 else x * 0


class Scale(nn.Module):
    """A learned factor per channel, or one for all; `bias` adds a learned summand."""

    def __init__(self, channels: int, init: float = 1, bias: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), float(init)))
        self.bias = nn.Parameter(torch.zeros(channels)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        shape = (-1,) + (1,) * (x.ndim - 2)
        y = x * self.weight.view(shape)
        return y if self.bias is None else y + self.bias.view(shape)


class Times(nn.Module):
    """A constant factor."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


class PadChannels(nn.Module):
    """Adds channels of zeros before and after those of the input."""

    def __init__(self, before: int, behind: int) -> None:
        super().__init__()
        self.before, self.behind = before, behind

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.pad(x, (0, 0, 0, 0, self.before, self.behind))


class Crop(nn.Module):
    """Removes rows above and below, and columns at the left and right."""

    def __init__(self, top: int, bottom: int, left: int, right: int) -> None:
        super().__init__()
        self.top, self.bottom, self.left, self.right = top, bottom, left, right

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2] - self.bottom, x.shape[3] - self.right
        return x[:, :, self.top : height, self.left : width]


class Slice(nn.Module):
    """The channels from `low` up to `high`."""

    def __init__(self, low: int, high: int) -> None:
        super().__init__()
        self.low, self.high = low, high

    def forward(self, x: Tensor) -> Tensor:
        return x[:, self.low : self.high]


class Reshape(nn.Module):
    """The same numbers in another shape."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], *self.shape)


class Blur(nn.Module):
    """A fixed binomial filter on each map."""

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | str = 0,
    ) -> None:
        super().__init__()
        high, wide = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
        self.kernel_size, self.stride, self.padding = (high, wide), stride, padding
        self.kernel: Tensor
        kernel = torch.outer(binomial(high), binomial(wide))
        self.register_buffer("kernel", kernel, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        padding = self.padding
        if padding == "same":
            x, padding = same_padding(x, self.kernel_size, self.stride), 0
        kernel = self.kernel.expand(x.shape[1], 1, -1, -1)
        return nn.functional.conv2d(
            x, kernel, None, self.stride, padding, 1, x.shape[1]
        )


class LocalConv2d(nn.Module):
    """A convolution with filters of its own for each position of the output."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: int | tuple[int, int],
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | str = 0,
        dilation: int | tuple[int, int] = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        numbers = kernel_size, stride, dilation
        self.kernel_size, self.stride, self.dilation = (
            (n, n) if isinstance(n, int) else n for n in numbers
        )
        self.padding = padding
        with torch.no_grad():
            size = (size, size) if isinstance(size, int) else size
            height, width = self.padded(torch.empty(1, 1, *size)).shape[2:]
        places = [
            (length - gap * (f - 1) - 1) // step + 1
            for length, f, step, gap in zip(
                (height, width),
                self.kernel_size,
                self.stride,
                self.dilation,
                strict=True,
            )
        ]
        shape = (out_channels, in_channels, *self.kernel_size, *places)
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.empty(out_channels, *places)) if bias else None
        bound = (in_channels * self.kernel_size[0] * self.kernel_size[1]) ** -0.5
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def padded(self, x: Tensor) -> Tensor:
        padding = self.padding
        if isinstance(padding, str):
            return same_padding(x, self.kernel_size, self.stride, self.dilation)
        high, wide = (padding,) * 2 if isinstance(padding, int) else padding
        return nn.functional.pad(x, (wide, wide, high, high))

    def forward(self, x: Tensor) -> Tensor:
        patches = nn.functional.unfold(
            self.padded(x), self.kernel_size, self.dilation, stride=self.stride
        )
        weight = self.weight.flatten(1, 3).flatten(2)
        y = torch.einsum("npl,kpl->nkl", patches, weight).unflatten(
            2, self.weight.shape[4:]
        )
        return y if self.bias is None else y + self.bias


class PositionPReLU(nn.Module):
    """Leaky with a trained slope for each channel and position."""

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels, height, width), 0.25))

    def forward(self, x: Tensor) -> Tensor:
        return torch.where(x > 0, x, self.weight * x)


class RMSNorm2d(nn.RMSNorm):
    """RMS normalisation over the channels, at each position."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class GlobalResponseNorm(nn.Module):
    """ConvNeXt V2's: each map weighted by its size beside the others."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        size = x.norm(dim=(2, 3), keepdim=True)
        relative = size / (size.mean(dim=1, keepdim=True) + self.eps)
        weight, bias = self.weight[:, None, None], self.bias[:, None, None]
        return x + weight * (x * relative) + bias


class PositionSoftmax(nn.Module):
    """Softmax over the positions of each map."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2).softmax(dim=2).view_as(x)


class GroupSoftmax(nn.Module):
    """Softmax over the channels of each group."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        return x.unflatten(1, (self.groups, -1)).softmax(dim=2).flatten(1, 2)


class Exp(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.exp()


class Log(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.log()


class Pow(nn.Module):
    def __init__(self, exponent: float) -> None:
        super().__init__()
        self.exponent = exponent

    def forward(self, x: Tensor) -> Tensor:
        return x.pow(self.exponent)


class PixelShuffle2d(nn.Module):
    """Channels become `rows` times as many rows and `columns` times as many columns."""

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__()
        self.rows, self.columns = rows, columns

    def forward(self, x: Tensor) -> Tensor:
        cells = x.unflatten(1, (-1, self.rows, self.columns))
        return cells.permute(0, 1, 4, 2, 5, 3).flatten(4, 5).flatten(2, 3)


class PixelUnshuffle2d(nn.Module):
    """Every `rows` rows and `columns` columns become channels."""

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__()
        self.rows, self.columns = rows, columns

    def forward(self, x: Tensor) -> Tensor:
        cells = x.unflatten(3, (-1, self.columns)).unflatten(2, (-1, self.rows))
        return cells.permute(0, 1, 3, 5, 2, 4).flatten(1, 3)


class Coords(nn.Module):
    """Maps of x and y, from -1 to 1."""

    def forward(self, x: Tensor) -> Tensor:
        rows = torch.linspace(-1, 1, x.shape[2], dtype=x.dtype, device=x.device)
        columns = torch.linspace(-1, 1, x.shape[3], dtype=x.dtype, device=x.device)
        y, x_ = torch.meshgrid(rows, columns, indexing="ij")
        return torch.stack((x_, y)).expand(x.shape[0], -1, -1, -1)
