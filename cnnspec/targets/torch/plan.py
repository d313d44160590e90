"""A class before it is text: the call that makes each attribute, and the tensors that `forward` reads, in
order.

A `Plan` is a sequence of steps whose calls are decided; a `ClassPlan` is a plan that becomes a class. A chain
of layers becomes `sequential(…)` in its place, or a subclass of nn.Sequential.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from cnnspec.lower import program
from cnnspec.lower.call import Call
from cnnspec.lower.program import Condition, Tensor, When
from cnnspec.lower.symbolic import Node, variables
from cnnspec.targets.torch.pieces import Growing, Piece, used_in


@dataclass(eq=False, slots=True)
class PlanStep:
    """A step of a class: the call that makes its attribute (None where `forward` has an expression instead),
    and the tensors that it reads.

    `takes` are the indices in `sources` of the tensors that the module takes; `arms` are the branches of a
    merge, each with the condition under which it exists and its number of axes; `loop`: the attribute is a
    list of modules, each of which passes the first tensors to the next and also takes the further ones;
    `shared` names a shared block whose module is called instead of an attribute; `needs` are shared blocks
    that the module takes; `zipped` are the ones among them that differ between the passes of a loop; `rank`
    is the number of axes of a layer's input.
    """

    name: str
    sources: list[Tensor]
    outputs: list[Tensor]
    op: Any = None
    piece: Piece | None = None
    takes: tuple[int, ...] = (0,)
    arms: list[tuple[Tensor, When, int]] = field(default_factory=list)
    loop: bool = False
    shared: str | None = None
    needs: tuple[str, ...] = ()
    zipped: dict[str, list[str]] = field(default_factory=dict)
    rank: int = 3
    handed: int = 1
    """For a loop: the number of tensors that a pass passes on to the next."""
    collected: list[program.Collected] = field(default_factory=list)
    """For a loop: the further outputs of every pass."""
    is_slot: bool = False
    """Whether it is a layer parameter."""
    defines: str | None = None
    """For a shared block that each use of this block has for itself: the name by which other steps refer to
    it.
    """

    @property
    def word(self) -> str:
        return "" if self.op is None else str(self.op.word)

    @property
    def starts_line(self) -> bool:
        """Whether it has weights, or is a block or a part of the network."""
        return not self.is_slot and (self.op is None or bool(self.op.weighted))

    @property
    def reads(self) -> list[Tensor]:
        """The tensors that it reads in `forward`."""
        if self.loop:
            return [self.sources[place] for place in dict.fromkeys((*range(self.handed), *self.takes))]
        return [tensor for tensor, _, _ in self.arms] or [self.sources[place] for place in self.takes]


class If(program.If["Item"]):
    """An `if` with items on both sides, and the tensors that it decides."""

    __slots__ = ()

    @property
    def outputs(self) -> list[Tensor]:
        return [joined for joined, _, _ in self.joins]

    @property
    def reads(self) -> list[Tensor]:
        """The tensors that its sides read and that it joins."""
        inside = [tensor for item in (*self.then, *self.otherwise) for tensor in item.reads]
        return inside + [side for _, *sides in self.joins for side in sides]


Item: TypeAlias = "PlanStep | If"


def steps_of(items: Sequence[Item]) -> Iterator[PlanStep]:
    """All steps, including those inside `if`s."""
    for item in items:
        if isinstance(item, If):
            yield from steps_of((*item.then, *item.otherwise))
        else:
            yield item


def ifs_of(items: Sequence[Item]) -> Iterator[If]:
    """All the `if`s, each before those inside it."""
    for item in items:
        if isinstance(item, If):
            yield item
            yield from ifs_of((*item.then, *item.otherwise))


def asked(items: Sequence[Item]) -> list[Condition]:
    """The conditions that these items depend on."""
    conditions = {item.condition for item in ifs_of(items)}
    conditions |= {when[0] for step in steps_of(items) for _, when, _ in step.arms if when is not None}
    return sorted(conditions, key=lambda condition: condition.number)


def made_in(items: Sequence[Item]) -> set[Tensor]:
    """The tensors that these items make, including those made inside `if`s."""
    outputs = {tensor for step in steps_of(items) for tensor in step.outputs}
    return outputs.union(*(item.outputs for item in ifs_of(items)))


def ordered(tensors: Iterable[Tensor]) -> list[Tensor]:
    """Tensors in the order in which they are made."""
    return sorted(tensors, key=lambda tensor: tensor.number)


def needed(items: list[Item], live: set[Tensor]) -> list[Item]:
    """The items without the joins that are never read, and without the `if`s that are then empty. `live`
    holds the tensors that are read after the items, and afterwards those that are read from their beginning
    on.
    """
    kept: list[Item] = []
    for item in reversed(items):
        if isinstance(item, If):
            item.joins = [join for join in item.joins if join[0] in live]
            live.update(side for _, *sides in item.joins for side in sides)
            item.otherwise = needed(item.otherwise, live)
            item.then = needed(item.then, live)
            if not (item.then or item.otherwise or item.joins):
                continue
        live.update(item.reads)
        kept.insert(0, item)
    return kept


def liveness(items: Sequence[Item], after: set[Tensor]) -> Iterator[set[Tensor]]:
    """For each item in turn, the tensors that are read after it: one set, which is updated from item to
    item.
    """
    live = set(after)
    changes: list[tuple[list[Tensor], list[Tensor]]] = []
    for item in reversed(items):
        outputs = [tensor for tensor in item.outputs if tensor in live]
        live.difference_update(outputs)
        read_last = [tensor for tensor in dict.fromkeys(item.reads) if tensor not in live]
        live.update(read_last)
        changes.append((outputs, read_last))
    for outputs, read_last in reversed(changes):
        live.difference_update(read_last)
        live.update(outputs)
        yield live


@dataclass(eq=False, slots=True)
class Plan:
    """A sequence of steps whose calls are decided, and the `let`s that these use."""

    inputs: list[Tensor]
    items: list[Item]
    outputs: list[Tensor]
    lets: list[tuple[str, Node]] = field(default_factory=list)

    @property
    def steps(self) -> list[PlanStep]:
        return list(steps_of(self.items))

    @property
    def needs(self) -> tuple[str, ...]:
        """The shared blocks that `forward` takes."""
        names: dict[str, None] = {}
        for step in self.steps:
            if step.shared is not None:
                names[step.shared] = None
            for name in step.needs:
                names.update(dict.fromkeys(step.zipped.get(name, [name])))
        own = {step.defines for step in self.steps}
        return tuple(name for name in names if name not in own)

    @property
    def head(self) -> int | None:
        """For a chain, the index of the input that it begins with; else None. In a chain the input of each
        step is the output of the one before, and the last one's is the output: nn.Sequential runs it. An `if`
        may leave steps out.
        """
        if len(self.outputs) != 1:
            return None
        steps = self.steps
        first = steps[0].sources[steps[0].takes[0]] if steps and steps[0].takes else self.outputs[0]
        if first not in self.inputs or _end(self.items, first) is not self.outputs[0]:
            return None
        return self.inputs.index(first)

    @property
    def single(self) -> PlanStep | None:
        """The only step of a body without a level of its own, where it can replace the body."""
        if len(self.items) != 1:
            return None
        step = self.items[0]
        if isinstance(step, If) or step.name != "" or step.piece is None or step.shared:
            return None
        return step if self.outputs == step.outputs else None

    @property
    def optional(self) -> PlanStep | None:
        """The only step of a body without a level of its own, where it exists only under a condition."""
        steps = self.steps
        if len(steps) != 1 or steps[0].name != "" or not isinstance(self.items[0], If):
            return None
        return steps[0] if len(self.inputs) == 1 and inline(steps[0].piece) and self.head == 0 else None

    def used(self) -> Iterator[str]:
        """The variables that the constructor reads, except `let`s and those of loops."""
        own = {name for name, _ in self.lets}
        for _, node in self.lets:
            yield from (name for name in variables(node) if name not in own)
        pieces = [step.piece for step in self.steps if step.piece is not None]
        for piece in (*pieces, *(condition.node for condition in asked(self.items))):
            yield from (name for name in used_in(piece) if name not in own)

    def reads(self) -> set[Tensor]:
        """The tensors that any step reads, and the outputs."""
        return {*self.outputs, *(tensor for item in self.items for tensor in item.reads)}


def _end(items: Sequence[Item], previous: Tensor) -> Tensor | None:
    """The tensor that a chain of items ends with; None where the items are not a chain of modules."""
    for item in items:
        if isinstance(item, If):
            then, otherwise = _end(item.then, previous), _end(item.otherwise, previous)
            if then is None or otherwise is None:
                return None
            if then is otherwise:
                continue
            joined = [tensor for tensor, *sides in item.joins if sides == [then, otherwise]]
            if not joined:
                return None
            previous = joined[0]
        else:
            if item.piece is None or item.loop or item.needs or item.shared or len(item.outputs) != 1:
                return None
            if item.reads != [previous]:
                return None
            previous = item.outputs[0]
    return previous


@dataclass(eq=False, slots=True)
class Parameter:
    """A constructor's parameter: its variable, type and default (None: none)."""

    variable: str
    annotation: str
    default: Piece | None


@dataclass(eq=False, slots=True)
class ClassPlan:
    """A class of the emitted file. `preferred` is its name if that is free; `name` is set when the file is
    written.

    form: `chain` subclasses nn.Sequential; `module` has a `forward` of its own; `layer` subclasses the one
    layer (or block) that it consists of; `list` subclasses nn.ModuleList; `function` returns the layer.
    `tensors` are names for the inputs; `forward` takes those in `takes`. `unnamed`: a group, a line or a
    pass, not a block.
    """

    preferred: str
    plan: Plan
    form: Literal["chain", "module", "layer", "list", "function"]
    parameters: list[Parameter]
    takes: tuple[int, ...]
    tensors: list[str]
    unnamed: bool = False
    name: str = ""
    recursive: bool = False
    """It calls itself."""

    @property
    def is_plain(self) -> bool:
        """Whether it adds nothing to its one layer: a block that is `nn.Tanh()`."""
        return self.form == "layer" and not (self.parameters or self.plan.lets or self.base.arguments)

    @property
    def base(self) -> Call:
        piece = self.plan.steps[0].piece
        assert isinstance(piece, Call)
        return piece


def inline(piece: Piece | None) -> bool:
    """Whether a piece can be written inside a call."""
    return not isinstance(piece, Growing)
