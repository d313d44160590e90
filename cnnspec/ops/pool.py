"""Pooling: maxpool, avgpool, blur, gap, gmp, cmean, cmax, and LeNet's subsample.

Pooling works on each map by itself: the input is W x H x C, the output W' x H' x C, and there are no weights
(except in subsample). W' = (W − F)/S + 1, as in a convolution.
"""

from collections.abc import Iterable
from fractions import Fraction
from math import gcd, prod
from typing import Annotated

from cnnspec.ops.base import (
    Argument,
    Initial,
    Misfit,
    Op,
    Remark,
    Shape,
    Slip,
    Weight,
    Window,
    axes_of,
    flag,
    is_default,
    whole,
    written_sizes,
)
from cnnspec.ops.fields import Dilation, FilterSize, Flag, Frozen, Padding, Sizes, Stride
from cnnspec.ops.formula import Formula
from cnnspec.ops.sliding import Ends, Slide, needs_map, places_of, steps_over
from cnnspec.ops.start import ZERO, role_of


class Pooling(Op):
    """What maxpool, avgpool and subsample have in common."""

    F: Annotated[Sizes | None, Argument("sizes", "window size (F2, F2x1)", letter="F")] = None
    S: Annotated[Sizes | None, Argument("sizes", "stride (default: F)", letter="S")] = None

    @property
    def size(self) -> Sizes:
        return self.F or (1, 1)

    @property
    def stride(self) -> Sizes:
        return self.S or self.size

    @property
    def slide(self) -> Slide:
        axes = len(self.size)
        return Slide(self.size, self.stride, (0,) * axes, (1,) * axes)


class AdaptivePooling(Pooling):
    """maxpool and avgpool: windows of a given size, or windows that give a given output size."""

    P: Padding = (0, 0)
    ceil: Annotated[
        Flag, flag("round the size up: a last window that is only partly on the map counts", ceil=True)
    ] = False
    size_out: Annotated[Sizes | None, Argument("sizes", "instead of F: the output size", keyword="out")] = (
        None
    )

    @property
    def size(self) -> Sizes:
        return self.F or (1,) * len(self.size_out or (1, 1))

    @property
    def dilation(self) -> Sizes:
        return (1,) * len(self.size)

    @property
    def slide(self) -> Slide:
        return Slide(self.size, self.stride, self.P, self.dilation)

    def padding(self, input_shape: Shape) -> tuple[Ends, ...]:
        """The zeros of each axis: of a map ((top, bottom), (left, right))."""
        return self.slide.ends(input_shape)

    def unfit(self) -> Misfit | None:
        if self.size_out is not None:
            fields = type(self).model_fields
            for field in ("F", "S", "P", "D", "ceil", "exclude_pad"):
                if field in fields and not is_default(fields[field].default, getattr(self, field)):
                    shown = field if len(field) > 1 else f"{field}…"
                    return Misfit(
                        "E204",
                        f"{shown} and out= exclude each other: out= determines the windows",
                        argument=field,
                    )
            return None
        if self.F is None:
            return Misfit(
                "E203",
                f"{self.word} needs its window F, or out=, the output size",
                help=f"{self.word} F2 halves a map; {self.word} out=7x7 gives 7x7 for any input",
            )
        if not isinstance(self.P, str) and any(2 * p > f for p, f in zip(self.P, self.F, strict=False)):
            text = f"P{written_sizes([min(p, f // 2) for p, f in zip(self.P, self.F, strict=False)])}"
            square = f": {max(self.P)} > {Fraction(self.F[0], 2)}" if len(set(self.F)) == 1 else ""
            return Misfit(
                "E306",
                f"the padding is more than half the window: "
                f"P{written_sizes(self.P)} with F{written_sizes(self.F)}",
                argument="P",
                note=f"P ≤ F/2{square}",
                help=f"{text} is the largest allowed; with more, a window could cover only padding",
                replacement=text,
            )
        return None

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """C x H' x W' with W' = ⌊(W + 2P − D(F − 1) − 1)/S⌋ + 1; `ceil` rounds up."""
        input_shape = inputs[0]
        if wrong := needs_map(self, input_shape) or self.unfit():
            return wrong
        if self.size_out is not None:
            return input_shape[0], *self.size_out
        size = self.slide.size(input_shape, ceil=self.ceil)
        if min(size) < 1:
            return self.slide.too_large(input_shape, what="window")
        return self._only_padding(input_shape, size) or (input_shape[0], *size)

    def _only_padding(self, input_shape: Shape, size: Sizes) -> Misfit | None:
        """E306 where a dilated window skips a small map."""
        D = self.dilation
        for axis, (before, _) in enumerate(self.padding(input_shape)):
            N = input_shape[1 + axis]
            if steps_over(N, self.stride[axis], before, D[axis], size[axis]):
                fits = f"D{written_sizes([*map(min, D, input_shape[1:])])}"
                return Misfit(
                    "E306",
                    f"a window covers only padding: its taps are {D[axis]} apart, and the map has {N} "
                    f"{places_of(len(D))[axis]}{'s' if N > 1 else ''}",
                    argument="D",
                    note=f"D ≤ {axes_of(input_shape)[axis]}: {D[axis]} > {N}",
                    help=f"with {fits} every window meets the map; padding counts as −∞",
                    replacement=fits,
                )
        return None

    def window(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Window, ...]:
        if self.size_out is not None:
            return tuple(map(_adaptive, inputs[0][1:], out[1:]))
        return self.slide.windows(inputs[0])

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        return self.slide.formulas(inputs[0], out, ceil=self.ceil) if self.size_out is None else ()

    def slips(self, inputs: tuple[Shape, ...], out: Shape, claimed: int) -> Iterable[Slip]:
        from cnnspec.ops.slips import sliding

        return sliding(self.slide, inputs[0], out[0], ceil=self.ceil) if self.size_out is None else ()

    def remark(self, inputs: tuple[Shape, ...], out: Shape) -> Iterable[Remark]:
        from cnnspec.ops.remarks import lost_border, padded_pool

        if self.size_out is not None:
            return ()
        lost = () if self.ceil else lost_border(self.slide, inputs[0], out)
        return *padded_pool(self.P), *lost


