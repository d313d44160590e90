"""Templates: the flow of tensors through each stretch of the text, whatever its uses made of it.

Made once the walk over all uses is done and has found no mistake: what a use decides (which side of an `if`,
which labels a group hands out) is known then, and nothing here has to be refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cnnspec.elaborate.naming import UNNAMED, is_scope
from cnnspec.elaborate.stretches import Stretch, Stretches
from cnnspec.elaborate.text_facts import before
from cnnspec.elaborate.values import Value
from cnnspec.ir import expr
from cnnspec.ir.template import IfSite, Join, LayerSite, LetSite, RegionSite, Site, Template
from cnnspec.language import tree
from cnnspec.ops import lookup


@dataclass(eq=False, repr=False)
class Flow:
    """The tensor that arrives at the next step, and those that have a label."""

    current: int | None
    labels: dict[str, int]

    def copy(self) -> Flow:
        return Flow(self.current, dict(self.labels))


@dataclass(eq=False, repr=False)
class Names:
    """What a name in an expression stands for: knobs are constants; `own` are parameters and `let`s."""

    knobs: Mapping[str, Value]
    own: set[str] = field(default_factory=set)


def templates(
    stretches: Stretches, inputs: tuple[str | None, ...], outputs: tuple[str, ...] | None, knobs: Knobs
) -> tuple[Template, ...]:
    """All templates of a file, by their numbers. `inputs` and `outputs` are the labels of the model's."""
    made: list[Template | None] = [None] * len(stretches.all)
    waiting = [(0, Names(knobs.values), inputs, outputs)]
    blocks = [number for number, one in enumerate(stretches.all) if one.block is not None]
    for number in blocks:
        block = stretches.all[number].block
        assert block is not None
        own = {parameter.name for parameter in block.parameters if parameter.kind != "tensor"}
        waiting.append((number, Names(knobs.before(block.span.start), own), (), None))
    while waiting:
        number, names, given, wanted = waiting.pop()
        maker = _Maker(stretches, stretches.all[number], names)
        made[number] = maker.make(given, wanted)
        waiting += [(inner, Names(names.knobs, set(own)), (), None) for inner, own in maker.inner]
    assert all(one is not None for one in made)
    return tuple(one for one in made if one is not None)


@dataclass(eq=False, repr=False)
class Knobs:
    """The file's `let`s: their values, and where each stands."""

    values: Mapping[str, Value]
    starts: Mapping[str, int]

    def before(self, place: int) -> Mapping[str, Value]:
        """Those that a block which begins at `place` sees."""
        return {name: value for name, value in self.values.items() if self.starts.get(name, 0) < place}


