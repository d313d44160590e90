"""The names of layers: the rows of the table, the attributes of emitted code, the keys of the state_dict."""

from __future__ import annotations

import pytest

from cnnspec.ir.flat import flat
from tests.support import check_text


def paths(text: str) -> list[str]:
    graph = check_text(text)[0].graph
    assert graph is not None
    return [entry.path for entry in flat(graph)]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("conv F3 P1 K4 -> bn -> relu", "conv bn relu"),
        ("conv F3 P1 K4 -> relu\nconv F3 P1 K4 -> relu", "conv1 relu1 conv2 relu2"),
        ("stem: conv F3 P1 K4 -> bn\nconv F1 K2", "stem.conv stem.bn conv"),
        ("C1: conv F3 P1 K4", "C1"),
        ("[conv F3 P1 K4 -> relu]*2", "group.0.conv group.0.relu group.1.conv group.1.relu"),
        ("[conv F3 P1 K3]*2", "group.0 group.1"),
        ("[relu]*1 -> [bn]*1", "group1.0 group2.0"),
        ("body: [conv F3 P1 K3 -> relu]*1", "body.0.conv body.0.relu"),
        ("part: [ conv F3 P1 K3 -> relu ]", "part.conv part.relu"),
        ("[ conv F3 P1 K3 -> relu ]", "group.conv group.relu"),
        ("[ conv F3 P1 K3 ]", "group"),
        ("add [ conv F3 P1 K3 | conv F1 K3 | id ] -> relu", "conv1 conv2 add relu"),
        ("x: add [ conv F3 P1 K3 | id ]", "x.conv x.add"),
        ("add [ add [ relu | id ] | id ]", "relu add2 add1"),
        ("in -> conv F1 K2 -> in", "in1 conv in2"),
        ("train: conv F1 K2\nin", "train_ in_"),
        ("conv1: relu -> bn\nconv F1 K2\nconv F1 K2", "conv1.relu conv1.bn conv2 conv3"),
        ("conv: relu\nconv F1 K2", "conv conv1"),
        ("if C == 4 [ conv F1 K1 ] else [ conv F1 K2 ]\nconv F1 K3", "conv2 conv3"),
        ("p: if C == 3 [ conv F1 K1 ]", "p"),
        ("relu -> id -> relu", "relu1 relu2"),
        ("relu6 -> relu6", "relu6_1 relu6_2"),
    ],
)
def test_names_come_from_the_place_in_the_text(lines: str, expected: str) -> None:
    assert paths(f"input 3x8x8\n{lines}\n") == expected.split()


@pytest.mark.parametrize(
    ("blocks", "lines", "expected"),
    [
        ("block f(k) { conv F3 P1 K=k }", "f(3) -> f(4)\nx: f(5)", "f1 f2 x"),
        ("block f(k) { conv F3 P1 K=k -> relu }", "f(3)\nx: f(5)", "f.conv f.relu x.conv x.relu"),
        (
            "block s(n) { [f(3)]*n }\nblock f(k) { conv F1 K=k -> bn }",
            "s(2)",
            "s.0.conv s.0.bn s.1.conv s.1.bn",
        ),
        ("block double(k) { [conv F3 P1 K=k]*2 }", "double(4)", "double_.0 double_.1"),
        (
            "block f(k) { if C != k [ conv F1 K=k ] -> conv F3 P1 K=k }",
            "f(3) -> f(4)",
            "f1.conv2 f2.conv1 f2.conv2",
        ),
    ],
)
def test_blocks(blocks: str, lines: str, expected: str) -> None:
    assert paths(f"{blocks}\ninput 3x8x8\n{lines}\n") == expected.split()


VARIANTS = """
let deep = 0
let norm = deep * 2
variant Small: deep = 0
variant Large: deep = 1
block f(k, norm=1) {
  if deep == 1 [ conv F1 K=k -> relu ] -> conv F3 P1 K=k -> relu
  if norm == 2 [ bn ] -> bn
}
input 3x8x8
body: if deep == 1 [ f(4) -> conv F1 K8 ] else [ f(5) ]
if norm > 0 [ gap -> fc 8 -> relu ] else [ gap ] -> fc 2
"""


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("Small", "body.conv body.relu body.bn2 gap fc"),
        (
            "Large",
            "body.f.conv1 body.f.relu1 body.f.conv2 body.f.relu2 body.f.bn2 body.conv gap fc1 relu fc2",
        ),
    ],
)
def test_an_if_that_the_variant_decides_counts_as_the_side_that_is_taken(variant: str, expected: str) -> None:
    """`norm` in the block is the block's own, which each use may give otherwise."""
    (graph,) = (model.graph for model in check_text(VARIANTS) if model.variant == variant)
    assert graph is not None
    assert [entry.path for entry in flat(graph)] == expected.split()


def test_the_third_convolution_of_the_tours_resnet() -> None:
    text = """
    block bottleneck(k) { add [ conv F1 K=k -> bn -> relu
                                conv F3 P1 K=k -> bn -> relu
                                conv F1 K=4*k -> bn | if C != 4*k [ conv F1 K=4*k -> bn ] ] -> relu }
    block stage(k, n) { [bottleneck(k)]*n }
    input 3x8x8
    body: stage(2, 1) -> stage(4, 2)
    """
    found = paths(text)
    assert "body.stage2.0.conv3" in found
    assert "body.stage2.0.conv4" in found
    assert "body.stage2.1.conv3" in found
    assert "body.stage2.1.conv4" not in found


def test_names_that_torch_or_python_have_taken_are_all_known() -> None:
    torch = pytest.importorskip("torch", reason="compares the written list with the installed torch")
    from keyword import kwlist

    from cnnspec.elaborate.reserved import RESERVED

    assert {name for name in dir(torch.nn.Module()) if not name.startswith("_")} <= RESERVED
    assert {name for name in dir(torch.nn.Sequential()) if not name.startswith("_")} <= RESERVED
    assert set(kwlist) <= RESERVED
