"""A diagram as boxes in a row and side by side: what stands below what, and what beside it.

A box with one input stands below it. A merge stands below the box that all its branches come from, its
nearest common ancestor (dominator), and the branches beside one another between the two, in the author's
order. The outputs of a network part in the same way, without a merge. What is left are a few edges from
elsewhere (a label's), which are drawn as a reference to it by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from cnnspec.drawing.flow.diagram import Diagram, Edge, Runs, TooLarge

DEEPEST = 100
"""Branches inside one another, at most."""
TOP = -1
"""Above all inputs."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A box."""

    node: int


@dataclass(frozen=True, slots=True)
class Tag:
    """A reference to a box elsewhere, which stands for the edge from it."""

    edge: Edge


@dataclass(frozen=True, slots=True)
class Parallel:
    """Branches beside one another; they end at the box `merge`, or (None) each for itself."""

    branches: tuple[Branch, ...]
    merge: int | None


@dataclass(frozen=True, slots=True)
class Optional:
    """Boxes that are there on a condition; else their input goes on."""

    items: tuple[Item, ...]
    condition: Runs


Item: TypeAlias = Leaf | Tag | Parallel | Optional


@dataclass(frozen=True, slots=True)
class Branch:
    """Boxes from top to bottom, none for an edge that goes past them. `edge` is the one that ends the branch,
    at the merge."""

    items: tuple[Item, ...]
    edge: Edge


def is_reference(branch: Branch) -> bool:
    """Whether a branch is a reference alone."""
    return len(branch.items) == 1 and isinstance(branch.items[0], Tag)


def arranged(diagram: Diagram) -> tuple[Item, ...]:
    """The whole diagram from top to bottom."""
    return _Arranger(diagram).arranged()


@dataclass(eq=False)
class _Arranger:
    diagram: Diagram
    above: list[int] = field(default_factory=list)
    """Of each box the nearest one that all ways to it go through;"""
    depth: list[int] = field(default_factory=list)
    """how many of those there are, one above the other;"""
    length: list[int] = field(default_factory=list)
    """and the boxes on the longest way to it."""
    placed: set[int] = field(default_factory=set)
    nesting: int = 0

    def arranged(self) -> tuple[Item, ...]:
        nodes = self.diagram.nodes
        for node in nodes:
            sources = [edge.source for edge in node.inputs]
            self.above.append(self.common(sources))
            self.depth.append(1 + (self.depth[self.above[-1]] if self.above[-1] != TOP else 0))
            self.length.append(1 + max((self.length[source] for source in sources), default=0))
        read = {edge.source for node in nodes for edge in node.inputs}
        ends = [edge.source for edge in self.diagram.outputs]
        ends += [number for number in range(len(nodes)) if number not in read]
        return tuple(self.tree(list(dict.fromkeys(ends)), TOP, frozenset()))

    def common(self, numbers: Sequence[int]) -> int:
        """The nearest box that all ways to all of these go through."""
        found = numbers[0] if numbers else TOP
        for other in numbers[1:]:
            while found != other:
                if other == TOP or (found != TOP and self.depth[found] > self.depth[other]):
                    found, other = other, found
                if other == TOP:
                    return TOP
                other = self.above[other]
        return found

    def tree(self, ends: list[int], stop: int, others: frozenset[int]) -> list[Item]:
        """Everything below `stop` down to these ends. `others` are boxes of neighbours."""
        common = self.common(ends) if len(ends) > 1 else ends[0]
        items = self.chain(common, stop, others) if common != stop else []
        if len(ends) == 1:
            return items
        groups: dict[int, list[int]] = {}
        for end in ends:
            groups.setdefault(self.child(end, common), []).append(end)
        owned = {child: self.needed(group, child) for child, group in groups.items() if child != common}
        branches = []
        for child, group in groups.items():
            if child == common:
                continue
            beside = others.union(*(one for other, one in owned.items() if other != child))
            inner = self.tree(group, common, beside)
            branches.append(Branch(tuple(inner), Edge(group[0])))
        if len(branches) == 1:
            return [*items, *branches[0].items]
        return [*items, Parallel(tuple(branches), None)]

    def child(self, number: int, ancestor: int) -> int:
        """The box right below `ancestor` on the way to this one; `ancestor` itself for that."""
        while number != ancestor and self.above[number] != ancestor:
            number = self.above[number]
        return number

    def needed(self, ends: Iterable[int], top: int) -> frozenset[int]:
        """The boxes that lead to these ends, as far as all ways to them go through `top`."""
        found: set[int] = set()
        waiting = list(ends)
        while waiting:
            number = waiting.pop()
            if number in found or number < top:
                continue
            if self.child(number, self.above[top]) == top:
                found.add(number)
                waiting += [edge.source for edge in self.diagram.nodes[number].inputs]
        return frozenset(found)

    def chain(self, number: int, stop: int, others: frozenset[int]) -> list[Item]:
        """From `stop`, which is left out, down to the box `number`; from a reference where a box on the way
        is elsewhere."""
        items: list[Item] = []
        edge = Edge(number)
        self.nesting += 1
        if self.nesting > DEEPEST:
            raise TooLarge
        while number != stop:
            if number in self.placed or number in others:
                items.append(Tag(edge))
                break
            self.placed.add(number)
            inputs = self.diagram.nodes[number].inputs
            if len(inputs) < 2:
                items.append(Leaf(number))
                number = inputs[0].source if inputs else TOP
                edge = inputs[0] if inputs else edge
                continue
            number, above = self.above[number], number
            items += self.beside(self.optional(self.parallel(above, number, others)))[::-1]
            edge = Edge(number)
        self.nesting -= 1
        return items[::-1]

    def parallel(self, merge: int, top: int, others: frozenset[int]) -> Parallel:
        """The branches of a merge; the longest is placed first, so that shorter ones refer to it."""
        inputs = self.diagram.nodes[merge].inputs
        branches: dict[int, Branch] = {}
        for place in sorted(range(len(inputs)), key=lambda place: -self.length_of(inputs[place])):
            edge = inputs[place]
            items = self.chain(edge.source, top, others) if edge.source != top else []
            branches[place] = Branch(tuple(items), edge)
        return Parallel(tuple(branches[place] for place in range(len(inputs))), merge)

    def beside(self, item: Parallel | Optional) -> list[Item]:
        """A merge of one branch with references: the branch, and below it the merge with these."""
        if isinstance(item, Optional):
            return [item]
        places = [place for place, one in enumerate(item.branches) if not is_reference(one)]
        if len(places) != 1 or len(item.branches) == 1 or item.merge is None:
            return [item]
        branch = item.branches[places[0]]
        branches = [Branch((), one.edge) if one is branch else one for one in item.branches]
        return [*branch.items, Parallel(tuple(branches), item.merge)]

    def optional(self, item: Parallel) -> Parallel | Optional:
        """An `if` with a side that is empty, as its other side."""
        full = [branch for branch in item.branches if branch.items]
        choice = item.merge is not None and self.diagram.nodes[item.merge].kind == "choice"
        if choice and len(full) == 1 and not isinstance(full[0].items[0], Tag):
            return Optional(full[0].items, full[0].edge.condition)
        return item

    def length_of(self, edge: Edge) -> int:
        return self.length[edge.source]
