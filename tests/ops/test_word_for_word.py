"""All that layers say of themselves, kept to be read in word_for_word.txt: shapes, weights and their start,
costs, windows, formulas, advice; and of what does not fit, every word.

`UPDATE_GOLDEN=1 python -m pytest tests/ops/test_word_for_word.py` writes the file anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cnnspec.ops import words
from cnnspec.ops.base import Misfit, Op, Shape, Weight, written_shape
from tests.ops.binder import op as bind
from tests.support import check_against

MAP, TALL, WIDE, VECTOR = "4x8x9", "8x9x4", "3x6x14", "12"

LAYERS = {  # the arguments, the shapes that arrive
    "conv": [
        ("F3 P1 K8", MAP), ("F3x5 S2x1 K6 nobias", MAP), ("F2 S2 D2x1 G2 K4", TALL), ("F3 Psame K4", MAP),
        ("F3 S2 P1 K4", MAP), ("F1 P1 K3 frozen", MAP), ("F7 P3 K64", "64x9x14"), ("F4 P1 K4", TALL),
        ("F3 K2 connect=[0 1; 1 2]", WIDE), ("F2 K4 connect=[0;1;2;3] nobias", MAP),
        ("F1 K4 init=he", MAP), ("F1 K4 init=xavier", MAP), ("F3 K4 init=normal(0.01)", MAP),
        ("F3 K4 init=uniform(0.5) frozen", MAP), ("F1 K4 init=ones", MAP), ("F1 K4 init=zeros", MAP),
        ("F1x2 K4 weight=[1 2] bias=-3", MAP), ("F2 K4 weight=[1 2;3 4] nobias frozen", MAP),
        ("F10 K4", MAP), ("F3x9 K4", TALL), ("F9 P1 S2 K4", MAP),
        ("F5 S3 K4", "4x9x9"), ("F5x4 S3x2 K4", "4x9x9"), ("F3 G3 K4", MAP), ("F3 G4 K6", MAP),
        ("F3 K4", VECTOR), ("F4 Psame K4", MAP), ("F3 S2 Psame K4", MAP), ("F2 K4 weight=[1 2 3]", MAP),
        ("F1 K2 connect=[0; 4]", MAP), ("F1 K2 connect=[0; 1; 2]", MAP), ("F1 K2 connect=[0; 1 1]", MAP),
        ("F1 G2 K2 connect=[0; 1]", MAP), ("F2 K2 connect=[0; 1] init=bilinear", MAP),
        ("F2 K4 init=bilinear G2", "2x4x4"), ("F1 K2 weight=[1|2|3]", MAP),
        ("F2 K1 weight=[1 2;3 4|1 2;3]", "2x4x4"), ("F9 P1x0 K2", "2x4x4"), ("F1 K2 nobias bias=1", MAP),
        ("F1 K4 init=he weight=[1]", MAP),
        ("F1 K2 bias=[1 2 3]", MAP),
    ],
    "dwconv": [
        ("F3 P1", MAP), ("F3x2 S2 K8 nobias", MAP), ("F3 D2 frozen", TALL), ("F3 K6", MAP), ("F7 P3", MAP),
        ("F3 init=he", MAP), ("F2 K8 init=bilinear", MAP), ("F12", MAP), ("F3", VECTOR), ("F1 K2", MAP),
    ],
    "deconv": [
        ("F2 S2 K3", MAP), ("F3x4 S2 P1 K4 nobias", MAP), ("F3 S2 P1 extra=1 K4", MAP), ("F3 G2 K4", MAP),
        ("F4 S2 P1 K4 init=bilinear", MAP), ("F2 S2 K4 init=he frozen", MAP), ("F2 S3 Psame K1", MAP),
        ("F1 P4 K4", MAP), ("F3 S2 extra=2 K4", MAP), ("F3 extra=1 K4", MAP), ("F3 G3 K4", MAP),
        ("F2 Psame extra=1 S2 K2", MAP), ("F4x3 S2x1 D1x2 K2", MAP), ("F2 K3 init=bilinear", MAP),
        ("F3 K4", VECTOR),
    ],
    "fc": [
        ("10", VECTOR), ("10 nobias", "5x1x1"), ("10", "4x3x1"), ("10", "4x1x3"), ("10", MAP),
        ("3 frozen init=xavier", VECTOR),
        ("2 weight=[1 2 3;4 5 6] bias=[7 8]", "3"), ("2 weight=[1 2]", "3"), ("2 weight=[1 2 3]", "3"),
        ("2 init=bilinear", "3"), ("2 weight=[1 2 3;4 5 6|1 2 3;4 5 6]", "3"), ("2 bias=[1 2 3]", "3"),
    ],
    "rbf": [("10", VECTOR), ("3 frozen", VECTOR), ("10", MAP)],
    "subsample": [("F2", MAP), ("F2 S1 frozen", TALL), ("F5x9", TALL), ("F2", VECTOR)],
    "maxpool": [
        ("F2", MAP), ("F3x2 S2x1 P1x0", MAP), ("F3 S2 ceil", MAP), ("F3 S2", MAP), ("F2 D2 S1", MAP),
        ("F3 Psame S1", TALL), ("F2 P2", MAP), ("F3x2 P2x1", MAP), ("F9x2", MAP), ("F2", VECTOR),
        ("out=2x3", MAP), ("", MAP), ("F2 out=2x3", MAP), ("out=2x3 ceil", MAP),
        ("F2 P1 D9 S9", MAP), ("F2 P1 D9 S9", "2x9x1"),
    ],
    "avgpool": [
        ("F2", MAP), ("F3 S1 P1", MAP), ("F3 S2 P1 exclude_pad ceil", MAP), ("out=2x3", MAP),
        ("out=4x7", MAP),        ("out=9x9", MAP), ("F10", MAP),
    ],
    "gap": [("", MAP), ("", VECTOR)],
    "gmp": [("", TALL), ("", VECTOR)],
    "bn": [("", MAP), ("eps=0.001 momentum=0.01 frozen", MAP), ("noaffine", VECTOR)],
    "in": [("", MAP), ("affine", MAP), ("", "4x1x1"), ("", VECTOR)],
    "ln": [("", MAP), ("eps=1e-6", VECTOR), ("noaffine", MAP)],
    "gn": [("G2", MAP), ("G3", MAP), ("G4 frozen", "4x1x1"), ("G2", VECTOR)],
    "lrn": [("size=5", MAP), ("size=3 alpha=0.5 beta=1 k=2", MAP), ("size=5", VECTOR)],
    "upsample": [
        ("2", MAP), ("2x3 bilinear", MAP), ("out=9x18", MAP), ("out=4x5 bilinear", MAP),
        ("", MAP), ("2 out=4x4", MAP), ("2", VECTOR),
    ],
    "pixelshuffle": [("2", MAP), ("3", MAP), ("2", VECTOR)],
    "pixelunshuffle": [("2", TALL), ("3", TALL), ("3", WIDE), ("2", VECTOR)],
    "pad": [
        ("1", MAP), ("left=1 bottom=2", MAP), ("top=1 channels=2:1", MAP), ("2 reflect", TALL),
        ("8 reflect", MAP), ("1 reflect channels=1", MAP),
        ("4 reflect", TALL), ("1", VECTOR),
    ],
    "crop": [
        ("4x4", MAP), ("4x4 offset=1x2", MAP), ("9x4", MAP), ("4x4 offset=5x0", MAP), ("", MAP),
        ("4x4", VECTOR),
    ],
    "slice": [("1:3", MAP), (":2", VECTOR), ("3:9", MAP), ("3:3", MAP), ("4:9", MAP), ("2:9", VECTOR)],
    "reshape": [
        ("2x12x12", MAP), ("288", MAP), ("3x9x9", MAP), ("3x9", MAP), ("24x3x4", MAP), ("3x2x2", VECTOR),
    ],
    "flatten": [("", MAP), ("", VECTOR)],
    "shuffle": [("G2", MAP), ("G3", MAP), ("G2", VECTOR)],
    "prelu": [("", MAP), ("one", MAP), ("", VECTOR)],
    "leaky": [("", MAP), ("0.3", MAP)],
    "elu": [("", MAP), ("0.5", MAP)],
    "dropout": [("", MAP), ("0.3", VECTOR)],
    "scale": [("", MAP), ("init=0.1", MAP), ("one", VECTOR)],
    "times": [("0.5", MAP)],
    "tanh": [("", MAP), ("amp=1.7159 gain=2/3", MAP)],
    "softmax": [("", VECTOR), ("", MAP)],
    "add": [
        ("", "4x8x9 4x8x9"), ("", "4x8x9 5x8x9"), ("", "4x8x9 4x4x3"), ("", "4x8x8 4x8x8 4x4x4"),
        ("", "4x4x4 4x8x8"), ("", "4x8x8 4x7x6"), ("", "4x8x8 4x9x7"), ("", "4x8x9 4"), ("", "4 5"),
    ],
    "sub": [("", "4x8x9 4x8x9"), ("", "4x8x9 4x8x9 4x8x9"), ("", "4x8x9 1x8x9")],
    "max": [("", "4x8x9 4x8x9"), ("", "4x8x8 4x1x1")],
    "concat": [("", "4x8x9 2x8x9"), ("", "4x8x9 2x4x9"), ("", "4 5"), ("", "4x8x9 5")],
    "mul": [
        ("", "4x8x9 4"), ("", "1x8x9 4x8x9"), ("", "4x8x9 4x1x1"), ("", "4x8x9 3x1x1"), ("", "2x1x1 1x8x9"),
        ("", "4 4"), ("", "4 5"), ("", "4 4x1x1"),
    ],
}  # fmt: skip


def weight_line(weight: Weight) -> str:
    initial = weight.initial
    values = "".join(f" {value:g}" for value in initial.values)
    start = f"{initial.distribution} {initial.value:.6g}{values}" + (f" as {initial.shape}" * bool(values))
    return f"{weight.name} {weight.shape} {weight.role}, starts {start}"


def said(op: Op, arriving: tuple[Shape, ...]) -> Iterator[str]:
    out = op.unfit() or op.out(*arriving)
    if isinstance(out, Misfit):
        for name, value in out._asdict().items():
            if value not in ("", None, 0):
                yield f"{name}: {value}"
        return
    macs, connections = op.macs(arriving, out), op.connections(arriving, out)
    yield f"-> {written_shape(out)}, macs {macs}, connections {connections}"
    yield from map(weight_line, op.weights(*arriving))
    for axis, window in zip("HW", op.window(arriving, out), strict=True):
        yield f"window {axis}: size {window.size}, stride {window.stride}, start {window.start}"
    yield from (formula.line() for formula in op.formulas(arriving, out))
    for remark in op.remark(arriving, out):
        yield f"{remark.code} at {remark.argument}: {remark.message}"
        yield from (f"  {word}" for word in (remark.note, remark.help, remark.replacement) if word)


def pages() -> Iterator[str]:
    for word in words():
        for arguments, shapes in LAYERS.get(word, [("", MAP)]):
            arriving = tuple(tuple(map(int, shape.split("x"))) for shape in shapes.split())
            line = f"{word} {arguments}".strip()
            yield f"{line} on {shapes}\n" + "".join(f"    {text}\n" for text in said(bind(line), arriving))


def test_word_for_word() -> None:
    check_against(Path(__file__).with_name("word_for_word.txt"), "\n".join(pages()))
