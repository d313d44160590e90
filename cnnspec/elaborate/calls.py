"""Uses of blocks: equal values and equal shapes are one body, and of a `shared` block one set of
weights."""

from __future__ import annotations

from collections.abc import Iterable

from cnnspec.elaborate.binding import BoundArguments
from cnnspec.elaborate.blocks import bind_call
from cnnspec.elaborate.builder import UNKNOWN, BodyBuilder, Scope
from cnnspec.elaborate.context import Context
from cnnspec.elaborate.labels import ended, input_of, resolve
from cnnspec.elaborate.regions import add_region, close_body, look_through, open_body
from cnnspec.elaborate.reserved import attribute_name
from cnnspec.elaborate.text_facts import nodes
from cnnspec.elaborate.values import shown
from cnnspec.ir.graph import Pass, Region
from cnnspec.language import tree
from cnnspec.ops.base import Shape


def call(builder: BodyBuilder, step: tree.CallStep, label: str | None) -> None:
    """A use of a block becomes a region; its body is made where no use before was like it."""
    context = builder.context
    name = builder.names.steps.get(id(step), step.name)
    block = context.statements.blocks.get(step.name)
    bound = _bound(builder, block, step)
    if block is None or bound is None:
        builder.leave_hole(name, step.name, step.span, label)
        return
    tensors = {parameter: resolve(builder, named) for parameter, named in bound.tensors.items()}
    if not tensors and input_of(builder, step.span, step.name) is None:
        builder.leave_hole(name, step.name, step.span, label)
        return
    inputs = (() if builder.current is None else (builder.current,)) + tuple(tensors.values())
    shapes = tuple(builder.values[value] for value in inputs)
    key = (id(block), builder.current is None, tuple(bound.values.items()), tuple(tensors), shapes)
    body = context.block_bodies.get(key)
    if body is None:
        body = context.block_bodies[key] = _body(builder, block, step, bound, tensors)
    made = context.finished[body].body
    site = builder.names.sites[id(step)]
    stretch = context.stretches.all[builder.template]
    stretch.written[site] = bound.written
    stretch.called[site] = made.template, tuple(named.name for named in bound.tensors.values())
    region = Region.model_construct(
        site=site,
        kind="shared" if block.shared else "block",
        name=name,
        inputs=inputs,
        passes=(Pass.model_construct(body=body),),
        block=block.name,
        arguments={parameter: shown(value) for parameter, value in bound.values.items()},
        shared=_shared_name(context, block, bound, shapes) if block.shared else None,
        label=label,
        span=step.span,
    )
    builder.current = add_region(builder, region, [made.values[made.outputs[0]]], step.span)


def _bound(builder: BodyBuilder, block: tree.Block | None, step: tree.CallStep) -> BoundArguments | None:
    """The arguments of a use; None after a finding."""
    if step.name in builder.context.unusable:
        return None
    if block is None:
        from cnnspec.elaborate.unknown import unknown_block

        unknown_block(builder.context, step)
        return None
    builder.context.spent.work += 2
    bound: BoundArguments | None = None
    with builder.reporting():
        bound = bind_call(builder, block, step)
    if bound is None:  # a name that there is not may be a parameter with a mistake in it
        names = [node.name for node in nodes(block.body) if isinstance(node, tree.Name)]
        look_through_block(builder, block, names)
    return bound


def look_through_block(builder: BodyBuilder, block: tree.Block, names: Iterable[str] = ()) -> None:
    """Reports what is wrong in a block whatever it is given, once; `names` are of values not known either."""
    context = builder.context
    if block.name in context.looked_through:
        return
    context.looked_through.add(block.name)
    values = [one.name for one in block.parameters if one.kind != "tensor"]
    tensors = [one.name for one in block.parameters if one.kind == "tensor"]
    scope = Scope(dict.fromkeys((*values, *names), UNKNOWN), parent=context.globals_before(block))
    look_through(builder, block.body.items, id(block), scope, tensors)


def _body(
    builder: BodyBuilder,
    block: tree.Block,
    step: tree.CallStep,
    bound: BoundArguments,
    tensors: dict[str, int],
) -> int:
    """The body of a block for these arguments and shapes."""
    context, items = builder.context, block.body.items
    context.spent.work += 2
    scope = Scope(dict(bound.values), parent=context.globals_before(block))
    child = open_body(builder, items, id(block), scope, [], step.span)
    for parameter, value in tensors.items():
        child.labels[parameter] = child.add_input(builder.values[value], step.span, (builder, value))
    child.template = context.stretches.number(
        "block", items, id(block), child.names, bound.tensors, block, arriving=builder.current is not None
    )
    with context.deeper(step.span, context.references_in(items, id(block.body))):
        context.run_items(child, items)
    return close_body(child, (ended(child, step.span, step.name),))


def _shared_name(
    context: Context, block: tree.Block, bound: BoundArguments, shapes: tuple[Shape | None, ...]
) -> str:
    """The attribute of a shared block's weights, at the model's top beside the layers there: one set for
    equal arguments and channels."""
    channels = shapes[0][0] if shapes and shapes[0] is not None else None
    key = (id(block), tuple(bound.values.items()), channels)
    names = context.shared_names
    if key not in names:
        count = sum(1 for known in names if known[0] == id(block))
        name = attribute_name(block.name) if count == 0 else f"{block.name}_{count + 1}"
        while name in context.top_names or name in names.values():
            name += "_"
        names[key] = name
    return names[key]
