"""lark's LALR(1) engine on the tables of grammar/cnn.lark, which asks for the text token by token."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from lark.exceptions import UnexpectedToken
from lark.parsers.lalr_analysis import Shift

from cnnspec.diagnostics import Sink, Source, Span, line_start
from cnnspec.language import tables, tree
from cnnspec.language.builder import Context
from cnnspec.language.tokens import CLOSES, END, OPENS, UNKNOWN, Token

MAX_NESTING = 64
"""Brackets of any kind, one inside the other."""

_GAP = re.compile(r"[ \t\r\n]*(?:#[^\r\n]*[ \t\r\n]*)*")
_PERCENT = re.compile(r"(?<![\w.])[0-9]+(?:\.[0-9]+)?[ \t]*%\Z")
"""`dropout 50%` at the end of a line,"""
_DIVISOR = re.compile(
    r"[0-9(]|(?:min|max|round|floor|ceil|multiple)\(|([A-Za-z]\w*)(?=[ \t]*(?:[-+*/%)\],|#\r\n]|=>|$))"
)
"""and what a next line begins with that is what it divides by."""
_COMMENT = re.compile(r"#[^\r\n]*")
JOINS_NEXT = re.compile(r"->|=>|[|\])}{→⇒]|else(?![A-Za-z0-9_])")
"""Before these a new line is no step. (`}` needs none: the grammar knows where a body ends.)"""
_JOINED = frozenset(
    (
        "_NL",
        "ARROW",
        "CLAIMS",
        "VBAR",
        "LSQB",
        "LBRACE",
        "COMMA",
        "EQUAL",
        "LABEL",
        "PLUS",
        "MINUS",
        "STAR",
        "DIVIDE",
        "COMPARE",
        "COLON",
        "AND",
        "OR",
        "NOT",
        "IF",
        "ELSE",
    )
)
"""Behind these a new line is no step."""


class Bracket(NamedTuple):
    kind: str
    span: Span
    height: int
    """The parser's stack when it opened: what stands above belongs into the bracket."""


