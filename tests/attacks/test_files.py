"""Paths that are no specs, and output onto what must stay: a coded finding each, and nothing changed."""

# ruff: noqa: E501 (tables, a case a line)
from __future__ import annotations

import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cnnspec import files
from tests.attacks.attack import ATTACKS
from tests.attacks.conftest import Snapshot, guarded
from tests.cli.conftest import GOOD, Command

Make = Callable[[Path], object]


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2 << 30)


def listening(path: Path) -> None:
    os.chdir(path.parent)  # a socket's whole path must be short
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path.name)


def linked(target: str) -> Make:
    return lambda path: path.symlink_to(target)


READING: dict[str, tuple[str, Make | str]] = {
    "fifo": ("E702", os.mkfifo),
    "socket": ("E701", listening),
    "link to a fifo's folder": ("E701", linked("nowhere/fifo")),
    "link to itself": ("E701", lambda path: path.symlink_to(path)),
    "link to nothing": ("E701", linked("missing.cnn")),
    "link to an endless device": ("E702", linked("/dev/zero")),
    "link to random numbers": ("E702", linked("/dev/urandom")),
    "link to the terminal": ("E70", linked("/dev/tty")),
    "link to a folder without specs": ("E706", linked(".")),
    "huge": ("E601", huge),
    "missing": ("E701", lambda path: None),
    "folder called like a spec": ("E706", Path.mkdir),
    "a file as a folder": ("E701", "GOOD/a.cnn"),
    "a NUL in the name": ("E701", "a\0b.cnn"),
    "a name too long": ("E701", "a" * 5000 + ".cnn"),
    "a path too long": ("E701", "a/" * 5000 + "a.cnn"),
    "no name": ("E701", ""),
    "a lone surrogate in the name": ("E701", "a\udcff.cnn"),
    "the zoo's parent": ("E701", "zoo:../../../etc/passwd"),
    "the zoo's root": ("E701", "zoo:/etc/passwd"),
    "device": ("E702", "/dev/null"),
    "memory": ("E70", "/proc/self/mem"),
    "binary": ("E703", lambda path: path.write_bytes(bytes(range(256)))),
    "NULs": ("E101", lambda path: path.write_bytes(bytes(1000))),
}


@pytest.mark.parametrize("command", ["check", "fmt", "build", "explain", "check --fix"])
@pytest.mark.parametrize("name", READING)
def test_what_is_no_spec_is_refused(
    name: str, command: str, cnnspec: Command, unchanged: Snapshot, tmp_path: Path
) -> None:
    code, make = READING[name]
    path: str | Path = make if isinstance(make, str) else tmp_path / "spec.cnn"
    if isinstance(path, Path) and callable(make):
        make(path)
    elif "GOOD" in str(path):
        (tmp_path / "GOOD").write_text(GOOD)
    if name == "huge":
        before = None
    else:
        before = unchanged()
    more = {"build": ["--target", "numpy"], "explain": ["C1"]}.get(command, [])
    arguments = [*command.split(), path] if command != "explain" else [command, path]
    with guarded():
        ran = cnnspec(*arguments, *more)
    assert ran.status in (1, 2), ran.err
    if command != "explain" or "error[" in ran.err:
        if not (command == "fmt" and code == "E706"):
            assert code in ran.err or command in ("fmt", "explain"), ran.err
    assert "Traceback" not in ran.err
    assert before is None or unchanged() == before


WRITING: dict[str, tuple[str, Make | str]] = {
    "the spec": ("E704", "good.cnn"),
    "the spec by another way": ("E704", "./../{folder}/good.cnn"),
    "a hard link to the spec": ("E704", lambda path: path.hardlink_to("good.cnn")),
    "a link to the spec": ("E704", linked("good.cnn")),
    "an old file": ("E705", lambda path: path.write_text("old")),
    "a folder": ("E704", Path.mkdir),
    "a fifo": ("E704", os.mkfifo),
    "a device": ("E704", "/dev/full"),
    "null": ("E704", "/dev/null"),
    "a missing folder": ("E704", "missing/out.py"),
    "below a file": ("E704", "good.cnn/out.py"),
    "a NUL": ("E704", "a\0b"),
    "too long": ("E704", "a" * 5000),
    "the process": ("E704", "/proc/self/out.py"),
    "a link to itself": ("E704", lambda path: path.symlink_to(path)),
}


