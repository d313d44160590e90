"""The LALR(1) automaton over the tables of grammar/cnn.lark, which asks for the text token by token."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from cnnspec.diagnostics import Sink, Source, Span, line_start
from cnnspec.language import tables, tree
from cnnspec.language.builder import Builder

MAX_NESTING = 64
"""Brackets of any kind, one inside the other."""

END = "$END"
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
OPENS = {"LPAR": "(", "CALL": "(", "LSQB": "[", "LBRACE": "{"}
CLOSES = {"RPAR": "(", "TIMES_DIM": "(", "RSQB": "[", "RBRACE": "{"}
STATEMENTS = frozenset(("MODEL", "INPUT", "VARIANT", "DEFAULT", "BLOCK", "SHARED", "OUTPUT", "EXPECT"))
"""Words that begin a statement, which stands outside of brackets."""


class Bracket(NamedTuple):
    kind: str
    span: Span
    height: int
    """The parser's stack when it opened: what stands above belongs into the bracket."""


class Failure(NamedTuple):
    """Where the parser could not go on."""

    kind: str
    text: str
    start: int
    end: int


class Automaton:
    """One run over one text."""

    def __init__(self, text: str, source: Source, sink: Sink) -> None:
        self.text = text
        self.source = source
        self.sink = sink
        self.tables = tables.load()
        self.builder = Builder(text, sink)
        self.comments: list[tree.Comment] = []
        self.brackets: list[Bracket] = []
        self.states: list[int] = []
        self.values: list[Any] = []
        self.pos = 0
        self.last = "_NL"
        self.recovers = True
        self.failed_at = -1
        self.failures = 0

    # --- the automaton ----------------------------------------------------------------------------

    def run(self, start: str) -> Any:
        """The value of the start rule, or None where `recovers` is off and the text is wrong."""
        tables = self.tables
        rows, goto, rules = tables.rows, tables.goto, tables.rules
        match, names = tables.match, tables.names
        literals, keywords, contextual = tables.literals, tables.keywords, tables.contextual
        actions = [None if name is None else getattr(self.builder, name) for _, _, name in rules]
        first, final = tables.starts[start]
        text, brackets = self.text, self.brackets
        states, values = self.states, self.values
        states.append(first)
        state = first
        while True:
            # the next token: one of this context, else one of those that stand everywhere
            pos = self.pos
            special = contextual.get(state)
            found = special[0](text, pos) if special else None
            if found is not None and special is not None:
                kind = special[1]
                begin, end = found.span(1)
            else:
                found = match(text, pos)
                if found is None:
                    kind, begin, end = self.no_token(pos)
                else:
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
            # reduce as long as the token asks for it, then shift it
            while True:
                action = rows[state].get(kind)
                if action is None:
                    if kind == END and state == final:
                        return values[-1]
                    if not self.mistake(Failure(kind, text[begin:end], begin, end)):
                        if not self.recovers:
                            return None
                        return values[0] if values and tables.entered_by[states[1]] == "file" else []
                    state = states[-1]
                    break
                if action >= 0:
                    if kind in OPENS:
                        if len(brackets) >= MAX_NESTING:
                            if not self.mistake(Failure(kind, text[begin:end], begin, end), deep=True):
                                return None
                            state = states[-1]
                            break
                        brackets.append(Bracket(OPENS[kind], Span(end - 1, end), len(states)))
                    elif kind in CLOSES:
                        brackets.pop()
                    states.append(action)
                    values.append((text[begin:end], begin, end))
                    state = action
                    self.pos = end
                    self.last = kind
                    break
                origin, size, _ = rules[-1 - action]
                make = actions[-1 - action]
                if make is None:
                    states.pop()
                elif size:
                    value = make(values[-size:])
                    del values[-size:]
                    del states[-size:]
                    values.append(value)
                else:
                    values.append(make(()))
                state = goto[states[-1]][origin]
                states.append(state)
                if kind == END and state == final:
                    return values[-1]

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

    def no_token(self, pos: int) -> tuple[str, int, int]:
        """What stands where no token is: the end of the text, or a character that no token begins with."""
        text = self.text
        while pos < len(text) and text[pos] in " \t":
            pos += 1
        if pos >= len(text):
            return END, len(text), len(text)
        return "?", pos, pos + 1

    # --- mistakes ---------------------------------------------------------------------------------

    def mistake(self, failure: Failure, deep: bool = False) -> bool:
        """Reports what is wrong and brings the automaton to where it can go on; False where it is to stop."""
        if not self.recovers or self.sink.full:
            return False
        from cnnspec.language.mistakes.recovery import Recovery

        return Recovery(self).mistake(failure, deep)

    def feed(self, kind: str, text: str, start: int, end: int) -> bool:
        """Takes a token that does not stand in the text so.

        False, and nothing changed, where it does not fit.
        """
        if not self.accepts(kind):
            return False
        rows, goto, rules = self.tables.rows, self.tables.goto, self.tables.rules
        states, values = self.states, self.values
        while True:
            action = rows[states[-1]][kind]
            if action >= 0:
                if kind in OPENS:
                    self.brackets.append(Bracket(OPENS[kind], Span(end - 1, end), len(states)))
                elif kind in CLOSES:
                    self.brackets.pop()
                states.append(action)
                values.append((text, start, end))
                self.last = kind
                return True
            origin, size, name = rules[-1 - action]
            if name is None:
                states.pop()
            else:
                taken = values[len(values) - size :]
                del values[len(values) - size :], states[len(states) - size :]
                values.append(getattr(self.builder, name)(taken))
            states.append(goto[states[-1]][origin])

    def accepts(self, kind: str) -> bool:
        """Whether the automaton can take a token of this kind now."""
        rows, goto, rules = self.tables.rows, self.tables.goto, self.tables.rules
        below = len(self.states)
        above: list[int] = []  # the stack is self.states[:below] + above
        while True:
            action = rows[above[-1] if above else self.states[below - 1]].get(kind)
            if action is None:
                return False
            if action >= 0:
                return True
            origin, size, _ = rules[-1 - action]
            kept = max(0, len(above) - size)
            below -= size - (len(above) - kept)
            del above[kept:]
            above.append(goto[above[-1] if above else self.states[below - 1]][origin])

    def push(self, symbol: str, value: Any) -> None:
        """Puts a nonterminal's value where the automaton waits for one."""
        self.states.append(self.tables.goto[self.states[-1]][symbol])
        self.values.append(value)

    def forget_comments(self, begin: int) -> None:
        """The comments from `begin` on will be met again."""
        while self.comments and self.comments[-1].span.start >= begin:
            self.comments.pop()
