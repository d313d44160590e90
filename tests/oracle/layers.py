"""Each layer as a function of torch. What one expression says stands in the case file, in a fence `oracle`;
what takes more lines stands here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from functools import cache
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

LAYERS = Path(__file__).parents[1] / "cases" / "layers"
NAMES = ("op", "given", "x", "weight", "bias", "per_channel")
"""What an expression in a case file may name, besides `torch`, `F` (torch.nn.functional) and `of_rank`."""


class Call(NamedTuple):
    """A layer, the tensors it is given, its weights by name; for what is dropped by chance, a mask."""

    op: Any
    given: list[Tensor]
    own: dict[str, Tensor]
    training: bool
    mask: Tensor | None

    @property
    def x(self) -> Tensor:
        return self.given[0]

    @property
    def weight(self) -> Any:
        return self.own.get("weight")

    @property
    def bias(self) -> Any:
        return self.own.get("bias")

    @property
    def per_channel(self) -> tuple[int, ...]:
        """The form in which one number per channel meets the input."""
        return (1, -1, *[1] * (self.x.ndim - 2))


def of_rank(name: str, x: Tensor) -> Any:
    """torch's function for the axes of x: `conv` is conv1d, conv2d or conv3d."""
    return getattr(F, f"{name}{x.ndim - 2}d")


def layer(
    op: Any, given: list[Tensor], own: dict[str, Tensor], training: bool = False, mask: Tensor | None = None
) -> Tensor:
    """What comes out. Running statistics in `own` are changed in place, as torch does."""
    function = FUNCTIONS.get(op.word) or written(op.word)
    if getattr(op, "normalised", None) not in (None, "plain"):
        own = own | {"weight": used_weight(op, own, training)}
    return function(Call(op, given, own, training, mask))


def used_weight(op: Any, own: dict[str, Tensor], training: bool) -> Tensor:
    """The weight that a layer multiplies with; the singular vectors in `own` are changed in place."""
    axis = int(op.word == "deconv")
    if op.normalised == "weight":
        length, v = (own[f"parametrizations.weight.original{n}"] for n in (0, 1))
        return length * F.normalize(v.flatten(1)).view_as(v)
    weight = own["parametrizations.weight.original"]
    rows = weight.movedim(axis, 0).flatten(1)
    if op.normalised == "spectral":
        u, v = (own[f"parametrizations.weight.0.{name}"] for name in ("_u", "_v"))
        if training and not op.frozen:
            with torch.no_grad():
                u.copy_(F.normalize(rows @ v, dim=0))
                v.copy_(F.normalize(rows.T @ u, dim=0))
        return weight / torch.einsum("i,ij,j", u.clone(), rows, v.clone())
    mean, variance = rows.mean(1, keepdim=True), rows.var(1, correction=0, keepdim=True)
    rows = (rows - mean) / (variance + float(op.weight_eps)).sqrt()
    if op.normalised == "scaled":
        gain = own["parametrizations.weight.0.gain"].flatten()[:, None]
        rows = rows * gain * float(op.gamma) / rows.shape[1] ** 0.5
    return rows.view_as(weight.movedim(axis, 0)).movedim(0, axis)


