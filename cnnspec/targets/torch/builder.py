"""Plans out of bodies: the constructor calls of every step, the classes of the blocks, the form of each
repeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cnnspec.ir.graph import Body, Graph, Region
from cnnspec.targets.names import Namer, camel
from cnnspec.targets.symbolic import (
    Const,
    Node,
    Unclear,
    Var,
    from_text,
)
from cnnspec.targets.torch.bodies import BodyBuilder
from cnnspec.targets.torch.helpers import RESERVED_NAMES, RETURN_A_LAYER
from cnnspec.targets.torch.pieces import (
    Call,
)
from cnnspec.targets.torch.place import Place
from cnnspec.targets.torch.plan import ClassPlan, Parameter, Plan, inline
from cnnspec.targets.unify import Diverges
from cnnspec.targets.union import union
from cnnspec.targets.values import annotation, parsed

if TYPE_CHECKING:
    from cnnspec.ops.base import Shape

LETTERS = {
    "K": "out_channels",
    "F": "kernel_size",
    "S": "stride",
    "P": "padding",
    "G": "groups",
    "D": "dilation",
}
"""A block's letters are called as torch calls them."""


@dataclass(slots=True)
class Builder:
    """Builds all plans of one graph. Blocks are planned when first met, from all their uses."""

    graph: Graph
    plans: dict[tuple[str, int, tuple[tuple[str, str], ...]], ClassPlan] = field(default_factory=dict)
    shared: dict[str, Call | None] = field(default_factory=dict)
    knobs: dict[str, Node] = field(default_factory=dict)
    uses: dict[str, dict[tuple[int, tuple[tuple[str, str], ...]], Region]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.knobs = {name: Const(parsed(text)) for name, text in self.graph.knobs.items()}
        seen: set[int] = set()
        stack = [len(self.graph.bodies) - 1]
        while stack:
            number = stack.pop()
            if number in seen:
                continue
            seen.add(number)
            for step in self.graph.bodies[number].steps:
                if isinstance(step, Region):
                    if step.block is not None:
                        key = (step.passes[0].body, tuple(step.arguments.items()))
                        self.uses.setdefault(step.block, {}).setdefault(key, step)
                    stack += [one.body for one in step.passes]

    def root(self) -> Plan:
        body = self.graph.root
        symbols: list[Node | None] = [_channels_of(body.values[value]) for value in range(body.inputs)]
        namer = Namer(RESERVED_NAMES)
        return self.build([body], [{}], symbols, Place(self.knobs, namer, "", top=True))

    # --- bodies ---------------------------------------------------------------------------------------

    def build(
        self, bodies: Sequence[Body], envs: list[dict[str, Any]], symbols: Sequence[Node | None], place: Place
    ) -> Plan:
        """The plan of bodies that are uses of one text; `envs` holds each use's variables, `symbols` the
        channels of the inputs."""
        laid = union(bodies)
        return BodyBuilder(self, laid, envs, list(symbols), place).plan()

    # --- blocks ---------------------------------------------------------------------------------------

    def class_of(self, region: Region) -> ClassPlan:
        """The class that a use of a block is an instance of."""
        assert region.block is not None
        arguments = tuple(region.arguments.items())
        key = (region.block, region.passes[0].body, arguments)
        if key not in self.plans:
            self._plan_block(region.block)
        return self.plans[key]

    def _plan_block(self, name: str) -> None:
        """One class for all uses of a block; where that cannot be, one for each structure, or for each
        body."""
        regions = list(self.uses[name].values())
        for split in (_all_alike, _structure, _body):
            groups: dict[Any, list[Region]] = {}
            for region in regions:
                groups.setdefault(split(self.graph, region), []).append(region)
            try:
                made = [(group, self._class(name, group)) for group in groups.values()]
            except Diverges:
                continue
            break
        else:
            made = [([region], self._class(name, [region])) for region in regions]
        for group, plan in made:
            for region in group:
                self.plans[name, region.passes[0].body, tuple(region.arguments.items())] = plan

    def _class(self, name: str, regions: list[Region]) -> ClassPlan:
        block = next(block for block in self.graph.blocks if block.name == name)
        bodies = [self.graph.bodies[region.passes[0].body] for region in regions]
        namer = Namer(RESERVED_NAMES)
        scope = dict(self.knobs)
        envs: list[dict[str, Any]] = [{} for _ in regions]
        symbols: list[Node | None] = []
        parameters: list[Parameter] = []
        labels = {value: label for label, value in bodies[0].labels.items() if value < bodies[0].inputs}
        for place in range(bodies[0].inputs):
            sizes = [_first(body.values[place]) for body in bodies]
            if len(set(sizes)) == 1:
                symbols.append(Const(sizes[0]))
                continue
            vector = all(len(body.values[place] or ()) == 1 for body in bodies)
            kind = "features" if vector else "channels"
            stem = labels.get(place, "in")
            variable = namer.take(f"{stem}_{kind}")
            symbols.append(Var(variable))
            parameters.append(Parameter(variable, "int", None, place))
            for env, size in zip(envs, sizes, strict=True):
                env[variable] = size
        required = True
        for parameter in reversed(block.parameters):
            if parameter.kind == "tensor":
                continue
            wanted = LETTERS[parameter.name] if parameter.kind == "letter" else parameter.name
            variable = namer.take(wanted)
            scope[parameter.name] = Var(variable)
            values = [parsed(region.arguments[parameter.name]) for region in regions]
            for env, value in zip(envs, values, strict=True):
                env[variable] = value
            default = None if parameter.default is None else _constant(parameter.default, self.knobs)
            required = required and default is not None
            parameters.append(
                Parameter(
                    variable, annotation([*values, default]), default if required else None, parameter.name
                )
            )
        count = sum(1 for parameter in block.parameters if parameter.kind != "tensor")
        parameters[len(parameters) - count :] = reversed(parameters[len(parameters) - count :])
        plan = self.build(bodies, envs, symbols, Place(scope, namer, camel(name), top=True))
        return _as_class(plan, camel(name), parameters, _tensor_names(plan, labels))

    def small_class(self, plan: Plan, place: Place, envs: list[dict[str, Any]], in_loop: bool) -> ClassPlan:
        """A class for a group, a line or a pass that is no chain; its arguments are the variables that it
        reads."""
        parameters = [
            Parameter(
                variable, annotation([env[variable] for env in envs if variable in env]), None, variable
            )
            for variable in dict.fromkeys(plan.used())
        ]
        labels = {value: label for value, label in plan.labels.items() if value < plan.inputs}
        return _as_class(plan, place.prefix or "Part", parameters, _tensor_names(plan, labels), in_loop)


def _as_class(
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
        reads = [single.sources[place] for place in single.takes]
        if single.loop:
            made.form = "list"
            return made
        made.takes = tuple(source for source in reads if isinstance(source, int))
        made.form = "layer"
        if isinstance(single.piece, Call):
            function = single.piece.function
            plain = function in RETURN_A_LAYER or single.piece.suffix
            if plain or (isinstance(function, ClassPlan) and function.form == "function"):
                made.form = "function"
        elif not inline(single.piece):
            made.form = "chain"
    elif any(step.name == "" and step.piece is not None for step in plan.steps):
        raise Diverges("a step without a level of its own, under a condition")
    elif plan.chain:
        made.form = "chain"
        made.takes = (plan.head,)
    return made


def _tensor_names(plan: Plan, labels: Mapping[int, str]) -> list[str]:
    namer = Namer(RESERVED_NAMES)
    return [namer.take(labels.get(place, "x")) for place in range(plan.inputs)]


def _all_alike(graph: Graph, region: Region) -> object:
    return None


def _structure(graph: Graph, region: Region) -> object:
    body = graph.bodies[region.passes[0].body]
    return tuple((step.name, step.kind, getattr(step, "op", None) and step.op.word) for step in body.steps)  # type: ignore[union-attr]


def _body(graph: Graph, region: Region) -> object:
    return region.passes[0].body


def _first(shape: Shape | None) -> int:
    assert shape is not None
    return shape[0]


def _channels_of(shape: Shape | None) -> Node:
    return Const(_first(shape))


def _constant(text: str, knobs: Mapping[str, Node]) -> Node | None:
    """A parameter's default, where it is a number."""
    try:
        return Const(parsed(text))
    except ValueError:
        pass
    try:
        node = from_text(text, knobs)
    except Unclear:
        return None
    return node if isinstance(node, Const) else None
