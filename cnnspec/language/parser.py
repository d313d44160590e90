"""Text → tree: lark's LALR(1) engine on the tables of grammar/cnn.lark.

`parse` never raises on any text and does work in proportion to its length. After a mistake it continues at
the next `->`, `=>` or line (recovery/): a broken step stays in the tree as an ErrorStep, a broken statement
as an ErrorStatement, and every line gets its findings.
"""

from __future__ import annotations

import gc
from typing import Any

from lark.exceptions import UnexpectedToken
from lark.parsers.lalr_analysis import Shift

from cnnspec.diagnostics import Sink, Source, Span
from cnnspec.language import tree
from cnnspec.language.builder import Context
from cnnspec.language.lexer import GAPS, Lexer
from cnnspec.language.tokens import END, OPENS, Token

MAX_NESTING = 64
"""The deepest nesting of brackets of any kind."""


def parse(source: Source, sink: Sink) -> tree.File:
    """The tree of a spec. Never raises: what cannot be read is a finding in `sink`."""
    text = source.text
    if not text.isascii():
        from cnnspec.language.recovery.pasted import read_plain

        text = read_plain(text, sink)
    parser = Parser(text, sink, "start")
    # The tree has no cycles: looking for them while it grows is a third of the work.
    collecting = gc.isenabled()
    gc.disable()
    try:
        statements = parser.run()
    finally:
        if collecting:
            gc.enable()
    if not isinstance(statements, list):  # recovery gave up
        whole = parser.values and parser.lexer.tables.entered_by[parser.states[1]] == "file"
        statements = parser.values[0] if whole else []
    parsed = tuple(item for item in statements if item is not None)
    return tree.File(parsed, tuple(parser.lexer.comments), Span(0, len(source.text)))


def parse_expression(text: str) -> tree.Expr | None:
    """The tree of an expression alone (`--set a=3/4`), or None where the text is none."""
    sink = Sink()
    value: tree.Expr | None = Parser(text, sink, "expr_or_list", recovers=False).run()
    return None if sink.has_errors else value


class Parser:
    """lark's engine over one text, with what recovery does to its stack."""

    def __init__(self, text: str, sink: Sink, start: str, recovers: bool = True) -> None:
        self.text = text
        self.sink = sink
        self.lexer = Lexer(text)
        self.context = Context(text, sink)
        self.table = self.lexer.tables.table.states
        self.lark: Any = self.lexer.tables.parser(start, self.context)
        self.states: list[int] = self.lark.parser_state.state_stack
        self.values: list[Any] = self.lark.parser_state.value_stack
        self.recovery: Any = None
        self.recovers = recovers

    def run(self) -> Any:
        """The value of the start rule; None where the text is wrong and no going on."""
        lexer, states, feed, brackets = self.lexer, self.states, self.lark.feed_token, self.lexer.brackets
        for token in lexer.tokens(states):
            deep = token.type in OPENS and len(brackets) >= MAX_NESTING and self.accepts(token.type)
            if not (deep or (token.type == "LSQB" and self._is_index(token))):
                try:
                    value = feed(token)
                except UnexpectedToken:
                    pass
                else:
                    if token.type == END:
                        return value
                    lexer.took(token, len(states) - 1)
                    lexer.pos = token.end
                    continue
            if not self.recover(token, deep):
                return None
        return None

    def recover(self, token: Token, deep: bool) -> bool:
        """Reports an error and moves the parser to a place where it can continue; False if it has to stop."""
        if not self.recovers or self.sink.full:
            return False
        if self.recovery is None:
            from cnnspec.language.recovery.engine import Recovery

            self.recovery = Recovery(self)
        went_on: bool = self.recovery.recover(token, deep)
        return went_on

    def feed(self, kind: str, text: str, start: int, end: int) -> bool:
        """Takes a token that is not in the text; False, with nothing changed, if it does not fit."""
        if not self.accepts(kind):
            return False
        token = Token(kind, text, start, end)
        self.lark.feed_token(token)
        self.lexer.took(token, len(self.states) - 1)
        return True

    def read(self, text: str, span: Span, written: Span) -> bool:
        """Takes a text's tokens in place of those at `span`; False if one does not fit.

        The common beginning and end of both texts keep their places; the rest is at `span`.
        """
        marked = self.text[written.start : written.end]
        same = _alike(text, marked)
        alike = _alike(text[same:][::-1], marked[same:][::-1])
        pos = 0
        while True:
            kind, word, begin, pos = self.lexer.scan(text, pos, self.states[-1])
            if kind == END:
                return True
            place = span
            if pos <= same:
                place = Span(written.start + begin, written.start + pos)
            elif begin >= len(text) - alike:
                place = Span(written.end - len(text) + begin, written.end - len(text) + pos)
            if not self.feed("_NL" if kind in GAPS else kind, word, *place):
                return False

    def _is_index(self, opened: Token) -> bool:
        """Whether a `[` touches the argument before it: `K=widths[0]`. Branches are separate."""
        if self.text[opened.start - 1 : opened.start] in ("", " ", "\t"):
            return False
        state = self.state_for("LSQB")
        return state is not None and self.lexer.tables.entered_by.get(state) == "arguments"

    def accepts(self, kind: str) -> bool:
        """Whether such a token can be taken now."""
        return self.state_for(kind) is not None

    def state_for(self, kind: str) -> int | None:
        """The state in which such a token is taken, after reductions; None where it cannot be. (lark's
        `accepts()` copies the stack for each kind.)"""
        below = len(self.states)
        above: list[int] = []  # the stack is self.states[:below] + above
        while True:
            state = above[-1] if above else self.states[below - 1]
            step = self.table[state].get(kind)
            if step is None:
                return None
            action, rule = step
            if action is Shift:
                return state
            kept = max(0, len(above) - len(rule.expansion))
            below -= len(rule.expansion) - (len(above) - kept)
            del above[kept:]
            above.append(self.table[above[-1] if above else self.states[below - 1]][rule.origin.name][1])

    def push(self, symbol: str, value: Any) -> bool:
        """Puts a symbol's value where the parser waits for one; False where it does not."""
        action, state = self.table[self.states[-1]].get(symbol, (None, None))
        if action is not Shift:
            return False
        self.states.append(state)
        self.values.append(value)
        return True

    def cut(self, height: int) -> None:
        """Removes everything from the stack above this many values."""
        del self.states[height + 1 :], self.values[height:]
        while self.lexer.brackets and self.lexer.brackets[-1].height > height:
            self.lexer.brackets.pop()


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (a, b) in pairs if a != b), min(len(one), len(other)))
