"""Which tensors of a forward are still needed when."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.targets.torch.plan import If, Item


def made_in(items: list[Item]) -> set[int]:
    """What these items put out, those inside `if`s too."""
    found = {output for item in items for output in item.outputs}
    return found.union(*(made_in([*item.then, *item.otherwise]) for item in items if isinstance(item, If)))


def liveness(items: list[Item], after: set[int]) -> Iterator[set[int]]:
    """For each item in turn, what is read after it: one set, which changes from item to item."""
    live = set(after)
    made: list[list[int]] = []
    read_last: list[list[int]] = []
    for item in reversed(items):
        made.append([source for source in item.outputs if source in live])
        live.difference_update(made[-1])
        read_last.append([source for source in dict.fromkeys(item.reads) if source not in live])
        live.update(read_last[-1])
    for here, gone in zip(reversed(made), reversed(read_last), strict=True):
        live.difference_update(gone)
        live.update(here)
        yield live
