"""Plans out of a lowered program: which calls make the attributes, which stretches become classes of their
own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from cnnspec.ir import graph as ir
from cnnspec.lower import program
from cnnspec.lower.call import Built, Call, Diverges, Use
from cnnspec.lower.lowering import Lowering, Unsupported
from cnnspec.lower.names import Namer, camel
from cnnspec.lower.symbolic import Const, Node, Var, variables
from cnnspec.lower.values import annotation
from cnnspec.ops import load_op
from cnnspec.ops.base import Op
from cnnspec.targets.torch.layers import MODULES, module
from cnnspec.targets.torch.library import reserved
from cnnspec.targets.torch.loops import repeated
from cnnspec.targets.torch.pieces import Piece
from cnnspec.targets.torch.plan import (
    Arm,
    ClassPlan,
    If,
    Item,
    Parameter,
    Plan,
    PlanStep,
    inline,
    needed,
)

LETTERS = {
    "K": "out_channels",
    "F": "kernel_size",
    "S": "stride",
    "P": "padding",
    "G": "groups",
    "D": "dilation",
}
"""A block's letters are called as torch calls them."""

OVERWRITABLE = frozenset({"conv", "dwconv", "deconv", "bn", "gn", "fc", "add", "maxpool", "avgpool"})
"""What puts out a tensor of its own that it does not need for the way back: an activation may overwrite
it."""


def emit(use: Use, layer: ir.Layer) -> Built:
    """How a layer of one use is made; one that reads a second tensor is said in `forward`."""
    op = use.op
    if any(getattr(op, name) for name in op.tensors):
        if len({repr(one) for one in use.ops}) != 1:
            raise Diverges("different arguments")
        return Built(None, form="forward")
    if op.word not in MODULES:
        raise Unsupported(f"`{op.word}`", layer)
    if op.word == "fc" and layer.name:  # a map is flattened before it, see `Region.flatten`
        use = use._replace(arriving=(use.arriving[0][:1],))
    return module(use)


@dataclass(eq=False)
class Planner:
    """Plans one graph; every function of the lowered program becomes a class."""

    graph: ir.Graph
    folds: Mapping[tuple[int, int], int] = field(default_factory=dict)
    shared: dict[str, Call] = field(default_factory=dict)

    def root(self) -> Plan:
        """The plan of the whole network."""
        classes = [camel(block.name) for block in self.graph.blocks]
        lowering = Lowering(
            self.graph,
            emit,
            self._finish,
            letters=LETTERS,
            reserved={*reserved(), *classes},
            overwrites=OVERWRITABLE,
            folds=self.folds,
        )
        made: Plan = lowering.network().made
        for key, (function, use) in lowering.shared.items():
            self.shared[key] = _with_numbers(function, use)
        return made

    def _finish(self, function: program.Function) -> None:
        envs = [use.env for use in function.uses]
        if function.template.kind == "network":
            function.made = Region(self, function.namer, "", envs).plan(function.region)
            return
        name = camel(function.name)
        plan = Region(self, function.namer, name, envs).plan(function.region)
        plan.lets = _needed(plan, function.lets)
        parameters = [_parameter(one) for one in function.parameters]
        labels = dict(enumerate(function.template.inputs))
        made = as_class(plan, name, parameters, tensor_names(plan, labels))
        used = {parameter.variable for parameter in made.parameters}
        for parameter in function.parameters:
            parameter.used = parameter.variable in used
        function.made = made


def _parameter(one: program.Parameter) -> Parameter:
    kind = "int" if isinstance(one.source, tuple) else annotation([*one.values, one.default])
    return Parameter(one.variable, kind, one.default)


def _needed(plan: Plan, lets: Sequence[tuple[str, Node]]) -> list[tuple[str, Node]]:
    """The `let`s that something reads, directly or through another."""
    wanted = set(plan.used())
    kept: list[tuple[str, Node]] = []
    for name, node in reversed(lets):
        if name in wanted:
            kept.insert(0, (name, node))
            wanted.update(variables(node))
    return kept


def _with_numbers(function: program.Function, use: int) -> Call:
    """A shared block is one attribute of the model, made with numbers alone."""
    plan: ClassPlan = function.made
    arguments: list[tuple[str | None, Any]] = []
    by_position = True
    by = {one.variable: one for one in function.parameters}
    for parameter in plan.parameters:
        value = by[parameter.variable].values[use]
        by_position = by_position and parameter.default is None
        if parameter.default == Const(value):
            continue
        arguments.append((None if by_position else parameter.variable, Const(value)))
    return Call(plan, tuple(arguments))


