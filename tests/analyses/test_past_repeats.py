"""Tensors that come into a repeat, a group or a block from beside it: body by body, the same as unrolled."""

from __future__ import annotations

import pytest

from cnnspec.analyses import analyse
from cnnspec.ir.graph import places
from tests.analyses import brute
from tests.analyses.specs import graph

DEEP = "a: conv F3 P1 K8 -> conv F3 P1 K8 -> conv F3 P1 K8\n"
"""A label with more layers and a larger field behind it than the tensor that goes on."""
BLOCK = "block f(@s) { add [ conv F5 P2 K8 | @s ] }\n"

NETWORKS = [
    DEEP + "@x -> [ add [ conv F1 K8 | @a ] ]*3",
    DEEP + "@x -> [ add [ conv F1 K8 | @a -> conv F3 P1 K8 ] ]*4 -> conv F1 K4",
    DEEP + "b: @x -> conv F7 P3 K8\n@x -> [ add [ @b | conv F1 K8 | @a ] ]*3 -> add [ id | @b ]",
    DEEP + "@x -> [ [ add [ conv F1 K8 | @a ] ]*2 -> conv F3 P1 K8 ]*2",
    DEEP + "@x -> [ @a -> conv F1 K8 ]*3",  # only the last pass counts
    DEEP + "@x -> [ concat [ @a | id ] -> conv F1 K=8*(i + 1) -> conv F1 K8 ]*3",
    DEEP + "@x -> f(@a) -> f(@x)",
    DEEP + "@x -> [ f(@a) ]*3",
    DEEP + "g: [ e: conv F3 P1 K8 -> relu -> conv F1 K8 ]\nadd [ @e | @g | @a ]",
    DEEP + "[ e: conv F3 P1 K8\n  relu ]\nconcat [ id | @e ] -> maxpool F2",
    DEEP + "@x -> [ if C > 99 [ relu ] ]*3 -> conv F1 K4\nconcat [ id | @a ]",  # passes that do nothing
    DEEP + "@x -> [ if C > 99 [ relu ] ] -> conv F1 K4\nconcat [ id | @a ]",
    DEEP + "@x -> conv F1 K16 -> [ conv F1 K8 -> conv F1 K16 ]*4 -> conv F1 K8\nconcat [ id | @a ]",
    DEEP + "@x -> [ maxpool F2 -> conv F3 P1 K8 -> upsample 2 ]*3 -> add [ id | @a ]",
    DEEP + "@x -> mul [ conv F3 P1 K8 | @a -> gap -> fc 8 ] -> mul [ id | @a ]",
    DEEP + "@x -> conv F2 S2 K8 -> [ upsample like=@a -> maxpool F2 ]*3",
    DEEP + "p: @x -> maxpool F2\nconv F3 P1 K8 -> unpool like=@p -> add [ id | @a ]",
    DEEP + "gap -> [ mul [ id | @x ] -> gap ]*3 -> fc 4",
    DEEP + "b: gap\n@x -> [ mul [ conv F3 P1 K8 | @b ] ]*2 -> gap -> fc 4",
]  # fmt: skip


@pytest.mark.parametrize("text", NETWORKS)
def test_totals_and_fields(text: str) -> None:
    blocks = BLOCK if "f(@" in text else ""
    network = graph(f"{blocks}input x: 8x16x16\n{text}\n")
    report = analyse(network)
    found = report.totals._asdict()
    expected = brute.totals(network)
    assert {name: found[name] for name in expected} == expected
    starts = {number: [output for _, _, output in places(body)] for number, body in enumerate(network.bodies)}
    seen = set()
    for row in report.rows():
        place = row.entry.body, row.entry.step
        if place not in seen:
            seen.add(place)
            assert report.fields.at(place[0], starts[place[0]][place[1]]) == row.field, row.entry.path