class Automaton:
    """One run over one text."""

    def __init__(self, text: str, source: Source, sink: Sink) -> None:
        self.text = text
        self.source = source
        self.sink = sink
        self.tables = tables.load()
        self.context = Context(text, sink)
        self.comments: list[tree.Comment] = []
        self.brackets: list[Bracket] = []
        self.states: list[int] = []
        self.values: list[Any] = []
        self.parser: Any = None
        self.pos = 0
        self.last = "_NL"
        self.recovers = True
        self.failed_at = -1
        self.failures = 0

    # --- lark's engine ------------------------------------------------------------------------------

    def run(self, start: str) -> Any:
        """The value of the start rule, or None where `recovers` is off and the text is wrong."""
        self.parser = self.tables.parser(start, self.context)
        self.states, self.values = self.parser.parser_state.state_stack, self.parser.parser_state.value_stack
        feed, brackets, recovered = self.parser.feed_token, self.brackets, True
        for token in self.tokens():
            kind = token.type
            if kind in OPENS and len(brackets) >= MAX_NESTING and self.accepts(kind):
                recovered = self.mistake(token, deep=True)
            else:
                try:
                    value = feed(token)
                except UnexpectedToken:
                    recovered = self.mistake(token)
                else:
                    if kind == END:
                        return value
                    self.took(token)
                    self.pos = token.end
            if not recovered:
                break
        if not self.recovers:
            return None
        return self.values[0] if self.values and self.tables.entered_by[self.states[1]] == "file" else []

    def tokens(self) -> Iterator[Token]:
        """The token at `self.pos`, again and again: of this context, else one that stands everywhere."""
        tables, text, states = self.tables, self.text, self.states
        match, names, contextual = tables.match, tables.names, tables.contextual
        literals, keywords = tables.literals, tables.keywords
        while True:
            pos = self.pos
            special = contextual.get(states[-1])
            found = special[0](text, pos) if special else None
            if found is not None and special is not None:
                begin, end = found.span(1)
                yield Token(special[1], text[begin:end], begin, end)
                continue
            found = match(text, pos)
            if found is None:
                yield self.no_token(pos)
                continue
            group = found.lastindex or 0
            begin, end = found.span(group)
            kind = names[group]
            if kind == "LITERAL":
                kind = literals[text[begin:end]]
            elif kind == "NAME":
                kind = keywords.get(text[begin:end], kind)
            elif group < 3:
                kind, begin, end = self.gap(pos)
                if not kind:
                    continue
            yield Token(kind, text[begin:end], begin, end)

    def took(self, token: Token) -> None:
        """What is to be known of a token that lark has shifted."""
        kind = self.last = token.type
        if kind in OPENS:
            self.brackets.append(Bracket(OPENS[kind], Span(token.end - 1, token.end), len(self.states) - 1))
        elif kind in CLOSES:
            self.brackets.pop()

    def gap(self, pos: int) -> tuple[str, int, int]:
        """Passes over new lines and comments from `pos`: the token that they amount to, or ("".

        …) for none.
        """
        text = self.text
        found = _GAP.match(text, pos)
        assert found is not None
        end = found.end()
        stretch = found.group()
        if "#" in stretch:
            begin = line_start(text, pos)
            own_line = not text[begin:pos].strip(" \t")
            for comment in _COMMENT.finditer(text, pos, end):
                if not own_line:
                    before = text[pos : comment.start()]
                    own_line = "\n" in before or "\r" in before
                self.comments.append(tree.Comment(comment.group().rstrip(), own_line, Span(*comment.span())))
                own_line = True  # whatever follows in this gap stands behind a new line
        if "\n" not in stretch and "\r" not in stretch:
            self.pos = end
            return "", end, end
        inside = self.brackets[-1].kind if self.brackets else ""
        last = self.last
        if inside == "(" or (last in _JOINED and not (last == "DIVIDE" and self.is_percentage(pos, end))):
            self.pos = end
            return "", end, end
        if last == "MATRIX_NUMBER":
            if text[end : end + 1] in ("]", "|", ";", ""):
                self.pos = end
                return "", end, end
            return "SEMICOLON", pos, end
        if last == "SEMICOLON" or JOINS_NEXT.match(text, end):
            self.pos = end
            return "", end, end
        return "_NL", pos, end

    def is_percentage(self, pos: int, following: int) -> bool:
        """Whether the `%` before `pos` has nothing to divide by on the line that begins at `following`."""
        if not _PERCENT.search(self.text, max(0, pos - 40), pos):
            return False
        divisor = _DIVISOR.match(self.text, following)
        if divisor is None or divisor[1] is None:
            return divisor is None
        from cnnspec.language.mistakes.foreign import is_layer

        return divisor[1] in self.tables.keywords or is_layer(divisor[1])

    def no_token(self, pos: int) -> Token:
        """What stands where no token is: the end of the text, or a character that no token begins with."""
        text = self.text
        while pos < len(text) and text[pos] in " \t":
            pos += 1
        if pos >= len(text):
            return Token(END, "", len(text), len(text))
        return Token(UNKNOWN, text[pos], pos, pos + 1)

    # --- mistakes ---------------------------------------------------------------------------------

    def mistake(self, found: Token, deep: bool = False) -> bool:
        """Reports what is wrong and brings the automaton to where it can go on; False where it is to stop."""
        if not self.recovers or self.sink.full:
            return False
        from cnnspec.language.mistakes.recovery import Recovery

        return Recovery(self).mistake(found, deep)

    def feed(self, token: Token) -> bool:
        """Takes a token that does not stand in the text so.

        False, and nothing changed, where it does not fit.
        """
        if not self.accepts(token.type):
            return False
        self.parser.feed_token(token)
        self.took(token)
        return True

    def accepts(self, kind: str) -> bool:
        """Whether such a token can be taken now. (lark's `accepts()` copies the stack for each kind.)"""
        table = self.tables.table.states
        below = len(self.states)
        above: list[int] = []  # the stack is self.states[:below] + above
        while True:
            step = table[above[-1] if above else self.states[below - 1]].get(kind)
            if step is None:
                return False
            action, rule = step
            if action is Shift:
                return True
            kept = max(0, len(above) - len(rule.expansion))
            below -= len(rule.expansion) - (len(above) - kept)
            del above[kept:]
            above.append(table[above[-1] if above else self.states[below - 1]][rule.origin.name][1])

    def push(self, symbol: str, value: Any) -> None:
        """Puts a nonterminal's value where the automaton waits for one."""
        self.states.append(self.tables.table.states[self.states[-1]][symbol][1])
        self.values.append(value)

    def forget_comments(self, begin: int) -> None:
        """The comments from `begin` on will be met again."""
        while self.comments and self.comments[-1].span.start >= begin:
            self.comments.pop()
