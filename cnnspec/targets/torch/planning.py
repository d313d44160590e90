"""Plans out of a lowered program: which calls make the attributes, which stretches become classes of their
own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, count, pairwise, takewhile
from typing import Any

from cnnspec.elaborate.reserved import attribute_name
from cnnspec.ir import graph as ir
from cnnspec.lower import program
from cnnspec.lower.call import Built, Call, Diverges, Unsupported, Use
from cnnspec.lower.given import Place
from cnnspec.lower.lowering import Lowering
from cnnspec.lower.names import Namer, camel
from cnnspec.lower.program import Tensor
from cnnspec.lower.symbolic import Const, List, Node, Var, variables
from cnnspec.ops import load_op
from cnnspec.targets.torch.choices import chosen
from cnnspec.targets.torch.flags import with_bools
from cnnspec.targets.torch.layers import MODULES, module
from cnnspec.targets.torch.library import reserved
from cnnspec.targets.torch.loops import repeated
from cnnspec.targets.torch.pieces import (
    Lambda,
    LayerVariable,
    Piece,
    loop_variables,
    used_in,
    walk,
    with_nodes,
    with_parts,
)
from cnnspec.targets.torch.plan import (
    ClassPlan,
    If,
    Item,
    Parameter,
    Plan,
    PlanStep,
    asked,
    inline,
    needed,
)
from cnnspec.targets.torch.splits import split

BARE = 3
"""Numbers without a name in a call of a class, at most."""

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
    """How a layer of one use is made; one without weights that reads a second tensor is written in
    `forward`."""
    op = use.op
    if any(getattr(op, name) for name in op.tensors) and not op.weighted:
        if len({repr(one) for one in use.ops}) != 1:
            raise Diverges("different arguments")
        return Built(None, form="forward")
    if op.word not in MODULES:
        raise Unsupported(f"`{op.word}`", layer)
    if op.word == "fc" and layer.name:  # a map is flattened before it, see `Stretch.layer`
        use = use._replace(arriving=(use.arriving[0][:1],))
    return module(use)


def planned(graph: ir.Graph, folds: Mapping[tuple[int, int], int]) -> tuple[Plan, dict[str, Call]]:
    """The plan of the whole network, and the calls that make its shared blocks, by their names."""
    axes: dict[Place, tuple[int, ...]] = {}
    while True:
        lowering = Lowering(
            graph,
            emit,
            _finish,
            letters=LETTERS,
            reserved={*reserved(), *(camel(block.name) for block in graph.blocks)},
            overwrites=OVERWRITABLE,
            folds=folds,
            axes=axes,
        )
        root: Plan = lowering.network().made
        if not (fewer := lowering.given.read()):  # sizes that layers are called with and do not read
            break
        axes |= fewer
    return root, {key: _with_numbers(*shared) for key, shared in lowering.shared.items()}


LAYERS = "Callable[..., nn.Module]"
"""The type of a layer parameter."""


def _finish(function: program.Function) -> None:
    """Every function of the lowered program becomes a class; the network's plan is the model's."""
    layers = function.template.kind == "layers"
    if not layers:
        with_bools(function)
    network = function.template.kind == "network"
    stretch = Stretch("" if network else camel(function.name), [use.env for use in function.uses])
    parameters = _parameters(function)
    itself = ClassPlan(stretch.prefix, Plan([], [], []), "module", parameters, (), [])
    if function.recursive:
        itself.takes = tuple(range(len(function.region.inputs)))
        function.made = itself
        itself.plan = first = _with_own(Stretch(stretch.prefix, stretch.envs).plan(function.region), function)
        wanted = _wanted(first, _needed(first, function.lets), itself)
        for one in function.parameters:
            one.used = one.variable in wanted
        parameters = itself.parameters = [one for one in parameters if one.variable in wanted]
    plan = _with_own(stretch.plan(function.region), function)
    plan.lets = _needed(plan, function.lets)
    if network:
        function.made = plan
        return
    if layers:
        function.made = _made_layers(function, plan, stretch)
        return
    if not function.recursive:  # planning may have added some
        parameters = _parameters(function)
    made = as_class(plan, stretch.prefix, parameters, tensor_names(plan))
    if function.recursive:
        if made.takes != itself.takes or made.form == "list":
            raise Diverges("a block that calls itself and does not read what it is given")
        itself.plan, itself.form, itself.tensors = made.plan, made.form, made.tensors
        itself.recursive = True
        made = itself
    function.made = made
    used = {parameter.variable for parameter in made.parameters}
    for one in function.parameters:
        one.used = one.variable in used


def _with_own(plan: Plan, function: program.Function) -> Plan:
    """The plan, with the shared blocks that are this function's own."""
    items: list[Item] = []
    for one in function.own.values():
        piece = _called(one.function, one.arguments, one.layers)
        step = PlanStep(attribute_name(one.name), [], [], piece=piece, takes=(), defines=one.variable)
        if one.where is None:
            items.append(step)
            continue
        condition, holds = one.where
        under = If(condition)
        under.side(holds).append(step)
        items.append(under)
    plan.items[:0] = items
    return plan


