"""A lowered program as NumPy's steps. Groups are written in place, and weights are found by their path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from cnnspec.ir import graph as ir
from cnnspec.lower import program
from cnnspec.lower.call import Built, LayerUse, Unsupported
from cnnspec.lower.call import Call as LoweredCall
from cnnspec.lower.lowering import Lowering
from cnnspec.lower.names import Namer
from cnnspec.lower.program import Tensor
from cnnspec.lower.symbolic import Apply, Const, Var, replaced, variables
from cnnspec.ops.base import Shape
from cnnspec.targets.numpy.calls import EMITTERS, Input, normalised
from cnnspec.targets.numpy.statements import (
    Argument,
    Call,
    Function,
    Gathered,
    If,
    Layers,
    Let,
    Loop,
    Step,
    differentiated,
    numbers_of,
)


def functions(graph: ir.Graph, namer: Namer) -> list[Function]:
    """The functions of a graph: each before its callers, and the network last."""
    named = Namer({*namer.taken, "x"})  # the input's name is x
    names: dict[object, str] = {block.name: named.take(block.name) for block in graph.blocks}
    names[None] = named.take("network")
    for name in names.values():
        namer.take(name)

    given: list[Function] = []

    def finish(function: program.Function) -> None:
        block = block_of(function)
        name = names.pop(block, None) or dropped(block) or namer.take(function.name)
        layers = {
            one.variable: Layers(one.variable, function.namer.take(f"{one.variable}_backward"))
            for one in function.layers.values()
            if one.used
        }
        translation = _Translation(function, layers)
        if _shares_its_place(function.region.statements):
            translation.kept = f"{name}.if"
        ends = function.region.inputs, function.region.outputs
        made = Function(name, function, *ends, [], layers=layers)
        if function.recursive:
            made.having = frozenset(range(len(ends[0])))
            function.made = made
        steps = translation.function()
        optional = True  # a default, unless a later parameter has none
        for parameter in reversed(function.parameters):
            parameter.used = function.recursive or parameter.variable in translation.needed
            if parameter.used:
                default = parameter.default
                optional = optional and default is not None and not isinstance(default.value, str)
                parameter.default = default if optional else None
        made.inputs, made.outputs, made.steps = function.region.inputs, function.region.outputs, steps
        layers_only = function.template.kind == "layers"
        wanted = {*differentiated(steps), *made.outputs}
        made.having = frozenset(n for n, one in enumerate(made.inputs) if layers_only or one in wanted)
        made.alone = _alone(made) if layers_only else None
        function.made = made
        given.append(made)

    def block_of(function: program.Function) -> object:
        """The unit that gets a name: the network, layers that are passed to a block, or a block."""
        kind = function.template.kind
        return None if kind == "network" else function.number if kind == "layers" else function.name

    def dropped(block: object) -> str | None:
        """The name of a function that was made and will be made again."""
        for one in given:
            if block_of(one.source) == block and one.source not in lowering.functions:
                given.remove(one)
                return one.name
        return None

    lowering = Lowering(graph, emit, finish, runtime_shapes=True)
    names |= {number: namer.take(name) for number, name in lowering.given.names.items()}
    lowering.reserved = namer.taken
    network = lowering.network()
    return [one.made for one in (*lowering.functions, network)]


def emit(use: LayerUse, layer: ir.Layer | None = None) -> Built:
    """The call of a layer in one use."""
    if use.op.word not in EMITTERS:
        raise Unsupported(f"`{use.op.word}`", layer)
    roles = {weight.role for weight in use.op.weights(*use.arriving)}
    frozen = getattr(use.op, "frozen", False) and roles <= {"frozen", "buffer"} and roles
    return replace(
        EMITTERS[use.op.word](use), suffix=".frozen()" if frozen else "", around=normalised(use.op)
    )


class _Translation:
    """Translates the statements of one function into steps."""

    def __init__(self, source: program.Function, layers: dict[str, Layers]) -> None:
        self.source, self.layers = source, layers
        self.same: dict[Tensor, Tensor] = {}
        """Of two names of the lowered program for one tensor, the one that stands for both."""
        self.decided: dict[int, str] = {}
        self.kept = "if"
        """Where the outcome of a condition is kept for the way back, in the place that it stands at."""
        self.needed: set[str] = set()

    def function(self) -> list[Step]:
        source = self.source
        inputs = source.region.inputs
        if source.template.kind == "network" and len(inputs) == 1:
            inputs[0].label = None
        steps = self.steps(source.region.statements, "net")
        source.tensors = [self.tensor(tensor) for tensor in source.tensors]
        source.region.outputs = [self.tensor(tensor) for tensor in source.region.outputs]
        self.sweep(steps)
        return steps

    def new(self, shape: Shape | None = None) -> Tensor:
        made = Tensor(len(self.source.tensors), shape=shape)
        self.source.tensors.append(made)
        return made

    def tensor(self, tensor: Tensor) -> Tensor:
        return self.same.get(tensor, tensor)

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
                case program.Slot():
                    layers, at = self.layers[statement.variable], _at(place, statement.name)
                    inputs = [self.tensor(tensor) for tensor in statement.inputs]
                    found.append(Call("block", layers.forward, at, inputs, [statement.output]))
                case program.Part():
                    for outer, inner in zip(statement.inputs, statement.region.inputs, strict=True):
                        self.same[inner] = self.tensor(outer)
                    found += self.steps(statement.region.statements, _at(place, statement.name))
                    for outer, inner in zip(statement.outputs, statement.region.outputs, strict=True):
                        self.named(outer, self.tensor(inner))
                case program.Repeat():
                    self.repeat(statement, place, found)
                case program.If():
                    self.decide(statement, place, found)
                case program.Let():
                    found.append(Let(statement.variable, statement.node))
        return found

    def named(self, outer: Tensor, made: Tensor) -> None:
        """Makes `outer` another name of the tensor `made`."""
        self.same[outer] = made
        made.label = made.label or outer.label

    def layer(self, layer: program.Layer, place: str, found: list[Step]) -> None:
        inputs = [self.tensor(tensor) for tensor in layer.inputs]
        if layer.call.form == "alias":
            self.same[layer.output] = inputs[0]
            return
        arguments = _arguments(layer.call, layer.inputs)
        place, made = _at(place, layer.name), layer.call
        if made.form == "merge":
            merged = Call("merge", made.function, place, inputs, [layer.output], arguments)
            merged.suffix, merged.around = made.suffix, made.around
            found.append(merged)
            return
        step = Call("layer", made.function, place, inputs[:1], [layer.output], arguments)
        step.suffix, step.around = made.suffix, made.around
        found.append(step)

    def invoke(self, call: program.Invoke, place: str, found: list[Step]) -> None:
        callee: Function = call.function.made
        used = [one for one in call.function.parameters if one.used]
        arguments: list[Argument] = []
        by_name = False
        for parameter, node in zip(used, call.arguments, strict=True):
            by_name = by_name or parameter.letter or parameter.default is not None
            if parameter.default is None or node != parameter.default:
                arguments.append((parameter.variable if by_name else None, node))
        place = _at(place, call.name)
        if call.shared is not None:
            place = _module(call.shared)
        places = [_module(one) for one in call.modules]
        inputs = [self.tensor(tensor) for tensor in call.inputs]
        outputs = call.outputs + [self.new() for _ in callee.outputs[len(call.outputs) :]]
        layers = list(map(self.given, call.layers))
        found.append(
            Call(
                "block",
                callee.name,
                place,
                inputs,
                outputs,
                arguments,
                callee=callee,
                places=places,
                layers=layers,
            )
        )

    def given(self, one: program.LayersArgument) -> Layers:
        """The argument for a layer parameter."""
        if one.variable is not None:
            return self.layers[one.variable]
        if one.function is None:
            return Layers("None", "None")
        made: Function = one.function.made
        if made.alone is not None:
            variables = (parameter.variable for parameter in one.function.parameters if parameter.used)
            by = dict(zip(variables, one.arguments, strict=True))
            arguments = [(name, replaced(node, by)) for name, node in made.alone.arguments]
            return replace(made.alone, arguments=arguments)
        arguments = [(None, node) for node in one.arguments]
        return Layers(made.name, f"{made.name}_backward", list(map(self.given, one.layers)), arguments)

    def repeat(self, repeat: program.Repeat, place: str, found: list[Step]) -> None:
        place = _at(place, repeat.name)
        count = len(repeat.outputs)
        given = [self.tensor(tensor) for tensor in repeat.inputs[:count]]
        if repeat.count == Const(1) and (runs := repeat.runs()) is not None:
            region = runs[0][1]
            for outer, inner in zip(repeat.inputs, region.inputs, strict=True):
                self.same[inner] = self.tensor(outer)
            found += self.steps(region.statements, f"{place}[0]")
            for outer, inner in zip(repeat.outputs, region.outputs, strict=False):
                self.named(outer, self.tensor(inner))
            for one in repeat.collected:
                self.named(one.tensors[0], self.tensor(region.outputs[one.place]))
            return
        inside, others = repeat.region.inputs[:count], repeat.region.inputs[count:]
        for outer, inner in zip(repeat.inputs[count:], others, strict=True):
            self.same[inner] = self.tensor(outer)
        loop = Loop(repeat.index, repeat.count, place, given, inside, [], inside, repeat.outputs)
        loop.over = repeat.over
        loop.places = [(variable, [_module(one) for one in modules]) for variable, modules in repeat.per_pass]
        loop.body = self.steps(repeat.region.statements, f"{place}[{repeat.index}]")
        made = [self.tensor(tensor) for tensor in repeat.region.outputs]
        loop.last = made[:count]
        loop.collected = [
            Gathered(self.source.namer.take(f"{one.word}s"), made[one.place], one.tensors)
            for one in repeat.collected
        ]
        found.append(loop)

    # --- ifs ----------------------------------------------------------------------------------------------

    def variable(self, condition: program.Condition, place: str, found: list[Step]) -> str:
        """The variable of a condition; it is computed here where it has none yet."""
        if condition.number not in self.decided:
            name = self.source.namer.take("when")
            self.decided[condition.number] = name
            number = name.removeprefix("when")
            kept = f"{self.kept}.{number}" if number else self.kept
            found.append(Let(name, condition.node, f'{place}["{kept}"]'))
        return self.decided[condition.number]

    def decide(self, statement: program.If[program.Statement], place: str, found: list[Step]) -> None:
        made = If(statement.condition, variable=self.variable(statement.condition, place, found))
        known = self.decided  # a condition computed on one side is computed again after it, where needed
        self.decided = dict(known)
        made.then = self.steps(statement.then, place)
        self.decided = dict(known)
        made.otherwise = self.steps(statement.otherwise, place)
        self.decided = known
        made.joins = [
            (joined, self.tensor(then), self.tensor(otherwise)) for joined, then, otherwise in statement.joins
        ]
        found.append(made)

    def merge(self, merge: program.Merge, place: str, found: list[Step]) -> None:
        """A merge, `add [ … ]`. A branch that exists only under an `if` makes it an `if` with two merges."""
        for _, when, _ in merge.arms:
            if when is not None:
                self.variable(when[0], place, found)
        function = emit(LayerUse(merge.op, (merge.op,), (), ())).function
        place = _at(place, merge.name)

        def merged(arms: Sequence[tuple[Tensor, program.When]], found: list[Step]) -> Tensor:
            condition = next((when[0] for _, when in arms if when is not None), None)
            if condition is None:
                inputs = [tensor for tensor, _ in arms]
                if len(inputs) == 1:
                    return inputs[0]
                made = self.new(merge.output.shape)
                found.append(Call("merge", function, place, inputs, [made]))
                return made
            decided = If(condition, variable=self.decided[condition.number])
            sides = []
            for holds in (True, False):
                left = [
                    (tensor, None if when is not None and when[0] is condition else when)
                    for tensor, when in arms
                    if when is None or when[0] is not condition or when[1] is holds
                ]
                sides.append(merged(left, decided.side(holds)))
            found.append(decided)
            made = self.new()
            decided.joins.append((made, sides[0], sides[1]))
            return made

        arms = [(self.tensor(tensor), when) for tensor, when, _ in merge.arms]
        self.named(merge.output, merged(arms, found))

    # --- variables and tensors that are read ----------------------------------------------------------------

    def sweep(self, steps: list[Step]) -> None:
        """Removes the `let`s that no later step reads; records the tensors that the other steps read."""
        for step in reversed(steps[:]):
            match step:
                case Call():
                    given = ((None, node) for one in step.layers for node in numbers_of(one))
                    step.reads = self.read(_variables([*step.arguments, *given]))
                case Let() if step.variable in self.needed:
                    step.reads = self.read(variables(step.node))
                case Let():
                    steps.remove(step)
                case If():
                    self.needed.add(step.variable)
                    self.sweep(step.otherwise)
                    self.sweep(step.then)
                case Loop():
                    step.reads = self.read(variables(step.stop))
                    self.sweep(step.body)
                    step.over = [one for one in step.over if one.variable in self.needed]
                    self.read(name for one in step.over for name in variables(one.list))

    def read(self, names: Iterable[str]) -> list[Tensor]:
        """Records that these variables are needed; returns the tensors among them."""
        read = set(names)
        self.needed |= read
        return list({self.source.tensors[int(name[1:].split(".")[0])] for name in read if name[0] == "§"})


def _shares_its_place(statements: Sequence[program.Statement]) -> bool:
    """Whether one of these blocks has no level of its own: its conditions are kept under the same path."""
    blocks = (one for one in program.every(statements) if isinstance(one, program.Invoke | program.Slot))
    return any(not one.name and getattr(one, "shared", None) is None for one in blocks)


def _alone(layers: Function) -> Layers | None:
    """The call that passed layers consist of, where it is a single one: of a layer without arguments, or of a
    block."""
    match layers.steps:
        case [Call(place="net", suffix="", around="", places=[], layers=[]) as call]:
            if call.inputs != layers.inputs or call.outputs != layers.outputs:
                return None
            if call.form == "block" and call.callee is not None and not call.callee.source.recursive:
                sized = any(name.startswith("§") for _, node in call.arguments for name in variables(node))
                fits = not sized and 0 in call.callee.having
            else:
                fits = call.form == "layer" and not call.arguments
            return Layers(call.function, f"{call.function}_backward", [], call.arguments) if fits else None
    return None


def _at(place: str, name: str) -> str:
    return f'{place}["{name}"]' if name else place


def _module(module: program.Module) -> str:
    if module.own is not None:
        return f'net["{module.own}"]'
    return f'net.go("{module.key}.")' if module.key is not None else str(module.variable)


def _arguments(call: LoweredCall, inputs: Sequence[Tensor]) -> list[Argument]:
    """A call's arguments. Its inputs are variables in them: `§12`, and `§12.axes` for the sizes of its
    axes."""
    found: list[Argument] = []
    for name, value in call.arguments:
        if isinstance(value, LoweredCall):
            value = replace(value, arguments=tuple(_arguments(value, inputs)))
        elif isinstance(value, Const) and isinstance(value.value, Input):
            number = inputs[value.value.number].number
            value = Var(f"§{number}.axes" if value.value.size else f"§{number}")
        found.append((name, value))
    return found


def _variables(arguments: Iterable[Argument]) -> Iterator[str]:
    """The variables in arguments: numbers, and tensors as `§12`."""
    for _, value in arguments:
        if isinstance(value, LoweredCall):
            yield from _variables(value.arguments)
        elif isinstance(value, Const | Var | Apply):
            yield from variables(value)