class MaxPool(AdaptivePooling):
    """The largest number of each window, map by map. It has no weights.

        W' = (W − F + 2P)/S + 1      C' = C

    Without S the windows are side by side, S = F. `ceil` rounds the size up where S does not divide, as
    Caffe does (GoogLeNet, SqueezeNet); a last window must still start inside the input or its first
    padding. Padding counts as −∞; P is at most F/2, and no window may cover padding alone (a dilated one
    can skip a map smaller than D). `out=7x7` gives that size for any input: window i then goes from ⌊i·W/7⌋
    to ⌈(i + 1)·W/7⌉.
    """

    word = "maxpool"
    title = "the largest number of each window"
    example = "input 64x112x112\nmaxpool F3 S2 P1 => 64x56x56\n"

    D: Dilation = (1, 1)

    @property
    def dilation(self) -> Sizes:
        return self.D


class AvgPool(AdaptivePooling):
    """The mean of each window, map by map. It has no weights.

        W' = (W − F + 2P)/S + 1      C' = C

    Zeros of the padding count in the mean, unless `exclude_pad` is written. With `ceil`, positions beyond the
    padding never count. `out=7x7` gives that size for any input; `gap` is `out=1x1`.
    """

    word = "avgpool"
    title = "the mean of each window"
    example = "input 6x28x28\navgpool F2 => 6x14x14\n"

    exclude_pad: Annotated[
        Flag, flag("the mean is over the map's own numbers, without padding", exclude_pad=True)
    ] = False


class Blur(Op):
    """Blurs each map with a fixed binomial filter, so that a stride aliases less: (1 2 1)/4 along rows and
    columns for `blur F3`, (1 4 6 4 1)/16 for `blur F5` (Zhang, 2019, BlurPool). It has no weights.

        W' = (W − F + 2P)/S + 1      C' = C

    The padding is of zeros; Zhang's mirrors the map: `pad 1 reflect -> blur F3 S2`.
    """

    word = "blur"
    title = "a fixed binomial filter on each map"
    example = (
        "input 64x112x112\nmaxpool F2 S1 -> pad left=1 right=1 top=1 bottom=1 -> blur F3 S2 => 64x56x56\n"
    )

    F: FilterSize
    S: Stride = (1, 1)
    P: Padding = (0, 0)

    @property
    def slide(self) -> Slide:
        return Slide(self.F, self.S, self.P, (1,) * len(self.F))

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """C x H' x W' with W' = ⌊(W − F + 2P)/S⌋ + 1."""
        input_shape = inputs[0]
        if wrong := needs_map(self, input_shape):
            return wrong
        size = self.slide.size(input_shape)
        return (input_shape[0], *size) if min(size) >= 1 else self.slide.too_large(input_shape)

    def window(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Window, ...]:
        return self.slide.windows(inputs[0])

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        return self.slide.formulas(inputs[0], out)


