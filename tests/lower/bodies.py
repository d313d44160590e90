"""The classes and functions of an emitted program, compared without the names that do not count: their own,
those of their local variables, and those of others that have equal bodies."""

from __future__ import annotations

import ast
import re
from collections import defaultdict

from cnnspec.ir.graph import Graph
from cnnspec.lower.names import camel

Definition = ast.ClassDef | ast.FunctionDef


def definitions(program: str) -> list[Definition]:
    return [node for node in ast.parse(program).body if isinstance(node, Definition)]


def alike(program: str) -> list[list[str]]:
    """The names of definitions that have equal bodies."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    first: dict[str, str] = {}
    for node in definitions(program):
        name = node.name
        names = found[_written(node, first)]
        names.append(name)
        first[name] = names[0]
    return [names for names in found.values() if len(names) > 1]


def _written(node: Definition, first: dict[str, str]) -> str:
    known = {**first, node.name: "itself"}
    node.name = ""
    functions = [node] if isinstance(node, ast.FunctionDef) else []
    if isinstance(node, ast.ClassDef):
        node.bases = [_Renamed(set(), known).visit(base) for base in node.bases]
        functions = [one for one in node.body if isinstance(one, ast.FunctionDef)]
    for one in (node, *functions):
        if ast.get_docstring(one, clean=False) is not None:
            one.body = one.body[1:] or [ast.Pass()]
    for function in functions:
        _Renamed(_local(function), known).visit(function)
    return ast.dump(node)


def _local(function: ast.FunctionDef) -> set[str]:
    nodes = list(ast.walk(function))
    local = {node.arg for node in nodes if isinstance(node, ast.arg)}
    local |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return local - {"self"}


class _Renamed(ast.NodeTransformer):
    """Local variables by their order; others as `known` says."""

    def __init__(self, local: set[str], known: dict[str, str]) -> None:
        self.local, self.known = local, known
        self.numbers: dict[str, str] = {}

    def name(self, name: str) -> str:
        if name in self.local:
            return self.numbers.setdefault(name, f"local{len(self.numbers)}")
        return self.known.get(name, name)

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self.name(node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.arg = self.name(node.arg)
        self.generic_visit(node)
        return node


def uses_of_a_block(program: str, network: Graph) -> dict[str, list[str]]:
    """By block, the names of the classes or functions that a program has for it."""
    blocks = {camel(block.name): block.name for block in network.blocks}
    found: dict[str, list[str]] = {name: [] for name in blocks.values()}
    nodes = definitions(program)
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    for node in classes[:-1]:  # the last one is the model
        stem = node.name.removeprefix("Frozen")
        names = (stem, *(re.sub(end, "", stem) for end in (r"_?\d+$", r"\dd$", r"Block\d*$")))
        block = next((blocks[name] for name in names if name in blocks), None)
        if block is not None:
            found[block].append(node.name)
    for node in nodes:
        said = re.match(r"The block (?:frozen_)?(\w+),", ast.get_docstring(node) or "")
        names = (said[1], re.sub(r"_?\d+$|_$", "", said[1])) if said is not None else ()
        block = next((name for name in names if name in found), None)
        if block is not None:
            found[block].append(node.name)
    return found


def kinds(network: Graph) -> dict[str, int]:
    """By block, how many classes it may have: one for each number of axes, and for frozen uses and others."""
    ranks: defaultdict[str, set[object]] = defaultdict(set)
    for body in network.bodies:
        block = network.templates[body.template].block
        if block is not None:
            shapes = body.values[: body.inputs]
            frozen = any(getattr(getattr(step, "op", None), "frozen", False) for step in body.steps)
            ranks[block].add((tuple(len(shape or ()) for shape in shapes), frozen))
    return {block: len(found) for block, found in ranks.items()}
