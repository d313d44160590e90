"""Files and folders that may not be read, written or entered: a finding with the name each, and nothing changed.

Root may do everything, and root is who runs the tests in a container: there the command runs as root without
the two capabilities that stand above rights, and so obeys them as anybody does.
"""

# ruff: noqa: E501 (tables, a case a line)

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.attacks.conftest import Snapshot
from tests.cli.conftest import Ran

PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2

SPEC = "input 3x8x8\na: conv F3 K2 -> relu\nflatten -> fc 4\n"
FILES = {
    "net.cnn": SPEC,
    "unformed.cnn": "input   3x8x8\nconv K2 F3\n",
    "fixable.cnn": "input 3x8x8\nconv f3 K2\n",
    "old.py": "old",
    "labels.txt": "a\nb\nc\nd\n",
    "inside/net.cnn": SPEC,
    "inside/old.py": "old",
    "inside/unformed.cnn": "input   3x8x8\nconv K2 F3\n",
}


def obey_rights() -> None:
    """In a child, before it becomes the command: what is dropped here, root does not get again."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
                raise OSError(ctypes.get_errno(), "a capability cannot be dropped")


def kept_to(folder: Path) -> bool:
    """Whether a child is refused what its rights forbid: by trial."""
    closed = folder / "closed"
    closed.write_text("closed")
    closed.chmod(0)
    try:
        done = subprocess.run(["cat", closed], preexec_fn=obey_rights, capture_output=True, timeout=60)
    except (OSError, AttributeError, subprocess.SubprocessError):
        return False  # no prctl, or no right to drop
    return done.returncode != 0


@pytest.fixture
def folder(unchanged: Snapshot, tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "scratch").mkdir()
    np.save(tmp_path / "x.npy", np.ones((3, 8, 8), np.float32))
    np.save(tmp_path / "old.npy", np.arange(3))
    np.savez(tmp_path / "w.npz", a=np.arange(3))
    return tmp_path


COMMANDS = """
import contextlib, io, json, os, sys, tempfile
from cnnspec import cli
for line in sys.stdin:
    folder, places, *arguments = json.loads(line)
    os.chdir(folder)
    tempfile.tempdir, tempfile._candidate_tempdir_list = None, lambda: places
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        status = cli.execute(arguments)
    os.chdir("/")
    print(json.dumps([status, out.getvalue(), err.getvalue()]), flush=True)
