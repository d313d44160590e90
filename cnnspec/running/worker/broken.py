"""What a user is told of a program that did not end well: the error, and the line of the program."""

from __future__ import annotations

import os
import traceback

PROGRAMS = {"program_numpy.py": "the NumPy program", "program_torch.py": "the torch program"}
MOST = 500
"""Characters of an error, which may hold whole arrays."""


def said(error: Exception, folder: str) -> dict[str, object]:
    """`why` it failed in a line, `where` in an emitted program, innermost first; whether it was `memory`."""
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):  # torch's is a RuntimeError
        return {"why": " ".join(str(error).split())[:MOST], "where": [], "memory": True}
    why = " ".join(f"{type(error).__name__}: {error}".split())[:MOST]
    where = [
        f"{PROGRAMS[frame.filename]}, line {frame.lineno}, in {frame.name}: {_line(folder, frame)}"
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename in PROGRAMS
    ]
    return {"why": why, "where": where[::-1], "memory": False}


def _line(folder: str, frame: traceback.FrameSummary) -> str:
    with open(os.path.join(folder, frame.filename), encoding="utf-8") as file:
        lines = file.read().split("\n")
    return lines[(frame.lineno or 1) - 1].strip()
