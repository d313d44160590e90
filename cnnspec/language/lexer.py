"""Text → tokens, one at a time, as lark's engine requests them; line breaks that end a step; comments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cnnspec.diagnostics import Span, line_start
from cnnspec.language import tables, tree
from cnnspec.language.tokens import CLOSES, END, OPENS, UNKNOWN, Token

_GAP = re.compile(r"[ \t\r\n]*(?:#[^\r\n]*[ \t\r\n]*)*")
_COMMENT = re.compile(r"#[^\r\n]*")
_PERCENT = re.compile(r"(?<![\w.])[0-9]+(?:\.[0-9]+)?[ \t]*%\Z")
"""Matches `dropout 50%` at the end of a line,"""
_DIVISOR = re.compile(
    r"[0-9(]|(?:min|max|round|floor|ceil|multiple)\(|([A-Za-z]\w*)(?=[ \t]*(?:[-+*/%)\],|#\r\n]|=>|$))"
)
"""and the beginning of a next line that would be the divisor."""
JOINS_NEXT = re.compile(r"->|=>|[|\])}{→⇒]|else(?![A-Za-z0-9_])")
"""Before these a line break does not end a step. (`}` needs none: the grammar knows where a body ends.)"""
_JOINED = frozenset(
    re.findall(
        r"\w+",
        "_NL ARROW CLAIMS VBAR LSQB LBRACE COMMA EQUAL LABEL PLUS MINUS STAR DIVIDE POWER COMPARE COLON "
        "AND OR NOT IF ELSE",
    )
)
"""After these a line break does not end a step."""
GAPS = frozenset(("_NL", "COMMENT"))


class Bracket(NamedTuple):
    kind: str
    span: Span
    height: int
    """The height of the parser's stack when it opened: everything above belongs to the bracket."""


class Lexer:
    """One run over one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tables = known = tables.load()
        self.match, self.names, self.contextual = known.match, known.names, known.contextual
        self.literals, self.keywords = known.literals, known.keywords
        self.comments: list[tree.Comment] = []
        self.brackets: list[Bracket] = []
        self.pos = 0
        self.last = "_NL"
        """The type of the last token that was taken."""

    def tokens(self, states: Sequence[int]) -> Iterator[Token]:
        """Yields the token at `pos` until the parser has taken it and moved on."""
        while True:
            token = self.scan(self.text, self.pos, states[-1])
            if token.type in GAPS:
                kind, begin, end = self.gap(self.pos)
                if not kind:
                    continue
                token = Token(kind, self.text[begin:end], begin, end)
            yield token

    def scan(self, text: str, pos: int, state: int = -1) -> Token:
        """The token at a place: one that is specific to the parser's state, else one that is allowed
        everywhere."""
        special = self.contextual.get(state)
        match = re.compile(special[0]).match(text, pos) if special else None
        if match is not None and special is not None:
            group = match.lastindex or 1
            begin, end = match.span(group)
            return Token(special[1][group - 1], text[begin:end], begin, end)
        match = self.match(text, pos)
        if match is None:
            while pos < len(text) and text[pos] in " \t":
                pos += 1
            return Token(UNKNOWN, text[pos], pos, pos + 1) if pos < len(text) else Token(END, "", pos, pos)
        group = match.lastindex or 0
        begin, end = match.span(group)
        kind, word = self.names[group], text[begin:end]
        if kind == "LITERAL":
            kind = self.literals[word]
        elif kind == "NAME":
            kind = self.keywords.get(word, kind)
        return Token(kind, word, begin, end)

    def took(self, token: Token, height: int) -> None:
        """Updates the lexer's state for a token that the parser has taken onto a stack of that height."""
        kind = self.last = token.type
        if kind in OPENS:
            self.brackets.append(Bracket(OPENS[kind], Span(token.end - 1, token.end), height))
        elif kind in CLOSES:
            self.brackets.pop()

    def gap(self, pos: int) -> tuple[str, int, int]:
        """Skips line breaks and comments from `pos`; returns the type and the place of the token that they
        form, an empty type for none.
        """
        text = self.text
        match = _GAP.match(text, pos)
        assert match is not None
        end = match.end()
        stretch = match.group()
        if "#" in stretch:
            begin = line_start(text, pos)
            own_line = not text[begin:pos].strip(" \t")
            for comment in _COMMENT.finditer(text, pos, end):
                if not own_line:
                    before = text[pos : comment.start()]
                    own_line = "\n" in before or "\r" in before
                self.comments.append(tree.Comment(comment.group().rstrip(), own_line, Span(*comment.span())))
                own_line = True  # everything further in this gap comes after a line break
        if "\n" not in stretch and "\r" not in stretch:
            self.pos = end
            return "", end, end
        inside = self.brackets[-1].kind if self.brackets else ""
        last = self.last
        if last == "MATRIX_NUMBER" and inside != "(" and text[end : end + 1] not in ("]", "|", ";", ""):
            return "SEMICOLON", pos, end
        joined = last in _JOINED and not (last == "DIVIDE" and self.is_percentage(pos, end))
        if inside == "(" or joined or last in ("MATRIX_NUMBER", "SEMICOLON") or JOINS_NEXT.match(text, end):
            self.pos = end
            return "", end, end
        return "_NL", pos, end

    def is_percentage(self, pos: int, following: int) -> bool:
        """Whether the `%` before `pos` is a percentage: the line that begins at `following` has no
        divisor."""
        if not _PERCENT.search(self.text, max(0, pos - 40), pos):
            return False
        divisor = _DIVISOR.match(self.text, following)
        if divisor is None or divisor[1] is None:
            return divisor is None
        from cnnspec.language.recovery.words import is_layer

        return divisor[1] in self.tables.keywords or is_layer(divisor[1])

    def forget_comments(self, begin: int) -> None:
        """Drops the comments from `begin` on: they will be read again."""
        while self.comments and self.comments[-1].span.start >= begin:
            self.comments.pop()
