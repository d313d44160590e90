"""What torch lacks, as it is written into an emitted file that needs it: small modules and functions.

By name; each may need others. They are emitted in the order in which they stand here.
"""

from __future__ import annotations

HELPERS: dict[str, str] = {}
NEEDS: dict[str, tuple[str, ...]] = {}


def _keep(name: str, text: str, *needs: str) -> None:
    HELPERS[name] = text.strip("\n")
    NEEDS[name] = needs


_keep(
    "sequential",
    '''
def sequential(**layers: nn.Module) -> nn.Sequential:
    """Runs the layers one after another, under these names."""
    chain = nn.Sequential()
    for name, layer in layers.items():
        chain.add_module(name, layer)
    return chain
''',
)
_keep(
    "multiple",
    '''
def multiple(x: float, of: int) -> int:
    """The multiple of `of` that is nearest to x, but no less than 90 % of it."""
    rounded = max(of, int(x + of / 2) // of * of)
    return rounded + of if rounded < 0.9 * x else rounded
''',
)
_keep(
    "zero_bias",
    '''
def zero_bias(layer: nn.Module) -> None:
    """Biases start at 0."""
    for name, bias in layer.named_parameters():
        if name == "bias":
            nn.init.zeros_(bias)
''',
)
_keep(
    "he",
    '''
def he(layer: nn.Module) -> nn.Module:
    """Weights start as N(0, 2 / fan_in) (He et al., 2015), biases at 0."""
    nn.init.kaiming_normal_(layer.get_parameter("weight"), nonlinearity="relu")
    zero_bias(layer)
    return layer
''',
    "zero_bias",
)
_keep(
    "xavier",
    '''
def xavier(layer: nn.Module) -> nn.Module:
    """Weights start within ±√(6 / (fan_in + fan_out)) (Glorot & Bengio, 2010), biases at 0."""
    nn.init.xavier_uniform_(layer.get_parameter("weight"))
    zero_bias(layer)
    return layer
'''.replace("±√(", "+-sqrt("),
    "zero_bias",
)
_keep(
    "normal",
    '''
def normal(layer: nn.Module, std: float) -> nn.Module:
    """Weights start as N(0, std^2), biases at 0."""
    nn.init.normal_(layer.get_parameter("weight"), std=std)
    zero_bias(layer)
    return layer
''',
    "zero_bias",
)
_keep(
    "uniform",
    '''
def uniform(layer: nn.Module, bound: float) -> nn.Module:
    """Weights start evenly spread over [-bound, bound], biases at 0."""
    nn.init.uniform_(layer.get_parameter("weight"), -bound, bound)
    zero_bias(layer)
    return layer
''',
    "zero_bias",
)
_keep(
    "constant",
    '''
def constant(layer: nn.Module, value: float) -> nn.Module:
    """All weights start at one value, biases at 0."""
    nn.init.constant_(layer.get_parameter("weight"), value)
    zero_bias(layer)
    return layer
''',
    "zero_bias",
)
_keep(
    "bilinear",
    '''
def bilinear(layer: nn.Module) -> nn.Module:
    """Filter k starts as bilinear interpolation of channel k (Long et al., 2015)."""
    weight = layer.get_parameter("weight")
    filters, channels, *sizes = weight.shape
    rows, columns = (
        1 - (torch.arange(F) - (F - 1) / 2).abs() / ((F + 1) // 2) for F in sizes
    )
    own_channel = torch.eye(channels).repeat(filters // channels, 1)
    with torch.no_grad():
        weight.copy_(own_channel[:, :, None, None] * torch.outer(rows, columns))
    zero_bias(layer)
    return layer
''',
    "zero_bias",
)
_keep(
    "given",
    '''
def given(layer: nn.Module, **values: list | float) -> nn.Module:
    """Weights and biases start at these numbers; one plane serves every filter."""
    with torch.no_grad():
        for name, numbers in values.items():
            parameter = layer.get_parameter(name)
            parameter.copy_(torch.tensor(numbers, dtype=torch.float64))
    return layer
''',
)
_keep(
    "crop",
    '''
def crop(x: Tensor, like: Tensor, offset: tuple[int, int] | None = None) -> Tensor:
    """The piece of x of the size of `like`, from the middle or at `offset`."""
    height, width = like.shape[2:]
    top, left = offset or ((x.shape[2] - height) // 2, (x.shape[3] - width) // 2)
    return x[:, :, top : top + height, left : left + width]
''',
)
_keep(
    "unpool",
    '''
def unpool(
    x: Tensor,
    before: Tensor,
    kernel_size: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
    ceil_mode: bool = False,
) -> Tensor:
    """Puts the numbers of x where max pooling of `before` found its maxima, else 0."""
    _, places = nn.functional.max_pool2d_with_indices(
        before, kernel_size, stride, padding, dilation, ceil_mode
    )
    zeros = torch.zeros_like(before).flatten(2)
    return zeros.scatter(2, places.flatten(2), x.flatten(2)).view_as(before)
''',
)
_keep(
    "same_padding",
    '''
def same_padding(
    x: Tensor,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...],
    dilation: int | tuple[int, ...] = 1,
    value: float = 0,
) -> Tensor:
    """Pads x so that a window has ceil(N / stride) places, the odd pixel at the end."""
    ends: list[int] = []
    for axis in (1, 0):
        numbers = kernel_size, stride, dilation
        size, step, gap = (n if isinstance(n, int) else n[axis] for n in numbers)
        length = x.shape[2 + axis]
        places = (length + step - 1) // step
        zeros = max((places - 1) * step + gap * (size - 1) + 1 - length, 0)
        ends += [zeros // 2, zeros - zeros // 2]
    return nn.functional.pad(x, ends, value=value)
''',
)
_keep(
    "Conv2dSame",
    '''
class Conv2dSame(nn.Conv2d):
    """A convolution with ceil(N / stride) outputs; odd zeros stand below and right."""

    def forward(self, x: Tensor) -> Tensor:
        x = same_padding(x, self.kernel_size, self.stride, self.dilation)
        return super().forward(x)
''',
    "same_padding",
)
_keep(
    "ConvTranspose2dSame",
    '''
class ConvTranspose2dSame(nn.ConvTranspose2d):
    """A transposed convolution with N * stride outputs; more is cut off below and right."""

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
''',
)
_keep(
    "MaxPool2dSame",
    '''
class MaxPool2dSame(nn.MaxPool2d):
    """Max pooling with ceil(N / stride) outputs."""

    def forward(self, x: Tensor) -> Tensor:
        ends = self.kernel_size, self.stride, self.dilation
        return super().forward(same_padding(x, *ends, value=float("-inf")))
''',
    "same_padding",
)
_keep(
    "AvgPool2dSame",
    '''
class AvgPool2dSame(nn.AvgPool2d):
    """Average pooling with ceil(N / stride) outputs."""

    def forward(self, x: Tensor) -> Tensor:
        mean = super().forward(same_padding(x, self.kernel_size, self.stride))
        if self.count_include_pad:
            return mean
        ones = same_padding(torch.ones_like(x[:1, :1]), self.kernel_size, self.stride)
        return mean / super().forward(ones)
''',
    "same_padding",
)
_keep(
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
)
_keep(
    "FlatLinear",
    '''
class FlatLinear(nn.Linear):
    """A linear layer that takes C x 1 x 1 as the vector that it is."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(1))
''',
)
_keep(
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
)
_keep(
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
)
_keep(
    "LayerNorm2d",
    '''
class LayerNorm2d(nn.LayerNorm):
    """Layer normalisation over the channels, at each position."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
''',
)
_keep(
    "L2Norm",
    '''
class L2Norm(nn.Module):
    """The channels of each position, brought to length 1."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.normalize(x)
''',
)
_keep(
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
)
_keep(
    "Abs",
    """
class Abs(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.abs()
""",
)
_keep(
    "ChannelMean",
    '''
class ChannelMean(nn.Module):
    """The mean over the channels, at each position."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=1, keepdim=True)
''',
)
_keep(
    "ChannelMax",
    '''
class ChannelMax(nn.Module):
    """The largest number over the channels, at each position."""

    def forward(self, x: Tensor) -> Tensor:
        return x.max(dim=1, keepdim=True).values
''',
)
_keep(
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
)
_keep(
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
)
_keep(
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
)
_keep(
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
)
_keep(
    "Crop",
    '''
class Crop(nn.Module):
    """A piece of each map."""

    def __init__(self, top: int, left: int, height: int, width: int) -> None:
        super().__init__()
        self.top, self.left, self.height, self.width = top, left, height, width

    def forward(self, x: Tensor) -> Tensor:
        return x.narrow(2, self.top, self.height).narrow(3, self.left, self.width)
''',
)
_keep(
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
)
_keep(
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
)

FOLD_BODY = """
    state = dict(state)
    for norm, conv, eps in pairs:
        variance = state.pop(f"{norm}.running_var")
        mean = state.pop(f"{norm}.running_mean")
        state.pop(f"{norm}.num_batches_tracked", None)
        gain = state.pop(f"{norm}.weight", torch.ones_like(mean))
        scale = gain / (variance + eps).sqrt()
        shift = state.pop(f"{norm}.bias", torch.zeros_like(mean))
        weight, bias = state[f"{conv}.weight"], state.get(f"{conv}.bias", 0)
        state[f"{conv}.weight"] = weight * scale.view(-1, *[1] * (weight.ndim - 1))
        state[f"{conv}.bias"] = (bias - mean) * scale + shift
    return state
""".strip("\n")

FUNCTIONS = frozenset({"sequential", "he", "xavier", "normal", "uniform", "constant", "bilinear", "given"})
"""Helpers that return a layer: nothing can be derived from them."""

RESERVED_NAMES = frozenset(HELPERS) | {"torch", "nn", "Tensor", "zero_bias", "main"}
"""Names that mean something in every emitted file."""
