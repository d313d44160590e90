"""What a command prints, run in this process."""

from __future__ import annotations

import io
import os
import tempfile
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

from cnnspec import cli


def printed(*arguments: str, status: int | None = 0, files: dict[str, str] | None = None) -> str:
    """Its output and what it reported, in a folder with these files."""
    out = io.StringIO()
    os.environ.pop("COLUMNS", None)
    with tempfile.TemporaryDirectory() as folder, chdir(folder), redirect_stdout(out), redirect_stderr(out):
        for name, text in (files or {}).items():
            Path(name).write_text(text, "utf-8")
        ended = cli.execute(list(arguments))
    if status is not None and ended != status:
        raise ValueError(f"cnnspec {' '.join(arguments)}: exit status {ended}\n{out.getvalue()}")
    return out.getvalue()
