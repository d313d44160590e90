"""A full disk, Ctrl-C and SIGTERM in the middle: the old file or the new one is there, and nothing is left
over, neither files nor processes."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from cnnspec import files
from cnnspec.running.process import WORKER
from tests.attacks.conftest import Snapshot
from tests.cli.conftest import Command

T = TypeVar("T")

SPEC = "input 3x8x8\na: conv F3 K2 -> relu\nflatten -> fc 4\n"
UNFORMED = "input   3x8x8\nconv K2 F3\n"
FIXABLE = "input 3x8x8\nconv f3 K2\n"


@pytest.fixture
def net(unchanged: Snapshot, tmp_path: Path) -> Path:
    """A folder with specs, and `old` files where output may go."""
    (tmp_path / "net.cnn").write_text(SPEC)
    (tmp_path / "unformed.cnn").write_text(UNFORMED)
    (tmp_path / "fixable.cnn").write_text(FIXABLE)
    (tmp_path / "old.py").write_text("old")
    (tmp_path / "scratch").mkdir()
    np.save(tmp_path / "old.npy", np.arange(3))
    return tmp_path


# --- no room ----------------------------------------------------------------------------------------------


def smallest_files(size: int) -> Callable[[], None]:
    """No file may grow beyond `size` bytes: what a full disk looks like to a program."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize(
    "arguments",
    [
        "build net.cnn --target torch -o new.py",
        "build net.cnn --target numpy -o old.py --force",
        "fmt unformed.cnn",
        "check --fix fixable.cnn",
        "run net.cnn --random",  # no room for its programs
        pytest.param("verify net.cnn", marks=pytest.mark.torch),
    ],
)
def test_no_room_for_a_file(arguments: str, net: Path, unchanged: Snapshot) -> None:
    before = unchanged()
    done = subprocess.run(
        [sys.executable, "-m", "cnnspec", *arguments.split()],
        env={**os.environ, "TMPDIR": str(net / "scratch"), "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=smallest_files(10),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode in (1, 2)
    assert "error[E704]" in done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert unchanged() == before


def test_no_room_for_what_the_child_makes(net: Path, unchanged: Snapshot) -> None:
    (net / "net.cnn").write_text("input 1x200x200\nrelu\n")
    before = unchanged()
    done = subprocess.run(
        [sys.executable, "-m", "cnnspec", "run", "net.cnn", "--random", "-o", "new.npy"],
        env={**os.environ, "TMPDIR": str(net / "scratch"), "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=smallest_files(100_000),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert "error[E704]: cannot write to the temporary folder" in done.stderr
    assert unchanged() == before


@pytest.mark.parametrize("room", range(5))
@pytest.mark.parametrize("force", [False, True])
@pytest.mark.usefixtures("without_a_child")
def test_the_disk_is_full_after_some_files(
    room: int, force: bool, cnnspec: Command, net: Path, unchanged: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The output and three sheets: all of them are there at the end, or none."""
    done = 0

    def fsync(descriptor: int) -> None:
        nonlocal done
        done += 1
        if done > room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", fsync)
    before = unchanged()
    more = ["-o", "old.npy", "--force"] if force else ["-o", "new.npy"]
    ran = cnnspec("run", "net.cnn", "--random", "--save-maps", "maps/of/it", *more)
    if room < 4:
        assert ran.status == 2
        assert "No space left on device" in ran.err
        assert unchanged() == before
    else:
        assert ran.status == 0
        assert set(unchanged()) - set(before) >= {"maps/of/it/000-input.png", "maps/of/it/002-a.relu.png"}


# --- stopped ----------------------------------------------------------------------------------------------

STOPS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]

WRITING = """
import os, sys, time
from cnnspec import cli
done, last = 0, int(sys.argv.pop(1))
def wait(descriptor):
    global done
    done += 1
    if done == last:
        print("here", flush=True)
        for _ in range(12_000):  # a signal right before a long sleep would be seen only after it
            time.sleep(0.05)
os.fsync = wait
cli.main()
"""


@pytest.mark.parametrize(("number", "status"), STOPS[:2])
@pytest.mark.parametrize(
    ("file", "arguments"),
    [
        (1, "build net.cnn --target torch -o new.py"),
        (1, "build net.cnn --target numpy -o old.py --force"),
        (1, "run net.cnn --random -o new.npy"),
        (1, "run net.cnn --random -o old.npy --force --save-maps maps"),
        (3, "run net.cnn --random -o old.npy --force --save-maps maps"),
        (1, "fmt unformed.cnn"),
        (1, "check --fix fixable.cnn"),
    ],
)
def test_stopped_while_it_writes(
    file: int, arguments: str, number: int, status: int, net: Path, unchanged: Snapshot
) -> None:
    before = unchanged()
    with started("-c", WRITING, str(file), *arguments.split(), folder=net) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"here\n"
        os.killpg(process.pid, number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == status
    assert b"Traceback" not in err
    assert unchanged() == before


WORKING = """
import sys
from cnnspec import cli
from cnnspec.running import process
process.WORKER = sys.argv.pop(1)
cli.main()
"""

BLOCKED = f"""
import importlib, os, runpy, sys, time
def wait(name):
    with open("here", "w") as file:
        file.write(str(os.getpid()) + "\\n")
    while True:
        time.sleep(0.05)
importlib.import_module = wait
sys.argv[0] = {WORKER!r}
runpy.run_path({WORKER!r}, run_name="__main__")
"""


@pytest.mark.parametrize(("number", "status"), STOPS)
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param("verify net.cnn", marks=pytest.mark.torch),
        "run net.cnn --random -o old.npy --force --save-maps maps",
    ],
)
def test_stopped_while_its_child_works(
    arguments: str, number: int, status: int, net: Path, unchanged: Snapshot
) -> None:
    before = unchanged()
    worker = net.parent / f"{net.name}-worker.py"
    worker.write_text(BLOCKED)
    with started("-c", WORKING, str(worker), *arguments.split(), folder=net) as process:
        child = int(once(lambda: written(net / "here")))
        assert list((net / "scratch").iterdir()), "there was something to clean up"
        # Ctrl-C reaches both, as in a terminal; the others only the command
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == status
    assert b"Traceback" not in err
    assert once(lambda: not alive(child)), "the child outlives the command"
    assert once(lambda: not list((net / "scratch").iterdir()))
    (net / "here").unlink()
    assert unchanged() == before


def started(*arguments: str, folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, "TMPDIR": str(folder / "scratch")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def written(path: Path) -> str:
    """What is in a file of one line, once the line is whole."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return ""
    return text if text.endswith("\n") else ""


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def once(look: Callable[[], T]) -> T:
    """What `look` gives as soon as that is something; a minute at most."""
    until = time.monotonic() + 60
    while not (found := look()) and time.monotonic() < until:
        time.sleep(0.02)
    return found
