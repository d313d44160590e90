"""Uses of a block: calls of its function, with the numbers of this use and of every use around it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cnnspec.ir import graph as ir
from cnnspec.ir.expr import parsed
from cnnspec.ir.template import RegionSite
from cnnspec.lower.call import Diverges, other_program
from cnnspec.lower.over import with_entries
from cnnspec.lower.passed_layers import layers_argument
from cnnspec.lower.program import Condition, Function, Invoke, LayersArgument, Module, Own, Parameter
from cnnspec.lower.symbolic import Node, Unclear, Var, plain, replaced, variables

if TYPE_CHECKING:
    from cnnspec.lower.frame import Frame


def invoke(frame: Frame, site: RegionSite) -> None:
    """Lowers a use of a block to a call of the block's function."""
    regions = frame.regions(site)
    function, *others = [frame.lowering.function_of(region) for region in regions.values()]
    if any(other is not function for other in others):
        raise Diverges("uses of a block that became different functions")
    if not function.whole:
        if function is not frame.function:
            raise Diverges("blocks that call one another")
        function.recursive = True
        for layer in function.layers.values():
            layer.used = True
    keys = {use: function.keys[frame.lowering.key(region)] for use, region in regions.items()}
    nodes: dict[str, Node] = {}
    arguments: list[Node] = []
    for parameter in function.parameters:
        values, source = _number_of_uses(frame, site, regions, keys, parameter)
        if parameter.used:
            node = frame.number(values, source)
            arguments.append(node)
            nodes[parameter.variable] = node
        else:
            known = frame.known(values, source)
            if known is not None:
                nodes[parameter.variable] = known
    inputs = [frame.tensors[value] for value in site.inputs]
    outputs = []
    for place, number in enumerate(site.outputs):
        if function.whole:
            dims = [_outside(frame, function, size, nodes) for size in function.region.outputs[place].dims]
        else:
            dims = _by_candidates(
                frame, site, number, [*nodes.values(), *inputs[0].dims, *_lets(frame, nodes)]
            )
        outputs.append(frame.tensor(number, dims))
    modules = [frame.module({use: need.keys[keys[use]] for use in regions}) for need in function.needs]
    layer_arguments = [
        layers_argument(frame, site, name, regions) for name, one in function.layers.items() if one.used
    ]
    shared = None
    if site.kind == "shared" and any(region.inner for region in regions.values()):
        shared = own(frame, site, function, regions, layer_arguments)
    elif site.kind == "shared":
        shared = frame.module({use: region.shared or "" for use, region in regions.items()})
        frame.lowering.note_shared(function, keys, regions, layer_arguments)
    frame.here.append(
        Invoke(site.name, function, arguments, inputs, outputs, modules, shared, layer_arguments)
    )


def own(
    frame: Frame,
    site: RegionSite,
    function: Function,
    regions: dict[int, ir.Region],
    layers: list[LayersArgument],
) -> Module:
    """The module of a shared block that belongs to each use of the surrounding block, not to the model."""
    root, origin = frame, {use: frame.outermost(use) for use in regions}
    while root.outer is not None:
        root = root.outer
    names = {use: region.shared or "" for use, region in regions.items()}
    for use, name in names.items():
        shared = root.function.own.get(name)
        if shared is None:
            shared = Own(name, root.function.namer.take(name), function, layers)
            root.function.own[name] = shared
        if shared.function is not function:
            raise other_program(function.name, regions[use], final=False)
        shared.uses.add(origin[use])
        key = function.keys[frame.lowering.key(regions[use])]
        for parameter in function.parameters:
            value, source = _number_of_uses(frame, site, {use: regions[use]}, {use: key}, parameter)
            stored = shared.values.setdefault(parameter.variable, {})
            if stored.setdefault(origin[use], value[use]) != value[use] and parameter.used:
                raise other_program(function.name, regions[use])
            if source is not None:
                shared.sources.setdefault(parameter.variable, []).append(source)
    return frame.module(names, own=True)


def settle_own(root: Frame) -> None:
    """Chooses the arguments that make the shared blocks of a function, once all their uses are known."""
    for shared in root.function.own.values():
        used = [parameter.variable for parameter in shared.function.parameters if parameter.used]
        for variable in used:
            values = shared.values[variable]
            fitting = (node for node in shared.sources.get(variable, ()) if root.right(node, values))
            shared.arguments.append(root.number(values, next(fitting, None)))
        if len(shared.uses) < len(root.uses):
            shared.where = _where(root, {use: use in shared.uses for use in range(len(root.uses))})


def _where(root: Frame, present: dict[int, bool]) -> tuple[Condition, bool]:
    """A condition that holds in exactly those uses that have a shared block."""
    for condition in root.function.conditions:
        for holds in (True, False):
            if root.right(condition.node, {use: is_present is holds for use, is_present in present.items()}):
                return condition, holds
    new = Condition(len(root.function.conditions), root.number(present, None))
    root.function.conditions.append(new)
    return new, True


def _number_of_uses(
    frame: Frame, site: RegionSite, regions: dict[int, ir.Region], keys: dict[int, int], parameter: Parameter
) -> tuple[dict[int, Any], Node | None]:
    """The number that each use passes for a parameter, and the expression that it may come from."""
    if isinstance(parameter.source, str):
        name = parameter.source
        values = {use: plain(parsed(region.arguments[name])) for use, region in regions.items()}
        at = site.inputs[0] if site.inputs else None
        return values, frame.expression(site.arguments.get(name), at, values)
    if parameter.source is None:
        return {use: parameter.values[keys[use]] for use in regions}, None
    place, axis = parameter.source
    value = site.inputs[place]
    return {use: frame.uses[use].shape(value)[axis] for use in regions}, frame.tensors[value].dims[axis]


def _by_candidates(
    frame: Frame, site: RegionSite, number: int, candidates: list[Node | None]
) -> list[Node | None]:
    """The output sizes of a block that calls itself, where an argument, an input size or a `let` is right for
    them."""
    shapes = {use: frame.uses[use].shape(number) for use in frame.present(site)}
    nodes: list[Node | None] = []
    for axis in range(len(next(iter(shapes.values())))):
        sizes = {use: shape[axis] for use, shape in shapes.items()}
        fitting = (node for node in candidates if node is not None and frame.right(node, sizes))
        nodes.append(next(fitting, None))
    return nodes


def _lets(frame: Frame, by: dict[str, Node]) -> Iterator[Node | None]:
    """The author's `let`s so far, in terms of the arguments of a call of the function itself."""
    by = by | dict(frame.function.lists.values())
    return (_outside(frame, frame.function, Var(variable), by) for variable, _ in frame.function.lets)


def _outside(frame: Frame, function: Function, size: Node | None, by: dict[str, Node]) -> Node | None:
    """A number of a function, in terms of the arguments of the call; None where these are not enough."""
    if size is None:
        return None
    for variable, node in reversed(function.lets):
        size = replaced(size, {variable: node})
    if not set(variables(size)) <= set(by):
        return None
    try:
        return with_entries(frame, replaced(size, by))
    except Unclear:
        return None
