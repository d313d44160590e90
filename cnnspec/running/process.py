"""The child process: emitted programs run there and nowhere else, in a folder that is gone afterwards.

The child is this very Python in isolated mode (`-I`: no PYTHON… variables, nothing from the current
folder). It reads `job.json` and the programs from the folder, tells what happens as lines of JSON on its
standard output, and leaves what it made in the folder. It ends when its standard input ends: it does not
outlive us, whatever ends us.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from cnnspec.diagnostics import Diagnostic
from cnnspec.diagnostics.diagnostic import WHOLE_FILE

if TYPE_CHECKING:
    from subprocess import Popen

WORKER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker", "main.py")

NO_ROOM = "cannot write to the temporary folder"
NO_ROOM_HELP = "set the environment variable TMPDIR to choose another folder"

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many steps of it are done, and how many there are."""


class Outcome(NamedTuple):
    """What came of it. One of these: `result`; a `finding` about the file `about`; a library that is
    `missing` (which extra has it, and why it could not be loaded); or why it `failed`, and `where` in the
    emitted programs, innermost first, where it was not for want of `memory`."""

    folder: str
    result: dict[str, Any] | None = None
    finding: Diagnostic | None = None
    about: str = ""
    missing: Sequence[str] | None = None
    failed: str | None = None
    where: Sequence[str] = ()
    memory: bool = False


@contextmanager
def work(
    job: Mapping[str, Any], programs: Mapping[str, str], progress: Progress, seconds: float | None = None
) -> Iterator[Outcome]:
    """Run a job; what the child made is in the outcome's folder as long as the `with` lasts. It is killed
    after so many `seconds`.

    `programs` are the emitted texts by target. Whatever happens (Ctrl-C, SIGTERM), child and folder are gone
    at the end.
    """
    import subprocess
    import tempfile

    folder = ""
    child: Popen[bytes] | None = None
    timer = None
    try:
        try:
            folder = tempfile.mkdtemp(prefix="cnnspec-")
            for target, text in programs.items():
                _write(folder, f"program_{target}.py", text)
            _write(folder, "job.json", json.dumps({**job, "paths": _libraries()}))
        except OSError as error:
            reason = f"{NO_ROOM}: {error.strerror or error}"
            finding = Diagnostic("E704", reason, WHOLE_FILE, help=NO_ROOM_HELP)
            yield Outcome(folder, finding=finding, about=folder or "TMPDIR")
            return
        with open(os.path.join(folder, "errors.txt"), "wb") as errors:
            child = subprocess.Popen(
                [sys.executable, "-I", "-X", "utf8", WORKER, folder],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        assert child.stdout is not None
        if seconds is not None:
            import threading

            timer = threading.Timer(seconds, child.kill)
            timer.daemon = True
            timer.start()
        yield _listen(child.stdout, child, folder, progress)
    finally:
        if timer is not None:
            timer.cancel()
        if child is not None:
            _end(child)
        _remove(folder)


def _listen(lines: IO[bytes], child: Popen[bytes], folder: str, progress: Progress) -> Outcome:
    outcome: Outcome | None = None
    for line in lines:
        message = json.loads(line)
        match message.pop("event"):
            case "step":
                progress(message["what"], message["done"], message["all"])
            case "finding":
                about = message.pop("about")
                outcome = Outcome(folder, finding=Diagnostic(span=WHOLE_FILE, **message), about=about)
            case "failed":
                outcome = Outcome(folder, **message)
            case "done":
                with open(os.path.join(folder, "result.json"), encoding="utf-8") as file:
                    outcome = Outcome(folder, result=json.load(file))
    status = child.wait()
    if outcome is not None:
        return outcome
    if status == -9:  # by the kernel, nearly always: nobody else knows the child
        return Outcome(folder, failed="it was stopped by signal 9", memory=True)
    if status < 0:
        return Outcome(folder, failed=f"it was stopped by signal {-status}")
    with open(os.path.join(folder, "errors.txt"), encoding="utf-8", errors="replace") as file:
        last = file.read().strip().splitlines()[-1:]
    return Outcome(folder, failed=last[0] if last else f"exit status {status}")


def _write(folder: str, name: str, text: str) -> None:
    with open(os.path.join(folder, name), "w", encoding="utf-8", newline="\n") as file:
        file.write(text)


def _libraries() -> list[str]:
    """Where libraries are installed: isolated mode leaves out the user's own site-packages. Never the current
    folder."""
    return [
        path
        for path in sys.path
        if os.path.isabs(path) and os.path.basename(path) in ("site-packages", "dist-packages")
    ]


def _end(child: Popen[bytes]) -> None:
    if child.poll() is None:
        child.kill()
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            stream.close()
    child.wait()


def _remove(folder: str) -> None:
    """Remove the folder, and let nobody interrupt that: a second Ctrl-C comes easily."""
    import shutil
    import signal
    import threading

    own = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if own else None
    try:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        if own:
            signal.signal(signal.SIGINT, before)
