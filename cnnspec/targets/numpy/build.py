"""A lowered program as NumPy's steps: groups written where they stand, weights found by their place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from cnnspec.ir import graph as ir
from cnnspec.lower import program
from cnnspec.lower.call import Built, Use
from cnnspec.lower.call import Call as LoweredCall
from cnnspec.lower.lowering import Lowering, Unsupported
from cnnspec.lower.names import Namer
from cnnspec.lower.symbolic import Const, Var, variables
from cnnspec.ops.base import written_shape
from cnnspec.targets.numpy.calls import EMITTERS, Input
from cnnspec.targets.numpy.statements import (
    Argument,
    Call,
    Function,
    If,
    Let,
    Loop,
    Parameter,
    Step,
    Tensor,
    numbers_in,
    variables_in,
)


class Builder:
    """Makes the functions of one graph; `functions` has them with the called before the calling."""

    def __init__(self, graph: ir.Graph, namer: Namer) -> None:
        self.graph, self.namer = graph, namer
        self.functions: list[Function] = []
        named = Namer({*namer.taken, "x"})  # what arrives is called x
        self.names = {block.name: named.take(block.name) for block in graph.blocks}
        self.network_name = named.take("network")
        for name in (*self.names.values(), self.network_name):
            namer.take(name)
        self.lowering = Lowering(graph, emit, self._finish, runtime_shapes=True, reserved=namer.taken)
        self._named: set[str] = set()

    def network(self) -> Function:
        """The whole network as a function."""
        made: Function = self.lowering.network().made
        return made

    def _finish(self, function: program.Function) -> None:
        made = _Translation(self, function).function()
        function.made = made
        needed = set(numbers_in(made.steps))
        for parameter in function.parameters:
            parameter.used = parameter.variable in needed
        made.parameters = _parameters(function)
        self.functions.append(made)

    def name_of(self, function: program.Function) -> str:
        if function.template.kind == "network":
            return self.network_name
        name = self.names[function.name]
        if name in self._named:
            name = self.namer.take(function.name)
        self._named.add(name)
        return name


def emit(use: Use, layer: ir.Layer | None = None) -> Built:
    """How a layer of one use is called."""
    if use.op.word not in EMITTERS:
        raise Unsupported(f"the NumPy target cannot say `{use.op.word}` yet", layer)
    roles = {weight.role for weight in use.op.weights(*use.arriving)} - {"buffer"}
    return replace(EMITTERS[use.op.word](use), suffix=".frozen()" if roles == {"frozen"} else "")


def _parameters(function: program.Function) -> list[Parameter]:
    """With the author's defaults, as far as nothing without one stands behind them."""
    found: list[Parameter] = []
    optional = True
    for parameter in reversed([one for one in function.parameters if one.used]):
        default = parameter.default
        if default is not None and isinstance(default.value, str):
            default = None
        optional = optional and default is not None
        found.append(Parameter(parameter.variable, parameter.letter, default if optional else None))
    return found[::-1]


