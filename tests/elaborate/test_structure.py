"""Blocks, repeats, labels, branches: what the IR becomes, and that writing it otherwise changes no number."""

from __future__ import annotations

import pytest

from cnnspec.analyses.report import analyse
from cnnspec.ir.flat import flat
from cnnspec.ir.graph import Graph, Region
from cnnspec.ir.verify import verify
from tests.support import check_text, findings


def graph_of(text: str, **options: object) -> Graph:
    model = check_text(text, **options)[0]
    errors = [finding for finding in model.findings if finding.code.startswith("E")]
    assert not errors, errors
    assert model.graph is not None
    assert verify(model.graph) == []
    return model.graph


def numbers(text: str) -> tuple[object, ...]:
    graph = graph_of(text)
    report = analyse(graph)
    totals = report.totals
    return (
        [entry.out for entry in flat(graph)],
        totals.params,
        totals.macs,
        totals.activations,
        totals.peak_memory,
        totals.field,
        totals.layers,
    )


HEAD = "input 3x16x16\n"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[conv F3 P1 K8 -> relu]*3", "conv F3 P1 K8 -> relu\n" * 3),
        ("block f(k) { conv F3 K=k -> bn }\nf(4) -> f(5)", "conv F3 K4 -> bn -> conv F3 K5 -> bn"),
        ("[conv F3 K=4*(i + 1)]*3", "conv F3 K4 -> conv F3 K8 -> conv F3 K12"),
        ("[[conv F3 P1 K4 -> relu]*2 -> maxpool F2]*2", "[conv F3 P1 K4 -> relu]*2 -> maxpool F2\n" * 2),
        ("if C == 3 [ conv F1 K4 ] else [ conv F3 K5 ]", "conv F1 K4"),
        ("add [ conv F3 P1 K3 | if C == 4 [ id ] else [ none ] ]", "add [ conv F3 P1 K3 ]"),
        ("part: [ conv F3 K4 -> relu ]\nbn", "conv F3 K4 -> relu -> bn"),
        ("let k = 4\nlet j = k*2\nconv F3 K=j", "conv F3 K8"),
        (
            "block f(@x, k) { add [ conv F3 P1 K=k | @x ] }\na: relu\nconv F1 K3 -> f(@a, 3)",
            "a: relu\nb: conv F1 K3\nadd [ @b -> conv F3 P1 K3 | @a ]",
        ),
        ("block c(K, F=1, P=0) { conv F=F P=P K=K }\nc(F1x7 P0x3 K5)", "conv F1x7 P0x3 K5"),
        (
            "g: [ e: conv F3 P1 K4 -> relu ]\nconcat [ id | @e ]",
            "e: conv F3 P1 K4 -> relu\nconcat [ id | @e ]",
        ),
        ("default conv P1 nobias\nconv F3 K4 -> conv F3 P0 K4 bias", "conv F3 P1 K4 nobias -> conv F3 K4"),
    ],
)
def test_another_way_to_write_it_changes_no_number(one: str, other: str) -> None:
    assert numbers(HEAD + one + "\n") == numbers(HEAD + other + "\n")


def test_what_repeats_is_elaborated_once() -> None:
    graph = graph_of("input 64x32x32\n[conv F3 P1 K64 -> relu]*50000\n")
    assert len(graph.bodies) == 2
    region = graph.root.steps[0]
    assert isinstance(region, Region)
    assert [(entry.body, entry.count) for entry in region.passes] == [(0, 50000)]


def test_passes_that_differ_by_i_share_what_is_equal() -> None:
    graph = graph_of("input 64x32x32\n[conv F3 P1 K=64 if i % 2 == 0 else 32 -> relu]*1000\n")
    assert len(graph.bodies) == 4  # 64 → 64 first, 64 → 32, 32 → 64, and the network


def test_uses_of_a_block_with_equal_values_and_shapes_are_one_body() -> None:
    text = "block f(k) { conv F3 P1 K=k -> relu }\ninput 8x8x8\nf(8) -> f(8) -> f(4) -> f(8)\n"
    assert len(graph_of(text).bodies) == 4  # f(8) of 8, f(4) of 8, f(8) of 4, and the network


