"""How torch says each layer: the oracle for shapes, weights and windows, apart from the targets."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as f
from torch import nn

from cnnspec.ops import Op


class Padded(nn.Module):
    """A layer behind an uneven border."""

    def __init__(self, ends: Any, layer: nn.Module, value: float = 0.0) -> None:
        super().__init__()
        (top, bottom), (left, right) = ends
        self.border, self.value, self.layer = (left, right, top, bottom), value, layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(f.pad(x, self.border, value=self.value))


class Calls(nn.Module):
    """A function as a module."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, *x: torch.Tensor) -> torch.Tensor:
        return self.function(*x)


class PositionNorm(nn.LayerNorm):
    """LayerNorm over the channels of a map."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.dim() == 2:
            return super().forward(x)
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


ACTIVATIONS = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "hswish": nn.Hardswish,
    "hsigmoid": nn.Hardsigmoid,
    "sigmoid": nn.Sigmoid,
    "softplus": nn.Softplus,
    "id": nn.Identity,
}

WITHOUT = {
    "subsample": "LeNet's own; its window is avgpool's",
    "scale": "a parameter, not a module",
    "rbf": "LeNet's own",
    "droppath": "torchvision's; the shape is any",
    "none": "nothing",
}
"""Layers that torch has no module for, and why."""


def module(op: Op, shape: tuple[int, ...], device: str = "meta") -> nn.Module | None:
    """The torch layer for what arrives with this shape; None for those of WITHOUT and for `connect=`."""
    a: Any = op
    C = shape[0]
    here: Any = {"device": device}
    match op.word:
        case "conv" | "dwconv":
            if getattr(a, "connect", None) is not None:
                return None
            groups = C if op.word == "dwconv" else a.G
            K = a.filters(shape)
            uneven = a.P == "same"
            layer = nn.Conv2d(C, K, a.F, a.S, 0 if uneven else a.P, a.D, groups, a.has_bias, **here)
            return Padded(a.padding(shape), layer) if uneven else layer
        case "deconv":
            if a.P == "same":
                layer = nn.ConvTranspose2d(C, a.K, a.F, a.S, 0, 0, a.G, a.has_bias, a.D, **here)
                (top, bottom), (left, right) = a.padding(shape)
                cut = (-left, -right, -top, -bottom)
                outer = Calls(lambda x: f.pad(x, cut))
                return nn.Sequential(layer, outer)
            return nn.ConvTranspose2d(C, a.K, a.F, a.S, a.P, a.extra, a.G, a.has_bias, a.D, **here)
        case "maxpool":
            if a.size_out:
                return nn.AdaptiveMaxPool2d(a.size_out)
            if a.P == "same":
                return Padded(a.padding(shape), nn.MaxPool2d(a.F, a.stride, 0, a.D), -torch.inf)
            return nn.MaxPool2d(a.F, a.stride, a.P, a.D, ceil_mode=a.ceil)
        case "avgpool":
            if a.size_out:
                return nn.AdaptiveAvgPool2d(a.size_out)
            if a.P == "same":
                return Padded(a.padding(shape), nn.AvgPool2d(a.F, a.stride))
            return nn.AvgPool2d(a.F, a.stride, a.P, ceil_mode=a.ceil, count_include_pad=not a.exclude_pad)
        case "gap":
            return nn.AdaptiveAvgPool2d(1)
        case "gmp":
            return nn.AdaptiveMaxPool2d(1)
        case "cmean":
            return Calls(lambda x: x.mean(1, keepdim=True))
        case "cmax":
            return Calls(lambda x: x.amax(1, keepdim=True))
        case "bn":
            made = nn.BatchNorm1d if len(shape) == 1 else nn.BatchNorm2d
            return made(C, float(a.eps), float(a.momentum), a.affine, **here)
        case "in":
            return nn.InstanceNorm2d(C, float(a.eps), affine=a.affine, **here)
        case "ln":
            return PositionNorm(C, float(a.eps), a.affine, **here)
        case "gn":
            return nn.GroupNorm(a.G, C, float(a.eps), a.affine, **here)
        case "lrn":
            return nn.LocalResponseNorm(a.size, float(a.alpha), float(a.beta), float(a.k))
        case "l2norm":
            return Calls(lambda x: f.normalize(x, dim=1))
        case "leaky":
            return nn.LeakyReLU(float(a.slope))
        case "elu":
            return nn.ELU(float(a.alpha))
        case "prelu":
            return nn.PReLU(1 if a.one else C, **here)
        case "tanh":
            return Calls(lambda x: float(a.amp) * torch.tanh(float(a.gain) * x))
        case "softmax":
            return nn.Softmax(1)
        case "logsoftmax":
            return nn.LogSoftmax(1)
        case "abs":
            return Calls(torch.abs)
        case "dropout":
            return nn.Dropout(float(a.p))
        case "times":
            return Calls(lambda x: float(a.factor) * x)
        case "flatten":
            return nn.Flatten()
        case "fc":
            layer = nn.Linear(C, a.K, a.has_bias, **here)
            return nn.Sequential(nn.Flatten(), layer) if shape[1:] == (1, 1) else layer
        case "upsample":
            corners = {"align_corners": False} if a.mode == "bilinear" else {}
            if a.size_out:
                return nn.Upsample(a.size_out, mode=a.mode, **corners)
            return nn.Upsample(scale_factor=tuple(map(float, a.factor)), mode=a.mode, **corners)
        case "pixelshuffle":
            return nn.PixelShuffle(a.factor)
        case "pixelunshuffle":
            return nn.PixelUnshuffle(a.factor)
        case "shuffle":
            return nn.ChannelShuffle(a.G)
        case "pad":
            border = (*a.columns, *a.rows)
            if a.channels != (0, 0):
                return Calls(lambda x: f.pad(x, (*border, *a.channels)))
            mode = {"zeros": "constant"}.get(a.mode, a.mode)
            return Calls(lambda x: f.pad(x, border, mode=mode))
        case "crop":
            size = a.size

            def cut(x: torch.Tensor) -> torch.Tensor:
                top, left = a.start(shape, (C, *size))
                return x.narrow(2, top, size[0]).narrow(3, left, size[1])

            return Calls(cut)
        case "slice":
            low, high = a.channels
            return Calls(lambda x: x.narrow(1, low, high - low))
        case "reshape":
            return Calls(lambda x: x.reshape(x.shape[0], *a.shape))
        case word if word in ACTIVATIONS:
            return ACTIVATIONS[word]()
        case word if word in WITHOUT:
            return None
    raise AssertionError(f"no torch layer for {op.word}: write one, or name it in WITHOUT")
