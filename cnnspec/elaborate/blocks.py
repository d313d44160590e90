"""Blocks: that none reaches itself, and the arguments of a use bound to the parameters."""

from __future__ import annotations

from cnnspec.diagnostics import Edit, Related, Sink
from cnnspec.diagnostics.suggest import nearest
from cnnspec.elaborate.binding import BoundArguments, written, written_or
from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.elaborate.text_facts import nodes
from cnnspec.elaborate.values import NoValue, Value, shown
from cnnspec.language import tree


def bind_call(builder: BodyBuilder, block: tree.Block, call: tree.CallStep) -> BoundArguments:
    """The arguments of `call`; raises NoValue where they do not fit."""
    bound = BoundArguments()
    given = _by_parameter(block, call)
    for parameter in block.parameters:
        argument = given.get(parameter.name)
        if argument is None:
            if parameter.default is None:
                raise NoValue(
                    "E211",
                    f"`{block.name}` wants `{_shown_parameter(parameter)}`",
                    call.span,
                    f"it is {signature(block)}",
                    related=(Related(parameter.span, "this parameter has no default"),),
                )
            bound.values[parameter.name] = _value(builder, parameter.default)
        elif parameter.kind == "tensor":
            if not isinstance(argument.value, tree.Reference):
                raise _no_label(parameter, argument)
            bound.tensors[parameter.name] = argument.value
        else:
            bound.values[parameter.name] = _value(builder, argument.value)
            text = written(argument.value)
            if text is not None:
                bound.written[parameter.name] = text
    return bound


def _by_parameter(block: tree.Block, call: tree.CallStep) -> dict[str, tree.Argument]:
    """The arguments of a use, each with the parameter that it is for."""
    given: dict[str, tree.Argument] = {}
    names = [parameter.name for parameter in block.parameters]
    for argument in call.arguments:
        if isinstance(argument, tree.PositionalArgument):
            name = _next_parameter(block, call, argument, given)
        else:
            name = argument.letter if isinstance(argument, tree.LetterArgument) else argument.name
        if name not in names:
            near = nearest(name, names)
            raise NoValue(
                "E211",
                f"`{block.name}` has no parameter `{name}`",
                argument.span,
                f"did you mean `{near}`?" if near else f"it is {signature(block)}",
                related=(Related(block.name_span, f"{signature(block)} stands here"),),
            )
        if name in given:
            raise NoValue(
                "E211",
                f"`{name}` is given twice",
                argument.span,
                "keep one of the two",
                related=(Related(given[name].span, "first here"),),
            )
        given[name] = argument
    return given


def _next_parameter(
    block: tree.Block, call: tree.CallStep, argument: tree.PositionalArgument, given: dict[str, tree.Argument]
) -> str:
    """The parameter that an argument without a name is for: the next one of its kind."""
    wanted = "tensor" if isinstance(argument.value, tree.Reference) else "value"
    free = {one.kind: one for one in reversed(block.parameters) if one.name not in given}  # the first of each
    if wanted in free:
        return free[wanted].name
    named = next((one for one in call.arguments if isinstance(one.value, tree.Name)), None)
    if wanted == "value" and "tensor" in free and named is not None:
        raise _no_label(free["tensor"], named)  # `up(e1, 16)` for `up(@e1, 16)`
    if wanted == "value" and "letter" in free:
        letter = free["letter"].name
        way = f"a letter is given as a letter: `{block.name}({letter}64)` or `{letter}=…`"
    else:
        count = len(block.parameters)
        way = f"{signature(block)} takes {count or 'no'} argument{'s' if count > 1 else ''}"
    raise NoValue(
        "E211",
        f"`{block.name}` has no parameter left for this",
        argument.span,
        way,
        related=(Related(block.name_span, f"{signature(block)} stands here"),),
    )


def _no_label(parameter: tree.Parameter, argument: tree.Argument) -> NoValue:
    meant = f"@{argument.value.name}" if isinstance(argument.value, tree.Name) else ""
    return NoValue(
        "E211",
        f"`@{parameter.name}` wants a tensor by its label",
        argument.value.span,
        f"write `{meant or '@label'}`",
        fix=(Edit(argument.value.span, meant),) if meant else (),
    )


def _value(builder: BodyBuilder, value: tree.Value) -> Value:
    match value:
        case tree.Same():
            return "same"
        case tree.Dims():
            if len(value.dims) > 2:
                raise NoValue("E211", "a parameter is a number or a size in two directions", value.span)
            sizes = [builder.evaluate(dim) for dim in value.dims]
            for size, dim in zip(sizes, value.dims, strict=True):
                if not isinstance(size, int) or isinstance(size, bool):
                    raise NoValue("E212", f"this must be a whole number and is {shown(size)}", dim.span)
            return sizes[0] if len(sizes) == 1 else (sizes[0], sizes[1])  # type: ignore[return-value]
        case tree.Range() | tree.Matrix() | tree.Reference():
            raise NoValue("E211", "a parameter of a block is a number", value.span)
        case _:
            return builder.evaluate(value)


def signature(block: tree.Block) -> str:
    return f"{block.name}({', '.join(map(_shown_parameter, block.parameters))})"


def _shown_parameter(parameter: tree.Parameter) -> str:
    name = f"@{parameter.name}" if parameter.kind == "tensor" else parameter.name
    return name if parameter.default is None else f"{name}={written_or(parameter.default)}"


def refuse_cycles(blocks: dict[str, tree.Block], sink: Sink) -> set[str]:
    """E213 for every way round; gives the names of all blocks that reach themselves."""
    calls: dict[str, dict[str, tree.CallStep]] = {}
    for name, block in blocks.items():
        calls[name] = {}
        for node in nodes(block.body):
            if isinstance(node, tree.CallStep) and node.name in blocks:
                calls[name].setdefault(node.name, node)
    cyclic: set[str] = set()
    done: set[str] = set()
    for start in blocks:
        path: list[str] = []
        following = [iter([start])]  # one more than the path has blocks
        while following:
            target = next(following[-1], None)
            if target is None:
                following.pop()
                if path:
                    done.add(path.pop())
            elif target in path:
                way = path[path.index(target) :]
                if not cyclic.issuperset(way):
                    _report_cycle(calls, way, sink)
                cyclic.update(way)
            elif target not in done:
                path.append(target)
                following.append(iter(calls[target]))
    return cyclic


def _report_cycle(calls: dict[str, dict[str, tree.CallStep]], way: list[str], sink: Sink) -> None:
    hops = list(zip(way, [*way[1:], way[0]], strict=True))
    last_from, last_to = hops[-1]
    sink.report(
        "E213",
        f"the block `{way[0]}` reaches itself: {' → '.join([*way, way[0]])}",
        calls[last_from][last_to].span,
        related=tuple(Related(calls[a][b].span, f"`{a}` uses `{b}`") for a, b in hops[:-1]),
        help="a network has an end: repeat with `[ … ]*n` instead",
    )