def test_shared_weights_are_one_attribute_for_equal_values_and_depth() -> None:
    text = """
    shared head(k) { conv F3 P1 K=k -> relu }
    input 4x8x8
    a: head(4)
    b: @a -> maxpool F2 -> head(4)
    c: @a -> head(6)
    d: @c -> head(4)
    output @b, @d
    """
    graph = graph_of(text)
    shared = [step.shared for step in graph.root.steps if isinstance(step, Region) and step.kind == "shared"]
    inner = [
        step.shared
        for body in graph.bodies
        for step in body.steps
        if isinstance(step, Region) and step.kind == "shared"
    ]
    assert sorted(set(inner)) == ["head", "head_2", "head_3"]
    assert shared.count("head") >= 1
    one, two, three = (4 * 4 * 9 + 4), (4 * 6 * 9 + 6), (6 * 4 * 9 + 4)
    assert analyse(graph).totals.params == one + two + three


def test_a_block_sees_only_the_lets_above_it() -> None:
    text = "block f() { conv F1 K=k }\ninput 3x8x8\nlet k = 4\nf()\n"
    (found,) = [finding for finding in findings(text) if finding.code == "E206"]
    assert text[found.span.start : found.span.end] == "k"


def test_labels_of_a_repeat_stay_inside() -> None:
    text = "input 3x8x8\n[ x: conv F3 P1 K3 -> relu ]*2\nadd [ id | @x ]\n"
    assert [finding.code for finding in findings(text) if finding.code.startswith("E")] == ["E207"]


def test_an_absent_head_is_left_out_of_the_outputs() -> None:
    text = """
    let heads = 1
    variant With: heads = 1
    variant Without: heads = 0
    input 3x8x8
    a: conv F3 P1 K4
    aux: if heads == 1 [ gap -> fc 10 ] else [ none ]
    main: @a -> flatten -> fc 10
    output @main, @aux
    """
    models = check_text(text)
    assert [model.graph.outputs for model in models if model.graph] == [("main", "aux"), ("main",)]


def test_settings_replace_knobs_and_variants() -> None:
    text = "let k = 4\nvariant A: k = 5\ninput 3x8x8\nconv F3 P1 K=k\n"
    assert graph_of(text, variant="A").root.values[-1] == (5, 8, 8)
    assert graph_of(text, variant="A", settings={"k": "3*7"}).root.values[-1] == (21, 8, 8)


def test_a_mistake_in_a_block_is_told_once_whatever_its_uses() -> None:
    text = "block f(k) { conv F9 K=k }\ninput 3x8x8\nf(3)\nf(3)\n"
    assert [finding.code for finding in findings(text) if finding.code.startswith("E")] == ["E301"]
    text = "block f(k) { conv F=z K=k }\ninput 3x8x8\nf(3)\nf(4)\n"
    assert [finding.code for finding in findings(text) if finding.code.startswith("E")] == ["E206"]


def test_a_claim_carries_on_after_a_line_in_error() -> None:
    text = "input 3x8x8\nconvv F3 K4 => 4x6x6\nconv F7 K2\n"
    assert [finding.code for finding in findings(text) if finding.code.startswith("E")] == ["E201", "E301"]
    text = "input 3x8x8\nconvv F3 K4\nconv F7 K2\n"
    assert [finding.code for finding in findings(text) if finding.code.startswith("E")] == ["E201"]


def test_a_shared_block_and_a_label_of_its_name_keep_apart() -> None:
    text = "shared t() { conv F1 K3 }\ninput 3x8x8\nt() -> t()\nt: conv F1 K3\n"
    keys = [key for entry in flat(graph_of(text)) for key, _ in entry.weights]
    assert keys == ["t_.weight", "t_.bias", "t.weight", "t.bias"]
    text = "shared t() { conv F1 K3 }\ninput 3x8x8\nt() -> t()\nconv F1 K3\n"
    keys = [key for entry in flat(graph_of(text)) for key, _ in entry.weights]
    assert keys == ["t.weight", "t.bias", "conv.weight", "conv.bias"]
