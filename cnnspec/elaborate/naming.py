"""Names of steps: decided by the place in the text, never by what a use of it made of it.

A scope is the file, a block's body, a labelled line of several steps, a group, a pass of a repeat. In a
scope a step is named by its label, else by the layer's or block's word, numbered from 1 (`relu6_1` where
the word ends in a digit) where the scope's text has the word more than once. A body, group or pass of one
single step is that step, without a level of its own (its name is "")."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from cnnspec.elaborate.reserved import attribute_name
from cnnspec.language import tree

UNNAMED = ("id", "none")
"""Words that make no step."""

Named: TypeAlias = tree.LayerStep | tree.CallStep | tree.GroupStep | tree.BranchStep
"""Steps that get a name."""


@dataclass(eq=False, repr=False)
class Names:
    """The names in one scope: of its steps, by identity of the tree's node, and of the labelled lines
    that are scopes of their own."""

    steps: dict[int, str] = field(default_factory=dict)
    lines: dict[int, str] = field(default_factory=dict)
    sites: dict[int, int] = field(default_factory=dict)
    """The number of each step and line, in the order of the text: its site in the template."""


def named_steps(steps: Iterable[tree.Step]) -> Iterator[Named]:
    """The steps of a chain that get a name in its scope, in the order of the text; branches and `if`s are
    no scopes."""
    for step in steps:
        match step:
            case tree.LayerStep():
                if step.word not in UNNAMED:
                    yield step
            case tree.CallStep() | tree.GroupStep():
                yield step
            case tree.BranchStep():
                yield step
                for branch in step.branches:
                    yield from _inside(branch)
            case tree.IfStep():
                yield from _inside(step.then)
                if step.otherwise is not None:
                    yield from _inside(step.otherwise)
            case tree.StartStep() | tree.ClaimStep() | tree.ErrorStep():
                pass


def _inside(sequence: tree.Sequence) -> Iterator[Named]:
    for item in sequence.items:
        if isinstance(item, tree.Line):
            yield from named_steps(item.steps)


def is_scope(line: tree.Line) -> bool:
    """A labelled line of several steps is a part of the network of its own."""
    if line.label is None:
        return False
    steps = named_steps(line.steps)
    next(steps, None)
    return next(steps, None) is not None


def word_of(step: Named) -> str:
    match step:
        case tree.LayerStep() | tree.BranchStep():
            return step.word
        case tree.CallStep():
            return step.name
        case tree.GroupStep():
            return "group"


def names_of(lines: Iterable[tree.Line], *, collapse: bool) -> Names:
    """The names in a scope whose text is `lines`. `collapse`: a scope of one single step has no level of
    its own (all but the file)."""
    entries: list[tuple[Named | tree.Line, str | None]] = []

    def collect(lines: Iterable[tree.Line]) -> None:
        for line in lines:
            if is_scope(line):
                entries.append((line, line.label))
            else:
                collect_steps(line.steps, line.label)

    def collect_steps(steps: Iterable[tree.Step], label: str | None) -> None:
        for step in steps:
            match step:
                case tree.LayerStep() | tree.CallStep() | tree.GroupStep():
                    if not (isinstance(step, tree.LayerStep) and step.word in UNNAMED):
                        entries.append((step, label))
                case tree.BranchStep():
                    entries.append((step, label))
                    for branch in step.branches:
                        collect(item for item in branch.items if isinstance(item, tree.Line))
                case tree.IfStep():
                    for side in (step.then, step.otherwise):
                        if side is None:
                            continue
                        if label is None:
                            collect(item for item in side.items if isinstance(item, tree.Line))
                        else:  # `p: if c [ conv ]`: the label names the one step
                            for item in side.items:
                                if isinstance(item, tree.Line):
                                    collect_steps(item.steps, item.label or label)
                case tree.StartStep() | tree.ClaimStep() | tree.ErrorStep():
                    pass

    collect(lines)
    names = Names(sites={id(entry): site for site, (entry, _) in enumerate(entries)})
    if collapse and len(entries) == 1 and entries[0][1] is None and not isinstance(entries[0][0], tree.Line):
        names.steps[id(entries[0][0])] = ""
        return names
    taken: set[str] = set()

    def claim(name: str) -> str:
        name = attribute_name(name)
        while name in taken:
            name += "_"
        taken.add(name)
        return name

    for entry, label in entries:
        if label is not None:
            (names.lines if isinstance(entry, tree.Line) else names.steps)[id(entry)] = claim(label)
    counts = Counter(word_of(e) for e, label in entries if label is None and not isinstance(e, tree.Line))
    numbers: Counter[str] = Counter()
    for entry, label in entries:
        if label is not None or isinstance(entry, tree.Line):
            continue
        word = word_of(entry)
        if counts[word] == 1 and attribute_name(word) not in taken:
            names.steps[id(entry)] = claim(word)
            continue
        stem = f"{word}_" if word[-1].isdigit() else word
        numbers[word] += 1
        while f"{stem}{numbers[word]}" in taken:
            numbers[word] += 1
        names.steps[id(entry)] = claim(f"{stem}{numbers[word]}")
    return names
