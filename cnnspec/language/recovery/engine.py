"""What happens after a mistake.

In order: a rule that is tried before brackets; a bracket that is surely meant to be closed is closed; the
first rule of the table that holds. Where a rule says what was meant, that is read; else the innermost step,
claim or statement is left out of the tree up to the next `->`, `=>` or line outside of brackets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from cnnspec.diagnostics import Span, line_start
from cnnspec.language import tree
from cnnspec.language.lexer import GAPS, JOINS_NEXT
from cnnspec.language.parser import Parser
from cnnspec.language.recovery.mistake import REST, Answer, Mistake, begin_of
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.rules import BEFORE_BRACKETS, RULES
from cnnspec.language.recovery.rules.forms import NOTATIONS
from cnnspec.language.recovery.rules.lists import LISTS
from cnnspec.language.recovery.words import STATEMENT
from cnnspec.language.tokens import CLOSES, END, OPENS, STATEMENTS, Token
from cnnspec.notations import is_from_to

MAX_FAILURES = 3
"""The most repairs at one place before a token is skipped."""
MAX_VISITS = 4
"""The most times that as many repairs are tried at one place."""
_CLOSERS = {"(": ("RPAR", ")"), "[": ("RSQB", "]"), "{": ("RBRACE", "}")}
_WHOLE = ("chain", "line", "item", "let", "statement", "file_line", "seq_line", "file", "sequence")
"""What is complete on top of the stack stays; only what follows is left out."""


class Recovery:
    """Continues one parser after syntax errors."""

    def __init__(self, parser: Parser) -> None:
        self.parser = parser
        self.lexer = parser.lexer
        self.sink = parser.sink
        self.text = parser.text
        self.failed_at = -1
        self.failures = 0
        self.visits: Counter[int] = Counter()
        """How often each place was reached: two repairs may each go back to before the other."""
        self.used: list[Rule] = []
        """The rules that applied, in order."""

    def recover(self, token: Token, deep: bool) -> bool:
        # A repair may leave the parser at the same place; it must not stay there for ever.
        if token.start != self.failed_at:
            self.failed_at, self.failures = token.start, 0
        self.failures += 1
        self.visits[token.start] += 1
        most = MAX_FAILURES + len(self.lexer.brackets)
        if self.failures > most or self.visits[token.start] > MAX_VISITS * most:
            self.lexer.pos = token.end
            return token.type != END
        if deep:
            way = "name the inner part with `block`, or its value with `let`"
            self.sink.report("E602", "more than 64 nested brackets", token.span, help=way)
            self.leave_out(token)
            return True
        self.reopen()
        mistake = Mistake(self.parser, token)
        answer = self.first(BEFORE_BRACKETS, mistake)
        if answer is None and self.unclosed(mistake):
            return True
        new_statement = token.type in STATEMENTS or token.type == "LET"
        if answer is None and new_statement and self.begins_line(token, -1):
            # the line before it ended with `->`, `=` or the like, or does not continue as it must
            answer = self.first(RULES, mistake, reading=False)
            self.report(answer)
            self.leave_out(token, skipping=False)
            self.parser.feed("_NL", "\n", token.start, token.start)
            self.lexer.pos = token.start
            return True
        answer = answer or self.first(RULES, mistake)
        if answer is not None and (answer.reads is not None or self.failures == 1):
            self.report(answer)
            if answer.reads is not None and self.read(mistake, answer):
                return True
            if answer.code in ("E102", "E106") or token.type == "CLAIMS":  # reported and left out as a whole
                token = token._replace(start=max(token.start, answer.span.end))
                self.leave_out(token, since=answer.span.start)
                return True
        self.leave_out(token)
        return True

    def reopen(self) -> None:
        """A line that this token seemed to end may continue after it."""
        line = self.parser.values[-1] if self.parser.values else None
        if type(line) is tree.Line:
            self.parser.cut(len(self.parser.values) - 1)
            if line.label is not None and line.label_span is not None:
                text = ", ".join((line.label, *(one.name for one in line.others)))
                self.parser.push("LABEL", Token("LABEL", f"{text}:", *line.label_span))
            self.parser.push("chain", list(line.steps))

    def first(self, rules: Iterable[Rule], mistake: Mistake, reading: bool = True) -> Answer | None:
        """The answer of the first rule that applies; without `reading`, only of rules that read nothing."""
        for rule in rules:
            answer = rule.answer(mistake)
            if answer is not None and (reading or answer.reads is None):
                self.used.append(rule)
                return answer
        return None

    def report(self, answer: Answer | None) -> None:
        if answer is not None and answer.message:
            code, message, span, way, fix, safe, cause = answer[:7]
            self.sink.report(code, message, span, help=way, fix=fix, safe=safe, cause=cause)

    def read(self, mistake: Mistake, answer: Answer) -> bool:
        """Parses the text that was meant; False if it does not fit."""
        if answer.merges:
            self.merge(mistake, answer.merges)
        since = answer.since if answer.since >= 0 else answer.span.start
        if since < mistake.start and not self.take_back(since):
            return False
        reads, place = answer.reads, answer.span
        resume = answer.resume if answer.resume >= 0 else place.end
        if resume == mistake.start:
            place = Span(resume, resume)
        written = Span(min(since, place.start), resume)
        if isinstance(reads, Token):
            fits = self.parser.feed(*reads)
        else:
            fits = self.parser.read(reads or "", place, written)
        if not fits:
            return False
        self.lexer.pos = resume
        self.lexer.forget_comments(self.lexer.pos)
        return True

    def take_back(self, since: int) -> bool:
        """Removes from the stack everything that was parsed from a place on; False if that would reopen a
        closed bracket."""
        values: list[Any] = self.parser.values
        height = len(values)
        while height and begin_of(values[height - 1]) >= since:
            height -= 1
        entered_by = self.lexer.tables.entered_by
        symbols = [entered_by[state] for state in self.parser.states[height + 1 :]]
        if sum(symbol in CLOSES for symbol in symbols) > sum(symbol in OPENS for symbol in symbols):
            return False
        if height < len(values):
            self.parser.cut(height)
        elif values and type(values[-1]) is list:
            while len(values[-1]) > 1 and begin_of(values[-1][-1]) >= since:
                values[-1].pop()
        return True

    def merge(self, mistake: Mistake, word: str) -> None:
        """Reads the innermost group as the branches of a merge; or gives a merge that was read this word."""
        parser = self.parser
        if mistake.kind != "VBAR":
            parser.values[-4] = parser.values[-4]._replace(text=word)
            return
        bracket = self.lexer.brackets[-1]
        entered_by = self.lexer.tables.entered_by
        symbols = [entered_by[state] for state in parser.states[bracket.height + 1 :]]
        inside = parser.values[bracket.height :]
        before = parser.states[:], parser.values[:], self.lexer.brackets[:]
        parser.cut(bracket.height - 1)
        fits = parser.feed("NAME", word, bracket.span.start, bracket.span.start)
        fits = fits and parser.feed("LSQB", "[", *bracket.span)
        for symbol, value in zip(symbols, inside, strict=True):
            fits = fits and parser.push(symbol, value)
        if not fits:
            parser.states[:], parser.values[:], self.lexer.brackets[:] = before

    # --- brackets that are not closed -------------------------------------------------------------

    def unclosed(self, mistake: Mistake) -> bool:
        """Closes the brackets that were certainly meant to be closed before this token."""
        token, brackets, kind = mistake.found, self.lexer.brackets, mistake.kind
        if kind == "LSQB" and any(rule.answer(mistake) for rule in (*NOTATIONS, *LISTS)):
            return False
        if kind == "ARROW" and is_from_to(self.text, token.start):
            return False
        opens = "[" if kind == "VBAR" else CLOSES.get(kind)
        closing = self.to_close(token, opens)
        if not closing:
            return self.swallowed(token)
        new_line = kind in STATEMENTS or (not opens and self.begins_line(token, brackets[-1].span.start))
        target = len(brackets) - closing
        while len(brackets) > target:
            bracket = brackets[-1]
            closer = (*_CLOSERS[bracket.kind], token.start, token.start)
            way = f"`{closer[1]}` is missing before {mistake.shown}"
            self.sink.report("E105", f"this `{bracket.kind}` is not closed", bracket.span, help=way)
            if not self.parser.feed(*closer):
                self.leave_out(token, skipping=False)
                if len(brackets) and brackets[-1] is bracket and not self.parser.feed(*closer):
                    brackets.pop()
        if new_line and not JOINS_NEXT.match(self.text, token.start):
            self.parser.feed("_NL", "\n", token.start, token.start)
        self.lexer.pos = token.start
        return True

    def to_close(self, token: Token, opens: str | None) -> int:
        """The number of brackets to close before a token; `opens` is the kind that it closes or separates."""
        kinds = [bracket.kind for bracket in self.lexer.brackets]
        if token.type == END or token.type in STATEMENTS:
            return len(kinds)
        if opens:
            return kinds[::-1].index(opens) if opens in kinds else 0
        if not kinds or kinds[-1] != "(":
            return 0
        goes_on = token.type in ("ARROW", "CLAIMS", "LSQB", "LBRACE")
        return int(goes_on or self.begins_line(token, self.lexer.brackets[-1].span.start))

    def swallowed(self, token: Token) -> bool:
        """An open `(` on an earlier line that includes the beginning of this line: `f(64, s=2` and below it
        `conv F3`."""
        if not self.lexer.brackets or self.lexer.brackets[-1].kind != "(":
            return False
        line = line_start(self.text, token.start)
        bracket = self.lexer.brackets[-1]
        rest = REST.match(self.text, token.start)
        if line <= bracket.span.start or (rest and ")" in rest.group()):
            return False
        way = "`)` is missing before the end of its line"
        self.sink.report("E105", "this `(` is not closed", bracket.span, help=way)
        self.leave_out(token, skipping=False)
        self.lexer.forget_comments(line)
        if not JOINS_NEXT.match(self.text, line):
            self.parser.feed("_NL", "\n", line, line)
        self.lexer.pos = line
        return True

    def begins_line(self, token: Token, behind: int) -> bool:
        """Whether the token is the first of a line that begins after a place."""
        line = line_start(self.text, token.start)
        return line > behind and not self.text[line : token.start].strip(" \t")

    # --- leaving a part out -----------------------------------------------------------------------

    def leave_out(self, token: Token, skipping: bool = True, since: int | None = None) -> None:
        """Removes the innermost step, claim or statement (that begins at `since` or before) from the stack
        and continues after it."""
        states, values = self.parser.states, self.parser.values
        entered_by = self.lexer.tables.entered_by
        self.parser.context.depths.clear()
        at = self.innermost(since)
        waits = self.parser.table[states[at]]
        above = entered_by[states[at + 1]] if at + 1 < len(states) else token.type
        begin, name = token.start, None
        if above == "block_head" and at < len(values):
            begin, name = values[at][3].start, values[at][0]
        elif at < len(values) and type(values[at]) is Token:
            begin = values[at].start
        if "claim" in waits:
            symbol = "claim"
        elif above in _WHOLE and at + 2 >= len(states):
            symbol = ""
        elif "item" in waits and (above in STATEMENTS or above in ("LET", "block_word", "block_head")):
            symbol = "statement" if "statement" in waits else "let"
            name = name or self.name_of(at)
        else:
            symbol = "step"
        while self.lexer.brackets and self.lexer.brackets[-1].height > at:
            self.lexer.brackets.pop()
        end = self.skip(token, symbol) if skipping else token.start
        if not symbol:
            if above == "chain" and end > token.start:
                values[-1].append(tree.ErrorStep(Span(token.start, end)))
            return
        self.parser.cut(at)
        span = Span(min(begin, end), end)
        word = self.text[span.start : span.end].split(maxsplit=1)
        broken = {"claim": None, "step": tree.ErrorStep(span)}
        self.parser.push(symbol, broken.get(symbol, tree.ErrorStatement(word[0] if word else "", name, span)))
        self.lexer.last = "NAME"

    def innermost(self, since: int | None) -> int:
        """Where on the stack the innermost step or claim begins, at `since` or before it."""
        states, values = self.parser.states, self.parser.values
        entered_by = self.lexer.tables.entered_by
        at = len(states) - 1
        closed = 0  # brackets above that are closed already: their content is complete
        while (
            closed
            or not {"claim", "step"} & self.parser.table[states[at]].keys()
            or (since is not None and at < len(values) and begin_of(values[at]) > since)
        ):
            symbol = entered_by[states[at]]
            if symbol in CLOSES:
                closed += 1
            elif symbol in OPENS and closed:
                closed -= 1
            at -= 1
        return at

    def name_of(self, at: int) -> str | None:
        """The name that the broken statement defines: the token after its word."""
        value = self.parser.values[at + 1] if at + 1 < len(self.parser.values) else None
        return value.text.rstrip("(: \t") if type(value) is Token and value.text[:1].isalpha() else None

    def skip(self, token: Token, symbol: str) -> int:
        """Moves to a place where the parser can continue; returns the end of the skipped text."""
        lexer, depth = self.lexer, 0
        pos = end_of_last = token.start
        while True:
            kind, _, begin, end = lexer.scan(self.text, pos)
            if kind == END:
                lexer.pos = begin
                return end_of_last
            if kind in GAPS:
                lexer.pos, lexer.last = pos, "NAME"
                kind, begin, end = lexer.gap(pos)
                if kind and (depth == 0 or STATEMENT.match(self.text, end)):
                    lexer.forget_comments(begin)
                    lexer.pos = begin
                    return end_of_last
                pos = max(end, lexer.pos)
                continue
            if depth == 0 and self.goes_on(kind, symbol):
                lexer.pos = begin
                return end_of_last
            if kind in OPENS:
                depth += 1
            elif kind in CLOSES and depth:
                depth -= 1
            pos = end_of_last = end

    def goes_on(self, kind: str, symbol: str) -> bool:
        """Whether the parser can continue at a token after such a part was left out."""
        if kind in ("ARROW", "CLAIMS"):
            return symbol not in ("statement", "let")
        if kind == "COMMA":
            return symbol == "claim"
        inside = self.lexer.brackets[-1].kind if self.lexer.brackets else ""
        return kind in ("RSQB", "VBAR", "RBRACE") and inside == ("{" if kind == "RBRACE" else "[")
