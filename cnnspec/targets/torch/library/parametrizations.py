"""Weights that are normalised before they are used."""

import torch
from torch import Tensor, nn


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
    """Standardized, times a constant and a trained gain per filter."""

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
