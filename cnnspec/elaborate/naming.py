"""Names of steps: decided by the place in the text and by the variant, never by the values of one use.

A scope is the file, a block's body, a labelled line of several steps, a group, a pass of a repeat. In a scope
a step is named by its label, else by the layer's or block's word, numbered from 1 (`relu6_1` where the word
ends in a digit) where the scope's text has the word more than once. A body, group or pass of one single step
is that step, without a level of its own (its name is ""). Of an `if` that the variant decides (`settled`)
only the side that is taken counts, of any other both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple, TypeAlias

from cnnspec.elaborate.reserved import attribute_name
from cnnspec.language import tree

UNNAMED = ("id", "none")
"""Words that do not make a step."""

Named: TypeAlias = tree.LayerStep | tree.CallStep | tree.GroupStep | tree.BranchStep
"""Steps that get a name."""

Settled: TypeAlias = Mapping[int, bool]
"""Of the `if`s that the variant decides, by the identity of their nodes: whether the condition holds."""


@dataclass(eq=False, repr=False)
class Names:
    """The names in one scope, of its steps and of the labelled lines that are scopes of their own, by the
    identity of the tree's node."""

    steps: dict[int, str] = field(default_factory=dict)
    sites: dict[int, int] = field(default_factory=dict)
    """By step or line: its number in the order of the text, which is its site in the template."""


def _lines(items: Iterable[object]) -> Iterator[tree.Line]:
    return (item for item in items if isinstance(item, tree.Line))


class Entry(NamedTuple):
    """Something with a name: a step, or a labelled line that is a scope of its own; its label; whether the
    variant has it."""

    node: Named | tree.Line
    label: str | None
    there: bool = True


def entries(items: Iterable[object], settled: Settled) -> Iterator[Entry]:
    """The entries of a scope whose text is `items`, in the order of the text. Branches and `if`s are not
    scopes."""
    for line in _lines(items):
        if is_scope(line, settled):
            yield Entry(line, line.label)
        else:
            yield from _entries(line.steps, None if line.others else line.label, settled)


def _entries(steps: Iterable[tree.Step], label: str | None, settled: Settled) -> Iterator[Entry]:
    for step in steps:
        match step:
            case tree.LayerStep(word=word) if word in UNNAMED:
                pass
            case tree.LayerStep() | tree.CallStep() | tree.GroupStep():
                yield Entry(step, label)
            case tree.BranchStep():
                yield Entry(step, label)
                for branch in step.branches:
                    yield from entries(branch.items, settled)
            case tree.IfStep():
                for holds, side in ((True, step.then), (False, step.otherwise)):
                    if side is None:
                        continue
                    present = settled.get(id(step), holds) is holds
                    for entry in _side(side, label, settled):
                        yield entry if present else entry._replace(there=False)


def _side(side: tree.Sequence, label: str | None, settled: Settled) -> Iterator[Entry]:
    if label is None:
        yield from entries(side.items, settled)
        return
    for line in _lines(side.items):  # `p: if c [ conv ]`: the label names the one step
        yield from _entries(line.steps, line.label or label, settled)


def is_scope(line: tree.Line, settled: Settled) -> bool:
    """A labelled line of several steps is a part of the network of its own, unless it has several labels."""
    if line.label is None or line.others:
        return False
    present = (entry for entry in _entries(line.steps, line.label, settled) if entry.there)
    return len([*islice(present, 2)]) == 2


def _word_of(step: Named) -> str:
    match step:
        case tree.LayerStep() | tree.BranchStep():
            return step.word
        case tree.CallStep():
            return step.name
        case tree.GroupStep():
            return "group"


def _gives_each(item: object) -> bool:
    return isinstance(item, tree.Output) and any(reference.each for reference in item.references)


def names_of(items: Iterable[object], settled: Settled, *, collapse: bool) -> Names:
    """The names in a scope whose text is `items`. `collapse`: a scope of one single step has no level of
    its own (all but the file)."""
    items = tuple(items)
    all_named = [*entries(items, settled)]
    names = Names(sites={id(entry.node): site for site, entry in enumerate(all_named)})
    names.steps = {id(entry.node): entry.label or "" for entry in all_named if not entry.there}
    named = [entry for entry in all_named if entry.there]
    if any(line.others for line in _lines(items)) or any(map(_gives_each, items)):
        collapse = False
    if collapse and len(named) == 1 and named[0].label is None and not isinstance(named[0].node, tree.Line):
        names.steps[id(named[0].node)] = ""
        return names
    taken: set[str] = set()

    def claim(name: str) -> str:
        name = attribute_name(name)
        while name in taken:
            name += "_"
        taken.add(name)
        return name

    names.steps.update((id(node), claim(label)) for node, label, _ in named if label is not None)
    others = [node for node, label, _ in named if label is None and not isinstance(node, tree.Line)]
    counts = Counter(map(_word_of, others))
    numbers: Counter[str] = Counter()
    for entry in others:
        word = _word_of(entry)
        if counts[word] == 1 and attribute_name(word) not in taken:
            names.steps[id(entry)] = claim(word)
            continue
        stem = f"{word}_" if word[-1].isdigit() else word
        numbers[word] += 1
        while f"{stem}{numbers[word]}" in taken:
            numbers[word] += 1
        names.steps[id(entry)] = claim(f"{stem}{numbers[word]}")
    return names
