"""What programs look like, kept to be read: a change of the emitter shows here, line by line. A network
without blocks, one with branches that meet, one with blocks, repeats and an `if`.

`UPDATE_GOLDEN=1 python -m pytest tests/targets/numpy/test_golden.py` writes them anew.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cnnspec.api import build
from tests.targets.numpy.zoo import SPECS, ZOO, variants

FOLDER = Path(__file__).with_name("golden")
CASES = (
    *(("classic/lenet5_modern", None), ("classic/googlenet", "GoogLeNet"), ("deep/resnet", "ResNet50")),
    *(("signals/tcn", None), ("volumes/vnet", None)),
)
UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))


@pytest.mark.parametrize(("path", "variant"), CASES)
def test_golden(path: str, variant: str | None) -> None:
    file = FOLDER / f"{Path(path).stem}.py"
    text = build(SPECS / f"{path}.cnn", target="numpy", variant=variant)
    if UPDATE:
        file.write_text(text, encoding="utf-8")
    assert file.exists(), "UPDATE_GOLDEN=1 writes it"
    assert text == file.read_text(encoding="utf-8"), "if this is meant: UPDATE_GOLDEN=1 writes it anew"


def test_no_file_is_left_over() -> None:
    assert {file.stem for file in FOLDER.glob("*.py")} == {Path(path).stem for path, _ in CASES}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("emitted")
    for path in ZOO:
        text = build(path, target="numpy", variant=variants(path)[0])
        (made / path.with_suffix(".py").name).write_text(text, encoding="utf-8")
    return made


@pytest.mark.parametrize(
    "command",
    [
        ["format", "--check", "--diff"],
        ["check", "--select", "F,E,W,B,C4,PIE,PL,UP,I", "--ignore", "E501,PLR"],
    ],
    ids=["format", "check"],
)
def test_what_a_formatter_and_a_linter_say_of_the_zoo(folder: Path, command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", "--line-length", "110", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[:3000] + done.stderr[:1000]


def test_only_titles_of_papers_are_long_lines(folder: Path) -> None:
    for file in folder.iterdir():
        _, *lines = file.read_text(encoding="utf-8").splitlines()
        assert max(map(len, lines)) <= 110, file.name
