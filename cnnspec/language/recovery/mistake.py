"""A syntax error as the rules see it: the token found, the tokens expected, the tokens around it, the
text."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnspec.diagnostics import Cause, Edit, Span, line_start
from cnnspec.language.tokens import END, UNKNOWN, Token
from cnnspec.notations import Translation, translate

if TYPE_CHECKING:
    from cnnspec.language.parser import Parser

REST = re.compile(r"[^\r\n]*")
_FAR, _LONGEST_LINE, _NEAR = 400, 600, 60
_EXPECTED = (
    ("MODEL", "a statement or a line of steps"),
    ("HYPER NAME NUMBER", "an argument"),
    ("CALL LSQB IF", "a step"),
    ("HYPER NAME", "a name"),
    ("CLAIM_NUMBER DIM", "a claim's value"),
    ("CLAIM_NUMBER", "a claimed number"),
    ("NUMBER CALL", "a number, a name, an expression"),
    ("DIM", "a shape such as 3x224x224"),
    ("NUMBER", "a number"),
    ("MATRIX_NUMBER", "a number"),
    ("CALL", "a name with its parameters in brackets, `f(k)`"),
    ("NAME", "a name"),
    ("REFERENCE", "a label such as @skip"),
)
"""What is expected where all these tokens would be allowed; the first entry that applies."""
_MARKS = {
    "ARROW": "`->`", "CLAIMS": "`=>`", "COMMA": "`,`", "EQUAL": "`=`", "RPAR": "`)`", "LBRACE": "`{`",
    "RSQB": "`]`", "VBAR": "`|`", "RBRACE": "`}`", "ELSE": "`else`", "_NL": "a line break",
}  # fmt: skip
_ENDS = ("RSQB", "VBAR", "RBRACE", "_NL")


class Answer(NamedTuple):
    """A finding and, where the meaning is clear, how the parser continues."""

    code: str
    message: str
    span: Span
    help: str = ""
    fix: tuple[Edit, ...] = ()
    safe: bool = False
    cause: Cause | None = None
    reads: str | Token | None = None
    """The text to parse in place of the marked characters; None where the step is left out."""
    resume: int = -1
    """Where the text continues; -1 for after the marked characters."""
    since: int = -1
    """What was parsed from this place on is removed first; -1 for the marked characters."""
    merges: str = ""
    """The word of the merge for the branches in the innermost brackets."""


def rewritten(
    span: Span, plain: str, message: str, help: str = "", code: str = "E102", **more: Any
) -> Answer:
    """A finding whose fix replaces a place by `plain`."""
    return Answer(code, message, span, help or f"write `{plain}`", (Edit(span, plain),), **more)


class Part(NamedTuple):
    """Something on the parser's stack: a token, or a whole expression, chain, …"""

    symbol: str
    start: int
    token: Token | None


