"""Attention: each position of a map reads all positions of another one, weighted by how alike they are."""

from collections.abc import Iterable
from fractions import Fraction
from math import prod
from typing import Annotated, Literal

from cnnspec.ops.base import (
    POINT,
    Argument,
    Initial,
    Misfit,
    Shape,
    Slip,
    Weight,
    Window,
    flag,
    written_shape,
)
from cnnspec.ops.fields import AboveZero, Flag, Frozen, Positive
from cnnspec.ops.formula import Formula
from cnnspec.ops.groups import divisors
from cnnspec.ops.merge import Merge
from cnnspec.ops.start import role_of

Relative = Literal["table", "query"]
AXES = "thw"


class Attention(Merge):
    """Attention of three branches, queries q, keys k and values v (Vaswani et al., 2017; as a layer of
    CNNs: Wang et al., 2018; Bello et al., 2019). Each position of q gets the mean of v over all positions of
    k, weighted by the softmax of qᵀk/√d:

        y = Σ softmax(qᵀk/√d) · v      MACs = (C + C')·N·M

    with C channels of q and k and C' of v, N positions of q and M of k. `heads=4` divides the channels into
    4 parts in order, which do this separately, d = C/4 channels each; the branches are usually `conv F1 K=C`.
    `unscaled` leaves 1/√d out. It has no weights, unless the scores depend on where the positions are:

    - `relative` adds a number to each score by the offset from q's position to k's, a table of
      (2H − 1)·(2W − 1) numbers per head (CoAtNet, Dai et al., 2021; Swin);
    - `relative=query` adds qᵀr, with a learned vector r of d numbers for each offset along each axis, which
      all heads share: (qᵀk + qᵀr)/√d (BoTNet, Srinivas et al., 2021).

    `channels` exchanges channels and positions: each channel of q gets the mean of v over the channels of k
    in its head, weighted by the softmax of qkᵀ/√N (`unscaled` leaves 1/√N out), with N positions of q and k
    and M of v. After `l2norm positions` of q and k it is cross-covariance attention (XCiT, El-Nouby et al.,
    2021; Restormer, Zamir et al., 2022), whose cost grows with N, not N²: MACs = C·(C'/heads)·(N + M).

    `linear` replaces the softmax: y = relu(q)ᵀ(Σ relu(k)·vᵀ) / (relu(q)ᵀ Σ relu(k) + eps), whose cost grows
    with N + M, not N·M (EfficientViT, Cai et al., 2023): MACs = C·(C'/heads)·(N + M).
    """

    word = "attention"
    title = "attention of queries, keys and values"
    example = (
        "input 64x14x14\n"
        "add [ id | attention heads=4 [ conv F1 K64 | conv F1 K64 | conv F1 K64 ] ] => 64x14x14\n"
    )
    branches = "[ conv F1 K64 | conv F1 K64 | conv F1 K64 ]"
    operator = False

    heads: Annotated[
        Positive, Argument("integer", "parts of the channels, each with its own weights", keyword="heads")
    ] = 1
    softmax: Annotated[Flag, flag("relu(q) and relu(k) in place of the softmax", linear=False)] = True
    unscaled: Annotated[Flag, flag("the scores are not divided by √d", unscaled=True)] = False
    channels: Annotated[Flag, flag("between channels in place of positions", channels=True)] = False
    relative: Annotated[
        Relative | None,
        Argument(
            "word",
            "scores depend on offsets: by a table, or (`relative=query`) by the query",
            keyword="relative",
            flags=(("relative", "table"),),
        ),
    ] = None
    eps: Annotated[AboveZero, Argument("number", "with `linear`: added to the divisor", keyword="eps")] = (
        Fraction(1, 10**15)
    )
    frozen: Frozen = False

    def unfit(self) -> Misfit | None:
        if self.channels and (self.relative or not self.softmax):
            other = "relative" if self.relative else "linear"
            return Misfit(
                "E204",
                f"`channels` and `{other}` exclude each other",
                "channels",
                help=f"leave one of them out: `{other}` is about positions",
            )
        without = "leave it out, or leave `linear` out"
        if not self.softmax and self.relative:
            return Misfit(
                "E204", "`linear` has no scores to which `relative` could add", "relative", help=without
            )
        if not self.softmax and self.unscaled:
            return Misfit("E204", "`linear` has no factor 1/√d", "unscaled", help=without)
        if self.softmax and self.eps != Fraction(1, 10**15):
            return Misfit(
                "E204", "eps= belongs to `linear`", "eps", help="leave it out, or write `linear` too"
            )
        if self.frozen and not self.relative:
            return Misfit(
                "E204", "`attention` has weights only with `relative`", "frozen", help="leave `frozen` out"
            )
        return None

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """The channels of v at the positions of q; with `channels`, those of q at the positions of v."""
        if len(inputs) != 3:
            return Misfit(
                "E304",
                f"attention needs three branches, queries, keys and values; it has {len(inputs)}",
                help="`attention [ conv F1 K64 | conv F1 K64 | conv F1 K64 ]`; `id` is the input itself",
            )
        for number, shape in enumerate(inputs):
            if len(shape) < 2:
                return Misfit(
                    "E303",
                    f"attention needs maps; branch {number + 1} is a vector of {shape[0]} numbers",
                    input=number,
                    help=f"`reshape {shape[0]}x1x1` makes a map of one position of it",
                )
        q, k, v = inputs
        unfit = self._across(q, k, v) if self.channels else self._misfit(q, k, v)
        of, at = (q, v) if self.channels else (v, q)
        return unfit or self._uneven(q, k if self.channels else v) or self.unfit() or (of[0], *at[1:])

    def _across(self, q: Shape, k: Shape, v: Shape) -> Misfit | None:
        if q[1:] != k[1:]:
            return Misfit(
                "E304",
                f"q is {written_shape(q)}, k is {written_shape(k)}; "
                "`channels` multiplies them position by position",
                input=1,
                help=f"give k the size {written_shape(q[1:])}",
            )
        if k[0] != v[0]:
            return Misfit(
                "E304",
                f"k has {k[0]} channels, v has {v[0]}; each channel of k needs one of v",
                input=2,
                help=f"`conv F1 K{k[0]}` at the end of branch 3 gives it {k[0]} channels",
            )
        return None

    def _misfit(self, q: Shape, k: Shape, v: Shape) -> Misfit | None:
        if q[0] != k[0]:
            return Misfit(
                "E304",
                f"q has {q[0]} channels, k has {k[0]}; attention multiplies them channel by channel",
                input=1,
                help=f"`conv F1 K{q[0]}` at the end of branch 2 gives it {q[0]} channels",
            )
        if k[1:] != v[1:]:
            return Misfit(
                "E304",
                f"k is {written_shape(k)}, v is {written_shape(v)}; each position of k needs a value of v",
                input=2,
                help=f"give v the size {written_shape(k[1:])}, for instance with the same pooling as k",
            )
        if self.relative and q[1:] != k[1:]:
            return Misfit(
                "E304",
                f"q is {written_shape(q)}, k is {written_shape(k)}; offsets need maps of equal size",
                argument="relative",
                input=1,
                help="leave `relative` out, or give k the size of q",
            )
        return None

    def _uneven(self, q: Shape, other: Shape) -> Misfit | None:
        """Heads that do not divide the channels of q, or of v (with `channels`, k)."""
        for number, channels in ((0, q[0]), (1 if self.channels else 2, other[0])):
            if channels % self.heads:
                fits = [divisor for divisor in divisors(q[0], 2 * self.heads) if other[0] % divisor == 0]
                near = min(fits, key=lambda one: (abs(one - self.heads), one))
                return Misfit(
                    "E305",
                    f"{'qkv'[number]} has {channels} channels, which {self.heads} heads do not divide",
                    argument="heads",
                    input=number,
                    note=f"C/heads = {channels}/{self.heads}",
                    help=f"`heads={near}` divides them",
                    replacement=f"heads={near}",
                )
        return None

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        """`table` (heads, 2H − 1, 2W − 1); or `relative_h` (2H − 1, d) and `relative_w` (2W − 1, d)."""
        C, *sizes = inputs[0]
        d, role = C // self.heads, role_of(self.frozen)
        offsets = tuple(2 * size - 1 for size in sizes)
        if self.relative == "table":
            return (Weight("table", (self.heads, *offsets), Initial("normal", 0.02), role),)
        if self.relative is None:
            return ()
        start = Initial("normal", float(d) ** -0.5)
        names = AXES[-len(sizes) :]
        return tuple(
            Weight(f"relative_{axis}", (size, d), start, role)
            for axis, size in zip(names, offsets, strict=True)
        )

    def macs(self, inputs: tuple[Shape, ...], out: Shape) -> int:
        """The products of q and k (or r), plus the products of the scores and v."""
        (C, *queries), (_, *keys), (values, *seen) = inputs
        N, M = prod(queries), prod(seen if self.channels else keys)
        if self.channels or not self.softmax:
            return C * (values // self.heads) * (N + M)
        offsets = sum(2 * size - 1 for size in queries) if self.relative == "query" else 0
        return N * (C * (M + offsets) + values * M)

    def scratch(self, inputs: tuple[Shape, ...], out: Shape) -> int:
        """The scores, N·M per head (with `channels`, d·d'); with `linear`, d·d' and d numbers per head."""
        (C, *queries), (_, *keys), (values, *_) = inputs
        if self.channels:
            return C * (values // self.heads)
        if not self.softmax:
            return C * (values // self.heads + 1)
        return self.heads * prod(queries) * prod(keys)

    def window(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Window, ...]:
        """All of k and v; with `channels`, of q and k."""
        return tuple(Window(size, 0, 0) for size in inputs[1][1:])

    def windows(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[tuple[Window, ...], ...]:
        """Of q, each position reads only itself; with `channels`, of v."""
        whole = self.window(inputs, out)
        point = (POINT,) * len(whole)
        return (whole, whole, point) if self.channels else (point, whole, whole)

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        (C, *queries), (_, *keys), (values, *seen) = inputs
        N, M = prod(queries), prod(seen if self.channels else keys)
        numbers = {"C": C, "C'": values, "N": N, "M": M, "heads": self.heads}
        lines: list[Formula] = []
        axes = dict(zip("THW"[-len(queries) :], queries, strict=True))
        if self.relative:
            count = sum(prod(weight.shape) for weight in self.weights(*inputs))
            offsets = [f"(2{axis} − 1)" for axis in axes]
            text = f"heads·{'·'.join(offsets)}"
            if self.relative == "query":
                text = f"({' + '.join(offset[1:-1] for offset in offsets)})·C/heads"
            lines.append(Formula("weights", text, numbers | axes, count))
        text = "(C + C')·N·M"
        if self.channels or not self.softmax:
            text = "C·(C'/heads)·(N + M)"
        elif self.relative == "query":
            text += f" + C·N·({' + '.join(f'2{axis} − 1' for axis in axes)})"
        lines.append(Formula("MACs", text, numbers | axes, self.macs(inputs, out)))
        return tuple(lines)

    def slips(self, inputs: tuple[Shape, ...], out: Shape, claimed: int) -> Iterable[Slip]:
        yield Slip("out", inputs[0], "with q's channels; the output has those of v")
