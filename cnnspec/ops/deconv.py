"""Transposed convolution: deconv. It is a convolution in reverse: each position of the input is spread over a
window of the output.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from operator import add, mul
from typing import Annotated

from cnnspec.ops.base import (
    Argument,
    Misfit,
    Remark,
    Shape,
    Slip,
    Window,
    axes_of,
    written_shape,
    written_sizes,
)
from cnnspec.ops.conv import Convolution
from cnnspec.ops.fields import Corner, Filters, Groups
from cnnspec.ops.formula import Formula, Values
from cnnspec.ops.groups import groups_misfit
from cnnspec.ops.sliding import Ends, each_or_one, needs_map, reach, split_unevenly


class Deconv(Convolution):
    """Transposed convolution: makes maps larger. It is the reverse of `conv` in its positions: each number of
    the input is multiplied with a whole filter, and the results are placed S positions apart; where they
    overlap, they are added. P rows and columns are then cut off on every side.

        W' = (W − 1)·S − 2P + D(F − 1) + 1 + extra

    `F2 S2` doubles a map without overlap, as in U-Net; `F4 S2 P1` doubles it with overlap. `extra` adds
    rows at the bottom and columns on the right, which a convolution of that stride would have lost (it must
    be less than S or less than D). `Psame` gives W·S; an odd row or column is cut off at the bottom or
    right.

    With `init=bilinear` filter k starts as bilinear interpolation of channel k, and `F4 S2 P1` enlarges a map
    as `upsample 2 bilinear` does, except at its border; `frozen` keeps it so (FCN's upsampling). On a signal
    that is linear interpolation, on a volume trilinear.

    Weights: (F·F·K/G)·C + K, stored as torch does, (C, K/G, F, F).
    """

    word = "deconv"
    title = "transposed convolution: makes maps larger"
    example = "input 128x28x28\ndeconv F2 S2 K64 => 64x56x56\n"

    G: Groups = 1
    K: Filters
    extra: Annotated[
        Corner, Argument("sizes", "additional rows and columns, at the bottom and right", keyword="extra")
    ] = (0, 0)

    def filters(self, input_shape: Shape) -> int:
        return self.K

    def groups(self, input_shape: Shape) -> int:
        return self.G

    def weight_shape(self, input_shape: Shape) -> Shape:
        """(C, K/G, F, F)."""
        return input_shape[0], self.K // self.G, *self.F

    @property
    def filter_axis(self) -> int:
        return 1

    def padding(self, input_shape: Shape) -> tuple[Ends, ...]:
        """How many rows and columns are cut off, ((top, bottom), (left, right)); `extra` reduces the second
        of each.
        """
        if not isinstance(self.P, str):
            return tuple((P, P - extra) for P, extra in zip(self.P, self.extra, strict=True))
        # (N − 1)S + reach − cut = N·S; below 0 where the filter is smaller than the stride
        cuts = (reach(F, D) - S for F, D, S in zip(self.F, self.D, self.S, strict=True))
        return tuple((max(cut, 0) // 2, cut - max(cut, 0) // 2) for cut in cuts)

    def misfit(self, input_shape: Shape) -> Misfit | None:
        if wrong := groups_misfit(self.G, input_shape[0], self.K):
            return wrong
        if self.normalised in ("standardized", "scaled") and self.G != 1:
            return Misfit(
                "E204",
                "filters of several groups share places in a deconv's weight, and cannot be standardized",
                argument="normalised",
                help="leave the groups out, or the word",
            )
        if self.P == "same" and any(self.extra):
            return Misfit("E204", "Psame and extra= exclude each other", argument="extra")
        for more, limit in zip(self.extra, map(max, self.S, self.D), strict=True):
            if more >= limit:
                return Misfit(
                    "E205",
                    f"extra={more} must be less than the stride or the dilation, {limit}",
                    argument="extra",
                    help=(f"extra={limit - 1} at most; " if limit > 1 else "")
                    + "a larger F makes the map larger",
                )
        return super().misfit(input_shape)

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """K x H' x W' with W' = (W − 1)·S − 2P + D(F − 1) + 1 + extra."""
        input_shape = inputs[0]
        if wrong := needs_map(self, input_shape) or self.misfit(input_shape):
            return wrong
        ends = self.padding(input_shape)
        size = tuple(
            (N - 1) * S + reach(F, D) - sum(cut)
            for N, S, F, D, cut in zip(input_shape[1:], self.S, self.F, self.D, ends, strict=True)
        )
        if min(size) >= 1:
            return self.K, *size
        # cutting P off at both ends of a map of `whole` leaves something up to P = (whole − 1)/2
        whole = tuple(N + first * 2 for N, (first, _) in zip(size, ends, strict=True))
        fits = (
            f"P{written_sizes([min(first, (N - 1) // 2) for N, (first, _) in zip(whole, ends, strict=True)])}"
        )
        axis = max(axis for axis, N in enumerate(size) if N < 1)
        return Misfit(
            "E301",
            f"the padding cuts everything off: {written_shape(whole)} minus P on every side is "
            f"{written_shape(size)}",
            argument="P",
            note=self._size_formula(axis, input_shape, (self.K, *size)).steps(),
            help=f"{fits} leaves something; the padding of a deconv is cut off its output",
            replacement=fits,
        )

    def positions(self, input_shape: Shape, out: Shape) -> dict[str, int]:
        """The number of positions at which every weight is used, by symbol: the sizes of the input."""
        return dict(reversed([*zip(axes_of(input_shape), input_shape[1:], strict=True)]))

    def window(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Window, ...]:
        """Output o is reached from the inputs i with i·S + D·tap − P = o."""
        windows = []
        for axis, ends in enumerate(self.padding(inputs[0])):
            S, span = self.S[axis], reach(self.F[axis], self.D[axis])
            size, start = 1 + Fraction(span - 1, S), Fraction(ends[0] - span + 1, S)
            windows.append(Window(size, Fraction(1, S), start))
        return tuple(windows)

    def size_formulas(self, input_shape: Shape, out: Shape) -> tuple[Formula, ...]:
        axes, places, ends = axes_of(input_shape), range(len(self.F)), self.padding(input_shape)
        sizes = each_or_one([self._size_formula(axis, input_shape, out) for axis in places], axes)
        if not isinstance(self.P, str) or any(sum(cut) < 0 for cut in ends):
            return sizes
        return *sizes, *split_unevenly([self._cut(axis) for axis in places], axes, ends, "cut off")

    def _cut(self, axis: int) -> Formula:
        """How much Psame cuts off along an axis."""
        F, S, D = self.F[axis], self.S[axis], self.D[axis]
        values = {"F": F, "S": S, **({"D": D} if D != 1 else {})}
        return Formula("Z", "F − S" if D == 1 else "D·(F − 1) + 1 − S", values, reach(F, D) - S)

    def _size_formula(self, axis: int, input_shape: Shape, out: Shape) -> Formula:
        letter, S, F = axes_of(input_shape)[axis], self.S[axis], self.F[axis]
        D, extra = self.D[axis], self.extra[axis]
        values: Values = {letter: input_shape[1 + axis], "S": S}
        if isinstance(self.P, str):
            return Formula(letter + "'", f"{letter}·S", values, out[1 + axis])
        span = "F" if D == 1 else "D·(F − 1) + 1"
        text = f"({letter} − 1)·S − 2P + {span}{' + extra' if extra else ''}"
        values |= {"P": self.P[axis], **({"D": D} if D != 1 else {}), "F": F}
        return Formula(letter + "'", text, values | ({"extra": extra} if extra else {}), out[1 + axis])

    def size_slips(self, input_shape: Shape, out: Shape) -> Iterable[Slip]:
        for more in range(1, max(self.S)):
            extra = [min(more, S - 1) for S in self.S]
            yield Slip("out", _larger(out, extra), f"with extra={written_sizes(extra)}")
        yield Slip("out", (out[0], *map(mul, input_shape[1:], self.S)), "of W·S, which Psame gives")
        if not isinstance(self.P, str):
            wider = [2 * P for P in self.P]
            yield Slip("out", _larger(out, wider), "without the padding, which is cut off here")

    def remark(self, inputs: tuple[Shape, ...], out: Shape) -> Iterable[Remark]:
        from cnnspec.ops.remarks import power_of_two

        return power_of_two(self.K)


def _larger(shape: Shape, by: Sequence[int]) -> Shape:
    return shape[0], *map(add, shape[1:], by)
