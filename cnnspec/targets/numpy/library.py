"""The layer functions as text: read from the modules in `layers/`, which are never
imported here.

They are ordinary modules, linted and tested as such; an emitted program gets the source of those functions
that it uses, in the order of the modules, without the imports between them.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple

MODULES = (
    "net",
    "windows",
    "conv",
    "dwconv",
    "deconv",
    "pool",
    "norm",
    "activation",
    "dense",
    "resample",
    "merge",
    "loss",
)
"""In the order in which a program is read."""


class Piece(NamedTuple):
    """A function or class of a module: its text, and the names that it needs."""

    text: str
    names: frozenset[str]


@cache
def pieces() -> dict[str, Piece]:
    """All functions and classes by name, in the order of the program."""
    found: dict[str, Piece] = {}
    for module in MODULES:
        text = (Path(__file__).parent / "layers" / f"{module}.py").read_text(encoding="utf-8")
        lines = text.split("\n")
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                assert node.name not in found, f"{node.name} is defined twice"
                found[node.name] = Piece("\n".join(lines[node.lineno - 1 : node.end_lineno]), names_in(node))
    return found


def names_in(node: ast.AST) -> frozenset[str]:
    """The names that a piece of code reads and does not bind itself."""
    names = [inner for inner in ast.walk(node) if isinstance(inner, ast.Name)]
    bound = {inner.arg for inner in ast.walk(node) if isinstance(inner, ast.arg)}
    bound |= {name.id for name in names if isinstance(name.ctx, ast.Store)}
    return frozenset(name.id for name in names) - bound


def needed(text: str) -> list[str]:
    """The texts of the pieces that a program's own functions use, and of all that these use, each once, in
    the order of the modules."""
    known = pieces()
    wanted: set[str] = set()
    waiting = list(names_in(ast.parse(text)))
    while waiting:
        name = waiting.pop()
        if name in known and name not in wanted:
            wanted.add(name)
            waiting += known[name].names
    return [piece.text for name, piece in known.items() if name in wanted]
