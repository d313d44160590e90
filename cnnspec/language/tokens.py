"""Tokens, which the lexer gives to lark's engine, and facts about their types."""

from __future__ import annotations

from typing import NamedTuple

from cnnspec.diagnostics import Span


class Token(NamedTuple):
    """A piece of the text. lark's engine asks for the type, the builder for the rest."""

    type: str
    text: str
    start: int
    end: int

    @property
    def span(self) -> Span:
        return Span(self.start, self.end)


END = "$END"
UNKNOWN = "?"
"""The type of a character with which no token begins."""
OPENS = {"LPAR": "(", "CALL": "(", "LSQB": "[", "LBRACE": "{"}
CLOSES = {"RPAR": "(", "TIMES_DIM": "(", "RSQB": "[", "RBRACE": "{"}
STATEMENTS = frozenset(("MODEL", "INPUT", "VARIANT", "DEFAULT", "BLOCK", "SHARED", "OUTPUT", "EXPECT"))
"""Words that begin a statement, which is outside of brackets."""
WORDS = STATEMENTS | {"LET", "IF", "ELSE", "AND", "OR", "NOT"}
"""Words that cannot be names."""
LETTERS = frozenset("FSPKGD")
"""Of hyperparameters."""
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
"""Arrows that the lexer reads as `->` or `=>`: one character for two."""
