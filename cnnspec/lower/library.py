"""A target's runtime library as text: read from its modules, which are never imported here.

They are ordinary modules, linted and tested as such; an emitted program gets the source of those functions
and classes that it uses, in the order of the modules, without the imports between them.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Piece(NamedTuple):
    """A function or class of a module: its text, and the names that it needs."""

    text: str
    names: frozenset[str]


@cache
def pieces(folder: Path, *modules: str) -> Mapping[str, Piece]:
    """All functions and classes of a folder's modules by name, in the order of the modules."""
    found: dict[str, Piece] = {}
    for module in modules:
        text = (folder / f"{module}.py").read_text(encoding="utf-8")
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


def needed(text: str, known: Mapping[str, Piece]) -> list[str]:
    """The texts of the pieces that a program's own code uses, and of all that these use, each once, in the
    order of the modules."""
    wanted: set[str] = set()
    waiting = list(names_in(ast.parse(text)))
    while waiting:
        name = waiting.pop()
        if name in known and name not in wanted:
            wanted.add(name)
            waiting += known[name].names
    return [piece.text for name, piece in known.items() if name in wanted]
