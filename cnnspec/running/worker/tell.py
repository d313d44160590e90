"""How the child tells its parent what happens: a line of JSON each."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

_last = 0.0


def say(event: str, **what: Any) -> None:
    sys.stdout.write(json.dumps({"event": event, **what}) + "\n")
    sys.stdout.flush()


def step(what: str, done: int, of: int) -> None:
    """Progress; at most ten times a second."""
    global _last
    now = time.monotonic()
    if now - _last > 0.1:
        _last = now
        say("step", what=what, done=done, all=of)


class Fault(Exception):
    """A finding about a file that was given: raised here, a value again for the parent."""

    def __init__(self, code: str, about: str, message: str, note: str = "", help: str = "") -> None:
        super().__init__(message)
        self.said = {"code": code, "about": about, "message": message, "note": note, "help": help}


class Missing(Exception):
    """A library that is not installed, and which extra of cnnspec has it."""

    def __init__(self, extra: str, why: str) -> None:
        super().__init__(why)
        self.extra, self.why = extra, why


def shape_text(shape: Any) -> str:
    """`64x56x56`, as specs have it."""
    return "x".join(map(str, shape))
