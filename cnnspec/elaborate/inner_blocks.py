"""`shared` blocks that are defined inside a block: each use of that block has its own weights for them.

They see the values and layer parameters of the block around them that are in scope where they are defined;
these are passed to them like parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from cnnspec.diagnostics import Related, Sink
from cnnspec.elaborate.text_facts import facts_of
from cnnspec.language import tree


class Inner(NamedTuple):
    """A `shared` and the block that it is defined in. `values` are the parameters and `let`s of the block
    around it that it reads, `layers` the layer parameters."""

    block: tree.Block
    owner: tree.Block
    values: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()


@dataclass(eq=False, repr=False)
class Blocks:
    """All blocks of a file, inner ones included, outer ones first, by their unique names in the graph."""

    named: dict[str, tree.Block] = field(default_factory=dict)
    inner: dict[str, Inner] = field(default_factory=dict)
    """The inner blocks, outer ones first."""
    _names: dict[int, str] = field(default_factory=dict)
    _inside: dict[int, dict[str, str]] = field(default_factory=dict)

    def add(self, block: tree.Block, owner: tree.Block | None = None) -> None:
        """Adds a block and its inner blocks."""
        name = block.name
        if owner is not None:
            if name in self.named:
                name = f"{self.name_of(owner)}_{name}"
            while name in self.named:
                name += "_"
            self.inner[name] = Inner(block, owner)
            self._inside.setdefault(id(owner), {}).setdefault(block.name, name)
        self.named[name] = block
        self._names[id(block)] = name
        for item in block.body.items:
            if isinstance(item, tree.Block):
                self.add(item, block)

    def name_of(self, block: tree.Block) -> str:
        """The name of a block in the graph."""
        return self._names.get(id(block), block.name)

    def inside(self, block: tree.Block) -> dict[str, str]:
        """The blocks that are defined in a block, by the author's names for them."""
        return self._inside.get(id(block), {})

    def within(self, block: tree.Block, name: str) -> tree.Block | None:
        """The block that a use in the text of `block` refers to, decided by the text alone."""
        return self.named.get(self.inside(block).get(name, name))

    def unused(self) -> Iterator[tree.Block]:
        """The inner blocks that the text around them does not use."""
        for owner in self.named.values():
            if inside := self.inside(owner):
                calls = facts_of(owner.body).calls
                yield from (self.named[inner] for name, inner in inside.items() if name not in calls)

    def note_reads(self, layers: Mapping[str, frozenset[str]]) -> None:
        """Records what inner blocks read from the blocks around them, whose layer parameters are `layers`."""
        for name, owner in self.named.items():
            if not self.inside(owner):
                continue
            around = self.inner.get(name, Inner(owner, owner))
            of_layers = {*around.layers, *layers.get(name, ())}
            values = dict.fromkeys(around.values)
            values |= dict.fromkeys(
                parameter.name
                for parameter in owner.parameters
                if parameter.kind != "tensor" and parameter.name not in of_layers
            )
            places = {name: place for place, name in enumerate(values)}
            for item in owner.body.items:
                if isinstance(item, tree.Let):
                    places.setdefault(item.name, len(places))
                elif isinstance(item, tree.Block):
                    read = _read(item)
                    self.inner[self.name_of(item)] = Inner(
                        item,
                        owner,
                        tuple(sorted(read & places.keys(), key=places.__getitem__)),
                        tuple(sorted(read & of_layers)),
                    )


def _read(block: tree.Block) -> set[str]:
    """The free names of a block: those that it does not define itself."""
    facts = facts_of(block)
    own = {parameter.name for parameter in block.parameters}
    own |= {item.name for item in block.body.items if isinstance(item, tree.Let)}
    return (facts.names | facts.words.keys() | facts.passed.keys()) - own


def check_places(blocks: Blocks, inner_blocks: list[tuple[tree.Block, tree.Sequence]], sink: Sink) -> None:
    """E405 for a `shared` in other brackets than a block's."""
    bodies = {id(block.body) for block in blocks.named.values()}
    for block, around in inner_blocks:
        if id(around) not in bodies:
            sink.report(
                "E405",
                f"the shared block `{block.name}` is defined in a group, a branch or an `if`",
                block.name_span,
                help="define it in the block around these, so that it belongs to each use of that block; or"
                " outside of all blocks, so that all its uses have the same weights",
            )


def report_unseen(call: tree.CallStep, inner: Inner, sink: Sink) -> None:
    """E208 for an inner block that is used outside of the block in which it is defined."""
    name, around = call.name, inner.owner
    if any(call in line.steps for line in around.body.items if isinstance(line, tree.Line)):
        sink.report(
            "E208",
            f"`{name}` is defined only below this line",
            call.name_span,
            related=(Related(inner.block.name_span, "it is defined here"),),
            help="put its definition before its first use",
        )
        return
    sink.report(
        "E208",
        f"`{name}` belongs to each use of `{around.name}`, and can only be used in the lines of that block",
        call.name_span,
        related=(Related(inner.block.name_span, f"it is defined here, in `{around.name}`"),),
        help=f"use it there: not in another `shared` in `{around.name}`, nor in layers that a block is given",
    )
