"""What a layer says when it does not fit: the code, the numbers, the argument, and a way out that works."""

from __future__ import annotations

from typing import Any

import pytest

from cnnspec.ops.base import Misfit, Shape
from tests.ops.binder import op as bind


def misfit(text: str, *arriving: Shape) -> Misfit:
    out = bind(text).out(*arriving)
    assert isinstance(out, Misfit), out
    return out


def test_a_filter_larger_than_the_map() -> None:
    found = misfit("conv F5 K120", (16, 2, 2))
    assert found.code == "E301"
    assert found.message == "the filter is larger than what arrives: 5x5 on a 2x2 map"
    assert found.note == "(W − F + 2P)/S + 1 = (2 − 5 + 0)/1 + 1 = −2"
    assert found.help == "P2 keeps it at 2x2; F2 gives 1x1"
    assert (found.argument, found.replacement) == ("F", "F2")
    assert found.label == "5x5 filter on a 2x2 map"


def test_the_note_is_of_the_axis_that_does_not_fit() -> None:
    assert misfit("conv F3 K8", (16, 2, 9)).note.startswith("(H − F + 2P)/S + 1 = (2 − 3")
    assert misfit("conv F3 K8", (16, 9, 2)).note.startswith("(W − F + 2P)/S + 1 = (2 − 3")


def test_a_dilated_filter_larger_than_the_map() -> None:
    found = misfit("conv F3 D4 P1 K8", (16, 6, 6))
    assert "3x3 (dilated: 9x9) on a 6x6 map and its padding (8x8 in all)" in found.message
    assert found.note == "(W − D·(F − 1) − 1 + 2P)/S + 1 = (6 − 4·(3 − 1) − 1 + 2·1)/1 + 1 = 0"
    assert found.replacement == "F2"
    assert bind("conv F2 D4 P1 K8").out((16, 6, 6)) == (8, 4, 4)


def test_a_pooling_window_larger_than_the_map() -> None:
    found = misfit("maxpool F3 S2", (16, 2, 2))
    assert found.code == "E301"
    assert "window" in found.message
    assert found.help == "F2 gives 1x1"