@dataclass(eq=False)
class _Translation:
    """One function's statements as steps."""

    builder: Builder
    source: program.Function
    tensors: dict[program.Tensor, Tensor] = field(default_factory=dict)
    decided: dict[int, str] = field(default_factory=dict)
    kept: str = "if"
    """Where the outcome of a condition is kept for the way back, in the place that it stands at."""

    def function(self) -> Function:
        source = self.source
        inputs = [self.tensor(tensor) for tensor in source.region.inputs]
        kind = source.template.kind
        for tensor, name in zip(inputs, source.template.inputs, strict=True):
            tensor.label = name if kind != "network" or len(inputs) > 1 else None
        name = self.builder.name_of(source)
        if _shares_its_place(source.region.statements):
            self.kept = f"{name}.if"
        steps = _swept(self.steps(source.region.statements, "net"))
        outputs = [self.tensor(tensor) for tensor in source.region.outputs]
        doc = ""
        if kind == "block":
            first = source.uses[0]
            shapes = [first.shape(0), first.shape(source.template.outputs[0])]
            doc = " -> ".join(map(written_shape, shapes))
        numbered = [self.tensors.get(tensor) for tensor in source.tensors]
        made = Function(name, inputs, outputs, steps, source.namer, doc=doc)
        made.numbered = numbered
        made.places = [need.variable for need in source.needs]
        return made

    def new(self) -> Tensor:
        tensor = program.Tensor(len(self.source.tensors))
        self.source.tensors.append(tensor)
        return self.tensor(tensor)

    def tensor(self, source: program.Tensor) -> Tensor:
        if source not in self.tensors:
            sides = tuple((condition.number, side) for condition, side in source.sides)
            note = "" if source.shape is None else written_shape(source.shape)
            self.tensors[source] = Tensor(source.number, source.label, sides, note)
        return self.tensors[source]

    # --- statements ---------------------------------------------------------------------------------------

    def steps(self, statements: Sequence[program.Statement], place: str) -> list[Step]:
        found: list[Step] = []
        for statement in statements:
            match statement:
                case program.Layer():
                    self.layer(statement, place, found)
                case program.Merge():
                    self.merge(statement, place, found)
                case program.Invoke():
                    self.invoke(statement, place, found)
                case program.Part():
                    found += self.steps(statement.region.statements, _at(place, statement.name))
                    for outer, inner in zip(statement.outputs, statement.region.outputs, strict=True):
                        self.same(outer, inner)
                case program.Repeat():
                    self.repeat(statement, place, found)
                case program.If():
                    self.decide(statement, place, found)
                case program.Let():
                    found.append(
                        Let(statement.variable, statement.node, self.reads(variables(statement.node)))
                    )
        return found

    def same(self, outer: program.Tensor, inner: program.Tensor) -> None:
        """Two names of the lowered program for one tensor."""
        self.tensors[outer] = made = self.tensor(inner)
        made.label = made.label or outer.label

    def layer(self, layer: program.Layer, place: str, found: list[Step]) -> None:
        inputs = [self.tensor(tensor) for tensor in layer.inputs]
        if layer.call.form == "alias":
            self.tensors[layer.output] = inputs[0]
            return
        arguments = _arguments(layer.call, layer.inputs)
        reads = self.read_by(arguments)
        output = self.tensor(layer.output)
        place = _at(place, layer.name)
        made = layer.call
        found.append(Call("layer", made.function, place, inputs[:1], [output], arguments, reads, made.suffix))

    def read_by(self, arguments: Sequence[Argument]) -> list[Tensor]:
        found = (self.reads(variables_in(value)) for _, value in arguments)
        return list(dict.fromkeys(chain.from_iterable(found)))

    def reads(self, names: Iterable[str]) -> list[Tensor]:
        """The tensors among these variables."""
        numbers = dict.fromkeys(int(name[1:].split(".")[0]) for name in names if name.startswith("§"))
        return [self.tensor(self.source.tensors[number]) for number in numbers]

    def invoke(self, call: program.Invoke, place: str, found: list[Step]) -> None:
        callee: Function = call.function.made
        used = [one for one in call.function.parameters if one.used]
        arguments: list[Argument] = []
        by_name = False
        for parameter, lowered, node in zip(callee.parameters, used, call.arguments, strict=True):
            by_name = by_name or parameter.letter or parameter.default is not None
            if parameter.default is None or node != parameter.default:
                arguments.append((parameter.variable if by_name else None, node))
            assert parameter.variable == lowered.variable
        place = _at(place, call.name)
        if call.shared is not None:
            place = _module(call.shared)
        places = [_module(one) for one in call.modules]
        inputs = [self.tensor(tensor) for tensor in call.inputs]
        outputs = [self.tensor(tensor) for tensor in call.outputs]
        while len(outputs) < len(callee.outputs):
            outputs.append(self.new())
        reads = self.read_by(arguments)
        found.append(Call("block", callee.name, place, inputs, outputs, arguments, reads, "", callee, places))

    def repeat(self, repeat: program.Repeat, place: str, found: list[Step]) -> None:
        place = _at(place, repeat.name)
        given = self.tensor(repeat.inputs[0])
        if repeat.count == Const(1) and (runs := repeat.runs()) is not None:
            region = runs[0][1]
            for outer, inner in zip(repeat.inputs, region.inputs, strict=True):
                self.tensors[inner] = self.tensor(outer)
            found += self.steps(region.statements, f"{place}[0]")
            self.same(repeat.output, region.outputs[0])
            return
        for outer, inner in zip(repeat.inputs[1:], repeat.region.inputs[1:], strict=True):
            self.tensors[inner] = self.tensor(outer)
        inside = self.tensor(repeat.region.inputs[0])
        output = self.tensor(repeat.output)
        loop = Loop(repeat.index, repeat.count, place, given, inside, [], inside, output)
        loop.reads = self.reads(variables(repeat.count))
        loop.places = [(variable, [_module(one) for one in modules]) for variable, modules in repeat.per_pass]
        loop.body = self.steps(repeat.region.statements, f"{place}[{repeat.index}]")
        loop.last = self.tensor(repeat.region.outputs[0])
        found.append(loop)

    # --- ifs ----------------------------------------------------------------------------------------------

    def variable(self, condition: program.Condition, place: str, found: list[Step]) -> str:
        """The variable of a condition; where it has none yet, it is worked out here."""
        if condition.number not in self.decided:
            name = self.source.namer.take("when")
            self.decided[condition.number] = name
            number = name.removeprefix("when")
            kept = f"{self.kept}.{number}" if number else self.kept
            reads = self.reads(variables(condition.node))
            found.append(Let(name, condition.node, reads, f'{place}["{kept}"]'))
        return self.decided[condition.number]

    def decide(self, statement: program.If, place: str, found: list[Step]) -> None:
        made = If(statement.condition.number, self.variable(statement.condition, place, found))
        known = self.decided  # what one side decides is decided again where it is asked for once more
        self.decided = dict(known)
        made.then = self.steps(statement.then, place)
        self.decided = dict(known)
        made.otherwise = self.steps(statement.otherwise, place)
        self.decided = known
        made.joins = [
            (self.tensor(joined), self.tensor(then), self.tensor(otherwise))
            for joined, then, otherwise in statement.joins
        ]
        found.append(made)

    def merge(self, merge: program.Merge, place: str, found: list[Step]) -> None:
        """`add [ … ]`. A branch that is only there under an `if` makes the merge an `if` of two."""
        for _, when, _ in merge.arms:
            if when is not None:
                self.variable(when[0], place, found)
        said = emit(Use(merge.op, (merge.op,), (), ()))
        arms = [(self.tensor(tensor), when) for tensor, when, _ in merge.arms]
        made = self.merged(arms, said, _at(place, merge.name), found, merge.output)
        self.tensors[merge.output] = made
        made.label = made.label or merge.output.label

    def merged(
        self,
        arms: Sequence[tuple[Tensor, program.When]],
        said: Built,
        place: str,
        found: list[Step],
        output: program.Tensor,
    ) -> Tensor:
        condition = next((when[0] for _, when in arms if when is not None), None)
        if condition is None:
            inputs = [tensor for tensor, _ in arms]
            if len(inputs) == 1:
                return inputs[0]
            made = self.new()
            made.note = "" if output.shape is None else written_shape(output.shape)
            found.append(Call("merge", said.function, place, inputs, [made]))
            return made
        decided = If(condition.number, self.decided[condition.number])
        sides = []
        for holds in (True, False):
            left = [
                (tensor, None if when is not None and when[0] is condition else when)
                for tensor, when in arms
                if when is None or when[0] is not condition or when[1] is holds
            ]
            sides.append(self.merged(left, said, place, decided.side(holds), output))
        found.append(decided)
        made = self.new()
        decided.joins.append((made, sides[0], sides[1]))
        return made


