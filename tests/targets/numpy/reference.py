"""What every layer means, said once more with torch's own functions: the witness that NumPy programs are held
against. It walks the flat list of layers of the IR and knows nothing of how programs are emitted."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cnnspec.ir.flat import flat, flat_outputs
from cnnspec.ir.graph import Graph


def run(
    graph: Graph,
    params: dict[str, Tensor],
    inputs: list[Tensor],
    training: bool,
    masks: dict[str, Tensor],
    trace: dict[str, Tensor] | None = None,
) -> list[Tensor]:
    """The outputs. Running statistics in `params` are changed in place, as torch does."""
    values: dict[int, Tensor] = dict(enumerate(inputs))
    for entry in flat(graph):
        op = entry.op
        given = [values[number] for number in entry.inputs]
        names = [weight.name for weight in _weights(entry)]
        own = {name: params[f"{entry.attribute}.{name}" if entry.attribute else name] for name in names}
        values[entry.output] = layer(op, given, own, training, masks.get(entry.attribute))
        if trace is not None:
            trace[entry.path] = values[entry.output]
    return [values[number] for number in flat_outputs(graph)]


def _weights(entry: Any) -> Any:
    return entry.op.weights(*entry.arriving)


def number(value: Any) -> float:
    return float(value)


def same_pad(x: Tensor, size: Any, stride: Any, dilation: Any, value: float = 0.0) -> Tensor:
    ends: list[int] = []
    for axis in (1, 0):
        N = x.shape[2 + axis]
        zeros = max((-(-N // stride[axis]) - 1) * stride[axis] + dilation[axis] * (size[axis] - 1) + 1 - N, 0)
        ends += [zeros // 2, zeros - zeros // 2]
    return F.pad(x, ends, value=value)


def layer(
    op: Any, given: list[Tensor], own: dict[str, Tensor], training: bool, mask: Tensor | None
) -> Tensor:
    x = given[0]
    weight, bias = own.get("weight"), own.get("bias")
    per = (1, -1, *[1] * (x.ndim - 2))
    match op.word:
        case "conv" | "dwconv":
            groups = x.shape[1] if op.word == "dwconv" else op.G
            P: Any = op.P
            if op.P == "same":
                x, P = same_pad(x, op.F, op.S, op.D), 0
            if getattr(op, "connect", None) is not None:
                planes = iter(weight)
                zero = torch.zeros(op.F, dtype=x.dtype)
                weight = torch.stack(
                    [
                        torch.stack([next(planes) if c in maps else zero for c in range(x.shape[1])])
                        if list(maps) == sorted(maps)
                        else _unsorted(maps, planes, zero, x.shape[1])
                        for maps in op.connect
                    ]
                )
            return F.conv2d(x, weight, bias, op.S, P, op.D, groups)
        case "deconv":
            if op.P == "same":
                H, W = x.shape[2] * op.S[0], x.shape[3] * op.S[1]
                y = F.conv_transpose2d(x, weight, None, op.S, 0, 0, op.G, op.D)
                top, left = max(y.shape[2] - H, 0) // 2, max(y.shape[3] - W, 0) // 2
                y = y[:, :, top : top + H, left : left + W]
                y = F.pad(y, (0, W - y.shape[3], 0, H - y.shape[2]))
                return y if bias is None else y + bias.view(1, -1, 1, 1)
            return F.conv_transpose2d(x, weight, bias, op.S, op.P, op.extra, op.G, op.D)
        case "maxpool":
            return max_pool(op, x)[0]
        case "unpool":
            places = max_pool(op.maxpool, given[1])[1]
            flat_zeros = torch.zeros_like(given[1]).flatten(2)
            return flat_zeros.scatter(2, places.flatten(2), x.flatten(2)).view_as(given[1])
        case "avgpool":
            if op.size_out is not None:
                return F.adaptive_avg_pool2d(x, op.size_out)
            if op.P == "same":
                y = F.avg_pool2d(same_pad(x, op.size, op.stride, (1, 1)), op.size, op.stride)
                if op.exclude_pad:
                    ones = torch.ones_like(x)
                    y = y / F.avg_pool2d(same_pad(ones, op.size, op.stride, (1, 1)), op.size, op.stride)
                return y
            return F.avg_pool2d(x, op.size, op.stride, op.P, op.ceil, not op.exclude_pad)
        case "gap":
            return F.adaptive_avg_pool2d(x, 1)
        case "gmp":
            return F.adaptive_max_pool2d(x, 1)
        case "cmean":
            return x.mean(1, keepdim=True)
        case "cmax":
            return x.max(1, keepdim=True).values
        case "subsample":
            total = F.avg_pool2d(x, op.size, op.stride) * (op.size[0] * op.size[1])
            return total * weight.view(per) + bias.view(per)
        case "bn":
            if training:
                own["num_batches_tracked"].add_(1)
            mean, var = own["running_mean"], own["running_var"]
            return F.batch_norm(x, mean, var, weight, bias, training, number(op.momentum), number(op.eps))
        case "in":
            return F.instance_norm(x, None, None, weight, bias, True, 0.0, number(op.eps))
        case "ln":
            C = x.shape[1]
            return F.layer_norm(x.movedim(1, -1), (C,), weight, bias, number(op.eps)).movedim(-1, 1)
        case "gn":
            return F.group_norm(x, op.G, weight, bias, number(op.eps))
        case "lrn":
            return F.local_response_norm(x, op.size, number(op.alpha), number(op.beta), number(op.k))
        case "l2norm":
            return F.normalize(x)
        case "leaky":
            return F.leaky_relu(x, number(op.slope))
        case "prelu":
            return F.prelu(x, weight)
        case "elu":
            return F.elu(x, number(op.alpha))
        case "tanh":
            return number(op.amp) * torch.tanh(number(op.gain) * x)
        case "hsigmoid":
            return F.relu6(x + 3) / 6  # torch's own has 1/6 in float32 in its gradient
        case "softmax" | "logsoftmax":
            return (F.softmax if op.word == "softmax" else F.log_softmax)(x, 1)
        case "relu" | "relu6" | "selu" | "gelu" | "silu" | "mish" | "sigmoid" | "softplus":
            return getattr(F, op.word)(x)
        case "hswish":
            return F.hardswish(x)
        case "abs":
            return x.abs()
        case "dropout" | "droppath":
            if not training:
                return x
            assert mask is not None
            p = number(op.p)
            if op.word == "droppath":
                mask = mask.view(-1, *[1] * (x.ndim - 1))
            return x * mask * (1 / (1 - p) if p < 1 else 0.0)
        case "scale":
            return x * weight.view(per)
        case "times":
            return x * number(op.factor)
        case "flatten":
            return x.flatten(1)
        case "fc":
            return F.linear(x.flatten(1), weight, bias)
        case "rbf":
            return ((x.flatten(1)[:, None] - weight) ** 2).sum(2)
        case "upsample":
            size = (
                given[1].shape[2:]
                if op.like
                else op.size_out or [n * f for n, f in zip(x.shape[2:], op.factor, strict=True)]
            )
            return F.interpolate(x, tuple(size), mode=op.mode)
        case "pixelshuffle":
            return F.pixel_shuffle(x, op.factor)
        case "pixelunshuffle":
            return F.pixel_unshuffle(x, op.factor)
        case "shuffle":
            N, C, H, W = x.shape
            return x.view(N, op.G, C // op.G, H, W).transpose(1, 2).reshape(N, C, H, W)
        case "pad":
            mode = {"zeros": "constant"}.get(op.mode, op.mode)
            ends = [*op.columns, *op.rows]
            return (
                F.pad(x, [*ends, *op.channels], mode=mode)
                if mode == "constant"
                else F.pad(x, ends, mode=mode)
            )
        case "crop":
            h, w = given[1].shape[2:] if op.like else op.size
            top, left = op.offset or ((x.shape[2] - h) // 2, (x.shape[3] - w) // 2)
            return x[:, :, top : top + h, left : left + w]
        case "slice":
            return x[:, op.channels[0] : op.channels[1]]
        case "reshape":
            return x.reshape(len(x), *op.shape)
        case "id":
            return x
        case "add" | "sub" | "max" | "mul":
            rank = max(one.ndim for one in given)
            y, *others = [one if one.ndim == rank else one[:, :, None, None] for one in given]
            for other in others:
                match op.word:
                    case "add":
                        y = y + other
                    case "sub":
                        y = y - other
                    case "max":
                        y = torch.maximum(y, other)
                    case "mul":
                        y = y * other
            return y
        case "concat":
            return torch.cat(given, 1)
    raise NotImplementedError(op.word)


def _unsorted(maps: Any, planes: Any, zero: Tensor, C: int) -> Tensor:
    full = [zero] * C
    for c in maps:
        full[c] = next(planes)
    return torch.stack(full)


def max_pool(op: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    if op.size_out is not None:
        return F.adaptive_max_pool2d(x, op.size_out, return_indices=True)
    if op.P == "same":
        wide = same_pad(x, op.size, op.stride, op.D, float("-inf"))
        y, places = F.max_pool2d(wide, op.size, op.stride, 0, op.D, return_indices=True)
        rows, columns = places // wide.shape[3], places % wide.shape[3]
        top, left = ((same_total(x.shape[2 + a], op.size[a], op.stride[a], op.D[a])) // 2 for a in (0, 1))
        return y, (rows - top) * x.shape[3] + columns - left
    return F.max_pool2d(x, op.size, op.stride, op.P, op.D, op.ceil, return_indices=True)


def same_total(N: int, f: int, s: int, d: int) -> int:
    return max((-(-N // s) - 1) * s + d * (f - 1) + 1 - N, 0)
