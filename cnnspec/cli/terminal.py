"""What is known about where the output goes: a terminal or a pipe, colours or none, how wide."""

from __future__ import annotations

import os
import sys
from typing import Any, TextIO

PIPE_WIDTH = 100
"""Columns of a table that goes into a pipe or a file."""


def wants_color(stream: TextIO, choice: str) -> bool:
    """`--color always|never` decides; else NO_COLOR, FORCE_COLOR, TERM=dumb, and whether `stream` is a
    terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return os.environ.get("TERM") != "dumb" and is_terminal(stream)


def is_terminal(stream: TextIO) -> bool:
    """Whether a person is looking."""
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def columns(stream: TextIO) -> int:
    """How many columns there are: COLUMNS, the terminal's, or `PIPE_WIDTH`."""
    given = os.environ.get("COLUMNS", "")
    if given.isascii() and given.isdigit() and 0 < int(given[:6]) < 10_000:
        return int(given[:6])
    try:
        return os.get_terminal_size(stream.fileno()).columns or PIPE_WIDTH
    except (OSError, ValueError):
        return PIPE_WIDTH


def out(text: str) -> None:
    """Write to standard output."""
    sys.stdout.write(text)


def out_json(text: str) -> None:
    """Write JSON, or a piece of it, to standard output; its strings may hold what GitHub's runner obeys."""
    sys.stdout.write(text.replace("##[", "##\\u005b"))


def out_document(content: dict[str, Any]) -> None:
    """Write a command's document; a number that is not finite, which JSON has no word for, is null."""
    import json

    from cnnspec import __version__

    document = {"version": 1, "cnnspec": __version__, **content}
    out_json(json.dumps(_finite(document), indent=1, allow_nan=False) + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value


def err(text: str) -> None:
    """Write to standard error; what was said on standard output before stands before it."""
    sys.stdout.flush()
    sys.stderr.write(text)
    sys.stderr.flush()
