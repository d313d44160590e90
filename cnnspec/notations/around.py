"""Parts of a text, found without parsing it: the step around a place, brackets, what commas separate."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cnnspec.diagnostics import Span, line_start

LONGEST = 500
"""The most characters of a line that are searched."""


def step_around(text: str, begin: int, at: int) -> Span | None:
    """The step around a place of a line that begins at `begin`; None where that is a claim or a statement."""
    start, depth, place = begin, 0, begin
    while place < min(len(text), begin + LONGEST):
        char = text[place]
        if depth == 0 and place >= at and (char in "|]}#\r\n" or text[place : place + 2] in ("->", "=>")):
            break
        opens = char == "(" or depth or (place >= at if char == "{" else text[place - 1 : place] == "=")
        if char in "([{" and opens:
            depth += 1
        elif char in ")]}" and depth:
            depth -= 1
        elif depth == 0 and place < at and (char in "|[{:" or text[place : place + 2] in ("->", "=>")):
            start = place + (2 if char in "-=" else 1)
        place += 1
    while start < place and text[start] in " \t\r\n":
        start += 1
    end = start + len(text[start:place].rstrip())
    if text[:start].rstrip().endswith("=>") or end <= at - 1:
        return None
    return Span(start, end)


def before_arrow(text: str, start: int) -> int:
    """Where the step before `-> 64` begins, that is `conv 3 -> 64`."""
    line = line_start(text, start)
    before = text[line:start].rstrip(" \t>→-")
    head = re.search(r"(?:.*(?:->|→|[→|\[:{]))?[ \t]*", before)
    return line + (head.end() if head else 0)


def closed(text: str, opened: int) -> int | None:
    """The place after the bracket that closes the one at `opened`."""
    depth = 0
    for place in range(opened, len(text)):
        depth += (text[place] in "([{") - (text[place] in ")]}")
        if depth == 0:
            return place + 1
    return None


def parts_of(text: str) -> Iterator[str]:
    """The text between the commas that are in no bracket."""
    depth = begin = 0
    for place, char in enumerate(f"{text},"):
        depth += (char in "([") - (char in ")]")
        if char == "," and depth <= 0:
            part = text[begin:place].strip()
            begin = place + 1
            if part:
                yield part
