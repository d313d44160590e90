"""The layer functions as text: read from the modules in `layers/`, which are never
imported here.

They are ordinary modules, linted and typed and tested as such; an emitted program gets
the source of those functions that it uses, in the order of the modules, without the
imports between them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cnnspec.lower.writer import WIDTH, Group
from cnnspec.lower.writer import lines as writer_lines

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


@dataclass(frozen=True, slots=True)
class Piece:
    """A definition at the top of a module: its text, and the names of other pieces that
    it uses."""

    name: str
    text: str
    uses: tuple[str, ...]


@cache
def pieces() -> dict[str, Piece]:
    """All definitions by name, in the order of the program."""
    folder = Path(__file__).parent / "layers"
    found: dict[str, tuple[str, ast.stmt]] = {}
    for module in MODULES:
        text = (folder / f"{module}.py").read_text(encoding="utf-8")
        lines = text.split("\n")
        body = ast.parse(text).body
        for place, node in enumerate(body):
            name = _defined(node)
            if name is None:
                continue
            first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
            following = body[place + 1] if place + 1 < len(body) else None
            last = node.end_lineno or first
            if isinstance(following, ast.Expr) and isinstance(node, ast.Assign):  # its docstring
                last = following.end_lineno or last
            assert name not in found, f"{name} is defined twice"
            if not _only_a_type(node):
                found[name] = _bare(text, lines[first - 1 : last], node), node
    return {
        name: Piece(name, text, tuple(other for other in _names(node) if other in found and other != name))
        for name, (text, node) in found.items()
    }


def _only_a_type(node: ast.stmt) -> bool:
    """`Pair = tuple[int, int]`: programs have no annotations, and so no need of it."""
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript | ast.BinOp | ast.Attribute)


def _bare(module: str, text: list[str], node: ast.stmt) -> str:
    """The definition without annotations and without remarks to the type checker, as the
    notes would write it."""
    made = [line.split("  # type: ignore")[0] for line in text]
    offset = node.lineno - 1
    for inner in ast.walk(node):
        if isinstance(inner, ast.AnnAssign) and inner.value is not None:
            row = inner.lineno - 1 - offset
            target, value = (ast.get_source_segment(module, part) for part in (inner.target, inner.value))
            made[row] = f"{' ' * inner.col_offset}{target} = {value}"
            made[row + 1 : (inner.end_lineno or 0) - offset] = []
    functions = [inner for inner in ast.walk(node) if isinstance(inner, ast.FunctionDef)]
    for function in sorted(functions, key=lambda inner: -inner.lineno):
        start, end = function.lineno - 1 - offset, function.body[0].lineno - 1 - offset
        level = function.col_offset // 4
        header = Group(f"def {function.name}(", tuple(_arguments(module, function.args)))
        opened = writer_lines(header, level, WIDTH - 4 * level - 1)
        opened[0] = "    " * level + opened[0]
        opened[-1] += ":"
        made[start:end] = opened
    return "\n".join(made)


def _arguments(module: str, arguments: ast.arguments) -> list[str]:
    """`x`, `S=1`, `*xs`."""
    plain = arguments.posonlyargs + arguments.args
    defaults = [None] * (len(plain) - len(arguments.defaults)) + list(arguments.defaults)
    found = [
        argument.arg if default is None else f"{argument.arg}={ast.get_source_segment(module, default)}"
        for argument, default in zip(plain, defaults, strict=True)
    ]
    if arguments.vararg is not None:
        found.append(f"*{arguments.vararg.arg}")
    elif arguments.kwonlyargs:
        found.append("*")
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        found.append(
            argument.arg if default is None else f"{argument.arg}={ast.get_source_segment(module, default)}"
        )
    return found


def _defined(node: ast.stmt) -> str | None:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name
    return None


def _names(node: ast.AST) -> Iterable[str]:
    """The names that it reads and does not bind itself."""
    bound = {inner.arg for inner in ast.walk(node) if isinstance(inner, ast.arg)}
    types = {
        inner
        for outer in ast.walk(node)
        for part in (getattr(outer, "annotation", None), getattr(outer, "returns", None))
        if part is not None
        for inner in ast.walk(part)
    }
    names = [inner for inner in ast.walk(node) if isinstance(inner, ast.Name) and inner not in types]
    bound |= {name.id for name in names if isinstance(name.ctx, ast.Store)}
    return dict.fromkeys(name.id for name in names if name.id not in bound)


def needed(names: Iterable[str]) -> list[Piece]:
    """The pieces of these names and all that they use, each once, in the order of the
    modules."""
    known = pieces()
    wanted: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += known[name].uses
    return [piece for name, piece in known.items() if name in wanted]