@pytest.mark.parametrize("target", ["torch", "numpy"])
@pytest.mark.parametrize("name", WRITING)
def test_what_must_stay_stays(
    name: str, target: str, cnnspec: Command, unchanged: Snapshot, tmp_path: Path
) -> None:
    code, make = WRITING[name]
    (tmp_path / "good.cnn").write_text(GOOD)
    path = make.format(folder=tmp_path.name) if isinstance(make, str) else tmp_path / "out.py"
    if isinstance(path, Path) and callable(make):
        make(path)
    before = unchanged()
    force = [] if code == "E705" else ["--force"]
    with guarded():
        ran = cnnspec("build", "good.cnn", "--target", target, "-o", path, *force)
    assert ran.status == 2, ran.err
    assert code in ran.err
    assert unchanged() == before
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_file_that_vanishes_before_it_is_opened(
    cnnspec: Command, unchanged: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = tmp_path / "good.cnn"
    spec.write_text(GOOD)
    opened = os.open

    def vanish(path: str, *rest: int, **further: int) -> int:
        if str(path).endswith("good.cnn"):
            spec.unlink(missing_ok=True)
        return opened(path, *rest, **further)

    monkeypatch.setattr(files.os, "open", vanish)
    ran = cnnspec("check", tmp_path)
    assert (ran.status, "E701" in ran.err) == (2, True)


def test_a_file_that_grows_while_it_is_read_has_its_limit(
    cnnspec: Command, unchanged: Snapshot, tmp_path: Path
) -> None:
    """/proc files say they have 0 bytes; what counts is what is read."""
    ran = cnnspec("check", "--max-bytes", "10", "/proc/self/status")
    assert ran.status == 2
    assert "E601" in ran.err


def test_a_folder_of_links_in_a_ring_ends(cnnspec: Command, unchanged: Snapshot, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "ring").symlink_to(tmp_path)
    (tmp_path / "a" / "good.cnn").write_text(GOOD)
    with guarded():
        assert cnnspec("check", tmp_path).status == 0


HEAVIEST = [
    attack
    for attack in ATTACKS
    if attack.name
    in (
        "expansion/doubling_values", "expansion/variants_heavy", "expansion/billion_repeats", "recursion/ring_500",
        "depth/groups_3000", "numbers/squaring_40", "injection/pickle", "terminal/escape_clipboard",
    )
]  # fmt: skip


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (30, 30))


@pytest.mark.parametrize("attack", HEAVIEST, ids=lambda attack: attack.name)
def test_as_a_process_of_its_own(attack, unchanged: Snapshot) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cnnspec", "check", *attack.options, attack.path],
        capture_output=True,
        preexec_fn=_limited,
        timeout=120,
    )
    assert done.returncode in (1, 2)
    assert b"Traceback" not in done.stderr
    assert f"error[{attack.expected[0][0]}]".encode() in done.stderr
    assert b"\x1b" not in done.stdout + done.stderr
    assert unchanged() == {}


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_in_the_middle_of_writing_the_old_file_stays(
    number: int, status: int, unchanged: Snapshot, tmp_path: Path
) -> None:
    (tmp_path / "good.cnn").write_text(GOOD)
    (tmp_path / "out.py").write_text("old")
    slow = (
        "import os, sys, time\n"
        "from cnnspec import cli\n"
        "fsync = os.fsync\n"
        "def wait(descriptor):\n"
        "    print('writing', flush=True)\n"
        "    time.sleep(60)\n"
        "os.fsync = wait\n"
        "sys.argv[1:] = ['build', 'good.cnn', '--target', 'numpy', '-o', 'out.py', '--force']\n"
        "cli.main()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", slow], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        time.sleep(0.1)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == status
    assert b"Traceback" not in err
    assert unchanged() == {"good.cnn": GOOD.encode(), "out.py": b"old"}


def test_the_working_folder_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    # Python 3.13.0 itself imports no extension module from there
    bare = "import os, sys; os.rmdir(os.getcwd()); import pydantic_core"
    if subprocess.run([sys.executable, "-c", bare], cwd=folder, capture_output=True).returncode:
        pytest.skip("this Python needs a working folder to import an extension module")
    folder.mkdir()
    removing = "import os; os.rmdir(os.getcwd()); from cnnspec.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", removing, "build", "zoo:lenet5", "--target", "torch", "-o", "net.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "error[E704]" in done.stderr
    assert "net.py" in done.stderr
