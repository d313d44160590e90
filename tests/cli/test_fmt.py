"""`cnnspec fmt`: the canonical form, in place, as a question, as a difference."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command

ROUGH = "input 3x8x8   # colour\n\n\nconv   K4 F3  ->relu\n"
SMOOTH = "input 3x8x8   # colour\n\nconv F3 K4 -> relu\n"


@pytest.fixture
def rough(tmp_path: Path) -> Path:
    path = tmp_path / "rough.cnn"
    path.write_text(ROUGH)
    return path


def test_in_place_and_only_once(cnnspec: Command, rough: Path) -> None:
    ran = cnnspec("fmt", rough)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out == f"{rough}: formatted\n"
    assert rough.read_text() == cnnspec("fmt", "-", stdin=ROUGH).out
    assert "conv F3 K4 -> relu" in rough.read_text()
    assert "# colour" in rough.read_text()
    before = rough.stat().st_mtime_ns
    ran = cnnspec("fmt", rough)
    assert (ran.status, ran.out) == (0, "")
    assert rough.stat().st_mtime_ns == before


def test_check_only_asks(cnnspec: Command, rough: Path) -> None:
    ran = cnnspec("fmt", "--check", rough)
    assert ran.status == 1
    assert "rough.cnn" in ran.out
    assert rough.read_text() == ROUGH
    cnnspec("fmt", rough)
    ran = cnnspec("fmt", "--check", rough)
    assert (ran.status, ran.out) == (0, "")


def test_diff_shows(cnnspec: Command, rough: Path) -> None:
    ran = cnnspec("fmt", "--diff", rough)
    assert ran.status == 1
    assert "\n-conv   K4 F3  ->relu\n" in ran.out
    assert "\n+conv F3 K4 -> relu\n" in ran.out
    assert rough.read_text() == ROUGH


def test_line_ends_are_part_of_the_difference(cnnspec: Command, tmp_path: Path) -> None:
    path = tmp_path / "windows.cnn"
    path.write_bytes(b"input 3x8x8\r\nrelu\r\n")
    ran = cnnspec("fmt", "--diff", path)
    assert ran.status == 1
    assert "\n-input 3x8x8␍\n-relu␍\n+input 3x8x8\n+relu\n" in ran.out
    path.write_bytes(b"input 3x8x8\nrelu")
    ran = cnnspec("fmt", "--diff", path)
    assert "\n-relu\n+relu\n\\ No line break" in ran.out


def test_a_file_that_cannot_be_parsed_stays(cnnspec: Command, tmp_path: Path) -> None:
    path = tmp_path / "broken.cnn"
    path.write_text("input 3x8x8\nconv F3 K4 -> -> relu\n")
    ran = cnnspec("fmt", path)
    assert ran.status == 1
    assert "error[E1" in ran.err
    assert path.read_text() == "input 3x8x8\nconv F3 K4 -> -> relu\n"


def test_folders_and_missing_files(cnnspec: Command, rough: Path) -> None:
    (rough.parent / "inner").mkdir()
    (rough.parent / "inner" / "b.cnn").write_text(ROUGH)
    ran = cnnspec("fmt", rough.parent, rough.parent / "missing.cnn")
    assert ran.status == 2
    assert "E701" in ran.err
    assert ran.out.count("formatted") == 2
    assert cnnspec("fmt", "zoo:vgg").status == 2


def test_json(cnnspec: Command, rough: Path) -> None:
    ran = cnnspec("fmt", "--check", "--format", "json", rough, rough.parent / "missing.cnn")
    first, second = json.loads(ran.out)["files"]
    assert (ran.status, ran.err) == (2, "")
    assert (first["ok"], first["changed"]) == (True, True)
    assert "conv F3 K4 -> relu" in first["text"]
    assert (second["ok"], second["diagnostics"][0]["code"]) == (False, "E701")
    assert rough.read_text() == ROUGH