def _shares_its_place(statements: Sequence[program.Statement]) -> bool:
    """Whether a block is called that has no level of its own: it keeps what it decides at the same place."""
    for statement in statements:
        match statement:
            case program.Invoke() if not statement.name and statement.shared is None:
                return True
            case program.Part() | program.Repeat() if _shares_its_place(statement.region.statements):
                return True
            case program.If() if _shares_its_place([*statement.then, *statement.otherwise]):
                return True
    return False


def _at(place: str, name: str) -> str:
    return f'{place}["{name}"]' if name else place


def _module(module: program.Module) -> str:
    return f'net.go("{module.key}.")' if module.key is not None else str(module.variable)


def _arguments(call: LoweredCall, inputs: Sequence[program.Tensor]) -> list[Argument]:
    """A call's arguments, with its inputs as variables: `§12`, and `§12.HW` for a height and width."""
    found: list[Argument] = []
    for name, value in call.arguments:
        if isinstance(value, LoweredCall):
            value = replace(value, arguments=tuple(_arguments(value, inputs)))
        elif isinstance(value, Const) and isinstance(value.value, Input):
            number = inputs[value.value.number].number
            value = Var(f"§{number}.HW" if value.value.size else f"§{number}")
        found.append((name, value))
    return found


def _swept(steps: list[Step]) -> list[Step]:
    """Without the author's `let`s that nothing reads."""
    while True:
        needed = set(numbers_in(steps))
        kept = _without(steps, needed)
        if len(set(numbers_in(kept))) == len(needed):
            return kept
        steps = kept


def _without(steps: list[Step], needed: set[str]) -> list[Step]:
    kept: list[Step] = []
    for step in steps:
        match step:
            case Let() if step.variable not in needed:
                continue
            case If():
                step.then, step.otherwise = _without(step.then, needed), _without(step.otherwise, needed)
            case Loop():
                step.body = _without(step.body, needed)
        kept.append(step)
    return kept
