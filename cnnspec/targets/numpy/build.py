"""A lowered program as NumPy's steps. Groups are written in place, and weights are found by their path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from cnnspec.ir import graph as ir
from cnnspec.lower import keywords, program
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
    read_in,
)


def functions(graph: ir.Graph, namer: Namer) -> list[Function]:
    """The functions of a graph: each before its callers, and the network last."""
    named = Namer({*namer.taken, "x"})  # the input's name is x
    names: dict[object, str] = {block.name: named.take(block.name) for block in graph.blocks}
    names[None] = named.take("network")
    for name in names.values():
        namer.take(name)

    functions_of_layers: list[Function] = []

    def finish(function: program.Function) -> None:
        block = block_of(function)
        name = names.pop(block, None) or dropped(block) or namer.take(function.name)
        layers = {
            layer.variable: Layers(layer.variable, function.namer.take(f"{layer.variable}_backward"))
            for layer in function.layers.values()
            if layer.used
        }
        translation = _Translation(function, layers)
        if _shares_its_place(function.region.statements):
            translation.kept = f"{name}.if"
        inputs = function.region.inputs
        result = Function(name, function, inputs, function.region.outputs, [], layers=layers)
        result.takes = tuple(range(len(inputs)))
        if function.recursive:
            result.having = frozenset(result.takes)
            function.made = result
        steps = translation.function()
        optional = True  # a default, unless a later parameter has none
        for parameter in reversed(function.parameters):
            parameter.used = function.recursive or parameter.variable in translation.needed
            if parameter.used:
                default = parameter.default
                optional = optional and default is not None and not isinstance(default.value, str)
                parameter.default = default if optional else None
        result.outputs, result.steps = function.region.outputs, steps
        layers_only = function.template.kind == "layers"
        if function.template.kind == "block" and not function.recursive:
            read = {*read_in(steps), *result.outputs}
            taken = [n for n, one in enumerate(inputs) if one.label is not None or one in read]
            result.takes = tuple(taken or [0])
            result.inputs = [inputs[place] for place in result.takes]
        used = {*differentiated(steps), *result.outputs}
        result.having = frozenset(
            n for n, input_ in enumerate(result.inputs) if layers_only or input_ in used
        )
        result.alone = _alone(result) if layers_only else None
        function.made = result
        functions_of_layers.append(result)

    def block_of(function: program.Function) -> object:
        """The unit that gets a name: the network, layers that are passed to a block, or a block."""
        kind = function.template.kind
        return None if kind == "network" else function.number if kind == "layers" else function.name

    def dropped(block: object) -> str | None:
        """The name of a function that was made and will be made again."""
        for one in functions_of_layers:
            if block_of(one.source) == block and one.source not in lowering.functions:
                functions_of_layers.remove(one)
                return one.name
        return None

    lowering = Lowering(graph, emit, finish, runtime_shapes=True)
    names |= {number: namer.take(name) for number, name in lowering.passed.names.items()}
    lowering.reserved = namer.taken
    network = lowering.network()
    return [function.made for function in (*lowering.functions, network)]


def emit(use: LayerUse, layer: ir.Layer | None = None) -> Built:
    """The call of a layer in one use."""
    if use.op.word not in EMITTERS:
        raise Unsupported(f"`{use.op.word}`", layer)
    roles = {weight.role for weight in use.op.weights(*use.inputs)}
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
        tensor = Tensor(len(self.source.tensors), shape=shape)
        self.source.tensors.append(tensor)
        return tensor

    def tensor(self, tensor: Tensor) -> Tensor:
        return self.same.get(tensor, tensor)

    # --- statements ---------------------------------------------------------------------------------------

    def steps(self, statements: Sequence[program.Statement], place: str) -> list[Step]:
        steps: list[Step] = []
        for statement in statements:
            match statement:
                case program.Layer():
                    self.layer(statement, place, steps)
                case program.Merge():
                    self.merge(statement, place, steps)
                case program.Invoke():
                    self.invoke(statement, place, steps)
                case program.Slot():
                    layers, at = self.layers[statement.variable], _at(place, statement.name)
                    inputs = [self.tensor(tensor) for tensor in statement.inputs]
                    steps.append(Call("block", layers.forward, at, inputs, [statement.output]))
                case program.Part():
                    for outer, inner in zip(statement.inputs, statement.region.inputs, strict=True):
                        self.same[inner] = self.tensor(outer)
                    steps += self.steps(statement.region.statements, _at(place, statement.name))
                    for outer, inner in zip(statement.outputs, statement.region.outputs, strict=True):
                        self.named(outer, self.tensor(inner))
                case program.Repeat():
                    self.repeat(statement, place, steps)
                case program.If():
                    self.decide(statement, place, steps)
                case program.Let():
                    steps.append(Let(statement.variable, statement.node))
        return steps

    def named(self, outer: Tensor, inner: Tensor) -> None:
        """Makes `outer` another name of the tensor `made`."""
        self.same[outer] = inner
        inner.label = inner.label or outer.label

    def layer(self, layer: program.Layer, place: str, steps: list[Step]) -> None:
        inputs = [self.tensor(tensor) for tensor in layer.inputs]
        if layer.call.form == "alias":
            self.same[layer.output] = inputs[0]
            return
        arguments = _arguments(layer.call, layer.inputs)
        place, call = _at(place, layer.name), layer.call
        if call.form == "merge":
            merged = Call("merge", call.function, place, inputs, [layer.output], arguments)
            merged.suffix, merged.around = call.suffix, call.around
            steps.append(merged)
            return
        step = Call("layer", call.function, place, inputs[:1], [layer.output], arguments)
        step.suffix, step.around = call.suffix, call.around
        steps.append(step)

    def invoke(self, call: program.Invoke, place: str, steps: list[Step]) -> None:
        callee: Function = call.function.made
        used = [parameter for parameter in call.function.parameters if parameter.used]
        pairs = list(zip(used, call.arguments, strict=True))
        named = [
            keywords.Argument(one.variable, node, True, one.letter or one.default is not None)
            for one, node in pairs
        ]
        arguments: list[Argument] = [
            (None if bare else parameter.variable, node)
            for (parameter, node), bare in zip(pairs, keywords.by_position(named), strict=True)
            if parameter.default is None or node != parameter.default
        ]
        place = _at(place, call.name)
        if call.shared is not None:
            place = _module(call.shared)
        places = [_module(module) for module in call.modules]
        inputs = [self.tensor(call.inputs[place]) for place in callee.takes]
        outputs = call.outputs + [self.new() for _ in callee.outputs[len(call.outputs) :]]
        layers = list(map(self.layers_argument, call.layers))
        steps.append(
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

    def layers_argument(self, argument: program.LayersArgument) -> Layers:
        """The argument for a layer parameter."""
        if argument.variable is not None:
            return self.layers[argument.variable]
        if argument.function is None:
            return Layers("None", "None")
        function: Function = argument.function.made
        if function.alone is not None:
            own = (layer.variable for layer in argument.function.layers.values())
            passed = dict(zip(own, argument.layers, strict=True))
            if function.alone.forward in passed:  # a layer parameter that is passed on
                return self.layers_argument(passed[function.alone.forward])
            variables = (parameter.variable for parameter in argument.function.parameters if parameter.used)
            by = dict(zip(variables, argument.arguments, strict=True))
            arguments = [(name, replaced(node, by)) for name, node in function.alone.arguments]
            return replace(function.alone, arguments=arguments)
        arguments = [(None, node) for node in argument.arguments]
        return Layers(
            function.name,
            f"{function.name}_backward",
            list(map(self.layers_argument, argument.layers)),
            arguments,
        )

    def repeat(self, repeat: program.Repeat, place: str, steps: list[Step]) -> None:
        place = _at(place, repeat.name)
        count = len(repeat.outputs)
        before = [self.tensor(tensor) for tensor in repeat.inputs[:count]]
        if repeat.count == Const(1) and (runs := repeat.runs()) is not None:
            region = runs[0][1]
            for outer, inner in zip(repeat.inputs, region.inputs, strict=True):
                self.same[inner] = self.tensor(outer)
            steps += self.steps(region.statements, f"{place}[0]")
            for outer, inner in zip(repeat.outputs, region.outputs, strict=False):
                self.named(outer, self.tensor(inner))
            for one in repeat.collected:
                self.named(one.tensors[0], self.tensor(region.outputs[one.place]))
            return
        inside, others = repeat.region.inputs[:count], repeat.region.inputs[count:]
        for outer, inner in zip(repeat.inputs[count:], others, strict=True):
            self.same[inner] = self.tensor(outer)
        loop = Loop(repeat.index, repeat.count, place, before, inside, [], inside, repeat.outputs)
        loop.over = repeat.over
        loop.places = [
            (variable, [_module(module) for module in modules]) for variable, modules in repeat.per_pass
        ]
        loop.body = self.steps(repeat.region.statements, f"{place}[{repeat.index}]")
        ends = [self.tensor(tensor) for tensor in repeat.region.outputs]
        loop.last = ends[:count]
        loop.collected = [
            Gathered(self.source.namer.take(f"{one.word}s"), ends[one.place], one.tensors)
            for one in repeat.collected
        ]
        steps.append(loop)

    # --- ifs ----------------------------------------------------------------------------------------------

    def variable(self, condition: program.Condition, place: str, steps: list[Step]) -> str:
        """The variable of a condition; it is computed here where it has none yet."""
        if condition.number not in self.decided:
            name = self.source.namer.take("when")
            self.decided[condition.number] = name
            number = name.removeprefix("when")
            kept = f"{self.kept}.{number}" if number else self.kept
            steps.append(Let(name, condition.node, f'{place}["{kept}"]'))
        return self.decided[condition.number]

    def decide(self, statement: program.If[program.Statement], place: str, steps: list[Step]) -> None:
        step = If(statement.condition, variable=self.variable(statement.condition, place, steps))
        # a condition computed on one side is computed again after it, where needed
        decided_before = self.decided
        self.decided = dict(decided_before)
        step.then = self.steps(statement.then, place)
        self.decided = dict(decided_before)
        step.otherwise = self.steps(statement.otherwise, place)
        self.decided = decided_before
        step.joins = [
            (joined, self.tensor(then), self.tensor(otherwise)) for joined, then, otherwise in statement.joins
        ]
        steps.append(step)

    def merge(self, merge: program.Merge, place: str, steps: list[Step]) -> None:
        """A merge, `add [ … ]`. A branch that exists only under an `if` makes it an `if` with two merges."""
        for _, when, _ in merge.arms:
            if when is not None:
                self.variable(when[0], place, steps)
        function = emit(LayerUse(merge.op, (merge.op,), (), ())).function
        place = _at(place, merge.name)

        def merged(arms: Sequence[tuple[Tensor, program.When]], steps: list[Step]) -> Tensor:
            condition = next((when[0] for _, when in arms if when is not None), None)
            if condition is None:
                inputs = [tensor for tensor, _ in arms]
                if len(inputs) == 1:
                    return inputs[0]
                output = self.new(merge.output.shape)
                steps.append(Call("merge", function, place, inputs, [output]))
                return output
            decided = If(condition, variable=self.decided[condition.number])
            sides = []
            for holds in (True, False):
                left = [
                    (tensor, None if when is not None and when[0] is condition else when)
                    for tensor, when in arms
                    if when is None or when[0] is not condition or when[1] is holds
                ]
                sides.append(merged(left, decided.side(holds)))
            steps.append(decided)
            output = self.new()
            decided.joins.append((output, sides[0], sides[1]))
            return output

        arms = [(self.tensor(tensor), when) for tensor, when, _ in merge.arms]
        self.named(merge.output, merged(arms, steps))

    # --- variables and tensors that are read ----------------------------------------------------------------

    def sweep(self, steps: list[Step]) -> None:
        """Removes the `let`s that no later step reads; records the tensors that the other steps read."""
        for step in reversed(steps[:]):
            match step:
                case Call():
                    arguments = ((None, node) for layer in step.layers for node in numbers_of(layer))
                    step.reads = self.read(_variables([*step.arguments, *arguments]))
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
                    step.over = [entry for entry in step.over if entry.variable in self.needed]
                    self.read(name for one in step.over for name in variables(one.list))

    def read(self, names: Iterable[str]) -> list[Tensor]:
        """Records that these variables are needed; returns the tensors among them."""
        read = set(names)
        self.needed |= read
        return list({self.source.tensors[int(name[1:].split(".")[0])] for name in read if name[0] == "§"})


def _shares_its_place(statements: Sequence[program.Statement]) -> bool:
    """Whether one of these blocks has no level of its own: its conditions are kept under the same path."""
    blocks = (one for one in program.every(statements) if isinstance(one, program.Invoke | program.Slot))
    return any(not block.name and getattr(block, "shared", None) is None for block in blocks)


def _alone(layers: Function) -> Layers | None:
    """The call that passed layers consist of, where it is a single one: of a layer without arguments, of a
    block, or of a layer parameter."""
    match layers.steps:
        case [] if layers.outputs == layers.inputs:
            return Layers("lambda x, net: x", "lambda dy, net: dy")
        case [Call(place="net", suffix="", around="", places=[], layers=[]) as call]:
            if call.inputs != layers.inputs or call.outputs != layers.outputs:
                return None
            if call.function in layers.layers:
                return layers.layers[call.function]
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
    arguments: list[Argument] = []
    for name, value in call.arguments:
        if isinstance(value, LoweredCall):
            value = replace(value, arguments=tuple(_arguments(value, inputs)))
        elif isinstance(value, Const) and isinstance(value.value, Input):
            number = inputs[value.value.number].number
            value = Var(f"§{number}.axes" if value.value.size else f"§{number}")
        arguments.append((name, value))
    return arguments


def _variables(arguments: Iterable[Argument]) -> Iterator[str]:
    """The variables in arguments: numbers, and tensors as `§12`."""
    for _, value in arguments:
        if isinstance(value, LoweredCall):
            yield from _variables(value.arguments)
        elif isinstance(value, Const | Var | Apply):
            yield from variables(value)
