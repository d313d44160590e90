"""Each layer as a function of torch. What one expression says stands in the case file, in a fence `oracle`;
what takes more lines stands here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

LAYERS = Path(__file__).parents[1] / "cases" / "layers"
NAMES = ("op", "given", "x", "weight", "bias")
"""What an expression in a case file may name, besides `torch` and `F` (torch.nn.functional)."""


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


def layer(
    op: Any, given: list[Tensor], own: dict[str, Tensor], training: bool = False, mask: Tensor | None = None
) -> Tensor:
    """What comes out. Running statistics in `own` are changed in place, as torch does."""
    function = FUNCTIONS.get(op.word) or written(op.word)
    return function(Call(op, given, own, training, mask))


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
        names = {"torch": torch, "F": F} | {name: getattr(call, name) for name in NAMES}
        exec(parts, names)
        return eval(result, names)  # type: ignore[no-any-return]

    return computed


# --- windows ------------------------------------------------------------------------------------------


def same_zeros(x: Tensor, size: Any, stride: Any, dilation: Any) -> list[tuple[int, int]]:
    """Zeros before and behind, along H and along W, for ⌈N/S⌉ outputs."""
    ends = []
    for N, f, s, d in zip(x.shape[2:], size, stride, dilation, strict=True):
        zeros = max((-(-N // s) - 1) * s + d * (f - 1) + 1 - N, 0)
        ends.append((zeros // 2, zeros - zeros // 2))
    return ends


def same_pad(x: Tensor, size: Any, stride: Any, dilation: Any, value: float = 0.0) -> Tensor:
    rows, columns = same_zeros(x, size, stride, dilation)
    return F.pad(x, (*columns, *rows), value=value)


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
    if getattr(op, "connect", None) is not None:
        weight = dense(op, weight, x.shape[1])
    P = op.P
    if P == "same":
        x, P = same_pad(x, op.F, op.S, op.D), 0
    return F.conv2d(x, weight, call.bias, op.S, P, op.D, groups)


def deconv(call: Call) -> Tensor:
    op, x = call.op, call.x
    if op.P != "same":
        return F.conv_transpose2d(x, call.weight, call.bias, op.S, op.P, op.extra, op.G, op.D)
    H, W = x.shape[2] * op.S[0], x.shape[3] * op.S[1]
    y = F.conv_transpose2d(x, call.weight, None, op.S, 0, 0, op.G, op.D)
    top, left = max(y.shape[2] - H, 0) // 2, max(y.shape[3] - W, 0) // 2
    y = y[:, :, top : top + H, left : left + W]
    y = F.pad(y, (0, W - y.shape[3], 0, H - y.shape[2]))
    return y if call.bias is None else y + call.bias.view(1, -1, 1, 1)


def local(call: Call) -> Tensor:
    op, x, P = call.op, call.x, call.op.P
    if P == "same":
        x, P = same_pad(x, op.F, op.S, op.D), 0
    patches = F.unfold(x, op.F, op.D, P, op.S)
    y = torch.einsum("npl,kpl->nkl", patches, call.weight.flatten(1, 3).flatten(2))
    y = y.view(*y.shape[:2], *call.weight.shape[4:])
    return y if call.bias is None else y + call.bias


def max_pool(op: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """The maxima, and where they stand on the map."""
    if op.size_out is not None:
        return F.adaptive_max_pool2d(x, op.size_out, return_indices=True)
    if op.P != "same":
        return F.max_pool2d(x, op.size, op.stride, op.P, op.dilation, op.ceil, return_indices=True)
    wide = same_pad(x, op.size, op.stride, op.D, float("-inf"))
    y, places = F.max_pool2d(wide, op.size, op.stride, 0, op.D, return_indices=True)
    (top, _), (left, _) = same_zeros(x, op.size, op.stride, op.D)
    rows, columns = places // wide.shape[3], places % wide.shape[3]
    return y, (rows - top) * x.shape[3] + columns - left


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
        return F.adaptive_avg_pool2d(x, op.size_out)
    if op.P != "same":
        return F.avg_pool2d(x, op.size, op.stride, op.P, op.ceil, not op.exclude_pad)
    y = F.avg_pool2d(same_pad(x, op.size, op.stride, (1, 1)), op.size, op.stride)
    if op.exclude_pad:
        ones = same_pad(torch.ones_like(x), op.size, op.stride, (1, 1))
        y = y / F.avg_pool2d(ones, op.size, op.stride)
    return y


def subsample(call: Call) -> Tensor:
    op, per = call.op, call.per_channel
    total = F.avg_pool2d(call.x, op.size, op.stride) * (op.size[0] * op.size[1])
    return total * call.weight.view(per) + call.bias.view(per)


# --- norms, activations, chance -----------------------------------------------------------------------


def batch_norm(call: Call) -> Tensor:
    op, own = call.op, call.own
    if call.training:
        own["num_batches_tracked"].add_(1)
    mean, variance = own["running_mean"], own["running_var"]
    momentum, eps = float(op.momentum), float(op.eps)
    return F.batch_norm(call.x, mean, variance, call.weight, call.bias, call.training, momentum, eps)


def instance_norm(call: Call) -> Tensor:
    op, own = call.op, call.own
    mean, variance = own.get("running_mean"), own.get("running_var")
    if op.running and call.training:
        own["num_batches_tracked"].add_(1)
    statistics = call.training or not op.running
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
    x = call.x
    return F.linear(x.flatten(1) if x.shape[2:] == (1, 1) else x, call.weight, call.bias)


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
    N, C, H, W = call.x.shape
    G = call.op.G
    return call.x.view(N, G, C // G, H, W).transpose(1, 2).reshape(N, C, H, W)


def pad(call: Call) -> Tensor:
    op = call.op
    ends = tuple(count for both in reversed(op.ends(tuple(call.x.shape[1:]))) for count in both)
    if op.mode != "zeros":
        return F.pad(call.x, ends, mode=op.mode)
    return F.pad(call.x, ends if op.channels == (0, 0) else (*ends, *op.channels))


def crop(call: Call) -> Tensor:
    op, x = call.op, call.x
    h, w = call.given[1].shape[2:] if op.like else op.size
    top, left = op.offset or ((x.shape[2] - h) // 2, (x.shape[3] - w) // 2)
    return x.narrow(2, top, h).narrow(3, left, w)


def slice_(call: Call) -> Tensor:
    low, high = call.op.channels
    return call.x.narrow(1, low, high - low)


# --- merges -------------------------------------------------------------------------------------------


def merge(call: Call) -> Tensor:
    """A vector of C numbers meets a map as Cx1x1."""
    rank = max(one.ndim for one in call.given)
    y, *others = [one if one.ndim == rank else one[:, :, None, None] for one in call.given]
    words = {"add": torch.add, "sub": torch.sub, "max": torch.maximum, "mul": torch.mul, "div": torch.div}
    together = words[call.op.word]
    for other in others:
        y = together(y, other)
    return y


def attention(call: Call) -> Tensor:
    """Head by head, score by score."""
    op, size = call.op, call.x.shape[2:]
    places = list(product(*map(range, size)))
    y = []
    for head, (q, k, v) in enumerate(
        zip(*(one.flatten(2).chunk(op.heads, 1) for one in call.given), strict=True)
    ):
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
        y.append(torch.einsum("nij,ncj->nci", shares, v))
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
