"""The weights that torch gives a layer: names, shapes and how they start are those of torch.nn's modules."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

Shape = tuple[int, ...]


class Kept(nn.Module):
    """A parametrization that torch has not: what it keeps beside the weight."""

    def __init__(self, gains: Shape | None, device: str) -> None:
        super().__init__()
        self.gain = None if gains is None else nn.Parameter(torch.ones(gains, device=device))

    def forward(self, weight: Tensor) -> Tensor:
        return weight * 1


def module(op: Any, shape: Shape, device: str = "meta") -> nn.Module | None:
    """torch's module for an input of this shape, its weight normalised; None where it has none, or none with
    weights.
    """
    made = plain_module(op, shape, device)
    match getattr(op, "normalised", None) if made is not None else None:
        case "spectral":
            return nn.utils.parametrizations.spectral_norm(made)  # type: ignore[arg-type]
        case "weight":
            return nn.utils.parametrizations.weight_norm(made)  # type: ignore[arg-type]
        case "standardized" | "scaled" as how:
            filters = int(op.word == "deconv")
            weight: Any = made.weight  # type: ignore[union-attr]
            gains = tuple(size if axis == filters else 1 for axis, size in enumerate(weight.shape))
            kept = Kept(gains if how == "scaled" else None, device)
            nn.utils.parametrize.register_parametrization(made, "weight", kept)  # type: ignore[arg-type]
    return made


def plain_module(op: Any, shape: Shape, device: str) -> nn.Module | None:
    """torch's module for an input of this shape; None where it has none, or none with weights."""
    C, here = shape[0], {"device": device}
    match op.word:
        case "conv" if op.connect is None:
            return nn.Conv2d(C, op.K, op.F, op.S, 0, op.D, op.G, op.has_bias, **here)  # type: ignore[arg-type]
        case "dwconv":
            return nn.Conv2d(C, op.filters(shape), op.F, op.S, 0, op.D, C, op.has_bias, **here)  # type: ignore[arg-type]
        case "deconv":
            return nn.ConvTranspose2d(C, op.K, op.F, op.S, 0, 0, op.G, op.has_bias, op.D, **here)  # type: ignore[arg-type]
        case "fc":
            return nn.Linear(C, op.K, op.has_bias, **here)  # type: ignore[arg-type]
        case "bn":
            made = nn.BatchNorm1d if len(shape) == 1 else nn.BatchNorm2d
            return made(C, float(op.eps), float(op.momentum), op.affine, **here)  # type: ignore[arg-type]
        case "in":
            return nn.InstanceNorm2d(  # type: ignore[arg-type]
                C, float(op.eps), float(op.momentum), op.affine, op.running, **here
            )
        case "ln":
            over = shape if op.all else C
            return nn.LayerNorm(over, float(op.eps), op.affine, op.bias, **here)  # type: ignore[arg-type]
        case "rms":
            return nn.RMSNorm(C, float(op.eps), op.affine, **here)  # type: ignore[arg-type]
        case "gn":
            return nn.GroupNorm(op.G, C, float(op.eps), op.affine, **here)  # type: ignore[arg-type]
        case "prelu" if op.slopes != "positions":
            return nn.PReLU(1 if op.slopes == "one" else C, **here)  # type: ignore[arg-type]
    return None


def fresh(op: Any, shape: Shape, device: str = "meta") -> dict[str, Tensor]:
    """Weights to run a layer with: zeros where torch has no module. What is not named here either has those
    that it declares.
    """
    made = module(op, shape, device)
    if made is not None:
        return {name: value.detach() for name, value in made.state_dict().items()}
    C = shape[0]
    shapes: dict[str, Shape] = {}
    match op.word:
        case "conv":
            shapes = {"weight": (sum(map(len, op.connect)), *op.F)}
            shapes |= {"bias": (op.K,)} if op.has_bias else {}
        case "subsample":
            shapes = {"weight": (C,), "bias": (C,)}
        case "scale":
            count = (1 if op.one else C,)
            shapes = {"weight": count, "bias": count} if op.bias else {"weight": count}
        case "prelu":
            shapes = {"weight": shape}
        case "grn":
            shapes = {"weight": (C,), "bias": (C,)}
        case "rbf":
            shapes = {"weight": (op.K, C)}
        case _:
            shapes = {weight.name: weight.shape for weight in op.weights(shape)}
    return {name: torch.zeros(own, device=device) for name, own in shapes.items()}
