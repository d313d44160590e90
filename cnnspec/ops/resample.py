"""Layers that move numbers between channels and positions or make maps larger: upsample, unpool,
pixelshuffle, pixelunshuffle, shuffle. They have no weights.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import gcd, isqrt, prod
from operator import floordiv, lt, mul
from typing import Annotated, Any, Literal

from pydantic import PlainSerializer, PlainValidator

from cnnspec.ops.base import AXES, Argument, Misfit, Op, Remark, Shape, Window, axes_of, flag, written_shape
from cnnspec.ops.fields import Flag, Groups, Like, Sizes
from cnnspec.ops.formula import Formula
from cnnspec.ops.groups import divisors, groups_misfit
from cnnspec.ops.sliding import listed, map_missing, needs_map, scaled


class Upsample(Op):
    """Makes maps larger: `upsample 2` doubles height and width, `out=56x56` gives a size, `like=@a` that of
    another tensor.

    `nearest`, the default, repeats each number: position o reads ⌊o·W/W'⌋. `bilinear` interpolates between
    the four numbers around (o + ½)·W/W' − ½, `bicubic` between the sixteen (a = −0.75); on a signal `linear`
    interpolates between two numbers, on a volume `trilinear` between eight. With `corners` the corners are
    aligned: position o is at o·(W − 1)/(W' − 1), torch's `align_corners=True`.

        W' = W·factor      C' = C

    `upsample like=@a` also spreads a vector over the positions of `a`: N becomes N x H x W, the same numbers
    at each position (a time embedding that is added to a map).
    """

    word = "upsample"
    title = "larger maps: numbers repeated or interpolated"
    example = "input 256x13x13\nupsample 2 => 256x26x26\n"
    tensors = ("like",)

    factor: Annotated[Sizes | None, Argument("sizes", "how many times larger (2, 2x1)", positional=0)] = None
    size_out: Annotated[Sizes | None, Argument("sizes", "the output size", keyword="out")] = None
    like: Like = False
    mode: Annotated[
        Literal["nearest", "linear", "bilinear", "trilinear", "bicubic"],
        flag(
            "repeat, or interpolate",
            **{mode: mode for mode in ("nearest", "linear", "bilinear", "trilinear", "bicubic")},
        ),
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

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """C x H·factor x W·factor, or the given size."""
        input_shape = inputs[0]
        ways = "`upsample 2`, `out=56x56` or `like=@a`"
        one = exactly_one(self, ("factor", "size_out", "like"), ways)
        spreads = self.like and len(input_shape) == 1
        wrong = None if spreads else needs_map(self, input_shape)
        if wrong := wrong or one or self.unfit() or (None if spreads else self._other_mode(input_shape)):
            return wrong
        if self.like:
            other = map_missing("like=", inputs[1], 1) if spreads else same_axes(input_shape, inputs[1])
            return other or (input_shape[0], *inputs[1][1:])
        if self.size_out is not None:
            return input_shape[0], *self.size_out
        assert self.factor is not None
        return input_shape[0], *map(mul, input_shape[1:], self.factor)

    def _other_mode(self, input_shape: Shape) -> Misfit | None:
        """E205 for an interpolation along more or fewer axes than the input has."""
        axes = axes_of(input_shape)
        if self.mode == "nearest" or _INTERPOLATED[self.mode] == len(axes):
            return None
        along = _INTERPOLATED[self.mode]
        fits = next(mode for mode, count in _INTERPOLATED.items() if count == len(axes))
        return Misfit(
            "E205",
            f"{self.mode} interpolates along {along} {'axis' if along == 1 else 'axes'}, and the input "
            f"{written_shape(input_shape)} has {len(axes)} ({listed(axes)})",
            argument="mode",
            help=f"`{fits}` interpolates along {listed(axes)}",
            replacement=fits,
        )

    def window(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Window, ...]:
        if len(inputs[0]) == 1:
            return ()
        sizes = [*zip(inputs[0][1:], out[1:], strict=True)]
        if self.mode == "nearest":
            return tuple(_nearest(*size) for size in sizes)
        around = 1 if self.mode == "bicubic" else 0
        return tuple(_between(*size, self.corners, around) for size in sizes)

    def remark(self, inputs: tuple[Shape, ...], out: Shape) -> Iterator[Remark]:
        """W111: a factor that may be meant as the output size."""
        sizes = inputs[0][1:]
        if (
            self.factor is None
            or min(sizes) < 2
            or min(self.factor) <= LARGEST_FACTOR
            or any(map(lt, self.factor, sizes))
        ):
            return
        size = "x".join(map(str, self.factor))
        yield Remark(
            "W111",
            f"`upsample` multiplies the size: {written_shape(sizes)} becomes {written_shape(out[1:])}",
            argument="factor",
            help=f"write `out={size}` if {size} is the output size; "
            f"of a map larger than {size}, it is a factor",
            beyond=True,
        )

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        return () if self.factor is None else scaled("W·factor", inputs[0], out, factor=self.factor)


LARGEST_FACTOR = 8
"""The largest factor that networks for super-resolution use."""
_INTERPOLATED = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}
"""Along how many axes each mode interpolates."""


def same_axes(input_shape: Shape, other: Shape) -> Misfit | None:
    """E303 or E307 where the tensor of `like=` does not have the input's axes."""
    if wrong := map_missing("like=", other, 1):
        return wrong
    if len(input_shape) == len(other):
        return None
    return Misfit(
        "E307",
        f"like= needs a tensor with the axes of the input: it is {written_shape(other)}, the input "
        f"{written_shape(input_shape)}",
        argument="like",
        input=1,
        help=f"a tensor with the axes {listed(axes_of(input_shape))} fits",
    )


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
    """The maxpool that it undoes. A spec does not write it: the elaborator adds it."""

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """The shape of the maxpool's input, the second input."""
        input_shape = inputs[0]
        if wrong := needs_map(self, input_shape):
            return wrong
        if not self.like or self.maxpool is None or len(inputs) < 2:
            return Misfit(
                "E203" if not self.like else "E308",
                "unpool needs the maxpool that it undoes: `unpool like=@pool`",
                argument="like" if self.like else None,
                help="put a label on the line that ends with the maxpool, and name it in like=",
            )
        pooled = self.maxpool.out(inputs[1])
        if not isinstance(pooled, Misfit) and pooled != input_shape:
            return Misfit(
                "E308",
                f"the input is {written_shape(input_shape)}, the output of the maxpool "
                f"{written_shape(pooled)}: unpool needs equal shapes",
                argument="like",
                help="unpool the maxpool of this size"
                if input_shape[1:] != pooled[1:]
                else f"`conv F1 K{pooled[0]}` before it gives {pooled[0]} channels",
            )
        return inputs[1]

    def window(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Window, ...]:
        """Position o reads the outputs of those windows of the maxpool that contain o."""
        if self.maxpool is None:
            return super().window(inputs, out)
        return tuple(map(_turned_round, self.maxpool.window((out,), inputs[0])))


class PixelShuffle(Op):
    """Turns channels into positions: `pixelshuffle r` rearranges r·r channels as a square of r x r positions;
    C·r² x H x W becomes C x H·r x W·r (ESPCN, Shi et al., 2016); `pixelshuffle 2x4` turns 8 channels into 2
    rows and 4 columns. It has no weights; the convolution before it learns to upsample.
    """

    word = "pixelshuffle"
    title = "channels become positions: larger maps"
    example = "input 64x85x85\nconv F3 P1 K27 -> pixelshuffle 3 => 3x255x255\n"

    factor: Annotated[Sizes, Argument("sizes", "how many times larger (2, 2x4)", positional=0)]

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """C/r² x H·r x W·r."""
        if wrong := needs_map(self, inputs[0]):
            return wrong
        (C, *sizes), factor = inputs[0], self.factor
        if C % prod(factor):
            fits = [f for f in range(2, min(factor[0], isqrt(C) + 1)) if C % f ** len(sizes) == 0]
            more = -(-C // prod(factor)) * prod(factor)
            return Misfit(
                "E307",
                f"{C} channels do not make {_cells(factor)}",
                argument="factor",
                note=f"C/{_cell(factor)[0]} = {C}/{prod(factor)}",
                help=f"{more} channels would (`conv F1 K{more}` before it)"
                + (f"; a factor of {fits[-1]} fits {C}" if fits else ""),
                replacement=str(fits[-1]) if fits else None,
            )
        return C // prod(factor), *map(mul, sizes, factor)

    def window(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Window, ...]:
        return tuple(map(_nearest, inputs[0][1:], out[1:]))

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        text, values = _cell(self.factor)
        channels = Formula("C'", f"C/{text}", {"C": inputs[0][0]} | values, out[0])
        return channels, *scaled("W·r", inputs[0], out, r=self.factor)


class PixelUnshuffle(Op):
    """Turns positions into channels: C x H x W becomes C·r² x H/r x W/r; H and W must be multiples of r;
    `pixelunshuffle 2x4` turns 2 rows and 4 columns into channels. It is the inverse of pixelshuffle (YOLOv2's
    reorganisation is of this kind).
    """

    word = "pixelunshuffle"
    title = "positions become channels: smaller maps"
    example = "input 64x26x26\npixelunshuffle 2 => 256x13x13\n"

    factor: Annotated[Sizes, Argument("sizes", "how many times smaller (2, 2x4)", positional=0)]

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """C·r² x H/r x W/r."""
        if wrong := needs_map(self, inputs[0]):
            return wrong
        (C, *sizes), factor = inputs[0], self.factor
        along = [*zip(axes_of(inputs[0]), sizes, factor, strict=True)]
        if any(size % r for _, size, r in along):
            fits = divisors(gcd(*sizes), factor[0] - 1)[1:]
            larger = written_shape(-(-size // r) * r for _, size, r in along)
            return Misfit(
                "E307",
                f"a map of {written_shape(sizes)} cannot be cut into {_cells(factor)}",
                argument="factor",
                note=", ".join(f"{axis}/r = {size}/{r}" for axis, size, r in along),
                help=f"a factor of {fits[-1]} fits" if fits else f"{larger} would fit",
                replacement=str(fits[-1]) if fits else None,
            )
        return C * prod(factor), *map(floordiv, sizes, factor)

    def window(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Window, ...]:
        return tuple(Window(r, r, 0) for r in self.factor)

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        text, values = _cell(self.factor)
        channels = Formula("C'", f"C·{text.strip('()')}", {"C": inputs[0][0]} | values, out[0])
        return channels, *scaled("W/r", inputs[0], out, r=self.factor)


def _cells(factor: Sizes) -> str:
    names = ("runs", "squares", "cubes")
    name = names[len(factor) - 1] if len(set(factor)) == 1 else ("rectangles", "boxes")[len(factor) - 2]
    return f"{name} of {written_shape(factor)}"


def _cell(factor: Sizes) -> tuple[str, dict[str, int]]:
    """How many positions a channel becomes: `r²`, `(Rh·Rw)`, with the values."""
    if len(set(factor)) == 1:
        return "r" + ("", "²", "³")[len(factor) - 1], {"r": factor[0]}
    values = {f"R{axis.lower()}": r for axis, r in zip(AXES[-len(factor) :], factor, strict=True)}
    return f"({'·'.join(values)})", values


class Shuffle(Op):
    """Shuffles channels between G groups: channel g·(C/G) + j becomes channel j·G + g, so that the next
    grouped convolution reads channels of every group (ShuffleNet, Zhang et al., 2017). G must divide C.
    """

    word = "shuffle"
    title = "channels of G groups shuffled"
    example = "input 240x28x28\nconv F1 G3 K240 -> shuffle G3 => 240x28x28\n"

    G: Groups

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """The same; G divides C."""
        input_shape = inputs[0]
        return needs_map(self, input_shape) or groups_misfit(self.G, input_shape[0]) or input_shape


def exactly_one(op: Op, fields: tuple[str, ...], meaning: str) -> Misfit | None:
    """E203 where none of these fields is given, E204 where more than one is."""
    sizes_set = [name for name in fields if getattr(op, name)]
    if len(sizes_set) == 1:
        return None
    if not sizes_set:
        return Misfit("E203", f"{op.word} needs a size", help=f"write {meaning}")
    return Misfit(
        "E204", f"{op.word} has {len(sizes_set)} sizes; write one of {meaning}", argument=sizes_set[1]
    )


def _nearest(N: int, count: int) -> Window:
    """Output o reads ⌊o·N/count⌋."""
    step = Fraction(N, count)
    off = Fraction(step.denominator - 1, step.denominator)  # how far ⌊ ⌋ moves a position down, at most
    return Window(1 + off, step, -off)


def _between(N: int, count: int, corners: bool, around: int) -> Window:
    """Output o is at x = (o + ½)·N/count − ½, or with the corners aligned at o·(N − 1)/(count − 1). It reads
    from ⌊x⌋ to ⌈x⌉, and `around` more on both sides.
    """
    if corners:
        step, middle = Fraction(N - 1, count - 1) if count > 1 else Fraction(0), Fraction(0)
    else:
        step = Fraction(N, count)
        middle = step / 2 - Fraction(1, 2)
    parts = step.denominator
    # x is a multiple of 1/parts, or halfway between two: ⌊ ⌋ and ⌈ ⌉ move an end by this much at most
    off = Fraction(parts - 1 + middle * parts % 1, parts) + around
    return Window(1 + 2 * off, step, middle - off)


def _turned_round(window: Window) -> Window:
    """The windows that contain position o: o ∈ [q·stride + start, … + size − 1] solved for q."""
    stride = Fraction(window.stride)
    reach = Fraction(window.size) - 1
    return Window(1 + reach / stride, 1 / stride, -(window.start + reach) / stride)
