"""Parameters that are 0 or 1 and only compared become bools: `if se`, not `if se == 1`; `Unit(16,
se=True)`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Any

from cnnspec.lower import program
from cnnspec.lower.call import Call
from cnnspec.lower.repeats import Runs
from cnnspec.lower.symbolic import Apply, Const, Node, Var, value
from cnnspec.targets.torch.pieces import mapped, walk

COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
TRUTHS = COMPARISONS | {"and", "or", "not"}


def with_bools(function: program.Function) -> None:
    """Turns such parameters of a function into bools: their values and defaults, the comparisons, and the
    arguments of blocks that it calls."""
    statements = _bool_arguments(function.region.statements)
    flags = {parameter.variable for parameter in function.parameters if _may_be(parameter)}
    for node, truth in _nodes(function, statements):
        flags = {name for name in flags if _only_compared(node, name, truth)}
    _rewrite(function, statements, flags, [use.env for use in function.uses])
    for parameter in function.parameters:
        if parameter.variable in flags:
            parameter.flag, parameter.values = True, list(map(bool, parameter.values))
            if parameter.default is not None:
                parameter.default = Const(bool(parameter.default.value))


def _bool_arguments(statements: Sequence[program.Statement]) -> list[program.Statement]:
    """All statements, inner ones included; arguments for bool parameters of their blocks become bools."""
    every = list(program.every(statements))
    for one in every:
        if isinstance(one, program.Invoke):
            used = [parameter for parameter in one.function.parameters if parameter.used]
            pairs = zip(used, one.arguments, strict=True)
            one.arguments = [_as_bool(node) if parameter.flag else node for parameter, node in pairs]
    return every


def _may_be(parameter: program.Parameter) -> bool:
    default = [] if parameter.default is None else [parameter.default.value]
    values = [*parameter.values, *default]
    whole = all(isinstance(one, int) and not isinstance(one, bool) for one in values)
    return isinstance(parameter.source, str) and whole and set(values) == {0, 1}


def _is_bool(parameter: program.Parameter) -> bool:
    return all(isinstance(one, bool) for one in parameter.values)


def _as_bool(node: Node) -> Node:
    if isinstance(node, Const):
        return Const(bool(node.value))
    return node if isinstance(node, Apply) and node.operator in TRUTHS else Apply("==", (node, Const(1)))


def _nodes(
    function: program.Function, statements: Sequence[program.Statement]
) -> Iterator[tuple[Node, bool]]:
    """Every expression of a function, and whether it is used as a truth value."""
    yield from ((condition.node, True) for condition in function.conditions)
    yield from ((node, False) for _, node in function.lets)
    for statement in statements:
        match statement:
            case program.Layer():
                yield from (
                    (part, False) for part in walk(statement.call) if isinstance(part, Const | Var | Apply)
                )
            case program.Invoke():
                used = [parameter for parameter in statement.function.parameters if parameter.used]
                yield from zip(statement.arguments, map(_is_bool, used), strict=True)
                yield from ((node, False) for argument in statement.layers for node in argument.arguments)
            case program.Slot():
                yield from ((node, False) for node in statement.sizes)
            case program.Repeat():
                yield statement.count, False
                sizes = (node for size in statement.carried for node in (size.start, size.update))
                yield from ((node, False) for node in sizes if node is not None)


def _only_compared(node: Node, name: str, truth: bool) -> bool:
    match node:
        case Var():
            return truth or node.name != name
        case Apply("if", (condition, then, otherwise)):
            sides = _only_compared(then, name, truth) and _only_compared(otherwise, name, truth)
            return sides and _only_compared(condition, name, True)
        case Apply():
            if _meaning(node, {name}) is not None:
                return True
            inside = node.operator in ("and", "or", "not")
            return all(_only_compared(argument, name, inside) for argument in node.arguments)
    return True


def _meaning(node: Apply, flags: Collection[str]) -> Node | None:
    """`p` or `not p`, for a comparison of a flag that is true for one of 0 and 1 only."""
    names = [
        argument.name for argument in node.arguments if isinstance(argument, Var) and argument.name in flags
    ]
    others = [argument.value for argument in node.arguments if isinstance(argument, Const)]
    if node.operator not in COMPARISONS or len(names) != 1 or others not in ([0], [1]):
        return None
    no, yes = (value(node, {names[0]: number}) for number in (0, 1))
    return None if no is yes else Var(names[0]) if yes else Apply("not", (Var(names[0]),))


def _plain(flags: Collection[str], node: Node) -> Node:
    if not isinstance(node, Apply):
        return node
    meaning = _meaning(node, flags)
    if meaning is not None:
        return meaning
    arguments = tuple(_plain(flags, argument) for argument in node.arguments)
    match node.operator, arguments:
        case "not", (Apply("not", (inner,)),):
            return inner
    return Apply(node.operator, arguments)


def _rewrite(
    function: program.Function,
    statements: Sequence[program.Statement],
    flags: set[str],
    envs: list[dict[str, Any]],
) -> None:
    change = partial(_plain, flags)
    for statement in statements:
        match statement:
            case program.Layer():
                call = mapped(statement.call, change)
                assert isinstance(call, Call)
                statement.call = call
            case program.Invoke():
                statement.arguments = list(map(change, statement.arguments))
            case program.Part():
                envs = envs + statement.envs
            case program.Repeat():
                envs = envs + statement.envs
                statement.count = change(statement.count)
                statement.runs = partial(_rewritten_runs, function, statement.runs, flags)
                for size in statement.carried:
                    size.start = None if size.start is None else change(size.start)
                    size.update = None if size.update is None else change(size.update)
    for condition in function.conditions:
        condition.node = change(condition.node)
    function.lets = [(name, change(node)) for name, node in function.lets]
    for env in envs:
        env.update({name: bool(env[name]) for name in flags & env.keys()})


def _rewritten_runs(
    function: program.Function, original: Callable[[], Runs | None], flags: set[str]
) -> Runs | None:
    runs = original()
    for _, region, envs in runs or ():
        _rewrite(function, _bool_arguments(region.statements), flags, envs)
    return runs
