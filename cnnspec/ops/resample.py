"""Layers that move numbers between channels and positions or make maps larger: upsample, unpool,
pixelshuffle, pixelunshuffle, shuffle. Nothing to train.
"""

from fractions import Fraction
from math import gcd, isqrt
from typing import Annotated, Any, Literal

from pydantic import PlainSerializer, PlainValidator

from cnnspec.ops.base import POINT, Argument, Misfit, Op, Shape, Window, flag, written_shape
from cnnspec.ops.fields import Flag, Groups, Like, Positive, Sizes
from cnnspec.ops.formula import Formula
from cnnspec.ops.groups import divisors, groups_misfit
from cnnspec.ops.sliding import needs_map, scaled


class Upsample(Op):
    """Makes maps larger: `upsample 2` doubles height and width, `out=56x56` gives a size, `like=@a` that of
    another tensor.

    `nearest`, the default, repeats each number: position o takes ⌊o·W/W'⌋. `bilinear` interpolates between
    the four numbers around (o + ½)·W/W' − ½, the corners not aligned.

        W' = W·factor      C' = C
    """

    word = "upsample"
    title = "larger maps: numbers repeated or interpolated"
    example = "input 256x13x13\nupsample 2 => 256x26x26\n"
    tensors = ("like",)

    factor: Annotated[Sizes | None, Argument("pair", "how many times larger (2, 2x1)", positional=0)] = None
    size_out: Annotated[Sizes | None, Argument("pair", "the size that comes out", keyword="out")] = None
    like: Like = False
    mode: Annotated[
        Literal["nearest", "bilinear"],
        flag("repeat, or interpolate", nearest="nearest", bilinear="bilinear"),
    ] = "nearest"

    def out(self, *arriving: Shape) -> Shape | Misfit:
        """C x H·factor x W·factor, or the size asked for."""
        here = arriving[0]
        ways = "how large: `upsample 2`, `out=56x56` or `like=@a`"
        wrong = needs_map(self.word, here) or exactly_one(self, ("factor", "size_out", "like"), ways)
        if wrong:
            return wrong
        if self.like:
            return needs_map("like=", arriving[1], 1) or (here[0], *arriving[1][1:])
        if self.size_out is not None:
            return here[0], *self.size_out
        assert self.factor is not None
        return here[0], here[1] * self.factor[0], here[2] * self.factor[1]

    def window(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Window, Window]:
        rule = _bilinear if self.mode == "bilinear" else _nearest
        return rule(arriving[0][1], out[1]), rule(arriving[0][2], out[2])

    def formulas(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        return () if self.factor is None else scaled("W·factor", arriving[0], out, factor=self.factor)


def _load_pool(value: Any) -> Op | None:
    from cnnspec.ops import load_op

    return None if value is None else load_op(value)


def _dump_pool(value: Op | None) -> Any:
    from cnnspec.ops import dump_op

    return None if value is None else dump_op(value)


class Unpool(Op):
    """Undoes a maxpool: `unpool like=@pool` gives maps of the size that arrived at that maxpool, puts each
    number where the maxpool had found its maximum, and 0 everywhere else (SegNet; Zeiler and Fergus, 2014).
    What arrives has the shape that the maxpool gave. Where windows overlap and two maxima stand at one
    place, one of the numbers is kept.
    """

    word = "unpool"
    title = "puts numbers back where a maxpool found its maxima"
    example = "input 64x56x56\np: maxpool F2 => 64x28x28\nconv F3 P1 K64\nunpool like=@p => 64x56x56\n"
    tensors = ("like",)
    undoes = "maxpool"

    like: Annotated[Flag, Argument("tensor", "the output of the maxpool", keyword="like")] = False
    maxpool: Annotated[Op | None, PlainValidator(_load_pool), PlainSerializer(_dump_pool)] = None
    """That maxpool's own arguments; not written, the elaborator puts it in."""

    def out(self, *arriving: Shape) -> Shape | Misfit:
        """The shape that arrived at the maxpool: arriving[1]."""
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
                f"{written_shape(here)} arrives, and the maxpool gave {written_shape(pooled)}: "
                "there is a place for each of its numbers and for no other",
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
    """Turns channels into positions: `pixelshuffle r` lays r·r channels out as a square of r x r positions,
    C·r² x H x W becomes C x H·r x W·r (ESPCN, Shi et al., 2016). Nothing is lost, nothing trained; the
    convolution before it learns to upsample.
    """

    word = "pixelshuffle"
    title = "channels become positions: larger maps"
    example = "input 64x85x85\nconv F3 P1 K27 -> pixelshuffle 3 => 3x255x255\n"

    factor: Annotated[Positive, Argument("integer", "how many times larger", positional=0)]

    def out(self, *arriving: Shape) -> Shape | Misfit:
        """C/r² x H·r x W·r."""
        if wrong := needs_map(self.word, arriving[0]):
            return wrong
        (C, H, W), r = arriving[0], self.factor
        if C % (r * r):
            fits = [f for f in range(2, min(r, isqrt(C) + 1)) if C % (f * f) == 0]
            more = -(-C // (r * r)) * r * r
            return Misfit(
                "E307",
                f"{C} channels do not make squares of {r}x{r}",
                argument="factor",
                note=f"C/r² = {C}/{r * r}",
                help=f"{more} channels would (`conv F1 K{more}` before it)"
                + (f"; a factor of {fits[-1]} fits {C}" if fits else ""),
                replacement=str(fits[-1]) if fits else None,
            )
        return C // (r * r), H * r, W * r

    def window(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Window, Window]:
        return _nearest(arriving[0][1], out[1]), _nearest(arriving[0][2], out[2])

    def formulas(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        C, r = arriving[0][0], self.factor
        channels = Formula("C'", "C/r²", {"C": C, "r": r}, out[0])
        return channels, *scaled("W·r", arriving[0], out, r=(r, r))


class PixelUnshuffle(Op):
    """Turns positions into channels: `pixelunshuffle r` makes r² channels of each, C x H x W becomes C·r² x
    H/r x W/r; H and W are multiples of r. Undoes pixelshuffle (YOLOv2's reorganisation is of this kind).
    """

    word = "pixelunshuffle"
    title = "positions become channels: smaller maps"
    example = "input 64x26x26\npixelunshuffle 2 => 256x13x13\n"

    factor: Annotated[Positive, Argument("integer", "how many times smaller", positional=0)]

    def out(self, *arriving: Shape) -> Shape | Misfit:
        """C·r² x H/r x W/r."""
        if wrong := needs_map(self.word, arriving[0]):
            return wrong
        (C, H, W), r = arriving[0], self.factor
        if H % r or W % r:
            fits = divisors(gcd(H, W), r - 1)[1:]
            return Misfit(
                "E307",
                f"a map of {H}x{W} cannot be cut into squares of {r}x{r}",
                argument="factor",
                note=f"H/r = {H}/{r}, W/r = {W}/{r}",
                help=f"a factor of {fits[-1]} fits"
                if fits
                else f"{-(-H // r) * r}x{-(-W // r) * r} would fit",
                replacement=str(fits[-1]) if fits else None,
            )
        return C * r * r, H // r, W // r

    def window(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Window, Window]:
        return Window(self.factor, self.factor, 0), Window(self.factor, self.factor, 0)

    def formulas(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        C, r = arriving[0][0], self.factor
        channels = Formula("C'", "C·r²", {"C": C, "r": r}, out[0])
        return channels, *scaled("W/r", arriving[0], out, r=(r, r))


class Shuffle(Op):
    """Shuffles channels between G groups: channel g·(C/G) + j becomes channel j·G + g, so that the next
    grouped convolution sees something of every group (ShuffleNet, Zhang et al., 2017). G divides C.
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
        return Misfit("E203", f"{op.word} needs to be told {what}")
    return Misfit("E204", f"{op.word} is told its size {len(given)} times; one of {what}", argument=given[1])


def _nearest(N: int, count: int) -> Window:
    """Output o reads ⌊o·N/count⌋."""
    step = Fraction(N, count)
    off = Fraction(step.denominator - 1, step.denominator)  # how far ⌊ ⌋ moves a position down, at most
    return Window(1 + off, step, -off)


def _bilinear(N: int, count: int) -> Window:
    """Output o stands at x = (o + ½)·N/count − ½ and reads ⌊x⌋ and ⌈x⌉."""
    step = Fraction(N, count)
    middle, parts = step / 2 - Fraction(1, 2), step.denominator
    # x lies on multiples of 1/parts, or halfway between them; so far ⌊ ⌋ and ⌈ ⌉ move an end, at most
    off = Fraction(parts - 1 + middle * parts % 1, parts)
    return Window(1 + 2 * off, step, middle - off)


def _turned_round(window: Window) -> Window:
    """Which windows position o stands in: o ∈ [q·stride + start, … + size − 1] solved for q."""
    stride = Fraction(window.stride)
    reach = Fraction(window.size) - 1
    return Window(1 + reach / stride, 1 / stride, -(window.start + reach) / stride)
