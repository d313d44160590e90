"""Layers that are passed to a block, and the step that runs them.

They see the values and the layer parameters in scope where they are written; `C`, `H` and `W` in them are the
sizes of their input where the block runs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from cnnspec.diagnostics import Edit, Related, Span
from cnnspec.elaborate.binding import written_or
from cnnspec.elaborate.builder import BodyBuilder, InnerBlock, Scope
from cnnspec.elaborate.context import Context, Items
from cnnspec.elaborate.labels import ended, input_of
from cnnspec.elaborate.regions import add_region, close_body, open_body
from cnnspec.elaborate.text_facts import nodes
from cnnspec.elaborate.values import NoValue, Value
from cnnspec.ir.expr import spelled
from cnnspec.ir.graph import Pass, Region
from cnnspec.language import tree
from cnnspec.ops import lookup


@dataclass(eq=False, repr=False)
class PassedLayers:
    """The layers passed for a layer parameter: lines, and the scope in which they are written. `values` and
    `layers` are the names that they read from it; two with the same `identity` are equal. `parameter` is the
    name of the layer parameter that was passed on, at the last use."""

    items: Items
    key: int
    scope: Scope
    values: dict[str, Value]
    layers: dict[str, PassedLayers]
    identity: int
    parameter: str | None = None


def passed_layers(
    builder: BodyBuilder, block: tree.Block, parameter: tree.Parameter, value: tree.Value, scope: Scope
) -> PassedLayers | None:
    """The layers that the argument `value` stands for; None in a block that is only searched for errors."""
    context = builder.context
    if isinstance(value, tree.Name) and (known := scope.layers_named(value.name)) is not None:
        outer = known[0]
        if outer is None:
            return None
        return pass_on(outer, value.name)
    items, key = _items(builder, block, parameter, value, scope)
    names = {node.name for node in nodes(items) if isinstance(node, tree.Name | tree.Function)}
    values = {name: one for name in sorted(names) if (one := _local(scope, name)) is not None}
    layers: dict[str, PassedLayers] = {}
    for node in nodes(items):
        if isinstance(node, tree.LayerStep | tree.Name):
            name = node.word if isinstance(node, tree.LayerStep) else node.name
            known = scope.layers_named(name) if name in context.statements.layer_words else None
            if known is not None and known[0] is not None:
                layers[name] = known[0]
    spelt = tuple((name, spelled(one)) for name, one in values.items())
    context.spent.work += sum(len(text) for _, text in spelt) // 256
    read = (key, spelt, tuple((name, layer.identity) for name, layer in layers.items()))
    identity = context.layer_identities.setdefault(read, len(context.layer_identities))
    return PassedLayers(items, key, scope, values, layers, identity)


def pass_on(layers: PassedLayers, name: str) -> PassedLayers:
    """The layers passed for the layer parameter `name` of the surrounding block, passed on to one of this
    use's own."""
    return PassedLayers(**{**vars(layers), "parameter": name})


def _local(scope: Scope, name: str) -> Value | None:
    """The value of a name, where a block or a repeat gives it one."""
    if name == "i":
        return next((one.index for one in scope.around() if one.index is not None), None)
    for one in scope.around():
        if name in one.names:
            return None if one.parent is None else one.names[name]
    return None


def _items(
    builder: BodyBuilder, block: tree.Block, parameter: tree.Parameter, value: tree.Value, scope: Scope
) -> tuple[Items, int]:
    """The lines, and a key for them: equal text has the same key."""
    context = builder.context
    if isinstance(value, tree.Layers):
        return value.body.items, id(value)
    if not isinstance(value, tree.Name) or _is_value(scope, value.name):
        _no_layer(block, parameter, value, context.statements.blocks)
    if value.name in context.statements.blocks and lookup(value.name) is None:
        _no_layer(block, parameter, value, context.statements.blocks)
    lines = layer_line(context, value)
    return lines, id(lines)


def layer_line(context: Context, word: tree.Name) -> Items:
    """The line for a layer passed as a bare word; uses with the same `default`s share it."""
    start, known = word.span.start, context.defaults
    defaults = tuple(one.start for one in known if one.word == word.name and one.start < start < one.end)
    lines = context.layer_lines.get((word.name, defaults))
    if lines is None:
        step = tree.LayerStep(word.name, (), word.span, word.span)
        lines = context.layer_lines[word.name, defaults] = (tree.Line(None, None, (step,), word.span),)
    return lines


def _is_value(scope: Scope, name: str) -> bool:
    return lookup(name) is None and (name in ("C", "H", "W", "i") or scope.find(name) is not None)