@pytest.mark.parametrize(
    ("text", "arriving", "code", "argument", "replacement"),
    [
        ("fc 1000", (512, 7, 7), "E302", None, "flatten -> fc"),
        ("subsample F3", (8, 2, 2), "E301", "F", "F2"),
        ("subsample F3", (8, 2, 9), "E301", "F", "F2x3"),
        ("rbf 10", (512, 7, 7), "E302", None, "flatten -> rbf"),
        ("conv F3 K8", (84,), "E303", None, None),
        ("dwconv F3", (84,), "E303", None, None),
        ("deconv F3 K3", (84,), "E303", None, None),
        ("maxpool F2", (84,), "E303", None, None),
        ("subsample F2", (84,), "E303", None, None),
        ("gap", (84,), "E303", None, None),
        ("cmean", (84,), "E303", None, None),
        ("in", (84,), "E303", None, None),
        ("lrn size=5", (84,), "E303", None, None),
        ("upsample 2", (84,), "E303", None, None),
        ("pixelshuffle 2", (84,), "E303", None, None),
        ("pixelunshuffle 2", (84,), "E303", None, None),
        ("shuffle G2", (84,), "E303", None, None),
        ("pad 1", (84,), "E303", None, None),
        ("crop 2x2", (84,), "E303", None, None),
        ("conv F3 P1 G3 K64", (64, 8, 8), "E305", "G", "G2"),
        ("conv F3 P1 G4 K6", (64, 8, 8), "E305", "G", "G2"),
        ("deconv F3 G3 K64", (64, 8, 8), "E305", "G", "G2"),
        ("dwconv F3 P1 K33", (32, 8, 8), "E305", "K", "K32"),
        ("dwconv F3 P1 K70", (32, 8, 8), "E305", "K", "K64"),
        ("dwconv F3 P1 K3", (32, 8, 8), "E305", "K", "K32"),
        ("gn G32", (48, 8, 8), "E305", "G", "G24"),
        ("shuffle G5", (8, 8, 8), "E305", "G", "G4"),
        ("maxpool F2 P2", (8, 8, 8), "E306", "P", "P1"),
        ("avgpool F3x2 P2x1", (8, 8, 8), "E306", "P", "P1"),
        ("maxpool F2 P1 D2", (8, 4, 1), "E306", "D", "D2x1"),
        ("maxpool F2 Psame D3", (8, 2, 4), "E306", "D", "D2x3"),
        ("in", (8, 1, 1), "E307", None, "ln"),
        ("pixelshuffle 3", (8, 4, 4), "E307", "factor", "2"),
        ("pixelshuffle 2", (7, 4, 4), "E307", "factor", None),
        ("pixelunshuffle 4", (8, 6, 6), "E307", "factor", "3"),
        ("pad 8 reflect", (8, 8, 9), "E307", "border", "7"),
        ("pad right=9 reflect", (8, 8, 9), "E307", "right", "right=8"),
        ("crop 9x4", (8, 8, 8), "E307", "size", "8x4"),
        ("crop 4x4 offset=5x0", (8, 8, 8), "E307", "offset", "offset=4x4"),
        ("slice 4:9", (8, 8, 8), "E307", "channels", "4:8"),
        ("slice 8:9", (8, 8, 8), "E307", "channels", None),
        ("slice 4:4", (8, 8, 8), "E307", "channels", "4:8"),
        ("reshape 100x7x7", (6272,), "E307", "shape", "128x7x7"),
        ("reshape 7x7", (49,), "E307", "shape", None),
        ("deconv F1 P3 K8", (8, 4, 4), "E301", "P", "P1"),
        ("deconv F3 S2 extra=2 K8", (8, 4, 4), "E205", "extra", None),
        ("deconv F3 Psame extra=1 S2 K8", (8, 4, 4), "E204", "extra", None),
        ("maxpool", (8, 4, 4), "E203", None, None),
        ("upsample", (8, 4, 4), "E203", None, None),
        ("crop", (8, 4, 4), "E203", None, None),
        ("maxpool F2 out=2x2", (8, 4, 4), "E204", "F", None),
        ("maxpool P1 out=2x2", (8, 4, 4), "E204", "P", None),
        ("maxpool F1 out=2x2", (8, 4, 4), "E204", "F", None),
        ("avgpool S1 out=2x2", (8, 4, 4), "E204", "S", None),
        ("avgpool out=2x2 exclude_pad", (8, 4, 4), "E204", "exclude_pad", None),
        ("upsample 2 out=8x8", (8, 4, 4), "E204", "size_out", None),
        ("pad 1 channels=8 reflect", (8, 4, 4), "E204", "channels", None),
        ("conv F1 K2 nobias bias=[1 2]", (8, 4, 4), "E204", "bias_values", None),
        ("fc 2 nobias bias=[1 2]", (8,), "E204", "bias_values", None),
        ("conv F1 K2 init=he weight=[1]", (8, 4, 4), "E204", "init", None),
        ("fc 1 init=he weight=[1 1]", (2,), "E204", "init", None),
        ("conv F1 K2 connect=[0; 1] init=bilinear", (2, 4, 4), "E204", "init", None),
        ("conv F3 K4 init=bilinear", (3, 4, 4), "E205", "K", "K3"),
        ("deconv F3 G3 K6 init=bilinear", (3, 4, 4), "E205", "K", "K3"),
        ("fc 3 init=bilinear", (3,), "E205", "init", None),
        ("rbf 3 init=bilinear", (3,), "E205", "init", None),
        ("conv F3 K2 weight=[1 0; 0 1]", (1, 4, 4), "E215", "weight_values", None),
        ("conv F2 K2 weight=[1 0; 0 1 1]", (1, 4, 4), "E215", "weight_values", None),
        ("conv F1 K2 weight=[1|2|3]", (1, 4, 4), "E215", "weight_values", None),
        ("conv F1 K2 bias=[1 2 3]", (1, 4, 4), "E215", "bias_values", None),
        ("fc 2 weight=[1 0 0]", (3,), "E215", "weight_values", None),
        ("fc 1 weight=[1 0|1 0]", (2,), "E215", "weight_values", None),
        ("conv F1 K2 connect=[0; 1; 2]", (3, 4, 4), "E215", "connect", None),
        ("conv F1 K2 connect=[0; 3]", (3, 4, 4), "E215", "connect", None),
        ("conv F1 K2 connect=[0; 1 1]", (3, 4, 4), "E215", "connect", None),
        ("conv F1 K2 G2 connect=[0; 1]", (4, 4, 4), "E204", "connect", None),
        ("conv F1 K2 connect=[0 1; 2] weight=[1|2]", (4, 4, 4), "E215", "weight_values", None),
    ],
)
def test_codes_and_replacements(
    text: str, arriving: Shape, code: str, argument: str | None, replacement: str | None
) -> None:
    found = misfit(text, arriving)
    assert (found.code, found.argument, found.replacement) == (code, argument, replacement)
    assert found.message
    assert argument is None or argument in type(bind(text)).model_fields
    if code not in ("E204", "E203", "E215"):
        assert found.help, "a finding of shape names a way out"