def _made_layers(function: program.Function, plan: Plan, stretch: Stretch) -> Piece:
    """Layers that are given to a block: what makes them."""
    piece, takes = piece_of(plan, stretch)
    for name, node in reversed(function.lets):
        piece = with_nodes(piece, {name: node})
    if plan.needs:
        raise Unsupported("a shared block in layers that are given to a block")
    if takes != (0,) or not inline(piece):
        raise Unsupported("layers given to a block that are no layers of their input")
    used = set(used_in(piece))
    for one in function.parameters:
        one.used = one.variable in used
    return piece


def given(one: program.Given) -> Piece:
    """What a block is given for a layer parameter."""
    if one.variable is not None:
        return Var(LayerVariable(one.variable))
    if one.function is None:
        return "nn.Identity"
    parameters, piece = one.function.parameters, one.function.made
    own = [parameter for parameter in parameters if isinstance(parameter.source, tuple)]
    others = [
        parameter for parameter in parameters if not isinstance(parameter.source, tuple) and parameter.used
    ]
    by: dict[str, Node] = {two.variable: Var(name) for two, name in zip(own, one.sizes, strict=True)}
    by |= {two.variable: node for two, node in zip(others, one.arguments, strict=True)}
    for layer, inner in zip(one.function.layers.values(), one.layers, strict=True):
        by[layer.variable] = Var(LayerVariable(inner.variable or ""))
    bound = {name for part in walk(piece) for name in loop_variables(part)}
    if bound.intersection(*[[name for node in by.values() for name in variables(node)]]):
        raise Unsupported("layers in layers, with variables of the same name")
    return Lambda(tuple(one.sizes), with_nodes(piece, by))


def _parameters(function: program.Function) -> list[Parameter]:
    """A constructor's arguments, as the author has them; a default only where all behind it have one."""
    found = [_parameter(one) for one in function.parameters]
    own = [place for place, one in enumerate(function.parameters) if isinstance(one.source, str)]
    for layer in reversed(function.layers.values()):
        default = None if layer.default is None else given(layer.default)
        place = own[layer.place] if layer.place < len(own) else len(function.parameters)
        if layer.used:
            found.insert(place, Parameter(LayerVariable(layer.variable), LAYERS, default))
    for one, before in pairwise(reversed(found)):
        if one.default is None:
            before.default = None
    return found


def _parameter(one: program.Parameter) -> Parameter:
    kind = "int" if isinstance(one.source, tuple) else annotation([*one.values, one.default])
    return Parameter(one.variable, kind, one.default)


