"""A job of the child process (a run, a comparison): its progress, and the reports if it has no result."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from cnnspec.cli import INTERNAL, USAGE
from cnnspec.cli.terminal import PIPE_WIDTH, Output, err, is_terminal, width_of
from cnnspec.diagnostics.printable import printable

if TYPE_CHECKING:
    from cnnspec.running.process import Outcome

MOST_CALLS = 3
"""The number of lines of an emitted program that are shown after a failure: the innermost call and those
around it."""

INSTALL = {"torch": "torch", "images": "Pillow", "weights": "safetensors", "train": "mlxtend"}
"""The extras that a job may need, each with the library that it installs."""


class Progress:
    """A line on standard error that shows the progress and is removed afterwards; only on a terminal.
    `with Progress("run") as progress: progress("layers", 3, 50)`."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.on = is_terminal(sys.stderr)
        self.shown = False

    def __call__(self, what: str, done: int, of: int) -> None:
        if self.on:
            self.shown = True
            far = f" {done:,}/{of:,}" if of > 1 else ""
            line = f"{self.title}: {what}{far}"
            room = width_of(sys.stderr) or PIPE_WIDTH
            err(f"\r{line[: room - 1]}\x1b[K", whole=True)  # a line that wraps could not be erased

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *reason: object) -> None:
        if self.shown:
            err("\r\x1b[K", whole=True)


def missing(extra: str, why: str = "") -> str:
    """The message about a missing library: how to install it."""
    reason = f" ({why})" if why and "No module named" not in why else ""
    return f"{INSTALL[extra]} is needed and is not installed{reason}: pip install 'cnnspec[{extra}]'"


def unfinished(outcome: Outcome, document: dict[str, Any], to: Output) -> int:
    """Report why a job has no result, and give the exit status."""
    if outcome.finding is not None:
        return to.refuse(outcome.about, outcome.finding, document)
    if outcome.missing is not None:
        return failed(missing(*outcome.missing), document, to, USAGE)
    if outcome.memory:
        why = f" ({outcome.failed})" if outcome.failed else ""
        message = f"not enough memory{why}; use fewer images or a smaller input"
    else:
        lines = (f"the emitted program failed: {outcome.failed}", *outcome.where[:MOST_CALLS])
        message = "\n  ".join(lines)
    return failed(message, document, to, INTERNAL)


def failed(message: str, document: dict[str, Any], to: Output, status: int) -> int:
    """Report, with a message, that there is no result; returns `status`."""
    message = "\n".join(map(printable, message.split("\n")))
    to.document(document | {"message": message})
    if to.form == "text":
        err(f"cnnspec: {message}\n")
    return status
