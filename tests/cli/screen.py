"""A pseudo-terminal of a given width, and what is on it after a command."""

import os
import re
import struct
import sys
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

STYLE = re.compile(r"\x1b\[[0-9;]*m")
TAKEN_BACK = re.compile(r"\r[^\r\n]*\x1b\[K")
"""A line of progress, which the next one or nothing takes the place of."""


@contextmanager
def terminal(columns: int) -> Iterator[tuple[int, list[bytes]]]:
    """The side of the terminal that a program writes to, and what was written once the `with` is over."""
    import fcntl  # on Windows there are none of these, and no such tests
    import pty
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    read: list[bytes] = []

    def listen() -> None:
        while True:
            try:
                data = os.read(ours, 1 << 16)
            except OSError:  # the other side is closed
                return
            if not data:
                return
            read.append(data)

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        yield theirs, read
    finally:
        os.close(theirs)
        listener.join()
        os.close(ours)


def execute(columns: int, arguments: tuple[str, ...], encoding: str = "utf-8") -> tuple[int, str]:
    """Run a command line in this process with a terminal for both its streams; status and what it wrote."""
    from cnnspec import cli

    before = sys.stdout, sys.stderr
    with terminal(columns) as (theirs, read):
        stream = os.fdopen(os.dup(theirs), "w", encoding=encoding)
        sys.stdout = sys.stderr = stream
        try:
            status = cli.execute(list(arguments))
        finally:
            sys.stdout, sys.stderr = before
            stream.close()
    return status, b"".join(read).decode(encoding).replace("\r\n", "\n")


def shown(text: str) -> list[str]:
    """The lines that stay on the screen, without their colours."""
    return STYLE.sub("", TAKEN_BACK.sub("", text)).split("\n")


def width(line: str) -> int:
    """How many columns a line takes, counted apart from the code that is tested."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line)
