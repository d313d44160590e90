"""What usual slips would give: the numbers of an author who rounds the other way, or forgets a padding, the
depth of a filter, a bias. A claim that fails is compared with them: "18 is the result …".
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING

from cnnspec.ops.base import Shape, Slip, written_pair
from cnnspec.ops.sliding import Slide, places, reach

if TYPE_CHECKING:
    from cnnspec.ops.conv import Convolution
    from cnnspec.ops.dense import Fc


def sliding(slide: Slide, arriving: Shape, C: int, *, ceil: bool = False) -> Iterator[Slip]:
    """Output shapes of a window that slides."""
    F, S, P, D = slide
    axes = [(arriving[1 + a], F[a], S[a], D[a]) for a in (0, 1)]
    if isinstance(P, str):
        H, W = (N // s for N, _, s, _ in axes)
        yield Slip("out", (C, H, W), "of rounding down; Psame gives ⌈W/S⌉")
        yield Slip("out", (C, *slide._replace(P=(0, 0)).size(arriving)), "without the zeros of Psame")
        return
    size = slide.size(arriving, ceil=ceil)
    yield Slip(
        "out", (C, *slide.size(arriving, ceil=not ceil)), "of rounding down" if ceil else "of rounding up"
    )
    if ceil:
        h, w = (-((reach(f, d) - N - 2 * p) // s) + 1 for (N, f, s, d), p in zip(axes, P, strict=True))
        late = "of counting a last window that starts after the map and its first padding"
        yield Slip("out", (C, h, w), late)
    yield Slip("out", (C, size[0] - 1, size[1] - 1), "without the + 1")
    if P != (0, 0):
        yield Slip("out", (C, *slide._replace(P=(0, 0)).size(arriving)), "without the padding")
        h, w = (places(N, f, s, (p, 0), d) for (N, f, s, d), p in zip(axes, P, strict=True))
        yield Slip("out", (C, h, w), "with P on one side only; it is on both")
    else:
        keeps = (reach(F[0], D[0]) - 1) // 2, (reach(F[1], D[1]) - 1) // 2
        yield Slip("out", (C, *slide._replace(P=keeps).size(arriving)), f"with P{written_pair(keeps)}")
    if S != (1, 1):
        yield Slip("out", (C, *slide._replace(S=(1, 1)).size(arriving)), "with S1")
    if D != (1, 1):
        yield Slip("out", (C, *slide._replace(D=(1, 1)).size(arriving)), "without the dilation")


def convolution(op: Convolution, arriving: Shape, out: Shape, claimed: int) -> Iterator[Slip]:
    """Weights and MACs of filters: their depth, their area, groups, biases."""
    window, K, C = prod(op.F), op.filters(arriving), arriving[0]
    own, biases = prod(op.weight_shape(arriving)), K if op.has_bias else 0
    at = prod(op.positions(arriving, out).values())
    for weights, why in (
        (window * K, "with filters of depth 1; a filter is as deep as its input"),
        (own // window, "with one weight per channel of a filter, without F·F"),
        (own // window * op.F[0], "with F in place of F·F"),
        (window * C * K, "without the groups: a filter reads C/G channels"),
        (own * K, "with K twice"),
    ):
        yield Slip("params", weights + biases, why)
        yield Slip("params", weights, f"{why}; and without the biases")
        yield Slip("macs", weights * at, why)
    yield Slip("params", own + 1, "with one bias in all; each filter has its own")
    yield Slip("macs", own * prod(arriving[1:]), "with the positions of the input, W·H")
    yield Slip("macs", own * prod(out[1:]), "with the positions of the output, W'·H'")
    yield from _other_input(claimed, biases, own // C if own % C == 0 else 0, C, "channels")


def fc(op: Fc, arriving: Shape, claimed: int) -> Iterator[Slip]:
    """Weights for another input."""
    yield from _other_input(claimed, op.K if op.has_bias else 0, op.K, arriving[0], "numbers")


def _other_input(claimed: int, biases: int, each: int, C: int, what: str) -> Iterator[Slip]:
    """The depth of the input for which `claimed` is right; `each`: how many weights one of it needs."""
    if each and claimed > biases and (claimed - biases) % each == 0:
        inputs = (claimed - biases) // each
        yield Slip("params", claimed, f"for an input of {inputs:,} {what}; this one has {C:,}")
