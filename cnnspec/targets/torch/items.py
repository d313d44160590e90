"""The steps of a forward gathered under their conditions, and which tensors are still needed when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from cnnspec.targets.torch.plan import Phi, Plan, PlanStep, Source


@dataclass(slots=True)
class If:
    """Steps under a condition, and the tensors that it decides."""

    condition: int
    then: list[Item]
    otherwise: list[Item]
    phis: list[Phi] = field(default_factory=list)


Item: TypeAlias = "PlanStep | If"


def tree_of(steps: Sequence[PlanStep], depth: int) -> Iterator[Item]:
    """Steps gathered under their conditions."""
    place = 0
    while place < len(steps):
        step = steps[place]
        if len(step.guards) <= depth:
            yield step
            place += 1
            continue
        number = step.guards[depth][0]
        end = place
        while end < len(steps) and len(steps[end].guards) > depth and steps[end].guards[depth][0] == number:
            end += 1
        group = steps[place:end]
        yield If(
            number,
            list(tree_of([one for one in group if one.guards[depth][1]], depth + 1)),
            list(tree_of([one for one in group if not one.guards[depth][1]], depth + 1)),
        )
        place = end


def reads_of(step: PlanStep) -> list[Source]:
    if step.arms:
        return [arm.source for arm in step.arms]
    return [step.sources[place] for place in step.takes]


def with_choices(source: Source) -> set[Source]:
    if isinstance(source, Phi):
        return {source} | with_choices(source.then) | with_choices(source.otherwise)
    return {source}


def phis_in(source: Source) -> Iterator[Phi]:
    """The choices in a source, the inner ones first."""
    if isinstance(source, Phi):
        yield from phis_in(source.then)
        yield from phis_in(source.otherwise)
        yield source


def place_phis(plan: Plan, items: list[Item]) -> None:
    """Hands each choice to the `if` that makes it; one that no step stands under gets an `if` before its
    first reader."""
    nodes: dict[int, If] = {}

    def find(items: list[Item]) -> None:
        for item in items:
            if isinstance(item, If):
                nodes[item.condition] = item
                find(item.then)
                find(item.otherwise)

    find(items)
    known: set[Phi] = set()

    def take(source: Source, items: list[Item], place: int) -> int:
        """Gives how many items were put in before `place`."""
        added = 0
        for phi in phis_in(source):
            if phi in known:
                continue
            known.add(phi)
            node = nodes.get(phi.condition)
            if node is None:
                node = If(phi.condition, [], [])
                items.insert(place + added, node)
                added += 1
            node.phis.append(phi)
        return added

    def walk(items: list[Item]) -> None:
        place = 0
        while place < len(items):
            item = items[place]
            if isinstance(item, If):
                walk(item.then)
                walk(item.otherwise)
            else:
                for source in reads_of(item):
                    place += take(source, items, place)
            place += 1

    walk(items)
    for source in plan.outputs:
        take(source, items, len(items))


def made_in(items: list[Item]) -> set[Source]:
    """What the steps among these items put out, and what `if`s among them decide."""
    found: set[Source] = set()
    for item in items:
        if isinstance(item, If):
            found |= {*item.phis} | made_in(item.then) | made_in(item.otherwise)
        else:
            found.update(item.outputs)
    return found


def reads_in(item: Item) -> set[Source]:
    if isinstance(item, PlanStep):
        return set(reads_of(item))
    found: set[Source] = set()
    for inner in (*item.then, *item.otherwise):
        found |= reads_in(inner)
    for phi in item.phis:
        found |= {phi.then, phi.otherwise}
    return found


def liveness(items: list[Item], after: set[Source]) -> Iterator[set[Source]]:
    """For each item in turn, what is read after it: one set, which changes from item to item."""
    live = set(after)
    made: list[list[Source]] = []
    read_last: list[list[Source]] = []
    for item in reversed(items):
        outputs = item.outputs if isinstance(item, PlanStep) else item.phis
        made.append([source for source in outputs if source in live])
        live.difference_update(made[-1])
        read_last.append([source for source in reads_in(item) if source not in live])
        live.update(read_last[-1])
    for here, gone in zip(reversed(made), reversed(read_last), strict=True):
        live.difference_update(gone)
        live.update(here)
        yield live
