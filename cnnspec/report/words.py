"""The pages of words and symbols: `field`, `padding`, `=>`, `R`. They are the sections of words.md, each with
its names and a one-line meaning.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path


@cache
def _sections() -> dict[str, tuple[str, str]]:
    """By name: the meaning in one line, and the rest of the page."""
    found: dict[str, tuple[str, str]] = {}
    text = (Path(__file__).with_name("words.md")).read_text("utf-8")
    for names, what, rest in re.findall(r"^# (.*?): (.*)\n((?:(?!# ).*\n)*)", text, re.MULTILINE):
        for name in names.split(", "):
            found[name] = what, rest.strip("\n")
    return found


def words() -> tuple[str, ...]:
    """All words and symbols that have a page."""
    return tuple(_sections())


def meaning(symbol: str) -> str:
    """The meaning of a word or symbol in one line; "" for others."""
    return _sections().get(symbol, ("", ""))[0]


def word_page(word: str) -> str | None:
    """The page of a word or symbol as Markdown; None for others."""
    found = _sections().get(word)
    return None if found is None else f"# {word}: {found[0]}\n" + (f"\n{found[1]}\n" if found[1] else "")
