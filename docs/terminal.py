"""Writes docs/terminal/NAME.svg: what a terminal of 80 columns shows of the commands of docs/terminal.md.

    python docs/terminal.py            bring the recordings up to date (`verify` needs torch)
    python docs/terminal.py --check    only say whether they are (exit status 1: one is not)

Each command writes to a pseudo-terminal, in colours, as for a reader who sits before it; Rich draws what
the terminal received.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import tempfile
import termios
from importlib.util import find_spec
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

FOLDER = Path(__file__).parent
PAGE, RECORDINGS = FOLDER / "terminal.md", FOLDER / "terminal"
COLUMNS, LINES = 80, 45
SPEC = re.compile(r"^```cnn (\S+)\n(.*?)^```$", re.M | re.S)
RECORDED = re.compile(r"^!\[\$ (cnnspec [^\]]+)\]\(terminal/(\S+)\.svg\)$", re.M)
PROGRESS = re.compile(r"\r[^\r\n]*\x1b\[K")
"""A line that the next one takes the place of."""
FORMAT = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
    <style>
    .{unique_id}-matrix {{
        font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
        font-size: {char_height}px; line-height: {line_height}px;
    }}
    {styles}
    </style>
    <defs>
    <clipPath id="{unique_id}-clip-terminal">
      <rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
    </clipPath>
    {lines}
    </defs>
    {chrome}
    <g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
    {backgrounds}
    <g class="{unique_id}-matrix">
    {matrix}
    </g>
    </g>
</svg>
"""
"""Rich's own, without fonts from elsewhere."""


def received(command: str, folder: Path) -> str:
    """What a terminal receives from a command; it may find a mistake (exit status 1)."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    unwanted = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")
    clean = {key: value for key, value in os.environ.items() if key not in unwanted} | {
        "TERM": "xterm-256color"
    }
    line = [sys.executable, "-m", "cnnspec", *shlex.split(command)[1:]]
    child = subprocess.Popen(line, cwd=folder, env=clean, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    parts: list[bytes] = []
    try:
        while data := os.read(ours, 1 << 16):
            parts.append(data)
    except OSError:  # the child has closed its side
        pass
    os.close(ours)
    assert child.wait() in (0, 1), command
    return PROGRESS.sub("", b"".join(parts).decode().replace("\r\n", "\n"))


def drawn(command: str, text: str, name: str) -> str:
    """The terminal with a command and the first lines that it received."""
    lines = text.rstrip("\n").split("\n")
    more = len(lines) - LINES
    lines = [*lines[:LINES], f"… ({more} more lines)"] if more > 1 else lines
    console = Console(
        record=True, width=COLUMNS, file=StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(Text.from_ansi(f"$ {command}\n" + "\n".join(lines)), soft_wrap=True)
    return console.export_svg(title=f"{COLUMNS} columns", code_format=FORMAT, unique_id=name)


def recordings(*, torch: bool) -> dict[Path, str]:
    """The recordings of the page, by their files; with `torch`, those of commands that need it, too."""
    page, found = PAGE.read_text("utf-8"), dict[Path, str]()
    with tempfile.TemporaryDirectory() as name:
        for file, text in SPEC.findall(page):
            (Path(name) / file).write_text(text, "utf-8")
        for command, recording in RECORDED.findall(page):
            if torch or " verify " not in command:
                found[RECORDINGS / f"{recording}.svg"] = drawn(
                    command, received(command, Path(name)), recording
                )
    return found


def main() -> int:
    stale = 0
    for path, now in recordings(torch=find_spec("torch") is not None).items():
        stale |= int(not path.is_file() or path.read_text("utf-8") != now)
        if "--check" not in sys.argv[1:]:
            path.parent.mkdir(exist_ok=True)
            path.write_text(now, "utf-8")
    return stale if "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())