@cache
def written(word: str) -> Callable[[Call], Tensor]:
    """The expression in the layer's case file; lines before it name its parts."""
    file = LAYERS / f"{word}.md"
    fence = re.search(r"^```oracle\n(.*?)^```", file.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert fence, f"what `{word}` computes is said nowhere: {file} has no fence `oracle`"
    *lines, last = ast.parse(fence[1]).body
    assert isinstance(last, ast.Expr), f"{file}: the last line of its oracle is an expression"
    parts = compile(ast.Module(lines, []), str(file), "exec")
    result = compile(ast.Expression(last.value), str(file), "eval")

    def computed(call: Call) -> Tensor:
        names = {"torch": torch, "F": F, "of_rank": of_rank} | {name: getattr(call, name) for name in NAMES}
        exec(parts, names)
        return eval(result, names)  # type: ignore[no-any-return]

    return computed


# --- windows ------------------------------------------------------------------------------------------


def same_zeros(x: Tensor, size: Any, stride: Any, dilation: Any) -> list[tuple[int, int]]:
    """Zeros before and after, along each axis, for ⌈N/S⌉ outputs."""
    ends = []
    for N, f, s, d in zip(x.shape[2:], size, stride, dilation, strict=True):
        zeros = max((-(-N // s) - 1) * s + d * (f - 1) + 1 - N, 0)
        ends.append((zeros // 2, zeros - zeros // 2))
    return ends


def same_pad(x: Tensor, size: Any, stride: Any, dilation: Any, value: float = 0.0) -> Tensor:
    ends = same_zeros(x, size, stride, dilation)
    return F.pad(x, [zeros for both in reversed(ends) for zeros in both], value=value)


def dense(op: Any, planes: Tensor, C: int) -> Tensor:
    """The planes of a table of connections as the weights of a convolution, 0 where nothing is connected."""
    whole = [[torch.zeros_like(planes[0])] * C for _ in op.connect]
    places = ((k, c) for k, maps in enumerate(op.connect) for c in maps)
    for (k, c), plane in zip(places, planes, strict=True):
        whole[k][c] = plane
    return torch.stack([torch.stack(row) for row in whole])


def conv(call: Call) -> Tensor:
    op, x, weight = call.op, call.x, call.weight
    groups = x.shape[1] if op.word == "dwconv" else op.G
    if getattr(op, "offsets", False):
        return deformable(call)
    if getattr(op, "connect", None) is not None:
        weight = dense(op, weight, x.shape[1])
    P = op.P
    if P == "same":
        x, P = same_pad(x, op.F, op.S, op.D), 0
    return of_rank("conv", x)(x, weight, call.bias, op.S, P, op.D, groups)


def deformable(call: Call) -> Tensor:
    """Tap by tap, a 1x1 convolution of the map sampled at the tap's places."""
    (x, offsets, *mask), op = call.given, call.op
    taps, size, total = prod(op.F), offsets.shape[2:], call.x.new_zeros(())
    count = offsets.shape[1] // (2 * taps)
    here = torch.meshgrid(*(torch.arange(n, dtype=x.dtype) for n in size), indexing="ij")
    for number, tap in enumerate(product(*map(range, op.F))):
        parts = []
        for group, maps in enumerate(x.chunk(count, 1)):
            at = [
                op.S[axis] * here[axis]
                - op.P[axis]
                + op.D[axis] * tap[axis]
                + offsets[:, 2 * (group * taps + number) + axis]
                for axis in (0, 1)
            ]
            ends = [(2 * one + 1) / n - 1 for one, n in zip(at, x.shape[2:], strict=True)]
            seen = F.grid_sample(maps, torch.stack(ends[::-1], -1), align_corners=False)
            parts.append(seen * mask[0][:, group * taps + number, None] if mask else seen)
        total = total + F.conv2d(
            torch.cat(parts, 1), call.weight[:, :, tap[0], tap[1], None, None], groups=op.G
        )
    return total if call.bias is None else total + call.bias.view(call.per_channel)


def deconv(call: Call) -> Tensor:
    op, x, function = call.op, call.x, of_rank("conv_transpose", call.x)
    if op.P != "same":
        return function(x, call.weight, call.bias, op.S, op.P, op.extra, op.G, op.D)
    y = function(x, call.weight, None, op.S, 0, 0, op.G, op.D)
    for axis, stride in enumerate(op.S, 2):
        wanted, has = x.shape[axis] * stride, y.shape[axis]
        y = y.narrow(axis, max(has - wanted, 0) // 2, min(has, wanted))
        zeros = y.new_zeros([*y.shape[:axis], wanted - y.shape[axis], *y.shape[axis + 1 :]])
        y = torch.cat([y, zeros], axis)
    return y if call.bias is None else y + call.bias.view(call.per_channel)


def local(call: Call) -> Tensor:
    """Position by position, a convolution of what stands there."""
    op, x, weight = call.op, call.x, call.weight
    ends = same_zeros(x, op.F, op.S, op.D) if op.P == "same" else [(p, p) for p in op.P]
    x = F.pad(x, [zeros for both in reversed(ends) for zeros in both])
    places = weight.shape[2 + len(op.F) :]
    y = []
    for place in product(*map(range, places)):
        corner = [i * s for i, s in zip(place, op.S, strict=True)]
        reach = [d * (f - 1) + 1 for f, d in zip(op.F, op.D, strict=True)]
        piece = x[(..., *(slice(a, a + r) for a, r in zip(corner, reach, strict=True)))]
        y.append(of_rank("conv", x)(piece, weight[(..., *place)], dilation=op.D).flatten(1))
    whole = torch.stack(y, -1).view(len(x), -1, *places)
    return whole if call.bias is None else whole + call.bias


def max_pool(op: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """The maxima, and where they stand on the map."""
    if op.size_out is not None:
        return of_rank("adaptive_max_pool", x)(x, op.size_out, return_indices=True)
    pool = of_rank("max_pool", x)
    if op.P != "same":
        return pool(x, op.size, op.stride, op.P, op.dilation, op.ceil, return_indices=True)
    wide = same_pad(x, op.size, op.stride, op.D, float("-inf"))
    y, places = pool(wide, op.size, op.stride, 0, op.D, return_indices=True)
    own, step = torch.zeros_like(places), 1
    for (before, _), N, size in reversed(
        [*zip(same_zeros(x, op.size, op.stride, op.D), x.shape[2:], wide.shape[2:], strict=True)]
    ):
        own += (places % size - before) * step
        places, step = places // size, step * N
    return y, own


def unpool(call: Call) -> Tensor:
    before = call.given[1]  # what the maxpool was given
    places = max_pool(call.op.maxpool, before)[1]
    if places.shape != call.x.shape:
        raise ValueError("not the output of this maxpool")
    zeros = torch.zeros_like(before).flatten(2)
    return zeros.scatter(2, places.flatten(2), call.x.flatten(2)).view_as(before)


def avgpool(call: Call) -> Tensor:
    op, x = call.op, call.x
    if op.size_out is not None:
        return of_rank("adaptive_avg_pool", x)(x, op.size_out)
    pool, D = of_rank("avg_pool", x), (1,) * len(op.size)
    if op.P != "same":
        size = op.size
        if op.ceil:  # avg_pool3d refuses a window that is larger than the map
            size = tuple(min(F, N + 2 * P) for F, N, P in zip(op.size, x.shape[2:], op.P, strict=True))
        return pool(x, size, op.stride, op.P, op.ceil, not op.exclude_pad)
    y = pool(same_pad(x, op.size, op.stride, D), op.size, op.stride)
    if op.exclude_pad:
        ones = same_pad(torch.ones_like(x), op.size, op.stride, D)
        y = y / pool(ones, op.size, op.stride)
    return y


def subsample(call: Call) -> Tensor:
    op, per = call.op, call.per_channel
    total = of_rank("avg_pool", call.x)(call.x, op.size, op.stride) * prod(op.size)
    return total * call.weight.view(per) + call.bias.view(per)


# --- norms, activations, chance -----------------------------------------------------------------------


def batch_norm(call: Call) -> Tensor:
    op, own = call.op, call.own
    training = call.training and not call.op.frozen
    if training:
        own["num_batches_tracked"].add_(1)
    mean, variance = own["running_mean"], own["running_var"]
    momentum, eps = float(op.momentum), float(op.eps)
    return F.batch_norm(call.x, mean, variance, call.weight, call.bias, training, momentum, eps)


def instance_norm(call: Call) -> Tensor:
    op, own = call.op, call.own
    mean, variance = own.get("running_mean"), own.get("running_var")
    statistics = (call.training and not op.frozen) or not op.running
    return F.instance_norm(
        call.x, mean, variance, call.weight, call.bias, statistics, float(op.momentum), float(op.eps)
    )


def layer_norm(call: Call) -> Tensor:
    if call.op.all:
        return F.layer_norm(call.x, call.x.shape[1:], call.weight, call.bias, float(call.op.eps))
    last = call.x.movedim(1, -1)
    return F.layer_norm(last, last.shape[-1:], call.weight, call.bias, float(call.op.eps)).movedim(-1, 1)


def local_response_norm(call: Call) -> Tensor:
    op = call.op
    return F.local_response_norm(call.x, op.size, float(op.alpha), float(op.beta), float(op.k))


def drop(call: Call) -> Tensor:
    x, p = call.x, float(call.op.p)
    if not call.training or call.mask is None:
        return F.dropout(x, p, training=False)
    mask = call.mask if call.op.word == "dropout" else call.mask.view(-1, *[1] * (x.ndim - 1))
    return x * mask * (1 / (1 - p) if p < 1 else 0.0)


# --- vectors and places -------------------------------------------------------------------------------


def fc(call: Call) -> Tensor:
    x = call.x  # nn.Linear takes any tensor whose last axis fits
    return F.linear(x.flatten(1) if set(x.shape[2:]) <= {1} else x, call.weight, call.bias)


def upsample(call: Call) -> Tensor:
    op, x = call.op, call.x
    size: Any = op.size_out
    if op.like:
        size = call.given[1].shape[2:]
        if x.ndim == 2:
            return torch.einsum("nc,n...->nc...", x, torch.ones_like(call.given[1][:, 0]))
    elif size is None:
        size = [n * f for n, f in zip(x.shape[2:], op.factor, strict=True)]
    return F.interpolate(x, tuple(size), mode=op.mode, align_corners=op.corners or None)


def shuffle(call: Call) -> Tensor:
    N, C, *sizes = call.x.shape
    G = call.op.G
    return call.x.view(N, G, C // G, *sizes).transpose(1, 2).reshape(N, C, *sizes)


def pad(call: Call) -> Tensor:
    op = call.op
    ends = tuple(count for both in reversed(op.ends(tuple(call.x.shape[1:]))) for count in both)
    if op.mode != "zeros":
        return F.pad(call.x, ends, mode=op.mode)
    return F.pad(call.x, ends if op.channels == (0, 0) else (*ends, *op.channels))


def crop(call: Call) -> Tensor:
    op, x = call.op, call.x
    for axis, size in enumerate(call.given[1].shape[2:] if op.like else op.size):
        start = op.offset[axis] if op.offset else (x.shape[2 + axis] - size) // 2
        x = x.narrow(2 + axis, start, size)
    return x


def slice_(call: Call) -> Tensor:
    low, high = call.op.channels
    return call.x.narrow(1, low, high - low)


# --- merges -------------------------------------------------------------------------------------------


def weighted(call: Call) -> Tensor:
    """A branch's share of the sum."""
    parts = [call.weight[n].clamp(min=0) for n in range(len(call.given))]
    divisor = float(call.op.eps) + torch.stack(parts).sum()
    return torch.stack([part / divisor * x for part, x in zip(parts, call.given, strict=True)]).sum(0)


def merge(call: Call) -> Tensor:
    """A vector of C numbers meets a map as Cx1x1."""
    if call.weight is not None:
        return weighted(call)
    rank = max(one.ndim for one in call.given)
    y, *others = [one.view(*one.shape, *[1] * (rank - one.ndim)) for one in call.given]
    words = {"add": torch.add, "sub": torch.sub, "max": torch.maximum, "mul": torch.mul, "div": torch.div}
    together = words[call.op.word]
    for other in others:
        y = together(y, other)
    return y


def attention(call: Call) -> Tensor:
    """Head by head, score by score."""
    op, size = call.op, call.given[2 if call.op.channels else 0].shape[2:]
    places = list(product(*map(range, size)))
    y = []
    for head, (q, k, v) in enumerate(
        zip(*(one.flatten(2).chunk(op.heads, 1) for one in call.given), strict=True)
    ):
        if op.channels:
            q, k, v = (one.transpose(1, 2) for one in (q, k, v))
        if not op.softmax:
            shares = torch.einsum("nci,ncj->nij", q.relu(), k.relu())
            shares = shares / (shares.sum(2, keepdim=True) + float(op.eps))
        else:
            scores = torch.einsum("nci,ncj->nij", q, k)
            if op.relative == "query":
                scores = scores + _by_query(q, places, size, call.own)
            scores = scores * (1 if op.unscaled else q.shape[1] ** -0.5)
            if op.relative == "table":
                numbers = [[call.own["table"][head, *_offset(a, b, size)] for b in places] for a in places]
                scores = scores + torch.stack([torch.stack(row) for row in numbers])
            shares = scores.softmax(2)
        mean = torch.einsum("nij,ncj->nci", shares, v)
        y.append(mean.transpose(1, 2) if op.channels else mean)
    return torch.cat(y, 1).unflatten(2, size)


def _offset(one: Sequence[int], other: Sequence[int], size: Sequence[int]) -> tuple[int, ...]:
    return tuple(b - a + n - 1 for a, b, n in zip(one, other, size, strict=True))


def _by_query(q: Tensor, places: list[Any], size: Sequence[int], own: dict[str, Tensor]) -> Tensor:
    vectors = [own[f"relative_{axis}"] for axis in "thw"[-len(size) :]]
    rows = []
    for number, a in enumerate(places):
        added = [sum(r[place] for r, place in zip(vectors, _offset(a, b, size), strict=True)) for b in places]
        rows.append(torch.einsum("nc,jc->nj", q[:, :, number], torch.stack(added)))  # type: ignore[arg-type]
    return torch.stack(rows, 1)


FUNCTIONS: dict[str, Callable[[Call], Tensor]] = {
    "conv": conv,
    "dwconv": conv,
    "deconv": deconv,
    "local": local,
    "maxpool": lambda call: max_pool(call.op, call.x)[0],
    "unpool": unpool,
    "avgpool": avgpool,
    "subsample": subsample,
    "bn": batch_norm,
    "in": instance_norm,
    "ln": layer_norm,
    "lrn": local_response_norm,
    "dropout": drop,
    "droppath": drop,
    "fc": fc,
    "upsample": upsample,
    "shuffle": shuffle,
    "pad": pad,
    "crop": crop,
    "slice": slice_,
    "add": merge,
    "sub": merge,
    "max": merge,
    "mul": merge,
    "div": merge,
    "attention": attention,
}
