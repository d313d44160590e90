"""A body of the IR on its way to steps: the uses laid over each other, the `if`s that
are open, the names that an expression knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnnspec.ir.graph import Body, Layer, Region
from cnnspec.ops.base import written_shape
from cnnspec.targets.numpy.statements import If, Let, Step, Tensor
from cnnspec.targets.symbolic import Const, Node, Unclear, Var, from_text, gives, variables
from cnnspec.targets.unify import Diverges
from cnnspec.targets.union import Source, Union, UnionStep, union
from cnnspec.targets.values import parsed

if TYPE_CHECKING:
    from cnnspec.targets.numpy.build import FunctionScope

Env = dict[str, Any]


@dataclass(frozen=True, slots=True)
class UseOf:
    """One use of a body: which body, and what the numbers are there."""

    body: int
    env: Env


class Frame:
    """The uses of a body laid over each other, and where in it we are."""

    def __init__(
        self,
        function: FunctionScope,
        uses: Sequence[UseOf],
        inputs: list[Tensor],
        place: str,
        scope: dict[str, Node],
    ) -> None:
        self.function, self.place, self.scope = function, place, scope
        self.builder = function.builder
        self.graph = self.builder.graph
        bodies: list[Body] = [self.graph.bodies[use.body] for use in uses]
        self.envs: list[Env] = [dict(use.env) for use in uses]
        self.laid: Union = union(bodies)
        self.tensors: dict[int, Tensor] = dict(enumerate(inputs))
        self.steps: list[Step] = []
        self.open: list[tuple[If, bool]] = []
        self.guards: list[tuple[int, bool]] = []
        self.ifs: dict[int, If] = {}
        self.sides: dict[int, tuple[tuple[int, bool], ...]] = {}
        self.numbers: dict[int, int] = {}
        self.variables: dict[int, str] = {}
        self.joined: dict[Source, Tensor] = {}
        self.known_lets: set[str] = set()
        self.labels: dict[int, str] = {}
        for use, body in enumerate(bodies):
            for label, value in body.labels.items():
                self.labels.setdefault(self.laid.numbers[use][value], label)

    # --- ifs ------------------------------------------------------------------------------------------------

    @property
    def here(self) -> list[Step]:
        """Where the next step goes."""
        return self.open[-1][0].side(self.open[-1][1]) if self.open else self.steps

    def _move_to(self, guards: tuple[tuple[int, bool], ...]) -> None:
        """Closes and opens sides of `if`s until these are open."""
        same = 0
        while same < min(len(guards), len(self.guards)) and guards[same] == self.guards[same]:
            same += 1
        del self.open[same:], self.guards[same:]
        for condition, side in guards[same:]:
            self.open.append((self._if(condition), side))
            self.guards.append((condition, side))

    def _if(self, condition: int) -> If:
        """The `if` of a condition: the one that stands last where we are, or a new one."""
        here = self.here
        last = next((step for step in reversed(here) if isinstance(step, If)), None)
        if (
            last is not None
            and last.condition == self._number(condition)
            and not last.joins
            and here[-1] is last
        ):
            return last
        made = If(self._number(condition), self._decide(condition))
        here.append(made)
        self.ifs[condition] = made
        return made

    def _number(self, condition: int) -> int:
        """The condition's number in the whole function."""
        if condition not in self.numbers:
            self.numbers[condition] = self.function.conditions
            self.function.conditions += 1
        return self.numbers[condition]

    def _decide(self, condition: int) -> str:
        """The variable that says how the `if` comes out; written before the first step
        that asks."""
        if condition in self.variables:
            return self.variables[condition]
        decided = self.laid.conditions[condition]
        at = {use: where.at for use, where in enumerate(decided.where) if where is not None}
        text = next(where.text for where in decided.where if where is not None)
        try:
            node = from_text(text, self._scope_at(self.laid.source(at)))
        except Unclear:
            raise Diverges("a condition on what a function does not know") from None
        for use, holds in enumerate(decided.holds):
            if holds is not None and not gives(node, self.envs[use], holds):
                raise Diverges("a condition that comes out differently in Python")
        variable = self.function.namer.take("when")
        for use, holds in enumerate(decided.holds):
            if holds is not None:
                self.envs[use][variable] = holds
        kept = '["if"]' if variable == "when" else f'["if.{variable.removeprefix("when")}"]'
        self.here.append(Let(variable, node, self._reads(node), self.place + kept))
        self.variables[condition] = variable
        return variable

    def _tensor(self, source: Source) -> Tensor:
        """The tensor of a value; a choice of two is brought together behind the `if`
        that decides."""
        if isinstance(source, int):
            return self.tensors[source]
        if source in self.joined:
            return self.joined[source]
        made = self.builder.tensor()
        decided = self.ifs.get(source.condition)
        if decided is None or not self._within_reach(decided):
            decided = If(self._number(source.condition), self._decide(source.condition))
            self.here.append(decided)
        else:
            made.sides = self._sides_of(decided)
        sides = []
        for holds, inner in ((True, source.then), (False, source.otherwise)):
            self.open.append((decided, holds))
            self.guards.append((source.condition, holds))
            sides.append(self._tensor(inner))
            del self.open[-1], self.guards[-1]
        decided.joins.append((made, sides[0], sides[1]))
        self.joined[source] = made
        return made

    def _within_reach(self, decided: If) -> bool:
        """Whether an `if` stands where we are, or in a list around."""
        return any(
            decided is step
            for steps in [self.steps, *(one.side(side) for one, side in self.open)]
            for step in steps
        )

    def _sides_of(self, decided: If) -> tuple[tuple[int, bool], ...]:
        return tuple((one.condition, side) for one, side in self.open if one is not decided)

    def _new(self, number: int) -> Tensor:
        """The tensor of a step's output."""
        sides = tuple((one.condition, side) for one, side in self.open)
        made = self.builder.tensor(self.labels.get(number), sides)
        self.tensors[number] = made
        shapes = {
            shape
            for use, values in enumerate(self.laid.values)
            if number in values and (shape := self.laid.bodies[use].values[values[number]]) is not None
        }
        if len(shapes) == 1:
            made.note = written_shape(shapes.pop())
        return made

    # --- numbers --------------------------------------------------------------------------------------------

    def _scope_at(self, source: Source) -> dict[str, Node]:
        """The names that an expression knows where this tensor arrives: C, H and W are
        its shape."""
        tensor = self._tensor(source)
        found: dict[str, Node] = {}
        for use in range(len(self.envs)):
            try:
                shape = self.laid.shape(use, source)
            except KeyError:
                continue
            for letter, size in zip("CHW", shape, strict=False):
                self.envs[use][f"§{tensor.number}.{letter}"] = size
                found[letter] = Var(f"§{tensor.number}.{letter}")
        return self.scope | found

    def _reads(self, node: Node) -> list[Tensor]:
        """The tensors whose shapes a node speaks of."""
        numbers = dict.fromkeys(
            int(name[1:].split(".")[0]) for name in variables(node) if name.startswith("§")
        )
        return [self.builder.tensors[number] for number in numbers]

    def _take_lets(self, step: UnionStep) -> None:
        """The author's `let`s that stand before this step."""
        use = step.present[0]
        body = self.laid.bodies[use]
        for local in body.locals:
            if local.before > step.index[use] or local.name in self.known_lets:
                continue
            self.known_lets.add(local.name)
            self._move_to(())
            values: dict[int, Any] = {}
            for number, other in enumerate(self.laid.bodies):
                for one in other.locals:
                    if one.name == local.name:
                        values[number] = parsed(one.value)
            try:
                node: Node | None = from_text(local.text, self._scope_at(self.laid.numbers[use][local.at]))
            except (Unclear, KeyError):
                node = None
            if node is None or not all(gives(node, self.envs[n], value) for n, value in values.items()):
                same = {repr(value) for value in values.values()}
                node = Const(next(iter(values.values()))) if len(same) == 1 else None
            if node is None:
                self.scope.pop(local.name, None)
                continue
            if isinstance(node, Const):
                self.scope[local.name] = node
                continue
            variable = self.function.namer.take(local.name)
            for number, value in values.items():
                self.envs[number][variable] = value
            self.here.append(Let(variable, node, self._reads(node)))
            self.scope[local.name] = Var(variable)

    def _written(self, steps: Mapping[int, Layer | Region], source: Source | None) -> dict[str, Any]:
        """The author's expressions by field, a node for each dimension (None where a
        name is not known here)."""
        texts = [step.written for step in steps.values()]
        if not texts[0]:
            return {}
        scope = self.scope if source is None else self._scope_at(source)
        found: dict[str, tuple[Node | None, ...]] = {}
        for name, parts in texts[0].items():
            if any(other.get(name) != parts for other in texts):
                continue
            nodes: list[Node | None] = []
            for part in parts:
                try:
                    nodes.append(from_text(part, scope))
                except Unclear:
                    nodes.append(None)
            found[name] = tuple(nodes)
        return found