def _no_layer(
    block: tree.Block, parameter: tree.Parameter, value: tree.Value, blocks: dict[str, tree.Block]
) -> NoReturn:
    """E211 for a value, or the use of a block without brackets, in place of a layer."""
    text, fix = written_or(value), ""
    if isinstance(value, tree.Function) and value.name in blocks:
        message, fix = f"the use of a block as a layer is written in brackets: found `{text}`", f"[{text}]"
    elif isinstance(value, tree.Function) and lookup(value.name) is not None:
        fix = f"[{value.name} {' '.join(map(written_or, value.arguments))}]"
        message = f"a layer with arguments is written in square brackets: found `{text}`"
    elif isinstance(value, tree.Name) and value.name in blocks:
        message, fix = f"`{text}` is a block: its use as a layer has parentheses and brackets", f"[{text}()]"
    else:
        message = f"expected a layer for `{parameter.name}`, found the value `{text}`"
    raise NoValue(
        "E211",
        message,
        value.span,
        f"write `{fix}`" if fix else "write a layer, `relu`, or layers in brackets, `[leaky 0.1]`",
        related=(Related(parameter.span, f"`{block.name}` uses `{parameter.name}` as a layer"),),
        fix=(Edit(value.span, fix),) if fix else (),
    )


def refuse_layers(block: tree.Block, parameter: tree.Parameter, value: tree.Value) -> NoReturn:
    """E211 for a layer in place of a value."""
    way = f"`{parameter.name}` is not a step in the block; a parameter that is one stands for a layer"
    raise NoValue(
        "E211",
        f"expected a value for `{parameter.name}`, found the layer `{written_or(value)}`",
        value.span,
        way,
        related=(Related(parameter.span, f"`{block.name}` uses `{parameter.name}` as a value"),),
    )


def without_brackets(text: str, call: tree.CallStep, layer: tree.Argument) -> NoValue:
    """E211 for `unit(64, conv F3 K8)`, whose letters would be the block's own."""
    place = call.arguments.index(layer)
    end = layer.span.end
    for argument in call.arguments[place + 1 :]:
        if "," in text[end : argument.span.start]:
            break
        end = argument.span.end
    span = Span(layer.value.span.start, end)
    written = f"[{text[span.start : span.end]}]"
    message = "layers that a block is given are written in square brackets"
    return NoValue("E211", message, span, f"write `{written}`", fix=(Edit(span, written),))


def called(builder: BodyBuilder, step: tree.CallStep) -> None:
    """E202 for a layer parameter that is used like a block."""
    builder.sink.report(
        "E202",
        f"`{step.name}` is a parameter of the block, a layer: it takes no arguments",
        step.span,
        help=f"write `{step.name}`",
        fix=(Edit(step.span, step.name),),
    )


def run_passed(builder: BodyBuilder, step: tree.LayerStep, label: str | None) -> bool:
    """Runs a step that is a layer parameter; False where the step is not one."""
    known = builder.scope.layers_named(step.word)
    if known is None:
        return False
    if step.arguments:
        builder.sink.report(
            "E202",
            f"`{step.word}` is a parameter of the block and takes no arguments",
            step.arguments[0].span,
            help=f"give them where the block is used, `{step.word}=[leaky 0.1]` for instance",
        )
    layers = known[0]
    if layers is None or input_of(builder, step.span, step.word) is None or step.arguments:
        builder.leave_hole(step, step.word, label)
        return True
    context = builder.context
    context.spent.work += 2
    assert builder.current is not None
    shape = builder.values[builder.current]
    key = ("layers", layers.identity, shape)
    body = context.block_bodies.get(key)
    if body is None:
        body = context.block_bodies[key] = _body(builder, step, layers)
    site = builder.names.sites[id(step)]
    context.stretches.all[builder.template].slots[site] = step.word
    region = Region.model_construct(
        site=site,
        kind="layers",
        name=builder.names.steps[id(step)],
        inputs=(builder.current,),
        passes=(Pass.model_construct(body=body),),
        arguments={name: spelled(value) for name, value in layers.values.items()},
        label=label,
        span=step.span,
    )
    finished = context.finished[body].body
    builder.current = add_region(builder, region, [finished.values[finished.outputs[0]]], step.span)
    return True


def _body(builder: BodyBuilder, step: tree.LayerStep, layers: PassedLayers) -> int:
    context, items = builder.context, layers.items
    inner: dict[str, InnerBlock | None] = {
        name: None for scope in layers.scope.around() for name in scope.blocks
    }
    child = open_body(builder, items, layers.key, Scope({}, parent=layers.scope, blocks=inner), [], step.span)
    child.template = context.stretches.number("layers", items, layers.key, child.names, own=layers.values)
    with context.deeper(step.span, context.references_in(items, layers.key)):
        context.run_items(child, items)
    return close_body(child, (ended(child, step.span, step.word),))
