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
    sections: dict[str, tuple[str, str]] = {}
    text = (Path(__file__).with_name("words.md")).read_text("utf-8")
    for names, explanation, rest in re.findall(r"^# (.*?): (.*)\n((?:(?!# ).*\n)*)", text, re.MULTILINE):
        for name in names.split(", "):
            sections[name] = explanation, rest.strip("\n")
    return sections


def words() -> tuple[str, ...]:
    """All words and symbols that have a page."""
    return tuple(_sections())


def meaning(symbol: str) -> str:
    """The meaning of a word or symbol in one line; "" for others."""
    return _sections().get(symbol, ("", ""))[0]


def word_page(word: str) -> str | None:
    """The page of a word or symbol as Markdown; None for others."""
    section = _sections().get(word)
    return (
        None if section is None else f"# {word}: {section[0]}\n" + (f"\n{section[1]}\n" if section[1] else "")
    )
