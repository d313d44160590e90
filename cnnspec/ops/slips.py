"""The values that common mistakes give: rounding the other way, or forgetting a padding, the depth of a
filter or a bias. A failed claim is compared with them: "18 is the result …"."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING

from cnnspec.ops.base import Shape, Slip, axes_of, written_sizes
from cnnspec.ops.sliding import Slide, places, reach

if TYPE_CHECKING:
    from cnnspec.ops.conv import Convolution
    from cnnspec.ops.dense import Fc


def sliding(slide: Slide, input_shape: Shape, C: int, *, ceil: bool = False) -> Iterator[Slip]:
    """Output shapes that mistakes about a sliding window give."""
    F, S, P, D = slide
    along, none, one = [*zip(input_shape[1:], F, S, D, strict=True)], (0,) * len(F), (1,) * len(F)
    if isinstance(P, str):
        yield Slip("out", (C, *(N // s for N, _, s, _ in along)), "of rounding down; Psame gives ⌈W/S⌉")
        yield Slip("out", (C, *slide._replace(P=none).size(input_shape)), "without the zeros of Psame")
        return
    size = slide.size(input_shape, ceil=ceil)
    yield Slip(
        "out", (C, *slide.size(input_shape, ceil=not ceil)), "of rounding down" if ceil else "of rounding up"
    )
    if ceil:
        counts = (-((reach(f, d) - N - 2 * p) // s) + 1 for (N, f, s, d), p in zip(along, P, strict=True))
        late = "of counting a last window that starts after the map and its first padding"
        yield Slip("out", (C, *counts), late)
    yield Slip("out", (C, *(count - 1 for count in size)), "without the + 1")
    if any(P):
        yield Slip("out", (C, *slide._replace(P=none).size(input_shape)), "without the padding")
        counts = (places(N, f, s, (p, 0), d) for (N, f, s, d), p in zip(along, P, strict=True))
        yield Slip("out", (C, *counts), "with P on one side only; it is on both")
    else:
        keeps = tuple((reach(f, d) - 1) // 2 for _, f, _, d in along)
        yield Slip("out", (C, *slide._replace(P=keeps).size(input_shape)), f"with P{written_sizes(keeps)}")
    if set(S) != {1}:
        yield Slip("out", (C, *slide._replace(S=one).size(input_shape)), "with S1")
    if set(D) != {1}:
        yield Slip("out", (C, *slide._replace(D=one).size(input_shape)), "without the dilation")


def convolution(op: Convolution, input_shape: Shape, out: Shape, claimed: int) -> Iterator[Slip]:
    """Weights and MACs that mistakes about filters give: their depth, their area, groups, biases."""
    window, K, C = prod(op.F), op.filters(input_shape), input_shape[0]
    own, biases = prod(op.weight_shape(input_shape)), K if op.has_bias else 0
    at, area = prod(op.positions(input_shape, out).values()), "·".join("F" * len(op.F))
    positions, positions_out = (
        "·".join(reversed(axes_of(out))),
        "·".join(f"{axis}'" for axis in reversed(axes_of(out))),
    )
    for weights, why in (
        (window * K, "with filters of depth 1; a filter is as deep as its input"),
        (own // window, f"with one weight per channel of a filter, without {area}"),
        (own // window * op.F[0], f"with F in place of {area}"),
        (window * C * K, "without the groups: a filter reads C/G channels"),
        (own * K, "with K twice"),
    ):
        if weights == own:
            continue  # no mistake here: F in place of F
        yield Slip("params", weights + biases, why)
        yield Slip("params", weights, f"{why}; and without the biases")
        yield Slip("macs", weights * at, why)
    yield Slip("params", own + 1, "with one bias in all; each filter has its own")
    yield Slip("macs", own * prod(input_shape[1:]), f"with the positions of the input, {positions}")
    yield Slip("macs", own * prod(out[1:]), f"with the positions of the output, {positions_out}")
    yield from _other_input(claimed, biases, own // C if own % C == 0 else 0, C, "channels")


def fc(op: Fc, input_shape: Shape, claimed: int) -> Iterator[Slip]:
    """Weights that another number of inputs gives."""
    yield from _other_input(claimed, op.K if op.has_bias else 0, op.K, input_shape[0], "numbers")


def _other_input(claimed: int, biases: int, each: int, C: int, what: str) -> Iterator[Slip]:
    """The depth C of the input for which `claimed` is right; `each`: the number of weights for one of its
    channels."""
    if each and claimed > biases and (claimed - biases) % each == 0:
        inputs = (claimed - biases) // each
        yield Slip("params", claimed, f"for an input of {inputs:,} {what}; this one has {C:,}")