class WholeMap(Op):
    """gap and gmp: one number per map."""

    ends_map = True

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """C x 1 x 1."""
        return needs_map(self, inputs[0]) or (inputs[0][0], *(1 for _ in inputs[0][1:]))

    def window(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Window, ...]:
        return whole(inputs[0])


class Gap(WholeMap):
    """Global average pooling: the mean of each map. C x H x W becomes C x 1 x 1 for any H and W, so that the
    network accepts images of any size (Lin et al., Network in Network, 2013). For `fc` it is a vector of C.
    """

    word = "gap"
    title = "global average pooling: the mean of each map"
    example = "input 2048x7x7\ngap => 2048x1x1\nfc 1000\n"


class Gmp(WholeMap):
    """Global max pooling: the largest number of each map. C x H x W becomes C x 1 x 1."""

    word = "gmp"
    title = "global max pooling: the largest number of each map"
    example = "input 512x7x7\ngmp => 512x1x1\nfc 10\n"


class OverChannels(Op):
    """cmean and cmax: one number per position."""

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """1 x H x W."""
        return needs_map(self, inputs[0]) or (1, *inputs[0][1:])


class CMean(OverChannels):
    """The mean over the channels, at each position: C x H x W becomes 1 x H x W (CBAM's spatial
    attention).
    """

    word = "cmean"
    title = "the mean over the channels, at each position"
    example = "input 64x56x56\ncmean => 1x56x56\n"


class CMax(OverChannels):
    """The largest over the channels, at each position: C x H x W becomes 1 x H x W (CBAM's spatial
    attention).
    """

    word = "cmax"
    title = "the largest number over the channels, at each position"
    example = "input 64x56x56\ncmax => 1x56x56\n"


class Subsample(Pooling):
    """LeNet-5's trainable pooling: the sum of each window, times a weight, plus a bias, one of each per map.
    The initial weight is 1/F² and the bias 0, which gives the mean.

        W' = (W − F)/S + 1      weights 2C

    LeCun et al., 1998, apply a sigmoid to the output: write `tanh` after it.
    """

    word = "subsample"
    title = "LeNet-5's trainable mean pooling"
    example = "input 6x28x28\nsubsample F2 => 6x14x14, params 12, connections 5,880\ntanh\n"
    weighted = True
    linear = True

    F: Annotated[Sizes, Argument("sizes", "window size (F2, F2x1)", letter="F")]
    frozen: Frozen = False

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """C x H' x W' with W' = ⌊(W − F)/S⌋ + 1."""
        input_shape = inputs[0]
        if wrong := needs_map(self, input_shape):
            return wrong
        size = self.slide.size(input_shape)
        return (input_shape[0], *size) if min(size) >= 1 else self.slide.too_large(input_shape, what="window")

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        C = (inputs[0][0],)
        mean, role = Initial("constant", 1 / prod(self.F)), role_of(self.frozen)
        return Weight("weight", C, mean, role), Weight("bias", C, ZERO, role)

    def connections(self, inputs: tuple[Shape, ...], out: Shape) -> int:
        """(F·F + 1) × outputs: LeCun counts the window's inputs and the bias."""
        return (prod(self.F) + 1) * prod(out)

    def window(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Window, ...]:
        return self.slide.windows(inputs[0])

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        C = inputs[0][0]
        axes = axes_of(out)
        window = {f"F{axis.lower()}": size for axis, size in zip(axes, self.F, strict=True)}
        at = {f"{axis}'": size for axis, size in reversed([*zip(axes, out[1:], strict=True)])}
        text = f"({'·'.join(window)} + 1)·C·{'·'.join(at)}"
        values = window | {"C": C} | at
        return (
            *self.slide.formulas(inputs[0], out),
            Formula("weights", "2·C", {"C": C}, 2 * C),
            Formula("connections", text, values, self.connections(inputs, out)),
        )

    def remark(self, inputs: tuple[Shape, ...], out: Shape) -> Iterable[Remark]:
        from cnnspec.ops.remarks import lost_border

        return lost_border(self.slide, inputs[0], out)


def _adaptive(N: int, count: int) -> Window:
    """Window i reaches from ⌊i·N/count⌋ to ⌈(i + 1)·N/count⌉ − 1."""
    off = Fraction(count - gcd(N, count), count)  # how far rounding moves an end, at most
    step = Fraction(N, count)
    return Window(step + 2 * off, step, -off)
