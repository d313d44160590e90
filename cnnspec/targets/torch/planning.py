"""The plan of a whole network, from its lowered program: each function becomes a class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import NamedTuple

from cnnspec.elaborate.reserved import attribute_name
from cnnspec.ir import graph as ir
from cnnspec.ir.uses import Numbers
from cnnspec.lower import program
from cnnspec.lower.call import Built, Call, Diverges, LayerUse, Unsupported
from cnnspec.lower.lowering import Lowering
from cnnspec.lower.names import camel
from cnnspec.lower.passed_layers import Place
from cnnspec.lower.symbolic import Node, variables
from cnnspec.targets.torch.arguments import called, parameters_of, with_numbers
from cnnspec.targets.torch.emitters import MODULES
from cnnspec.targets.torch.flags import with_bools
from cnnspec.targets.torch.forms import as_class, tensor_names
from cnnspec.targets.torch.knobs import with_knobs
from cnnspec.targets.torch.layers import module
from cnnspec.targets.torch.library import reserved
from cnnspec.targets.torch.pieces import Piece, used_in, with_nodes, with_parts
from cnnspec.targets.torch.plan import ClassPlan, If, Item, Parameter, Plan, PlanStep, asked, inline
from cnnspec.targets.torch.stretch import Stretch, piece_of
from cnnspec.targets.torch.tidy import tidied

LETTERS = {
    "K": "out_channels",
    "F": "kernel_size",
    "S": "stride",
    "P": "padding",
    "G": "groups",
    "D": "dilation",
}
"""The names of a block's letters: torch's names for the same numbers."""

OVERWRITABLE = frozenset({"conv", "dwconv", "deconv", "bn", "gn", "fc", "add", "maxpool", "avgpool"})
"""Layers that make a new tensor and do not need it for the gradient: an activation may overwrite it."""


def emit(use: LayerUse, layer: ir.Layer) -> Built:
    """The call that makes a layer of one use. A layer without weights that reads a second tensor is written
    in `forward` instead."""
    op = use.op
    if any(getattr(op, name) for name in op.tensors) and not op.weighted:
        if len({repr(one) for one in use.ops}) != 1:
            raise Diverges("different arguments")
        return Built(None, form="forward")
    if op.word not in MODULES:
        raise Unsupported(f"`{op.word}`", layer)
    if op.word == "fc" and layer.name:  # a map is flattened before it, see `Stretch.layer`
        use = use._replace(inputs=(use.inputs[0][:1],))
    return module(use)


class Planned(NamedTuple):
    """The plan of the whole network, the calls that make its shared blocks, by name, and the parameters of
    its constructor."""

    root: Plan
    shared: dict[str, Call]
    parameters: list[Parameter]


def planned(graph: ir.Graph, folds: Mapping[tuple[int, int], int]) -> Planned:
    return with_knobs(graph, partial(_lowered, folds))


def _lowered(
    folds: Mapping[tuple[int, int], int],
    graph: ir.Graph,
    knobs: Sequence[str],
    others: Sequence[tuple[int, Numbers]],
) -> Planned:
    axes: dict[Place, tuple[int, ...]] = {}
    while True:
        lowering = Lowering(
            graph,
            emit,
            _finish,
            letters=LETTERS,
            reserved={*reserved(), *(camel(block.name) for block in graph.blocks), "device", "dtype"},
            overwrites=OVERWRITABLE,
            folds=folds,
            axes=axes,
            arguments=knobs,
            others=others,
        )
        network = lowering.network()
        if not (fewer := lowering.passed.read()):  # no layers are called with sizes that they do not use
            break
        axes |= fewer
    root: Plan = network.made
    shared = {key: with_numbers(network, *one) for key, one in lowering.shared.items()}
    used = {*root.used(), *(name for name, _ in root.lets), *chain(*map(used_in, shared.values()))}
    return Planned(
        root,
        shared,
        [parameter for parameter in parameters_of(network) if parameter.variable in used],
    )


def _finish(function: program.Function) -> None:
    """Turns a function of the lowered program into a class; the network's plan becomes the model's."""
    layers = function.template.kind == "layers"
    if not layers:
        with_bools(function)
    network = function.template.kind == "network"
    stretch = Stretch("" if network else camel(function.name), [use.env for use in function.uses])
    parameters = parameters_of(function)
    itself = ClassPlan(stretch.prefix, Plan([], [], []), "module", parameters, (), [])
    if function.recursive:
        itself.takes = tuple(range(len(function.region.inputs)))
        function.made = itself
        itself.plan = first = _with_own(Stretch(stretch.prefix, stretch.envs).plan(function.region), function)
        used = _used_names(first, _needed(first, function.lets), itself)
        for one in function.parameters:
            one.used = one.variable in used
        parameters = itself.parameters = [parameter for parameter in parameters if parameter.variable in used]
    plan = _with_own(stretch.plan(function.region), function)
    plan.lets = _needed(plan, function.lets)
    tidied(plan, parameters)
    if network:
        function.made = plan
        return
    if layers:
        function.made = _made_layers(function, plan, stretch)
        return
    if not function.recursive:  # planning may have added `needs`
        parameters = parameters_of(function)
    class_plan = as_class(plan, stretch.prefix, parameters, tensor_names(plan))
    if function.recursive:
        if class_plan.takes != itself.takes or class_plan.form == "list":
            raise Diverges("a block that calls itself and does not read what it is given")
        itself.plan, itself.form, itself.tensors = class_plan.plan, class_plan.form, class_plan.tensors
        itself.recursive = True
        class_plan = itself
    function.made = class_plan
    used = {parameter.variable for parameter in class_plan.parameters}
    for one in function.parameters:
        one.used = one.variable in used


def _with_own(plan: Plan, function: program.Function) -> Plan:
    """The plan, with the shared blocks that belong to this function's block."""
    items: list[Item] = []
    for one in function.own.values():
        piece = called(one.function, one.arguments, one.layers)
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
    """The code that makes layers which are passed to a block."""
    piece, takes = piece_of(plan, stretch)
    for name, node in reversed(function.lets):
        piece = with_nodes(piece, {name: node})
    if plan.needs:
        raise Unsupported("a shared block in layers that are passed to a block")
    if takes != (0,) or not inline(piece):
        raise Unsupported("layers passed to a block that are not layers of their input")
    used = set(used_in(piece))
    for parameter in function.parameters:
        parameter.used = parameter.variable in used
    return piece


