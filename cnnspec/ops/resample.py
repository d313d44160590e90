"""Layers that move numbers between channels and positions or make maps larger: upsample, unpool,
pixelshuffle, pixelunshuffle, shuffle. They have no weights.
"""

from fractions import Fraction
from math import gcd, isqrt
from typing import Annotated, Any, Literal

from pydantic import PlainSerializer, PlainValidator

from cnnspec.ops.base import POINT, Argument, Misfit, Op, Shape, Window, flag, written_shape
from cnnspec.ops.fields import Flag, Groups, Like, Sizes
from cnnspec.ops.formula import Formula
from cnnspec.ops.groups import divisors, groups_misfit
from cnnspec.ops.sliding import needs_map, scaled


class Upsample(Op):
    """Makes maps larger: `upsample 2` doubles height and width, `out=56x56` gives a size, `like=@a` that of
    another tensor.

    `nearest`, the default, repeats each number: position o reads ⌊o·W/W'⌋. `bilinear` interpolates between
    the four numbers around (o + ½)·W/W' − ½, `bicubic` between the sixteen (a = −0.75). With `corners` the
    corners are aligned: position o is at o·(W − 1)/(W' − 1), torch's `align_corners=True`.

        W' = W·factor      C' = C
    """

    word = "upsample"
    title = "larger maps: numbers repeated or interpolated"
    example = "input 256x13x13\nupsample 2 => 256x26x26\n"
    tensors = ("like",)

    factor: Annotated[Sizes | None, Argument("pair", "how many times larger (2, 2x1)", positional=0)] = None
    size_out: Annotated[Sizes | None, Argument("pair", "the output size", keyword="out")] = None
    like: Like = False
    mode: Annotated[
        Literal["nearest", "bilinear", "bicubic"],
        flag("repeat, or interpolate", nearest="nearest", bilinear="bilinear", bicubic="bicubic"),
    ] = "nearest"
    corners: Annotated[Flag, flag("the corners are aligned", corners=True)] = False

    def unfit(self) -> Misfit | None:
        if not self.corners or self.mode != "nearest":
            return None
        return Misfit(
            "E204",
            "`corners` has no effect on nearest neighbours",
            argument="corners",
            help="write `bilinear` or `bicubic` too, or leave `corners` out",
        )

    def out(self, *arriving: Shape) -> Shape | Misfit:
        """C x H·factor x W·factor, or the size asked for."""
        here = arriving[0]
        ways = "`upsample 2`, `out=56x56` or `like=@a`"
        one = exactly_one(self, ("factor", "size_out", "like"), ways)
        if wrong := needs_map(self.word, here) or one or self.unfit():
            return wrong
        if self.like:
            return needs_map("like=", arriving[1], 1) or (here[0], *arriving[1][1:])
        if self.size_out is not None:
            return here[0], *self.size_out
        assert self.factor is not None
        return here[0], here[1] * self.factor[0], here[2] * self.factor[1]

    def window(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Window, Window]:
        rows, columns = zip(arriving[0][1:], out[1:], strict=True)
        if self.mode == "nearest":
            return _nearest(*rows), _nearest(*columns)
        around = 1 if self.mode == "bicubic" else 0
        return _between(*rows, self.corners, around), _between(*columns, self.corners, around)

    def formulas(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        return () if self.factor is None else scaled("W·factor", arriving[0], out, factor=self.factor)


def _load_pool(value: Any) -> Op | None:
    from cnnspec.ops import load_op

    return None if value is None else load_op(value)


def _dump_pool(value: Op | None) -> Any:
    from cnnspec.ops import dump_op

    return None if value is None else dump_op(value)


class Unpool(Op):
    """Undoes a maxpool: `unpool like=@pool` gives maps of the size of that maxpool's input, puts each
    number at the position where the maxpool found its maximum, and 0 everywhere else (SegNet; Zeiler and
    Fergus, 2014). Its input has the shape of the maxpool's output. Where windows overlap and two maxima are
    at one position, one of the numbers is kept.
    """

    word = "unpool"
    title = "puts numbers back where a maxpool found its maxima"
    example = "input 64x56x56\np: maxpool F2 => 64x28x28\nconv F3 P1 K64\nunpool like=@p => 64x56x56\n"
    tensors = ("like",)
    undoes = "maxpool"

    like: Annotated[Flag, Argument("tensor", "the output of the maxpool", keyword="like")] = False
    maxpool: Annotated[Op | None, PlainValidator(_load_pool), PlainSerializer(_dump_pool)] = None
    """That maxpool; not written in a spec, the elaborator adds it."""

    def out(self, *arriving: Shape) -> Shape | Misfit:
        """The shape of the maxpool's input, the second input."""
        here = arriving[0]
        if wrong := needs_map(self.word, here):
            return wrong
        if not self.like or self.maxpool is None or len(arriving) < 2:
            return Misfit(
                "E203" if not self.like else "E308",
                "unpool needs the maxpool that it undoes: `unpool like=@pool`",
                argument="like" if self.like else None,
                help="put a label on the line that ends with the maxpool, and name it in like=",
            )
        pooled = self.maxpool.out(arriving[1])
        if not isinstance(pooled, Misfit) and pooled != here:
            return Misfit(
                "E308",
                f"the input is {written_shape(here)}, the output of the maxpool {written_shape(pooled)}: "
                "unpool needs equal shapes",
                argument="like",
                help="unpool the maxpool of this size"
                if here[1:] != pooled[1:]
                else f"`conv F1 K{pooled[0]}` before it gives {pooled[0]} channels",
            )
        return arriving[1]

    def window(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Window, Window]:
        """Position o reads the windows of the maxpool that o stands in."""
        if self.maxpool is None:
            return POINT, POINT
        there = self.maxpool.window((out,), arriving[0])
        return _turned_round(there[0]), _turned_round(there[1])


class PixelShuffle(Op):
    """Turns channels into positions: `pixelshuffle r` rearranges r·r channels as a square of r x r positions;
    C·r² x H x W becomes C x H·r x W·r (ESPCN, Shi et al., 2016); `pixelshuffle 2x4` turns 8 channels into 2
    rows and 4 columns. It has no weights; the convolution before it learns to upsample.
    """

    word = "pixelshuffle"
    title = "channels become positions: larger maps"
    example = "input 64x85x85\nconv F3 P1 K27 -> pixelshuffle 3 => 3x255x255\n"

    factor: Annotated[Sizes, Argument("pair", "how many times larger (2, 2x4)", positional=0)]

    def out(self, *arriving: Shape) -> Shape | Misfit:
        """C/r² x H·r x W·r."""
        if wrong := needs_map(self.word, arriving[0]):
            return wrong
        (C, H, W), (r, s) = arriving[0], self.factor
        if C % (r * s):
            fits = [f for f in range(2, min(r, isqrt(C) + 1)) if C % (f * f) == 0]
            more = -(-C // (r * s)) * r * s
            return Misfit(
                "E307",
                f"{C} channels do not make {_cells(r, s)}",
                argument="factor",
                note=f"{'C/r²' if r == s else 'C/(Rh·Rw)'} = {C}/{r * s}",
                help=f"{more} channels would (`conv F1 K{more}` before it)"
                + (f"; a factor of {fits[-1]} fits {C}" if fits else ""),
                replacement=str(fits[-1]) if fits else None,
            )
        return C // (r * s), H * r, W * s

    def window(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Window, Window]:
        return _nearest(arriving[0][1], out[1]), _nearest(arriving[0][2], out[2])

    def formulas(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        C, (r, s) = arriving[0][0], self.factor
        channels = Formula("C'", "C/(Rh·Rw)", {"C": C, "Rh": r, "Rw": s}, out[0])
        if r == s:
            channels = Formula("C'", "C/r²", {"C": C, "r": r}, out[0])
        return channels, *scaled("W·r", arriving[0], out, r=(r, s))


class PixelUnshuffle(Op):
    """Turns positions into channels: C x H x W becomes C·r² x H/r x W/r; H and W must be multiples of r;
    `pixelunshuffle 2x4` turns 2 rows and 4 columns into channels. It is the inverse of pixelshuffle (YOLOv2's
    reorganisation is of this kind).
    """

    word = "pixelunshuffle"
    title = "positions become channels: smaller maps"
    example = "input 64x26x26\npixelunshuffle 2 => 256x13x13\n"

    factor: Annotated[Sizes, Argument("pair", "how many times smaller (2, 2x4)", positional=0)]

    def out(self, *arriving: Shape) -> Shape | Misfit:
        """C·r² x H/r x W/r."""
        if wrong := needs_map(self.word, arriving[0]):
            return wrong
        (C, H, W), (r, s) = arriving[0], self.factor
        if H % r or W % s:
            fits = divisors(gcd(H, W), r - 1)[1:]
            return Misfit(
                "E307",
                f"a map of {H}x{W} cannot be cut into {_cells(r, s)}",
                argument="factor",
                note=f"H/r = {H}/{r}, W/r = {W}/{s}",
                help=f"a factor of {fits[-1]} fits"
                if fits
                else f"{-(-H // r) * r}x{-(-W // s) * s} would fit",
                replacement=str(fits[-1]) if fits else None,
            )
        return C * r * s, H // r, W // s

    def window(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Window, Window]:
        r, s = self.factor
        return Window(r, r, 0), Window(s, s, 0)

    def formulas(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        C, (r, s) = arriving[0][0], self.factor
        channels = Formula("C'", "C·Rh·Rw", {"C": C, "Rh": r, "Rw": s}, out[0])
        if r == s:
            channels = Formula("C'", "C·r²", {"C": C, "r": r}, out[0])
        return channels, *scaled("W/r", arriving[0], out, r=(r, s))


def _cells(rows: int, columns: int) -> str:
    return f"{'squares' if rows == columns else 'rectangles'} of {rows}x{columns}"


class Shuffle(Op):
    """Shuffles channels between G groups: channel g·(C/G) + j becomes channel j·G + g, so that the next
    grouped convolution reads channels of every group (ShuffleNet, Zhang et al., 2017). G must divide C.
    """

    word = "shuffle"
    title = "channels of G groups shuffled"
    example = "input 240x28x28\nconv F1 G3 K240 -> shuffle G3 => 240x28x28\n"

    G: Groups

    def out(self, *arriving: Shape) -> Shape | Misfit:
        """The same; G divides C."""
        here = arriving[0]
        return needs_map(self.word, here) or groups_misfit(self.G, here[0]) or here


def exactly_one(op: Op, fields: tuple[str, ...], what: str) -> Misfit | None:
    """E203 where none of these fields is given, E204 where more than one is."""
    given = [name for name in fields if getattr(op, name)]
    if len(given) == 1:
        return None
    if not given:
        return Misfit("E203", f"{op.word} needs a size: {what}")
    return Misfit("E204", f"{op.word} has {len(given)} sizes; write one of {what}", argument=given[1])


def _nearest(N: int, count: int) -> Window:
    """Output o reads ⌊o·N/count⌋."""
    step = Fraction(N, count)
    off = Fraction(step.denominator - 1, step.denominator)  # how far ⌊ ⌋ moves a position down, at most
    return Window(1 + off, step, -off)


def _between(N: int, count: int, corners: bool, around: int) -> Window:
    """Output o stands at x = (o + ½)·N/count − ½, or with the corners aligned at o·(N − 1)/(count − 1), and
    reads from ⌊x⌋ to ⌈x⌉, and `around` more on both sides.
    """
    if corners:
        step, middle = Fraction(N - 1, count - 1) if count > 1 else Fraction(0), Fraction(0)
    else:
        step = Fraction(N, count)
        middle = step / 2 - Fraction(1, 2)
    parts = step.denominator
    # x lies on multiples of 1/parts, or halfway between them; so far ⌊ ⌋ and ⌈ ⌉ move an end, at most
    off = Fraction(parts - 1 + middle * parts % 1, parts) + around
    return Window(1 + 2 * off, step, middle - off)


def _turned_round(window: Window) -> Window:
    """Which windows contain position o: o ∈ [q·stride + start, … + size − 1] solved for q."""
    stride = Fraction(window.stride)
    reach = Fraction(window.size) - 1
    return Window(1 + reach / stride, 1 / stride, -(window.start + reach) / stride)
