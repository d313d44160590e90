"""Sizes, weights, MACs, connections, windows: against published figures and the notes' own arithmetic."""

from __future__ import annotations

import re
from fractions import Fraction
from math import ceil, floor, prod
from typing import Any

import pytest

from cnnspec.ops import lookup
from cnnspec.ops.base import Misfit, Op, Shape, Window, axes_of
from tests.ops.binder import op as bind
from tests.ops.test_json_and_text import SHAPES, drawn

C3 = (
    "0 1 2; 1 2 3; 2 3 4; 3 4 5; 0 4 5; 0 1 5; 0 1 2 3; 1 2 3 4; 2 3 4 5; 0 3 4 5; 0 1 4 5; 0 1 2 5; "
    "0 1 3 4; 1 2 4 5; 0 2 3 5; 0 1 2 3 4 5"
)


def params(op: Op, *shape: Shape) -> int:
    return sum(prod(weight.shape) for weight in op.weights(*shape) if weight.role != "buffer")


@pytest.mark.parametrize(
    ("text", "shape", "out", "weights", "connections"),
    [  # LeCun et al., 1998, section II-B
        ("conv F5 K6", (1, 32, 32), (6, 28, 28), 156, 122_304),
        ("subsample F2", (6, 28, 28), (6, 14, 14), 12, 5_880),
        (f"conv F5 K16 connect=[{C3}]", (6, 14, 14), (16, 10, 10), 1_516, 151_600),
        ("subsample F2", (16, 10, 10), (16, 5, 5), 32, 2_000),
        ("conv F5 K120", (16, 5, 5), (120, 1, 1), 48_120, 48_120),
        ("fc 84", (120, 1, 1), (84,), 10_164, 10_164),
        ("rbf 10 frozen", (84,), (10,), 840, 840),
    ],
)
def test_lenet5_as_published(text: str, shape: Shape, out: Shape, weights: int, connections: int) -> None:
    op = bind(text)
    assert op.out(shape) == out
    assert params(op, shape) == weights
    assert op.connections((shape,), out) == connections
    assert op.weighted


def test_lenet5_has_340_908_connections_and_60_000_weights() -> None:
    assert sum((122_304, 5_880, 151_600, 2_000, 48_120, 10_164, 840)) == 340_908
    rbf = bind("rbf 10 frozen").weights((84,))
    assert [weight.role for weight in rbf] == ["frozen"]
    assert rbf[0].initial.distribution == "signs"


def test_the_weights_of_c3_are_a_plane_for_each_connection() -> None:
    weight, bias = bind(f"conv F5 K16 connect=[{C3}]").weights((6, 14, 14))
    assert weight.shape == (60, 5, 5)
    assert bias.shape == (16,)


