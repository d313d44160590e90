"""From bodies to classes: what each step's constructor call is, and which arguments a class takes.

A `Plan` is one body (or several uses of one text) with its calls settled; a `ClassPlan` is a plan that
becomes a class. What is only a chain of layers becomes `sequential(…)` where it stands, or a subclass of
nn.Sequential.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from cnnspec.lower.call import Call
from cnnspec.lower.symbolic import Node, variables
from cnnspec.targets.torch.pieces import Growing, Piece, used_in

if TYPE_CHECKING:
    from cnnspec.ops.base import Shape


@dataclass(frozen=True, slots=True)
class Phi:
    """The tensor of `then` where the condition holds, else of `otherwise`."""

    condition: int
    then: Source
    otherwise: Source


Source: TypeAlias = int | Phi
"""A value of the plan (its inputs first, then the outputs of its steps), or a choice of two."""

Guard: TypeAlias = tuple[int, bool]


def leaves(source: Source) -> set[int]:
    if isinstance(source, int):
        return {source}
    return leaves(source.then) | leaves(source.otherwise)


@dataclass(slots=True)
class Arm:
    """A branch of a merge: its tensor, under which condition it is there, and how many axes it has."""

    source: Source
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
    guards: tuple[Guard, ...]
    sources: list[Source]
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


@dataclass(slots=True)
class Plan:
    """A stretch of steps with its calls settled."""

    inputs: int
    steps: list[PlanStep]
    outputs: list[Source]
    conditions: dict[int, Node]
    labels: dict[int, str]
    shapes: dict[int, Shape]
    lets: list[tuple[str, Node]] = field(default_factory=list)

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
        for step in self.steps:
            if step.piece is None or step.loop or step.needs or step.shared:
                return None
            if len(step.takes) != 1 or len(step.outputs) != 1:
                return None
        head = self.steps[0].sources[self.steps[0].takes[0]] if self.steps else self.outputs[0]
        if not isinstance(head, int) or head >= self.inputs:
            return None
        return head if self._linear(head) else None

    def _linear(self, head: int) -> bool:
        """Whether, for every outcome of the conditions, the steps that are left follow each other."""
        numbers = sorted({number for step in self.steps for number, _ in step.guards})
        if len(numbers) > 6:
            return False
        for outcome in product((True, False), repeat=len(numbers)):
            holds = dict(zip(numbers, outcome, strict=True))
            previous = head
            for step in self.steps:
                if all(holds[number] is side for number, side in step.guards):
                    if settled(step.sources[step.takes[0]], holds) != previous:
                        return False
                    previous = step.outputs[0]
            if settled(self.outputs[0], holds) != previous:
                return False
        return True

    @property
    def single(self) -> PlanStep | None:
        """The step of a body that has no level of its own, where it can stand for the body."""
        if len(self.steps) != 1 or self.steps[0].name != "" or len(self.outputs) != 1:
            return None
        step = self.steps[0]
        if step.guards or step.piece is None or step.shared or self.outputs[0] != step.outputs[0]:
            return None
        return step

    @property
    def optional(self) -> PlanStep | None:
        """The step of a body that has no level of its own and is only there under a condition."""
        if len(self.steps) != 1 or self.steps[0].name != "" or not self.steps[0].guards or self.inputs != 1:
            return None
        step = self.steps[0]
        return (
            step if step.piece is not None and inline(step.piece) and self.chain and not step.loop else None
        )

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
        found: set[int] = set()
        for step in self.steps:
            for source in [*step.sources, *(arm.source for arm in step.arms)]:
                found |= leaves(source)
        for source in self.outputs:
            found |= leaves(source)
        return found

    def asked(self) -> list[int]:
        """The conditions that anything depends on."""
        found: set[int] = set()

        def add(source: Source) -> None:
            if not isinstance(source, int):
                found.add(source.condition)
                add(source.then)
                add(source.otherwise)

        for step in self.steps:
            found.update(number for number, _ in step.guards)
            for source in step.sources:
                add(source)
            for arm in step.arms:
                add(arm.source)
                if arm.when is not None:
                    found.add(arm.when[0])
        for source in self.outputs:
            add(source)
        return sorted(found)


def settled(source: Source, holds: dict[int, bool]) -> Source:
    while not isinstance(source, int) and source.condition in holds:
        source = source.then if holds[source.condition] else source.otherwise
    return source


@dataclass(slots=True)
class Parameter:
    """A constructor's argument: its variable, type, default (None: none), and what it is called by: the
    author's parameter, or the channels of an input."""

    variable: str
    annotation: str
    default: Node | None
    given: str | int


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
    doc: str = ""

    @property
    def base(self) -> Call:
        piece = self.plan.steps[0].piece
        assert isinstance(piece, Call)
        return piece


def inline(piece: Piece | None) -> bool:
    """Whether a piece can stand inside a call."""
    return not isinstance(piece, Growing)
