"""The layouts on specs as others write them: other names of blocks and parameters, other structure."""

from __future__ import annotations

import csv
import io

from cnnspec.diagnostics import Diagnostic
from cnnspec.drawing.table import tables
from cnnspec.drawing.table.formats import written
from cnnspec.drawing.table.networks import TableOptions
from tests.drawing.table.networks import networks, refused, rows

HEAD = "input 3x64x64\ndefault conv dwconv nobias\n"

LABELS = """
block BasicBlock(planes, st=1) {
  shortcut: id
  a: conv F3 S=st P1 K=planes -> bn -> relu
  b: conv F3 P1 K=planes -> bn
  add [ @b | if st != 1 or C != planes [ @shortcut -> conv F1 S=st K=planes -> bn ] else [ @shortcut ] ]
  relu
}
conv F3 P1 K64 -> bn -> relu
BasicBlock(64) -> BasicBlock(64)
BasicBlock(128, 2) -> BasicBlock(128)
gap -> fc 10 -> softmax
"""

GATES = """
block Bottle(w, s) {
  x: id
  y: conv F1 K=w -> bn -> relu -> conv F3 S=s P1 K=w G=4 -> bn -> relu -> conv F1 K=4*w -> bn
  let full = 4*w
  e: @y -> gap -> conv F1 K=full//16 -> relu -> conv F1 K=full -> sigmoid
  z: mul [ @y | @e ]
  add [ @z | if s > 1 or full != w [ @x -> conv F1 S=s K=full -> bn ] ] -> relu
}
conv F3 P1 K64 -> bn -> relu
Bottle(16, 1)
Bottle(32, 2)
avgpool F32 -> fc 10
"""

MOBILE = """
block mb(out, stride=1, expand=6, ks=3) {
  if stride == 1 and C == out [
    let cin = C
    add [
        conv F1 K=expand*cin -> bn -> relu6 -> dwconv F=ks P=ks//2 -> bn -> relu6 -> conv F1 K=out -> bn | id
    ]
  ] else [
    if expand != 1 [ conv F1 K=expand*C -> bn -> relu6 ]
    dwconv F=ks S=stride P=ks//2 -> bn -> relu6
    conv F1 K=out -> bn
  ]
}
conv F3 S2 P1 K16 -> bn -> relu6
mb(16, expand=1)
mb(24, 2) -> mb(24)
mb(40, 2, ks=5) -> [mb(40, ks=5)]*2
conv F1 K320 -> bn -> relu6 -> gap -> fc 10
"""

FUSED = """
block se(r) { let c = C
  mul [ gap -> conv F1 K=r bias -> silu -> conv F1 K=c bias -> sigmoid | id ] }
block MB(cout, kernel, s, e) {
  let cin = C
  start: id
  if e > 1 [ conv F1 K=cin*e -> bn -> silu ]
  dwconv F=kernel S=s P=(kernel-1)//2 -> bn -> silu
  se(max(1, cin//4))
  conv F1 K=cout -> bn
  if s == 1 and cin == cout [ add [ id | @start ] ]
}
block Fused(cout, s, e) {
  let cin = C
  add [
      conv F3 S=s P1 K=cin*e -> bn -> silu -> conv F1 K=cout -> bn
    | if s == 1 and cin == cout [ id ] else [ none ]
  ]
}
stem: conv F3 S2 P1 K32 -> bn -> silu
Fused(24, 2, 4) -> [Fused(24, 1, 4)]*3
MB(40, 5, 2, 6) -> MB(40, 5, 1, 6)
head: conv F1 K1280 -> bn -> silu -> gap -> dropout 0.2 -> fc 1000
"""

VGG = """
block stage(n, ch) {
  [conv F3 P1 K=ch bias -> bn -> relu]*n
  maxpool F2
}
stage(1, 32) -> stage(2, 64)
flatten -> fc 256 -> relu -> dropout 0.5 -> fc 10 -> softmax
"""

DENSE = """
block unit() { concat [ bn -> relu -> conv F3 P1 K12 -> dropout 0.2 | id ] }
block down() { bn -> relu -> conv F1 K=C -> avgpool F2 }
conv F3 P1 K16
[unit()]*12 -> down() -> [unit()]*8
bn -> relu -> gap -> fc 10
"""

