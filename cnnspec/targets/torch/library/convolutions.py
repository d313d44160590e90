"""Convolutions: with `Psame`, of tables, locally connected, deformable."""

import torch
from torch import Tensor, nn

from cnnspec.targets.torch.library.functions import fitted, grid, listed, same_padding


class Conv2dSame(nn.Conv2d):
    """A convolution with ceil(N / stride) outputs."""

    def forward(self, x: Tensor) -> Tensor:
        stride, dilation = list(self.stride), list(self.dilation)
        x = same_padding(x, list(self.kernel_size), stride, dilation)
        weight, bias, groups = self.weight, self.bias, self.groups
        return nn.functional.conv2d(x, weight, bias, stride, 0, dilation, groups)


class ConvTranspose2dSame(nn.ConvTranspose2d):
    """A transposed convolution with N * stride outputs."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        size = [n * step for n, step in zip(x.shape[2:], self.stride, strict=True)]
        return fitted(super().forward(x), size, self.bias)


class SparseConv2d(nn.Module):
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
    ) -> None:
        super().__init__()
        window = (kernel_size,) * 2 if isinstance(kernel_size, int) else kernel_size
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
        stride, padding, dilation = self.stride, self.padding, self.dilation
        return nn.functional.conv2d(x, weight, self.bias, stride, padding, dilation)


class SparseConv2dSame(SparseConv2d):
    """A sparse convolution with ceil(N / stride) outputs."""

    def forward(self, x: Tensor) -> Tensor:
        steps = listed(self.stride), listed(self.dilation)
        return super().forward(same_padding(x, list(self.shape[2:]), *steps))


class LocalConv2d(nn.Module):
    """A convolution with separate filters for each position of the output."""

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
    ) -> None:
        super().__init__()
        numbers = size, kernel_size, stride, dilation
        size, self.kernel_size, self.stride, self.dilation = (
            (n,) * 2 if isinstance(n, int) else n for n in numbers
        )
        self.padding = (padding,) * 2 if isinstance(padding, int) else padding
        with torch.no_grad():
            places = self.windows(torch.empty(1, 1, *size)).shape[2 : 2 + len(size)]
        shape = (out_channels, in_channels, *self.kernel_size, *places)
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.empty(out_channels, *places)) if bias else None
        self.bound = (in_channels * torch.Size(self.kernel_size).numel()) ** -0.5
        self.reset_parameters()

    def reset_parameters(self) -> None:
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -self.bound, self.bound)

    def windows(self, x: Tensor) -> Tensor:
        """What the filters read: channels, then positions, then the taps of each."""
        if isinstance(self.padding, str):
            stride, dilation = list(self.stride), list(self.dilation)
            x = same_padding(x, list(self.kernel_size), stride, dilation)
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


class DeformableConv2d(nn.Conv2d):
    """A convolution whose taps are moved (down, right) and multiplied by a mask."""

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
