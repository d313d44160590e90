"""Claims hold to the precision with which they are written."""

from __future__ import annotations

from fractions import Fraction

import pytest

from cnnspec.analyses import analyse
from cnnspec.analyses.claims import holds
from tests.analyses.specs import elaborated, graph


@pytest.mark.parametrize(
    ("claimed", "step", "about", "value", "expected"),
    [
        (269_722, 1, False, 269_722, True),
        (269_722, 1, False, 269_723, False),
        (270_000, 10_000, False, 269_722, True),  # 0.27M, rounded
        (270_000, 10_000, False, 279_999, True),  # 0.27M, cut off
        (270_000, 10_000, False, 280_000, False),
        (270_000, 10_000, False, 265_000, True),  # half a step
        (270_000, 10_000, False, 264_999, False),
        (8_800_000, 100_000, True, 9_240_000, True),  # ~8.8M: 5 %
        (8_800_000, 100_000, True, 9_240_001, False),
        (8_800_000, 100_000, True, 8_360_000, True),
        (8_800_000, 100_000, True, 8_359_999, False),
    ],
)
def test_precision(claimed: int, step: int, about: bool, value: int, expected: bool) -> None:
    assert holds(Fraction(claimed), Fraction(step), about, value) is expected


def outcomes(text: str, **options) -> dict[str, object]:
    return {claim.text: claim.holds for claim in analyse(graph(text, **options)).claims}


def test_claims_about_a_line_are_about_its_layers() -> None:
    text = (
        "input 1x32x32\nconv F5 K6\n"
        "conv F5 K16 -> relu -> conv F1 K4"
        " => 4x24x24, params 2,484, macs 1.4M, connections 1,430,784, field 9x9\n"
        "flatten -> fc 10 => 10x1x1, field 9\n"
        "gap_free: relu => 10\n"
        "expect out 10, params 25,690, layers 4, weighted 4, field 9x9\n"
    )
    found = outcomes(text)
    assert found.pop("params 25,690") is True
    assert set(found.values()) == {True}, found


def test_claims_that_fail_are_findings_with_the_numbers() -> None:
    text = "input 1x32x32\nconv F5 S2 K6 -> relu => 6x15x15, params 150\n"
    report = analyse(graph(text))
    shape, params = [finding for finding in report.findings if finding.code == "E501"]
    assert shape.message == "expected output 6x15x15, found 6x14x14"
    assert [text[r.span.start : r.span.end] for r in shape.related] == ["conv F5 S2 K6"]
    assert shape.related[0].message == "6x14x14 comes from here"
    assert params.message == "expected params 150, found 156"
    assert params.note.splitlines() == [
        "weights = (F·F·C)·K + K = (5·5·1)·6 + 6 = 156",
        "156 − 150 = +6 (+4.00%)",
        "156 − 6 = 150: without the biases",
    ]
    assert text[params.span.start : params.span.end] == "params 150"


def test_a_claim_in_a_block_is_told_once_for_equal_outcomes() -> None:
    text = "block f() { conv F3 P1 K8 => params 584 }\ninput 8x8x8\nf() -> f() -> [f()]*3\n"
    assert [claim.holds for claim in analyse(graph(text)).claims] == [True]


def test_a_claim_in_a_block_is_held_against_every_use() -> None:
    text = "block f(k) { conv F3 P1 K=k => params 584 }\ninput 8x8x8\nf(8) -> f(4)\n"
    assert sorted(claim.holds for claim in analyse(graph(text)).claims) == [False, True]


def test_under_set_nothing_is_checked() -> None:
    text = "let k = 4\ninput 1x8x8\nconv F3 K=k => params 40\nexpect params 1\n"
    assert outcomes(text, settings={"k": "5"}) == {"params 40": None, "params 1": None}
    assert outcomes(text) == {"params 40": True, "params 1": False}


def test_a_shared_block_counts_once_in_a_stretch() -> None:
    text = (
        "shared f() { conv F3 P1 K8 }\ninput 8x8x8\n"
        "f() -> f() => params 584, macs 73,728\nf() => params 584\n"
        "expect params 584, weighted 3\n"
    )
    assert set(outcomes(text).values()) == {True}


def test_the_inputs_own_size_comes_from_no_step() -> None:
    (found,) = analyse(graph("input 3x8x8\nrelu -> bn => 3x9x9\n")).findings
    assert found.related == ()


def test_claims_of_the_file_are_about_the_first_output() -> None:
    text = "input 3x8x8\na: conv F1 K4\nb: @a -> conv F3 K6\noutput @a, @b\nexpect out 4x8x8, field 3\n"
    assert {claim.text: claim.holds for claim in analyse(graph(text)).claims} == {
        "=> 4x8x8": True,
        "field 3": True,
    }


def test_what_no_step_is_known_to_make_is_not_held_against_a_claim() -> None:
    claims = "4x8x8, params 3, macs 5, field 1, layers 1, weighted 1, connections 2"
    made, _ = elaborated(f"input 3x8x8\nconvv F1 K4 => {claims}\nexpect layers 2\n")
    held = {claim.text: claim.holds for claim in analyse(made).claims}
    assert len(held) == 8
    assert set(held.values()) == {None}


def test_a_claim_does_not_go_through_its_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of lines may have a claim each: the step that makes a value is known by its number."""
    report = analyse(graph("input 4x8x8\n" + "relu => 4x8x8, layers 0\n" * 50))
    assert report.shapes

    def fail(body: object) -> None:
        raise AssertionError

    monkeypatch.setattr("cnnspec.analyses.shapes.places", fail)
    assert all(claim.holds for claim in report.claims)
