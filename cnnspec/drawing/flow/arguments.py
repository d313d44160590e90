"""The values of names in a block: a number that is equal in all uses, or else the author's expression."""

from __future__ import annotations

from collections.abc import Sequence

from cnnspec.drawing.flow.scope import Scope
from cnnspec.drawing.flow.symbols import substituted
from cnnspec.ir import expr
from cnnspec.ir.expr import Const, Expr, Var
from cnnspec.ir.graph import Block, Region
from cnnspec.ir.template import RegionSite

LONGEST = 6
"""The longest expression, in operations, that replaces its name."""


def call_arguments(site: RegionSite, scope: Scope) -> dict[str, Expr]:
    """The arguments of a use that are expressions here."""
    if not scope.symbolic:
        return {}
    arguments = {name: substituted(node, scope.names) for name, node in site.arguments.items()}
    return {name: node for name, node in arguments.items() if not isinstance(node, Const)}


def parameters(block: Block, site: RegionSite, scope: Scope, regions: Sequence[Region]) -> dict[str, Expr]:
    """The values of a block's parameters: the expressions that replace their names."""
    names: dict[str, Expr] = {}
    for parameter in block.parameters:
        name = parameter.name
        value = same(regions, name)
        if name in site.arguments and (scope.symbolic or isinstance(value, Var)):
            names[name] = short(substituted(site.arguments[name], scope.names), name)
        else:
            names[name] = value
    return names


def same(regions: Sequence[Region], name: str) -> Expr:
    """The number for a name that is equal in all uses; the name itself where uses differ."""
    values = {region.arguments.get(name) for region in regions}
    value = values.pop() if len(values) == 1 else None
    return Var(name) if value is None else Const(expr.parsed(value))


def short(node: Expr, name: str) -> Expr:
    """The expression for a name; the name itself where the expression is long."""
    return node if expr.operations(node) <= LONGEST else Var(name)
