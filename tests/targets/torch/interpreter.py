"""A second opinion on every emitted forward: the flat list of layers, run one by one with torch's functions.

It knows nothing of classes, loops and names of variables; weights come from the model's state_dict by the
IR's keys.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cnnspec.ir import Graph
from cnnspec.ir.flat import flat, flat_outputs


def run(
    graph: Graph, state: dict[str, Tensor], inputs: list[Tensor], *, training: bool = False
) -> list[Tensor]:
    values = dict(enumerate(inputs))
    for entry in flat(graph):
        op = entry.op
        assert op is not None
        here = [values[number] for number in entry.inputs]
        prefix = entry.attribute + "."
        weights = {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}
        values[entry.output] = layer(op, here, weights, entry.out, training)
        assert tuple(values[entry.output].shape[1:]) == entry.out, entry.path
    return [values[number] for number in flat_outputs(graph)]


def ends(op: Any, shape: tuple[int, ...]) -> list[int]:
    (top, bottom), (left, right) = op.padding(tuple(shape))
    return [left, right, top, bottom]


def layer(op: Any, here: list[Tensor], w: dict[str, Tensor], out: Any, training: bool) -> Tensor:
    x = here[0]
    shape = tuple(x.shape[1:])
    match op.word:
        case "conv" | "dwconv":
            weight = w["weight"]
            groups = shape[0] if op.word == "dwconv" else op.G
            if op.word == "conv" and op.connect is not None:
                dense = weight.new_zeros(op.K, shape[0], *op.F)
                at = 0
                for k, maps in enumerate(op.connect):
                    for c in maps:
                        dense[k, c] = weight[at]
                        at += 1
                weight = dense
            return F.conv2d(F.pad(x, ends(op, shape)), weight, w.get("bias"), op.S, 0, op.D, groups)
        case "deconv":
            whole = F.conv_transpose2d(x, w["weight"], None, op.S, 0, 0, op.G, op.D)
            (top, bottom), (left, right) = op.padding(shape)
            y = F.pad(whole, [-left, -right, -top, -bottom])
            return y if "bias" not in w else y + w["bias"][:, None, None]
        case "maxpool" | "avgpool":
            return pool(op, x, shape, out)
        case "gap":
            return x.mean((2, 3), keepdim=True)
        case "gmp":
            return x.amax((2, 3), keepdim=True)
        case "cmean":
            return x.mean(1, keepdim=True)
        case "cmax":
            return x.amax(1, keepdim=True)
        case "subsample":
            windows = x.unfold(2, op.size[0], op.stride[0]).unfold(3, op.size[1], op.stride[1])
            return windows.sum((4, 5)) * w["weight"][:, None, None] + w["bias"][:, None, None]
        case "bn":
            axes = [0, *range(2, x.ndim)]
            if training:
                mean, variance = x.mean(axes), x.var(axes, correction=0)
            else:
                mean, variance = w["running_mean"], w["running_var"]
            return affine((x - along(mean, x)) / (along(variance, x) + float(op.eps)).sqrt(), w)
        case "in" | "gn":
            groups = shape[0] if op.word == "in" else op.G
            parts = x.reshape(x.shape[0], groups, -1)
            parts = (parts - parts.mean(2, keepdim=True)) / (
                parts.var(2, correction=0, keepdim=True) + float(op.eps)
            ).sqrt()
            return affine(parts.view_as(x), w)
        case "ln":
            return affine(
                (x - x.mean(1, keepdim=True)) / (x.var(1, correction=0, keepdim=True) + float(op.eps)).sqrt(),
                w,
            )
        case "lrn":
            square = F.pad(x.square(), [0, 0, 0, 0, op.size // 2, (op.size - 1) // 2])
            total = square.unfold(1, op.size, 1).sum(-1)
            return x / (float(op.k) + float(op.alpha) / op.size * total) ** float(op.beta)
        case "l2norm":
            return x / x.square().sum(1, keepdim=True).sqrt().clamp(min=1e-12)
        case "relu":
            return x.clamp(min=0)
        case "relu6":
            return x.clamp(0, 6)
        case "leaky":
            return torch.where(x > 0, x, float(op.slope) * x)
        case "prelu":
            return torch.where(x > 0, x, (w["weight"] if op.one else along(w["weight"], x)) * x)
        case "elu":
            return torch.where(x > 0, x, float(op.alpha) * (x.exp() - 1))
        case "selu":
            return 1.0507009873554805 * torch.where(x > 0, x, 1.6732632423543772 * (x.exp() - 1))
        case "gelu":
            return x * 0.5 * (1 + torch.erf(x / 2**0.5))
        case "silu":
            return x / (1 + (-x).exp())
        case "mish":
            return x * torch.tanh(torch.log1p(x.exp()))
        case "hswish":
            return x * (x + 3).clamp(0, 6) / 6
        case "hsigmoid":
            return (x + 3).clamp(0, 6) / 6
        case "sigmoid":
            return 1 / (1 + (-x).exp())
        case "tanh":
            return float(op.amp) * torch.tanh(float(op.gain) * x)
        case "softplus":
            return torch.log1p(x.exp())
        case "softmax":
            return x.exp() / x.exp().sum(1, keepdim=True)
        case "logsoftmax":
            return x - x.exp().sum(1, keepdim=True).log()
        case "abs":
            return torch.where(x < 0, -x, x)
        case "dropout" | "droppath":
            return x
        case "scale":
            return x * (w["weight"] if op.one else along(w["weight"], x))
        case "times":
            return x * float(op.factor)
        case "flatten":
            return x.reshape(x.shape[0], -1)
        case "fc":
            y = x.reshape(x.shape[0], -1) @ w["weight"].T
            return y + w["bias"] if "bias" in w else y
        case "rbf":
            return (x.reshape(x.shape[0], 1, -1) - w["weight"]).pow(2).sum(2)
        case "upsample":
            return upsampled(x, out, op.mode)
        case "unpool":
            return unpooled(x, here[1], op.maxpool)
        case "pixelshuffle":
            (C, H, W), r = shape, op.factor
            return (
                x.reshape(-1, C // r**2, r, r, H, W)
                .permute(0, 1, 4, 2, 5, 3)
                .reshape(-1, C // r**2, H * r, W * r)
            )
        case "pixelunshuffle":
            (C, H, W), r = shape, op.factor
            return (
                x.reshape(-1, C, H // r, r, W // r, r)
                .permute(0, 1, 3, 5, 2, 4)
                .reshape(-1, C * r * r, H // r, W // r)
            )
        case "shuffle":
            return x.reshape(-1, op.G, shape[0] // op.G, *shape[1:]).transpose(1, 2).reshape(x.shape)
        case "pad":
            mode = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate"}[op.mode]
            x = F.pad(x, [*op.columns, *op.rows], mode=mode)
            return F.pad(x, [0, 0, 0, 0, *op.channels])
        case "crop":
            top, left = op.start(shape, out)
            return x[:, :, top : top + out[1], left : left + out[2]]
        case "slice":
            return x[:, op.channels[0] : op.channels[1]]
        case "reshape":
            return x.reshape(x.shape[0], *op.shape)
        case "add":
            return torch.stack(here).sum(0)
        case "sub":
            return x - sum(here[1:]) if len(here) > 1 else x
        case "max":
            return torch.stack(here).amax(0)
        case "mul":
            y = torch.ones((), dtype=x.dtype)
            for one in here:
                y = y * (one[:, :, None, None] if one.ndim < len(out) + 1 else one)
            return y
        case "concat":
            return torch.cat(here, 1)
    raise AssertionError(f"the interpreter does not know {op.word}")


def along(vector: Tensor, x: Tensor) -> Tensor:
    return vector.view(-1, *[1] * (x.ndim - 2))


def affine(x: Tensor, w: dict[str, Tensor]) -> Tensor:
    return x * along(w["weight"], x) + along(w["bias"], x) if "weight" in w else x


def pool(op: Any, x: Tensor, shape: tuple[int, ...], out: tuple[int, ...]) -> Tensor:
    """Window by window."""
    rows: list[Tensor] = []
    biggest = op.word == "maxpool"
    left, _, top, _ = [0] * 4 if op.size_out is not None else ends(op, shape)
    H, W = shape[1:]
    bottom = right = 0
    if op.size_out is None:
        _, right, _, bottom = ends(op, shape)
    for i in range(out[1]):
        row: list[Tensor] = []
        for j in range(out[2]):
            if op.size_out is not None:
                ys = range(i * H // out[1], -(-(i + 1) * H // out[1]))
                xs = range(j * W // out[2], -(-(j + 1) * W // out[2]))
                count = len(ys) * len(xs)
            else:
                D = op.dilation
                all_ys = [i * op.stride[0] - top + t * D[0] for t in range(op.size[0])]
                all_xs = [j * op.stride[1] - left + t * D[1] for t in range(op.size[1])]
                inside = [y for y in all_ys if y < H + bottom], [c for c in all_xs if c < W + right]
                count = len(inside[0]) * len(inside[1])
                ys, xs = [y for y in all_ys if 0 <= y < H], [c for c in all_xs if 0 <= c < W]  # type: ignore[assignment]
                if getattr(op, "exclude_pad", False):
                    count = len(ys) * len(xs)
            window = x[:, :, list(ys)][:, :, :, list(xs)]
            row.append(window.amax((2, 3)) if biggest else window.sum((2, 3)) / count)
        rows.append(torch.stack(row, 2))
    return torch.stack(rows, 2)


def upsampled(x: Tensor, out: tuple[int, ...], mode: str) -> Tensor:
    H, W = x.shape[2:]
    if mode == "nearest":
        ys = [i * H // out[1] for i in range(out[1])]
        xs = [j * W // out[2] for j in range(out[2])]
        return x[:, :, ys][:, :, :, xs]

    def weights(N: int, count: int) -> Tensor:
        matrix = torch.zeros(count, N, dtype=x.dtype)
        for place in range(count):
            at = min(max((place + 0.5) * N / count - 0.5, 0), N - 1)
            low = int(at)
            high = min(low + 1, N - 1)
            matrix[place, low] += 1 - (at - low)
            matrix[place, high] += at - low
        return matrix

    return torch.einsum("ih,nchw,jw->ncij", weights(H, out[1]), x, weights(W, out[2]))


def unpooled(x: Tensor, before: Tensor, op: Any) -> Tensor:
    if op.size_out is not None:
        _, places = F.adaptive_max_pool2d(before, op.size_out, return_indices=True)
        left = right = top = bottom = 0
        wide = before
    else:
        left, right, top, bottom = ends(op, tuple(before.shape[1:])) if op.P == "same" else (0, 0, 0, 0)
        wide = F.pad(before, (left, right, top, bottom), value=float("-inf"))
        P = 0 if op.P == "same" else op.P
        _, places = F.max_pool2d(wide, op.size, op.stride, P, op.dilation, op.ceil, return_indices=True)
    y = torch.zeros_like(wide)
    for image in range(x.shape[0]):
        for channel in range(x.shape[1]):
            y[image, channel].view(-1)[places[image, channel].view(-1)] = x[image, channel].view(-1)
    return y[:, :, top : y.shape[2] - bottom, left : y.shape[3] - right]