class _Maker:
    """Makes one template."""

    def __init__(self, stretches: Stretches, stretch: Stretch, names: Names) -> None:
        self.stretches, self.stretch, self.names = stretches, stretch, names
        self.count = 0
        self.makers: dict[int, LayerSite | IfSite] = {}
        self.inner: list[tuple[int, set[str]]] = []

    def make(self, inputs: tuple[str | None, ...], outputs: tuple[str, ...] | None) -> Template:
        stretch = self.stretch
        if stretch.kind != "network":
            inputs = ((None,) if stretch.arriving else ()) + tuple(stretch.captured)
        flow = Flow(None, {})
        for name in inputs:
            value = self.value()
            if name is None or (stretch.kind == "network" and len(inputs) == 1):
                flow.current = value
            if name is not None:
                flow.labels[name] = value
        sites = self.items(stretch.items, flow)
        if stretch.label is not None and flow.current is not None:
            self.note_before(flow, stretch.label)
        if outputs is not None:
            given = [flow.labels[label] for label in outputs]
        else:
            given = [self.present(flow.current), *(flow.labels[label] for label in stretch.exported)]
        return Template.model_construct(
            kind=stretch.kind,  # type: ignore[arg-type]
            block=stretch.block.name if stretch.block is not None else None,
            inputs=inputs,
            sites=tuple(sites),
            outputs=tuple(given),
            exported=tuple(stretch.exported),
            labels=flow.labels,
        )

    def value(self) -> int:
        self.count += 1
        return self.count - 1

    @staticmethod
    def present(value: int | None) -> int:
        assert value is not None
        return value

    # --- the walk -----------------------------------------------------------------------------------------

    def items(self, items: Iterable[tree.Line | tree.Let | tree.ErrorStatement], flow: Flow) -> list[Site]:
        sites: list[Site] = []
        for item in items:
            if isinstance(item, tree.Let):
                self.let(item, flow, sites)
            elif isinstance(item, tree.Line):
                self.line(item, flow, sites)
        return sites

    def let(self, item: tree.Let, flow: Flow, sites: list[Site]) -> None:
        if self.stretch.kind == "network":
            return  # a knob
        sites.append(
            LetSite.model_construct(name=item.name, value=self.expression(item.value), at=flow.current)
        )
        self.names.own.add(item.name)

    def line(self, line: tree.Line, flow: Flow, sites: list[Site]) -> None:
        if is_scope(line):
            if isinstance(start := line.steps[0], tree.StartStep):
                flow.current = flow.labels[start.reference.name]
            self.region("line", line, flow, sites)
        else:
            self.steps(line.steps, flow, sites)
        if line.label is not None and flow.current is not None:
            flow.labels[line.label] = flow.current
            self.note_before(flow, line.label)

    def note_before(self, flow: Flow, label: str) -> None:
        """What arrived at the layer that made a labelled tensor, for an `unpool` of it."""
        value = self.arrived(flow.current)
        if value is not None:
            flow.labels[before(label)] = value

    def arrived(self, value: int | None) -> int | None:
        maker = None if value is None else self.makers.get(value)
        if isinstance(maker, LayerSite):
            return maker.inputs[0]
        if isinstance(maker, IfSite) and value is not None:
            sides = [self.arrived(maker.joins[value].then), self.arrived(maker.joins[value].otherwise)]
            known = [side for side in sides if side is not None]
            return known[0] if len(set(known)) == 1 else None
        return None

    def steps(self, steps: Iterable[tree.Step], flow: Flow, sites: list[Site]) -> None:
        for step in steps:
            match step:
                case tree.LayerStep(word="none"):
                    flow.current = None
                case tree.LayerStep():
                    if step.word not in UNNAMED:
                        self.layer(step, flow, sites)
                case tree.CallStep():
                    self.call(step, flow, sites)
                case tree.GroupStep():
                    self.region("group" if step.times is None else "repeat", step, flow, sites)
                case tree.BranchStep():
                    self.merge(step, flow, sites)
                case tree.IfStep():
                    self.decide(step, flow, sites)
                case tree.StartStep():
                    flow.current = flow.labels[step.reference.name]

    def layer(self, step: tree.LayerStep, flow: Flow, sites: list[Site]) -> None:
        op = lookup(step.word)
        assert op is not None
        inputs = [self.present(flow.current)]
        for argument in step.arguments:
            if isinstance(argument.value, tree.Reference):
                name = argument.value.name
                inputs.append(flow.labels[before(name) if op.undoes is not None else name])
        self.add_layer(step, step.word, tuple(inputs), flow, sites)

    def merge(self, step: tree.BranchStep, flow: Flow, sites: list[Site]) -> None:
        arriving = flow.current
        inputs = []
        for branch in step.branches:
            flow.current = arriving
            sites += self.items(branch.items, flow)
            if flow.current is not None:
                inputs.append(flow.current)
        self.add_layer(step, step.word, tuple(inputs), flow, sites)

    def add_layer(
        self,
        step: tree.LayerStep | tree.BranchStep,
        word: str,
        inputs: tuple[int, ...],
        flow: Flow,
        sites: list[Site],
    ) -> None:
        site = self.stretch.names.sites[id(step)]
        made = LayerSite.model_construct(
            site=site,
            name=self.stretch.names.steps[id(step)],
            word=word,
            inputs=inputs,
            output=self.value(),
            written=self.written(site),
        )
        sites.append(made)
        self.makers[made.output] = made
        flow.current = made.output

    def call(self, step: tree.CallStep, flow: Flow, sites: list[Site]) -> None:
        site = self.stretch.names.sites[id(step)]
        tensors = self.stretch.tensors.get(site, {})
        inputs = () if flow.current is None else (flow.current,)
        number = self.stretch.called[site]
        flow.current = self.value()
        block = self.stretches.all[number].block
        sites.append(
            RegionSite.model_construct(
                kind="shared" if block is not None and block.shared else "block",
                site=site,
                name=self.stretch.names.steps[id(step)],
                template=number,
                inputs=inputs + tuple(flow.labels[label] for label in tensors.values()),
                outputs=(flow.current,),
                arguments=self.written(site),
            )
        )

    def region(self, kind: str, step: tree.Line | tree.GroupStep, flow: Flow, sites: list[Site]) -> None:
        number = self.stretches.of(id(step))
        if number is None:
            return  # no pass of it
        inner = self.stretches.all[number]
        names = self.stretch.names
        inputs = () if flow.current is None else (flow.current,)
        outputs = [self.value() for _ in range(1 + len(inner.exported))]
        times = None
        if isinstance(step, tree.GroupStep) and step.times is not None:
            times = self.expression(step.times)
        self.inner.append((number, self.names.own))
        sites.append(
            RegionSite.model_construct(
                kind=kind,  # type: ignore[arg-type]
                site=names.sites[id(step)],
                name=names.lines[id(step)] if kind == "line" else names.steps[id(step)],
                template=number,
                inputs=inputs + tuple(flow.labels[label] for label in inner.captured),
                outputs=tuple(outputs),
                times=times,
            )
        )
        flow.current = outputs[0]
        flow.labels.update(zip(inner.exported, outputs[1:], strict=True))

    def decide(self, step: tree.IfStep, flow: Flow, sites: list[Site]) -> None:
        taken = [side for side in (True, False) if (id(step), side) in self.stretches.taken]
        if len(taken) == 1:
            sequence = step.then if taken[0] else step.otherwise
            if sequence is not None:
                sites += self.items(sequence.items, flow)
            return
        condition = self.expression(step.condition)
        at = flow.current
        flows = flow, flow.copy()
        then = self.items(step.then.items, flows[0])
        otherwise = [] if step.otherwise is None else self.items(step.otherwise.items, flows[1])
        joins: dict[int, Join] = {}
        known: dict[tuple[int | None, int | None], int | None] = {}

        def joined(one: int | None, other: int | None) -> int | None:
            if one == other:
                return one
            if (one, other) not in known:
                known[one, other] = made = self.value()
                joins[made] = Join.model_construct(then=one, otherwise=other)
            return known[one, other]

        flow.current = joined(flows[0].current, flows[1].current)
        for label in dict.fromkeys((*flows[0].labels, *flows[1].labels)):
            value = joined(flows[0].labels.get(label), flows[1].labels.get(label))
            assert value is not None
            flow.labels[label] = value
        made = IfSite.model_construct(
            condition=condition, at=at, then=tuple(then), otherwise=tuple(otherwise), joins=joins
        )
        self.makers.update(dict.fromkeys(joins, made))
        sites.append(made)

    # --- expressions --------------------------------------------------------------------------------------

    def written(self, site: int) -> dict[str, expr.Expr]:
        found: dict[str, expr.Expr] = {}
        for name, parts in self.stretch.written.get(site, {}).items():
            sizes = [self.expression(part) for part in parts]
            found[name] = sizes[0] if len(sizes) == 1 else expr.apply("sizes", *sizes)
        return found

    def expression(self, node: tree.Expr) -> expr.Expr:
        match node:
            case tree.Number():
                return expr.Const(expr.exact(node.value))
            case tree.Name():
                return self.named(node.name)
            case tree.Unary():
                operand = self.expression(node.operand)
                if node.operator == "+":
                    return operand
                return expr.apply("neg" if node.operator == "-" else "not", operand)
            case tree.Binary():
                return expr.apply(node.operator, self.expression(node.left), self.expression(node.right))
            case tree.Conditional():
                condition = self.expression(node.condition)
                if isinstance(condition, expr.Const):
                    return self.expression(node.then if condition.value else node.otherwise)
                return expr.apply("if", condition, *map(self.expression, (node.then, node.otherwise)))
            case tree.Function():
                return expr.apply(node.name, *map(self.expression, node.arguments))

    def named(self, name: str) -> expr.Expr:
        """A knob is its value; what has none (it stands where no use looks) stays a name."""
        value: Any = None if name in self.names.own else self.names.knobs.get(name)
        return expr.Var(name) if value is None else expr.Const(expr.exact(value))
