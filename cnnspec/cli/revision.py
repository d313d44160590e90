"""A spec as it was in a git revision: `HEAD~1:model.cnn`.

`git cat-file blob` prints the file as it is stored. It runs no filter, no hook and no text conversion,
whatever the repository's attributes name.
"""

from __future__ import annotations

import re

from cnnspec.diagnostics import Diagnostic, Source
from cnnspec.files import NOWHERE, decoded, within

SECONDS = 20
_REVISION = re.compile(r"[\w./@~^{}][\w./@~^{}-]*")


def read_revision(argument: str, limit: int) -> tuple[Source, Diagnostic | None]:
    """The spec at `REVISION:PATH`; a path is below the current folder, as a file's is."""
    import subprocess

    revision, _, path = argument.partition(":")
    if not _REVISION.fullmatch(revision) or not path:
        return _unreadable(argument, f"{revision!r} is not a git revision")
    command = ["git", "cat-file", "blob", f"{revision}:{path if path.startswith('/') else './' + path}"]
    try:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as git:
            assert git.stdout is not None
            assert git.stderr is not None
            data = git.stdout.read(limit + 1)
            git.stdout.close()
            message = git.stderr.read(4096).decode("utf-8", "replace").strip()
            status = git.wait(SECONDS)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return _unreadable(argument, f"git cannot be run: {error}")
    if len(data) <= limit and status:
        return _unreadable(argument, "git: " + message.partition("\n")[0].removeprefix("fatal: "))
    held = within(data, limit)
    return (Source(argument, ""), held) if isinstance(held, Diagnostic) else decoded(argument, held)


def _unreadable(name: str, message: str) -> tuple[Source, Diagnostic]:
    return Source(name, ""), Diagnostic("E701", message, NOWHERE)
