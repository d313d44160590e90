"""Writes what the commands of docs/run.md, sizes.md, diff.md and the other pages below print into them, and
the figures that they draw.

    python docs/run.py            bring the pages and figures up to date
    python docs/run.py --check    only say whether they are (exit status 1: one is not)

A page is its own source: prose, tables (```csv NAME), specs (```cnn NAME), documents (````markdown NAME) and
the lines with `$` are written by hand, the rest of a ```console block is not. The commands are run in a
folder where these are files. A figure that they write, `-o figures/NAME.svg`, is docs/figures/NAME.svg.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent
FIGURES = FOLDER / "figures"
PAGES = (
    FOLDER / "index.md",
    FOLDER / "first-steps.md",
    FOLDER / "writing-a-homework.md",
    FOLDER / "writing-a-paper.md",
    FOLDER / "run.md",
    FOLDER / "sizes.md",
    FOLDER / "diff.md",
    FOLDER / "table.md",
    FOLDER / "draw.md",
    FOLDER / "documents.md",
    *sorted((FOLDER / "homework").glob("*.md")),
)
TABLE = re.compile(r"^(`{3,})(?:csv|cnn|markdown|latex|json) (\S+)\n(.*?)^\1$", re.M | re.S)
COMMAND = re.compile(r"^```console\n\$ (cnnspec [^\n]*)\n.*?^```$", re.M | re.S)


def printed(command: str, folder: Path) -> str:
    """What a command prints; it may find a mistake (exit status 1)."""
    _, *arguments = shlex.split(command)
    clean = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "FORCE_COLOR")}
    done = subprocess.run(
        [sys.executable, "-m", "cnnspec", *arguments],
        cwd=folder,
        env=clean,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout + done.stderr


def rendered(page: str) -> tuple[str, dict[str, str]]:
    """The page with what its commands print today, and the figures that they write, by name."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "figures").mkdir()
        for _, file, text in TABLE.findall(page):
            (folder / file).write_text(text, "utf-8")
        page = COMMAND.sub(lambda block: f"```console\n$ {block[1]}\n{printed(block[1], folder)}```", page)
        drawn = {path.name: path.read_text("utf-8") for path in (folder / "figures").glob("*.svg")}
    return page, drawn


def main() -> int:
    stale = 0
    for page in PAGES:
        text, figures = rendered(page.read_text("utf-8"))
        for path, now in ((page, text), *((FIGURES / name, drawn) for name, drawn in figures.items())):
            stale |= int(not path.is_file() or path.read_text("utf-8") != now)
            if "--check" not in sys.argv[1:]:
                path.write_text(now, "utf-8")
    return stale if "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())
