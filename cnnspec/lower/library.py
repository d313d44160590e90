"""A target's runtime library as text. Its modules are read, and never imported here.

They are ordinary modules, linted and tested as such. An emitted program gets the source of the functions and
classes that it uses, in the order of the modules, without the imports between them."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from cnnspec.lower.call import NOTHING


class Piece(NamedTuple):
    """A function (or another name for one) or a class of a module: its text, the names that it needs, and its
    parameters with their defaults."""

    text: str
    names: frozenset[str]
    parameters: dict[str, Any]


@cache
def pieces(folder: Path, *modules: str) -> Mapping[str, Piece]:
    """All functions and classes of a folder's modules by name, in the order of the modules."""
    pieces_by_name: dict[str, Piece] = {}
    for module in modules:
        text = (folder / f"{module}.py").read_text(encoding="utf-8")
        lines = text.split("\n")
        for node in ast.parse(text).body:
            decorators = getattr(node, "decorator_list", [])
            first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
            own = "\n".join(lines[first - 1 : node.end_lineno])
            match node:
                case ast.FunctionDef(name) | ast.ClassDef(name) | ast.Assign([ast.Name(name)]):
                    assert name not in pieces_by_name, f"{name} is defined twice"
                    parameters = _parameters(node)
                    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
                        parameters = pieces_by_name[node.value.id].parameters
                    pieces_by_name[name] = Piece(own, names_in(node), parameters)
    return pieces_by_name


def _parameters(node: ast.stmt) -> dict[str, Any]:
    """Each parameter with its default; NOTHING where it has none, or one that is not a number."""
    if not isinstance(node, ast.FunctionDef):
        return {}
    plain, named = node.args.args, node.args.kwonlyargs
    defaults = dict.fromkeys((one.arg for one in (*plain, *named)), NOTHING)
    last = plain[len(plain) - len(node.args.defaults) :]
    for one, default in zip((*last, *named), (*node.args.defaults, *node.args.kw_defaults), strict=True):
        defaults[one.arg] = default.value if isinstance(default, ast.Constant) else NOTHING
    return defaults


def names_in(node: ast.AST) -> frozenset[str]:
    """The names that a piece of code uses and does not define itself."""
    used: set[str] = set()
    bound: set[str] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            (bound if isinstance(inner.ctx, ast.Store) else used).add(inner.id)
        elif isinstance(inner, ast.arg):
            bound.add(inner.arg)
    return frozenset(used - bound)


class Needed(NamedTuple):
    """The texts of the pieces that a program uses, and all the names that it and these pieces use."""

    texts: list[str]
    names: set[str]


def needed(text: str, known: Mapping[str, Piece]) -> Needed:
    """The pieces that a program's own code uses, and all that these use, each once, in the order of the
    modules."""
    used: set[str] = set()
    waiting = list(names_in(ast.parse(text)))
    while waiting:
        name = waiting.pop()
        if name not in used:
            used.add(name)
            waiting += known[name].names if name in known else ()
    return Needed([piece.text for name, piece in known.items() if name in used], used)