@pytest.mark.parametrize(
    ("text", "arriving", "mended"),
    [
        ("reshape 100x7x7", (6272,), "reshape 128x7x7"),
        ("crop 9x4", (8, 8, 8), "crop 8x4"),
        ("crop 4x4 offset=5x0", (8, 8, 8), "crop 4x4 offset=4x4"),
        ("pad right=9 reflect", (8, 8, 9), "pad right=8 reflect"),
        ("slice 4:9", (8, 8, 8), "slice 4:8"),
        ("deconv F1 P3 K8", (8, 4, 4), "deconv F1 P1 K8"),
        ("maxpool F2 P2", (8, 8, 8), "maxpool F2 P1"),
    ],
)
def test_replacements_fit(text: str, arriving: Shape, mended: str) -> None:
    assert misfit(text, arriving).replacement in mended
    assert isinstance(bind(mended).out(arriving), tuple)


@pytest.mark.parametrize(
    ("text", "arriving", "note"),
    [
        ("pad 8 reflect", (8, 8, 9), "top ≤ H − 1 = 8 − 1 = 7"),
        ("maxpool F2 P2", (8, 8, 8), "P ≤ F/2: 2 > 1"),
        ("maxpool F3 P2", (8, 8, 8), "P ≤ F/2: 2 > 3/2"),
        ("conv F3 P1 G3 K64", (64, 8, 8), "C/G = 64/3, K/G = 64/3"),
        ("gn G32", (48, 8, 8), "C/G = 48/32"),
        ("dwconv F3 K33", (32, 8, 8), "K/C = 33/32"),
        ("fc 10", (512, 7, 7), "C·H·W = 512·7·7 = 25,088"),
        ("pixelshuffle 3", (8, 4, 4), "C/r² = 8/9"),
        ("pixelunshuffle 4", (8, 6, 7), "H/r = 6/4, W/r = 7/4"),
        ("crop 4x4 offset=5x0", (8, 8, 8), "5 + 4 = 9 of 8 rows, 0 + 4 = 4 of 8 columns"),
        ("slice 4:9", (8, 8, 8), "0 ≤ 4 < 9 ≤ 8 does not hold"),
        ("reshape 100x7x7", (6272,), "6272 = 6,272; 100·7·7 = 4,900"),
        ("deconv F1 P3 K8", (8, 4, 4), "(W − 1)·S − 2P + F = (4 − 1)·1 − 2·3 + 1 = −2"),
        ("conv F5 S2 K8", (8, 4, 4), "⌊(W − F + 2P)/S⌋ + 1 = ⌊(4 − 5 + 0)/2⌋ + 1 = 0"),
    ],
)
def test_the_arithmetic(text: str, arriving: Shape, note: str) -> None:
    assert misfit(text, arriving).note == note


