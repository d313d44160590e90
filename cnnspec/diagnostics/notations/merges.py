"""Branches in other brackets or in none: `add(@a, @b)`, `concat a b`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cnnspec.diagnostics.foreign import layer_word

MERGES = ("add", "mul", "sub", "max", "concat")
_MERGE = re.compile(
    r"([A-Za-z_.]+)(?:\(\))?[ \t]*(?:\([ \t]*\[?(.*?)\]?[ \t]*\)|\{(.*)\}|[ \t]((?:@?\w+(?:[ \t,]+|$))+))",
    re.DOTALL,
)


def merge_in_our_words(text: str) -> str | None:
    """`add(@a, @b)`, `concat a b`, `add { relu | id }`: branches in other brackets, or in none."""
    found = _MERGE.fullmatch(text.strip())
    word = found and layer_word(found[1])
    if found is None or word not in MERGES or (found[4] and word == "max" and "@" not in text):
        return None
    inner = found[2] or found[3] or ", ".join((found[4] or "").replace(",", " ").split())
    branches = [part.strip() for piece in parts_of(inner) for part in piece.split("|") if "=" not in part]
    if not branches or "x" in branches or any("(" in branch for branch in branches):
        return None
    branches = [f"@{part}" if part.isidentifier() and layer_word(part) is None else part for part in branches]
    return f"{word} [ {' | '.join(branches if len(branches) > 1 else [*branches, 'id'])} ]"


def parts_of(text: str, mark: str = ",") -> Iterator[str]:
    """What stands between the commas that are in no bracket."""
    depth = begin = 0
    for place, char in enumerate(f"{text},"):
        depth += (char in "([") - (char in ")]")
        if char == "," and depth <= 0:
            part = text[begin:place].strip()
            begin = place + 1
            if part:
                yield part
