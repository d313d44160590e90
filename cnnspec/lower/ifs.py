"""`if`s: only the side that is taken, where all uses take the same one; else a statement with both sides, and
the tensors that it decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cnnspec.ir.expr import operations
from cnnspec.ir.template import IfSite
from cnnspec.lower.call import Diverges
from cnnspec.lower.program import SIZES, Condition, If, Let, Statement, Tensor, When, letters_of
from cnnspec.lower.symbolic import Apply, Const, Node, Var, apply, replaced

if TYPE_CHECKING:
    from cnnspec.lower.frame import Frame

LONGEST = 40
"""The longest expression, in operations, that is written again wherever it is needed."""


def decide(frame: Frame, site: IfSite) -> None:
    """Lowers an `if` of the author's."""
    taken = {n: use.taken[id(site)] for n, use in enumerate(frame.uses) if id(site) in use.taken}
    if not taken:
        return
    if len(set(taken.values())) == 1:
        holds = next(iter(taken.values()))
        frame.sites(site.then if holds else site.otherwise)
        for number, join in site.joins.items():
            side = join.then if holds else join.otherwise
            if side is not None and side in frame.tensors:
                frame.tensors[number] = frame.tensors[side]
                if side in frame.optional:
                    frame.optional[number] = frame.optional[side]
        return
    node = frame.expression(site.condition, site.at, taken)
    statement: If[Statement] = If(condition_for(frame, node if node is not None else frame.lifted(taken)))
    outer = frame.here
    for holds, sites in ((True, site.then), (False, site.otherwise)):
        frame.here = statement.side(holds)
        frame.open.append((statement.condition, holds))
        frame.sites(sites)
        frame.open.pop()
    frame.here = outer
    frame.here.append(statement)
    for number, join in site.joins.items():
        _join(frame, statement, number, join.then, join.otherwise)


def condition_for(frame: Frame, node: Node) -> Condition:
    """The condition with this node: an earlier one where it is visible here, else a new one."""
    around: Frame | None = frame
    while around is not None:
        for known, under in around.conditions:
            if known.node == node and under == frame.open[: len(under)]:
                return known
        around = around.outer
    condition = Condition(len(frame.function.conditions), node)
    frame.function.conditions.append(condition)
    frame.conditions.append((condition, list(frame.open)))
    return condition


def _join(
    frame: Frame, statement: If[Statement], number: int, then: int | None, otherwise: int | None
) -> None:
    """Sets the tensor after an `if`. If only one side has it, it is that side's tensor, and exists only
    there."""
    sides = [frame.tensors.get(-1 if side is None else side) for side in (then, otherwise)]
    exists = [
        Const(False) if tensor is None or side is None else frame.optional.get(side, Const(True))
        for side, tensor in zip((then, otherwise), sides, strict=True)
    ]
    if exists != [Const(True), Const(True)]:
        frame.optional[number] = _present(Var(f"?{statement.condition.number}"), exists[0], exists[1])
    first, second = sides
    if first is None or second is None or first is second:
        tensor = first or second
        if tensor is not None:
            frame.tensors[number] = tensor
        return
    join(frame, statement, number, first, second)


def join(frame: Frame, statement: If[Statement], number: int, one: Tensor, other: Tensor) -> None:
    """Adds a tensor that is `one` on the first side of an `if` and `other` on the second."""
    joined = frame.tensor(number)
    if not frame.lowering.runtime_shapes:
        joined.dims = _joined_sizes(frame, statement.condition, number, one, other)
    statement.joins.append((joined, one, other))


def _joined_sizes(
    frame: Frame, condition: Condition, number: int, one: Tensor, other: Tensor
) -> tuple[Node | None, ...]:
    """The sizes of a tensor after an `if`: one side's, where they are right in every use, else an expression
    with the condition."""
    shapes = {n: use.shape(number) for n, use in enumerate(frame.uses) if number in use.values}
    nodes: list[Node | None] = []
    if len(one.dims) != len(other.dims):
        raise Diverges("an if whose sides have another number of axes")
    for axis, (then, otherwise) in enumerate(zip(one.dims, other.dims, strict=True)):
        sizes = {use: shape[axis] for use, shape in shapes.items()}
        both = None
        if then is not None and otherwise is not None:
            both = apply("if", condition.node, then, otherwise)
        right = next((node for node in (then, otherwise, both) if node and frame.right(node, sizes)), None)
        if right is both and isinstance(right, Apply) and right.operator == "if":
            right = _named(frame, right, sizes, letters_of(len(one.dims))[axis])
        nodes.append(right)
    return frame.checked(shapes, nodes)


def _named(frame: Frame, node: Node, sizes: Mapping[int, int], letter: str) -> Node | None:
    """A variable for a size that depends on an `if`, so that expressions with it stay short."""
    if frame.outer is not None or frame.open:
        return node if operations(node) <= LONGEST else None
    variable = frame.function.namer.take(SIZES[letter])
    for use, size in sizes.items():
        frame.uses[use].env[variable] = size
    frame.here.append(Let(variable, node))
    return Var(variable)


def when(frame: Frame, node: Node) -> When:
    """The condition and side that a truth value over conditions stands for; a new condition where it combines
    several."""
    conditions = frame.function.conditions
    if isinstance(node, Var):
        return conditions[int(node.name[1:])], True
    if isinstance(node, Apply) and node.operator == "not" and isinstance(node.arguments[0], Var):
        return conditions[int(node.arguments[0].name[1:])], False
    combined = Condition(
        len(conditions), replaced(node, {f"?{condition.number}": condition.node for condition in conditions})
    )
    conditions.append(combined)
    return combined, True


def _present(condition: Node, then: Node, otherwise: Node) -> Node:
    """A truth value: whether a tensor exists, from whether it exists on each side."""
    if then == Const(True) and otherwise == Const(False):
        return condition
    if then == Const(False) and otherwise == Const(True):
        return apply("not", condition)
    return apply("or", apply("and", condition, then), apply("and", apply("not", condition), otherwise))
