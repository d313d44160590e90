"""A budget raised by an option as far as it goes: never Python's own limit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cnnspec import check
from cnnspec.elaborate.limits import DEEPEST, Limits
from tests.attacks.conftest import Snapshot
from tests.cli.conftest import Command

FORMS = {"a block": "{}", "a branch": "add [ {} | id ]", "an if": "if C > 0 [ {} ] else [ id ]"}


def nested(form: str, times: int) -> str:
    blocks = ["block b0() { relu }"]
    blocks += [f"block b{n}() {{ {FORMS[form].format(f'b{n - 1}()')} }}" for n in range(1, times)]
    return "\n".join([*blocks, "input 3x8x8", f"b{times - 1}()", ""])


@pytest.mark.parametrize(
    "command", ["check --all", "build --target torch", "build --target numpy", "run --random"]
)
@pytest.mark.parametrize("form", FORMS)
def test_as_deep_as_it_goes(command: str, form: str, unchanged: Snapshot, tmp_path: Path) -> None:
    (tmp_path / "deep.cnn").write_text(nested(form, 190 if form == "a block" else 95))
    name, *more = command.split()
    done = subprocess.run(
        [sys.executable, "-m", "cnnspec", name, "deep.cnn", "--max-depth", str(DEEPEST), *more],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_no_deeper(cnnspec: Command, unchanged: Snapshot, tmp_path: Path) -> None:
    (tmp_path / "deep.cnn").write_text(nested("a block", 65))
    ran = cnnspec("check", "deep.cnn")
    assert (ran.status, "error[E602]" in ran.err) == (1, True)
    assert cnnspec("check", "--max-depth", str(DEEPEST + 1), "deep.cnn").status == 2
    with pytest.raises(ValueError, match="200 is the most"):
        check(tmp_path / "deep.cnn", limits=Limits(depth=DEEPEST + 1))
