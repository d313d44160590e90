"""Writes what the commands of docs/run.md print into it.

    python docs/run.py            bring the page up to date
    python docs/run.py --check    only say whether it is (exit status 1: it is not)

The page is its own source: prose, tables (```csv NAME) and the lines with `$` are written by hand, the rest
of a ```console block is not. The commands are run in a folder where the tables are files.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

PAGE = Path(__file__).with_name("run.md")
TABLE = re.compile(r"^```csv (\S+)\n(.*?)^```$", re.M | re.S)
COMMAND = re.compile(r"^```console\n\$ (cnnspec [^\n]*)\n.*?^```$", re.M | re.S)


def printed(command: str, folder: Path) -> str:
    """What a command prints on standard output."""
    _, *arguments = shlex.split(command)
    clean = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "FORCE_COLOR")}
    done = subprocess.run(
        [sys.executable, "-m", "cnnspec", *arguments],
        cwd=folder,
        env=clean,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def rendered(page: str) -> str:
    """The page with what its commands print today."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in TABLE.findall(page):
            (Path(folder) / name).write_text(text, "utf-8")
        return COMMAND.sub(
            lambda block: f"```console\n$ {block[1]}\n{printed(block[1], Path(folder))}```", page
        )


def main() -> int:
    before = PAGE.read_text("utf-8")
    after = rendered(before)
    if "--check" in sys.argv[1:]:
        return int(before != after)
    PAGE.write_text(after, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
