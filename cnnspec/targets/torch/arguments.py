"""The parameters of a block's class, as the author named them, and the calls that supply them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count, pairwise

from cnnspec.lower import program
from cnnspec.lower.call import Call, Unsupported
from cnnspec.lower.keywords import Argument, by_position
from cnnspec.lower.symbolic import Apply, Const, List, Node, Var, variables
from cnnspec.lower.writer import Group
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
from cnnspec.targets.torch.plan import ClassPlan, Parameter

LAYERS = "Callable[..., nn.Module]"
"""The type of a layer parameter."""


def parameters_of(function: program.Function) -> list[Parameter]:
    """A constructor's parameters. Each has its default only where all later ones have one."""
    parameters = [_parameter(parameter) for parameter in function.parameters]
    own = [place for place, parameter in enumerate(function.parameters) if isinstance(parameter.source, str)]
    for layer in reversed(function.layers.values()):
        default = None if layer.default is None else layers_argument(layer.default)
        place = own[layer.place] if layer.place < len(own) else len(function.parameters)
        if layer.used:
            parameters.insert(place, Parameter(LayerVariable(layer.variable), LAYERS, default))
    for one, before in pairwise(reversed(parameters)):
        if one.default is None:
            before.default = None
    return parameters


def _parameter(one: program.Parameter) -> Parameter:
    kind = "int" if isinstance(one.source, tuple) else annotation([*one.values, one.default])
    return Parameter(one.variable, kind, None if one.default is None else _typed(kind, one.default))


def _typed(kind: str, piece: Piece) -> Piece:
    """A number as its parameter's type: TorchScript takes no `nn.Dropout(0)`."""
    if kind == "float" and isinstance(piece, Const) and type(piece.value) is int:
        return Const(float(piece.value))
    return piece


def annotation(values: Iterable[object]) -> str:
    """The type of a parameter that gets these values."""
    types: set[str] = set()
    lists: list[object] = []
    for one in values:
        value = one.value if isinstance(one, Const) else one
        if isinstance(value, List):
            lists += value
        elif isinstance(value, tuple):
            types |= {"int", "tuple[int, int]"}
        else:
            types.add(type(value).__name__)
    if "float" in types:
        types.discard("int")
    order = ("bool", "int", "float", "tuple[int, int]", "str")
    kinds = [name for name in order if name in types]
    if lists:
        inner = annotation(lists).replace("bool | int", "int")
        kinds.append(f"tuple[{inner}, ...]")
    return " | ".join(kinds) or "int"


def layers_argument(one: program.LayersArgument) -> Piece:
    """The argument for a layer parameter, as code."""
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
    names = {*by, *(name for node in by.values() for name in variables(node))}
    piece = _apart(piece, names)
    if names.intersection(*[[name for part in walk(piece) for name in loop_variables(part)]]):
        raise Unsupported("layers in layers, with variables of the same name")
    return Lambda(tuple(one.sizes), with_nodes(piece, by))


def _apart(piece: Piece, names: set[str]) -> Piece:
    """The code with other variables of its lambdas where these have one of the `names`."""
    if isinstance(piece, str | Group | Const | Var | Apply):
        return piece
    piece = with_parts(piece, lambda part: _apart(part, names))
    if not isinstance(piece, Lambda):
        return piece
    taken = {*names, *used_in(piece.body), *piece.variables}
    other: dict[str, str] = {}
    for name in names.intersection(piece.variables):
        other[name] = next(free for number in count(2) if (free := f"{name}{number}") not in taken)
    body = with_nodes(piece.body, {name: Var(free) for name, free in other.items()})
    return Lambda(tuple(other.get(name, name) for name in piece.variables), body)


def with_numbers(
    network: program.Function,
    function: program.Function,
    use: int,
    layers: Sequence[program.LayersArgument],
) -> Call:
    """The call that makes a shared block, which is one attribute of the model: constant numbers, layers, and
    arguments of the model."""
    knobs = {parameter.source: Var(parameter.variable) for parameter in network.parameters}
    used = [parameter for parameter in function.parameters if parameter.used]
    numbers = [knobs[one.source] if one.knob else Const(one.values[use]) for one in used]
    return called(function, numbers, layers)


def called(
    function: program.Function, numbers: Sequence[Node], layers: Sequence[program.LayersArgument]
) -> Call:
    """The call of a block's class, without the arguments that equal their defaults."""
    plan: ClassPlan = function.made
    if plan.is_plain:
        return plan.base
    used = [parameter.variable for parameter in function.parameters if parameter.used]
    if function.recursive and len(numbers) == len(function.parameters):
        used = [parameter.variable for parameter in function.parameters]
    by: dict[str, Piece] = dict(zip(used, numbers, strict=True))
    for one, layer in zip((one for one in function.layers.values() if one.used), layers, strict=True):
        default = one.default
        same = default is not None and default.function is layer.function is not None and not layer.arguments
        by[one.variable] = (
            layers_argument(default) if same and default is not None else layers_argument(layer)
        )
    arguments = [_typed(parameter.annotation, by[parameter.variable]) for parameter in plan.parameters]
    authors = {parameter.variable for parameter in function.parameters if isinstance(parameter.source, str)}
    pairs = list(zip(plan.parameters, arguments, strict=True))
    own = [parameter.variable in authors for parameter in plan.parameters]
    named = [
        Argument(one.variable, node, mine, one.default is not None)
        for (one, node), mine in zip(pairs, own, strict=True)
    ]
    return Call(
        plan,
        tuple(
            (None if bare else parameter.variable, node)
            for (parameter, node), bare in zip(pairs, by_position(named), strict=True)
            if parameter.default is None or node != parameter.default
        ),
    )
