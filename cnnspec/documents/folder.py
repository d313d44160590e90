"""The documents below a folder that contain specs or generated regions. Others are skipped: a folder may
contain any Markdown."""

from __future__ import annotations

import os
import re

from cnnspec.diagnostics import Diagnostic
from cnnspec.documents.read import most_bytes, open_document
from cnnspec.files import DOCUMENTS, files_below, read_bytes

_SIGN = re.compile(
    rb"(?:`{3}|~{3}|:{3})[ \t]*\{?[^\r\n`]{0,20}\bcnn\b|\\begin\{cnn\}|%%cnn|[{=, ]cnn[]},]|cnnspec:"
)
"""Matches a document with specs, also if it is too large or too broken to be read."""


def documents_below(folder: str) -> list[str]:
    """Their paths, without those that another of them includes."""
    paths: list[str] = []
    included: set[str] = set()
    for path in files_below(folder, tuple(DOCUMENTS)):
        data = read_bytes(path, most_bytes(path))
        if isinstance(data, Diagnostic):
            continue
        if not path.lower().endswith((".tex", ".ltx")) and b"cnn" not in data:
            continue
        parts = open_document(path).parts
        included |= {os.path.normpath(part.document.source.name) for part in parts[1:]}
        contains = any(part.document.fences or part.document.regions or part.files for part in parts)
        if contains or (parts[0].findings and _SIGN.search(data)):
            paths.append(path)
    return [path for path in paths if os.path.normpath(path) not in included]
