"""Where rows and columns differ: each number is of its own axis."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from cnnspec.ops import load_op
from cnnspec.ops.base import Misfit, Shape, Window
from tests.ops.binder import op as bind

SHIFTED = ("upsample 2x3", "pixelshuffle 2")


@pytest.mark.parametrize(
    ("text", "shape", "windows"),
    [
        ("upsample 2x3", (1, 8, 8), ((Fraction(3, 2), Fraction(1, 2)), (Fraction(5, 3), Fraction(1, 3)))),
        ("upsample out=4x8", (1, 8, 8), ((1, 2), (1, 1))),
        ("avgpool out=4x8", (1, 8, 8), ((2, 2), (1, 1))),
        ("avgpool out=2x3", (1, 8, 6), ((4, 4), (2, 2))),
        ("gmp", (1, 8, 5), ((8, 8), (5, 5))),
        ("flatten", (1, 8, 5), ((8, 8), (5, 5))),
        ("reshape 40x1x1", (1, 8, 5), ((8, 0), (5, 0))),
        ("pixelshuffle 2", (4, 8, 5), ((Fraction(3, 2), Fraction(1, 2)),) * 2),
    ],
)
def test_windows_along_each_axis(text: str, shape: Shape, windows: Any) -> None:
    op = bind(text)
    out: Any = op.out(shape)
    assert tuple((window.size, window.stride) for window in op.window((shape,), out)) == windows
    assert all(window.start == 0 for window in op.window((shape,), out)) or text in SHIFTED


def test_a_window_of_the_input_not_of_the_one_that_lends_its_size() -> None:
    op = bind("upsample like=@a")
    assert op.window(((1, 4, 8), (3, 8, 8)), (1, 8, 8)) == (
        Window(Fraction(3, 2), Fraction(1, 2), Fraction(-1, 2)),
        Window(1, 1, 0),
    )
    assert bind("crop like=@a").window(((1, 9, 8), (3, 4, 8)), (1, 4, 8)) == (
        Window(1, 1, 2),
        Window(1, 1, 0),
    )


def test_uneven_dilation_with_padding_for_the_same_size() -> None:
    op: Any = bind("conv F3 D2x1 Psame K1")
    assert op.padding((1, 9, 9)) == ((2, 2), (1, 1))


def test_a_transposed_filter_smaller_than_its_stride() -> None:
    op = bind("deconv F2 S3 Psame K1")
    window = Window(Fraction(4, 3), Fraction(1, 3), Fraction(-1, 3))
    assert op.window(((1, 8, 8),), (1, 24, 24)) == (window, window)


@pytest.mark.parametrize(
    ("here", "way"),
    [
        ((5, 3, 4), "`conv F1 K4` before it gives 4 channels"),
        ((4, 4, 4), "unpool the maxpool of this size"),
        ((4, 3, 3), "unpool the maxpool of this size"),
    ],
)
def test_what_is_no_output_of_the_maxpool_to_be_undone(here: Shape, way: str) -> None:
    op = load_op({"op": "unpool", "like": True, "maxpool": {"op": "maxpool", "F": [2, 2]}})
    found = op.out(here, (4, 6, 8))
    assert isinstance(found, Misfit)
    assert (found.code, found.argument, found.help) == ("E308", "like", way)
    assert op.out((4, 3, 4), (4, 6, 8)) == (4, 6, 8)
    for plain, argument in ({"like": True}, "like"), ({}, None):
        bare = load_op({"op": "unpool", **plain}).out((4, 3, 4), (4, 6, 8))
        assert isinstance(bare, Misfit)
        assert bare.argument == argument


def test_without_biases_there_are_as_many_connections_as_macs() -> None:
    for text in ("conv F3 K2", "dwconv F3", "fc 2"):
        shape = (3, 1, 1) if text == "fc 2" else (3, 5, 6)
        out: Any = bind(f"{text} nobias").out(shape)
        plain, biased = bind(f"{text} nobias"), bind(text)
        outputs = out[0] * (out[1] * out[2] if len(out) == 3 else 1)
        assert plain.connections((shape,), out) == plain.macs((shape,), out)
        assert biased.connections((shape,), out) == biased.macs((shape,), out) + outputs


def test_where_no_padding_below_half_the_filter_fits_none_is_proposed() -> None:
    (found,) = [
        remark for remark in bind("conv F3 S3 K4").remark(((4, 8, 8),), (4, 2, 2)) if remark.code == "W201"
    ]
    assert found.help.startswith("an input of")


@pytest.mark.parametrize(("stride", "axis"), [("S2x3", "H"), ("S1x2", "W"), ("S3x4", "W")])
def test_the_formula_is_of_an_axis_that_loses_something(stride: str, axis: str) -> None:
    op = bind(f"conv F3 {stride} K4")
    out: Any = op.out((4, 8, 12))
    (found,) = [remark for remark in op.remark(((4, 8, 12),), out) if remark.code == "W201"]
    assert found.note.startswith(f"⌊({axis} − F + 2P)/S⌋ + 1 = ")
