"""What a formatter, a linter and a type checker say of emitted files: nothing."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cnnspec.ops import words
from tests.cases.samples import every_argument
from tests.targets.torch.constructs import CONSTRUCTS
from tests.targets.torch.support import graph_of, program, spec, zoo


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zoo, folded and not, every construct, every layer."""
    made = tmp_path_factory.mktemp("emitted")
    for path, variant in zoo():
        name = Path(path).stem
        (made / f"zoo_{name}.py").write_text(program(spec(path, variant)))
        (made / f"folded_{name}.py").write_text(program(spec(path, variant), fold_bn=True))
    layers = [text for word in words() for text in every_argument(word)]
    for number, text in enumerate([*CONSTRUCTS.values(), *layers]):
        (made / f"small_{number}.py").write_text(program(graph_of(text)))
    return made


@pytest.mark.parametrize("command", [["format", "--check", "--diff"], ["check"]], ids=["format", "check"])
def test_ruff(folder: Path, command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[:3000] + done.stderr[:1000]


@pytest.mark.slow
def test_mypy(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file=", "--cache-dir", folder / ".mypy", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr


def test_imports_torch_and_nothing_else(folder: Path) -> None:
    for file in folder.glob("*.py"):
        tree = ast.parse(file.read_text())
        imported = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").split(".")[0])
        assert imported - {"typing", "collections", "contextlib", "functools"} == {"torch"}, file


def test_only_the_first_line_speaks_of_cnnspec(folder: Path) -> None:
    for file in folder.glob("*.py"):
        first, rest = file.read_text().split("\n", 1)
        assert re.fullmatch(r"# Written by cnnspec [\w.]+: model \w+[^\n]* \(IR [0-9a-f]{16}\)", first)
        assert "cnnspec" not in rest
