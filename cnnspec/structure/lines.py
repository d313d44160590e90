"""A graph → lines of steps, by series-parallel reduction.

A tensor with one reader continues its line. Branches that begin at one tensor and meet again are inside the
brackets of the merge. The remaining edges become labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from math import prod

from cnnspec.ops.base import Shape
from cnnspec.structure.holes import UnknownLayer
from cnnspec.structure.parts import Body, Chain, Leaf, Line, Merge, Step, Use, references
from cnnspec.structure.regions import Node, Region

DEEPEST = 6
"""The largest nesting depth of merges; deeper ones get a label."""
ASIDE = 3
"""The most steps of a branch that begins at a tensor of its own."""
SKIPS = 3
"""The fewest merges with a tensor itself as a branch for which it gets a label, not brackets in brackets."""


@dataclass(eq=False, repr=False)
class Thread:
    """A chain that is being built. `taken`: how often it reads the value that it starts at, once in each
    branch; `depth`: nesting depth of its merges; `least`: the smallest map in it, in positions; `first`: the
    first layer."""

    start: int
    steps: list[Step] = field(default_factory=list)
    taken: int = 1
    depth: int = 0
    least: int = 0
    first: int = 0


class Weaver:
    """Processes the nodes in order; `open` are the threads by the value that they end with."""

    def __init__(
        self, items: Sequence[Node | Region], outputs: Sequence[int], shape: Callable[[int], Shape]
    ) -> None:
        self.shape = shape
        self.uses = Counter(value for item in items for value in item.inputs)
        self.uses.update(outputs)
        self.kept = set(outputs)  # values at which a thread must end
        for item in items:
            if not _merges(item):
                self.kept.update(item.inputs[1:])
            if len(item.outputs) > 1:
                self.kept.update((item.inputs[0], *item.outputs))
            if isinstance(item, Node) and isinstance(item.op, UnknownLayer):
                self.kept.update(item.outputs)  # its line ends with the claimed shape
        merged = Counter(value for item in items if _merges(item) for value in set(item.inputs))
        self.skips = {value for value, count in merged.items() if count >= SKIPS and self.uses[value] > count}
        self.open: dict[int, Thread] = {}
        self.ends: dict[int, tuple[int, ...]] = {}  # several values at a line's end, by the first

    def add(self, item: Node | Region) -> None:
        thread = self.merged(item) if isinstance(item, Node) and item.op.merges else self.followed(item)
        thread.first = thread.first if len(thread.steps) > 1 else item.number
        if (area := self.area(item.outputs[0])) > 1:  # a map with a single position belongs to a gate
            thread.least = min(thread.least, area)
        self.open[item.outputs[0]] = thread
        if len(item.outputs) > 1:
            self.ends[item.outputs[0]] = item.outputs

    def followed(self, item: Node | Region) -> Thread:
        begin, *tensors = item.inputs
        thread = self.taken(begin)
        if isinstance(item, Region):
            thread.steps.append(Use(item, begin, item.outputs[0], tuple(tensors)))
        else:
            thread.steps.append(Leaf(item.number, item.op, begin, item.outputs[0], tuple(tensors)))
        return thread

    def taken(self, value: int) -> Thread:
        """The thread that ends with a value, if that has one reader; else a new thread that starts there."""
        if value in self.open and self.uses[value] == 1 and value not in self.kept:
            return self.open.pop(value)
        return Thread(value, least=self.area(value))

    def area(self, value: int) -> int:
        return prod(self.shape(value)[1:])

    def merged(self, node: Node) -> Thread:
        threads = [self.taken(value) for value in node.inputs]
        starts = Counter(one.start for one in threads)
        shared = [one for one in threads if starts[one.start] > 1 and one.start not in self.skips]
        common = max(shared, key=lambda one: (starts[one.start], one.start)).start if shared else None
        long = [self.leaves_and_returns(one, value) for one, value in zip(threads, node.inputs, strict=True)]
        if common is None or any(long) or max(one.depth for one in threads) >= DEEPEST:
            return self.gone_on(node, threads)
        within = [one for one in threads if one.start == common]
        thread = self.opened(common, sum(one.taken for one in within))
        branches = tuple(
            Chain(common, False, tuple(one.steps)) if one.start == common else self.aside(one, value)
            for one, value in zip(threads, node.inputs, strict=True)
        )
        thread.steps.append(Merge(node.number, node.op, common, node.outputs[0], branches))
        thread.depth = max(thread.depth, 1 + max(one.depth for one in within))
        thread.least = min(thread.least, *(one.least for one in within))
        return thread

    def opened(self, value: int, taken: int) -> Thread:
        """The thread that ends with a value, if that has `taken` readers; else a new thread that starts
        there."""
        if value in self.open and self.uses[value] == taken and value not in self.kept:
            return self.open.pop(value)
        return Thread(value, taken=taken, least=self.area(value))

    def gone_on(self, node: Node, threads: Sequence[Thread]) -> Thread:
        """Continues the longest branch as the line; the other branches begin at labels."""
        every = range(len(threads))
        lines = [number for number in every if node.inputs[number] not in self.skips] or every
        bare = [number for number in lines if not threads[number].steps]
        short = all(len(one.steps) <= ASIDE and not one.depth for one in threads)
        able = bare if bare and short else lines
        main = max(able, key=lambda number: (len(threads[number].steps), node.inputs[number]))
        branches = tuple(
            Chain(value, False, ()) if number == main else self.aside(one, value)
            for number, (one, value) in enumerate(zip(threads, node.inputs, strict=True))
        )
        thread = threads[main]
        thread.steps.append(Merge(node.number, node.op, node.inputs[main], node.outputs[0], branches))
        thread.depth = max(thread.depth, 1)
        return thread

    def aside(self, thread: Thread, value: int) -> Chain:
        """A branch that begins at a label. A long branch becomes a line of its own, and a reference to its
        label is the branch."""
        if len(thread.steps) <= ASIDE and not thread.depth:
            return Chain(thread.start, True, tuple(thread.steps))
        self.open[value] = thread
        return Chain(value, True, ())

    def leaves_and_returns(self, thread: Thread, end: int) -> bool:
        """Whether a branch has smaller maps between its ends: the skip connection of a U-Net becomes a label,
        not a branch."""
        area = self.area(end)
        return area == self.area(thread.start) and thread.least < area and len(thread.steps) > ASIDE


def _merges(item: Node | Region) -> bool:
    return isinstance(item, Node) and item.op.merges


def woven(
    items: Sequence[Node | Region],
    inputs: tuple[int, ...],
    outputs: tuple[int, ...],
    shape: Callable[[int], Shape],
    block: bool = False,
) -> Body:
    """The body of a graph, in lines. A block begins at its first input."""
    weaver = Weaver(items, outputs, shape)
    for item in items:
        weaver.add(item)
    before = inputs[0] if len(inputs) == 1 or block else None
    lines = _in_order(weaver.open, weaver.ends, outputs)
    named = dict.fromkeys(outputs) if len(outputs) > 1 or not lines else {}
    placed: list[Line] = []
    for end, thread in lines:
        ends = weaver.ends.get(end, (end,))
        if len(ends) > 1:
            named |= dict.fromkeys(ends)
        chain = _begun(Chain(thread.start, thread.start != before, tuple(thread.steps)), before)
        placed.append(Line(chain, ends))
        named |= dict.fromkeys(references(placed[-1].chain))
        before = end
    if len(outputs) == 1 and before != outputs[0]:
        named |= dict.fromkeys(outputs)
    order = [*inputs, *(end for line in placed for end in line.ends)]
    return Body(inputs, tuple(placed), outputs, tuple(value for value in order if value in named))


def _begun(chain: Chain, current: int | None) -> Chain:
    """`add [ @x -> f() | @y -> f() ]` instead of `@x -> f() -> add [ id | @y -> f() ]`. A branch that begins
    at the value `here` needs no label."""
    at = next((place for place, step in enumerate(chain.steps[: ASIDE + 1]) if isinstance(step, Merge)), None)
    if not chain.named or at is None:
        return chain
    merge, own = chain.steps[at], chain.steps[:at]
    assert isinstance(merge, Merge)
    main = [branch for branch in merge.branches if branch is not None and not branch.named]
    others = [branch for branch in merge.branches if branch is not None and branch.named]
    alike = not own or all(len(branch.steps) == len(own) for branch in others)
    if len(main) != 1 or main[0].steps or not alike:
        return chain
    first = Chain(chain.begin, True, own)
    branches = [first if branch is main[0] else branch for branch in merge.branches]
    begin = (
        current
        if current is not None and current in {branch.begin for branch in branches if branch}
        else chain.begin
    )
    branches = [branch and branch._replace(named=branch.begin != current) for branch in branches]
    merge = merge._replace(begin=begin, branches=tuple(branches))
    return Chain(begin, False, (merge, *chain.steps[at + 1 :]))


def _in_order(
    threads: dict[int, Thread], ends: dict[int, tuple[int, ...]], outputs: tuple[int, ...]
) -> list[tuple[int, Thread]]:
    """The threads, each after those that it refers to, otherwise in the order of the list."""
    line_of = {one: end for end in threads for one in ends.get(end, (end,))}
    needs = {
        end: {
            line_of[reference]
            for reference in references(Chain(thread.start, True, tuple(thread.steps)))
            if reference in line_of
        }
        for end, thread in threads.items()
    }
    readers: dict[int, list[int]] = {}
    for end, needed in needs.items():
        for one in needed:
            readers.setdefault(one, []).append(end)
    waiting = {end: len(needed) for end, needed in needs.items()}
    last = outputs[0] if len(outputs) == 1 else None
    ready = [(end == last, threads[end].first, end) for end, count in waiting.items() if not count]
    heapify(ready)
    ordered = []
    while ready:
        *_, end = heappop(ready)
        ordered.append((end, threads[end]))
        for reader in readers.get(end, ()):
            waiting[reader] -= 1
            if not waiting[reader]:
                heappush(ready, (reader == last, threads[reader].first, reader))
    return ordered