def annotation(values: Iterable[object]) -> str:
    """The type of a parameter that gets these values."""
    found: set[str] = set()
    lists: list[object] = []
    for one in values:
        value = one.value if isinstance(one, Const) else one
        if isinstance(value, List):
            lists += value
        elif isinstance(value, tuple):
            found |= {"int", "tuple[int, int]"}
        else:
            found.add(type(value).__name__)
    if "float" in found:
        found.discard("int")
    order = ("bool", "int", "float", "tuple[int, int]", "str")
    kinds = [name for name in order if name in found]
    if lists:
        inner = annotation(lists).replace("bool | int", "int")
        kinds.append(f"tuple[{inner}, ...]")
    return " | ".join(kinds) or "int"


def _wanted(plan: Plan, lets: Sequence[tuple[str, Node]], itself: ClassPlan) -> set[str]:
    """The parameters of a class that calls itself that are read, not only passed on."""
    own: list[dict[str, set[str]]] = []

    def emptied(piece: Piece) -> Piece:
        if isinstance(piece, Call) and piece.function is itself:
            given = [
                (name or itself.parameters[place].variable, argument)
                for place, (name, argument) in enumerate(piece.arguments)
            ]
            own.append({name: set(used_in(argument)) for name, argument in given})
            return replace(piece, arguments=())
        return with_parts(piece, emptied)

    pieces = [emptied(step.piece) for step in plan.steps if step.piece is not None]
    pieces += [condition.node for condition in asked(plan.items)]
    wanted = {name for piece in pieces for name in used_in(piece)}
    while True:
        more = {name for call in own for parameter in call.keys() & wanted for name in call[parameter]}
        more |= {name for let, node in lets if let in wanted for name in variables(node)}
        if more <= wanted:
            return wanted
        wanted |= more


def _needed(plan: Plan, lets: Sequence[tuple[str, Node]]) -> list[tuple[str, Node]]:
    """The `let`s that something reads, directly or through another."""
    wanted = set(plan.used())
    kept: list[tuple[str, Node]] = []
    for name, node in reversed(lets):
        if name in wanted:
            kept.insert(0, (name, node))
            wanted.update(variables(node))
    return kept


def _with_numbers(function: program.Function, use: int, layers: Sequence[program.Given]) -> Call:
    """A shared block is one attribute of the model, made with numbers (and layers) alone."""
    used = [parameter for parameter in function.parameters if parameter.used]
    return _called(function, [Const(parameter.values[use]) for parameter in used], layers)


def _called(function: program.Function, numbers: Sequence[Node], layers: Sequence[program.Given]) -> Call:
    """The call of a block's class, without the arguments that equal their defaults."""
    made: ClassPlan = function.made
    used = [one.variable for one in function.parameters if one.used]
    if function.recursive and len(numbers) == len(function.parameters):
        used = [one.variable for one in function.parameters]
    by: dict[str, Piece] = dict(zip(used, numbers, strict=True))
    for one, layer in zip((one for one in function.layers.values() if one.used), layers, strict=True):
        default = one.default
        same = default is not None and default.function is layer.function is not None and not layer.arguments
        by[one.variable] = given(default) if same and default is not None else given(layer)
    arguments = [by[parameter.variable] for parameter in made.parameters]
    found: list[tuple[str | None, Any]] = []
    authors = {parameter.variable for parameter in function.parameters if isinstance(parameter.source, str)}
    pairs = list(zip(made.parameters, arguments, strict=True))
    first = takewhile(lambda pair: pair[0].default is None, pairs)
    many = sum(isinstance(node, Const) for _, node in first) > BARE
    by_position = True
    for parameter, node in pairs:
        by_position &= parameter.default is None and not (many and parameter.variable in authors)
        if parameter.default is None or node != parameter.default:
            found.append((None if by_position else parameter.variable, node))
    return Call(made, tuple(found))