@pytest.mark.parametrize(
    ("text", "arriving", "way"),
    [
        ("conv F5x3 K8", (8, 2, 2), "P2x1 keeps it at 2x2; F2 gives 1x1"),
        ("conv F4 K8", (8, 2, 3), "F2x3 gives 1x1"),
        ("conv F5 S2 P1 K8", (8, 2, 2), "F4 gives 1x1"),
        (
            "fc 10",
            (512, 7, 7),
            "flatten -> fc 10 reads all 25,088 numbers; gap -> fc 10 reads the mean of each of the 512 maps",
        ),
        ("dwconv F3 K70", (32, 8, 8), "K is a multiple of C: K64, or no K at all for K32"),
        ("pixelshuffle 3", (8, 4, 4), "9 channels would (`conv F1 K9` before it); a factor of 2 fits 8"),
        ("pixelunshuffle 5", (8, 6, 7), "10x10 would fit"),
        ("conv F1 K2 connect=[0; 1; 2]", (3, 4, 4), "K3 has as many filters as the table has rows"),
        ("deconv F1 P3 K8", (8, 4, 4), "P1 leaves something; a padding is cut off here, not added"),
        ("deconv F3 S2 extra=2 K8", (8, 4, 4), "extra=1 at most; a larger F makes the map larger"),
        ("deconv F3 extra=1 K8", (8, 4, 4), "a larger F makes the map larger"),
    ],
)
def test_ways_out(text: str, arriving: Shape, way: str) -> None:
    assert misfit(text, arriving).help == way


def test_like_a_vector() -> None:
    for text in ("crop like=@a", "upsample like=@a"):
        found = misfit(text, (8, 4, 4), (8,))
        assert (found.code, found.input) == ("E303", 1)
    assert misfit("crop like=@a", (8, 4, 4), (8, 5, 4)).code == "E307"


# --- merges -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "arriving", "out"),
    [
        ("add", [(64, 8, 8), (64, 8, 8)], (64, 8, 8)),
        ("add", [(10,), (10,), (10,)], (10,)),
        ("sub", [(64, 8, 8)], (64, 8, 8)),
        ("max", [(3, 8, 8), (3, 8, 8)], (3, 8, 8)),
        ("concat", [(64, 8, 8), (32, 8, 8), (1, 8, 8)], (97, 8, 8)),
        ("concat", [(10,), (5,)], (15,)),
        ("mul", [(64, 8, 8), (64, 8, 8)], (64, 8, 8)),
        ("mul", [(64, 8, 8), (64, 1, 1)], (64, 8, 8)),
        ("mul", [(64,), (64, 8, 8)], (64, 8, 8)),
        ("mul", [(64, 8, 8), (1, 8, 8), (64,)], (64, 8, 8)),
        ("mul", [(64, 1, 1), (64,)], (64, 1, 1)),
        ("mul", [(64,), (64,)], (64,)),
        ("mul", [(1, 1, 1), (1, 4, 4)], (1, 4, 4)),
    ],
)
def test_merges(word: str, arriving: list[Shape], out: Shape) -> None:
    assert bind(word).out(*arriving) == out


