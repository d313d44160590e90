"""Modules that torch lacks."""

from __future__ import annotations

from cnnspec.targets.torch.helpers.helper import Helper

MODULES = (
    Helper(
        "SparseConv2d",
        '''
class SparseConv2d(nn.Module):
    """A convolution whose filter k sees the maps in table[k] (LeNet-5's C3)."""

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
''',
    ),
    Helper(
        "SparseConv2dSame",
        '''
class SparseConv2dSame(SparseConv2d):
    """A sparse convolution with ceil(N / stride) outputs; odd zeros stand below and right."""

    def forward(self, x: Tensor) -> Tensor:
        x = same_padding(x, self.shape[2:], self.stride, self.dilation)
        return super().forward(x)
''',
        ("SparseConv2d", "same_padding"),
    ),
    Helper(
        "FlatLinear",
        '''
class FlatLinear(nn.Linear):
    """A linear layer that takes C x 1 x 1 as the vector that it is."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(1))
''',
    ),
    Helper(
        "Rbf",
        '''
class Rbf(nn.Module):
    """Squared distances from prototypes: y[k] = sum((x - weight[k]) ** 2)."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        signs = torch.randint(2, (out_features, in_features)) * 2.0 - 1
        self.weight = nn.Parameter(signs)

    def forward(self, x: Tensor) -> Tensor:
        return (x.flatten(1)[:, None] - self.weight).square().sum(2)
''',
    ),
    Helper(
        "Subsample",
        '''
class Subsample(nn.Module):
    """LeNet-5's pooling: the sum of a window, times a weight, plus a bias, one per map."""

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
''',
    ),
    Helper(
        "LayerNorm2d",
        '''
class LayerNorm2d(nn.LayerNorm):
    """Layer normalisation over the channels, at each position."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
''',
    ),
    Helper(
        "L2Norm",
        '''
class L2Norm(nn.Module):
    """The channels of each position, brought to length 1."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.normalize(x)
''',
    ),
    Helper(
        "ScaledTanh",
        '''
class ScaledTanh(nn.Module):
    """amp * tanh(gain * x)."""

    def __init__(self, amp: float = 1, gain: float = 1) -> None:
        super().__init__()
        self.amp, self.gain = amp, gain

    def forward(self, x: Tensor) -> Tensor:
        return self.amp * torch.tanh(self.gain * x)
''',
    ),
    Helper(
        "Abs",
        """
class Abs(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.abs()
""",
    ),
    Helper(
        "ChannelMean",
        '''
class ChannelMean(nn.Module):
    """The mean over the channels, at each position."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=1, keepdim=True)
''',
    ),
    Helper(
        "ChannelMax",
        '''
class ChannelMax(nn.Module):
    """The largest number over the channels, at each position."""

    def forward(self, x: Tensor) -> Tensor:
        return x.max(dim=1, keepdim=True).values
''',
    ),
    Helper(
        "DropPath",
        '''
class DropPath(nn.Module):
    """Stochastic depth: in training, an image's whole tensor becomes 0 with chance p."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        kept = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(1 - self.p)
        return x * kept / (1 - self.p) if self.p < 1 else x * 0
''',
    ),
    Helper(
        "Scale",
        '''
class Scale(nn.Module):
    """A trained factor for each channel, or one for all."""

    def __init__(self, channels: int, init: float = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), float(init)))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight.view((-1,) + (1,) * (x.ndim - 2))
''',
    ),
    Helper(
        "Times",
        '''
class Times(nn.Module):
    """A constant factor."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor
''',
    ),
    Helper(
        "PadChannels",
        '''
class PadChannels(nn.Module):
    """Maps of zeros before and behind those that arrive."""

    def __init__(self, before: int, behind: int) -> None:
        super().__init__()
        self.before, self.behind = before, behind

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.pad(x, (0, 0, 0, 0, self.before, self.behind))
''',
    ),
    Helper(
        "Crop",
        '''
class Crop(nn.Module):
    """Each map without rows above and below and columns at the left and right."""

    def __init__(self, top: int, bottom: int, left: int, right: int) -> None:
        super().__init__()
        self.top, self.bottom, self.left, self.right = top, bottom, left, right

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2] - self.bottom, x.shape[3] - self.right
        return x[:, :, self.top : height, self.left : width]
''',
    ),
    Helper(
        "Slice",
        '''
class Slice(nn.Module):
    """The channels from `low` up to `high`."""

    def __init__(self, low: int, high: int) -> None:
        super().__init__()
        self.low, self.high = low, high

    def forward(self, x: Tensor) -> Tensor:
        return x[:, self.low : self.high]
''',
    ),
    Helper(
        "Reshape",
        '''
class Reshape(nn.Module):
    """The same numbers in another shape."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], *self.shape)
''',
    ),
)