INCEPTION = """
block cbr(f, s, k) { conv F=f S=s P=f//2 K=k -> bn -> relu }
block mixed(a, b1, b2, c1, c2, p) {
  concat [
      cbr(1, 1, a) | cbr(1, 1, b1) -> cbr(3, 1, b2) | cbr(1, 1, c1) -> cbr(3, 1, c2) -> cbr(3, 1, c2)
    | avgpool F3 S1 P1 -> cbr(1, 1, p)
  ]
}
block reduce(b1, b2) { concat [ cbr(1, 1, b1) -> cbr(3, 2, b2) | maxpool F3 S2 P1 ] }
cbr(7, 2, 64) -> maxpool F3 S2 P1 -> cbr(1, 1, 64) -> cbr(3, 1, 192)
mixed1: mixed(64, 64, 96, 64, 80, 32)
reduce(128, 160)
gap -> fc 100
"""


def test_a_residual_block_in_labels() -> None:
    _, first, second, last, _ = rows(HEAD + LABELS, like="resnet")
    assert first[-1] == "3x3, 64; [3x3, 64; 3x3, 64] x2"
    assert second[-1] == "[3x3, 128; 3x3, 128] x2"
    assert last[-1] == "average pool, 10-d fc, softmax"


def test_groups_and_gates_are_in_the_brackets() -> None:
    _, first, second, last, _ = rows(HEAD + GATES, like="resnet")
    assert first[-1] == "3x3, 64; [1x1, 16; 3x3, 16, C=4; 1x1, 64; fc, [4, 64]]"
    assert second[-1] == "[1x1, 32; 3x3, 32, C=4; 1x1, 128; fc, [8, 128]]"
    assert last[-1] == "32x32 average pool, 10-d fc"


def test_an_inverted_block_has_other_parameters() -> None:
    head, *body = rows(HEAD + MOBILE, like="mobilenet")
    assert head == ["Input", "Operator", "t", "c", "n", "s"]
    assert body[1:4] == [
        ["32^2x16", "mb", "1", "16", "1", "1"],
        ["32^2x16", "mb", "6", "24", "2", "2"],
        ["16^2x24", "mb 5x5", "6", "40", "3", "2"],
    ]
    assert [row[1] for row in rows(HEAD + MOBILE, like="efficientnet")[1:]] == [
        "Conv3x3", "MBConv1, k3x3", "MBConv6, k3x3", "MBConv6, k5x5", "Conv1x1 & Pooling & FC",
    ]  # fmt: skip


def test_fused_blocks_and_gates() -> None:
    body = rows(HEAD + FUSED, like="efficientnet")[1:]
    assert [row[1:] for row in body[1:3]] == [
        ["Fused-MBConv4, k3x3", "32x32", "24", "4"],
        ["MBConv6, k5x5", "16x16", "40", "2"],
    ]
    head, *body = rows(HEAD + FUSED, like="mobilenet")
    assert head == ["Input", "Operator", "t", "c", "SE", "n", "s"]
    assert [row[4] for row in body[:3]] == ["-", "-", "yes"]


def test_pools_inside_of_blocks() -> None:
    assert [row[0] for row in rows(HEAD + VGG, like="vgg")] == [
        "spec", "5 weight layers", "input (64x64 RGB image)", "conv3-32", "maxpool", "conv3-64", "conv3-64",
        "maxpool", "FC-256", "FC-10", "soft-max", "4.25M weights",
    ]  # fmt: skip


def test_dense_blocks_without_bottlenecks() -> None:
    body = rows(HEAD + DENSE, like="densenet")[1:]
    assert [row[0] for row in body] == [
        "Convolution", "Dense Block (1)", "Transition Layer (1)", "Dense Block (2)", "Classification Layer",
    ]  # fmt: skip
    assert [row[2] for row in body[1:4]] == [
        "[3x3 conv] x12",
        "1x1 conv; 2x2 average pool, stride 2",
        "[3x3 conv] x8",
    ]


def test_modules_with_other_branches_have_other_columns() -> None:
    head, *body = rows(HEAD + INCEPTION, like="googlenet")
    assert head[4:-2] == ["#1x1", "#3x3 reduce", "#3x3", "double #3x3 reduce", "double #3x3", "pool proj"]
    cells = {row[0]: row[4:-2] for row in body}
    assert cells["mixed (1)"] == ["64", "64", "96", "64", "80", "32"]
    assert cells["reduce"] == ["", "128", "160", "", "", "pass"]
    assert cells["convolution"] == ["", "64", "192", "", "", ""]


def test_a_module_without_such_branches_is_named() -> None:
    module = "concat [ conv F1x7 P0x3 K8 -> conv F7x1 P3x0 K8 | conv F1 K8 ]"
    finding = refused(f"{HEAD}block odd() {{ {module} }}\nodd()\n", like="googlenet")
    assert finding.code == "E803"
    assert "`odd` has no columns #1x1, #3x3 reduce, …: " in finding.message
    assert finding.message.endswith("a branch has kernels of several sizes")
    assert finding.span.start > len(HEAD)


