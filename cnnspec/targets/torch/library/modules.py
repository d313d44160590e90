"""All other layers of the language."""

import torch
from torch import Tensor, nn


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
    """From a start up to a stop along each axis, as a slice; a stop of 0 is the end."""

    def __init__(self, *bounds: int) -> None:
        super().__init__()
        self.bounds = bounds

    def forward(self, x: Tensor) -> Tensor:
        for axis, size in enumerate(x.shape[2:]):
            start, stop = self.bounds[2 * axis], self.bounds[2 * axis + 1]
            start, stop = start % size, stop if stop > 0 else size + stop
            x = x.narrow(2 + axis, start, stop - start)
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
