"""What stands on a real terminal, narrow and wide: lines that fit, numbers that are whole."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cnnspec import pipeline
from cnnspec.cli.root import COMMANDS
from cnnspec.elaborate.limits import Limits
from cnnspec.report import input_sizes
from cnnspec.running import process
from tests.cli.conftest import Command, checked_once
from tests.cli.screen import execute, shown, terminal, width

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is needed")
WIDTHS = (40, 60, 80, 100, 120, 200)
LONG = """\
model LongNames "A network whose names, layers and outputs all need room, and whose title is long, too"
input 3x64x64
a_part_with_a_long_name: [conv F3 P1 K128 nobias -> bn -> leaky 0.125 -> dropout 0.25]*3
another_part_with_a_long_name: conv F3 S2 P1 K1024 nobias -> bn -> conv F3 P1 K1024 nobias => 1024x32x32
first: conv F1 K255 => 255x32x32, params 261,375
@another_part_with_a_long_name -> maxpool F2 -> conv F1 K255
second: id
@second -> maxpool F2
third: id
output @first, @second, @third
expect params 10,922,127
"""
WRONG = """\
input 3x32x32
conv_that_stems: conv F3 P1 K64 -> relu -> conv F3 P1 K64 -> relu -> conv F41 P1 K64 -> relu -> maxpool F2
flatten -> fc 10
"""
DRAWN = {
    "table": ("check", "zoo:resnet", "--variant", "ResNet50"),
    "every layer": ("check", "zoo:resnet", "--variant", "ResNet50", "--all", "--advice"),
    "long names": ("check", "long.cnn"),
    "several": ("check", "long.cnn", "zoo:lenet5", "wrong.cnn"),
    "variants": ("check", "zoo:efficientnet"),
    "findings": ("check", "wrong.cnn"),
    "no file": ("check", "a/path/that/is/long/and/leads/to/no/file/at/all/whatever/is/tried.cnn"),
    "zoo": ("zoo",),
    "zoo with variants": ("zoo", "--all"),
    "every column": ("check", "zoo:resnet", "--variant", "ResNet50", "--columns", "all"),
    "worksheet": ("explain", "zoo:lenet5"),
    "number": ("explain", "zoo:lenet5", "C1", "--at", "0,1,2", "--random"),
    "gradients": ("run", "zoo:lenet5_modern", "--random", "--grad", "--label", "3"),
    "matrix": ("run", "zoo:edge_detector", "--random", "--im2col", "conv"),
    "word": ("explain", "field"),
    "layer": ("explain", "zoo:resnet", "body.stage2.0.conv3", "--variant", "ResNet50"),
    "part": ("explain", "zoo:resnet", "body.stage2", "--variant", "ResNet50"),
    "unknown layer": ("explain", "zoo:resnet", "body.stage2.conv3", "--variant", "ResNet50"),
    "page": ("explain", "conv"),
    "page of a code": ("explain", "E301"),
    "verify": ("verify", "zoo:lenet5"),
    "sizes": ("sizes", "zoo:yolo_v3_tiny"),
    "sizes of variants": ("sizes", "zoo:resnet"),
    "diff": ("diff", "zoo:resnet#ResNet50", "zoo:resnext#ResNeXt50_32x4d"),
    "trace": ("run", "zoo:lenet5", "--random", "--trace"),
    "volumes": ("run", "zoo:threshold_5x5", "--random", "--trace"),
    "classes": ("run", "zoo:lenet5", "--random"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "long.cnn").write_text(LONG)
    (tmp_path / "wrong.cnn").write_text(WRONG)
    return tmp_path


DONE: dict[tuple[object, ...], Any] = {}


@pytest.fixture
def done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A spec is checked, its sizes are tried and the child runs once, however often the result is shown."""
    work, tried = process.work, input_sizes.input_sizes

    def sizes(model: pipeline.Model, limits: Limits) -> input_sizes.InputSizes:
        name = (id(model.graph), limits)
        if name not in DONE:
            DONE[name] = tried(model, limits)
        return DONE[name]

    @contextlib.contextmanager
    def once(job: dict[str, Any], programs: Any, progress: process.Progress) -> Iterator[process.Outcome]:
        name = tuple(str(job.get(key)) for key in ("kind", "model", "trace", "grad", "im2col"))
        if name not in DONE:
            with work(job, programs, progress) as outcome:
                DONE[name] = outcome
        progress("layers of the network", 3, 50)
        yield DONE[name]

    checked_once(monkeypatch, DONE)
    monkeypatch.setattr(input_sizes, "input_sizes", sizes)
    monkeypatch.setattr(process, "work", once)


NUMBER = re.compile(r"(?<![\w.,…])\d[\d,.]*(?:x\d+)*(?:e-\d+)?[kMG%]?(?![\w…])")


@pytest.mark.parametrize("arguments", DRAWN.values(), ids=DRAWN)
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(
    folder: Path, done_once: None, arguments: tuple[str, ...]
) -> None:
    statuses = set()
    whole: set[str] = set()
    for columns in reversed(WIDTHS):
        status, text = execute(columns, arguments)
        lines = shown(text)
        too_wide = [line for line in lines if width(line) > columns]
        assert not too_wide, columns
        assert "\x1b" not in "".join(lines)
        assert "\x1b[" in text or arguments[0] in ("explain", "run", "sizes")
        statuses.add(status)
        numbers = set(NUMBER.findall("\n".join(lines)))
        whole = whole or numbers
        assert numbers <= whole, columns
    assert len(statuses) == 1


