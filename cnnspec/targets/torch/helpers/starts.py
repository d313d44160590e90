"""How the weights of a layer start: functions put around its call, as in `he(nn.Conv2d(…))`."""

from __future__ import annotations

from cnnspec.targets.torch.helpers.helper import Helper

STARTS = (
    Helper(
        "zero_bias",
        '''
def zero_bias(layer: nn.Module) -> None:
    """Biases start at 0."""
    for name, bias in layer.named_parameters():
        if name == "bias":
            nn.init.zeros_(bias)
''',
    ),
    Helper(
        "he",
        '''
def he(layer: nn.Module) -> nn.Module:
    """Weights start as N(0, 2 / fan_in) (He et al., 2015), biases at 0."""
    nn.init.kaiming_normal_(layer.get_parameter("weight"), nonlinearity="relu")
    zero_bias(layer)
    return layer
''',
        ("zero_bias",),
    ),
    Helper(
        "xavier",
        '''
def xavier(layer: nn.Module) -> nn.Module:
    """Weights start within +-sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio, 2010), biases at 0."""
    nn.init.xavier_uniform_(layer.get_parameter("weight"))
    zero_bias(layer)
    return layer
''',
        ("zero_bias",),
    ),
    Helper(
        "normal",
        '''
def normal(layer: nn.Module, std: float) -> nn.Module:
    """Weights start as N(0, std^2), biases at 0."""
    nn.init.normal_(layer.get_parameter("weight"), std=std)
    zero_bias(layer)
    return layer
''',
        ("zero_bias",),
    ),
    Helper(
        "uniform",
        '''
def uniform(layer: nn.Module, bound: float) -> nn.Module:
    """Weights start evenly spread over [-bound, bound], biases at 0."""
    nn.init.uniform_(layer.get_parameter("weight"), -bound, bound)
    zero_bias(layer)
    return layer
''',
        ("zero_bias",),
    ),
    Helper(
        "constant",
        '''
def constant(layer: nn.Module, value: float) -> nn.Module:
    """All weights start at one value, biases at 0."""
    nn.init.constant_(layer.get_parameter("weight"), value)
    zero_bias(layer)
    return layer
''',
        ("zero_bias",),
    ),
    Helper(
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
        ("zero_bias",),
    ),
    Helper(
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
    ),
)
