"""Files that a document names: regular files below its folder, and no others."""

from __future__ import annotations

import os
import stat

from cnnspec.diagnostics import Diagnostic
from cnnspec.documents.fence import Named

MAX_FILES = 50


def below(folder: str, path: str) -> tuple[str, str]:
    """The path of a file that a document names, and the reason why it must not be read or written ("" if it
    may be).

    No path leads out of the folder: not upwards, not from the root, and not by a link.
    """
    parts = path.replace("\\", "/").split("/")
    if "\0" in path or path.startswith("~") or os.path.isabs(path) or parts[0] == "" or ":" in parts[0]:
        return path, "it is not below the folder of the document"
    if ".." in parts:
        return path, "it is not below the folder of the document"
    path_ = folder
    for part in parts:
        path_ = os.path.join(path_, part) if part not in ("", ".") else path_
        if os.path.islink(path_):
            return path_, "it is reached by a symbolic link"
    return path_, ""


def spec_file(folder: str, named: Named) -> str | Diagnostic:
    """A `.cnn` file that a document includes, or E905 with the reason why it is not read."""
    path, why = below(folder, named.path)
    if not why:
        try:
            mode = os.lstat(path).st_mode
            why = "" if stat.S_ISREG(mode) else "it is not a regular file"
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
    if not why:
        return path
    way = "name a .cnn file in the folder of the document, or below it"
    return Diagnostic("E905", f"this file is not read: {why}", named.span, help=way)


def document_file(folder: str, named: Named) -> str | None:
    """A document that another one includes, if it may be read; other files are skipped."""
    path, why = below(folder, named.path)
    try:
        return path if not why and stat.S_ISREG(os.lstat(path).st_mode) else None
    except (OSError, ValueError):
        return None
