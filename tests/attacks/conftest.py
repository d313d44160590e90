"""Guards around every attack: time, memory, the disk; and the command line, run in this process."""

import contextlib
import json
import resource
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from cnnspec.diagnostics import Diagnostic
from cnnspec.diagnostics.diagnostic import WHOLE_FILE
from cnnspec.running import process
from cnnspec.running.worker import messages
from tests.cli.conftest import cnnspec

__all__ = ["cnnspec"]

SECONDS = 10  # of this process; ten times what an attack may take
MEGABYTES = 3_000
Snapshot = Callable[[], dict[str, bytes | None]]


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Ends what hangs, and refuses what was slow or grew."""

    def hanging(number: int, frame: FrameType | None) -> None:
        raise TimeoutError("this attack hangs")

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    old = signal.signal(signal.SIGALRM, hanging)
    signal.alarm(120)  # by the wall clock, on a machine that does other things too
    start = time.process_time()
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)
    assert time.process_time() - start < SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < MEGABYTES


@pytest.fixture
def unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Snapshot:
    """The working folder is an empty one; gives a function that says what is in it."""
    monkeypatch.chdir(tmp_path)

    def snapshot() -> dict[str, bytes | None]:
        return {
            str(path.relative_to(tmp_path)): path.read_bytes()
            if path.is_file() and not path.is_symlink() and path.stat().st_size < 10**9
            else None
            for path in sorted(tmp_path.rglob("*"))
        }

    return snapshot


@pytest.fixture
def without_a_child(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What `run`'s child does is done in this process: hundreds of files in seconds."""

    @contextlib.contextmanager
    def work(
        job: Mapping[str, Any], programs: Mapping[str, str], progress: process.Progress
    ) -> Iterator[Any]:
        folder = tmp_path_factory.mktemp("work")
        for target, text in programs.items():
            (folder / f"program_{target}.py").write_text(text, "utf-8")
        worker = import_module(f"cnnspec.running.worker.{job['kind']}")
        try:
            made = worker.work(json.loads(json.dumps(job)), str(folder))
        except messages.Fault as fault:
            told = dict(fault.finding)
            about = told.pop("about")
            finding = Diagnostic(
                told["code"], told["message"], WHOLE_FILE, note=told["note"], help=told["help"]
            )
            yield process.Outcome(str(folder), finding=finding, about=about)
        else:
            yield process.Outcome(str(folder), result=json.loads(json.dumps(made)))

    monkeypatch.setattr(process, "work", work)
    monkeypatch.setattr(messages, "report", lambda event, **what: None)
    monkeypatch.setenv("CNNSPEC_DEBUG", "1")  # what is no finding is the test's error
