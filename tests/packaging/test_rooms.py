"""No function is longer than a screen, and no ladder of classes is higher than two: a function takes what it
needs, and what many need is one context object."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "cnnspec"
MOST_LINES = 80
MOST_CLASSES = 2
FAMILIES = {"cnnspec.ops.base.Op", "pydantic.BaseModel", "torch.nn.Module"}
"""Layers, pydantic's values and the modules of emitted programs: what they derive from says what they are."""


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


@cache
def trees() -> dict[str, ast.Module]:
    return {module_of(path): ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def classes() -> dict[str, tuple[str, ast.ClassDef]]:
    return {
        f"{module}.{node.name}": (module, node)
        for module, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }


@cache
def imported() -> dict[str, str]:
    return {
        f"{module}.{alias.asname or alias.name}": f"{node.module}.{alias.name}"
        for module, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def bases(name: str) -> Iterator[str]:
    """The bases of a class, each with the module that it is defined in."""
    module, node = classes().get(name, ("", None))
    for base in node.bases if node else ():
        while isinstance(base, ast.Subscript):
            base = base.value
        first, *rest = ast.unparse(base).split(".")
        first = f"{module}.{first}"
        while first in imported():
            first = imported()[first]
        yield ".".join((first, *rest))


def ladder(name: str) -> list[str]:
    """The longest chain of classes, from this one upwards."""
    return [name, *max(map(ladder, bases(name)), key=len, default=[])]


def test_no_function_is_longer_than_80_lines() -> None:
    functions = [
        (module, node)
        for module, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert len(functions) > 4000
    lines = {f"{module}.{node.name}": (node.end_lineno or 0) - node.lineno + 1 for module, node in functions}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def test_no_ladder_of_classes_is_higher_than_two() -> None:
    ladders = [one for one in map(ladder, classes()) if not FAMILIES.intersection(one)]
    assert len(ladders) > 300
    own = ([name for name in one if name in classes()] for one in ladders)
    assert [one for one in own if len(one) > MOST_CLASSES] == []