@dataclass(eq=False)
class Stretch:
    """A stretch of statements on its way to a plan. `prefix` begins the names of the classes in it; `envs`
    are the numbers of its uses, for the types of what such a class is given."""

    prefix: str
    envs: list[dict[str, Any]]
    same: dict[Tensor, Tensor] = field(default_factory=dict)
    """Of two names of the lowered program for one tensor, the one that stands for both."""

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

    def items(self, statements: Sequence[program.Statement], found: list[Item], taken: set[str]) -> None:
        """Adds the steps; `taken` are the attributes that the statements have."""
        for one in statements:
            match one:
                case program.Layer():
                    found += self.layer(one, taken)
                case program.Merge():
                    tensors = self.tensors(tensor for tensor, _, _ in one.arms)
                    arms = [(tensor, *arm[1:]) for tensor, arm in zip(tensors, one.arms, strict=True)]
                    found.append(PlanStep(one.name, tensors, [one.output], one.op, arms=arms))
                case program.Invoke():
                    found.append(self.invoke(one))
                case program.Slot():
                    piece = Call(LayerVariable(one.variable), tuple((None, size) for size in one.sizes))
                    inputs = self.tensors(one.inputs)
                    found.append(PlanStep(one.name, inputs, [one.output], None, piece, given=True))
                case program.Part():
                    found.append(self.part(one))
                case program.Repeat():
                    made = PlanStep(one.name, self.tensors(one.inputs), list(one.outputs))
                    made.handed, made.collected = len(one.outputs), one.collected
                    made.outputs += [tensor for other in one.collected for tensor in other.tensors]
                    repeated(self, one, made)
                    found.append(made)
                case program.If():
                    self.decide(one, found, taken)

    def part(self, part: program.Part) -> PlanStep:
        """A group or a line; what is labelled in it may be its output."""
        inner = self.inner(part.name, part.envs)
        plan = inner.plan(part.region)
        outputs: dict[Tensor, Tensor] = {}
        for outer, made in zip(part.outputs, plan.outputs, strict=True):
            first = outputs.setdefault(made, outer)
            if first is not outer:
                self.same[outer] = first
                first.label = first.label or outer.label
        plan.outputs = list(outputs)
        piece, takes = piece_of(plan, inner)
        inputs = self.tensors(part.inputs)
        return PlanStep(part.name, inputs, list(outputs.values()), None, piece, takes, needs=plan.needs)

    def decide(self, statement: program.If[program.Statement], found: list[Item], taken: set[str]) -> None:
        """An `if`; right behind one of the same condition it is the rest of that."""
        made = found[-1] if found else None
        if not isinstance(made, If) or made.condition is not statement.condition:
            made = If(statement.condition)
            found.append(made)
        sides = []
        for holds in (True, False):
            before = {joined: then if holds else otherwise for joined, then, otherwise in made.joins}
            self.same |= before
            self.items(statement.side(holds), made.side(holds), taken)
            ends = (then if holds else otherwise for _, then, otherwise in statement.joins)
            sides.append(self.tensors(ends))
            for joined in before:
                del self.same[joined]
        joins = zip(statement.joins, *sides, strict=True)
        made.joins += [(joined, then, otherwise) for (joined, *_), then, otherwise in joins]

    def layer(self, layer: program.Layer, taken: set[str]) -> Iterator[PlanStep]:
        """`fc` takes a C x 1 x 1 map as the vector that it is; nn.Linear does not."""
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
        made = PlanStep(layer.name, inputs, [layer.output], layer.op, piece, rank=layer.rank)
        made.takes = tuple(range(len(inputs)))
        yield made

    def invoke(self, call: program.Invoke) -> PlanStep:
        callee: ClassPlan = call.function.made
        made = PlanStep(call.name, self.tensors(call.inputs), call.outputs, takes=callee.takes)
        by = {need.variable: one for need, one in zip(call.function.needs, call.modules, strict=True)}
        made.needs = tuple(str(by[name]) for name in callee.plan.needs)
        if call.shared is not None:
            made.shared = str(call.shared)
        else:
            made.piece = _called(call.function, call.arguments, call.layers)
        return made


