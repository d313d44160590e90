"""The parser's tables, read once from tables.json (see compile_grammar.py)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

ARROWS = {
    "→": "->",
    "⟶": "->",
    "➔": "->",
    "➜": "->",
    "➞": "->",
    "⇒": "=>",
    "⟹": "=>",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
}
"""Read by the lexer as what they mean: one character for two."""

Match = Callable[[str, int], "re.Match[str] | None"]


class Tables(NamedTuple):
    rows: list[dict[str, int]]
    goto: list[dict[str, int]]
    rules: list[tuple[str, int, str | None]]
    starts: dict[str, tuple[int, int]]
    match: Match
    """Tries the tokens that stand everywhere; passes over spaces before them."""
    names: list[str]
    """The terminal of each of the match's groups: its `lastindex` is the index."""
    literals: dict[str, str]
    keywords: dict[str, str]
    contextual: dict[int, tuple[Match, str]]
    """For the states that take a token of one context: how to find it, and its name."""
    entered_by: list[str]
    """The symbol by which each state is reached."""


@cache
def load() -> Tables:
    import json

    with open(__file__.removesuffix("tables.py") + "tables.json", encoding="utf-8") as file:
        data: dict[str, Any] = json.load(file)
    # pasted arrows are read as the plain ones (they have had their finding)
    known = {"->": "ARROW", "=>": "CLAIMS"}
    data["literals"].update({char: known.get(plain, "COMPARE") for char, plain in ARROWS.items()})
    literals = sorted(data["literals"], key=len, reverse=True)
    # The first three groups are no tokens of the grammar: what ends a line, a comment, and the literals.
    names = ["", "_NL", "COMMENT", *(name for name, _ in data["tokens"]), "LITERAL"]
    patterns = [
        r"[\r\n]",
        "#",
        *(pattern for _, pattern in data["tokens"]),
        "|".join(map(re.escape, literals)),
    ]
    contextual: dict[int, tuple[Match, str]] = {}
    for name, pattern in data["contextual"]:
        match = re.compile(rf"[ \t]*({pattern})").match
        for state, row in enumerate(data["rows"]):
            if name in row:
                contextual[state] = (match, name)
    return Tables(
        data["rows"],
        data["goto"],
        data["rules"],
        data["starts"],
        re.compile("[ \t]*(?:" + "|".join(f"({pattern})" for pattern in patterns) + ")").match,
        names,
        data["literals"],
        data["keywords"],
        contextual,
        data["entered_by"],
    )
