"""How weights start: what `init_weights` calls for a layer."""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn


def zero_bias(layer: nn.Module) -> None:
    """Biases start at 0."""
    bias = getattr(layer, "bias", None)
    if bias is not None:
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
    start = torch.eye(channels, device=weight.device).repeat(filters // channels, 1)
    for size in sizes:
        places = torch.arange(size, device=weight.device) - (size - 1) / 2
        taps = 1 - places.abs() / ((size + 1) // 2)
        start = start[..., None] * taps
    with torch.no_grad():
        weight.copy_(start)
    zero_bias(layer)


def literal(layer: nn.Module, **values: list | float) -> None:
    """Weights and biases start at these numbers; one plane is used for every filter."""
    with torch.no_grad():
        for name, numbers in values.items():
            parameter = layer.get_parameter(name)
            parameter.copy_(torch.tensor(numbers, dtype=torch.float64))


def starting(layer: nn.Module, start: Callable[..., None], **how: object) -> nn.Module:
    """Marks the layer: `init_weights` calls this function on it."""
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
    """Initialises the parts of a normalised weight: lengths, singular vectors."""
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