def _names(statements: Sequence[program.Statement]) -> Iterator[str]:
    for statement in statements:
        if isinstance(statement, program.If):
            yield from _names((*statement.then, *statement.otherwise))
        elif not isinstance(statement, program.Let):
            yield statement.name


def piece_of(plan: Plan, stretch: Stretch, *, in_loop: bool = False) -> tuple[Piece, tuple[int, ...]]:
    """The call that makes a stretch: of its one step, of a chain, or of a small class. Also which of its
    inputs it takes."""
    single = plan.single
    if single is not None and single.piece is not None:
        if not single.loop and (inline(single.piece) or not in_loop):
            return single.piece, _taken(plan, single)
    elif (head := plan.head) is not None and not any(isinstance(item, If) for item in plan.items):
        if not plan.steps:
            return Call("nn.Identity"), (head,)
        if all(inline(step.piece) and step.name for step in plan.steps):
            pieces = tuple((step.name, step.piece) for step in plan.steps if step.piece is not None)
            return Call("sequential", pieces), (head,)
    made = _small_class(plan, stretch, in_loop)
    return Call(made, tuple((None, Var(parameter.variable)) for parameter in made.parameters)), made.takes


def _taken(plan: Plan, step: PlanStep) -> tuple[int, ...]:
    """Which inputs of the plan a step takes."""
    return tuple(plan.inputs.index(tensor) for tensor in step.reads)


def _small_class(plan: Plan, stretch: Stretch, in_loop: bool) -> ClassPlan:
    """A class for a group, a line or a pass that is no chain; its arguments are the variables that it
    reads."""
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
    made = as_class(plan, stretch.prefix or "Part", parameters, tensor_names(plan), in_loop)
    made.unnamed = True
    return made


def as_class(
    plan: Plan, wanted: str, parameters: list[Parameter], tensors: list[str], in_loop: bool = False
) -> ClassPlan:
    """What kind of class a plan becomes. It takes the tensors that it reads (in a loop also the first ones,
    which every pass hands on)."""
    used, read = set(plan.used()), plan.reads()
    kept = [parameter for parameter in parameters if parameter.variable in used]
    handed = len(plan.outputs) if in_loop else 0
    takes = tuple(n for n, tensor in enumerate(plan.inputs) if tensor in read or n < handed)
    made = ClassPlan(wanted, plan, "module", kept, takes, tensors)
    single = plan.single
    if single is not None:
        if single.loop:
            made.form = "list"
            return made
        made.takes = _taken(plan, single)
        made.form = "layer" if inline(single.piece) else "chain"
        if isinstance(single.piece, Call):
            function, suffix = single.piece.function, single.piece.suffix
            made_by = function.form == "function" if isinstance(function, ClassPlan) else _lower(function)
            if made_by or suffix:  # nothing can be derived from a function
                made.form = "function"
    elif plan.optional is not None:
        made.form, made.takes = "function", (0,)
    elif any(step.name == "" and step.piece is not None for step in plan.steps):
        raise Diverges("a step without a level of its own, under a condition")
    elif (head := plan.head) is not None:
        made.form, made.takes = "chain", (head,)
    return made


def _lower(function: str) -> bool:
    """Whether it is a function of our own, not a class."""
    return function.rpartition(".")[2][0].islower()


def tensor_names(plan: Plan) -> list[str]:
    """A name for each input: its label, the first one `x`; labels come first."""
    namer = Namer(reserved())
    named = {tensor: namer.take(tensor.label) for tensor in plan.inputs if tensor.label}
    free = [letter for letter in ("x", "y", "z") if namer.free(letter)]
    return [named.get(tensor) or namer.take(free[0] if free else "x") for tensor in plan.inputs]
