"""The command line: one file per command. The only place that knows a terminal.

Exit status: 0: no errors (lints allowed); 1: the spec has errors or a claim does not hold (`--strict`: or a
lint); 2: wrong usage, or a file cannot be read or written; 70: an internal error (a bug in cnnspec);
130: Ctrl-C.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import click

OK, FOUND, USAGE, INTERNAL, INTERRUPTED, TERMINATED = 0, 1, 2, 70, 130, 143


def main() -> NoReturn:
    """The entry point of `cnnspec`: run the command, then leave with its status."""
    try:
        import signal

        # SIGTERM cleans up as Ctrl-C does
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(TERMINATED))
        gc.disable()  # a run is short; memory is freed when the process ends
        # cnnspec uses no plugins of pydantic, and searching the installed packages for them takes time
        os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
        status = execute(sys.argv[1:])
    except KeyboardInterrupt:
        status = INTERRUPTED
    _leave(status)


def execute(arguments: list[str]) -> int:
    """Run one command line and give its exit status."""
    import click

    from cnnspec.cli.root import root

    try:
        _open_streams()
        output = sys.stdout
        if "_CNNSPEC_COMPLETE" in os.environ:
            from cnnspec.cli import completion  # noqa: F401  (click then has its classes)
        status = root.main(arguments, prog_name="cnnspec", standalone_mode=False)
    except click.ClickException as error:
        _show(error)
        return error.exit_code
    except click.Abort:
        return INTERRUPTED
    except OSError as error:  # on standard output or standard error; errors on files are findings
        return _unwritable(error)
    except SystemExit:
        if sys.stdout is not output:  # click replaces a pipe that has been closed
            return USAGE
        raise
    except MemoryError:
        print("cnnspec: out of memory", file=sys.stderr)  # noqa: T201
        return INTERNAL
    except Exception as error:
        if os.environ.get("CNNSPEC_DEBUG"):
            raise
        what = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        text = what.encode("ascii", "backslashreplace").decode()
        line = f"cnnspec: internal error, please report it ({text}); CNNSPEC_DEBUG=1 shows where"
        print("".join(char if char.isprintable() else "?" for char in line), file=sys.stderr)  # noqa: T201
        return INTERNAL
    return status if isinstance(status, int) else OK


def _open_streams() -> None:
    """Replace a closed stream (`>&-`) by one that cannot be written, so that no file gets its number; escape
    characters that the encoding of a stream does not have.
    """
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDONLY), number)
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8"))
        stream = getattr(sys, name)
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _unwritable(error: OSError) -> int:
    """Report that the output cannot be written; a closed pipe or stream is not reported."""
    import contextlib
    import errno

    if error.errno not in (errno.EPIPE, errno.EBADF):
        with contextlib.suppress(OSError):
            print(f"cnnspec: the output cannot be written: {error.strerror}", file=sys.stderr)  # noqa: T201
    return USAGE


def _show(error: click.ClickException) -> None:
    """Report wrong usage of a command; its arguments are escaped like names in a finding."""
    import io

    from cnnspec.cli.misused import with_what_was_meant
    from cnnspec.diagnostics.printable import printable

    text = io.StringIO()
    with_what_was_meant(error).show(text)
    lines = text.getvalue().removesuffix("\n").split("\n")
    sys.stdout.flush()
    sys.stderr.write("".join(f"{printable(line)}\n" for line in lines))


def _leave(status: int) -> NoReturn:
    """Exit at once: a regular shutdown of the interpreter takes a tenth of the time of a `check`."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError as error:  # a full disk, or a closed pipe
        status = _unwritable(error)
    os._exit(status)