@pytest.mark.parametrize(
    ("word", "arriving", "number", "way"),
    [
        ("add", [(64, 8, 8), (32, 8, 8)], 1, "`conv F1 K64` at the end of branch 2"),
        (
            "add",
            [(64, 8, 8), (64, 8, 8), (64, 4, 4)],
            2,
            "`maxpool F2` at the end of branch 1, or `upsample 2` at the end of branch 3",
        ),
        (
            "add",
            [(64, 4, 4), (64, 8, 8)],
            1,
            "`maxpool F2` at the end of branch 2, or `upsample 2` at the end of branch 1",
        ),
        ("add", [(64, 8, 8), (64, 7, 7)], 1, "`crop 7x7` at the end of branch 1, or `pad right=1 bottom=1`"),
        ("add", [(64, 8, 8), (64, 3, 7)], 1, "P and S decide the size: look at branch 2"),
        ("add", [(64, 8, 8), (64,)], 1, "flatten"),
        ("add", [(64,), (32,)], 1, "`fc 64` at the end of branch 2"),
        ("sub", [(64, 8, 8), (1, 8, 8)], 1, "`conv F1 K64`"),
        ("max", [(64, 8, 8), (64, 1, 1)], 1, "`maxpool F8` at the end of branch 1"),
        ("concat", [(64, 8, 8), (3, 4, 4)], 1, "`maxpool F2` at the end of branch 1"),
        ("concat", [(64, 8, 8), (3,)], 1, "flatten"),
        ("mul", [(64, 8, 8), (32, 1, 1)], 1, "64x8x8, 64, 64x1x1 or 1x8x8"),
        ("mul", [(64, 8, 8), (1, 1, 1)], 1, "64x8x8, 64, 64x1x1 or 1x8x8"),
        ("mul", [(64, 1, 1), (1, 8, 8)], 1, "64x1x1, 64, 64x1x1"),
        ("mul", [(64,), (32,)], 1, "64"),
    ],
)
def test_branches_that_do_not_match(word: str, arriving: list[Shape], number: int, way: str) -> None:
    found = misfit(word, *arriving)
    assert found.code == "E304"
    assert found.input == number
    assert found.message.startswith(f"branch {number + 1} brings ")
    assert way in found.help


# --- literals -----------------------------------------------------------------------------------------


def test_one_plane_serves_every_filter_and_channel() -> None:
    op: Any = bind("conv F3 K4 nobias weight=[1 0 -1; 1 0 -1; 1 0 -1] frozen")
    (weight,) = op.weights((3, 6, 6))
    assert weight.shape == (4, 3, 3, 3)
    assert weight.role == "frozen"
    assert weight.initial.shape == (1, 1, 3, 3)
    assert weight.initial.values == (1, 0, -1) * 3


def test_planes_filter_by_filter_channel_by_channel() -> None:
    (weight, bias) = bind("conv F1 K2 weight=[1|2|3|4] bias=[5 6]").weights((2, 4, 4))
    assert weight.initial.shape == (2, 2, 1, 1)
    assert weight.initial.values == (1, 2, 3, 4)
    assert bias.initial.shape == (2,)
    assert bias.initial.values == (5, 6)


def test_two_planes_are_one_for_each_filter() -> None:
    (weight,) = bind("conv F1 K2 nobias weight=[1|2]").weights((1, 4, 4))
    assert weight.initial.shape == (2, 1, 1, 1)
    (weight,) = bind("conv F1 K2 nobias weight=[1|2] connect=[0;1]").weights((2, 4, 4))
    assert weight.initial.shape == (2, 1, 1)


def test_planes_of_a_table() -> None:
    weight, _ = bind("conv F1 K2 connect=[0 1; 2] weight=[1|2|1/2]").weights((4, 4, 4))
    assert weight.shape == weight.initial.shape == (3, 1, 1)
    assert weight.initial.values == (1, 2, 0.5)


def test_one_bias_serves_every_filter() -> None:
    bias = bind("conv F3 K1 bias=-500").weights((1, 5, 5))[1]
    assert bias.initial.values == (-500,)
    assert bias.initial.shape == (1,)


def test_a_dense_literal_has_a_row_for_each_output() -> None:
    weight = bind("fc 2 weight=[1 2 3; 4 5 6]").weights((3,))[0]
    assert weight.initial.shape == weight.shape == (2, 3)
    assert weight.initial.values == (1, 2, 3, 4, 5, 6)
