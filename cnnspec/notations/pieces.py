"""Where brackets close, and what stands between commas."""

from __future__ import annotations

from collections.abc import Iterator


def closed(text: str, opened: int) -> int | None:
    """The place behind the bracket that closes the one at `opened`."""
    depth = 0
    for place in range(opened, len(text)):
        depth += (text[place] in "([{") - (text[place] in ")]}")
        if depth == 0:
            return place + 1
    return None


def parts_of(text: str) -> Iterator[str]:
    """What stands between the commas that are in no bracket."""
    depth = begin = 0
    for place, char in enumerate(f"{text},"):
        depth += (char in "([") - (char in ")]")
        if char == "," and depth <= 0:
            part = text[begin:place].strip()
            begin = place + 1
            if part:
                yield part