@pytest.mark.parametrize(
    ("text", "shape", "out", "weights", "macs"),
    [
        # torchvision's own: ResNet-50's first layer, VGG-16's, AlexNet's, two dense ones, ResNeXt's
        ("conv F7 S2 P3 K64 nobias", (3, 224, 224), (64, 112, 112), 9_408, 118_013_952),
        ("conv F3 P1 K64", (3, 224, 224), (64, 224, 224), 1_792, 86_704_128),
        ("conv F11 S4 P2 K64", (3, 224, 224), (64, 55, 55), 23_296, 70_276_800),
        ("fc 4096", (25_088,), (4096,), 102_764_544, 102_760_448),
        ("fc 1000", (2048, 1, 1), (1000,), 2_049_000, 2_048_000),
        ("conv F3 P1 G32 K128 nobias", (128, 56, 56), (128, 56, 56), 4_608, 14_450_688),
        # the notes: (32 − 5 + 2·2)/1 + 1 = 32; a depthwise 3x3 on 32 maps has 288, with biases 320
        ("conv F5 P2 K64", (3, 32, 32), (64, 32, 32), 4_864, 4_915_200),
        ("dwconv F3 P1 nobias", (32, 112, 112), (32, 112, 112), 288, 3_612_672),
        ("dwconv F3 P1", (32, 112, 112), (32, 112, 112), 320, 3_612_672),
        ("dwconv F3 P1 K64 nobias", (32, 8, 8), (64, 8, 8), 576, 36_864),
        # 32 − 5 + 1 is 28, not 18
        ("conv F5 K6", (1, 32, 32), (6, 28, 28), 156, 117_600),
        # U-Net's first up-convolution
        ("deconv F2 S2 K512", (1024, 28, 28), (512, 56, 56), 2_097_664, 1_644_167_168),
        ("deconv F4 S2 P1 K64 nobias", (128, 7, 7), (64, 14, 14), 131_072, 6_422_528),
        ("deconv F3 S2 P1 K8 extra=1", (4, 7, 9), (8, 14, 18), 296, 18_144),
        ("deconv F3 S2 Psame K8", (4, 7, 9), (8, 14, 18), 296, 18_144),
        ("deconv F2 S3 Psame K8", (4, 7, 9), (8, 21, 27), 136, 8_064),
        ("conv F1x7 P0x3 K4 nobias", (2, 9, 9), (4, 9, 9), 56, 4_536),
        ("conv F3 S2 Psame K8 nobias", (3, 224, 225), (8, 112, 113), 216, 2_733_696),
        ("conv F3 D2 P2 K1", (1, 9, 9), (1, 9, 9), 10, 729),
        ("bn", (64, 8, 8), (64, 8, 8), 128, 0),
        ("bn noaffine", (64, 8, 8), (64, 8, 8), 0, 0),
        ("in", (64, 8, 8), (64, 8, 8), 128, 0),
        ("ln", (64, 8, 8), (64, 8, 8), 128, 0),
        ("gn G32", (64, 8, 8), (64, 8, 8), 128, 0),
        ("lrn size=5", (64, 8, 8), (64, 8, 8), 0, 0),
        ("prelu", (64, 8, 8), (64, 8, 8), 64, 0),
        ("prelu one", (64, 8, 8), (64, 8, 8), 1, 0),
        ("scale init=1e-6", (64, 8, 8), (64, 8, 8), 64, 0),
        ("scale one", (64, 8, 8), (64, 8, 8), 1, 0),
        ("maxpool F3 S2 ceil", (64, 112, 112), (64, 56, 56), 0, 0),
        ("maxpool F3 S2", (64, 112, 112), (64, 55, 55), 0, 0),
        ("maxpool F2 S2 P1 ceil", (1, 5, 5), (1, 3, 3), 0, 0),  # a fourth would start behind the map
        ("maxpool F2 S1 Psame", (512, 13, 13), (512, 13, 13), 0, 0),  # YOLOv3-tiny
        ("avgpool out=7x7", (256, 13, 4), (256, 7, 7), 0, 0),
        ("gap", (2048, 7, 7), (2048, 1, 1), 0, 0),
        ("gmp", (2048, 7, 7), (2048, 1, 1), 0, 0),
        ("cmean", (64, 5, 6), (1, 5, 6), 0, 0),
        ("cmax", (64, 5, 6), (1, 5, 6), 0, 0),
        ("flatten", (512, 7, 7), (25_088,), 0, 0),
        ("upsample 2x1", (3, 4, 5), (3, 8, 5), 0, 0),
        ("upsample out=7x3", (3, 4, 5), (3, 7, 3), 0, 0),
        ("pixelshuffle 3", (27, 85, 85), (3, 255, 255), 0, 0),
        ("pixelunshuffle 2", (64, 26, 26), (256, 13, 13), 0, 0),
        ("shuffle G3", (240, 28, 28), (240, 28, 28), 0, 0),
        ("pad left=0 right=1 top=0 bottom=1", (3, 224, 224), (3, 225, 225), 0, 0),
        ("pad 2 reflect", (3, 8, 8), (3, 12, 12), 0, 0),
        ("pad 2 left=0", (3, 8, 8), (3, 12, 10), 0, 0),
        ("pad channels=4:4", (8, 8, 8), (16, 8, 8), 0, 0),
        ("pad channels=8", (8, 8, 8), (16, 8, 8), 0, 0),
        ("crop 56x56", (64, 64, 64), (64, 56, 56), 0, 0),
        ("slice 0:58", (116, 28, 28), (58, 28, 28), 0, 0),
        ("slice 3:5", (8,), (2,), 0, 0),
        ("reshape 128x7x7", (6272,), (128, 7, 7), 0, 0),
    ],
)
def test_sizes_weights_and_macs(text: str, shape: Shape, out: Shape, weights: int, macs: int) -> None:
    op = bind(text)
    assert op.out(shape) == out
    assert params(op, shape) == weights
    assert op.macs((shape,), out) == macs


def test_batch_norm_has_2c_plus_1_buffers() -> None:
    buffers = [weight for weight in bind("bn").weights((64, 8, 8)) if weight.role == "buffer"]
    assert sum(prod(weight.shape) for weight in buffers) == 2 * 64 + 1


def test_like() -> None:
    shape = (8, 7, 9), (3, 4, 5)
    assert bind("crop like=@a").out(*shape) == (8, 4, 5)
    assert bind("upsample like=@a").out((3, 4, 5), (8, 7, 9)) == (3, 7, 9)


