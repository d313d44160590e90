"""The child's reports to its parent: lines of JSON."""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PROGRAMS = {"program_numpy.py": "the NumPy program", "program_torch.py": "the torch program"}
MOST = 500
"""The most characters of an error message, which may contain whole arrays."""

_last = 0.0


def report(event: str, **what: Any) -> None:
    sys.stdout.write(json.dumps({"event": event, **what}) + "\n")
    sys.stdout.flush()


def step(what: str, done: int, of: int) -> None:
    """Reports progress, at most ten times a second."""
    global _last
    now = time.monotonic()
    if now - _last > 0.1:
        _last = now
        report("step", what=what, done=done, all=of)


class Fault(Exception):
    """A finding about a user's file; its code and the file's name are added by `reading`."""

    def __init__(self, message: str, note: str = "", help: str = "") -> None:
        super().__init__(message)
        self.finding = {"code": "", "about": "", "message": message, "note": note, "help": help}


@contextmanager
def reading(code: str, path: str) -> Iterator[None]:
    """Turns each `Fault` inside into a finding with this code about this file."""
    try:
        yield
    except Fault as fault:
        fault.finding |= {"code": code, "about": path}
        raise


class Missing(Exception):
    """A library that is not installed: the extra of cnnspec that has it, and the reason why it could not be
    loaded."""


def broken(error: Exception, folder: str) -> dict[str, object]:
    """The error of a program as `failed` (one line), `where` (innermost first), and `memory` (whether memory
    was exhausted)."""
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):  # torch raises a RuntimeError
        return {"failed": " ".join(str(error).split())[:MOST], "memory": True}
    where = []
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename in PROGRAMS:
            with open(os.path.join(folder, frame.filename), encoding="utf-8") as file:
                line = file.read().split("\n")[(frame.lineno or 1) - 1].strip()
            where.append(f"{PROGRAMS[frame.filename]}, line {frame.lineno}, in {frame.name}: {line}")
    return {"failed": " ".join(f"{type(error).__name__}: {error}".split())[:MOST], "where": where}


def shape_text(shape: Any) -> str:
    """`64x56x56`, as in a spec."""
    return "x".join(map(str, shape))
