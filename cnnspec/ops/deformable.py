"""Deformable convolution: the shapes that `offsets=` and `mask=` of conv must have."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Literal

from cnnspec.ops.base import Misfit, Shape, written_shape, written_sizes

if TYPE_CHECKING:
    from cnnspec.ops.conv import Conv


def deformable_misfit(op: Conv, inputs: tuple[Shape, ...], out: Shape) -> Misfit | None:
    """What is wrong with the tensors that move and weight the taps."""
    if not op.offsets:
        return Misfit(
            "E204", "mask= weighs taps that offsets= moves", "mask", help="write `offsets=@o` too"
        )  # fmt: skip
    if op.connect is not None:
        return Misfit("E204", "connect= and offsets= exclude each other", "offsets", help="leave one out")
    if len(inputs[0]) != 3:
        return Misfit(
            "E307",
            f"offsets= moves taps along H and W; the input is {written_shape(inputs[0])}",
            "offsets",
            help="leave it out; a deformable convolution needs maps CxHxW",
        )
    if op.P == "same":
        return Misfit(
            "E204", "Psame and offsets= exclude each other", "P", help="write the padding as a number"
        )  # fmt: skip
    taps = prod(op.F)
    wrong = _tensor(op, inputs, out, "offsets", 1, 2 * taps)
    if wrong or not op.mask:
        return wrong
    groups = inputs[1][0] // (2 * taps)
    wrong = _tensor(op, inputs, out, "mask", 2, taps)
    if wrong or inputs[2][0] == groups * taps:
        return wrong
    return Misfit(
        "E304",
        f"mask= has {inputs[2][0]} channels, and offsets= {inputs[1][0]}; a tap has one weight and two "
        "offsets",
        "mask",
        input=2,
        help=f"`{_written(op, groups * taps)}` gives {groups * taps} channels",
    )


def _tensor(
    op: Conv,
    inputs: tuple[Shape, ...],
    out: Shape,
    name: Literal["offsets", "mask"],
    number: int,
    unit: int,
) -> Misfit | None:
    """A number of channels for each tap, at each position of the output."""
    shape, depth = inputs[number], inputs[0][0]
    groups = shape[0] // unit
    if shape[1:] == out[1:] and shape[0] == groups * unit and depth % groups == 0:
        return None
    each = "2·F·F" if name == "offsets" else "F·F"
    if len(set(op.F)) > 1:
        each = each.replace("F·F", "Fh·Fw")
    return Misfit(
        "E304",
        f"{name}= is {written_shape(shape)}; it must have {each} = {unit} channels, or {unit}·g with a g "
        f"that divides {depth}, at the {written_shape(out[1:])} positions of the output",
        name,
        input=number,
        help=f"`{_written(op, unit)}` gives {written_shape((unit, *out[1:]))}",
    )


def _written(op: Conv, K: int) -> str:
    """The convolution with the same window that has K filters."""
    letters = (("F", op.F, None), ("S", op.S, 1), ("P", op.P, 0), ("D", op.D, 1))
    sizes = (
        f"{letter}{size if isinstance(size, str) else written_sizes(size)}"
        for letter, size, default in letters
        if set(size) != {default}
    )
    return " ".join(("conv", *sizes, f"K{K}"))