class Mistake:
    """`found` cannot come after what was read so far. `kind`, `word`, `start` and `end` are its own;
    `last` is the type of the token before; `inside` the innermost open bracket, which is at `opened`.
    """

    text: str
    accepts: Callable[[str], bool]
    kind: str
    word: str
    start: int
    end: int
    last: str
    inside: str
    opened: int

    def __init__(self, parser: Parser, token: Token) -> None:
        self._parser, self.found = parser, token
        self.text, self.sink, self.accepts = parser.text, parser.sink, parser.accepts
        self.kind, self.word, self.start, self.end = token
        self.last = parser.lexer.last
        brackets = parser.lexer.brackets
        self.inside, self.opened = (brackets[-1].kind, brackets[-1].span.start) if brackets else ("", -1)

    @property
    def span(self) -> Span:
        return Span(self.start, self.end) if self.kind != "_NL" else Span(self.start, self.start)

    @property
    def shown(self) -> str:
        """The token in plain words."""
        if self.kind == END:
            return "the end of the file"
        if self.kind == "_NL":
            return "the end of the line"
        if self.kind == UNKNOWN and (not self.word.isprintable() or self.word == "`"):
            return f"the character U+{ord(self.word):04X}"
        return f"`{self.word.strip()}`"

    @cached_property
    def expected(self) -> str:
        """The tokens that are possible here, in plain words."""
        kinds = {kind for kind in self._parser.lark.choices() if kind.isupper() and self.accepts(kind)}
        parts = [next((shown for all_of, shown in _EXPECTED if kinds.issuperset(all_of.split())), "")]
        is_step = parts[0].startswith("a st")
        if {"STAR", "DIVIDE"} <= kinds and parts != ["an argument"]:
            parts.append("an operator")
        parts += [
            shown for kind, shown in _MARKS.items() if kind in kinds and not (is_step and kind in _ENDS)
        ]
        if "LSQB" in kinds and not is_step and "an argument" not in parts:
            parts.append("`[`")
        parts = [part for part in ", ".join(parts).split(", ") if part] or ["the end of the file"] * (
            END in kinds
        )
        return " or ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)

    @cached_property
    def before_step(self) -> bool:
        """Whether a step may begin here (an argument begins like a step, or with a number)."""
        return self.accepts("CALL") and self.accepts("LSQB") and not self.accepts("NUMBER")

    @cached_property
    def in_claims(self) -> bool:
        return self.accepts("CLAIM_NUMBER") or self.last == "CLAIM_NUMBER"

    def part(self, back: int) -> Part:
        """The last part that was parsed, the one before it, …"""
        values: list[Any] = self._parser.values
        if back >= len(values):
            return Part("", -1, None)
        value = values[-1 - back]
        symbol = self._parser.lexer.tables.entered_by[self._parser.states[-1 - back]]
        return Part(symbol, begin_of(value), value if type(value) is Token else None)

    def opens(self, bracket: str) -> int:
        """The number of open brackets of these kinds."""
        return sum(one.kind == bracket for one in self._parser.lexer.brackets)

    def reported(self, start: int) -> bool:
        """Whether something that begins at a place was reported already."""
        return any(one.span.start == start for one in self.sink)

    def has_cause(self, cause: Cause, since: int = -1) -> bool:
        """Whether something with this cause was reported already after a place."""
        return any(one.cause == cause and one.span.start > since for one in self.sink)

    # --- the text around --------------------------------------------------------------------------

    @cached_property
    def begin(self) -> int:
        """Where the line begins."""
        return line_start(self.text, self.start)

    @cached_property
    def line(self) -> str:
        """The line, as far as rules for whole lines look: nothing where the mistake is far behind."""
        if self.start - self.begin > _FAR:
            return ""
        return (self.text[self.begin : self.begin + _LONGEST_LINE].splitlines() or [""])[0]

    @property
    def place(self) -> int:
        """The place of the mistake on its line, before the line's end."""
        return max(self.begin, self.start - 1) if self.kind == "_NL" else self.start

    @cached_property
    def translation(self) -> Translation | None:
        """The other tool's notation around it."""
        return translate(self.text, self.place) if self.start - self.begin <= _FAR else None

    @property
    def head(self) -> str:
        """The line before the token."""
        return self.text[self.begin : self.start]

    @property
    def line_end(self) -> int:
        match = REST.match(self.text, self.start)
        return match.end() if match else self.end

    @property
    def rest(self) -> str:
        """The line after the token."""
        return self.text[self.end : self.line_end]

    @property
    def gap(self) -> Span:
        """The place before the blanks before the token."""
        start = self.start
        while start > 0 and self.text[start - 1] in " \t":
            start -= 1
        return Span(start, start)

    def here(self, pattern: str) -> re.Match[str] | None:
        return re.compile(pattern).match(self.text, self.start)

    def behind(self, pattern: str) -> re.Match[str] | None:
        return re.compile(pattern).match(self.text, self.end)

    def of_line(self, pattern: str) -> re.Match[str] | None:
        return re.compile(pattern).match(self.text, self.begin)

    def around(self, pattern: str | re.Pattern[str], group: int = 0) -> re.Match[str] | None:
        """The match that contains the token and does not begin with it."""
        near = max(self.begin, self.start - _NEAR)
        for match in re.compile(pattern).finditer(self.text, near, self.start + _NEAR):
            if match.start(group) < self.start < match.end(group):
                return match
        return None


def begin_of(value: Any) -> int:
    """The offset at which a parsed value begins; -1 if it has none."""
    if type(value) is Token:
        return value.start
    while isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, int):
        return value
    if type(value) is Token:
        return value.start
    return int(value.span.start) if hasattr(value, "span") else -1