@pytest.mark.parametrize(
    ("lines", "holds"),
    [
        ("conv F1 K8\nconv F3 P1 K8 -> relu -> conv F1 K8 => 8x4x4, layers 2, weighted 2, params 656", True),
        ("add [ conv F1 K8 -> conv F1 K8 | conv F1 K8 ] -> conv F1 K8 => 8x4x4, layers 3, weighted 4", True),
        ("[conv F1 K8]*5 -> conv F1 K8 => 8x4x4, layers 6", True),
        ("a: conv F1 K8\nconv F1 K8\nadd [ @a | conv F1 K8 ] => 8x4x4, layers 1", True),
        ("a: conv F1 K8\nconv F1 K8\nadd [ @a | id ] -> relu => 8x4x4, layers 0", True),
        ("a: conv F1 K8\nconv F1 K8\nmul [ id | @a -> gap -> fc 8 ] => 8x4x4, layers 0, weighted 1", True),
        ("conv F1 K8 -> conv F1 K8 => 8x4x4, layers 1", False),
        ("gap -> fc 4 => 4, field 1", True),
        ("conv F3 P1 K8 -> gap -> fc 4 => 4, field 3, trainable 620", True),
        ("conv F3x1 P1x0 K8 => 8x4x4, field 3x1", True),
        ("conv F3x1 P1x0 K8 => 8x4x4, field 1x3", False),
        ("conv F3 P1 K8 => 8x4x4, field (1 + 2)", True),
        ("conv F3x1 P1x0 K8 => 8x4x4, field (1 + 2)x1", True),
        ("conv F3x1 P1x0 K8 => 8x4x4, field 3", False),
    ],
)
def test_claims_about_the_layers_of_a_line(lines: str, holds: bool) -> None:
    claims = analyse(graph(f"input 8x4x4\n{lines}\n")).claims
    assert all(claim.holds for claim in claims) is holds, [(claim.text, claim.value) for claim in claims]


def test_the_widest_field_of_several_outputs_and_inputs() -> None:
    text = "input x: 8x16x16\na: conv F3x7 P1x3 K8\nb: @x -> conv F5 P2 K8\noutput @a, @b\n"
    assert analyse(graph(text)).totals.field == (5, 5)  # 25 pixels, and a has 21
    text = "input x: 8x16x16\na: conv F2x8 K8\nb: @x -> conv F4 K8\noutput @a, @b\n"
    assert analyse(graph(text)).totals.field == (2, 8)  # 16 each: the longer
    text = "input x: 8x16x16\ninput v: 8\nmul [ @x -> conv F3 P1 K8 | @v ]\n"
    assert analyse(graph(text)).totals.field == (3, 3)
    text = "input x: 8x16x16\ninput y: 8x16x16\nadd [ @x -> conv F3 P1 K8 | @y -> conv F5 P2 K8 ]\n"
    assert analyse(graph(text)).totals.field == (5, 5)


VECTOR = "input a: 3x8x8\ninput b: 5\n"


@pytest.mark.parametrize(
    "text",
    [
        "add [ @a -> conv F3 K4 -> gap -> flatten | @b -> fc 4 ]",
        "v: @b -> fc 4\n@a -> conv F3 K4 -> gap -> flatten -> add [ id | @v ] -> fc 2",
        "v: @b -> fc 4\nw: @a -> conv F3 K4 -> gap -> flatten\n[ add [ id | @v ] -> fc 4 ]*3",
        "c: @a -> conv F3 K4\nf: @b -> fc 4\noutput @c, @f",
    ],
)
def test_an_input_that_is_a_vector_has_no_field(text: str) -> None:
    assert analyse(graph(f"{VECTOR}{text}\n")).totals.field == (3, 3)


def test_a_map_that_ends_inside_a_block_beside_a_vector() -> None:
    block = "block f(@v) { conv F3 K4 -> gap -> flatten -> add [ id | @v ] }\n"
    text = f"{block}{VECTOR}v: @b -> fc 4\n@a -> f(@v) -> fc 2\n"
    assert analyse(graph(text)).totals.field == (3, 3)


def test_a_whole_map_that_is_spread_out_again_is_seen_everywhere() -> None:
    text = "input 3x8x5\nconcat [ conv F3 P1 K3 | gap -> upsample out=8x5 ]\n"
    assert analyse(graph(text)).totals.field == (8, 5)


def test_a_network_of_vectors_has_no_field() -> None:
    assert analyse(graph("input 8\nfc 4 -> relu\n")).totals.field is None
    assert analyse(graph("input 8\nreshape 2x2x2 -> conv F1 K4\n")).totals.field is None
