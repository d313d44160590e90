"""Makes the figures of docs/draw.md, docs/figures/*.svg, with the commands that are shown there.

python docs/draw.py            bring the figures up to date
python docs/draw.py --check    only say whether they are (exit status 1: one is not)
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
COMMAND = re.compile(r"^cnnspec (draw .* -o (figures/\w+\.svg))$", re.M)


def figures() -> Iterator[tuple[Path, str]]:
    """The files, and what they are to hold."""
    for arguments, name in COMMAND.findall((FOLDER / "draw.md").read_text("utf-8")):
        command = [
            sys.executable,
            "-m",
            "cnnspec",
            *shlex.split(arguments.replace(f"-o {name}", "--format svg")),
        ]
        done = subprocess.run(command, capture_output=True, check=True)
        yield FOLDER / name, done.stdout.decode("utf-8")


def main() -> int:
    stale = 0
    for path, text in figures():
        if not path.is_file() or path.read_text("utf-8") != text:
            stale = 1
            if "--check" not in sys.argv[1:]:
                path.write_text(text, "utf-8")
    return stale if "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())