def heads(columns: int, *arguments: str) -> tuple[list[str], str]:
    """The heads of the table's columns, and the line that names those left out."""
    _, text = execute(columns, arguments)
    lines = shown(text)
    rule = next(place for place, line in enumerate(lines) if line.startswith("───"))
    below = " ".join(lines).partition("columns left out (too narrow): ")[2]
    return lines[rule - 1].split(), " ".join(below.split())


def test_what_gives_way_and_in_which_order(folder: Path) -> None:
    resnet = ("check", "zoo:resnet", "--variant", "ResNet50")
    every = ["name", "layer", "output", "weights", "MACs", "field"]
    for columns, count in ((200, 6), (100, 6), (80, 6), (68, 6), (60, 5), (54, 4), (40, 3)):
        kept, below = heads(columns, *resnet)
        assert kept == every[:count], columns
        left_out = [name.strip() for name in below.split("  ")[0].split(",")] if below else []
        assert all(name in " ".join(left_out) for name in every[count:])
    _, text = execute(68, resnet)
    rows = [line for line in shown(text) if line.startswith("body.stage")]
    assert all("…" in row.split("  ")[1] for row in rows[:3])  # the layer's text gives way
    assert [row.split()[0] for row in rows] == [f"body.stage{number}" for number in (1, 2, 3, 4)]
    assert [row.split()[-1] for row in rows] == ["35x35", "91x91", "267x267", "427x427"]


def test_the_output_is_never_left_out(folder: Path) -> None:
    for columns in WIDTHS:
        _, text = execute(columns, ("check", "long.cnn"))
        joined = "\n".join(shown(text))
        assert "255x32x32" in joined
        assert "output" in heads(columns, "check", "long.cnn")[0]


@pytest.mark.parametrize(("encoding", "rule"), [("ascii", "---"), ("cp1252", "---"), ("utf-8", "───")])
@pytest.mark.parametrize("color", ["always", "never"])
def test_characters_that_the_output_does_not_have(folder: Path, encoding: str, rule: str, color: str) -> None:
    for arguments in (DRAWN["table"], DRAWN["several"], DRAWN["findings"], DRAWN["layer"], DRAWN["page"]):
        _, text = execute(80, (*arguments, "--color", color), encoding)
        lines = shown(text)
        assert not re.search(r"\\u[0-9a-f]{4}", text), arguments
        assert max(map(width, lines)) <= 80
        if arguments[0] == "check" and "wrong" not in arguments[1]:
            table = next(place for place, line in enumerate(lines) if line.startswith(rule))
            assert set(lines[table]) == {rule[0]}
    arrow = "->" if encoding != "utf-8" else "→"
    assert f"gap {arrow} fc classes" in execute(80, DRAWN["table"], encoding)[1]


SHELL = {
    "check zoo:lenet5 >&-": 2,
    "check zoo:lenet5 --format json >&-": 2,
    "check wrong.cnn 2>&-": 2,
    "check zoo:lenet5 2>&-": 0,
    "check wrong.cnn >&- 2>&-": 2,
    "explain conv >&-": 2,
    "build zoo:lenet5 --target torch >&-": 2,
    "zoo resnet >&-": 2,
    "fmt --diff wrong.cnn >&-": 2,
    "--help >&-": 2,
    "chekc 2>&-": 2,
    "check zoo:efficientnet --format json | head -1": 2,
    "zoo --color always | head -1": None,
}


@pytest.mark.parametrize("line", SHELL)
def test_nobody_reads(folder: Path, line: str) -> None:
    """A stream that is closed, or whose reader is gone: quietly, and with a status."""
    command, bar, rest = line.partition(" | ")
    script = f"{sys.executable} -m cnnspec {command}{bar}{rest}; echo status ${{PIPESTATUS[0]}} >&3"
    done = subprocess.run(
        ["bash", "-c", f"exec 3>status; {script}"], capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    if ">&-" in line and "2>&-" not in line:
        assert done.stderr == ""
    status = int((folder / "status").read_text().split()[1])
    assert status == SHELL[line] or (SHELL[line] is None and status in (0, 2))


def test_a_process_of_its_own(folder: Path) -> None:
    with terminal(80) as (theirs, read):
        done = subprocess.run(
            [sys.executable, "-m", "cnnspec", "check", "zoo:resnet", "--variant", "ResNet50"],
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm"},
            check=False,
        )
    text = b"".join(read).decode().replace("\r\n", "\n")
    assert done.returncode == 0
    assert "\x1b[1m" in text
    assert max(map(width, shown(text))) == 80
    assert "field" in text


def test_folders_that_hold_no_specs_of_ones_own(cnnspec: Command, folder: Path) -> None:
    for name in (
        "node_modules/m/a.cnn",
        ".hidden/a.cnn",
        "env/lib/a.cnn",
        "conda/lib/a.cnn",
        "kept/venv/a.cnn",
    ):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(LONG)
    (folder / "env/pyvenv.cfg").write_text("")
    (folder / "conda/conda-meta").mkdir()
    files = [line.split()[1] for line in cnnspec("check", ".").out.splitlines() if line[:1] in ("✓", "✗")]
    assert files == ["long.cnn", "wrong.cnn", "kept/venv/a.cnn"]


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits(folder: Path, command: str) -> None:
    for columns in (40, 60, 80, 120):
        status, text = execute(columns, (*command.split(), "--help"))
        assert status == 0
        assert max(map(width, shown(text))) <= columns


@pytest.mark.parametrize("columns", [1, 5, 9])
def test_a_terminal_that_is_hardly_one(folder: Path, columns: int) -> None:
    for arguments in (DRAWN["findings"], DRAWN["several"], DRAWN["page"], ("check", "--help")):
        status, text = execute(columns, arguments)
        assert status in (0, 1), text
        assert max(map(width, shown(text))) <= max(columns, 2)