def test_an_encoder_and_its_decoder_stay_apart() -> None:
    lines = "a: conv F3 P1 K8\nmaxpool F2 -> conv F3 P1 K16\nupsample 2\nconcat [ @a | id ]\nconv F3 P1 K8\n"
    assert [row[1] for row in rows(HEAD + lines, rows="line", cells="bracket")[1:]] == [
        "3x3, 8",
        "2x2 max pool, stride 2; 3x3, 16",
        "upsampling",
        "concat",
        "3x3, 8",
    ]


MERGES = """\
input 8x32x32
a: conv F3 P1 K8 -> bn -> relu
b: conv F3 P1 K8 -> relu
add [ @a | @b ] -> relu -> conv F3 P1 K16
concat [
    @b -> conv F1 K8   # from far
  | id ]
c: relu -> add [ conv F3 P1 K24 | id ] -> conv F1 K4
@c -> add [ [conv F3 P1 K4 -> bn -> relu]*2 -> conv F3 P1 K4 -> bn -> relu -> conv F1 K4 -> bn | id ]
"""


def test_a_merge_is_shown_in_its_line() -> None:
    body = rows(MERGES, rows="line")[1:]
    assert [row[:2] for row in body] == [
        ["a", "conv F3 P1 K8"],
        ["b", "conv F3 P1 K8"],
        ["add1", "add [a | b]; conv F3 P1 K16"],
        ["concat", "concat [b -> conv F1 K8 | id]"],
        ["c", "add [conv F3 P1 K24 | id]; conv F1 K4"],
        ["add2", "add [...]"],
    ]
    assert [row[3] for row in body[:3]] == ["600", "584", "1.17k"]  # each line has its own weights


def test_a_first_pass_with_its_activation_outside_is_the_same() -> None:
    block = """
block wide(k, s=1) {
  if C != k [ bn -> relu ]
  add [
      if C == k [ bn -> relu ]
      conv F3 S=s P1 K=k -> bn -> relu -> conv F3 P1 K=k
    | if C != k [ conv F1 S=s K=k ]
  ]
}
conv F3 P1 K16
[wide(32)]*3
"""
    assert rows(HEAD + block, like="resnet")[1][-1] == "3x3, 16; [3x3, 32; 3x3, 32] x3"


def test_inputs_of_other_sizes_are_beside_each_other() -> None:
    text = "let r = 32\nvariant A: r = 32\nvariant B: r = 64\ninput 3x(r)x(r)\n"
    text += "[conv F3 P1 K8 -> maxpool F2]*2\n"
    assert rows(text, "A", "B", rows="size", columns=("output",)) == [
        ["output", "A", "B"],
        ["32x32; 64x64", "3x3, 8", "3x3, 8"],
        ["16x16; 32x32", "2x2 max pool, stride 2; 3x3, 8", "2x2 max pool, stride 2; 3x3, 8"],
        ["8x8; 16x16", "2x2 max pool, stride 2", "2x2 max pool, stride 2"],
    ]


def test_networks_that_share_no_row_are_below_each_other() -> None:
    one = networks("input 3x8x8\nconv F3 P1 K4 -> maxpool F2\n")
    other = networks("input 3x20x20\nconv F3 P1 K4\nconv F3 K8\nmaxpool F2\n")
    found = tables([*one, *other], TableOptions(rows="size", columns=("output",)))
    assert not isinstance(found, Diagnostic)
    made = csv.reader(io.StringIO(written(found, "csv")))
    assert [row[0] for row in made] == ["output", "8x8", "4x4", "20x20", "18x18", "9x9"]


def test_what_is_inside_one_another_is_told_apart() -> None:
    deep = "input 8x32x32\n[[conv F3 P1 K8 -> relu]*10 -> conv F1 K8]*20\n"
    assert [row[1] for row in rows(deep, rows="line")[1:]] == ["[conv F3 P1 K8 x 10 -> conv F1 K8] x 20"]
    unit = "block unit(k) { add [ conv F3 P1 K=k -> conv F3 P1 K=k | id ] -> relu }\n"
    csp = "block csp(k) { concat [ conv F1 K=k -> unit(k) | conv F1 K=k ] -> conv F1 K=k }\n"
    (row,) = rows(f"{unit}{csp}input 8x32x32\ncsp(8)\n", rows="stage")[1:]
    assert row[1] == "[1x1, 8 -> 3x3, 8 -> 3x3, 8; 1x1, 8; 1x1, 8]"


def test_the_windows_of_signals() -> None:
    body = rows("input 4x64\n[conv F7 P3 K8 -> relu]*2\nmaxpool F3 S2 P1\n", rows="size")[1:]
    assert [row[1] for row in body] == ["[7-wide, 8] x2", "3-wide max pool, stride 2"]
