"""Guards around every attack: time, memory, the disk; and the command line, run in this process."""

import contextlib
import resource
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest

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
            if path.is_file() and not path.is_symlink()
            else None
            for path in sorted(tmp_path.rglob("*"))
        }

    return snapshot
