"""Functions that start weights, and functions that a `forward` calls."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn


def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    chain = nn.Sequential()
    for name, layer in layers.items():
        chain.add_module(name, layer)
    return chain


def multiple(x: float, of: int) -> int:
    """The multiple of `of` nearest to x, but at least 90 % of x."""
    rounded = max(of, int(x + of / 2) // of * of)
    return rounded + of if rounded < 0.9 * x else rounded


def zero_bias(layer: nn.Module) -> None:
    """Biases start at 0."""
    for name, bias in layer.named_parameters():
        if name == "bias":
            nn.init.zeros_(bias)


def he(layer: nn.Module, fan_out: bool = False) -> None:
    """Weights start as N(0, 2 / fan_in) (He et al., 2015), biases at 0."""
    nn.init.kaiming_normal_(
        layer.get_parameter("weight"),
        mode="fan_out" if fan_out else "fan_in",
        nonlinearity="relu",
    )
    zero_bias(layer)


def xavier(layer: nn.Module) -> None:
    """Weights start uniform within +-sqrt(6 / (fan_in + fan_out)), biases at 0.

    Glorot & Bengio, 2010.
    """
    nn.init.xavier_uniform_(layer.get_parameter("weight"))
    zero_bias(layer)


def normal(layer: nn.Module, std: float, mean: float = 0) -> None:
    """Weights start as N(mean, std^2), biases at 0."""
    nn.init.normal_(layer.get_parameter("weight"), mean, std)
    zero_bias(layer)


def truncated(layer: nn.Module, std: float) -> None:
    """Weights start as N(0, std^2), drawn again beyond 2 * std, biases at 0."""
    nn.init.trunc_normal_(layer.get_parameter("weight"), std=std, a=-2 * std, b=2 * std)
    zero_bias(layer)


def uniform(layer: nn.Module, bound: float) -> None:
    """Weights start uniform within [-bound, bound], biases at 0."""
    nn.init.uniform_(layer.get_parameter("weight"), -bound, bound)
    zero_bias(layer)


def constant(layer: nn.Module, value: float) -> None:
    """All weights start at this value, biases at 0."""
    nn.init.constant_(layer.get_parameter("weight"), value)
    zero_bias(layer)


def bilinear(layer: nn.Module) -> None:
    """Filter k starts as bilinear interpolation of channel k (Long et al., 2015)."""
    weight = layer.get_parameter("weight")
    filters, channels, *sizes = weight.shape
    start = torch.eye(channels).repeat(filters // channels, 1)
    for F in sizes:
        taps = 1 - (torch.arange(F) - (F - 1) / 2).abs() / ((F + 1) // 2)
        start = start[..., None] * taps
    with torch.no_grad():
        weight.copy_(start)
    zero_bias(layer)


def given(layer: nn.Module, **values: list | float) -> None:
    """Weights and biases start at these numbers; one plane serves every filter."""
    with torch.no_grad():
        for name, numbers in values.items():
            parameter = layer.get_parameter(name)
            parameter.copy_(torch.tensor(numbers, dtype=torch.float64))


def starting(layer: nn.Module, start: Callable[..., None], **how: object) -> nn.Module:
    """The layer, which `init_weights` starts with this function."""
    vars(layer).setdefault("starts", []).append(partial(start, **how))
    return layer


def plain(layer: nn.Module) -> nn.Module:
    """The layer without the normalisation of its weight, on the same numbers."""
    if not nn.utils.parametrize.is_parametrized(layer, "weight"):
        return layer
    kept = dict(layer.get_submodule("parametrizations.weight").named_parameters())
    weight = kept.get("original", kept.get("original1"))
    without: nn.Module = object.__new__(type(layer).__bases__[0])
    vars(without).update(vars(layer))
    without._parameters = {"weight": weight, **layer._parameters}
    return without


def renormalise(layer: nn.Module) -> None:
    """Starts what the normalisation of a weight keeps: lengths, singular vectors."""
    norms = layer.get_submodule("parametrizations.weight")
    kept = {name: weight.detach() for name, weight in norms.named_parameters()}
    if "original0" in kept:  # weight_norm's lengths
        lengths = kept["original1"].flatten(1).norm(dim=1)
        kept["original0"].copy_(lengths.view_as(kept["original0"]))
    for norm in norms.children():
        if not hasattr(norm, "_u"):
            continue
        dim, eps = vars(norm)["dim"], vars(norm)["eps"]
        matrix = kept["original"].transpose(0, dim).flatten(1)
        u, v = norm.get_buffer("_u"), norm.get_buffer("_v")
        u.normal_()
        for _ in range(15):
            v.copy_(nn.functional.normalize(u @ matrix, dim=0, eps=eps))
            u.copy_(nn.functional.normalize(matrix @ v, dim=0, eps=eps))


def crop(x: Tensor, like: Tensor, offset: tuple[int, ...] | None = None) -> Tensor:
    """The center of x (or the piece at `offset`), of the same size as `like`."""
    for axis in range(2, x.ndim):
        size = like.shape[axis]
        start = offset[axis - 2] if offset else (x.shape[axis] - size) // 2
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
    wide = same_padding(before, kernel_size, stride, dilation, float("-inf"))
    return crop(unpool(x, wide, kernel_size, stride, dilation=dilation), before)


def grid(size: tuple[int, ...], like: Tensor) -> Tensor:
    """Every row and column of a map of this size, row by row: (H * W, 2)."""
    rulers = [torch.arange(n, dtype=like.dtype, device=like.device) for n in size]
    return torch.cartesian_prod(*rulers)


def same_padding(
    x: Tensor,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...],
    dilation: int | tuple[int, ...] = 1,
    value: float = 0,
) -> Tensor:
    """Pads x for ceil(N / stride) windows; the odd zero goes after the map."""
    ends: list[int] = []
    for axis in reversed(range(x.ndim - 2)):
        numbers = kernel_size, stride, dilation
        size, step, gap = (n if isinstance(n, int) else n[axis] for n in numbers)
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
