"""What layers say where rows and columns differ, word for word: each number is of its own axis."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from cnnspec.ops import load_op
from cnnspec.ops.base import Misfit, Shape, Window
from tests.ops.binder import op as bind

DILATED = "3x5 (dilated: 9x13) on a 6x7 map"


SAID = [
    # the layer, what arrives, the message, the formula in numbers, the way out, the short word at the text
    (
        "conv F9x5 K8", (4, 6, 3),
        "the filter is larger than what arrives: 9x5 on a 6x3 map",
        "(W − F + 2P)/S + 1 = (3 − 5 + 0)/1 + 1 = −1",
        "P4x2 keeps it at 6x3; F6x3 gives 1x1",
        "9x5 filter on a 6x3 map",
    ),
    (
        "conv F8x5 K8", (4, 6, 3),
        "the filter is larger than what arrives: 8x5 on a 6x3 map",
        "(W − F + 2P)/S + 1 = (3 − 5 + 0)/1 + 1 = −1",
        "F6x3 gives 1x1",  # no padding keeps the size under an even filter
        "8x5 filter on a 6x3 map",
    ),
    (
        "pixelshuffle 5", (144, 4, 4),
        "144 channels do not make squares of 5x5",
        "C/r² = 144/25",
        "150 channels would (`conv F1 K150` before it); a factor of 4 fits 144",
        "",
    ),
    (
        "conv F9x2 S1x2 P0x1 K8", (4, 6, 30),
        "the filter is larger than what arrives: 9x2 on a 6x30 map and its padding (6x32 in all)",
        "(H − F + 2P)/S + 1 = (6 − 9 + 0)/1 + 1 = −2",
        "F6x2 gives 1x16",
        "9x2 filter on a 6x30 map",
    ),
    (
        "conv F3x5 D4x3 P1x2 K8", (4, 6, 7),
        f"the filter is larger than what arrives: {DILATED} and its padding (8x11 in all)",
        "(W − D·(F − 1) − 1 + 2P)/S + 1 = (7 − 3·(5 − 1) − 1 + 2·2)/1 + 1 = −1",
        "P4x6 keeps it at 6x7; F2x4 gives 4x2",
        "3x5 filter on a 6x7 map",
    ),
    (
        "maxpool F9x4 S2x3", (4, 6, 3),
        "the window is larger than what arrives: 9x4 on a 6x3 map",
        "⌊(W − F + 2P)/S⌋ + 1 = ⌊(3 − 4 + 0)/3⌋ + 1 = 0",
        "F6x3 gives 1x1",
        "9x4 window on a 6x3 map",
    ),
    (
        "deconv F2x5 P4x2 K8", (4, 4, 7),
        "the padding cuts everything off: 5x11 less P on every side leaves -3x7",
        "(H − 1)·S − 2P + F = (4 − 1)·1 − 2·4 + 2 = −3",
        "P2 leaves something; a padding is cut off here, not added",
        "",
    ),
    (
        "deconv F2x1 S2x1 P1x5 K8", (4, 9, 7),
        "the padding cuts everything off: 18x7 less P on every side leaves 16x-3",
        "(W − 1)·S − 2P + F = (7 − 1)·1 − 2·5 + 1 = −3",
        "P1x3 leaves something; a padding is cut off here, not added",
        "",
    ),
    (
        "crop 9x4 offset=2x1", (4, 8, 7),
        "a piece of 9x4 at 2x1 does not lie within 8x7",
        "2 + 9 = 11 of 8 rows, 1 + 4 = 5 of 7 columns",
        "a piece is at most 8x7; `pad` or `upsample` make a map larger",
        "",
    ),
    (
        "crop 6x4 offset=4x1", (4, 8, 7),
        "a piece of 6x4 at 4x1 does not lie within 8x7",
        "4 + 6 = 10 of 8 rows, 1 + 4 = 5 of 7 columns",
        "offset=2x3 at most",
        "",
    ),
    (
        "pad bottom=6 reflect", (4, 6, 9),
        "a border of 6 mirrored needs a map larger than 6; 6x9 arrives",
        "bottom ≤ H − 1 = 6 − 1 = 5",
        "5 at most; `replicate` and `zeros` go further",
        "",
    ),
    (
        "pad left=9 reflect", (4, 6, 9),
        "a border of 9 mirrored needs a map larger than 9; 6x9 arrives",
        "left ≤ W − 1 = 9 − 1 = 8",
        "8 at most; `replicate` and `zeros` go further",
        "",
    ),
    (
        "maxpool F4x3 P3x1", (4, 8, 8),
        "the padding is more than half the window: P3x1 with F4x3",
        "P ≤ F/2",
        "P2x1 is the most that is allowed; beyond it a window could see only padding",
        "",
    ),
    (
        "conv F3 K2 connect=[0 1; 1 4]", (4, 6, 7),
        "row 1 of connect= names map 4; 4 arrive, numbered 0 to 3", "", "", "",
    ),
    ("conv F3 K2 connect=[0 1; 1 1]", (4, 6, 7), "row 1 of connect= names a map twice", "", "", ""),
    (
        "in", (4, 1, 1),
        "in takes the mean of each map, and each of these 4 maps is one number",
        "(x − x)/√(0 + eps) = 0",
        "ln normalises over the channels instead; or leave it out",
        "",
    ),
    (
        "conv F2 K2 weight=[1 2;3 4|1 2;3 4|1 2;3 4]", (1, 4, 4),
        "weight= has 3 planes; 1 serves all, or 2 are needed, filter by filter, channel by channel",
        "", "", "",
    ),
    (
        "conv F2 K2 weight=[1 2;3 4|1 2;3 4]", (3, 4, 4),
        "weight= has 2 planes; 1 serves all, or 6 are needed, filter by filter, channel by channel",
        "", "", "",
    ),
    (
        "conv F2 K1 weight=[1 2;3 4|1 2;3 4]", (1, 4, 4),
        "weight= has 2 planes; 1 is needed, filter by filter, channel by channel",
        "", "", "",
    ),
    (
        "conv F2 K2 weight=[1 2;3 4|1 2 3;3 4 5]", (1, 4, 4),
        "plane 2 of weight= is 2x3, the weights are 2x2", "",
        "2 rows of 2 numbers; rows end at `;` or a new line", "",
    ),
    (
        "conv F2x3 K2 weight=[1 2;3 4 5]", (1, 4, 4),
        "weight= is rows of 2 to 3 numbers, the weights are 2x3", "",
        "2 rows of 3 numbers; rows end at `;` or a new line", "",
    ),
    (
        "conv F3 K2 weight=[1 2 3;1;1 2]", (1, 4, 4),
        "weight= is rows of 1 to 3 numbers, the weights are 3x3", "",
        "3 rows of 3 numbers; rows end at `;` or a new line", "",
    ),
    (
        "conv F2 K2 bias=[1 2 3]", (1, 4, 4),
        "bias= has 3 numbers; 1 serves every filter, or 2 are needed, one for each", "", "", "",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "arriving", "message", "note", "way", "label"), SAID, ids=[row[0] for row in SAID]
)
def test_word_for_word(text: str, arriving: Shape, message: str, note: str, way: str, label: str) -> None:
    found = bind(text).out(arriving)
    assert isinstance(found, Misfit)
    assert (found.message, found.note, found.help, found.label) == (message, note, way, label)
    if "a factor of" in way:
        assert found.replacement == "4"


REMARKS = [
    ("conv F3x5 P4x6 K4", (4, 8, 9), "W102", "padding 4x6, filter 3x5", "P1x2 is half the filter", "P1x2"),
    ("conv F3x5 P3x5 D2x1 K4", (4, 8, 9), "W102", "padding 3x5, filter 3x5", "P2 is half", "P2"),
    ("conv F4 P4 K4", (4, 8, 9), "W102", "padding 4, filter 4x4", "P1 is half", "P1"),
    ("conv F3 S3 K4", (4, 8, 8), "W201", ": 2 rows and 2 columns", "an input of 6x6 or 9x9", None),
    ("conv F3 S2x3 K4", (4, 8, 9), "W201", ": 1 row of the map is never", "7x9 or 9x9 would fit", None),
    ("conv F3 S3x2 K4", (4, 8, 10), "W201", ": 2 rows and 1 column of the map are", "6x9 or 9x11", None),
    ("conv F3x2 S2x3 P1x0 K4", (4, 8, 9), "W201", ": 1 column of the map is", "7x8 or 9x11", None),
    ("conv F5 S3 P1 K4", (4, 10, 11), "W201", ": 1 column of the map is", "P2x0 would fit", None),
    ("subsample F3x2 S3x2", (4, 10, 11), "W201", ": 1 row and 1 column", "9x10 or 12x12", None),
    ("conv F4x3 P1 K4", (4, 8, 9), "W202", "a filter of 4x3 has no middle", "F5x3 with P2x1", None),
    ("conv F3x4 P1 K4", (4, 8, 9), "W202", "a filter of 3x4 has no middle", "F3x5 with P1x2", None),
    ("maxpool F2 P1x0", (4, 8, 8), "W203", "padding 1x0 on a pooling layer", "F2 S2 needs none", None),
    ("conv F1 K6", (4, 8, 8), "W204", "6 filters: no power of two", "K4 or K8", None),
    ("conv F7 P3 K32", (64, 9, 9), "W210", "36,864 weights instead of 100,352", "[conv F3 P1 K32 ->", None),
    ("conv F7 P3 G2 K64", (64, 9, 9), "W210", "55,296 weights", "[conv F3 P1 G2 K64 -> relu]*3 has 3", None),
    ("dwconv F5 P2 nobias", (64, 9, 9), "W210", "1,152 weights instead", "[dwconv F3 P1 nobias ->", None),
]  # fmt: skip


ABOUT = {"W102": "P", "W201": "S", "W202": "F", "W203": "P", "W204": "K", "W210": "F"}


@pytest.mark.parametrize(("text", "arriving", "code", "says", "way", "replacement"), REMARKS)
def test_remarks(text: str, arriving: Shape, code: str, says: str, way: str, replacement: str | None) -> None:
    op = bind(text)
    out: Any = op.out(arriving)
    (found,) = [remark for remark in op.remark((arriving,), out) if remark.code == code]
    assert says in found.message
    assert way in found.help
    assert found.replacement == replacement
    assert found.argument == ABOUT[code]
    assert ("(3 − 1)" in found.note) is (code == "W210")


SHIFTED = ("upsample 2x3", "pixelshuffle 2")


@pytest.mark.parametrize(
    ("text", "arriving", "windows"),
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
def test_windows_along_each_axis(text: str, arriving: Shape, windows: Any) -> None:
    op = bind(text)
    out: Any = op.out(arriving)
    assert tuple((window.size, window.stride) for window in op.window((arriving,), out)) == windows
    assert all(window.start == 0 for window in op.window((arriving,), out)) or text in SHIFTED


def test_a_window_of_the_arriving_tensor_not_of_the_one_that_lends_its_size() -> None:
    op = bind("upsample like=@a")
    assert op.window(((1, 4, 8), (3, 8, 8)), (1, 8, 8)) == (
        Window(Fraction(3, 2), Fraction(1, 2), Fraction(-1, 2)),
        Window(1, 1, 0),
    )
    assert bind("crop like=@a").window(((1, 9, 8), (3, 4, 8)), (1, 4, 8)) == (
        Window(1, 1, 2),
        Window(1, 1, 0),
    )


FORMULAS = [
    (
        "pad 1", (4, 8, 9),
        ["W' = W + left + right = 9 + 1 + 1 = 11", "H' = H + top + bottom = 8 + 1 + 1 = 10"],
    ),
    ("pad channels=2", (4, 8, 9), ["C' = C + before + behind = 4 + 0 + 2 = 6"]),
    (
        "pad top=1 channels=2:1", (4, 8, 9),
        ["W' = W + left + right = 9 + 0 + 0 = 9", "H' = H + top + bottom = 8 + 1 + 0 = 9",
         "C' = C + before + behind = 4 + 2 + 1 = 7"],
    ),
    ("upsample 2x3", (4, 8, 9), ["W' = W·factor = 9·3 = 27", "H' = H·factor = 8·2 = 16"]),
    ("upsample 2", (4, 8, 8), ["W' = H' = W·factor = 8·2 = 16"]),
    ("crop 4x6", (4, 9, 9), ["rows cut above = ⌊(H − H')/2⌋ = ⌊(9 − 4)/2⌋ = 2",
                             "columns cut left = ⌊(W − W')/2⌋ = ⌊(9 − 6)/2⌋ = 1"]),
    ("slice 1:3", (4, 9, 9), ["C' = high − low = 3 − 1 = 2"]),
    ("pixelshuffle 2", (8, 4, 5), ["C' = C/r² = 8/2² = 2", "W' = W·r = 5·2 = 10", "H' = H·r = 4·2 = 8"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "arriving", "lines"), FORMULAS, ids=[row[0] for row in FORMULAS])
def test_formulas(text: str, arriving: Shape, lines: list[str]) -> None:
    op = bind(text)
    out: Any = op.out(arriving)
    assert [formula.line() for formula in op.formulas((arriving,), out)] == lines


def test_uneven_dilation_with_padding_for_the_same_size() -> None:
    op: Any = bind("conv F3 D2x1 Psame K1")
    assert op.padding((1, 9, 9)) == ((2, 2), (1, 1))


@pytest.mark.parametrize(
    ("text", "arriving", "which"),
    [("conv F1 G4 K6", (64, 8, 8), "6 filters"), ("conv F1 G3 K6", (64, 8, 8), "64 channels")],
)
def test_what_groups_do_not_divide(text: str, arriving: Shape, which: str) -> None:
    found = bind(text).out(arriving)
    assert isinstance(found, Misfit)
    assert found.message.endswith(f"groups do not divide {which}")


def test_what_a_gate_may_be_stretched_from() -> None:
    found = bind("mul").out((64, 8, 9), (32, 1, 1))
    assert isinstance(found, Misfit)
    assert "64x8x9, 64, 64x1x1 or 1x8x9" in found.help


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
        arriving = (3, 1, 1) if text == "fc 2" else (3, 5, 6)
        out: Any = bind(f"{text} nobias").out(arriving)
        plain, biased = bind(f"{text} nobias"), bind(text)
        outputs = out[0] * (out[1] * out[2] if len(out) == 3 else 1)
        assert plain.connections((arriving,), out) == plain.macs((arriving,), out)
        assert biased.connections((arriving,), out) == biased.macs((arriving,), out) + outputs


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
