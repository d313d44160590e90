"""From bodies to classes: what each step's constructor call is, and which arguments a class takes.

A `Plan` is one body (or several uses of one text) with its calls settled; a `ClassPlan` is a plan that
becomes a class. What is only a chain of layers becomes `sequential(…)` where it stands, or a subclass of
nn.Sequential.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from cnnspec.lower.call import Call
from cnnspec.lower.symbolic import Node, variables
from cnnspec.targets.torch.pieces import Growing, Piece, used_in

if TYPE_CHECKING:
    from cnnspec.ops.base import Shape


Guard: TypeAlias = tuple[int, bool]


@dataclass(slots=True)
class Arm:
    """A branch of a merge: its tensor, under which condition it is there, and how many axes it has."""

    source: int
    when: Guard | None
    rank: int


@dataclass(slots=True)
class PlanStep:
    """A step of a class: the attribute's call (None where `forward` says it as an expression), and what it
    reads.

    `takes` are the places in `sources` that are handed to the module; `loop`: the attribute is a list of
    modules, each taking the further tensors too; `shared` names a shared block whose module is called
    instead of an attribute; `needs` are shared blocks that the module must be handed.
    """

    name: str
    word: str
    sources: list[int]
    outputs: list[int]
    piece: Piece | None = None
    takes: tuple[int, ...] = (0,)
    arms: list[Arm] = field(default_factory=list)
    loop: bool = False
    shared: str | None = None
    needs: tuple[str, ...] = ()
    zipped: list[tuple[str, list[str]]] = field(default_factory=list)
    """In a loop: needed modules that differ from pass to pass."""
    starts_line: bool = False
    op: Any = None
    rank: int = 3

    @property
    def reads(self) -> list[int]:
        """What it reads in `forward`."""
        return [arm.source for arm in self.arms] or [self.sources[place] for place in self.takes]


@dataclass(slots=True)
class If:
    """Both sides of a condition, and the tensors that it decides: the number of each, what it is where the
    condition holds, and where not."""

    condition: int
    then: list[Item] = field(default_factory=list)
    otherwise: list[Item] = field(default_factory=list)
    joins: list[tuple[int, int, int]] = field(default_factory=list)

    @property
    def outputs(self) -> list[int]:
        return [joined for joined, _, _ in self.joins]

    @property
    def reads(self) -> list[int]:
        """What its sides read and what it joins."""
        inside = [source for item in (*self.then, *self.otherwise) for source in item.reads]
        return inside + [side for _, *sides in self.joins for side in sides]

    def side(self, holds: bool) -> list[Item]:
        return self.then if holds else self.otherwise


Item: TypeAlias = "PlanStep | If"


def steps_of(items: Sequence[Item]) -> Iterator[PlanStep]:
    """All the steps, those under conditions too."""
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


def needed(items: list[Item], live: set[int]) -> list[Item]:
    """The items without the joins that nothing reads, and without the `if`s that are empty then. `live` is
    what is read after them, and becomes what is read from their beginning on."""
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


@dataclass(slots=True)
class Plan:
    """A stretch of steps with its calls settled. Its values are numbers: its inputs first, then what
    its steps and `if`s give."""

    inputs: int
    items: list[Item]
    outputs: list[int]
    conditions: dict[int, Node]
    labels: dict[int, str]
    shapes: dict[int, Shape]
    lets: list[tuple[str, Node]] = field(default_factory=list)

    @property
    def steps(self) -> list[PlanStep]:
        return list(steps_of(self.items))

    @property
    def needs(self) -> tuple[str, ...]:
        """The shared blocks that `forward` must be handed."""
        found: dict[str, None] = {}
        for step in self.steps:
            if step.shared is not None:
                found[step.shared] = None
            zipped = dict(step.zipped)
            for name in step.needs:
                found.update(dict.fromkeys(zipped.get(name, [name])))
        return tuple(found)

    @property
    def chain(self) -> bool:
        """Each step takes what the one before gave, and the last one's tensor comes out: nn.Sequential runs
        it. An `if` may leave steps out."""
        return self._follow() is not None

    @property
    def head(self) -> int:
        """Of a chain: which input it begins with."""
        head = self._follow()
        assert head is not None
        return head

    def _follow(self) -> int | None:
        if len(self.outputs) != 1:
            return None
        steps = self.steps
        head = steps[0].sources[steps[0].takes[0]] if steps and steps[0].takes else self.outputs[0]
        return head if head < self.inputs and _end(self.items, head) == self.outputs[0] else None

    @property
    def single(self) -> PlanStep | None:
        """The step of a body that has no level of its own, where it can stand for the body."""
        if len(self.items) != 1 or len(self.outputs) != 1:
            return None
        step = self.items[0]
        if isinstance(step, If) or step.name != "" or step.piece is None or step.shared:
            return None
        return step if self.outputs == step.outputs else None

    @property
    def optional(self) -> PlanStep | None:
        """The step of a body that has no level of its own and is only there under a condition."""
        steps = self.steps
        if len(steps) != 1 or steps[0].name != "" or not isinstance(self.items[0], If) or self.inputs != 1:
            return None
        return steps[0] if inline(steps[0].piece) and self.chain else None

    def used(self) -> Iterator[str]:
        """The variables that the constructor reads, `let`s and loops aside."""
        own: set[str] = set()
        for name, node in self.lets:
            yield from (n for n in variables(node) if n not in own)
            own.add(name)
        for step in self.steps:
            if step.piece is not None:
                yield from (n for n in used_in(step.piece) if n not in own)
        for number in self.asked():
            yield from (n for n in variables(self.conditions[number]) if n not in own)

    def reads(self) -> set[int]:
        """The values that anything reads, or that come out."""
        return {*self.outputs, *(source for item in self.items for source in item.reads)}

    def asked(self) -> list[int]:
        """The conditions that anything depends on."""
        arms = (arm.when for step in self.steps for arm in step.arms)
        return sorted({item.condition for item in ifs_of(self.items)} | {when[0] for when in arms if when})


def _end(items: Sequence[Item], previous: int) -> int | None:
    """The tensor that a chain of items ends with; None where they do not follow each other, each with a
    module of its own."""
    for item in items:
        if isinstance(item, If):
            then, otherwise = _end(item.then, previous), _end(item.otherwise, previous)
            if then is None or otherwise is None:
                return None
            if then == otherwise:
                continue
            joined = [number for number, *sides in item.joins if sides == [then, otherwise]]
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


@dataclass(slots=True)
class Parameter:
    """A constructor's argument: its variable, type and default (None: none)."""

    variable: str
    annotation: str
    default: Node | None


@dataclass(eq=False, slots=True)
class ClassPlan:
    """A class of the emitted file.

    form: `chain` subclasses nn.Sequential; `module` has a forward of its own; `layer` subclasses the one
    layer (or block) that it is; `list` subclasses nn.ModuleList; `function` returns the layer.
    """

    wanted: str
    plan: Plan
    form: Literal["chain", "module", "layer", "list", "function"]
    parameters: list[Parameter]
    takes: tuple[int, ...]
    tensors: list[str]
    """A name for each input; forward takes those in `takes`."""
    all_parameters: list[Parameter] = field(default_factory=list)
    unnamed: bool = False
    """Whether it is a group, a line or a pass, not a block."""

    @property
    def base(self) -> Call:
        piece = self.plan.steps[0].piece
        assert isinstance(piece, Call)
        return piece


def inline(piece: Piece | None) -> bool:
    """Whether a piece can stand inside a call."""
    return not isinstance(piece, Growing)
