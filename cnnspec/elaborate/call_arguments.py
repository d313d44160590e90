"""The arguments of a block's use: given by place, name or letter, or the parameters' defaults."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from cnnspec.diagnostics import Edit, Related
from cnnspec.diagnostics.suggest import nearest
from cnnspec.elaborate.binding import BoundArguments, written, written_or
from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.elaborate.context import Context
from cnnspec.elaborate.text_facts import further
from cnnspec.elaborate.values import FUNCTIONS, NoValue, Value, evaluate, refuse_name
from cnnspec.ir.expr import spelled
from cnnspec.language import tree
from cnnspec.language.write import write_parameter
from cnnspec.ops import lookup

LONG_FORMULA = 10_000
"""Characters of a default times those of an argument. Above this the number is passed instead of the
expression."""


def bind_call(builder: BodyBuilder, block: tree.Block, call: tree.CallStep) -> BoundArguments:
    """The arguments of `call`; raises NoValue where they do not fit."""
    bound = BoundArguments()
    text = builder.context.text
    arguments = _by_parameter(text, block, call)
    statements = builder.context.statements
    layers = statements.layer_parameters.get(block_name(builder.context, block), ())
    _take_further(builder, block, call, arguments)
    for parameter in block.parameters:
        argument = arguments.get(parameter.name)
        value = parameter.default if argument is None else argument.value
        if parameter.name in layers and value is not None:
            from cnnspec.elaborate.passed_layers import passed_layers

            scope = builder.context.globals_before(block) if argument is None else builder.scope
            bound.layers[parameter.name] = passed_layers(builder, block, parameter, value, scope)
            continue
        if argument is None:
            if parameter.default is None:
                raise NoValue(
                    "E211",
                    f"`{block.name}` needs `{write_parameter(parameter)}`",
                    call.span,
                    f"it is {signature(block)}",
                    related=(Related(parameter.span, "this parameter has no default"),),
                )
            builder.context.charge_text(parameter.default.span)
            bound.values[parameter.name] = _default(builder, block, parameter, bound)
            parts = () if isinstance(parameter.default, tree.Dims) else written(parameter.default)
            longest = max((len(text[slice(*one.span)]) for one in call.arguments), default=0)
            short = sum(len(text[slice(*part.span)]) for part in parts) * longest < LONG_FORMULA
            if parts and short and (formula := _in_arguments(parts[0], block, arguments)) is not None:
                bound.written[parameter.name] = (formula,)
        elif parameter.kind == "tensor":
            if not isinstance(argument.value, tree.Reference):
                raise _no_label(parameter, argument)
            bound.tensors[parameter.name] = argument.value
        else:
            bound.values[parameter.name] = _value(builder, block, parameter, argument.value)
            refuse_name(parameter.name, parameter.span, bound.values[parameter.name])
            if parts := written(argument.value):
                bound.written[parameter.name] = parts
    return bound


def _take_further(
    builder: BodyBuilder, block: tree.Block, call: tree.CallStep, arguments: dict[str, tree.Argument]
) -> None:
    """Binds all input tensors but the first to the tensor parameters without an argument."""
    free = [
        parameter.name
        for parameter in block.parameters
        if parameter.kind == "tensor" and parameter.name not in arguments
    ]
    more = range(1, len(builder.several))
    if len(more) > len(free) or 0 < len(more) < len(free):
        raise NoValue(
            "E211",
            f"`{block.name}` takes {len(free) + 1} tensor{'s' if free else ''} here, not {len(more) + 1}",
            call.span,
            f"it is {signature(block)}: the first tensor is its input, the others are for its tensors",
            related=(Related(block.name_span, f"{signature(block)} is defined here"),),
        )
    for name, place in zip(free, more, strict=False):
        reference = tree.Reference(further(place), call.span)
        arguments[name] = tree.NamedArgument(name, reference, call.span, call.span)


def _default(
    builder: BodyBuilder, block: tree.Block, parameter: tree.Parameter, bound: BoundArguments
) -> Value:
    """The value of a default: it may name the parameters before it."""

    def look_up(name: tree.Name) -> Value:
        known: Value | None = bound.values.get(name.name)
        if known is not None:
            return known
        if any(one.name == name.name for one in block.parameters):
            raise NoValue(
                "E206",
                f"`{name.name}` has no value here: a default may name the parameters before it",
                name.span,
                f"put `{name.name}` before `{parameter.name}`" if name.name != parameter.name else "",
            )
        return builder.look_up(name)

    assert parameter.default is not None
    default = parameter.default
    if isinstance(default, tree.Dims | tree.Same | tree.Range | tree.Matrix | tree.Reference | tree.Layers):
        return _value(builder, block, parameter, default)
    return evaluate(default, look_up, builder.context.limits.digits)


def _in_arguments(
    node: tree.Expr, block: tree.Block, arguments: Mapping[str, tree.Argument]
) -> tree.Expr | None:
    """A default with the arguments of a use in place of the parameters that it names; None where these have
    no expression."""
    values: dict[str, Any] = {parameter.name: parameter.default for parameter in block.parameters}
    values = {name: one if isinstance(one, tree.Number) else None for name, one in values.items()}
    values |= {name: argument.value for name, argument in arguments.items()}
    if isinstance(node, tree.Name):
        value = values.get(node.name, node)
        return value if isinstance(value, tree.Expr) else None
    if isinstance(node, tree.Function) and node.name in values:
        found = values[node.name]
        named = isinstance(found, tree.Name) or (
            isinstance(found, tree.Function) and found.name not in FUNCTIONS
        )
        if not named:
            return None
        before = found.arguments if isinstance(found, tree.Function) else ()
        node = node._replace(name=found.name, arguments=(*before, *node.arguments))
    changes: dict[str, Any] = {}
    for field in node._fields:
        part = getattr(node, field)
        inner = part if field in ("arguments", "entries") else (part,) if isinstance(part, tree.Expr) else ()
        operands = [_in_arguments(one, block, arguments) for one in inner]
        if None in operands:
            return None
        if operands:
            changes[field] = tuple(operands) if part is inner else operands[0]
    return node._replace(**changes)


def _by_parameter(text: str, block: tree.Block, call: tree.CallStep) -> dict[str, tree.Argument]:
    """The arguments of a use, each with the parameter that it is for."""
    arguments: dict[str, tree.Argument] = {}
    names = [parameter.name for parameter in block.parameters]
    for one, other in pairwise(call.arguments):
        if isinstance(other, tree.LetterArgument) and lookup(getattr(one.value, "name", "")) is not None:
            if "," not in text[one.span.end : other.span.start]:
                from cnnspec.elaborate.passed_layers import without_brackets

                raise without_brackets(text, call, one)
    for argument in call.arguments:
        if isinstance(argument, tree.PositionalArgument):
            name = _next_parameter(text, block, call, argument, arguments)
        else:
            name = argument.letter if isinstance(argument, tree.LetterArgument) else argument.name
        if name not in names:
            near = nearest(name, names)
            way = f"did you mean `{near}`?" if near else f"it is {signature(block)}"
            fix: tuple[Edit, ...] = ()
            if isinstance(argument, tree.LetterArgument) and near == name.lower():
                plain = text[slice(*argument.span)].removeprefix(name).removeprefix("=").strip()
                way, fix = f"write `{near}={plain}`", (Edit(argument.span, f"{near}={plain}"),)
            raise NoValue(
                "E211",
                f"`{block.name}` has no parameter `{name}`",
                argument.span,
                way,
                fix=fix,
                related=(Related(block.name_span, f"{signature(block)} is defined here"),),
            )
        if name in arguments:
            first = arguments[name].span
            values = f"`{text[first.start : first.end]}` and `{text[slice(*argument.span)]}`"
            raise NoValue(
                "E211",
                f"`{name}` is given twice: {values}",
                argument.span,
                "keep one of the two",
                related=(Related(first, "first here"),),
            )
        arguments[name] = argument
    return arguments


def _next_parameter(
    text: str,
    block: tree.Block,
    call: tree.CallStep,
    argument: tree.PositionalArgument,
    arguments: dict[str, tree.Argument],
) -> str:
    """The parameter that an argument without a name is for: the next one of its kind."""
    kind = "tensor" if isinstance(argument.value, tree.Reference) else "value"
    free = {
        parameter.kind: parameter
        for parameter in reversed(block.parameters)
        if parameter.name not in arguments
    }  # the first of each
    if kind in free:
        return free[kind].name
    named = next((one for one in call.arguments if isinstance(one.value, tree.Name)), None)
    if kind == "value" and "tensor" in free and named is not None:
        raise _no_label(free["tensor"], named)  # `up(e1, 16)` for `up(@e1, 16)`
    if kind == "value" and "letter" in free:
        raise _no_letter(text, block, call)
    count = len(block.parameters)
    way = f"{signature(block)} takes {count or 'no'} argument{'s' if count > 1 else ''}"
    if kind == "tensor":
        way = f"{signature(block)} takes no tensor: a parameter for one is written with `@`, `@x`"
    raise NoValue(
        "E211",
        f"`{block.name}` has no parameter for this argument",
        argument.span,
        way,
        related=(Related(block.name_span, f"{signature(block)} is defined here"),),
    )


def _no_letter(text: str, block: tree.Block, call: tree.CallStep) -> NoValue:
    """E211 for `res(8, 1)` where `res(K, s)` takes `res(K8, 1)`: at the first such value."""
    from cnnspec.elaborate.refusals import with_letter

    named = {
        getattr(argument, "letter", None) or getattr(argument, "name", None) for argument in call.arguments
    }
    free = [
        parameter
        for parameter in block.parameters
        if parameter.kind != "tensor" and parameter.name not in named
    ]
    plain = [argument for argument in call.arguments if isinstance(argument, tree.PositionalArgument)]
    values = [one for one in plain if not isinstance(one.value, tree.Reference)]
    letters = [pair for pair in zip(free, values, strict=False) if pair[0].kind == "letter"]
    fix = tuple(
        Edit(one.span, with_letter(parameter.name, written_or(one.value))) for parameter, one in letters
    )
    instead = dict(fix)
    written = [instead.get(argument.span, text[slice(*argument.span)]) for argument in call.arguments]
    return NoValue(
        "E211",
        f"the parameter `{letters[0][0].name}` of `{block.name}` must be given as a letter",
        fix[0].span,
        f"write `{block.name}({', '.join(written)})`",
        related=(Related(block.name_span, f"{signature(block)} is defined here"),),
        fix=fix,
    )


def _no_label(parameter: tree.Parameter, argument: tree.Argument) -> NoValue:
    label = f"@{argument.value.name}" if isinstance(argument.value, tree.Name) else ""
    return NoValue(
        "E211",
        f"`@{parameter.name}` must be given a tensor, by its label",
        argument.value.span,
        f"write `{label or '@label'}`",
        fix=(Edit(argument.value.span, label),) if label else (),
    )


def _value(builder: BodyBuilder, block: tree.Block, parameter: tree.Parameter, value: tree.Value) -> Value:
    if isinstance(value, tree.Layers | tree.Name):
        name = value.name if isinstance(value, tree.Name) else ""
        is_layers = name in builder.context.statements.layer_words and builder.scope.layers_named(name)
        if not name or is_layers or (lookup(name) is not None and builder.scope.find(name) is None):
            from cnnspec.elaborate.passed_layers import refuse_layers

            refuse_layers(block, parameter, value)
    match value:
        case tree.Same():
            return "same"
        case tree.Dims():
            if len(value.dims) > 3:
                raise NoValue("E211", "expected a number, or a size of two or three numbers", value.span)
            sizes = [builder.evaluate(dim) for dim in value.dims]
            for size, dim in zip(sizes, value.dims, strict=True):
                if not isinstance(size, int) or isinstance(size, bool):
                    raise NoValue("E212", f"expected a whole number, found {spelled(size)}", dim.span)
            return sizes[0] if len(sizes) == 1 else tuple(sizes)  # type: ignore[arg-type]
        case tree.Range() | tree.Matrix() | tree.Reference() | tree.Layers():
            raise NoValue("E211", "expected a number", value.span)
        case _:
            return builder.evaluate(value)


def signature(block: tree.Block) -> str:
    return f"{block.name}({', '.join(map(write_parameter, block.parameters))})"


def block_name(context: Context, block: tree.Block) -> str:
    return context.statements.all_blocks.name_of(block)
