"""Compiles grammar/cnn.lark to tables.json: `python -m cnnspec.language.compile_grammar`.

lark reads the grammar, proves it LALR(1) without conflicts and its tokens without collisions (`strict`), and
works out the tables. What is written is plain JSON, so that the parser starts without lark and without
pickles.

The file holds

    rows        for each state {terminal: action}; n >= 0 shifts to state n, -1 - r reduces by rule r
    goto        for each state {nonterminal: state}
    rules       [nonterminal, number of symbols, name of the builder's function or null]
    starts      {start rule: [first state, last state]}
    tokens      [name, regular expression], in the order in which they are tried
    literals    {text: terminal} of tokens that are no words
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
STARTS = ("start", "expr")
CONTEXTUAL = 2


def compile_grammar(text: str) -> dict[str, Any]:
    """The tables of a grammar. Raises lark's GrammarError where it is not LALR(1) or tokens collide."""
    from lark import Lark
    from lark.lexer import PatternStr
    from lark.parsers.lalr_analysis import Shift

    lark = Lark(text, parser="lalr", lexer="contextual", strict=True, start=list(STARTS))
    table = lark.parser.parser._parse_table
    states = sorted(table.states)
    rules: list[Any] = []
    numbers: dict[Any, int] = {}
    rows: list[dict[str, int]] = []
    goto: list[dict[str, int]] = []
    # lark's numbering of states depends on hashes: number them anew, in the order of a walk from the starts
    order: dict[int, int] = {}
    queue = [table.start_states[start] for start in STARTS]
    while queue:
        state = queue.pop(0)
        if state in order:
            continue
        order[state] = len(order)
        queue += [arg for _, (action, arg) in sorted(table.states[state].items()) if action is Shift]
    assert len(order) == len(states)
    for state in sorted(order, key=order.__getitem__):
        row: dict[str, int] = {}
        jumps: dict[str, int] = {}
        for symbol, (action, arg) in sorted(table.states[state].items()):
            if action is Shift:
                # names in capitals are terminals
                (row if symbol.lstrip("_")[:1].isupper() or symbol == "$END" else jumps)[symbol] = order[arg]
            else:
                if arg not in numbers:
                    numbers[arg] = len(rules)
                    size = len(arg.expansion)
                    if arg.alias is None and size != 1:
                        raise ValueError(f"a rule of {size} symbols needs an alias: {arg}")
                    rules.append([arg.origin.name, size, arg.alias])
                row[symbol] = -1 - numbers[arg]
        rows.append(row)
        goto.append(jumps)

    literals: dict[str, str] = {}
    keywords: dict[str, str] = {}
    tokens: list[tuple[int, int, str, str]] = []
    contextual: list[list[str]] = []
    for terminal in lark.terminals:
        if terminal.name.startswith("__IGNORE") or terminal.name == "_NL":
            continue  # spaces, comments and new lines are the parser's
        if isinstance(terminal.pattern, PatternStr):
            value = terminal.pattern.value
            (keywords if re.fullmatch(r"\w+", value) else literals)[value] = terminal.name
        elif terminal.priority >= CONTEXTUAL:
            contextual.append([terminal.name, terminal.pattern.to_regexp()])
        else:
            tokens.append((-terminal.priority, len(tokens), terminal.name, terminal.pattern.to_regexp()))
    return {
        "rows": rows,
        "goto": goto,
        "rules": rules,
        "starts": {
            start: [order[table.start_states[start]], order[table.end_states[start]]] for start in STARTS
        },
        "tokens": [[name, pattern] for _, _, name, pattern in sorted(tokens)],
        "literals": literals,
        "keywords": keywords,
        "contextual": contextual,
    }


def as_text(tables: dict[str, Any]) -> str:
    """The tables as JSON, a state a line, so that a change of the grammar shows as a readable difference."""
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