def _used_names(plan: Plan, lets: Sequence[tuple[str, Node]], itself: ClassPlan) -> set[str]:
    """The parameters of a class that calls itself which are used, not only passed on."""
    own: list[dict[str, set[str]]] = []

    def emptied(piece: Piece) -> Piece:
        if isinstance(piece, Call) and piece.function is itself:
            arguments = [
                (name or itself.parameters[place].variable, argument)
                for place, (name, argument) in enumerate(piece.arguments)
            ]
            own.append({name: set(used_in(argument)) for name, argument in arguments})
            return replace(piece, arguments=())
        if isinstance(piece, Call) and isinstance(piece.function, ClassPlan) and piece.function.unnamed:
            collect(piece.function.plan)  # its arguments are the variables that it uses
            return replace(piece, arguments=())
        return with_parts(piece, emptied)

    def collect(plan: Plan) -> None:
        pieces.extend(emptied(step.piece) for step in plan.steps if step.piece is not None)
        pieces.extend(condition.node for condition in asked(plan.items))

    pieces: list[Piece] = []
    collect(plan)
    used = {name for piece in pieces for name in used_in(piece)}
    while True:
        more = {name for call in own for parameter in call.keys() & used for name in call[parameter]}
        more |= {name for let, node in lets if let in used for name in variables(node)}
        if more <= used:
            return used
        used |= more


def _needed(plan: Plan, lets: Sequence[tuple[str, Node]]) -> list[tuple[str, Node]]:
    """The `let`s that are used, directly or through another one."""
    used = set(plan.used())
    kept: list[tuple[str, Node]] = []
    for name, node in reversed(lets):
        if name in used:
            kept.insert(0, (name, node))
            used.update(variables(node))
    return kept
