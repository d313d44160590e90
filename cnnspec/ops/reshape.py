"""Layers that rearrange numbers without computing: pad, crop, slice, reshape, transpose; and coords, which
gives the coordinates of the positions. They have no weights.
"""

from collections.abc import Iterator
from math import prod
from operator import le, sub
from typing import TYPE_CHECKING, Annotated, Literal

from cnnspec.ops.base import (
    AXES,
    POINT,
    Argument,
    Misfit,
    Op,
    Remark,
    Shape,
    Window,
    axes_of,
    flag,
    written_shape,
)
from cnnspec.ops.fields import Corner, Like, NotNegative, Positive, Sizes
from cnnspec.ops.formula import Formula
from cnnspec.ops.sliding import ENDS, Ends, listed, needs_map, places_of

if TYPE_CHECKING:
    import random


class Pad(Op):
    """Adds a border to each map: `pad 1` on every side, or `pad left=0 right=1 top=0 bottom=1` (a signal has
    only `left` and `right`, a volume also `front` and `back`, the ends of T). The border is `zeros` (the
    default), the map mirrored at its edge without repeating the edge (`reflect`, which must be smaller than
    the map), or the edge repeated (`replicate`).

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
    front: Annotated[NotNegative | None, Argument("integer", "planes in front", keyword="front")] = None
    back: Annotated[NotNegative | None, Argument("integer", "planes behind", keyword="back")] = None
    channels: Annotated[
        tuple[NotNegative, NotNegative],
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

    def ends(self, input_shape: Shape) -> tuple[Ends, ...]:
        """How much is added at the ends of each axis: of a map ((top, bottom), (left, right))."""
        own = ([getattr(self, end) for end in ENDS[axis]] for axis in axes_of(input_shape))
        before, after = zip(
            *([self.border if end is None else end for end in ends] for ends in own), strict=True
        )
        return tuple(zip(before, after, strict=True))

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """C + channels x H + top + bottom x W + left + right."""
        input_shape = inputs[0]
        if wrong := needs_map(self, input_shape) or self._other_end(input_shape):
            return wrong
        if self.mode != "zeros" and self.channels != (0, 0):
            return Misfit(
                "E204",
                f"{self.mode} and channels= exclude each other: added maps are zeros",
                argument="channels",
            )
        for axis, length, counts in zip(
            axes_of(input_shape), input_shape[1:], self.ends(input_shape), strict=True
        ):
            for end, count in zip(ENDS[axis], counts, strict=True):
                if self.mode == "reflect" and count >= length:
                    return self._too_small(input_shape, axis, end, count)
        sizes = (
            length + sum(counts)
            for length, counts in zip(input_shape[1:], self.ends(input_shape), strict=True)
        )
        return input_shape[0] + sum(self.channels), *sizes

    def _other_end(self, input_shape: Shape) -> Misfit | None:
        """E202 for `top=` on a signal, `front=` on a map."""
        axes = axes_of(input_shape)
        ends = [end for axis in axes for end in ENDS[axis]]
        for axis in AXES:
            for end in ENDS[axis] if axis not in axes else ():
                if getattr(self, end) is not None:
                    return Misfit(
                        "E202",
                        f"{end}= is an end of {axis}, and the input {written_shape(input_shape)} has "
                        f"{len(axes)} axes ({listed(axes)})".replace("1 axes", "1 axis"),
                        argument=end,
                        help=f"its ends are {listed([f'{end}=' for end in ends])}",
                    )
        return None

    def _too_small(self, input_shape: Shape, axis: str, end: str, count: int) -> Misfit:
        field = end if getattr(self, end) is not None else "border"
        length = input_shape[1 + axes_of(input_shape).index(axis)]
        return Misfit(
            "E307",
            f"a reflected border of {count} needs a map larger than {count}; the input is "
            f"{written_shape(input_shape[1:])}",
            argument=field,
            note=f"{end} ≤ {axis} − 1 = {length} − 1 = {length - 1}",
            help=f"at most {length - 1}; `replicate` and `zeros` have no limit",
            replacement=str(length - 1) if field == "border" else f"{end}={length - 1}",
        )

    def window(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Window, ...]:
        return tuple(Window(1, 1, -before) for before, _ in self.ends(inputs[0]))

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        C, *lengths = inputs[0]
        along = [*zip(axes_of(inputs[0]), lengths, self.ends(inputs[0]), out[1:], strict=True)]
        sizes = tuple(
            Formula(
                f"{axis}'",
                " + ".join((axis, *ENDS[axis])),
                {axis: length, **dict(zip(ENDS[axis], counts, strict=True))},
                result,
            )
            for axis, length, counts, result in reversed(along)
            if [*out[1:]] != lengths
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

    size: Annotated[Sizes | None, Argument("sizes", "height and width of the region", positional=0)] = None
    like: Like = False
    offset: Annotated[
        Corner | None,
        Argument(
            "sizes", "rows above and columns left of the region (default: the centre)", keyword="offset"
        ),
    ] = None

    def start(self, input_shape: Shape, out: Shape) -> Sizes:
        """Where the region begins along each axis: rows above it, columns left of it."""
        return self.offset or tuple(
            (has - kept) // 2 for has, kept in zip(input_shape[1:], out[1:], strict=True)
        )

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """C x the given size."""
        from cnnspec.ops.resample import exactly_one, same_axes

        input_shape = inputs[0]
        ways = "`crop 56x56` or `like=@a`"
        wrong = needs_map(self, input_shape) or exactly_one(self, ("size", "like"), ways)
        if wrong := wrong or (same_axes(input_shape, inputs[1]) if self.like else None):
            return wrong
        size = inputs[1][1:] if self.like else self.size or ()
        first = self.offset or (0,) * len(size)
        if all(start + kept <= has for start, kept, has in zip(first, size, input_shape[1:], strict=True)):
            return input_shape[0], *size
        has = written_shape(input_shape[1:])
        note, at, argument, replacement = "", "", "like", None
        way = f"at most {has}; `pad` or `upsample` make a map larger"
        if self.size is not None:
            argument, replacement = "size", written_shape(map(min, size, input_shape[1:]))
        if self.offset is not None:
            at = f" at {written_shape(first)}"
            along = zip(first, size, input_shape[1:], places_of(len(size)), strict=True)
            note = ", ".join(f"{a} + {n} = {a + n} of {N} {place}s" for a, n, N, place in along)
            replacement = None
            if all(map(le, size, input_shape[1:])):
                argument, replacement = "offset", f"offset={written_shape(map(sub, input_shape[1:], size))}"
                way = f"at most {replacement}"
        return Misfit(
            "E307",
            f"a region of {written_shape(size)}{at} does not fit in a map of {has}",
            argument=argument,
            note=note,
            help=way,
            replacement=replacement,
        )

    def window(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Window, ...]:
        return tuple(Window(1, 1, first) for first in self.start(inputs[0], out))

    def remark(self, inputs: tuple[Shape, ...], out: Shape) -> Iterator[Remark]:
        """W111: a size that may be meant as the number of rows and columns to cut off at each side, as in
        Keras.
        """
        sizes, size = inputs[0][1:], out[1:]
        if (
            self.size is None
            or self.offset
            or len({*size}) > 1
            or min(sizes) < size[0] * (8 if size[0] > 1 else 16)
        ):
            return
        least = written_shape(side * (8 if side > 1 else 16) for side in size)
        left = written_shape([has - 2 * size[0] for has in sizes])
        yield Remark(
            "W111",
            f"`crop` takes the size of what is left: {written_shape(sizes)} becomes {written_shape(size)}",
            argument="size",
            help=f"write `crop {left}` if {size[0]} is to be cut off at each side; "
            f"of a map smaller than {least}, it is the size of what is left",
            written=str(size[0]),
        )

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        if self.offset is not None:
            return ()
        names = {"T": "planes cut in front", "H": "rows cut above", "W": "columns cut left"}
        names |= {"W": "positions cut left"} if len(out) == 2 else {}
        along = zip(axes_of(out), inputs[0][1:], out[1:], self.start(inputs[0], out), strict=True)
        return tuple(
            Formula(names[axis], f"⌊({axis} − {axis}')/2⌋", {axis: has, f"{axis}'": made}, first)
            for axis, has, made, first in along
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

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """High − low channels."""
        input_shape = inputs[0]
        low, high = self.channels
        if low < high <= input_shape[0]:
            return high - low, *input_shape[1:]
        why = "is empty" if low >= high else f"goes beyond the {input_shape[0]} channels of the input"
        replacement = f"{low}:{input_shape[0]}" if low < input_shape[0] else None
        return Misfit(
            "E307",
            f"slice {low}:{high} {why}",
            argument="channels",
            note=f"0 ≤ {low} < {high} ≤ {input_shape[0]} does not hold",
            help=f"{replacement} selects the rest"
            if replacement
            else f"channels are numbered 0 to {input_shape[0] - 1}",
            replacement=replacement,
        )

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        low, high = self.channels
        return (Formula("C'", "high − low", {"low": low, "high": high}, out[0]),)


class Coords(Op):
    """Two maps of coordinates, whatever the input's numbers: x, from −1 in the first column to 1 in the
    last, and y, from −1 in the first row to 1 in the last. Concatenated with the input, they make the
    position known to a convolution (CoordConv, Liu et al., 2018). Of a signal it is x alone, of a volume also
    t, from −1 in the first plane to 1 in the last.

        C x H x W → 2 x H x W
    """

    word = "coords"
    title = "maps of the coordinates, −1 to 1"
    example = "input 3x64x64\nconcat [ id | coords ] => 5x64x64\nconv F3 P1 K16\n"

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """2 x H x W: a map for each axis."""
        return needs_map(self, inputs[0]) or (len(inputs[0]) - 1, *inputs[0][1:])

    @classmethod
    def draw(cls, chance: "random.Random", input_shape: Shape) -> str | None:
        return None  # its values are symmetric, and rounding alone would decide between equal ones


class Reshape(Op):
    """The same numbers in the same order with another shape: `reshape 128x7x7` turns a vector of 6,272 into
    128 maps (the generator of a GAN), `reshape 100` gives a vector. The number of elements must stay the
    same.
    """

    word = "reshape"
    title = "the same numbers with another shape"
    example = "input 100\nfc 6272 -> reshape 128x7x7 => 128x7x7\ndeconv F4 S2 P1 K64\n"

    shape: Annotated[tuple[Positive, ...], Argument("shape", "the output shape", positional=0)]

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """The given shape, which must have as many numbers as the input."""
        input_shape = inputs[0]
        if not 1 <= len(self.shape) <= 4:
            return Misfit(
                "E307",
                f"{written_shape(self.shape)} is not a valid shape: channels and at most 3 axes, CxTxHxW",
                argument="shape",
                help="reshape 128x7x7, or reshape 6272",
            )
        have, want = prod(input_shape), prod(self.shape)
        if have == want:
            return self.shape
        rest = prod(self.shape[1:])
        replacement = (
            f"{have // rest}x{written_shape(self.shape[1:])}" if rest > 1 and have % rest == 0 else None
        )
        return Misfit(
            "E307",
            f"{written_shape(input_shape)} has {have:,} numbers, {written_shape(self.shape)} has {want:,}",
            argument="shape",
            note=f"{_product(input_shape)} = {have:,}; {_product(self.shape)} = {want:,}",
            help=f"{replacement} has {have:,}" if replacement else f"an input of {want:,} numbers would fit",
            replacement=replacement,
        )

    def window(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Window, ...]:
        """An output may be any number of the volume (stride 0). Where H and W stay, each position reads its
        own.
        """
        input_shape = inputs[0]
        if input_shape[1:] == out[1:]:
            return (POINT,) * (len(input_shape) - 1)
        return tuple(Window(size, 0, 0) for size in input_shape[1:])

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        return (Formula("numbers", _product(inputs[0]), {}, prod(out)),)


class Transpose(Op):
    """Exchanges rows and columns: the number in row y and column x of each map goes to row x and column y. Of
    a volume, each plane is transposed, and T stays; a signal has only one axis, and nothing to exchange.

        C x H x W → C x W x H
    """

    word = "transpose"
    title = "rows and columns exchanged"
    example = "input 64x80x400\ntranspose => 64x400x80\n"
    turns = True

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """C x W x H."""
        input_shape = inputs[0]
        if len(input_shape) == 2:
            return Misfit(
                "E303",
                f"transpose exchanges H and W; its input {written_shape(input_shape)} has one axis, W",
                help="leave it out; channels cannot be exchanged with positions",
            )
        return needs_map(self, input_shape) or (*input_shape[:-2], input_shape[-1], input_shape[-2])


def _product(shape: Shape) -> str:
    return "·".join(str(length) for length in shape)
