"""Groups, labels and expressions: what they give away, how they are named, what they are worth."""

from __future__ import annotations

import pytest

from cnnspec.ir.expr import multiple
from cnnspec.ir.flat import flat
from tests.support import check_text, findings

IN = "input 3x8x8\n"


def test_what_a_group_gives_away() -> None:
    """Its own tensor, and the labels that are read outside; of a maxpool undone there, what arrived at it."""

    def numbers(lines: str) -> object:
        graph = check_text(IN + lines + "\n")[0].graph
        assert graph is not None
        return graph.root.values[-1]

    def outputs(lines: str) -> int:
        graph = check_text(IN + lines + "\n")[0].graph
        assert graph is not None
        return graph.root.steps[0].outputs  # type: ignore[union-attr]

    assert numbers("[ e: conv F1 K5\n maxpool F2 ]\nupsample 2 -> concat [ id | @e ]") == (10, 8, 8)
    assert numbers("[ d: maxpool F2\n e: upsample 2\n bn ]\nconcat [ id | @e ]") == (6, 8, 8)
    for pool in (
        "p: conv F1 K3 -> maxpool F2",
        "p: [ conv F1 K3 -> maxpool F2 ]",
        "[ p: maxpool F2 ]",
        "[ p: maxpool F2\n relu ]",
        "g: [ relu\n p: bn -> maxpool F2 ]",
    ):
        assert numbers(f"{pool}\nunpool like=@p") == (3, 8, 8)
    assert outputs("[ a: relu\n b: bn ]") == 1
    assert outputs("[ a: relu\n b: bn ]\nadd [ id | @a ]") == 2
    assert outputs("[ a: relu\n b: bn ]\nadd [ id | @a | @b ]") == 3
    assert outputs("[ a: relu\n b: bn\n add [ id | @a ] ]") == 1
    assert outputs("[ a: relu\n b: bn\n add [ id | @a ] ]\nadd [ id | @a ]") == 2
    assert outputs("[ p: maxpool F2\n relu ]\nunpool like=@p") == 2
    assert outputs("[ p: maxpool F2\n relu ]\nadd [ id | @p ] -> unpool like=@p") == 3
    assert outputs("[ p: maxpool F2\n unpool like=@p ]") == 1


@pytest.mark.parametrize("inside", ["unpool like=@p -> maxpool F2", "[unpool like=@p -> maxpool F2]*2"])
def test_a_maxpool_may_be_undone_in_its_group_and_again_behind_it(inside: str) -> None:
    (model,) = check_text(f"input 3x8x8\n[ p: maxpool F2\n {inside} ]\nunpool like=@p\n")
    assert [finding for finding in model.findings if finding.code.startswith("E")] == []
    assert model.graph is not None
    assert model.graph.root.values[-1] == (3, 8, 8)


def test_a_labelled_if_of_several_steps_is_a_part_of_its_own() -> None:
    for lines in ("p: if C == 3 [ conv F1 K1 -> bn ]", "p: if C == 4 [ id ] else [ conv F1 K1 -> bn ]"):
        graph = check_text(IN + lines + "\n")[0].graph
        assert graph is not None
        assert [entry.path for entry in flat(graph)] == ["p.conv", "p.bn"]


def test_a_repeat_may_name_a_label_as_an_input_is_named() -> None:
    assert [f.code for f in findings("input x: 3x8x8\n[ x: relu -> bn ]*2\n") if f.code[0] == "E"] == []


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">=", "==", "!="])
def test_comparisons(operator: str) -> None:
    for a in (1, 2, 3):
        graph = check_text(IN + f"if {a} {operator} 2 [ conv F1 K5 ] else [ conv F1 K6 ]\n")[0].graph
        assert graph is not None
        assert graph.root.values[-1] == ((5 if eval(f"{a} {operator} 2") else 6), 8, 8)


def test_what_c_h_w_mean() -> None:
    graph = check_text("input 3x4x5\nconv F1 K=100*C+10*H+W\n")[0].graph
    assert graph is not None
    assert graph.root.values[-1] == (345, 4, 5)
    (found,) = [f for f in findings("input 7\nfc (H)\n") if f.code[0] == "E"]
    assert found.message == "`H` is a size of a map, and the input here is a vector of 7"


def test_multiple_goes_a_step_up_only_below_nine_tenths() -> None:
    assert multiple(10, 9) == 9  # just 90 %
    assert multiple(11, 9) == 18
    assert multiple(1, 8) == 8
    assert multiple(12, 8) == 16
