"""From statements to plans: each step with the call that makes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any

from cnnspec.lower import program
from cnnspec.lower.call import Call
from cnnspec.lower.names import camel
from cnnspec.lower.program import Tensor
from cnnspec.lower.symbolic import Var
from cnnspec.ops import load_op
from cnnspec.targets.torch.arguments import LAYERS, annotation, called
from cnnspec.targets.torch.choices import chosen
from cnnspec.targets.torch.forms import as_class, taken, tensor_names
from cnnspec.targets.torch.loops import repeated
from cnnspec.targets.torch.pieces import LayerVariable, Piece
from cnnspec.targets.torch.plan import ClassPlan, If, Item, Parameter, Plan, PlanStep, inline, needed
from cnnspec.targets.torch.splits import split


@dataclass(eq=False)
class Stretch:
    """A sequence of statements that becomes a plan. `prefix` begins the names of the classes in it; `envs`
    are the numbers of its uses, from which the parameters of such a class get their types."""

    prefix: str
    envs: list[dict[str, Any]]
    same: dict[Tensor, Tensor] = field(default_factory=dict)
    """For two names of one tensor in the lowered program: the one that is used for both."""

    def inner(self, name: str, envs: list[dict[str, Any]], *, loop: bool = False) -> Stretch:
        return Stretch(self.prefix + (camel(name) if name else "Pass" if loop else ""), envs)

    def plan(self, region: program.Region) -> Plan:
        items: list[Item] = []
        self.items(region.statements, items, set(_names(region.statements)))
        outputs = self.tensors(region.outputs)
        items = split(needed(items, set(outputs)), self.envs)
        plan = Plan(region.inputs, items, outputs)
        chosen(plan)
        return plan

    def tensors(self, tensors: Iterable[Tensor]) -> list[Tensor]:
        return [self.same.get(tensor, tensor) for tensor in tensors]

    def items(self, statements: Sequence[program.Statement], items: list[Item], taken: set[str]) -> None:
        """Adds the steps to `items`; `taken` are the names of attributes that are used already."""
        for statement in statements:
            match statement:
                case program.Layer():
                    items += self.layer(statement, taken)
                case program.Merge():
                    tensors = self.tensors(tensor for tensor, _, _ in statement.arms)
                    arms = [(tensor, *arm[1:]) for tensor, arm in zip(tensors, statement.arms, strict=True)]
                    items.append(
                        PlanStep(statement.name, tensors, [statement.output], statement.op, arms=arms)
                    )
                case program.Invoke():
                    items.append(self.invoke(statement))
                case program.Slot():
                    piece = Call(
                        LayerVariable(statement.variable), tuple((None, size) for size in statement.sizes)
                    )
                    inputs = self.tensors(statement.inputs)
                    items.append(
                        PlanStep(statement.name, inputs, [statement.output], None, piece, is_slot=True)
                    )
                case program.Part():
                    items.append(self.part(statement))
                case program.Repeat():
                    step = PlanStep(statement.name, self.tensors(statement.inputs), list(statement.outputs))
                    step.handed, step.collected = len(statement.outputs), statement.collected
                    step.outputs += [tensor for other in statement.collected for tensor in other.tensors]
                    repeated(self, statement, step)
                    items.append(step)
                case program.If():
                    self.decide(statement, items, taken)

    def part(self, part: program.Part) -> PlanStep:
        """A group or a line. A labelled tensor inside it may be one of its outputs. A tensor that it is given
        twice, by its label and as the input of its first step, is one input."""
        inner, inputs = self.inner(part.name, part.envs), self.tensors(part.inputs)
        tensors_inside = dict(zip(inputs, part.region.inputs, strict=True))  # the label is later
        inner.same = {
            inside: tensors_inside[outer]
            for outer, inside in zip(inputs, part.region.inputs, strict=True)
            if tensors_inside[outer] is not inside
        }
        plan = inner.plan(part.region)
        outputs: dict[Tensor, Tensor] = {}
        for outer, inside in zip(part.outputs, plan.outputs, strict=True):
            first = outputs.setdefault(inside, outer)
            if first is not outer:
                self.same[outer] = first
                first.label = first.label or outer.label
        plan.outputs = list(outputs)
        piece, takes = piece_of(plan, inner)
        return PlanStep(part.name, inputs, list(outputs.values()), None, piece, takes, needs=plan.needs)

    def decide(self, statement: program.If[program.Statement], items: list[Item], taken: set[str]) -> None:
        """An `if`. Directly after an `if` with the same condition it continues that one."""
        step = items[-1] if items else None
        if not isinstance(step, If) or step.condition is not statement.condition:
            step = If(statement.condition)
            items.append(step)
        sides = []
        for holds in (True, False):
            before = {joined: then if holds else otherwise for joined, then, otherwise in step.joins}
            self.same |= before
            self.items(statement.side(holds), step.side(holds), taken)
            ends = (then if holds else otherwise for _, then, otherwise in statement.joins)
            sides.append(self.tensors(ends))
            for joined in before:
                del self.same[joined]
        joins = zip(statement.joins, *sides, strict=True)
        step.joins += [(joined, then, otherwise) for (joined, *_), then, otherwise in joins]

    def layer(self, layer: program.Layer, taken: set[str]) -> Iterator[PlanStep]:
        """Before `fc`, a C x 1 x 1 map is flattened, because nn.Linear takes only vectors."""
        inputs = self.tensors(layer.inputs)
        if layer.op.word == "fc" and layer.name and layer.rank > 1:
            shape = None if inputs[0].shape is None else inputs[0].shape[:1]
            flat = Tensor(layer.output.number, shape=shape)
            names = chain(["flatten"], (f"flatten{number}" for number in count(2)))
            name = next(name for name in names if name not in taken)
            taken.add(name)
            yield PlanStep(name, inputs, [flat], load_op({"op": "flatten"}), Call("nn.Flatten"))
            inputs = [flat]
        piece = None if layer.call.form == "forward" else layer.call
        step = PlanStep(layer.name, inputs, [layer.output], layer.op, piece, rank=layer.rank)
        step.takes = tuple(range(len(inputs)))
        yield step

    def invoke(self, call: program.Invoke) -> PlanStep:
        callee: ClassPlan = call.function.made
        step = PlanStep(call.name, self.tensors(call.inputs), call.outputs, takes=callee.takes)
        by = {need.variable: module for need, module in zip(call.function.needs, call.modules, strict=True)}
        step.needs = tuple(str(by[name]) for name in callee.plan.needs)
        if call.shared is not None:
            step.shared = str(call.shared)
        else:
            step.piece = called(call.function, call.arguments, call.layers)
        return step


def _names(statements: Sequence[program.Statement]) -> Iterator[str]:
    for statement in statements:
        if isinstance(statement, program.If):
            yield from _names((*statement.then, *statement.otherwise))
        elif not isinstance(statement, program.Let):
            yield statement.name


def piece_of(plan: Plan, stretch: Stretch, *, in_loop: bool = False) -> tuple[Piece, tuple[int, ...]]:
    """The call that makes a sequence of steps: of its only step, of a chain, or of a small class. Also the
    indices of the inputs that it reads."""
    single = plan.single
    if single is not None and single.piece is not None:
        if not single.loop and (inline(single.piece) or not in_loop):
            return single.piece, taken(plan, single)
    elif (head := plan.head) is not None and not any(isinstance(item, If) for item in plan.items):
        if not plan.steps:
            return Call("nn.Identity"), (head,)
        if all(inline(step.piece) and step.name for step in plan.steps):
            pieces = tuple((step.name, step.piece) for step in plan.steps if step.piece is not None)
            return Call("sequential", pieces), (head,)
    plan_of_class = _small_class(plan, stretch, in_loop)
    return Call(
        plan_of_class, tuple((None, Var(parameter.variable)) for parameter in plan_of_class.parameters)
    ), plan_of_class.takes


def _small_class(plan: Plan, stretch: Stretch, in_loop: bool) -> ClassPlan:
    """A class for a group, a line or a pass that is not a chain; its parameters are the variables that it
    uses."""
    parameters = [
        Parameter(
            variable,
            LAYERS
            if isinstance(variable, LayerVariable)
            else annotation([env[variable] for env in stretch.envs if variable in env]),
            None,
        )
        for variable in dict.fromkeys(plan.used())
    ]
    result = as_class(plan, stretch.prefix or "Part", parameters, tensor_names(plan), in_loop)
    result.unnamed = True
    return result
