"""`cnnspec explain`: homework, and pages."""

import json
from pathlib import Path

import pytest

from cnnspec.report.pages import topics
from tests.cli.conftest import Command

NOTES = """\
input 3x32x32
C1: conv F5 P2 K64
    relu
body: [conv F3 S2 P1 K64 nobias -> bn]*2
head: flatten -> fc 10
"""


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.cnn"
    path.write_text(NOTES)
    return path


def test_a_layer_is_worked_out_as_homework_wants_it(cnnspec: Command, notes: Path) -> None:
    ran = cnnspec("explain", notes, "C1")
    assert (ran.status, ran.err) == (0, "")
    assert "(W − F + 2P)/S + 1 = (32 − 5 + 2·2)/1 + 1 = 32" in ran.out
    assert "weights = (F·F·C)·K + K = (5·5·3)·64 + 64 = 4,864" in ran.out
    assert "MACs = (F·F·C)·K·W'·H' = (5·5·3)·64·32·32 = 4,915,200" in ran.out
    assert "receptive field = R + (E − 1)·J = 1 + (5 − 1)·1 = 5x5" in ran.out
    dense = 3 * 32 * 32 * 64 * 32 * 32 + 64 * 32 * 32
    assert f"= {dense:,}, {dense / 4864:,.0f} times as many" in ran.out
    assert "notes.cnn:2" in ran.out


def test_layers_in_repeats_have_their_dotted_path(cnnspec: Command, notes: Path) -> None:
    ran = cnnspec("explain", notes, "body.1.conv")
    assert ran.status == 0
    assert "64x16x16 → 64x8x8" in ran.out
    assert "= 7 + (3 − 1)·2 = 11x11" in ran.out


def test_layers_in_blocks_of_the_zoo(cnnspec: Command) -> None:
    ran = cnnspec("explain", "zoo:resnet", "body.stage2.0.conv3", "--variant", "ResNet50")
    assert ran.status == 0
    assert "128x28x28 → 512x28x28" in ran.out
    assert "= 65,536" in ran.out
    ran = cnnspec("explain", "zoo:resnet", "body.stage2.conv3", "--variant", "ResNet50")
    assert ran.status == 2
    assert "did you mean body.stage2.0.conv3?" in ran.err
    assert "its layers: body.stage2.0.conv1, body.stage2.0.bn1" in ran.err


def test_a_part_has_its_sums(cnnspec: Command, notes: Path) -> None:
    ran = cnnspec("explain", notes, "head")
    assert ran.status == 0
    assert "head: 2 layers, 64x8x8 → 10" in ran.out
    assert "weights 40,970, MACs 40,960" in ran.out
    assert "C·K + K = 4,096·10 + 10 = 40,970" in ran.out
    ran = cnnspec("explain", "zoo:resnet", "body.stage2", "--variant", "ResNet50")
    assert "weights 1,219,584" in ran.out
    assert "body.stage2.0.conv1" in ran.out


def test_an_unknown_layer_is_answered_with_the_nearest(cnnspec: Command, notes: Path) -> None:
    ran = cnnspec("explain", notes, "c1")
    assert (ran.status, ran.out) == (2, "")
    assert "did you mean C1?" in ran.err
    ran = cnnspec("explain", notes)
    assert ran.status == 2
    assert "its layers: C1, relu, body.0.conv" in ran.err


def test_a_layer_behind_a_mistake_has_what_is_known(cnnspec: Command) -> None:
    spec = "input 1x8x8\na: conv F9 K4\nb: conv F3 K4\n"
    ran = cnnspec("explain", "-", "b", stdin=spec)
    assert ran.status == 0
    assert "its sizes are unknown" in ran.out


def test_every_layer_of_the_notes_own_network_can_be_explained(cnnspec: Command) -> None:
    entries = json.loads(cnnspec("check", "zoo:lenet5", "--format", "json").out)["models"][0]["rows"]
    assert len(entries) > 8
    for row in entries:
        ran = cnnspec("explain", "zoo:lenet5", row["name"], "--format", "json")
        assert ran.status == 0, row["name"]
        explained = json.loads(ran.out)
        assert explained["out"] == row["out"]
        results = {formula["name"]: formula["result"] for formula in explained["formulas"]}
        assert results.get("weights", 0) == row["params"]
        assert results.get("MACs", 0) == row["macs"]


def test_pages_of_findings_and_layers(cnnspec: Command) -> None:
    ran = cnnspec("explain", "conv")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("# conv: ")
    assert "## Example" in ran.out
    assert cnnspec("explain", "e301").out.startswith("# E301: ")
    ran = cnnspec("explain", "convv")
    assert ran.status == 2
    assert "did you mean conv?" in ran.err


def test_a_page_is_drawn_on_a_terminal(cnnspec: Command) -> None:
    bright = cnnspec("explain", "conv", "--color", "always").out
    assert "\x1b[" in bright
    assert "# conv" not in bright


def test_the_lists_of_pages_are_pages(cnnspec: Command) -> None:
    listed = [cnnspec("explain", topic).out for topic in ("layers", "codes")]
    missing = [topic for topic in topics() if not any(f"`{topic}`" in text for text in listed)]
    assert missing == ["layers", "codes"]
