"""A diagram as boxes in columns: which box is below which, and which are beside each other.

A box with one input is below it. A merge is below the box that all its branches come from, its nearest common
ancestor (dominator), and the branches are beside one another between the two, in the author's order. The
outputs of a network branch in the same way, without a merge. The few other edges (from a label) are drawn as
a reference to their source by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from cnnspec.drawing.flow.diagram import Diagram, Edge, Runs, TooLarge
from cnnspec.drawing.flow.dominators import TOP, Dominators

DEEPEST = 100
"""The largest nesting depth of branches."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A box."""

    node: int


@dataclass(frozen=True, slots=True)
class Tag:
    """A reference to a box elsewhere, in place of the edge from it."""

    edge: Edge


@dataclass(frozen=True, slots=True)
class Parallel:
    """Branches beside one another; they end at the box `merge`, or (None) each ends on its own."""

    branches: tuple[Branch, ...]
    merge: int | None


@dataclass(frozen=True, slots=True)
class Optional:
    """Boxes that exist on a condition; without them their input is passed on."""

    items: tuple[Item, ...]
    condition: Runs


Item: TypeAlias = Leaf | Tag | Parallel | Optional


@dataclass(frozen=True, slots=True)
class Branch:
    """Boxes from top to bottom; none for an edge that passes them by. `edge` is the edge that ends the
    branch, at the merge."""

    items: tuple[Item, ...]
    edge: Edge


def is_reference(branch: Branch) -> bool:
    """Whether a branch consists of a reference only."""
    return len(branch.items) == 1 and isinstance(branch.items[0], Tag)


def arranged(diagram: Diagram) -> tuple[Item, ...]:
    """The whole diagram from top to bottom."""
    arranger = _Arranger(diagram)
    return tuple(arranger.tree(arranger.ends, TOP))


class _Arranger:
    def __init__(self, diagram: Diagram) -> None:
        self.nodes = diagram.nodes
        sources = [[edge.source for edge in node.inputs] for node in diagram.nodes]
        self.dominators = Dominators(sources)
        self.length: list[int] = []
        """Of each box the boxes on the longest way to it."""
        for read in sources:
            self.length.append(1 + max((self.length[source] for source in read), default=0))
        unread = set(range(len(sources))).difference(*sources)
        self.ends = list(dict.fromkeys([*(edge.source for edge in diagram.outputs), *sorted(unread)]))
        self.placed: set[int] = set()
        self.owner: dict[int, int] = {}
        """The branch of outputs that a box belongs to, by its first box;"""
        self.inside: set[int] = set()
        """and those that are being arranged."""
        self.nesting = 0

    def tree(self, ends: list[int], stop: int) -> list[Item]:
        """Everything below `stop` down to these ends."""
        dominators = self.dominators
        common = dominators.common_of_all(ends)
        items = self.chain(common, stop) if common != stop else []
        groups: dict[int, list[int]] = {}
        for end in ends:
            if end != common:
                groups.setdefault(dominators.child(end, common), []).append(end)
        for child, group in groups.items():
            self.own(group, child)
        branches = []
        self.deeper()
        for child, group in groups.items():
            self.inside.add(child)
            branches.append(Branch(tuple(self.tree(group, common)), Edge(group[0])))
            self.inside.remove(child)
        self.nesting -= 1
        if len(branches) < 2:
            return [*items, *(item for branch in branches for item in branch.items)]
        return [*items, Parallel(tuple(branches), None)]

    def deeper(self) -> None:
        self.nesting += 1
        if self.nesting > DEEPEST:
            raise TooLarge(f"more than {DEEPEST} branches inside one another")

    def own(self, ends: Iterable[int], top: int) -> None:
        """Assigns the boxes between `top` and these ends to its branch."""
        waiting = list(ends)
        while waiting:
            number = waiting.pop()
            if self.owner.get(number) != top and self.dominators.is_below(number, top):
                self.owner[number] = top
                waiting += [edge.source for edge in self.nodes[number].inputs]

    def elsewhere(self, number: int) -> bool:
        """Whether a box is in another place of the figure."""
        return number in self.placed or (number in self.owner and self.owner[number] not in self.inside)

    def chain(self, number: int, stop: int) -> list[Item]:
        """The items from `stop`, excluded, down to the box `number`; they begin with a reference where a box
        on the path is elsewhere."""
        items: list[Item] = []
        edge = Edge(number)
        self.deeper()
        while number != stop:
            if self.elsewhere(number):
                items.append(Tag(edge))
                break
            self.placed.add(number)
            inputs = self.nodes[number].inputs
            if len(inputs) < 2:
                items.append(Leaf(number))
                number = inputs[0].source if inputs else TOP
                edge = inputs[0] if inputs else edge
                continue
            number, above = self.dominators.above[number], number
            items += self.beside(self.optional(self.parallel(above, number)))[::-1]
            edge = Edge(number)
        self.nesting -= 1
        return items[::-1]

    def parallel(self, merge: int, top: int) -> Parallel:
        """The branches of a merge; the longest is placed first, so that shorter ones refer to it."""
        inputs = self.nodes[merge].inputs
        branches: dict[int, Branch] = {}
        for place in sorted(range(len(inputs)), key=lambda place: -self.length_of(inputs[place])):
            edge = inputs[place]
            items = self.chain(edge.source, top) if edge.source != top else []
            branches[place] = Branch(tuple(items), edge)
        return Parallel(tuple(branches[place] for place in range(len(inputs))), merge)

    def beside(self, item: Parallel | Optional) -> list[Item]:
        """A merge of one branch with references: the branch, and below it the merge with the references."""
        if isinstance(item, Optional):
            return [item]
        places = [place for place, one in enumerate(item.branches) if not is_reference(one)]
        if len(places) != 1 or len(item.branches) == 1 or item.merge is None:
            return [item]
        branch = item.branches[places[0]]
        branches = [Branch((), one.edge) if one is branch else one for one in item.branches]
        return [*branch.items, Parallel(tuple(branches), item.merge)]

    def optional(self, item: Parallel) -> Parallel | Optional:
        """Turns an `if` with an empty side into an optional part."""
        full = [branch for branch in item.branches if branch.items]
        choice = item.merge is not None and self.nodes[item.merge].kind == "choice"
        if choice and len(full) == 1 and not isinstance(full[0].items[0], Tag):
            return Optional(full[0].items, full[0].edge.condition)
        return item

    def length_of(self, edge: Edge) -> int:
        return self.length[edge.source]
