"""The parser's tables, read once from tables.json (see compile_grammar.py)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from operator import itemgetter
from typing import Any, NamedTuple

from lark.grammar import NonTerminal, Rule
from lark.parsers.lalr_analysis import IntParseTable, Reduce, Shift
from lark.parsers.lalr_interactive_parser import InteractiveParser
from lark.parsers.lalr_parser_state import ParseConf, ParserState

from cnnspec.language.builder import ACTIONS, Action, Context
from cnnspec.language.tokens import ARROWS

Match = Callable[[str, int], "re.Match[str] | None"]


class NumberedRule(Rule):
    """A rule compared by identity: lark's own hash goes through a rule's symbols at each reduction."""

    __slots__ = ()
    __eq__ = object.__eq__
    __hash__ = object.__hash__


class Tables(NamedTuple):
    table: IntParseTable
    """lark's: for each state {symbol: (Shift, state) or (Reduce, rule)}."""
    actions: dict[Rule, Action | None]
    """The builder's function for each rule; None where its one symbol's value is passed on."""
    match: Match
    """Tries the tokens that are allowed everywhere; passes over spaces before them."""
    names: list[str]
    """The terminal of each of the match's groups: its `lastindex` is the index."""
    literals: dict[str, str]
    keywords: dict[str, str]
    contextual: dict[int, tuple[str, list[str]]]
    """For the states that take tokens of one context: how to find one, and their names, by group."""
    entered_by: dict[int, str]
    """The symbol by which each state is reached."""

    def parser(self, start: str, context: Context) -> InteractiveParser:
        first = itemgetter(0)
        callbacks: Any = {
            rule: partial(action, context) if action else first for rule, action in self.actions.items()
        }
        thread: Any = None  # tokens are fed
        state = ParserState(ParseConf(self.table, callbacks, start), thread)
        return InteractiveParser(None, state, thread)


@cache
def load() -> Tables:
    import json

    with open(__file__.removesuffix("tables.py") + "tables.json", encoding="utf-8") as file:
        data: dict[str, Any] = json.load(file)
    # pasted arrows are read as plain ones (they have been reported)
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
    contextual: dict[int, tuple[str, list[str]]] = {}
    for name, pattern in data["contextual"]:
        for state, row in enumerate(data["rows"]):
            if name in row:
                before, terminals = contextual.get(state, ("", list[str]()))
                contextual[state] = f"{before}{'|' * bool(terminals)}({pattern})", [*terminals, name]
    contextual = {state: (f"[ \t]*(?:{pattern})", listed) for state, (pattern, listed) in contextual.items()}
    actions: dict[Rule, Action | None] = {
        NumberedRule(NonTerminal(origin), [NonTerminal("")] * size): ACTIONS[alias] if alias else None
        for origin, size, alias in data["rules"]
    }
    rules = list(actions)
    states: dict[int, dict[str, tuple[Any, Any]]] = {}
    for number, (row, goto) in enumerate(zip(data["rows"], data["goto"], strict=True)):
        states[number] = {
            symbol: (Shift, step) if step >= 0 else (Reduce, rules[-1 - step]) for symbol, step in row.items()
        }
        states[number].update({symbol: (Shift, step) for symbol, step in goto.items()})
    first, last = ({start: pair[end] for start, pair in data["starts"].items()} for end in (0, 1))
    return Tables(
        IntParseTable(states, first, last),  # type: ignore[no-untyped-call]
        actions,
        re.compile("[ \t]*(?:" + "|".join(f"({pattern})" for pattern in patterns) + ")").match,
        names,
        data["literals"],
        data["keywords"],
        contextual,
        {
            step: symbol
            for row in states.values()
            for symbol, (action, step) in row.items()
            if action is Shift
        },
    )
