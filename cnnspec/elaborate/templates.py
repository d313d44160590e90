"""Templates: the flow of tensors through each stretch of the text, the same for all its uses.

They are built after the walk over all uses has found no error: what a use decides (the side of an `if`, the
labels that a group exports) is known then, and nothing here can fail.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import partial, reduce
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from cnnspec.diagnostics import WHOLE_FILE
from cnnspec.elaborate.builder import Scope
from cnnspec.elaborate.calls import outputs_of
from cnnspec.elaborate.context import Context, Items, Stretch
from cnnspec.elaborate.free_knobs import FreeKnobs
from cnnspec.elaborate.naming import UNNAMED, is_scope
from cnnspec.elaborate.text_facts import before, further, nodes
from cnnspec.elaborate.values import FUNCTIONS, TRUTHS
from cnnspec.ir import expr
from cnnspec.ir.template import (
    IfSite,
    Join,
    LayersArgument,
    LayerSite,
    LetSite,
    RegionSite,
    Site,
    SlotSite,
    Template,
)
from cnnspec.language import tree
from cnnspec.ops import lookup

if TYPE_CHECKING:
    from cnnspec.elaborate.passed_layers import PassedLayers

Flow: TypeAlias = dict[str | None, int]
"""The tensors by label, and under None the input of the next step; if it has several inputs, the others are
under `further`."""


def templates(context: Context, outputs: tuple[str, ...]) -> tuple[tuple[Template, ...], tuple[str, ...]]:
    """All templates of a file, by their numbers, and the knobs that they name. `outputs` are the labels of
    the model's."""
    by_number: dict[int, Template] = {}
    free = FreeKnobs(context)
    waiting: list[tuple[int, Scope, set[str], Knobs]] = [(0, context.globals, set(), Knobs(free, free.names))]
    for number, stretch in enumerate(context.stretches.all):
        if stretch.block is not None:
            own = {parameter.name for parameter in stretch.block.parameters if parameter.kind != "tensor"}
            inner = context.statements.all_blocks.inner.get(
                context.statements.all_blocks.name_of(stretch.block)
            )
            own.update(() if inner is None else inner.values)
            lets = {one.name for one in nodes(stretch.block.body) if isinstance(one, tree.Let)}
            names = free.names - own - lets if inner is None else frozenset()
            waiting.append((number, context.globals_before(stretch.block), own, Knobs(free, names, True)))
        elif stretch.kind == "layers":
            waiting.append((number, context.globals, set(stretch.own), Knobs(free, inside=True)))
    while waiting:
        number, scope, own, knobs = waiting.pop()
        maker = _Maker(context, context.stretches.all[number], scope, own, knobs)
        by_number[number] = maker.make(outputs)
        waiting += [(inner, scope, own, knobs) for inner in maker.inner]
    return tuple(by_number[number] for number in sorted(by_number)), free.settle()


class Knobs(NamedTuple):
    """The `names` of knobs that a template's arguments may name. In a block (`inside`), `written` has the
    values of these, and `free` the names."""

    free: FreeKnobs
    names: frozenset[str] = frozenset()
    inside: bool = False


def formula(node: tree.Expr, own: Collection[str], knobs: Scope) -> expr.Expr:
    """An expression of the author's: `own` are the names that it may name, a knob is its value."""
    inner = partial(formula, own=own, knobs=knobs)
    match node:
        case tree.Number():
            return expr.Const(expr.exact(node.value))
        case tree.Name():
            return _named(node.name, own, knobs)
        case tree.Unary():
            operand = inner(node.operand)
            if node.operator == "+":
                return operand
            return expr.apply("neg" if node.operator == "-" else "not", operand)
        case tree.Binary():
            return expr.apply(node.operator, inner(node.left), inner(node.right))
        case tree.Conditional():
            condition = inner(node.condition)
            if isinstance(condition, expr.Const):
                return inner(node.then if condition.value else node.otherwise)
            return expr.apply("if", condition, inner(node.then), inner(node.otherwise))
        case tree.List():
            return expr.apply("list", *map(inner, node.entries))
        case tree.Function():
            arguments = [*map(inner, node.arguments)]
            if node.name in FUNCTIONS:
                return expr.apply(node.name, *arguments)
            return reduce(partial(expr.apply, "at"), arguments, _named(node.name, own, knobs))


