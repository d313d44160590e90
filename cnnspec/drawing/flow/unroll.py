"""Branches that are higher than a column: the longest one continues from column to column, and other readers
of the box above refer to it by name, beside the merge."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cnnspec.drawing.flow.arrange import Branch, Item, Leaf, Optional, Parallel, Tag
from cnnspec.drawing.flow.diagram import Edge, Node


def unrolled(
    items: Sequence[Item], nodes: Sequence[Node], height: Callable[[Item], float], most: float
) -> tuple[Item, ...]:
    """The items; an item that is higher than `most` is replaced by items that can be below one another."""
    unrolled_items: list[Item] = []
    for place, item in enumerate(items):
        high = isinstance(item, Parallel) and place and height(item) > most
        if not isinstance(item, Parallel) or not high or not _meets(item, nodes):
            unrolled_items.append(item)
            continue
        main = max(item.branches, key=lambda branch: sum(map(height, branch.items)))
        unrolled_items += unrolled([items[place - 1], *main.items], nodes, height, most)[1:]
        branches = [
            Branch((), branch.edge) if branch is main else _referring(branch, nodes)
            for branch in item.branches
        ]
        unrolled_items.append(Parallel(tuple(branches), item.merge))
    return tuple(unrolled_items)


def _meets(item: Parallel, nodes: Sequence[Node]) -> bool:
    return item.merge is not None and nodes[item.merge].kind != "choice"


def _referring(branch: Branch, nodes: Sequence[Node]) -> Branch:
    """A branch that begins with the name of its input."""
    edge = _read(branch, nodes)
    if edge is None or (branch.items and isinstance(branch.items[0], Tag)):
        return branch
    return Branch((Tag(edge), *branch.items), branch.edge)


def _read(branch: Branch, nodes: Sequence[Node]) -> Edge | None:
    """The edge into the first box of a branch; None where it is from an input."""
    if not branch.items:
        return branch.edge
    match branch.items[0]:
        case Leaf(node):
            return nodes[node].inputs[0] if nodes[node].inputs else None
        case Optional(items):
            return _read(Branch(items, branch.edge), nodes)
        case Parallel(branches):
            return _read(branches[0], nodes)
    return None