@dataclass(eq=False)
class Region:
    """A stretch of statements on its way to a plan. `envs` are the numbers of its uses, for the types of what
    a class of its own is given."""

    planner: Planner
    namer: Namer
    prefix: str
    envs: list[dict[str, Any]]
    items: list[Item] = field(default_factory=list)
    sources: dict[program.Tensor, int] = field(default_factory=dict)
    conditions: dict[int, Node] = field(default_factory=dict)
    decided: dict[program.Condition, int] = field(default_factory=dict)
    count: int = 0
    taken: set[str] = field(default_factory=set)
    """The attributes that the statements have."""

    def inner(self, name: str, envs: list[dict[str, Any]], *, loop: bool = False) -> Region:
        prefix = self.prefix + (camel(name) if name else "Pass" if loop else "")
        return Region(self.planner, self.namer, prefix, envs)

    def plan(self, region: program.Region) -> Plan:
        self.taken = set(_names(region.statements))
        for tensor in region.inputs:
            self.give(tensor)
        inputs = self.count
        self.statements(region.statements)
        outputs = [self.sources[tensor] for tensor in region.outputs]
        return Plan(
            inputs=inputs,
            items=needed(self.items, set(outputs)),
            outputs=outputs,
            conditions=dict(self.conditions),
            labels={n: tensor.label for tensor, n in self.sources.items() if tensor.label},
            shapes={n: tensor.shape for tensor, n in self.sources.items() if tensor.shape is not None},
        )

    def give(self, tensor: program.Tensor) -> int:
        self.sources[tensor] = self.count
        self.count += 1
        return self.count - 1

    def statements(self, statements: Sequence[program.Statement]) -> None:
        for statement in statements:
            match statement:
                case program.Layer():
                    self.layer(statement)
                case program.Merge():
                    self.merge(statement)
                case program.Invoke():
                    self.invoke(statement)
                case program.Part():
                    self.part(statement)
                case program.Repeat():
                    self.repeat(statement)
                case program.If():
                    self.decide(statement)

    def step(self, name: str, word: str, inputs: Sequence[program.Tensor], **more: Any) -> PlanStep:
        made = PlanStep(
            name=name,
            word=word,
            sources=[self.sources[tensor] for tensor in inputs],
            outputs=[],
            **more,
        )
        self.items.append(made)
        return made

    def layer(self, layer: program.Layer) -> None:
        word = layer.op.word
        inputs = layer.inputs
        if word == "fc" and layer.name and layer.rank == 3:
            inputs = [self.flatten(layer)]
        made = self.step(layer.name, word, inputs, op=layer.op, starts_line=layer.op.weighted)
        if layer.call.form == "forward":
            made.takes = tuple(range(len(inputs)))
        else:
            made.piece = layer.call
        made.outputs = [self.give(layer.output)]

    def flatten(self, layer: program.Layer) -> program.Tensor:
        """`fc` takes a C x 1 x 1 map as the vector that it is; nn.Linear does not."""
        flat = program.Tensor(-1, shape=None if layer.inputs[0].shape is None else layer.inputs[0].shape[:1])
        name = next(name for name in _flatten_names() if name not in self.taken)
        self.taken.add(name)
        made = self.step(name, "flatten", layer.inputs, op=load_op({"op": "flatten"}))
        made.piece = Call("nn.Flatten")
        made.outputs = [self.give(flat)]
        return flat

    def merge(self, merge: program.Merge) -> None:
        arms = []
        for tensor, when, rank in merge.arms:
            guard = None
            if when is not None:
                number = self.decided.get(when[0])
                guard = self.know(when[0]) if number is None else number, when[1]
            arms.append(Arm(self.sources[tensor], guard, rank))
        tensors = [tensor for tensor, _, _ in merge.arms]
        made = self.step(merge.name, merge.op.word, tensors, arms=arms, op=merge.op, rank=merge.rank)
        made.outputs = [self.give(merge.output)]

    def invoke(self, call: program.Invoke) -> None:
        callee: ClassPlan = call.function.made
        made = self.step(call.name, "block", call.inputs, starts_line=True)
        arguments: list[tuple[str | None, Any]] = []
        by_position = True
        used = [one for one in call.function.parameters if one.used]
        for parameter, lowered, node in zip(callee.parameters, used, call.arguments, strict=True):
            assert parameter.variable == lowered.variable
            by_position = by_position and parameter.default is None
            if parameter.default is None or node != parameter.default:
                arguments.append((None if by_position else parameter.variable, node))
        made.takes = callee.takes
        by = {need.variable: one for need, one in zip(call.function.needs, call.modules, strict=True)}
        made.needs = tuple(_module(by[name]) for name in callee.plan.needs)
        if call.shared is not None:
            made.shared = _module(call.shared)
        else:
            made.piece = Call(callee, tuple(arguments))
        made.outputs = [self.give(tensor) for tensor in call.outputs]

    def part(self, part: program.Part) -> None:
        made = self.step(part.name, part.kind, part.inputs, starts_line=True)
        inner = self.inner(part.name, part.envs)
        plan = inner.plan(part.region)
        made.piece, made.takes = piece_of(plan, inner)
        made.needs = plan.needs
        made.outputs = [self.give(tensor) for tensor in part.outputs]

    def repeat(self, repeat: program.Repeat) -> None:
        made = self.step(repeat.name, "repeat", repeat.inputs, starts_line=True)
        repeated(self, repeat, made)
        made.outputs = [self.give(repeat.output)]

    def decide(self, statement: program.If) -> None:
        made = If(self.know(statement.condition))
        outer = self.items
        for holds in (True, False):
            self.items = made.side(holds)
            self.statements(statement.side(holds))
        self.items = outer
        self.items.append(made)
        made.joins = [
            (self.give(joined), self.sources[then], self.sources[otherwise])
            for joined, then, otherwise in statement.joins
        ]

    def know(self, condition: program.Condition) -> int:
        """A number for an `if`; two of one condition have numbers of their own."""
        number = self.decided[condition] = len(self.conditions)
        self.conditions[number] = condition.node
        return number


