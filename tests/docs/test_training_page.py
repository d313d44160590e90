"""docs/training.md: every command, as written, in a folder with a small network and a small data set."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.small import write_small

PAGE = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
COMMANDS = [
    line.removeprefix("$ ")
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("$ ")
]
PROGRAMS = {
    "cnnspec": [sys.executable, "-m", "cnnspec"],
    "python": [sys.executable],
    "torchrun": [sys.executable, "-m", "torch.distributed.run"],
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with my.cnn, my.toml and their data."""
    write_small(tmp_path, "my")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def started(command: str) -> subprocess.Popen[str]:
    program, *arguments = shlex.split(command)
    return subprocess.Popen([*PROGRAMS[program], *arguments], stderr=subprocess.PIPE, text=True)


def done(*children: subprocess.Popen[str]) -> None:
    for child in children:
        _, errors = child.communicate(timeout=600)
        assert child.returncode == 0, errors


def test_commands_in_numpy(here: Path) -> None:
    """Those that need neither torch nor minutes."""
    chosen = [line for line in COMMANDS if "--target numpy" in line and "my.cnn" in line]
    assert chosen
    for command in chosen:
        done(started(command))
    done(started("python assignment/train.py"))
    (scored,) = [line for line in COMMANDS if "score.html" in line]
    done(started(scored.replace("run/best.safetensors", "assignment/best.npz")))
    assert "100.00 %" in (here / "score.html").read_text()


@pytest.mark.heavy
def test_every_command(here: Path) -> None:
    """In the order of the page. The second machine is another process of this one."""
    pytest.importorskip("torch")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        first = f"127.0.0.1:{listener.getsockname()[1]}"
    for command in COMMANDS:
        if command.startswith("pip "):
            continue
        if "--nnodes 2" in command:
            (here / "shared" / "last.safetensors").unlink()  # where the command before it has ended
            command = command.replace("first:29500", first).replace(
                "--nproc-per-node 8", "--nproc-per-node 2"
            )
            done(started(command), started(command))
            continue
        done(started(command))
    assert (here / "shared" / "result.json").exists()
