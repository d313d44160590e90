"""What happens after a mistake: what it is, and where the parser goes on.

In order: a token that is surely meant otherwise is taken as meant (`,` between arguments, `==>`); a
bracket that is
surely meant to be closed is closed; else the innermost step, claim or statement is left out of the tree up
to the
next `->`, `=>` or line outside of brackets.
"""

from __future__ import annotations

from cnnspec.diagnostics import Span, line_start
from cnnspec.language import tree
from cnnspec.language.automaton import JOINS_NEXT, Automaton
from cnnspec.language.mistakes import explanations, foreign, nearby, repairs
from cnnspec.language.mistakes.merged import merged
from cnnspec.language.mistakes.mistake import found
from cnnspec.language.mistakes.percent import read_as_fraction
from cnnspec.language.tokens import CLOSES, END, OPENS, STATEMENTS, Token
from cnnspec.notations import is_from_to

MAX_FAILURES = 3
"""At one place, before a token is passed over unseen."""
_CLOSERS = {"(": ("RPAR", ")"), "[": ("RSQB", "]"), "{": ("RBRACE", "}")}
_WHOLE = ("chain", "line", "item", "let", "statement", "file_line", "seq_line", "file", "sequence")
"""What is complete on top of the stack stays; only what follows is left out."""


class Recovery:
    """After one mistake of an automaton."""

    def __init__(self, automaton: Automaton) -> None:
        self.automaton = automaton
        self.sink = automaton.sink
        self.text = automaton.text

    def mistake(self, failure: Token, deep: bool) -> bool:
        automaton = self.automaton
        # An error may leave the automaton where it was; it must not stay there for ever.
        if failure.start != automaton.failed_at:
            automaton.failed_at, automaton.failures = failure.start, 0
        automaton.failures += 1
        if automaton.failures > MAX_FAILURES + len(automaton.brackets):
            if failure.type == END:
                return False
            automaton.pos = failure.end
            return True
        if deep:
            self.sink.report(
                "E602",
                "more than 64 brackets inside one another",
                Span(failure.start, failure.end),
                help="give the inner part a name with `block`, or its value one with `let`",
            )
            self.leave_out(failure)
            return True
        if read_as_fraction(automaton) or self.inside_a_block(failure):
            return True
        if merged(automaton, failure) or self.unclosed(failure):
            return True
        if (failure.type in STATEMENTS or failure.type == "LET") and self.begins_line(failure, -1):
            # a line before it ended with `->`, `=` or the like, or does not go on as it must
            code, message, span, advice, fix, *cause = explanations.explain(automaton, failure)
            self.sink.report(code, message, span, help=advice, fix=fix, cause=next(iter(cause), None))
            self.leave_out(failure, skipping=False)
            automaton.feed(Token("_NL", "\n", failure.start, failure.start))
            automaton.pos = failure.start
            return True
        repair = repairs.repair(automaton, failure)
        if repair is not None:
            code, message, span, advice, fix, safe, feeds, pos, back = repair
            if message:
                self.sink.report(code, message, span, help=advice, fix=fix, safe=safe)
            del (
                automaton.states[len(automaton.states) - back :],
                automaton.values[len(automaton.values) - back :],
            )
            while automaton.brackets and automaton.brackets[-1].height >= len(automaton.states):
                automaton.brackets.pop()
            if all(automaton.feed(Token(*token)) for token in feeds):
                automaton.pos = pos
                return True
        elif automaton.failures == 1:
            code, message, span, advice, fix, *cause = explanations.explain(automaton, failure)
            if message:
                self.sink.report(code, message, span, help=advice, fix=fix, cause=next(iter(cause), None))
            if code in ("E102", "E106") or failure.type == "CLAIMS":  # told as a whole, left out as a whole
                failure = failure._replace(start=max(failure.start, span.end))
        self.leave_out(failure)
        return True

    def inside_a_block(self, failure: Token) -> bool:
        """Tells and passes over a statement of the file in a block: `block f() { output @x }`."""
        brackets, end = self.automaton.brackets, failure.end
        if failure.type not in STATEMENTS or not brackets or brackets[-1].kind != "{":
            return False
        closed, opened = self.text.find("}", end), self.text.find("{", end)
        if closed < 0 or (0 <= opened < closed):
            return False  # the block before is not closed, and this begins a new statement
        self.sink.report(
            "E405",
            f"`{failure.text}` is a statement of the file and cannot stand in a block",
            Span(failure.start, end),
            help={
                "output": "a block gives what its last line makes; leave this out",
                "input": "what arrives at a block is there from its first line; leave this out",
                "expect": "in a block a line's claims stand behind `=>`",
            }.get(failure.text, "put it before the block"),
        )
        self.leave_out(failure)
        return True

    # --- brackets that are not closed -------------------------------------------------------------

    def unclosed(self, failure: Token) -> bool:
        """Closes the brackets that must have been meant to be closed before this token."""
        automaton = self.automaton
        brackets, kind = automaton.brackets, failure.type
        if kind == "LSQB" and foreign.recognise(automaton, failure) is not None:
            return False
        if kind == "ARROW" and is_from_to(self.text, failure.start):
            return False
        wanted = "[" if kind == "VBAR" else CLOSES.get(kind)
        if kind == END or kind in STATEMENTS:
            closing = len(brackets)
        elif wanted:
            open_kinds = [bracket.kind for bracket in brackets]
            if wanted not in open_kinds or open_kinds[-1] == wanted:
                closing = 0
            else:
                closing = open_kinds[::-1].index(wanted)
        elif (
            brackets
            and brackets[-1].kind == "("
            and (
                kind in ("ARROW", "CLAIMS", "LSQB", "LBRACE")
                or self.begins_line(failure, brackets[-1].span.start)
            )
        ):
            closing = 1
        else:
            closing = 0
        if not closing:
            return self.swallowed(failure)
        new_line = kind in STATEMENTS or (not wanted and self.begins_line(failure, brackets[-1].span.start))
        target = len(brackets) - closing
        while len(brackets) > target:
            bracket = brackets[-1]
            name, closer = _CLOSERS[bracket.kind]
            self.sink.report(
                "E105",
                f"this `{bracket.kind}` is not closed",
                bracket.span,
                help=f"`{closer}` is missing before {found(failure, self.text)}",
            )
            if not automaton.feed(Token(name, closer, failure.start, failure.start)):
                self.leave_out(failure, skipping=False)
                if len(brackets) and brackets[-1] is bracket:
                    if not automaton.feed(Token(name, closer, failure.start, failure.start)):
                        brackets.pop()
        if new_line and not JOINS_NEXT.match(self.text, failure.start):
            automaton.feed(Token("_NL", "\n", failure.start, failure.start))
        automaton.pos = failure.start
        return True

    def swallowed(self, failure: Token) -> bool:
        """A `(` of a line before that took in this line's beginning: `f(64, s=2` and below it `conv F3`."""
        automaton, text = self.automaton, self.text
        if not automaton.brackets or automaton.brackets[-1].kind != "(":
            return False
        start = failure.start
        line = line_start(text, start)
        bracket = automaton.brackets[-1]
        rest = nearby.REST.match(text, start)
        if line <= bracket.span.start or (rest and ")" in rest.group()):
            return False
        self.sink.report(
            "E105", "this `(` is not closed", bracket.span, help="`)` is missing before the end of its line"
        )
        self.leave_out(failure, skipping=False)
        automaton.forget_comments(line)
        if not JOINS_NEXT.match(text, line):
            automaton.feed(Token("_NL", "\n", line, line))
        automaton.pos = line
        return True

    def begins_line(self, failure: Token, behind: int) -> bool:
        """Whether the token is the first of a line that begins behind a place."""
        start = failure.start
        line = line_start(self.text, start)
        return line > behind and not self.text[line:start].strip(" \t")

    # --- leaving a part out -----------------------------------------------------------------------

    def leave_out(self, failure: Token, skipping: bool = True) -> None:
        """Takes the innermost step, claim or statement off the stack and goes on behind it."""
        automaton = self.automaton
        states, values, brackets = automaton.states, automaton.values, automaton.brackets
        table, entered_by = automaton.tables.table.states, automaton.tables.entered_by
        automaton.context.depths.clear()
        at = len(states) - 1
        closed = 0  # brackets above that are closed already: what they hold is no place to go on
        while closed or ("claim" not in table[states[at]] and "step" not in table[states[at]]):
            symbol = entered_by[states[at]]
            if symbol in CLOSES:
                closed += 1
            elif symbol in OPENS and closed:
                closed -= 1
            at -= 1
        above = entered_by[states[at + 1]] if at + 1 < len(states) else failure.type
        on_top = at + 2 >= len(states)
        begin = failure.start
        if above == "block_head" and at < len(values):
            begin = values[at][3].start
        elif at < len(values) and (above.isupper() or above == "block_word"):
            begin = values[at].start
        if "claim" in table[states[at]]:
            symbol = "claim"
        elif above in _WHOLE and on_top:
            symbol = ""
        elif "item" in table[states[at]] and (
            above in STATEMENTS or above in ("LET", "block_word", "block_head")
        ):
            symbol = "statement" if "statement" in table[states[at]] else "let"
        else:
            symbol = "step"
        while brackets and brackets[-1].height > at:
            brackets.pop()
        end = self.skip(failure, symbol) if skipping else failure.start
        if not symbol:
            if above == "chain" and end > failure.start:
                values[-1].append(tree.ErrorStep(Span(failure.start, end)))
            return
        name = (
            values[at][0]
            if above == "block_head"
            else self.name_of(at)
            if symbol in ("statement", "let")
            else None
        )
        del states[at + 1 :], values[at:]
        span = Span(min(begin, end), end)
        if symbol == "claim":
            automaton.push(symbol, None)
        elif symbol == "step":
            automaton.push(symbol, tree.ErrorStep(span))
        else:
            word = self.text[span.start : span.end].split(maxsplit=1)
            automaton.push(symbol, tree.ErrorStatement(word[0] if word else "", name, span))
        automaton.last = "NAME"

    def name_of(self, at: int) -> str | None:
        """What the broken statement would have named: the token behind its word."""
        for value in self.automaton.values[at + 1 : at + 2]:
            if type(value) is Token and value.text[:1].isalpha():
                return value.text.rstrip("(: \t") or None
        return None

    def skip(self, failure: Token, symbol: str) -> int:
        """Moves on to where the automaton may take up again; gives the end of what was passed over."""
        automaton, text = self.automaton, self.text
        match, names, literals = (
            automaton.tables.match,
            automaton.tables.names,
            automaton.tables.literals,
        )
        depth = 0
        pos = end_of_last = failure.start
        while True:
            found = match(text, pos)
            if found is None:
                kind, _, begin, end = automaton.no_token(pos)
                if kind == END:
                    automaton.pos = begin
                    return end_of_last
                pos = end_of_last = end
                continue
            group = found.lastindex or 0
            begin, end = found.span(group)
            kind = names[group]
            if kind == "LITERAL":
                kind = literals[text[begin:end]]
            if group < 3:
                automaton.pos, automaton.last = pos, "NAME"
                kind, begin, end = automaton.gap(pos)
                if kind and (depth == 0 or nearby.STATEMENT.match(text, end)):
                    automaton.forget_comments(begin)
                    automaton.pos = begin
                    return end_of_last
                pos = max(end, automaton.pos)
                continue
            if depth == 0 and (
                (kind in ("ARROW", "CLAIMS") and symbol not in ("statement", "let"))
                or (kind == "COMMA" and symbol == "claim")
                or (kind in ("RSQB", "VBAR", "RBRACE") and self.closes(kind))
            ):
                automaton.pos = begin
                return end_of_last
            if kind in OPENS:
                depth += 1
            elif kind in CLOSES and depth:
                depth -= 1
            pos = end_of_last = end

    def closes(self, kind: str) -> bool:
        inside = self.automaton.brackets[-1].kind if self.automaton.brackets else ""
        return inside == ("{" if kind == "RBRACE" else "[")
