"""Modules: windows with `Psame`, and layers of the language."""

import torch
from torch import Tensor, nn

from cnnspec.targets.torch.library.functions import binomial, fitted, grid, same_padding


class Conv2dSame(nn.Conv2d):
    """A convolution with ceil(N / stride) outputs."""

    def forward(self, x: Tensor) -> Tensor:
        x = same_padding(x, self.kernel_size, self.stride, self.dilation)
        return super().forward(x)


class ConvTranspose2dSame(nn.ConvTranspose2d):
    """A transposed convolution with N * stride outputs."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        size = [n * step for n, step in zip(x.shape[2:], self.stride, strict=True)]
        return fitted(super().forward(x), size, self.bias)


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


class SparseConv(nn.Module):
    """A convolution whose filter k reads the channels in table[k] (LeNet-5's C3)."""

    def __init__(
        self,
        in_channels: int,
        table: list[list[int]],
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] | str = 0,
        dilation: int | tuple[int, ...] = 1,
        bias: bool = True,
        axes: int = 2,
    ) -> None:
        super().__init__()
        window = (kernel_size,) * axes if isinstance(kernel_size, int) else kernel_size
        filters = [k for k, maps in enumerate(table) for _ in maps]
        self.table = table
        self.filters: Tensor
        self.maps: Tensor
        for name in ("filters", "maps"):
            places = torch.empty(len(filters), dtype=torch.long)
            self.register_buffer(name, places, persistent=False)
        self.shape = (len(table), in_channels, *window)
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.weight = nn.Parameter(torch.empty(len(filters), *window))
        self.bias = nn.Parameter(torch.empty(len(table))) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        filters = [k for k, maps in enumerate(self.table) for _ in maps]
        self.filters.copy_(torch.tensor(filters))
        self.maps.copy_(torch.tensor([c for maps in self.table for c in maps]))
        bound = (len(self.table) / self.weight.numel()) ** 0.5
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight.new_zeros(self.shape)
        weight = weight.index_put((self.filters, self.maps), self.weight)
        convolve = getattr(nn.functional, f"conv{x.ndim - 2}d")
        steps = self.stride, self.padding, self.dilation
        y: Tensor = convolve(x, weight, self.bias, *steps)
        return y


class SparseConvSame(SparseConv):
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
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        self.weight.bernoulli_(0.5).mul_(2).sub_(1)

    def forward(self, x: Tensor) -> Tensor:
        return (x.flatten(1)[:, None] - self.weight).square().sum(2)


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


class LayerNorm2d(nn.LayerNorm):
    """Layer normalisation over the channels, at each position."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


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
        self.init = float(init)
        self.weight = nn.Parameter(torch.empty(channels))
        self.bias = nn.Parameter(torch.empty(channels)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.constant_(self.weight, self.init)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

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

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.before, self.after = before, after

    def forward(self, x: Tensor) -> Tensor:
        around = (0, 0) * (x.ndim - 2) + (self.before, self.after)
        return nn.functional.pad(x, around)


class Crop(nn.Module):
    """Removes margins: before and after each axis, top, bottom, left, right."""

    def __init__(self, *margins: int) -> None:
        super().__init__()
        self.margins = margins

    def forward(self, x: Tensor) -> Tensor:
        ends = zip(self.margins[::2], self.margins[1::2], strict=True)
        for axis, (before, after) in enumerate(ends, 2):
            x = x.narrow(axis, before, x.shape[axis] - before - after)
        return x


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


class Transpose(nn.Module):
    """Rows become columns."""

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(-2, -1)


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


class LocalConv(nn.Module):
    """A convolution with filters of its own for each position of the output."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: int | tuple[int, ...],
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] | str = 0,
        dilation: int | tuple[int, ...] = 1,
        bias: bool = True,
        axes: int = 2,
    ) -> None:
        super().__init__()
        numbers = size, kernel_size, stride, dilation
        size, self.kernel_size, self.stride, self.dilation = (
            (n,) * axes if isinstance(n, int) else n for n in numbers
        )
        self.padding = (padding,) * axes if isinstance(padding, int) else padding
        with torch.no_grad():
            places = self.windows(torch.empty(1, 1, *size)).shape[2 : 2 + axes]
        shape = (out_channels, in_channels, *self.kernel_size, *places)
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.empty(out_channels, *places)) if bias else None
        self.bound = (in_channels * torch.Size(self.kernel_size).numel()) ** -0.5
        self.reset_parameters()

    def reset_parameters(self) -> None:
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -self.bound, self.bound)

    def windows(self, x: Tensor) -> Tensor:
        """What the filters see: channels, then positions, then the taps of each."""
        if isinstance(self.padding, str):
            x = same_padding(x, self.kernel_size, self.stride, self.dilation)
        else:
            ends = [n for n in reversed(self.padding) for _ in range(2)]
            x = nn.functional.pad(x, ends)
        steps = zip(self.kernel_size, self.stride, self.dilation, strict=True)
        for axis, (taps, step, gap) in enumerate(steps, 2):
            x = x.unfold(axis, gap * (taps - 1) + 1, step)[..., ::gap]
        return x

    def forward(self, x: Tensor) -> Tensor:
        axes, x = x.ndim - 2, self.windows(x)
        places = x.shape[2 : 2 + axes]
        patches = x.flatten(2 + axes).flatten(2, 1 + axes)
        weight = self.weight.flatten(2, 1 + axes).flatten(3)
        y = torch.einsum("ncpt,kctp->nkp", patches, weight).unflatten(2, places)
        return y if self.bias is None else y + self.bias