def test_unpool_gives_what_arrived_at_the_maxpool() -> None:
    made: Any = lookup("unpool")
    op = made(like=True, maxpool=bind("maxpool F3 S2"))
    assert op.out((4, 3, 3), (4, 8, 8)) == (4, 8, 8)  # 8x8 → 3x3: a row was lost, and comes back
    assert op.window(((4, 3, 3), (4, 8, 8)), (4, 8, 8))[0] == Window(2, Fraction(1, 2), -1)
    assert op.out((4, 4, 4), (4, 8, 8)).code == "E308"
    assert op.out((5, 3, 3), (4, 8, 8)).code == "E308"
    assert made().out((4, 3, 3)).code == "E203"


@pytest.mark.parametrize(
    ("text", "shape", "window"),
    [
        ("conv F5 K1", (1, 32, 32), Window(5, 1, 0)),
        ("conv F3 S2 P1 K1", (1, 32, 32), Window(3, 2, -1)),
        ("conv F3 D2 P2 K1", (1, 32, 32), Window(5, 1, -2)),
        ("conv F3 S2 Psame K1", (1, 32, 32), Window(3, 2, 0)),  # one zero, and it stands at the end
        ("maxpool F3 S2 ceil", (1, 32, 32), Window(3, 2, 0)),
        ("subsample F2", (1, 8, 8), Window(2, 2, 0)),
        ("subsample F3 S2", (1, 9, 9), Window(3, 2, 0)),
        ("gmp", (1, 7, 7), Window(7, 7, 0)),
        ("reshape 4x4x4", (1, 8, 8), Window(8, 0, 0)),
        ("reshape 1x8x8", (1, 8, 8), Window(1, 1, 0)),
        ("gap", (1, 7, 7), Window(7, 7, 0)),
        ("crop 3x3", (1, 7, 7), Window(1, 1, 2)),
        ("pad 2", (1, 7, 7), Window(1, 1, -2)),
        ("pixelunshuffle 2", (1, 8, 8), Window(2, 2, 0)),
        ("upsample 2", (1, 8, 8), Window(Fraction(3, 2), Fraction(1, 2), Fraction(-1, 2))),
        ("deconv F2 S2 K1", (1, 8, 8), Window(Fraction(3, 2), Fraction(1, 2), Fraction(-1, 2))),
        ("upsample 2 bilinear", (1, 8, 8), Window(Fraction(5, 2), Fraction(1, 2), -1)),
        ("avgpool out=4x4", (1, 8, 8), Window(2, 2, 0)),
        ("relu", (1, 8, 8), Window(1, 1, 0)),
    ],
)
def test_windows(text: str, shape: Shape, window: Window) -> None:
    op = bind(text)
    out: Any = op.out(shape)
    assert op.window((shape,), out) == (window, window)


def test_a_vector_has_no_axis_to_read_along() -> None:
    fc: Any = bind("fc 3")
    assert fc.window(((8,),), (3,)) == ()


def test_rows_and_columns_are_not_mixed_up() -> None:
    """The first of a pair is of rows, along H; the second of columns, along W."""
    for word in ("conv", "maxpool", "subsample", "deconv"):
        K = " K1" if word.endswith("conv") else ""
        tall = bind(f"{word} F3x2 S2x1{K}")
        rows, columns = tall.window(((1, 9, 7),), tall.out((1, 9, 7)))  # type: ignore[arg-type]
        assert rows.stride != 1
        assert columns == Window(2, 1, -1 if word == "deconv" else 0)
    assert bind("maxpool F3x2 S2x1").out((1, 9, 7)) == (1, 4, 6)
    assert bind("subsample F3x2 S2x1").out((1, 9, 7)) == (1, 4, 6)
    assert bind("subsample F3x2 S2x1").connections(((1, 9, 7),), (1, 4, 6)) == (3 * 2 + 1) * 4 * 6
    assert bind("deconv F3x2 S2x1 K1").out((1, 9, 7)) == (1, 19, 8)
    uneven: Any = bind("conv F5x2 S1x3 D1x2 Psame K1")
    assert uneven.padding((1, 9, 7)) == ((2, 2), (1, 1))
    assert uneven.out((1, 9, 7)) == (1, 9, 3)


def evaluated(text: str, values: Any) -> Any:
    """A formula's text as arithmetic, the symbols filled in with names."""
    names = {}
    for number, symbol in enumerate(sorted(values, key=len, reverse=True)):
        text = substituted(text, symbol, f"v{number}_")
        names[f"v{number}_"] = values[symbol]
    for pair, call in (("⌊⌋", "floor"), ("⌈⌉", "ceil")):
        text = text.replace(pair[0], call + "(").replace(pair[1], ")")
    text = text.replace("·", "*").replace("−", "-").replace("²", "**2").replace("³", "**3")
    return eval(text, {"floor": floor, "ceil": ceil, **{name: Fraction(v) for name, v in names.items()}})


