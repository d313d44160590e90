"""One body (or several uses of one text) on its way to a plan: names, channels, and the call of every
layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cnnspec.ir.graph import Layer
from cnnspec.targets.symbolic import (
    Apply,
    Const,
    Node,
    Unclear,
    Var,
    from_text,
    gives,
    replaced,
    variables,
)
from cnnspec.targets.torch.layers import MODULES, channels, module
from cnnspec.targets.torch.pieces import Built, Slot, unify
from cnnspec.targets.torch.place import Place, Unsupported
from cnnspec.targets.torch.plan import Arm, Plan, PlanStep
from cnnspec.targets.unify import Diverges
from cnnspec.targets.union import Phi, Source, Union, UnionStep
from cnnspec.targets.values import parsed

if TYPE_CHECKING:
    from cnnspec.ops.base import Shape
    from cnnspec.targets.torch.builder import Builder

OVERWRITABLE = frozenset({"conv", "dwconv", "deconv", "bn", "gn", "fc", "add", "maxpool", "avgpool"})
"""What puts out a tensor of its own that it does not need for the way back: an activation may overwrite
it."""


@dataclass(slots=True)
class BodyBuilder:
    """One body (or several uses of one text) on its way to a plan."""

    builder: Builder
    laid: Union
    envs: list[dict[str, Any]]
    symbols: list[Node | None]
    place: Place
    scope: dict[str, Node] = field(default_factory=dict)
    lets: list[tuple[str, Node]] = field(default_factory=list)
    readers: dict[int, int] = field(default_factory=dict)
    makers: dict[int, UnionStep] = field(default_factory=dict)
    conditions: dict[int, Node | None] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)

    def plan(self) -> Plan:
        self.scope = dict(self.place.scope)
        self._count_readers()
        steps = []
        for step in self.laid.steps:
            self._take_lets(step)
            for output in step.outputs:
                self.makers[output] = step
            made = self._layer(step) if isinstance(step.first, Layer) else self._region(step)
            steps.append(made)
        bodies = self.laid.bodies
        count = len(bodies[0].outputs)
        if any(len(body.outputs) != count for body in bodies):
            raise Diverges("different numbers of outputs")
        outputs = [
            self.laid.source({use: body.outputs[place] for use, body in enumerate(bodies)})
            for place in range(count)
        ]
        outputs = self._close(steps, outputs)
        plan = Plan(
            inputs=bodies[0].inputs,
            steps=steps,
            outputs=outputs,
            symbols=[self._exported(self._symbol(source)) for source in outputs],
            conditions={},
            labels=self._labels(),
            shapes=self._shapes(),
        )
        for number in plan.asked():
            plan.conditions[number] = self._condition(number)
        self._keep_lets(plan)
        return plan

    def _close(self, steps: list[PlanStep], outputs: list[Source]) -> list[Source]:
        """No step reads a tensor past the `if` that it was made under (see `Union.closed`)."""
        if not self.laid.conditions:
            return outputs
        entries = [(source, step.guards) for step in steps if not step.arms for source in step.sources]
        for step in steps:
            for arm in step.arms:
                entries.append((arm.source, step.guards if arm.when is None else (*step.guards, arm.when)))
        found = iter(self.laid.closed([*entries, *((source, ()) for source in outputs)]))
        for step in steps:
            if not step.arms:
                step.sources = [next(found) for _ in step.sources]
        for step in steps:
            for arm in step.arms:
                arm.source = next(found)
            step.sources = [arm.source for arm in step.arms] or step.sources
        return list(found)

    def _labels(self) -> dict[int, str]:
        found: dict[int, str] = {}
        for use, body in enumerate(self.laid.bodies):
            for label, value in body.labels.items():
                found.setdefault(self.laid.numbers[use][value], label)
        return found

    def _shapes(self) -> dict[int, Shape]:
        """The shapes that are the same in all uses."""
        if len(self.laid.bodies) != 1:
            return {}
        body = self.laid.bodies[0]
        return {
            self.laid.numbers[0][value]: shape for value, shape in enumerate(body.values) if shape is not None
        }

    # --- names ----------------------------------------------------------------------------------------

    def _take_lets(self, step: UnionStep) -> None:
        """The author's `let`s that stand before this step."""
        use = step.present[0]
        body = self.laid.bodies[use]
        for local in body.locals:
            if local.before > step.index[use] or local.name in self.known:
                continue
            self.known.add(local.name)
            at = self._symbol(self.laid.numbers[use][local.at])
            node: Node | None
            try:
                node = from_text(local.text, self.scope | ({"C": at} if at is not None else {}))
            except Unclear:
                node = None
            values: dict[int, Any] = {}
            for number, other in enumerate(self.laid.bodies):
                for one in other.locals:
                    if one.name == local.name:
                        values[number] = parsed(one.value)
            if node is None or not all(gives(node, self.envs[n], value) for n, value in values.items()):
                same = len(set(values.values())) == 1
                node = Const(next(iter(values.values()))) if same else None
            if isinstance(node, Apply) and self.place.top:
                variable = self.place.namer.take(local.name)
                for number, value in values.items():
                    self.envs[number][variable] = value
                self.lets.append((variable, node))
                node = Var(variable)
            if node is not None:
                self.scope[local.name] = node
            else:
                self.scope.pop(local.name, None)

    def _keep_lets(self, plan: Plan) -> None:
        """Only those that something reads, directly or through another."""
        plan.lets = list(self.lets)
        while True:
            used = list(plan.used())
            bare = Plan(plan.inputs, plan.steps, plan.outputs, [], plan.conditions, {}, {})
            wanted = set(bare.used())
            for name, node in reversed(plan.lets):
                if name in wanted:
                    wanted.update(variables(node))
            kept = [(name, node) for name, node in plan.lets if name in wanted]
            if kept == plan.lets or not used:
                plan.lets = kept
                return
            plan.lets = kept

    def _exported(self, node: Node | None) -> Node | None:
        """A symbol in terms of the class's arguments alone."""
        for name, definition in reversed(self.lets):
            if node is not None:
                node = replaced(node, {name: definition})
        return node

    def _condition(self, number: int) -> Node | None:
        condition = self.laid.conditions[number]
        use = next(use for use, holds in enumerate(condition.holds) if holds is not None)
        where = condition.where[use]
        assert where is not None
        at = {n: c.at for n, c in enumerate(condition.where) if c is not None}
        try:
            symbol = self._symbol(self.laid.source(at))
            node = from_text(where.text, self.scope | ({"C": symbol} if symbol is not None else {}))
        except Unclear:
            raise Diverges("a condition on what a class does not know") from None
        for n, holds in enumerate(condition.holds):
            if holds is not None and not gives(node, self.envs[n], holds):
                raise Diverges("a condition that comes out differently in Python")
        return node

    # --- channels -------------------------------------------------------------------------------------

    def _size(self, use: int, source: Source) -> int:
        return self.laid.shape(use, source)[0]

    def _uses_of(self, source: Source) -> list[int]:
        if isinstance(source, Phi):
            return sorted({*self._uses_of(source.then), *self._uses_of(source.otherwise)})
        return [use for use, values in enumerate(self.laid.values) if source in values]

    def _symbol(self, source: Source) -> Node | None:
        """The channels of a tensor as a node."""
        if isinstance(source, int):
            return self.symbols[source]
        uses = [
            use
            for use in self._uses_of(source)
            if self.laid.conditions[source.condition].holds[use] is not None
        ]
        then, otherwise = self._symbol(source.then), self._symbol(source.otherwise)
        for node in (then, otherwise):
            if node is not None and all(gives(node, self.envs[use], self._size(use, source)) for use in uses):
                return node
        return None

    def _count_readers(self) -> None:
        for use, body in enumerate(self.laid.bodies):
            counts: dict[int, int] = {}
            for step in body.steps:
                for value in set(step.inputs):
                    counts[value] = counts.get(value, 0) + step.inputs.count(value)
            for value in body.outputs:
                counts[value] = counts.get(value, 0) + 1
            for value, count in counts.items():
                number = self.laid.numbers[use][value]
                self.readers[number] = max(self.readers.get(number, 0), count)

    # --- layers ---------------------------------------------------------------------------------------

    def _layer(self, step: UnionStep) -> PlanStep:
        first = step.first
        assert isinstance(first, Layer)
        if first.op.merges:
            return self._merge(step, first)
        sources = self._sources(step)
        word = first.op.word
        made = PlanStep(
            name=first.name,
            word=word,
            guards=step.guards,
            sources=sources,
            outputs=step.outputs,
            op=first.op,
            starts_line=first.op.weighted,
        )
        symbols = [self._symbol(source) for source in sources]
        layers = {use: step.steps[use] for use in step.present}
        lends = any(getattr(layer.op, field) for layer in layers.values() for field in first.op.tensors)  # type: ignore[union-attr]
        known = {"@C": symbols[0]}
        if lends:
            if len({repr(layer.op) for layer in layers.values()}) != 1:  # type: ignore[union-attr]
                raise Diverges("different arguments")
            made.takes = tuple(range(len(sources)))
        else:
            if word not in MODULES:
                raise Unsupported(f"the torch target has no emitter for `{word}`", first)
            fresh = self._fresh(sources[0])
            calls, envs = [], []
            for use, layer in layers.items():
                assert isinstance(layer, Layer)
                arriving, out = self._shapes_at(use, sources, step.outputs[0])
                calls.append(module(layer.op, arriving, out, fresh))
                envs.append(self.envs[use])
            known |= self._written(layers, symbols[0])
            made.piece = unify([_resolved(call, known) for call in calls], envs)
        made.rank = len(self.laid.shape(step.present[0], step.outputs[0]))
        self._set_symbol(step, 0, _node(channels(first.op, tuple(symbols)), known))
        return made

    def _written(self, layers: Mapping[int, object], at: Node | None) -> dict[str, Node | None]:
        """The author's expressions for the fields of a layer or a call, by field."""
        texts = [layer.written for layer in layers.values()]  # type: ignore[attr-defined]
        scope = self.scope | ({"C": at} if at is not None else {})
        known: dict[str, Node | None] = {}
        for name, parts in texts[0].items():
            if any(other.get(name) != parts for other in texts):
                continue
            try:
                nodes = [from_text(part, scope) for part in parts]
            except Unclear:
                continue
            for place, node in enumerate(nodes):
                known[f"@{name}.{place}"] = node
            known[f"@{name}.last"] = nodes[-1]
            known[f"@{name}"] = nodes[0] if len(nodes) == 1 else _pair(nodes)
        return known

    def _shapes_at(self, use: int, sources: list[Source], output: int) -> tuple[tuple[Shape, ...], Shape]:
        return tuple(self.laid.shape(use, source) for source in sources), self.laid.shape(use, output)

    def _sources(self, step: UnionStep) -> list[Source]:
        counts = {len(one.inputs) for one in step.steps if one is not None}
        if len(counts) != 1:
            raise Diverges("different numbers of inputs")
        return [
            self.laid.source(
                {use: step.steps[use].inputs[place] for use in step.present},  # type: ignore[union-attr]
                step.guards,
            )
            for place in range(counts.pop())
        ]

    def _fresh(self, source: Source) -> bool:
        """Whether a tensor may be overwritten by the layer that reads it."""
        if isinstance(source, Phi):
            return self._fresh(source.then) and self._fresh(source.otherwise)
        maker = self.makers.get(source)
        if maker is None or self.readers.get(source, 0) != 1:
            return False
        layers = [step for step in maker.steps if step is not None]
        return all(isinstance(layer, Layer) and layer.op.word in OVERWRITABLE for layer in layers) and (
            # `add` of one branch is that branch
            all(
                not isinstance(layer, Layer) or not layer.op.merges or len(layer.inputs) > 1
                for layer in layers
            )
        )

    def _set_symbol(self, step: UnionStep, place: int, node: Node | None) -> None:
        """The channels of an output: the node, where it gives the right number in every use; else the number
        itself."""
        output = step.outputs[place]
        sizes = {use: self.laid.shape(use, output)[0] for use in step.present}
        if node is None or not all(gives(node, self.envs[use], size) for use, size in sizes.items()):
            node = Const(next(iter(sizes.values()))) if len(set(sizes.values())) == 1 else None
        self.symbols.append(node)

    def _merge(self, step: UnionStep, first: Layer) -> PlanStep:
        arms: list[Arm] = []
        count = max(len(_arms(one)) for one in step.steps if isinstance(one, Layer))
        for place in range(count):
            values = {use: _arms(step.steps[use])[place] for use in step.present}
            there = {use: value for use, value in values.items() if value is not None}
            if not there:
                continue
            when = self.laid.deciding({use: value is not None for use, value in values.items()})
            source = self.laid.source(there)
            ranks = {len(self.laid.shape(use, source)) for use in there}
            if len(ranks) != 1:
                raise Diverges("a vector and a volume")
            arms.append(Arm(source, when, ranks.pop()))
        symbols = tuple(self._symbol(arm.source) for arm in arms)
        node: Node | None
        if first.op.word == "concat":
            node = None if any(arm.when for arm in arms) else channels(first.op, symbols)
        else:
            largest = max(range(len(arms)), key=lambda place: arms[place].rank)
            candidates = [symbols[largest], *symbols]
            sizes = {use: self.laid.shape(use, step.outputs[0])[0] for use in step.present}
            node = next(
                (
                    one
                    for one in candidates
                    if one is not None
                    and all(gives(one, self.envs[use], size) for use, size in sizes.items())
                ),
                None,
            )
        self._set_symbol(step, 0, node)
        return PlanStep(
            name=first.name,
            word=first.op.word,
            guards=step.guards,
            sources=[arm.source for arm in arms],
            outputs=step.outputs,
            arms=arms,
            op=first.op,
            rank=len(self.laid.shape(step.present[0], step.outputs[0])),
        )

    # --- regions --------------------------------------------------------------------------------------

    def _region(self, step: UnionStep) -> PlanStep:
        from cnnspec.targets.torch.regions import region_step

        return region_step(self, step)


def _arms(step: object) -> list[int | None]:
    assert isinstance(step, Layer)
    if step.arms:
        return [arm.value for arm in step.arms]
    return list(step.inputs)


def _pair(nodes: list[Node]) -> Node | None:
    if len(nodes) == 2:
        return Apply("pair", tuple(nodes))
    return None


def _node(node: Node | None, known: Mapping[str, Node | None]) -> Node | None:
    """The node with what its `@` names stand for; None where one stands for nothing."""
    if node is None:
        return None
    by: dict[str, Node] = {}
    for name in variables(node):
        if name.startswith("@"):
            found = known.get(name)
            if found is None:
                return None
            by[name] = found
    try:
        return replaced(node, by)
    except Unclear:
        return None


def _resolved(call: Built, known: Mapping[str, Node | None]) -> Built:
    slots = []
    for slot in call.slots:
        value = _resolved(slot.value, known) if isinstance(slot.value, Built) else slot.value
        slots.append(Slot(slot.name, value, _node(slot.source, known), slot.default))
    return Built(call.function, tuple(slots), call.suffix)
