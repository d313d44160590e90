"""Normalisation, and norms that are not trained."""

import torch
from torch import Tensor, nn


class LayerNorm2d(nn.LayerNorm):
    """Layer normalisation over the channels, at each position."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.movedim(1, -1)
        shape = self.normalized_shape
        x = nn.functional.layer_norm(x, shape, self.weight, self.bias, self.eps)
        return x.movedim(x.ndim - 1, 1)


class L2Norm(nn.Module):
    """Divides the channels of each position by their length."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.normalize(x)


class PositionL2Norm(nn.Module):
    """Divides each map by its length."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.normalize(x.flatten(2), dim=2).view_as(x)


class RMSNorm2d(nn.RMSNorm):
    """RMS normalisation over the channels, at each position."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.movedim(1, -1)
        shape = self.normalized_shape
        x = nn.functional.rms_norm(x, shape, self.weight, self.eps)
        return x.movedim(x.ndim - 1, 1)


class GlobalResponseNorm(nn.Module):
    """ConvNeXt V2's: each map is weighted by its size relative to the others."""

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
        axes, shape = list(range(2, x.ndim)), (-1,) + (1,) * (x.ndim - 2)
        size = torch.linalg.vector_norm(x, dim=axes, keepdim=True)
        relative = size / (size.mean(dim=1, keepdim=True) + self.eps)
        weight, bias = self.weight.view(shape), self.bias.view(shape)
        return x + weight * (x * relative) + bias


class Frozen(nn.Module):
    """A layer whose weights and running statistics do not change in training."""

    def __init__(self, *arguments: int, **options: float) -> None:
        super().__init__(*arguments, **options)
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> "Frozen":
        return super().train(False)


class FrozenBatchNorm1d(Frozen, nn.BatchNorm1d):
    """Batch normalisation with fixed weights and statistics."""


class FrozenBatchNorm2d(Frozen, nn.BatchNorm2d):
    """Batch normalisation with fixed weights and statistics."""


class FrozenBatchNorm3d(Frozen, nn.BatchNorm3d):
    """Batch normalisation with fixed weights and statistics."""


class FrozenInstanceNorm1d(Frozen, nn.InstanceNorm1d):
    """Instance normalisation with fixed weights and statistics."""


class FrozenInstanceNorm2d(Frozen, nn.InstanceNorm2d):
    """Instance normalisation with fixed weights and statistics."""


class FrozenInstanceNorm3d(Frozen, nn.InstanceNorm3d):
    """Instance normalisation with fixed weights and statistics."""
