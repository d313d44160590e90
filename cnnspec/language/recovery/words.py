"""Words of the language: layers, also those of other tools; statements. And brackets."""

from __future__ import annotations

import re

from cnnspec.diagnostics.suggest import fold
from cnnspec.notations.words import LAYERS

STATEMENT = re.compile(r"(?:model|input|variant|default|block|shared|output|expect)(?![A-Za-z0-9_:])")
TIMES_BEHIND = re.compile(
    r"(?P<mark>[ \t]*(?:(?:x|\*|\*\*|\^|times)[ \t]*)?([0-9]+)(?:[ \t]*(?:times\b|x))?)(?![A-Za-z0-9_.])"
)
"""Matches the text after a group where `*3` is meant: `x3`, `^3`, `3 times`."""
STATEMENT_WORDS = (*STATEMENT.pattern[3 : STATEMENT.pattern.index(")")].split("|"), "let")


def is_layer(name: str) -> bool:
    """Whether a word is certainly a layer, of this language or of another tool."""
    return name in LAYERS.values() or fold(name) in LAYERS


def closing(text: str, place: int) -> int | None:
    """The place after the bracket that closes the one at a place; None without one."""
    opens, depth = text[place : place + 1], 0
    closes = {"[": "]", "{": "}", "(": ")"}.get(opens)
    if closes is None:  # the bracket was read, but is not in the text
        return None
    for at in range(place, min(len(text), place + 2000)):
        depth += (text[at] == opens) - (text[at] == closes)
        if depth == 0:
            return at + 1
    return None


def shortened(written: str, otherwise: str) -> str:
    """A text for use in a help: the text itself if it is short and on one line, else `otherwise`."""
    return written if len(written) <= 60 and "\n" not in written and "\r" not in written else otherwise