"""
"""Command lines, one after the other, each in its folder; `places` are where what is temporary may go."""

Run = Callable[..., Ran]


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """A process that obeys rights."""
    if not kept_to(tmp_path_factory.mktemp("rights")):
        pytest.skip("root here cannot be made to obey rights (only Linux can, with CAP_SETPCAP)")
    with subprocess.Popen(
        [sys.executable, "-P", "-c", COMMANDS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=obey_rights,
        text=True,
    ) as process:
        yield process


@pytest.fixture
def cnnspec(process: subprocess.Popen[str], folder: Path) -> Run:
    """`cnnspec("check", "net.cnn")` in `folder`, its rights kept to."""

    def run(*arguments: str, places: Sequence[Path] = ()) -> Ran:
        assert process.stdin is not None
        assert process.stdout is not None
        line = [str(folder), [str(place) for place in places or [folder / "scratch"]], *arguments]
        print(json.dumps(line), file=process.stdin, flush=True)
        status, out, err = json.loads(process.stdout.readline())
        return Ran(status, out, err)

    return run


NONE, READ, WRITE, ENTER = 0, 0o400, 0o200, 0o100

# what is closed and the rights that are left; the command; what must be found, of which file
REFUSED: list[tuple[str, int, str, str, str]] = [
    # files that cannot be read
    ("net.cnn", WRITE, "check net.cnn", "E701", "net.cnn"),
    ("net.cnn", NONE, "check --format github net.cnn", "E701", "net.cnn"),
    ("net.cnn", NONE, "check --format json net.cnn", "E701", "net.cnn"),
    ("net.cnn", NONE, "build net.cnn --target torch", "E701", "net.cnn"),
    ("net.cnn", NONE, "explain net.cnn a", "E701", "net.cnn"),
    ("net.cnn", NONE, "run net.cnn --random", "E701", "net.cnn"),
    pytest.param("net.cnn", NONE, "verify net.cnn", "E701", "net.cnn", marks=pytest.mark.torch),
    ("unformed.cnn", WRITE, "fmt unformed.cnn", "E701", "unformed.cnn"),
    ("unformed.cnn", NONE, "fmt --check unformed.cnn", "E701", "unformed.cnn"),
    ("fixable.cnn", WRITE, "check --fix fixable.cnn", "E701", "fixable.cnn"),
    ("inside/net.cnn", NONE, "check inside", "E701", "inside/net.cnn"),
    ("x.npy", NONE, "run net.cnn --input x.npy", "E701", "x.npy"),
    ("w.npz", NONE, "run net.cnn --random --weights w.npz", "E701", "w.npz"),
    ("labels.txt", NONE, "run net.cnn --random --labels labels.txt", "E701", "labels.txt"),
    # files that cannot be written, in a folder that can
    ("unformed.cnn", READ, "fmt unformed.cnn", "E704", "unformed.cnn"),
    ("fixable.cnn", READ, "check --fix fixable.cnn", "E704", "fixable.cnn"),
    ("old.py", READ, "build net.cnn --target numpy -o old.py --force", "E704", "old.py"),
    ("old.npy", READ, "run net.cnn --random -o old.npy --force", "E704", "old.npy"),
    # folders that cannot be written
    (".", READ | ENTER, "build net.cnn --target torch -o new.py", "E704", "new.py"),
    (".", READ | ENTER, "build net.cnn --target numpy -o old.py --force", "E704", "old.py"),
    (".", READ | ENTER, "fmt unformed.cnn", "E704", "unformed.cnn"),
    (".", READ | ENTER, "check --fix fixable.cnn", "E704", "fixable.cnn"),
    (".", READ | ENTER, "run net.cnn --random -o new.npy", "E704", "new.npy"),
    (".", READ | ENTER, "run net.cnn --random -o old.npy --force", "E704", "old.npy"),
    (".", READ | ENTER, "run net.cnn --random --save-maps maps/of/it", "E704", "maps/of/it"),
    ("inside", READ | ENTER, "run net.cnn --random --save-maps inside/maps", "E704", "inside/maps"),
    ("inside", READ | ENTER, "run net.cnn --random --save-maps inside -o new.npy", "E704", "inside/000-input.png"),
    # folders that cannot be entered
    ("inside", READ | WRITE, "check inside/net.cnn", "E701", "inside/net.cnn"),
    ("inside", READ | WRITE, "check inside", "E701", "inside/net.cnn"),
    ("inside", READ | WRITE, "fmt inside/unformed.cnn", "E701", "inside/unformed.cnn"),
    ("inside", READ | WRITE, "fmt inside", "E701", "inside/unformed.cnn"),
    ("inside", READ | WRITE, "build inside/net.cnn --target torch", "E701", "inside/net.cnn"),
    ("inside", READ | WRITE, "explain inside/net.cnn a", "E701", "inside/net.cnn"),
    ("inside", READ | WRITE, "build net.cnn --target torch -o inside/new.py", "E704", "inside/new.py"),
    ("inside", READ | WRITE, "build net.cnn --target torch -o inside/old.py --force", "E704", "inside/old.py"),
    ("inside", READ | WRITE, "run net.cnn --input inside/x.npy", "E701", "inside/x.npy"),
    ("inside", READ | WRITE, "run net.cnn --random --save-maps inside/maps", "E704", "inside/maps"),
    # folders that cannot be listed
    ("inside", WRITE | ENTER, "check inside", "E701", "inside"),
    ("inside", NONE, "check .", "E701", "inside"),
    ("inside", NONE, "check --format github .", "E701", "inside"),
    ("inside", NONE, "fmt --check .", "E701", "inside"),
    ("inside", WRITE | ENTER, "build inside --target numpy", "E701", "inside"),
    ("inside", WRITE | ENTER, "explain inside a", "E701", "inside"),
    (".", WRITE | ENTER, "build --target numpy", "E701", "."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("closed", "left", "arguments", "code", "about"),
    REFUSED,
    ids=lambda one: f"{one:o}" if isinstance(one, int) else one,
)
def test_what_is_forbidden_is_told_and_not_done(
    closed: str,
    left: int,
    arguments: str,
    code: str,
    about: str,
    cnnspec: Run,
    folder: Path,
    unchanged: Snapshot,
) -> None:
    before = unchanged()
    with closing(folder / closed, left):
        ran = cnnspec(*arguments.split())
        assert stat.S_IMODE((folder / closed).stat().st_mode) == left
    assert ran.status == 2, ran
    for mark in marks(arguments, code, about):
        assert mark in ran.out + ran.err
    assert unchanged() == before


@contextlib.contextmanager
def closing(path: Path, left: int) -> Iterator[None]:
    """Only these rights are left."""
    rights = stat.S_IMODE(path.stat().st_mode)
    path.chmod(left)
    try:
        yield
    finally:
        path.chmod(rights)


def marks(arguments: str, code: str, about: str) -> tuple[str, ...]:
    """What must be printed."""
    if "github" in arguments:
        return (f"::error file={about},title=cnnspec {code}::",)
    if "json" in arguments:
        return f'"{code}"', f'"file": "{about}"'
    return f"error[{code}]", f"┌─ {about}\n"


def test_what_may_be_read_is_checked_all_the_same(cnnspec: Run, folder: Path) -> None:
    with closing(folder / "inside", NONE):
        ran = cnnspec("check", "net.cnn", "inside", ".")
    assert ran.status == 2
    assert "3 of 4 models passed" in ran.out
    assert ran.err.count("error[E701]") == 2


@pytest.mark.parametrize(
    "arguments", ["run net.cnn --random -o new.npy", pytest.param("verify net.cnn", marks=pytest.mark.torch)]
)
@pytest.mark.parametrize("left", [NONE, READ | ENTER, READ | WRITE])
def test_no_folder_for_what_is_temporary(
    left: int, arguments: str, cnnspec: Run, folder: Path, unchanged: Snapshot
) -> None:
    before = unchanged()
    with closing(folder / "scratch", left):
        ran = cnnspec(*arguments.split())
    assert ran.status == 2
    assert "error[E704]: cannot write to the temporary folder" in ran.err
    assert "TMPDIR" in ran.err
    assert unchanged() == before


def test_another_folder_for_what_is_temporary_does(
    cnnspec: Run, folder: Path, unchanged: Snapshot, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Python itself looks further: /tmp after TMPDIR."""
    before, other = unchanged(), tmp_path_factory.mktemp("other")
    with closing(folder / "scratch", READ | ENTER):
        ran = cnnspec("run", "net.cnn", "--random", places=[folder / "scratch", other])
    assert (ran.status, ran.err) == (0, "")
    assert unchanged() == before
    assert not list(other.iterdir())