def substituted(text: str, symbol: str, name: str) -> str:

    return re.sub(
        rf"(?<![A-Za-z_])(\d*){re.escape(symbol)}(?![A-Za-z0-9_'])",
        lambda match: f"{match[1]}*{name}" if match[1] else name,
        text,
    )


def test_every_formula_gives_its_result() -> None:
    """All formulas of all drawn layers, worked out from their text; and again with the numbers filled in."""
    counted = 0
    for text, axes in drawn():
        op = bind(text, axes)
        for shape in SHAPES:
            out = op.out(shape)
            if isinstance(out, Misfit):
                continue
            for formula in op.formulas((shape,), out):
                assert evaluated(formula.text, formula.values) == formula.result, (text, shape, formula)
                filled = re.sub(r"(?<=[0-9]),(?=[0-9])", "", formula.filled())
                assert evaluated(filled, {}) == formula.result, (text, formula)
                assert all(symbol in formula.text for symbol in formula.values), formula
                counted += 1
    assert counted > 1000


def test_formulas_agree_with_what_the_layer_says() -> None:
    """Where a formula is named W', H', weights or MACs, its result is the layer's own number."""
    for text, axes in drawn():
        op = bind(text, axes)
        for shape in SHAPES:
            out = op.out(shape)
            if isinstance(out, Misfit):
                continue
            for formula in op.formulas((shape,), out):
                match formula.name:
                    case "weights":
                        assert formula.result == params(op, shape)
                    case "MACs":
                        assert formula.result == op.macs((shape,), out)
                    case "connections":
                        assert formula.result == op.connections((shape,), out)
                    case "C'":
                        assert formula.result == out[0]
                    case name if name.endswith("'"):
                        named = [one.removesuffix("'") for one in name.split(" = ")]
                        assert {out[1 + axes_of(out).index(axis)] for axis in named} == {formula.result}


def lines(text: str, shape: Shape) -> list[str]:
    op = bind(text)
    out: Any = op.out(shape)
    return [formula.line() for formula in op.formulas((shape,), out)]


def test_the_notes_formulas_word_for_word() -> None:
    assert lines("conv F5 P2 K64", (3, 32, 32)) == [
        "W' = H' = (W − F + 2P)/S + 1 = (32 − 5 + 2·2)/1 + 1 = 32",
        "weights = (F·F·C)·K + K = (5·5·3)·64 + 64 = 4,864",
        "MACs = (F·F·C)·K·W'·H' = (5·5·3)·64·32·32 = 4,915,200",
    ]
    assert lines("conv F7 S2 P3 K64 nobias", (3, 224, 224))[0] == (
        "W' = H' = ⌊(W − F + 2P)/S⌋ + 1 = ⌊(224 − 7 + 2·3)/2⌋ + 1 = 112"
    )
    assert lines("conv F3 P1 G32 K128", (128, 8, 8))[1] == (
        "weights = (F·F·C/G)·K + K = (3·3·128/32)·128 + 128 = 4,736"
    )
    assert lines("conv F1x7 P0x3 K4", (2, 9, 12))[:2] == [
        "W' = (W − F + 2P)/S + 1 = (12 − 7 + 2·3)/1 + 1 = 12",
        "H' = (H − F + 2P)/S + 1 = (9 − 1 + 0)/1 + 1 = 9",
    ]
    assert lines("dwconv F3 P1 nobias", (32, 8, 8))[1] == "weights = (F·F)·K = (3·3)·32 = 288"
    assert lines("maxpool F3 S2 ceil", (64, 112, 112)) == [
        "W' = H' = ⌈(W − F + 2P)/S⌉ + 1 = ⌈(112 − 3 + 0)/2⌉ + 1 = 56"
    ]
    assert lines("deconv F2 S2 K64", (128, 28, 28))[0] == (
        "W' = H' = (W − 1)·S − 2P + F = (28 − 1)·2 − 0 + 2 = 56"
    )


def test_a_frozen_scale_trains_nothing() -> None:
    (weight,) = bind("scale frozen").weights((3, 8, 8))
    assert (weight.shape, weight.role) == ((3,), "frozen")


def test_a_window_as_large_as_the_map() -> None:
    assert bind("subsample F2").out((3, 2, 2)) == (3, 1, 1)