def _names(statements: Sequence[program.Statement]) -> Iterator[str]:
    for statement in statements:
        if isinstance(statement, program.If):
            yield from _names((*statement.then, *statement.otherwise))
        elif not isinstance(statement, program.Let):
            yield statement.name


def _flatten_names() -> Iterator[str]:
    yield "flatten"
    yield from (f"flatten{number}" for number in count(2))


def _module(module: program.Module) -> str:
    return str(module.key if module.key is not None else module.variable)


def piece_of(plan: Plan, region: Region, *, in_loop: bool = False) -> tuple[Piece, tuple[int, ...]]:
    """The call that makes a stretch: of its one step, of a chain, or of a small class. Also which of its
    inputs it takes."""
    single = plan.single
    if single is not None and single.piece is not None:
        if not single.loop and (inline(single.piece) or not in_loop):
            return single.piece, tuple(single.reads)
    elif plan.chain and not any(isinstance(item, If) for item in plan.items):
        if not plan.steps:
            return Call("nn.Identity"), (plan.head,)
        if all(inline(step.piece) and step.name for step in plan.steps):
            pieces = tuple((step.name, step.piece) for step in plan.steps if step.piece is not None)
            return Call("sequential", pieces), (plan.head,)
    made = small_class(plan, region, in_loop)
    arguments = tuple((None, Var(parameter.variable)) for parameter in made.parameters)
    return Call(made, arguments), made.takes


def small_class(plan: Plan, region: Region, in_loop: bool) -> ClassPlan:
    """A class for a group, a line or a pass that is no chain; its arguments are the variables that it
    reads."""
    parameters = [
        Parameter(variable, annotation([env[variable] for env in region.envs if variable in env]), None)
        for variable in dict.fromkeys(plan.used())
    ]
    labels = {value: label for value, label in plan.labels.items() if value < plan.inputs}
    made = as_class(plan, region.prefix or "Part", parameters, tensor_names(plan, labels), in_loop)
    made.unnamed = True
    return made


def as_class(
    plan: Plan, wanted: str, parameters: list[Parameter], tensors: list[str], in_loop: bool = False
) -> ClassPlan:
    """What kind of class a plan becomes. It takes the tensors that it reads (in a loop also the first, which
    every pass hands on)."""
    used = set(plan.used())
    kept = [parameter for parameter in parameters if parameter.variable in used]
    read = plan.reads()
    takes = tuple(place for place in range(plan.inputs) if place in read or (in_loop and place == 0))
    single = plan.single
    made = ClassPlan(wanted, plan, "module", kept, takes, tensors, parameters)
    if single is not None:
        if single.loop:
            made.form = "list"
            return made
        made.takes = tuple(single.reads)
        made.form = "layer"
        if isinstance(single.piece, Call):
            function, suffix = single.piece.function, single.piece.suffix
            made_by = function.form == "function" if isinstance(function, ClassPlan) else _lower(function)
            if made_by or suffix:  # nothing can be derived from a function
                made.form = "function"
        elif not inline(single.piece):
            made.form = "chain"
    elif plan.optional is not None:
        made.form = "function"
        made.takes = (0,)
    elif any(step.name == "" and step.piece is not None for step in plan.steps):
        raise Diverges("a step without a level of its own, under a condition")
    elif plan.chain:
        made.form = "chain"
        made.takes = (plan.head,)
    return made


def _lower(function: str) -> bool:
    """Whether it is a function of our own, not a class."""
    return function[0].islower() and not function.startswith("nn.")


def tensor_names(plan: Plan, labels: Mapping[int, str | None]) -> list[str]:
    """A name for each input: its label, the first one `x`; labels come first."""
    namer = Namer(reserved())
    named = {place: namer.take(label) for place in range(plan.inputs) if (label := labels.get(place))}
    free = [letter for letter in ("x", "y", "z") if namer.free(letter)]
    return [named.get(place) or namer.take(free[0] if free else "x") for place in range(plan.inputs)]


__all__ = ["Op", "Planner", "Region", "piece_of"]
