"""README's commands, run as they stand there; `…` stands for lines left out."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
BLOCKS = BLOCK.findall(README)
CONSOLE = [text for kind, text in BLOCKS if kind == "console"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    (spec,) = (text for kind, text in BLOCKS if kind == "cnn")
    (folder / "lenet.cnn").write_text(spec)
    return folder


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    name, *arguments = shlex.split(command)
    assert name == "cnnspec"
    clean = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "FORCE_COLOR")}
    return subprocess.run(
        [sys.executable, "-m", "cnnspec", *arguments],
        cwd=folder,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )


def matches(shown: str, printed: str) -> bool:
    parts = (re.escape(part) for part in re.split(r"^…\n", shown, flags=re.M))
    return re.fullmatch("(?:.*\n)*?".join(parts), printed) is not None


@pytest.mark.parametrize("text", CONSOLE, ids=lambda text: text.splitlines()[0])
def test_a_command_prints_what_the_readme_shows(text: str, folder: Path) -> None:
    head, _, shown = text.partition("\n")
    done = run(head.removeprefix("$ "), folder)
    assert done.returncode == 0, done.stderr
    assert matches(shown, done.stdout), done.stdout


def test_the_message_is_the_one_that_comes(folder: Path) -> None:
    (shown,) = (text for kind, text in BLOCKS if text.startswith("error["))
    spec = (folder / "lenet.cnn").read_text()
    (folder / "wrong").mkdir()
    (folder / "wrong" / "lenet.cnn").write_text(
        spec.replace("S4: avgpool F2    ", "S4: avgpool F3 S3 ").replace(" => 16@5x5", "")
    )
    done = run("cnnspec check lenet.cnn", folder / "wrong")
    assert done.returncode == 1
    assert [line.strip() for line in done.stderr.splitlines()] == [
        line.strip() for line in shown.splitlines()
    ]


def test_it_opens_with_the_figure_of_its_spec(folder: Path) -> None:
    opening = re.match(r"# cnnspec\n\n!\[[^]]+\]\((docs/figures/\S+\.svg)\)\n", README)
    assert opening
    done = run("cnnspec draw lenet.cnn --style volumes", folder)
    assert done.stdout == (ROOT / opening[1]).read_text("utf-8")
    assert all((ROOT / path).is_file() for path in re.findall(r"\]\(([^)#:]+)\)", README))


def test_the_python_works(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = (text for kind, text in BLOCKS if kind == "python")
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("25557032 ")


def test_the_matcher_can_fail() -> None:
    assert matches("a\n…\nc\n", "a\nb\nb\nc\n")
    assert not matches("a\n…\nc\n", "a\nb\nd\n")
    assert not matches("a\n", "a\nb\n")
