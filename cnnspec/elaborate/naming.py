"""Names of steps: decided by the place in the text, never by what a use of it made of it.

A scope is the file, a block's body, a labelled line of several steps, a group, a pass of a repeat. In a
scope a step is named by its label, else by the layer's or block's word, numbered from 1 (`relu6_1` where
the word ends in a digit) where the scope's text has the word more than once. A body, group or pass of one
single step is that step, without a level of its own (its name is "")."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias

from cnnspec.elaborate.reserved import attribute_name
from cnnspec.language import tree

UNNAMED = ("id", "none")
"""Words that make no step."""

Named: TypeAlias = tree.LayerStep | tree.CallStep | tree.GroupStep | tree.BranchStep
"""Steps that get a name."""


@dataclass(eq=False, repr=False)
class Names:
    """The names in one scope, of its steps and of the labelled lines that are scopes of their own, by the
    identity of the tree's node."""

    steps: dict[int, str] = field(default_factory=dict)
    sites: dict[int, int] = field(default_factory=dict)
    """The number of each step and line, in the order of the text: its site in the template."""


def _lines(items: Iterable[object]) -> Iterator[tree.Line]:
    return (item for item in items if isinstance(item, tree.Line))


def entries(items: Iterable[object]) -> Iterator[tuple[Named | tree.Line, str | None]]:
    """What gets a name in a scope whose text is `items`, in the order of the text, with its label: steps, and
    the labelled lines that are scopes of their own. Branches and `if`s are no scopes."""
    for line in _lines(items):
        if is_scope(line):
            yield line, line.label
        else:
            yield from _entries(line.steps, None if line.others else line.label)


def _entries(steps: Iterable[tree.Step], label: str | None) -> Iterator[tuple[Named | tree.Line, str | None]]:
    for step in steps:
        match step:
            case tree.LayerStep(word=word) if word in UNNAMED:
                pass
            case tree.LayerStep() | tree.CallStep() | tree.GroupStep():
                yield step, label
            case tree.BranchStep():
                yield step, label
                for branch in step.branches:
                    yield from entries(branch.items)
            case tree.IfStep():
                for side in (step.then, step.otherwise):
                    if side is not None and label is None:
                        yield from entries(side.items)
                    elif side is not None:  # `p: if c [ conv ]`: the label names the one step
                        for line in _lines(side.items):
                            yield from _entries(line.steps, line.label or label)


def is_scope(line: tree.Line) -> bool:
    """A labelled line of several steps is a part of the network of its own, unless it has several labels."""
    if line.label is None or line.others:
        return False
    return len([*islice(_entries(line.steps, line.label), 2)]) == 2


def _word_of(step: Named) -> str:
    match step:
        case tree.LayerStep() | tree.BranchStep():
            return step.word
        case tree.CallStep():
            return step.name
        case tree.GroupStep():
            return "group"


def _gives_each(item: object) -> bool:
    return isinstance(item, tree.Output) and any(one.each for one in item.references)


def names_of(items: Iterable[object], *, collapse: bool) -> Names:
    """The names in a scope whose text is `items`. `collapse`: a scope of one single step has no level of
    its own (all but the file)."""
    items = tuple(items)
    named = [*entries(items)]
    names = Names(sites={id(entry): site for site, (entry, _) in enumerate(named)})
    if any(line.others for line in _lines(items)) or any(map(_gives_each, items)):
        collapse = False
    if collapse and len(named) == 1 and named[0][1] is None and not isinstance(named[0][0], tree.Line):
        names.steps[id(named[0][0])] = ""
        return names
    taken: set[str] = set()

    def claim(name: str) -> str:
        name = attribute_name(name)
        while name in taken:
            name += "_"
        taken.add(name)
        return name

    names.steps.update((id(entry), claim(label)) for entry, label in named if label is not None)
    others = [entry for entry, label in named if label is None and not isinstance(entry, tree.Line)]
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
