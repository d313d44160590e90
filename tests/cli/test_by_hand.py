"""`explain --at`, `run --grad` and `run --im2col` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command

SPEC = "input 1x4x4\nC1: conv F3 P1 K2 -> relu\nmaxpool F2\nflatten -> fc 3\n"


@pytest.fixture
def net(tmp_path: Path) -> str:
    (tmp_path / "net.cnn").write_text(SPEC)
    (tmp_path / "x.csv").write_text("1,2,3,4\n5,6,7,8\n1,0,1,0\n0,1,0,1\n")
    return str(tmp_path / "net.cnn")


def test_a_number_as_a_document(cnnspec: Command, net: str) -> None:
    ran = cnnspec("explain", net, "C1.conv", "--at", "1,0,0", "--random", "--format", "json")
    assert ran.status == 0
    document = json.loads(ran.out)
    assert (document["name"], document["at"]) == ("C1.conv", [1, 0, 0])
    assert document["value"] == pytest.approx(document["program"])
    (part,) = document["parts"]
    assert part["grids"]["x"][0] == [None, None, None]  # the padding


def test_lines_fit_on_eighty_columns(cnnspec: Command, net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for arguments in (
        ("explain", net, "C1.conv", "--at", "0,1,1"),
        ("run", net, "--label", "1", "--im2col", "C1.conv"),
    ):
        ran = cnnspec(*arguments, "--random")
        assert ran.status == 0
        assert max(map(len, ran.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("explain {} C1.conv --at 2,0,0 --random", "channel 0 to 1, row 0 to 3, column 0 to 3"),
        ("explain {} C1.conv --at 1,0 --random", "the output of C1.conv is 2x4x4"),
        ("explain {} fc --at x --random", "the output of fc is 3: channel 0 to 2"),
        ("explain {} C1 --at 0,0,0 --random", "C1 has 2 layers; name one of them: C1.conv, C1.relu"),
        ("explain {} C2 --at 0,0,0 --random", "has no layer C2"),
        ("explain {} C1.conv --at 0,0,0", "an input is missing"),
        ("explain {} C1.conv --random", "--input and --random need --at"),
        ("explain {} --at 0,0,0 --random", "name the LAYER"),
        ("run {} --random --batch 3 --label 1,2", "expected one label or 3 (one per image), found 2"),
        ("run {} --random --label 3", "the classes of output are 0 to 2"),
        ("run {} --random --loss cross_entropy", "needs the true class"),
        ("run {} --random --label one", "expected whole numbers"),
        ("run {} --random --im2col maxpool", "conv, dwconv, deconv, local, fc"),
        ("run {} --random --im2col C1", "C1 has 2 layers"),
    ],
)
def test_wrong_use_is_explained(cnnspec: Command, net: str, arguments: str, message: str) -> None:
    ran = cnnspec(*(one.format(net) for one in arguments.split()))
    assert ran.status == 2
    assert message in " ".join((ran.out + ran.err).split())


def test_cross_entropy_is_of_classes(cnnspec: Command, tmp_path: Path) -> None:
    (tmp_path / "map.cnn").write_text("input 1x4x4\nconv F3 K2\n")
    ran = cnnspec("run", str(tmp_path / "map.cnn"), "--random", "--label", "1")
    assert ran.status == 2
    assert "cross-entropy needs a vector of classes; output is 2x2x2" in " ".join(ran.err.split())


def test_gradients_are_in_the_document(cnnspec: Command, net: str) -> None:
    x = str(Path(net).with_name("x.csv"))
    ran = cnnspec("run", net, "--input", x, "--grad", "--format", "json")
    assert ran.status == 0
    found = json.loads(ran.out)["gradients"]
    assert found["loss"]["name"] == "sum"
    assert [one["arrives"]["shape"] for one in found["layers"]] == [[3], [8], [2, 2, 2], [2, 4, 4], [2, 4, 4]]
    assert found["weights"]["fc.bias"]["values"] == [1, 1, 1]
    assert "maxima" in found["layers"][2]


def test_gradients_of_a_layer_whose_program_has_two_functions(cnnspec: Command, tmp_path: Path) -> None:
    (tmp_path / "in.cnn").write_text("input 2x3x3\n[in running]*2\n")
    ran = cnnspec(
        "run", str(tmp_path / "in.cnn"), "--random", "--grad", "--train", "--loss", "sum", "--format", "json"
    )
    assert (ran.status, ran.err) == (0, "")
    assert [one["arrives"]["shape"] for one in json.loads(ran.out)["gradients"]["layers"]] == [[2, 3, 3]] * 2


def test_a_target_that_is_no_file(cnnspec: Command, net: str) -> None:
    ran = cnnspec("run", net, "--random", "--target", "nowhere.csv")
    assert ran.status == 2
    assert "nowhere.csv" in ran.err
