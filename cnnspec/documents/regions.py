"""Generated regions: the output of a command, as a document shows it, and the files that it may write.

Text outside of the regions stays byte for byte.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from cnnspec.diagnostics import Diagnostic, Edit
from cnnspec.documents.fence import Region
from cnnspec.documents.included import below
from cnnspec.files import read_bytes

MAX_REGIONS = 100
FIGURES = (".svg", ".pdf", ".png", ".tex", ".mmd", ".dot")
_BEGINNINGS = {
    ".svg": b"<svg", ".pdf": b"%PDF", ".png": b"\x89PNG", ".tex": b"\\begin{tikzpicture}",
    ".mmd": b"flowchart", ".dot": b"digraph",
}  # fmt: skip
"""Matches the head of a generated figure: only a file with it is replaced."""
_HEAD = 4000
MOST_BYTES = 5_000_000
"""The most characters of a region's output, or of a figure."""
_FIGURE = re.compile(r"[A-Za-z0-9_][\w.+-]*(?:/[A-Za-z0-9_][\w.+-]*)*")
_TICKS = re.compile(r"^ *(`{3,})", re.MULTILINE)


class Refused(Exception):
    """The reason why a region cannot be generated, and the help."""

    def __init__(self, message: str, way: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.way = way


def figure_file(folder: str, path: str) -> str:
    """The path of a region's figure: below the folder of the document, a new file or an older figure. Raises
    Refused."""
    ending = os.path.splitext(path)[1].lower()
    if ending not in FIGURES:
        raise Refused(f"{path} is not written: it is not a figure", f"end its name in {', '.join(FIGURES)}")
    if not _FIGURE.fullmatch(path):
        raise Refused(
            f"{path} is not written: a region writes only below the folder of the document",
            "name a file such as figures/lenet.svg, in letters and digits",
        )
    place, why = below(folder, path)
    if why:
        raise Refused(f"{path} is not written: {why}")
    if os.path.lexists(place):
        head = read_bytes(place, MOST_BYTES)
        if isinstance(head, Diagnostic):
            raise Refused(f"{path} is not written: {head.message}")
        if _BEGINNINGS[ending] not in head[:_HEAD]:
            raise Refused(
                f"{path} is not written: a file that is no such figure is there", "use another name"
            )
    return place


def shown(text: str, kind: str, latex: bool) -> str:
    """The output of a command as the body of a region. `kind`: `text` in columns, `page` in the document's
    own language, or the language of a fence."""
    text = text.strip("\r\n")
    if kind == "page":
        begin, end = "\\begin{document}\n", "\n\\end{document}"
        return text.partition(begin)[2].partition(end)[0] if latex and begin in text else text
    if latex:
        if "\\end{verbatim}" in text:
            raise Refused("what it prints contains \\end{verbatim}")
        return f"\\begin{{verbatim}}\n{text}\n\\end{{verbatim}}"
    ticks = max((len(one) for one in _TICKS.findall(text)), default=2)
    fence = "`" * max(3, ticks + 1)
    return f"{fence}{kind}\n{text}\n{fence}"


def reference(path: str, name: str, latex: bool) -> str:
    """The document's reference to a figure in a file."""
    if not latex:
        return f"![{re.sub(r'[^ -~]|[][!]', '', name)}]({path})"
    if path.endswith(".tex"):
        return f"\\input{{{path}}}"
    if path.endswith((".pdf", ".png")):
        return f"\\includegraphics{{{path}}}"
    raise Refused("LaTeX does not show this figure", "write a .tex, .pdf or .png file")


def edit_for(region: Region, body: str, latex: bool) -> Edit:
    """The region with a new body. In Markdown, blank lines are around it, so that every reader parses it as
    separate blocks."""
    lines = [line.rstrip() for line in body.split("\n")]
    closes = re.compile(r"\s*(?:<!--\s*/?cnnspec\b|%\s*/?cnnspec\b)")
    if any(closes.match(line) for line in lines):
        raise Refused("what it prints contains a comment that opens or closes a region")
    if not latex:
        lines = ["", *lines, ""]
    whole = ((region.prefix + line).rstrip(" \t") for line in lines)
    return Edit(region.body, "".join(region.escaped(line) + region.newline for line in whole))


class Made(NamedTuple):
    """The new content of a region, and the file that its command writes, if there is one."""

    body: str
    file: str = ""
    content: bytes = b""