def _named(name: str, own: Collection[str], knobs: Scope) -> expr.Expr:
    """A name without a value (in text that no use runs) stays a name."""
    if name in TRUTHS:
        return expr.Const(TRUTHS[name])
    value: Any = None if name in own else knobs.find(name)
    return expr.Var(name) if value is None else expr.Const(expr.exact(value))


class _Maker:
    """Makes one template. `own` are the parameters and `let`s that its expressions may name, and in arguments
    the `free` knobs; another knob is its value."""

    def __init__(self, context: Context, stretch: Stretch, knobs: Scope, own: set[str], free: Knobs) -> None:
        self.context, self.stretch, self.knobs, self.own = context, stretch, knobs, set(own)
        self.free = free
        self.count = 0
        self.makers: dict[int, LayerSite | IfSite] = {}
        self.inner: list[int] = []
        self.settled: set[str] = set()

    def make(self, outputs: tuple[str, ...]) -> Template:
        stretch, statements = self.stretch, self.context.statements
        whole = stretch.kind == "network"
        more = [*map(further, range(1, stretch.further + 1))]
        inputs = [*([None] if stretch.has_input else []), *more, *stretch.captured]
        if whole:
            inputs = [input_.name for input_ in statements.inputs]
        flow: Flow = {name: self.value() for name in inputs}
        if whole and len(inputs) == 1:
            flow[None] = 0
        sites = tuple(self.items(stretch.items, flow))
        self.note_before(flow, stretch.label)
        if whole and statements.output is not None:
            outputs_of_flow = [flow[label] for label in outputs]
        else:
            block = () if stretch.block is None else outputs_of(self.context, stretch.block)
            named: list[str | None] = [one.name for one in block]
            named = named or [None, *(more if stretch.kind == "repeat" else ())]
            named += [one.reference.name if one.inside else None for one in stretch.each]
            outputs_of_flow = [flow[label] for label in (*named, *stretch.exported)]
        return Template.model_construct(
            kind=stretch.kind,  # type: ignore[arg-type]
            block=None if stretch.block is None else statements.all_blocks.name_of(stretch.block),
            inputs=tuple(None if name in more else name for name in inputs),
            sites=sites,
            outputs=tuple(outputs_of_flow),
            exported=tuple(stretch.exported),
            settled=tuple(sorted(self.settled)),
            labels={label: value for label, value in flow.items() if label is not None and label[0] != "'"},
        )

    def value(self) -> int:
        self.count += 1
        return self.count - 1

    # --- the walk -----------------------------------------------------------------------------------------

    def items(self, items: Items, flow: Flow) -> Iterator[Site]:
        for item in items:
            if isinstance(item, tree.Line):
                yield from self.line(item, flow)
                if item is not items[-1]:
                    self.go_on(flow, flow.get(None))
            elif isinstance(item, tree.Let) and self.stretch.kind != "network":  # there it is a knob
                value = self.expression(item.value)
                self.own.add(item.name)
                yield LetSite.model_construct(name=item.name, value=value, at=flow.get(None))

    def line(self, line: tree.Line, flow: Flow) -> Iterator[Site]:
        if not is_scope(line, self.context.statements.settled):
            yield from self.steps(line.steps, flow)
        else:
            if isinstance(start := line.steps[0], tree.StartStep):
                self.start(start, flow)
            yield from self.region("line", line, flow)
        for place, other in enumerate(line.others, start=1):
            if further(place) in flow:
                flow[other.name] = flow[further(place)]
        if line.label is not None and None in flow:
            flow[line.label] = flow[None]
            self.note_before(flow, line.label)

    def go_on(self, flow: Flow, value: int | None, more: Iterable[int] = ()) -> None:
        """The input of the next step."""
        for label in [label for label in flow if label is not None and label[0] == "'"]:
            del flow[label]
        flow.pop(None, None)
        if value is not None:
            flow[None] = value
        flow.update((further(place), other) for place, other in enumerate(more, start=1))

    def start(self, step: tree.StartStep, flow: Flow) -> None:
        self.go_on(flow, flow[step.reference.name], [flow[one.name] for one in step.others])

    def note_before(self, flow: Flow, label: str | None) -> None:
        """Records the input of the layer that made a labelled tensor, for an `unpool` of it."""
        if label is None:
            return
        undone = self.context.references_around.get(before(label), 0) > 0
        value = self.arrived(flow.get(None), undone=undone)
        if value is not None:
            flow[before(label)] = value

    def arrived(self, value: int | None, *, undone: bool) -> int | None:
        """The input of the layer that made a value. If an `if` chose this layer, and it is `undone`, its
        input is one more value of the `if`."""
        maker = None if value is None else self.makers.get(value)
        if isinstance(maker, LayerSite):
            return maker.inputs[0]
        if not isinstance(maker, IfSite) or value is None:
            return None
        join = maker.joins[value]
        pair = self.arrived(join.then, undone=undone), self.arrived(join.otherwise, undone=undone)
        if None in pair or pair[0] == pair[1] or not undone:
            return pair[0] if pair[0] == pair[1] else None
        made = next((made for made, one in maker.joins.items() if (one.then, one.otherwise) == pair), None)
        if made is None:
            made = self.value()
            maker.joins[made] = Join.model_construct(then=pair[0], otherwise=pair[1])
        return made

    def steps(self, steps: Iterable[tree.Step], flow: Flow) -> Iterator[Site]:
        for step in steps:
            match step:
                case tree.LayerStep(word="none"):
                    flow.pop(None, None)
                case tree.LayerStep():
                    if self.stretch.names.sites.get(id(step)) in self.stretch.slots:
                        yield self.slot(step, flow)
                    elif step.word not in UNNAMED:
                        yield self.layer(step, self.inputs_of(step, flow), flow)
                case tree.CallStep():
                    yield self.call(step, flow)
                case tree.GroupStep():
                    yield from self.region("group" if step.times is None else "repeat", step, flow)
                case tree.BranchStep():
                    yield from self.merge(step, flow)
                case tree.IfStep():
                    yield from self.decide(step, flow)
                case tree.StartStep():
                    self.start(step, flow)

    def inputs_of(self, step: tree.LayerStep, flow: Flow) -> list[int]:
        op = lookup(step.word)
        undoes = op is not None and op.undoes is not None
        values = [argument.value for argument in step.arguments]
        labels = [value.name for value in values if isinstance(value, tree.Reference)]
        return [flow[None], *(flow[before(label) if undoes else label] for label in labels)]

    def merge(self, step: tree.BranchStep, flow: Flow) -> Iterator[Site]:
        current = flow.get(None)
        inputs = []
        for branch in step.branches:
            if current is not None:
                flow[None] = current
            else:
                flow.pop(None, None)
            yield from self.items(branch.items, flow)
            if None in flow:
                inputs.append(flow[None])
        yield self.layer(step, inputs, flow)

    def layer(self, step: tree.LayerStep | tree.BranchStep, inputs: list[int], flow: Flow) -> LayerSite:
        site = self.stretch.names.sites[id(step)]
        self.go_on(flow, self.value())
        written, free = self.written(site)
        self.makers[flow[None]] = layer_site = LayerSite.model_construct(
            site=site,
            name=self.stretch.names.steps[id(step)],
            word=step.word,
            inputs=tuple(inputs),
            output=flow[None],
            written=written,
            free=free,
        )
        return layer_site

    def slot(self, step: tree.LayerStep, flow: Flow) -> SlotSite:
        """A layer parameter as a step."""
        site, current = self.stretch.names.sites[id(step)], flow[None]
        flow[None] = self.value()
        return SlotSite.model_construct(
            site=site,
            name=self.stretch.names.steps[id(step)],
            parameter=self.stretch.slots[site],
            inputs=(current,),
            output=flow[None],
        )

    def layers_argument(self, layers: PassedLayers) -> LayersArgument:
        """The layers that a use passes for a layer parameter."""
        number = self.context.stretches.of(layers.key)
        if layers.parameter is not None:
            return LayersArgument.model_construct(parameter=layers.parameter)
        if number is None:
            return LayersArgument.model_construct()
        names = {name: tree.Name(name, WHOLE_FILE) for name in layers.values}
        return LayersArgument.model_construct(
            template=number,
            arguments={name: self.expression(node) for name, node in names.items()},
            layers={name: name for name in layers.layers},
        )

    def call(self, step: tree.CallStep, flow: Flow) -> RegionSite:
        site = self.stretch.names.sites[id(step)]
        number, labels, layers = self.stretch.called[site]
        block = self.context.stretches.all[number].block
        inputs = [flow[label] for label in (None, *labels) if label in flow]
        outputs = [
            self.value() for _ in (() if block is None else outputs_of(self.context, block)) or (None,)
        ]
        self.go_on(flow, outputs[0], outputs[1:])
        arguments, free = self.written(site)
        return RegionSite.model_construct(
            kind="shared" if block is not None and block.shared else "block",
            site=site,
            name=self.stretch.names.steps[id(step)],
            template=number,
            inputs=tuple(inputs),
            outputs=tuple(outputs),
            arguments=arguments,
            free=free,
            layers={name: self.layers_argument(layer) for name, layer in layers.items()},
        )

    def region(self, kind: str, step: tree.Line | tree.GroupStep, flow: Flow) -> Iterator[Site]:
        number = self.context.stretches.of(id(step))
        times = step.times if isinstance(step, tree.GroupStep) else None
        if number is None:  # no pass of it, or a line that an `if` leaves out
            self.settle(times)
            return
        inner, names = self.context.stretches.all[number], self.stretch.names
        self.inner.append(number)
        more = [*map(further, range(1, inner.further + 1))]
        inputs = [flow[label] for label in (None, *more, *inner.captured) if label in flow]
        each = [one.label(number) for number in range(inner.passes) for one in inner.each]
        labels = None, *(more if times else ()), *inner.exported, *each
        outputs: Flow = {label: self.value() for label in labels}
        yield RegionSite.model_construct(
            kind=kind,  # type: ignore[arg-type]
            site=names.sites[id(step)],
            name=names.steps[id(step)],
            template=number,
            inputs=tuple(inputs),
            outputs=tuple(outputs.values()),
            each=len(inner.each),
            times=None if times is None else self.expression(times),
        )
        self.go_on(flow, None)
        flow.update(outputs)

    def decide(self, step: tree.IfStep, flow: Flow) -> Iterator[Site]:
        sides = step.then.items, () if step.otherwise is None else step.otherwise.items
        taken = [
            items
            for items, side in zip(sides, (True, False), strict=True)
            if (id(step), side) in self.context.stretches.taken
        ]
        if len(taken) == 1:
            self.settle(step.condition)
            yield from self.items(taken[0], flow)
            return
        condition, at, other = self.expression(step.condition), flow.get(None), dict(flow)
        then, otherwise = tuple(self.items(sides[0], flow)), tuple(self.items(sides[1], other))
        joins: dict[int, Join] = {}
        known: dict[tuple[int | None, int | None], int] = {}
        for label in dict.fromkeys((None, *flow, *other)):
            pair = flow.get(label), other.get(label)
            if pair[0] == pair[1]:
                continue
            if pair not in known:
                known[pair] = joined = self.value()
                joins[joined] = Join.model_construct(then=pair[0], otherwise=pair[1])
            flow[label] = known[pair]
        site = IfSite.model_construct(condition=condition, at=at, then=then, otherwise=otherwise, joins=joins)
        self.makers.update(dict.fromkeys(joins, site))
        yield site

    # --- expressions --------------------------------------------------------------------------------------

    def settle(self, decides: tree.Expr | None) -> None:
        """What an expression names, whose value is the same in all uses and is not kept."""
        if decides is not None:
            self.settled.update(expr.variables(self.expression(decides)))

    def written(self, site: int) -> tuple[dict[str, expr.Expr], dict[str, expr.Expr]]:
        """The arguments of a step, and those in a block that name free knobs."""
        found: dict[str, expr.Expr] = {}
        named: dict[str, expr.Expr] = {}
        knobs = self.free.names - self.own
        for name, parts in self.stretch.written.get(site, {}).items():
            self.free.free.note(parts, knobs)
            found[name] = self.sizes(parts, frozenset() if self.free.inside else knobs)
            if self.free.inside:
                named[name] = self.sizes(parts, knobs)
        if knobs:
            self.free.free.arguments.append((named if self.free.inside else found, knobs, self.free.inside))
        return found, named if knobs else {}

    def sizes(self, parts: Iterable[tree.Expr], knobs: frozenset[str]) -> expr.Expr:
        made = [formula(part, self.own | knobs, self.knobs) for part in parts]
        return made[0] if len(made) == 1 else expr.apply("sizes", *made)

    def expression(self, node: tree.Expr) -> expr.Expr:
        return formula(node, self.own, self.knobs)
