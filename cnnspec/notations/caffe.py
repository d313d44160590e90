"""Lines of Caffe's prototxt."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Span
from cnnspec.notations.translation import Notation, Translation

_PROTO = re.compile(
    r"[ \t]*(?:layers?[ \t]*\{|[a-z_]+[ \t]*\{[ \t]*(?:\w+:|$)"
    r"|[a-z_]+:[ \t]*(?:\"|[A-Z]+[ \t]*$|[0-9.]+[ \t]*$))"
)


def prototxt(line: str, begin: int) -> Translation | None:
    """A line that begins at `begin`."""
    if not _PROTO.match(line):
        return None
    span = Span(begin + len(line) - len(line.lstrip()), begin + len(line.rstrip()))
    return Translation(Notation.CAFFE, span, "", "here a layer is one line: `conv1: conv F5 S1 K20 -> relu`")
