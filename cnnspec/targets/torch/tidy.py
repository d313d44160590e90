"""Numbers as a person would write them: `2 * k` for `k * 8 // 4`, `c + 2 * k` for `c + k + k`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import partial

from cnnspec.lower.program import Condition
from cnnspec.lower.symbolic import Apply, Const, Node, Var, apply
from cnnspec.targets.torch.pieces import Changing, Growing, Piece, Series, mapped, walk
from cnnspec.targets.torch.plan import Parameter, Plan, asked

WHOLE = frozenset({"+", "-", "*", "%", "//", "neg", "min", "max"})
"""The operations that give whole numbers for whole numbers."""


def tidied(plan: Plan, parameters: Iterable[Parameter]) -> None:
    """Simplifies the numbers of a class where its parameters are whole."""
    known = {parameter.variable for parameter in parameters if parameter.annotation == "int"}
    for number, (name, node) in enumerate(plan.lets):
        plan.lets[number] = (name, tidy(known, node))
        if _is_whole(plan.lets[number][1], known):
            known.add(name)
    for step in plan.steps:
        if step.piece is not None:
            step.piece = mapped(step.piece, partial(tidy, known | _counted(step.piece)))
    conditions: list[Condition] = asked(plan.items)
    for condition in conditions:
        condition.node = tidy(known, condition.node)


def _counted(piece: Piece) -> set[str]:
    """The numbers of the passes, and the sizes that grow from pass to pass."""
    loops = [part for part in walk(piece) if isinstance(part, Series | Growing)]
    sizes: list[Changing] = [size for loop in loops if isinstance(loop, Growing) for size in loop.sizes]
    return {loop.index for loop in loops} | {size.variable for size in sizes}


def tidy(known: Collection[str], node: Node) -> Node:
    """The same number in fewer operations; `known` are the variables that are whole."""
    if not isinstance(node, Apply):
        return node
    arguments = tuple(tidy(known, argument) for argument in node.arguments)
    node = Apply(node.operator, arguments)
    if node.operator == "//" and _is_whole(node, known):
        return _divided(*arguments)
    if node.operator == "*" and sum(isinstance(one, Const) for one in _factors(node, "*")) > 1:
        return _times(*_product(node)) if _is_whole(node, known) else node
    if node.operator in ("+", "-") and _is_whole(node, known):
        return _summed(node)
    return node


def _is_whole(node: Node, known: Collection[str]) -> bool:
    match node:
        case Const():
            return type(node.value) is int
        case Var():
            return node.name in known
    return node.operator in WHOLE and all(_is_whole(argument, known) for argument in node.arguments)


def _factors(node: Node, operator: str) -> list[Node]:
    if isinstance(node, Apply) and node.operator == operator:
        return [factor for argument in node.arguments for factor in _factors(argument, operator)]
    return [node]


def _product(node: Node) -> tuple[int, list[Node]]:
    """The number and the other factors of a product."""
    times = 1
    others: list[Node] = []
    for one in _factors(node, "*"):
        if isinstance(one, Const):
            times *= one.value
        else:
            others.append(one)
    return times, others


def _times(number: int, others: Iterable[Node]) -> Node:
    product: Node = Const(number)
    for one in others:
        product = apply("*", product, one)
    return product


def _divided(left: Node, right: Node) -> Node:
    """A product over a number that divides it."""
    times, others = _product(left)
    if not isinstance(right, Const) or right.value <= 0 or times % right.value:
        return Apply("//", (left, right))
    return _times(times // right.value, others)


def _summed(node: Node) -> Node:
    """A sum in which a term stands more than once, or is added and subtracted: `5 * k` for
    `2 * k + k * 3`."""
    signed = [*_terms(node, 1)]
    times: dict[tuple[Node, ...], int] = {}
    for term, sign in signed:
        number, factors = _product(term)
        times[*factors,] = times.get((*factors,), 0) + sign * number
    if len(times) == len(signed):
        return node
    constant = times.pop((), 0)
    rest = [one for one in times.items() if one[1]]
    total: Node = Const(0)
    if not any(count > 0 for _, count in rest):
        total, constant = Const(constant), 0
    for others, count in sorted(rest, key=lambda one: one[1] < 0):
        total = apply("+" if count > 0 else "-", total, _times(abs(count), others))
    return apply("+" if constant >= 0 else "-", total, Const(abs(constant)))


def _terms(node: Node, sign: int) -> Iterator[tuple[Node, int]]:
    if isinstance(node, Apply) and node.operator in ("+", "-"):
        left, right = node.arguments
        yield from _terms(left, sign)
        yield from _terms(right, sign if node.operator == "+" else -sign)
    else:
        yield node, sign
