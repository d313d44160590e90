"""Layers that only lay numbers out differently: pad, crop, slice, reshape; and coords, the places
themselves. They have no weights.
"""

from math import prod
from typing import TYPE_CHECKING, Annotated, Literal

from cnnspec.ops.base import POINT, Argument, Misfit, Op, Shape, Window, flag, written_shape
from cnnspec.ops.fields import Corner, Like, NotNegative, Positive, Sizes
from cnnspec.ops.formula import Formula
from cnnspec.ops.sliding import needs_map

if TYPE_CHECKING:
    import random


class Pad(Op):
    """Adds a border to each map: `pad 1` on every side, or `pad left=0 right=1 top=0 bottom=1`. The border is
    `zeros` (the default), the map mirrored at its edge without repeating the edge (`reflect`, which must be
    smaller than the map), or the edge repeated (`replicate`).

        W' = W + left + right      H' = H + top + bottom

    `pad channels=8` adds maps of zeros after the last, `channels=4:4` before the first and after the last:
    the shortcut of a CIFAR ResNet (option A).
    """

    word = "pad"
    title = "a border around each map, or maps of zeros"
    example = "input 3x224x224\npad left=0 right=1 top=0 bottom=1 => 3x225x225\nconv F3 S2 K32\n"

    border: Annotated[NotNegative, Argument("integer", "on every side", positional=0)] = 0
    left: Annotated[NotNegative | None, Argument("integer", "columns on the left", keyword="left")] = None
    right: Annotated[NotNegative | None, Argument("integer", "columns on the right", keyword="right")] = None
    top: Annotated[NotNegative | None, Argument("integer", "rows above", keyword="top")] = None
    bottom: Annotated[NotNegative | None, Argument("integer", "rows below", keyword="bottom")] = None
    channels: Annotated[
        Corner,
        Argument(
            "range",
            "maps of zeros after the last (8), or before and after (4:4)",
            keyword="channels",
            short=True,
        ),
    ] = (0, 0)
    mode: Annotated[
        Literal["zeros", "reflect", "replicate"],
        flag("what the border consists of", zeros="zeros", reflect="reflect", replicate="replicate"),
    ] = "zeros"

    @property
    def rows(self) -> tuple[int, int]:
        """(above, below)."""
        return self._side(self.top), self._side(self.bottom)

    @property
    def columns(self) -> tuple[int, int]:
        """(left, right)."""
        return self._side(self.left), self._side(self.right)

    def _side(self, own: int | None) -> int:
        return self.border if own is None else own

    def out(self, *arriving: Shape) -> Shape | Misfit:
        """C + channels x H + top + bottom x W + left + right."""
        here = arriving[0]
        if wrong := needs_map(self.word, here):
            return wrong
        C, H, W = here
        if self.mode != "zeros" and self.channels != (0, 0):
            return Misfit(
                "E204",
                f"{self.mode} and channels= exclude each other: added maps are zeros",
                argument="channels",
            )
        sides = zip(("top", "bottom", "left", "right"), (*self.rows, *self.columns), "HHWW", strict=True)
        for name, count, letter in sides:
            length = H if letter == "H" else W
            if self.mode == "reflect" and count >= length:
                field = name if getattr(self, name) is not None else "border"
                return Misfit(
                    "E307",
                    f"a reflected border of {count} needs a map larger than {count}; the input is {H}x{W}",
                    argument=field,
                    note=f"{name} ≤ {letter} − 1 = {length} − 1 = {length - 1}",
                    help=f"at most {length - 1}; `replicate` and `zeros` have no limit",
                    replacement=str(length - 1) if field == "border" else f"{name}={length - 1}",
                )
        return C + sum(self.channels), H + sum(self.rows), W + sum(self.columns)

    def window(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Window, Window]:
        return Window(1, 1, -self.rows[0]), Window(1, 1, -self.columns[0])

    def formulas(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        C, H, W = arriving[0]
        (top, bottom), (left, right) = self.rows, self.columns
        sizes: tuple[Formula, ...] = ()
        if (out[1], out[2]) != (H, W):
            sizes = (
                Formula("W'", "W + left + right", {"W": W, "left": left, "right": right}, out[2]),
                Formula("H'", "H + top + bottom", {"H": H, "top": top, "bottom": bottom}, out[1]),
            )
        if self.channels == (0, 0):
            return sizes
        before, after = self.channels
        return *sizes, Formula("C'", "C + before + after", {"C": C, "before": before, "after": after}, out[0])


class Crop(Op):
    """Cuts a region out of each map: `crop 56x56`, or the size of another tensor, `crop like=@a` (U-Net).
    It is the centre (an odd row or column remains at the bottom or right), or begins at `offset=HxW`, rows
    from the top and columns from the left.
    """

    word = "crop"
    title = "a region of each map"
    example = "input 64x64x64\ncrop 56x56 => 64x56x56\n"
    tensors = ("like",)

    size: Annotated[Sizes | None, Argument("pair", "height and width of the region", positional=0)] = None
    like: Like = False
    offset: Annotated[
        Corner | None,
        Argument("pair", "rows above and columns left of the region (default: the centre)", keyword="offset"),
    ] = None

    def start(self, arriving: Shape, out: Shape) -> tuple[int, int]:
        """Rows above and columns left of the region."""
        return self.offset or ((arriving[1] - out[1]) // 2, (arriving[2] - out[2]) // 2)

    def out(self, *arriving: Shape) -> Shape | Misfit:
        """C x the size asked for."""
        from cnnspec.ops.resample import exactly_one

        here = arriving[0]
        ways = "`crop 56x56` or `like=@a`"
        wrong = needs_map(self.word, here) or exactly_one(self, ("size", "like"), ways)
        if wrong := wrong or (needs_map("like=", arriving[1], 1) if self.like else None):
            return wrong
        h, w = arriving[1][1:] if self.like else self.size or (0, 0)
        top, left = self.offset or (0, 0)
        if top + h <= here[1] and left + w <= here[2]:
            return here[0], h, w
        note, at, argument, replacement = "", "", "like", None
        way = f"at most {here[1]}x{here[2]}; `pad` or `upsample` make a map larger"
        if self.size is not None:
            argument, replacement = "size", f"{min(h, here[1])}x{min(w, here[2])}"
        if self.offset is not None:
            at = f" at {top}x{left}"
            note = (
                f"{top} + {h} = {top + h} of {here[1]} rows, {left} + {w} = {left + w} of {here[2]} columns"
            )
            replacement = None
            if h <= here[1] and w <= here[2]:
                argument, replacement = "offset", f"offset={here[1] - h}x{here[2] - w}"
                way = f"at most {replacement}"
        return Misfit(
            "E307",
            f"a region of {h}x{w}{at} does not fit in a map of {here[1]}x{here[2]}",
            argument=argument,
            note=note,
            help=way,
            replacement=replacement,
        )

    def window(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Window, Window]:
        top, left = self.start(arriving[0], out)
        return Window(1, 1, top), Window(1, 1, left)

    def formulas(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        if self.offset is not None:
            return ()
        top, left = self.start(arriving[0], out)
        return (
            Formula("rows cut above", "⌊(H − H')/2⌋", {"H": arriving[0][1], "H'": out[1]}, top),
            Formula("columns cut left", "⌊(W − W')/2⌋", {"W": arriving[0][2], "W'": out[2]}, left),
        )


class Slice(Op):
    """Selects channels: `slice 0:C//2` the first half, `slice C//2:C` the second (ShuffleNet v2's split).
    They are counted from 0, the last one excluded; of a vector, numbers are selected.
    """

    word = "slice"
    title = "some of the channels"
    example = "input 116x28x28\nslice 0:C//2 => 58x28x28\n"

    channels: Annotated[
        tuple[NotNegative, Positive],
        Argument("range", "first channel, and the one after the last", positional=0),
    ]

    def out(self, *arriving: Shape) -> Shape | Misfit:
        """High − low channels."""
        here = arriving[0]
        low, high = self.channels
        if low < high <= here[0]:
            return high - low, *here[1:]
        why = "is empty" if low >= high else f"goes beyond the {here[0]} channels of the input"
        replacement = f"{low}:{here[0]}" if low < here[0] else None
        return Misfit(
            "E307",
            f"slice {low}:{high} {why}",
            argument="channels",
            note=f"0 ≤ {low} < {high} ≤ {here[0]} does not hold",
            help=f"{replacement} selects the rest"
            if replacement
            else f"channels are numbered 0 to {here[0] - 1}",
            replacement=replacement,
        )

    def formulas(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        low, high = self.channels
        return (Formula("C'", "high − low", {"low": low, "high": high}, out[0]),)


class Coords(Op):
    """Two maps of coordinates, whatever the input's numbers: x, from −1 in the first column to 1 in the
    last, and y, from −1 in the first row to 1 in the last. Concatenated with the input, they make the
    position known to a convolution (CoordConv, Liu et al., 2018).

        C x H x W → 2 x H x W
    """

    word = "coords"
    title = "maps of the coordinates, −1 to 1"
    example = "input 3x64x64\nconcat [ id | coords ] => 5x64x64\nconv F3 P1 K16\n"

    def out(self, *arriving: Shape) -> Shape | Misfit:
        """2 x H x W."""
        return needs_map(self.word, arriving[0]) or (2, *arriving[0][1:])

    @classmethod
    def draw(cls, chance: "random.Random", arriving: Shape) -> str | None:
        return None  # its exact symmetries are ties, which rounding decides


class Reshape(Op):
    """The same numbers in the same order with another shape: `reshape 128x7x7` turns a vector of 6,272 into
    128 maps (the generator of a GAN), `reshape 100` gives a vector. The number of elements must stay the
    same.
    """

    word = "reshape"
    title = "the same numbers with another shape"
    example = "input 100\nfc 6272 -> reshape 128x7x7 => 128x7x7\ndeconv F4 S2 P1 K64\n"

    shape: Annotated[tuple[Positive, ...], Argument("shape", "the output shape", positional=0)]

    def out(self, *arriving: Shape) -> Shape | Misfit:
        """The shape asked for, of as many numbers."""
        here = arriving[0]
        if len(self.shape) not in (1, 3):
            return Misfit(
                "E307",
                f"{written_shape(self.shape)} is not a valid shape: a volume is CxHxW, a vector one number",
                argument="shape",
                help="reshape 128x7x7, or reshape 6272",
            )
        have, want = prod(here), prod(self.shape)
        if have == want:
            return self.shape
        rest = prod(self.shape[1:])
        replacement = (
            f"{have // rest}x{written_shape(self.shape[1:])}" if rest > 1 and have % rest == 0 else None
        )
        return Misfit(
            "E307",
            f"{written_shape(here)} has {have:,} numbers, {written_shape(self.shape)} has {want:,}",
            argument="shape",
            note=f"{_product(here)} = {have:,}; {_product(self.shape)} = {want:,}",
            help=f"{replacement} has {have:,}" if replacement else f"an input of {want:,} numbers would fit",
            replacement=replacement,
        )

    def window(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Window, Window]:
        """From a volume, an output may be any of its numbers, for every position alike (stride 0); but
        where H and W stay, nothing moves.
        """
        here = arriving[0]
        if len(here) == 1 or here[1:] == out[1:]:
            return POINT, POINT
        return Window(here[1], 0, 0), Window(here[2], 0, 0)

    def formulas(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        return (Formula("numbers", _product(arriving[0]), {}, prod(out)),)


def _product(shape: Shape) -> str:
    return "·".join(str(length) for length in shape)