class PositionPReLU(nn.Module):
    """Leaky with a trained slope for each channel and position."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.constant_(self.weight, 0.25)

    def forward(self, x: Tensor) -> Tensor:
        return torch.where(x > 0, x, self.weight * x)


class RMSNorm2d(nn.RMSNorm):
    """RMS normalisation over the channels, at each position."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class GlobalResponseNorm(nn.Module):
    """ConvNeXt V2's: each map weighted by its size beside the others."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.empty(channels))
        self.bias = nn.Parameter(torch.empty(channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        axes, shape = tuple(range(2, x.ndim)), (-1,) + (1,) * (x.ndim - 2)
        size = torch.linalg.vector_norm(x, dim=axes, keepdim=True)
        relative = size / (size.mean(dim=1, keepdim=True) + self.eps)
        weight, bias = self.weight.view(shape), self.bias.view(shape)
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


class PixelShuffleNd(nn.Module):
    """Channels become positions: factors[0] times as many along the first axis, ..."""

    def __init__(self, *factors: int) -> None:
        super().__init__()
        self.factors = factors

    def forward(self, x: Tensor) -> Tensor:
        axes = range(len(self.factors))
        cells = x.unflatten(1, (-1, *self.factors))
        order = [place for axis in axes for place in (2 + len(axes) + axis, 2 + axis)]
        cells = cells.permute(0, 1, *order)
        for axis in axes:
            cells = cells.flatten(2 + axis, 3 + axis)
        return cells


class PixelUnshuffleNd(nn.Module):
    """Every factors[0] positions along the first axis, ... become channels."""

    def __init__(self, *factors: int) -> None:
        super().__init__()
        self.factors = factors

    def forward(self, x: Tensor) -> Tensor:
        axes = len(self.factors)
        for axis in reversed(range(axes)):
            x = x.unflatten(2 + axis, (-1, self.factors[axis]))
        order = *range(3, 3 + 2 * axes, 2), *range(2, 2 + 2 * axes, 2)
        return x.permute(0, 1, *order).flatten(1, 1 + axes)


class Coords(nn.Module):
    """Maps of x and y (and the other axes), from -1 to 1."""

    def forward(self, x: Tensor) -> Tensor:
        rulers = [
            torch.linspace(-1, 1, size, dtype=x.dtype, device=x.device)
            for size in x.shape[2:]
        ]
        maps = torch.stack(torch.meshgrid(*rulers, indexing="ij")[::-1])
        return maps.expand(x.shape[0], *maps.shape)


class ZeroPad(nn.Module):
    """Zeros around each axis, in the order of nn.functional.pad."""

    def __init__(self, *padding: int) -> None:
        super().__init__()
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.pad(x, self.padding)


class WeightedAdd(nn.Module):
    """The sum of tensors, each times its share relu(w) / (eps + the sum of relu(w))."""

    def __init__(self, count: int, eps: float = 1e-4) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.empty(count))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.ones_(self.weight)

    def forward(self, *xs: Tensor) -> Tensor:
        weight = self.weight.relu()
        return torch.stack(xs, dim=-1) @ (weight / (weight.sum() + self.eps))


class DeformableConv2d(nn.Conv2d):
    """A convolution whose taps are moved by offsets (down, right), and times a mask."""

    def places(self, x: Tensor, offsets: Tensor) -> Tensor:
        """Row and column that each tap reads: (N, groups, taps, H * W, 2)."""
        taps = grid(self.kernel_size, x) * x.new_tensor(self.dilation)
        first = grid(offsets.shape[2:], x) * x.new_tensor(self.stride)
        first = first - x.new_tensor(self.padding)
        moved = offsets.flatten(2).unflatten(1, (-1, len(taps), 2)).transpose(3, 4)
        return moved + taps[:, None] + first

    def seen(self, x: Tensor, offsets: Tensor) -> Tensor:
        """What each tap reads, between four numbers: (N, groups, C / groups, ...)."""
        places, size = self.places(x, offsets), x.new_tensor(x.shape[2:])
        maps = x.flatten(2).unflatten(1, (places.shape[1], -1))
        low = places.floor()
        total = torch.zeros((), dtype=x.dtype, device=x.device)
        for after in grid((2, 2), x):
            here = low + after
            share = (1 - after + (2 * after - 1) * (places - low)).prod(-1)
            share = share * ((here >= 0) & (here < size)).all(-1)
            rows, columns = here.clamp(min=0).minimum(size - 1).long().unbind(-1)
            index = (rows * x.shape[3] + columns).flatten(2).unsqueeze(2)
            read = maps.gather(3, index.expand(-1, -1, maps.shape[2], -1))
            total = total + read * share.flatten(2).unsqueeze(2)
        return total

    def forward(  # type: ignore[override]
        self, x: Tensor, offsets: Tensor, mask: Tensor | None = None
    ) -> Tensor:
        seen, size = self.seen(x, offsets), offsets.shape[2:]
        if mask is not None:
            seen = seen * mask.unflatten(1, (seen.shape[1], -1)).flatten(2).unsqueeze(2)
        patches = seen.reshape(len(x), self.groups, -1, size.numel())
        filters = self.out_channels // self.groups
        y = self.weight.reshape(self.groups, filters, -1) @ patches
        y = y.reshape(len(x), -1, *size)
        return y if self.bias is None else y + self.bias[:, None, None]


class Attention(nn.Module):
    """softmax(q^T k * scale) v over the positions of maps, in heads of the channels.

    The scale is 1 / sqrt(d), with d channels per head, unless it is given.
    """

    def __init__(self, heads: int = 1, scale: float | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.scale = scale

    def split(self, x: Tensor) -> Tensor:
        """Heads, positions, channels of the head."""
        return x.flatten(2).unflatten(1, (self.heads, -1)).transpose(2, 3)

    def offsets(self, q: Tensor, scale: float) -> Tensor | None:
        """What is added to the scores."""
        return None

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        size = q.shape[2:]
        q, k, v = self.split(q), self.split(k), self.split(v)
        scale = q.shape[-1] ** -0.5 if self.scale is None else self.scale
        added = self.offsets(q, scale)
        y = nn.functional.scaled_dot_product_attention(q, k, v, added, scale=scale)
        return y.transpose(2, 3).flatten(1, 2).unflatten(2, size)


def offsets(size: tuple[int, ...]) -> list[Tensor]:
    """Along each axis: how far each position is from each, counted from 0."""
    places = torch.meshgrid(*(torch.arange(n) for n in size), indexing="ij")
    flat = [place.flatten() for place in places]
    return [place - place[:, None] + n - 1 for place, n in zip(flat, size, strict=True)]


class RelativeAttention(Attention):
    """Adds a trained number for each head and offset to the scores."""

    def __init__(
        self, heads: int, size: tuple[int, ...], scale: float | None = None
    ) -> None:
        super().__init__(heads, scale)
        self.size = size
        self.table = nn.Parameter(torch.empty(heads, *(2 * n - 1 for n in size)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.normal_(self.table, std=0.02)

    def offsets(self, q: Tensor, scale: float) -> Tensor | None:
        places: list[slice | Tensor] = [slice(None), *offsets(self.size)]
        return self.table[tuple(places)]


class QueryRelativeAttention(Attention):
    """Adds the products of q with a trained vector for each offset along each axis."""

    def __init__(
        self,
        channels: int,
        heads: int,
        size: tuple[int, ...],
        scale: float | None = None,
    ) -> None:
        super().__init__(heads, scale)
        self.size = size
        depth = channels // heads
        for axis, n in zip("thw"[-len(size) :], size, strict=True):
            vectors = nn.Parameter(torch.empty(2 * n - 1, depth))
            self.register_parameter(f"relative_{axis}", vectors)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        for vectors in self.parameters():
            nn.init.normal_(vectors, std=vectors.shape[1] ** -0.5)

    def offsets(self, q: Tensor, scale: float) -> Tensor | None:
        added = torch.zeros((), dtype=q.dtype, device=q.device)
        for vectors, places in zip(self.parameters(), offsets(self.size), strict=True):
            products = scale * q @ vectors.T
            places = places.to(q.device).expand(*q.shape[:3], -1)
            added = added + products.gather(3, places)
        return added


class LinearAttention(Attention):
    """relu(q)^T (sum of relu(k) v^T) / (relu(q)^T sum of relu(k) + eps)."""

    def __init__(self, heads: int = 1, eps: float = 1e-15) -> None:
        super().__init__(heads)
        self.eps = eps

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        size = q.shape[2:]
        q, k, v = self.split(q).relu(), self.split(k).relu(), self.split(v)
        y = q @ (k.transpose(2, 3) @ v)
        y = y / ((q * k.sum(2, keepdim=True)).sum(3, keepdim=True) + self.eps)
        return y.transpose(2, 3).flatten(1, 2).unflatten(2, size)


class Still(nn.Module):
    """A layer whose weights and running statistics stay as they are in training."""

    def __init__(self, *arguments: int, **options: float) -> None:
        super().__init__(*arguments, **options)
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> "Still":
        return super().train(False)


class FrozenBatchNorm1d(Still, nn.BatchNorm1d):
    """Batch normalisation that stays as it is."""


class FrozenBatchNorm2d(Still, nn.BatchNorm2d):
    """Batch normalisation that stays as it is."""


class FrozenBatchNorm3d(Still, nn.BatchNorm3d):
    """Batch normalisation that stays as it is."""


class FrozenInstanceNorm1d(Still, nn.InstanceNorm1d):
    """Instance normalisation that stays as it is."""


class FrozenInstanceNorm2d(Still, nn.InstanceNorm2d):
    """Instance normalisation that stays as it is."""


class FrozenInstanceNorm3d(Still, nn.InstanceNorm3d):
    """Instance normalisation that stays as it is."""


class Standardized(nn.Module):
    """Each filter with mean 0 and variance 1."""

    def __init__(self, eps: float, dim: int) -> None:
        super().__init__()
        self.eps = eps
        self.dim = dim

    def forward(self, weight: Tensor) -> Tensor:
        over = [axis for axis in range(weight.ndim) if axis != self.dim]
        variance, mean = torch.var_mean(weight, over, correction=0, keepdim=True)
        return (weight - mean) * (variance + self.eps).rsqrt()


class Scaled(Standardized):
    """The same times a constant, and a trained gain per filter."""

    def __init__(self, weight: Tensor, gamma: float, eps: float, dim: int) -> None:
        super().__init__(eps, dim)
        filters = weight.shape[dim]
        self.scale = gamma * (weight.numel() // filters) ** -0.5
        sizes = [filters if axis == dim else 1 for axis in range(weight.ndim)]
        self.gain = nn.Parameter(torch.empty(sizes))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.ones_(self.gain)

    def forward(self, weight: Tensor) -> Tensor:
        return super().forward(weight) * (self.gain * self.scale)


def standardized(layer: nn.Module, eps: float = 1e-6, dim: int = 0) -> nn.Module:
    """The weights of each filter are used with mean 0 and variance 1.

    Qiao et al., 2019.
    """
    standard = Standardized(eps, dim)
    nn.utils.parametrize.register_parametrization(layer, "weight", standard)
    return layer


def scaled(
    layer: nn.Module, gamma: float = 1.0, eps: float = 1e-6, dim: int = 0
) -> nn.Module:
    """As standardized, over the root of fan_in, with a trained gain per filter.

    Brock et al., 2021.
    """
    gain = Scaled(layer.get_parameter("weight"), gamma, eps, dim)
    nn.utils.parametrize.register_parametrization(layer, "weight", gain)
    return layer


def frozen_spectral_norm(layer: nn.Module) -> nn.Module:
    """spectral_norm, whose weights and singular vectors stay as they are."""
    layer = nn.utils.parametrizations.spectral_norm(layer).requires_grad_(False)
    for part in layer.modules():
        if hasattr(part, "n_power_iterations"):
            part.n_power_iterations = 0
    return layer
