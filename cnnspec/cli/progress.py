"""A line on standard error that says how far a long piece of work is; nothing where nobody is looking."""

from __future__ import annotations

import sys

from cnnspec.cli.terminal import columns, err, is_terminal


class Progress:
    """`with Progress("run") as progress: progress("layers", 3, 50)`; the line is gone afterwards."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.shown = False
        self.wanted = is_terminal(sys.stderr)

    def __call__(self, what: str, done: int, of: int) -> None:
        if self.wanted:
            self.shown = True
            far = f" {done:,}/{of:,}" if of > 1 else ""
            line = f"{self.title}: {what}{far}"
            err(f"\r{line[: columns(sys.stderr) - 1]}\x1b[K")  # a line that wraps could not be taken back

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *reason: object) -> None:
        if self.shown:
            err("\r\x1b[K")
