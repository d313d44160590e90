"""Compiles grammar/cnn.lark to tables.json: `python -m cnnspec.language.compile_grammar`.

lark reads the grammar, proves that it is LALR(1) without conflicts and that its tokens do not collide
(`strict`), and computes the tables. They are written as plain JSON, so that the parser starts without lark
and without pickles.

The file holds

    rows        for each state {terminal: action}; n >= 0 shifts to state n, -1 - r reduces by rule r
    goto        for each state {nonterminal: state}
    rules       [nonterminal, number of symbols, name of the builder's function or null]
    starts      {start rule: [first state, last state]}
    tokens      [name, regular expression], in the order in which they are tried
    literals    {text: terminal} of tokens that are not words
    keywords    {word: terminal}
    contextual  [name, regular expression] of the tokens of priority 2, tried first where they fit
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

GRAMMAR = Path(__file__).parents[2] / "grammar" / "cnn.lark"
TABLES = Path(__file__).with_name("tables.json")
STARTS = ("start", "expr_or_list")
CONTEXTUAL = 2


def compile_grammar(text: str) -> dict[str, Any]:
    """The tables of a grammar. Raises lark's GrammarError where it is not LALR(1) or tokens collide."""
    from lark import Lark
    from lark.lexer import PatternStr
    from lark.parsers.lalr_analysis import Shift

    lark = Lark(text, parser="lalr", lexer="contextual", strict=True, start=list(STARTS))
    table = lark.parser.parser._parse_table
    # lark's numbering of states depends on hashes: number them anew, in the order of a walk from the starts
    order: dict[int, int] = {}
    queue = [table.start_states[start] for start in STARTS]
    for state in queue:  # grows during the loop
        if state not in order:
            order[state] = len(order)
            queue += [arg for _, (action, arg) in sorted(table.states[state].items()) if action is Shift]
    assert len(order) == len(table.states)
    numbers: dict[Any, int] = {}  # of the rules
    rows: list[dict[str, int]] = []
    goto: list[dict[str, int]] = []
    for state in order:
        rows.append({})
        goto.append({})
        for symbol, (action, arg) in sorted(table.states[state].items()):
            if action is not Shift:
                rows[-1][symbol] = -1 - numbers.setdefault(arg, len(numbers))
            elif symbol.lstrip("_")[:1].isupper() or symbol == "$END":  # terminals are in capitals
                rows[-1][symbol] = order[arg]
            else:
                goto[-1][symbol] = order[arg]
    for rule in numbers:
        if rule.alias is None and len(rule.expansion) != 1:
            raise ValueError(f"a rule of {len(rule.expansion)} symbols needs an alias: {rule}")

    literals: dict[str, str] = {}
    keywords: dict[str, str] = {}
    tokens: list[list[str]] = []
    contextual: list[list[str]] = []
    for terminal in sorted(lark.terminals, key=lambda terminal: -terminal.priority):
        if terminal.name.startswith("__IGNORE") or terminal.name == "_NL":
            continue  # spaces, comments and line breaks are the lexer's
        if isinstance(terminal.pattern, PatternStr):
            value = terminal.pattern.value
            (keywords if re.fullmatch(r"\w+", value) else literals)[value] = terminal.name
        else:
            kinds = contextual if terminal.priority >= CONTEXTUAL else tokens
            kinds.append([terminal.name, terminal.pattern.to_regexp()])
    return {
        "rows": rows,
        "goto": goto,
        "rules": [[rule.origin.name, len(rule.expansion), rule.alias] for rule in numbers],
        "starts": {
            start: [order[table.start_states[start]], order[table.end_states[start]]] for start in STARTS
        },
        "tokens": tokens,
        "literals": literals,
        "keywords": keywords,
        "contextual": contextual,
    }


def as_text(tables: dict[str, Any]) -> str:
    """The tables as JSON, one state per line, so that a change of the grammar gives a readable diff."""
    parts = []
    for key, value in tables.items():
        if isinstance(value, list):
            body = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in value)
            parts.append(f"{json.dumps(key)}:[\n{body}]")
        else:
            parts.append(f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}")
    return "{" + ",\n".join(parts) + "}\n"


def main() -> int:
    TABLES.write_text(as_text(compile_grammar(GRAMMAR.read_text(encoding="utf-8"))), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
