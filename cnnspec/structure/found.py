"""Modules for a network whose source has none (an old exporter's file, a cfg): branches that meet again are a
module, and so is a row of layers that equals a branch of one, or that occurs several times along a line.

Their classes are named after their function: `residual`, `squeeze`, `inception`, `dense`, `separable`. The
alignment decides whether the modules of a class are one block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from cnnspec.sources.layers import LayerList, Scope
from cnnspec.structure.lines import woven
from cnnspec.structure.parts import Body, Chain, Leaf, Merge, Step, chains_in
from cnnspec.structure.regions import regions

LEAST = 3
"""The fewest layers of a module."""
UNITS = 4
"""The most layers with weights, each with the layers after it, in a module along a line."""
TIMES = 3
"""The fewest occurrences of such a module."""

Words = tuple[str, ...]


def with_found(network: LayerList) -> LayerList:
    """The network with modules; unchanged if it has classes."""
    if any(scope.class_name for layer in network.layers for scope in layer.scopes):
        return network
    bare = network._replace(layers=tuple(layer._replace(scopes=()) for layer in network.layers))
    root = regions(bare)
    body = woven(root.items, root.inputs, root.outputs, network.shape)
    finder = _Finder()
    for chain in _chains(body):
        finder.merges(chain, ())
    for chain in _chains(body):
        finder.like_branches(chain)
    finder.along_lines([*_chains(body)])
    layers = tuple(
        layer._replace(scopes=finder.scopes.get(number, ())) for number, layer in enumerate(bare.layers)
    )
    return network._replace(layers=layers)


def _chains(body: Body) -> Iterator[Chain]:
    return (line.chain for line in body.lines)


class _Finder:
    """Finds modules. `scopes` are the modules around each layer; `branches` the words of the longest branch
    of each sum."""

    def __init__(self) -> None:
        self.scopes: dict[int, tuple[Scope, ...]] = {}
        self.branches: set[Words] = set()
        self.count: Counter[str] = Counter()

    def merges(self, chain: Chain, around: tuple[Scope, ...]) -> None:
        """Makes a module of each merge, and of the merges inside it; an activation directly after it belongs
        to it."""
        for step, behind in zip(chain.steps, (*chain.steps[1:], None), strict=False):
            if not isinstance(step, Merge):
                continue
            own = around
            layers = [*_layers(step)]
            if len(layers) >= LEAST and not any(one.named for one in chains_in(step)):
                own = self.opened(_class_of(step), around)
                if isinstance(behind, Leaf) and behind.op.activation:
                    layers.append(behind.layer)
                self.scopes |= dict.fromkeys(layers, own)
                if step.op.word == "add":
                    self.branches.add(max((_words(one) for one in chains_in(step)), key=len))
            for branch in chains_in(step):
                self.merges(branch, own)

    def opened(self, class_name: str, around: tuple[Scope, ...]) -> tuple[Scope, ...]:
        path = f"{class_name}{self.count[class_name]}"
        self.count[class_name] += 1
        return (*around, Scope(".".join([*(one.path for one in around[-1:]), path]), class_name))

    def like_branches(self, chain: Chain) -> None:
        """Makes a module of each row of layers that equals the branch of another module: a block without its
        shortcut."""
        for words in sorted(self.branches, key=lambda one: (-len(one), one)):
            if len(words) > LEAST:
                for place in _places(chain, words, self.free):
                    self.taken(chain.steps[place : place + len(words)], "residual")

    def along_lines(self, chains: Sequence[Chain]) -> None:
        """Makes modules of the repeated row of layers that covers the most of the lines."""
        rows = {row for chain in chains for row in self.rows(chain)}
        cover = {row: sum(len(self.whole_rows(one, row)) for one in chains) for row in rows}
        often = {row: count * len(row) for row, count in cover.items() if count >= TIMES}
        if not often:
            return
        row = max(often, key=lambda one: (often[one], -len(one), one[0] == "dwconv", one))
        name = "separable" if "dwconv" in row else "unit"
        for chain in chains:
            for place in self.whole_rows(chain, row):
                self.taken(chain.steps[place : place + len(row)], name)

    def whole_rows(self, chain: Chain, row: Words) -> list[int]:
        """The positions of a row without a norm or an activation after it, which would belong to its last
        layer."""
        ends = {len(chain.steps)} | {
            place
            for place, step in enumerate(chain.steps)
            if not isinstance(step, Leaf)
            or step.op.weighted
            or step.op.ends_map
            or not self.free(step)
            or "pool" in step.op.word
        }
        return [place for place in _places(chain, row, self.free) if place + len(row) in ends]

    def rows(self, chain: Chain) -> Iterator[Words]:
        """Rows of two to UNITS layers with weights, each with the layers after it."""
        starts = [number for number, step in enumerate(chain.steps) if self.free(step) and _has_filters(step)]
        for at, start in enumerate(starts):
            for end in (*starts, len(chain.steps))[at + 2 : at + UNITS + 1]:
                steps = chain.steps[start:end]
                words = tuple(_word(step) for step in steps if isinstance(step, Leaf) and self.free(step))
                if len(words) == len(steps) > LEAST and "pool" not in "".join(words):
                    yield words

    def free(self, step: Step) -> bool:
        return isinstance(step, Leaf) and step.layer not in self.scopes and not step.tensors

    def taken(self, steps: Sequence[Step], class_name: str) -> None:
        own = self.opened(class_name, ())
        self.scopes |= {step.layer: own for step in steps if isinstance(step, Leaf)}


def _has_filters(step: Step) -> bool:
    return isinstance(step, Leaf) and step.op.weighted


def _places(chain: Chain, words: Words, free: Callable[[Step], bool]) -> list[int]:
    """The positions of a row of words in a chain, among the layers that are not in a module yet."""
    chain_words = [_word(step) if isinstance(step, Leaf) and free(step) else "" for step in chain.steps]
    positions: list[int] = []
    for number in range(len(chain_words) - len(words) + 1):
        if tuple(chain_words[number : number + len(words)]) == words:
            if not positions or number >= positions[-1] + len(words):
                positions.append(number)
    return positions


def _layers(merge: Merge) -> Iterator[int]:
    for branch in chains_in(merge):
        for step in branch.steps:
            if isinstance(step, Merge):
                yield from _layers(step)
            elif isinstance(step, Leaf):
                yield step.layer
    if merge.layer is not None:
        yield merge.layer


def _words(chain: Chain) -> Words:
    return tuple(_word(step) for step in chain.steps if isinstance(step, Leaf | Merge))


def _word(step: Leaf | Merge) -> str:
    """The word of a step. Filters over all maps include their size, which distinguishes a stem from a
    branch."""
    op = step.op
    size = "x".join(map(str, getattr(op, "F", ()))) if op.linear and not hasattr(op, "size_out") else ""
    return op.word if op.word == "dwconv" else f"{op.word}{size}"


def _class_of(merge: Merge) -> str:
    """A class name for what a merge does."""
    branches = [chain.steps for chain in chains_in(merge)]
    words = {step.op.word for steps in branches for step in steps if isinstance(step, Leaf)}
    match merge.op.word:
        case "add":
            return "residual" if len(branches) == 2 else "sum"
        case "mul":
            return "squeeze" if "gap" in words else "gate"
        case "concat":
            return "dense" if not all(branches) else "inception" if len(branches) > 2 else "pair"
    return f"{merge.op.word}_branches"
