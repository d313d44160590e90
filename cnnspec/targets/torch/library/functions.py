"""Functions that a constructor or a `forward` calls."""

from collections import OrderedDict

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    return nn.Sequential(OrderedDict(layers))


def multiple(x: float, of: int) -> int:
    """The multiple of `of` nearest to x, but at least 90 % of x."""
    rounded = max(of, int(x + of / 2) // of * of)
    return rounded + of if rounded < 0.9 * x else rounded


def crop(x: Tensor, like: Tensor, offset: list[int] | None = None) -> Tensor:
    """The center of x (or the piece at `offset`), of the same size as `like`."""
    for axis in range(2, x.ndim):
        size = like.shape[axis]
        start = (x.shape[axis] - size) // 2 if offset is None else offset[axis - 2]
        x = x.narrow(axis, start, size)
    return x


def unpool(
    x: Tensor,
    before: Tensor,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...],
    padding: int | tuple[int, ...] = 0,
    dilation: int | tuple[int, ...] = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """Max unpooling: x at the places of the maxima of `before`, 0 elsewhere."""
    pool = getattr(nn.functional, f"max_pool{x.ndim - 2}d")
    window = kernel_size, stride, padding, dilation, ceil_mode
    _, places = pool(before, *window, return_indices=True)
    zeros = x.new_zeros(before.shape).flatten(2)
    return zeros.scatter(2, places.flatten(2), x.flatten(2)).view_as(before)


def unpool_to(x: Tensor, before: Tensor) -> Tensor:
    """`unpool` for adaptive max pooling."""
    pool = getattr(nn.functional, f"adaptive_max_pool{x.ndim - 2}d")
    _, places = pool(before, x.shape[2:], return_indices=True)
    zeros = x.new_zeros(before.shape).flatten(2)
    return zeros.scatter(2, places.flatten(2), x.flatten(2)).view_as(before)


def unpool_same(
    x: Tensor,
    before: Tensor,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...],
    dilation: int | tuple[int, ...] = 1,
) -> Tensor:
    """`unpool` for max pooling with ceil(N / stride) outputs."""
    window = listed(kernel_size), listed(stride), listed(dilation)
    wide = same_padding(before, *window, value=float("-inf"))
    return crop(unpool(x, wide, kernel_size, stride, dilation=dilation), before)


def grid(size: tuple[int, ...], like: Tensor) -> Tensor:
    """Every row and column of a map of this size, row by row: (H * W, 2)."""
    rulers = [torch.arange(n, dtype=like.dtype, device=like.device) for n in size]
    return torch.cartesian_prod(*rulers)


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


def fitted(y: Tensor, size: list[int], bias: Tensor | None) -> Tensor:
    """y cropped in the middle to this size, or extended at the end by the bias."""
    ends: list[int] = []
    for axis in reversed(range(len(size))):
        more = size[axis] - y.shape[2 + axis]
        before = -(max(-more, 0) // 2)
        ends += [before, more - before]
    if bias is None or max(ends) <= 0:
        return nn.functional.pad(y, ends)
    bias = bias.view(-1, *[1] * len(size))
    return nn.functional.pad(y - bias, ends) + bias


def binomial(count: int) -> Tensor:
    """1 2 1, 1 3 3 1, ... with the sum 1."""
    row = torch.ones(1)
    for _ in range(count - 1):
        row = (nn.functional.pad(row, (1, 0)) + nn.functional.pad(row, (0, 1))) / 2
    return row
