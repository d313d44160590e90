"""The child process: emitted programs run only there, in a folder that is removed afterwards.

The child is the same Python in isolated mode (`-I`: no PYTHON… variables, nothing from the current folder).
It reads `job.json` and the programs from the folder, reports its progress as lines of JSON on its standard
output, and leaves its results in the folder. It ends when its standard input is closed, so it never outlives
this process, however this one ends.
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
"""Called with a description of the work, the number of steps done, and the number of all steps."""


class Outcome(NamedTuple):
    """The end of a job. One of these is set: `result`; a `finding` about the file `about`; a library that is
    `missing` (the extra of cnnspec that has it, and the reason why it could not be loaded); or the reason why
    the job `failed`. Then `where` is the place in the emitted programs, innermost first, and `memory` whether
    memory was exhausted.
    """

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
    """Runs a job. The child's results are in the outcome's folder until the `with` block ends. The child is
    killed after this number of `seconds`.

    `programs` are the emitted texts by target. In any case (Ctrl-C, SIGTERM too), child and folder are
    removed at the end.
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
    if status == -9:  # almost always by the kernel: no other process knows the child
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
    """The folders where libraries are installed, as isolated mode leaves out the user's own site-packages.
    Never the current folder.
    """
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
    """Removes the folder. Ctrl-C cannot interrupt this, because a second Ctrl-C is likely."""
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
