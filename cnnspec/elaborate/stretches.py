"""Which stretches of the text became bodies, and what the uses of each showed: what templates are made
from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from cnnspec.elaborate.naming import Names
from cnnspec.language import tree

Items: TypeAlias = tuple[tree.Line | tree.Let | tree.ErrorStatement, ...]


@dataclass(eq=False, repr=False)
class Stretch:
    """The file, a block's body, a group, a labelled line or the body of a repeat. `captured` are the labels
    around it that it reads (of a block, its tensor parameters), `exported` its own that are read outside.
    By site: `written` are the author's expressions, the same in all uses; `called` which template a use of
    a block runs, and the labels of the tensors that it is given."""

    kind: str
    items: Items
    names: Names
    block: tree.Block | None = None
    captured: dict[str, None] = field(default_factory=dict)
    exported: dict[str, None] = field(default_factory=dict)
    written: dict[int, Mapping[str, tuple[tree.Expr, ...]]] = field(default_factory=dict)
    called: dict[int, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    arriving: bool = True
    label: str | None = None


class Stretches:
    """All stretches, by the number of their template; 0 is the file. `taken` are the sides of `if`s that any
    use took, by the identity of the tree's node."""

    def __init__(self) -> None:
        self.all: list[Stretch] = []
        self.taken: set[tuple[int, bool]] = set()
        self._numbers: dict[int, int] = {}

    def number(
        self,
        kind: str,
        items: Items,
        key: int,
        names: Names,
        captured: Iterable[str] = (),
        block: tree.Block | None = None,
        *,
        arriving: bool = True,
        label: str | None = None,
    ) -> int:
        """The number of a stretch, the same for all its uses."""
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.all)
            self.all.append(Stretch(kind, items, names, block, arriving=arriving, label=label))
        self.all[number].captured.update(dict.fromkeys(captured))
        return number

    def of(self, key: int) -> int | None:
        """The number of the stretch with this key; None where no use reached it."""
        return self._numbers.get(key)
