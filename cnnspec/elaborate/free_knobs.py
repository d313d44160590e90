"""Which knobs are arguments of the network: `let classes = 1000`, which only changes numbers of layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from fractions import Fraction

from cnnspec.elaborate.context import Context
from cnnspec.elaborate.text_facts import facts_of, nodes
from cnnspec.ir import expr
from cnnspec.language import tree


@dataclass(eq=False, repr=False)
class FreeKnobs:
    """Finds the knobs, `let`s with a number, that only arguments of layers and of block uses read. `read` has
    the places in the text where an argument names a knob. Not among them: a knob that a `default` names; one
    that is computed from others (`let last = 2*width`); a fraction in an expression, here or in another
    variant, because the sizes that it gives are whole for this value alone."""

    context: Context
    names: frozenset[str] = field(init=False)
    read: dict[str, set[int]] = field(default_factory=dict)
    arguments: list[tuple[dict[str, expr.Expr], Collection[str], bool]] = field(default_factory=list)
    """The arguments of a layer or a use, which of their names stand for knobs, and whether they are a
    block's."""
    fractions: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        facts, whole = self.context.statements.facts, self.context.statements.file.statements
        defaults = [*(one for one in whole if isinstance(one, tree.Default)), *facts.inner_defaults]
        apart = facts_of(tuple(defaults)).names if defaults else ()
        values = self.context.globals.names.items()
        lets = (one for one in whole if isinstance(one, tree.Let))
        computed = {let.name for let in lets if facts_of(let.value).names}
        numbers = {name for name, value in values if type(value) in (int, Fraction)} - computed
        self.names = frozenset(name for name in numbers if name in facts.names and name not in apart)
        settings = (one for variant in self.context.statements.variants.values() for one in variant.settings)
        self.fractions = frozenset(one.name for one in settings if not _is_whole(one.value))

    def note(self, parts: tuple[tree.Expr, ...], names: Collection[str]) -> None:
        values, all_nodes = self.context.globals.names, list(nodes(parts))
        if any(isinstance(node, tree.Conditional) for node in all_nodes):
            return  # it chooses between numbers
        for node in all_nodes:
            if isinstance(node, tree.Name) and node.name in names:
                whole = type(values[node.name]) is int and node.name not in self.fractions
                if whole or parts == (node,):
                    self.read.setdefault(node.name, set()).add(id(node))

    def settle(self) -> tuple[str, ...]:
        """Those that nothing else reads; the others are constants in the arguments, too."""
        if not self.names:
            return ()
        context = self.context
        used = {id(one.block) for one in context.stretches.all}
        counts = self.read_in(context.statements.file)
        for block in context.statements.blocks.values():
            own = {parameter.name for parameter in block.parameters} if id(block) in used else self.names
            inside = self.read_in(block.body if id(block) in used else block)
            counts = counts - Counter({name: inside[name] for name in own})
        free = {name for name, places in self.read.items() if len(places) == counts[name]}
        values = {name: expr.Const(expr.exact(context.globals.names[name])) for name in self.names - free}
        for arguments, names, in_block in self.arguments:
            known = {name: value for name, value in values.items() if name in names}
            arguments.update((name, expr.replaced(one, known)) for name, one in arguments.items())
            named = free.intersection(names)
            for name in [name for name, one in arguments.items() if named.isdisjoint(expr.variables(one))]:
                if in_block:
                    del arguments[name]
        return tuple(name for name in context.globals.names if name in free)

    def read_in(self, root: tree.File | tree.Block | tree.Sequence) -> Counter[str]:
        """How often each name is read below `root`, claims and sides of `if`s that no use takes apart."""
        counts, hidden = facts_of(root).names, set[int]()
        for step in nodes(root):
            if isinstance(step, tree.Claim) and id(step) not in hidden:
                counts = counts - facts_of(step).names
            if not isinstance(step, tree.IfStep):
                continue
            for taken, side in ((True, step.then), (False, step.otherwise)):
                if side is None or id(step) in hidden or (id(step), taken) in self.context.stretches.taken:
                    continue
                counts = counts - facts_of(side).names
                hidden.update(id(node) for node in nodes(side) if isinstance(node, tree.IfStep | tree.Claim))
        return counts


def _is_whole(node: tree.Expr) -> bool:
    return isinstance(node, tree.Number) and node.text.isdecimal()
