"""Uses of blocks: equal values and equal shapes are one body, and of a `shared` block one set of
weights."""

from __future__ import annotations

from collections.abc import Iterable

from cnnspec.elaborate.binding import BoundArguments
from cnnspec.elaborate.builder import UNKNOWN, BodyBuilder, InnerBlock, Scope, several_from
from cnnspec.elaborate.call_arguments import bind_call, block_name
from cnnspec.elaborate.context import Called, Context
from cnnspec.elaborate.inner_blocks import report_unseen
from cnnspec.elaborate.labels import ended, input_of, resolve
from cnnspec.elaborate.naming import entries
from cnnspec.elaborate.regions import add_region, close_body, look_through, open_body
from cnnspec.elaborate.reserved import attribute_name
from cnnspec.elaborate.text_facts import further, nodes
from cnnspec.elaborate.values import brief
from cnnspec.ir.expr import spelled
from cnnspec.ir.graph import Pass, Region
from cnnspec.language import tree
from cnnspec.ops.base import Shape


def call(builder: BodyBuilder, step: tree.CallStep, label: str | None) -> None:
    """Adds a use of a block as a region. Its body is built unless an earlier use was the same."""
    context = builder.context
    block, inner = block_of(builder, step)
    bound = None
    if (
        block is not None
        and block.shared
        and any(name == block_name(context, block) for name, _ in context.uses)
    ):
        _report_shared(builder, block, step)
    elif _seen(builder, block, inner, step):
        bound = _bound(builder, block, step, inner)
    if block is None or bound is None:
        builder.several = ()
        builder.leave_hole(step, step.name, label)
        return
    several = {further(place): value for place, value in enumerate(builder.several)}
    tensors = {
        parameter: several[named.name] if named.name in several else resolve(builder, named)
        for parameter, named in bound.tensors.items()
    }
    if not tensors and input_of(builder, step.span, step.name) is None:
        builder.leave_hole(step, step.name, label)
        return
    inputs = (() if builder.current is None else (builder.current,)) + tuple(tensors.values())
    shapes = tuple(builder.values[value] for value in inputs)
    arguments = {parameter: spelled(value) for parameter, value in bound.values.items()}
    context.spent.work += sum(map(len, arguments.values())) // 256
    frozen = context.frozen > 0
    layers = {
        name: layer_identities
        for name, layer_identities in bound.layers.items()
        if layer_identities is not None
    }
    identities = tuple(layer.identity for layer in layers.values())
    whole = tuple(arguments.items()), tuple(tensors), shapes, identities
    key = (id(block), frozen, builder.current is None, whole)
    body = context.block_bodies.get(key)
    if body is None:
        body = context.block_bodies[key] = _body(builder, block, step, bound, tensors)
        if block_name(context, block) in context.unusable:
            builder.several = ()
            builder.leave_hole(step, step.name, label)
            return
    body_ = context.finished[body].body
    site = builder.names.sites[id(step)]
    stretch = context.stretches.all[builder.template]
    stretch.written[site] = bound.written
    labels = tuple(named.name for named in bound.tensors.values())
    stretch.called[site] = Called(body_.template, labels, layers)
    shared = _shared_name(context, block, inner, arguments, identities, shapes) if block.shared else None
    known = context.shared_frozen if inner is None else inner.frozen
    if shared is not None and known.setdefault(shared, frozen) is not frozen:
        builder.sink.report(
            "E211",
            f"`{block.name}` has one set of weights: it cannot be frozen in one use and trained in another",
            step.span,
            help="put all its uses into `frozen [ … ]`, or none",
        )
    region = Region.model_construct(
        site=site,
        kind="shared" if block.shared else "block",
        name=builder.names.steps[id(step)],
        inputs=inputs,
        outputs=len(body_.outputs),
        passes=(Pass.model_construct(body=body),),
        block=block_name(context, block),
        arguments=arguments,
        shared=shared,
        inner=inner is not None,
        label=label,
        span=step.span,
    )
    builder.current = add_region(
        builder, region, [body_.values[output] for output in body_.outputs], step.span
    )
    builder.several = several_from(builder.current, len(body_.outputs))


def outputs_of(context: Context, block: tree.Block) -> tuple[tree.Reference, ...]:
    """The tensors that a block names as its outputs; empty if its output is that of its last line."""
    last = block.body.items[-1] if block.body.items else None
    outputs: list[tree.Reference] = []
    for one in last.references if isinstance(last, tree.Output) else ():
        labels = context.each_labels.get(id(one), ()) if one.each else (one.name,)
        outputs += (one._replace(name=label, each=False) for label in labels)
    return tuple(outputs)


def define(builder: BodyBuilder, block: tree.Block) -> None:
    """A `shared` in a block: this use of that block has its own."""
    context, scope = builder.context, builder.scope
    inner = context.statements.all_blocks.inner.get(block_name(context, block))
    if inner is None or inner.block is not block or block.name in scope.blocks:
        return  # reported already
    values = {name: scope.find(name) for name in inner.values}
    known = {name: UNKNOWN if value is None else value for name, value in values.items()}
    if not scope.blocks:
        scope.attributes = set(_attributes(builder, inner.owner))
    scope.blocks[block.name] = InnerBlock(inner, scope, known)


def _attributes(builder: BodyBuilder, owner: tree.Block) -> frozenset[str]:
    """The attributes of a use of a block, without those of its `shared` blocks."""
    known = builder.context.attributes
    if id(owner) not in known:
        statements, names = builder.context.statements, builder.names.steps
        inside = statements.all_blocks.inside(owner)
        known[id(owner)] = frozenset(
            names.get(id(one), "")
            for one, _, present in entries(owner.body.items, statements.settled)
            if present and not (isinstance(one, tree.CallStep) and one.name in inside)
        )
    return known[id(owner)]


def block_of(builder: BodyBuilder, step: tree.CallStep) -> tuple[tree.Block | None, InnerBlock | None]:
    """The block that a use refers to, and its `InnerBlock` where it is defined in the block around the
    use."""
    for scope in builder.scope.around():
        if step.name in scope.blocks:
            outer = scope.blocks[step.name]
            return None if outer is None else outer.inner.block, outer
    return builder.context.statements.blocks.get(step.name), None


def _seen(
    builder: BodyBuilder, block: tree.Block | None, inner: InnerBlock | None, step: tree.CallStep
) -> bool:
    """Whether a block can be used here. Reports an inner block that cannot, unless a value that it reads is
    unknown because of an earlier error."""
    context = builder.context
    if inner is not None:
        return UNKNOWN not in inner.values.values()
    if block is not None or builder.scope.layers_named(step.name) is not None:
        return True
    blocks = context.statements.all_blocks
    uses = [name for name, _ in context.uses]
    names = [name for name, one in blocks.inner.items() if one.block.name == step.name]
    if not names:
        return step.name not in (one.name for one, _ in context.statements.facts.inner_blocks)
    name = next((name for name in names if blocks.name_of(blocks.inner[name].owner) in uses), names[0])
    if name in uses:
        _report_shared(builder, blocks.named[name], step)
    else:
        report_unseen(step, blocks.inner[name], builder.sink)
    return False


def _report_shared(builder: BodyBuilder, block: tree.Block, step: tree.CallStep) -> None:
    """E213 for a `shared` block that calls itself, under an `if` too."""
    builder.context.unusable.add(block_name(builder.context, block))
    builder.sink.report(
        "E213",
        f"the shared block `{block.name}` calls itself: its one set of weights would be a part of itself",
        step.span,
        help="make it a `block`, whose uses have weights of their own",
    )


def _bound(
    builder: BodyBuilder, block: tree.Block | None, step: tree.CallStep, inner: InnerBlock | None
) -> BoundArguments | None:
    """The arguments of a use; None after a finding."""
    if (step.name if block is None else block_name(builder.context, block)) in builder.context.unusable:
        return None
    if block is None and builder.scope.layers_named(step.name) is not None:
        from cnnspec.elaborate.passed_layers import called

        called(builder, step)
        return None
    if block is None:
        from cnnspec.elaborate.unknown import unknown_block

        unknown_block(builder.context, step)
        return None
    builder.context.spent.work += 2
    bound: BoundArguments | None = None
    with builder.reporting():
        bound = bind_call(builder, block, step)
        if inner is not None:
            _take_around(builder, inner, bound)
    if bound is None:  # an undefined name may be a parameter in error
        names = [node.name for node in nodes(block.body) if isinstance(node, tree.Name)]
        look_through_block(builder, block, names)
    return bound


def _take_around(builder: BodyBuilder, inner: InnerBlock, bound: BoundArguments) -> None:
    """Passes an inner block the values that it reads from the block around it, by the same names."""
    for name in inner.inner.layers:
        from cnnspec.elaborate.passed_layers import pass_on

        (layers,) = builder.scope.layers_named(name) or (None,)
        bound.layers[name] = None if layers is None else pass_on(layers, name)
    for name, value in inner.values.items():
        bound.values[name] = value
        if next((one for one in builder.scope.around() if name in one.names), None) is inner.scope:
            bound.written[name] = (tree.Name(name, inner.inner.block.name_span),)


def look_through_block(builder: BodyBuilder, block: tree.Block, names: Iterable[str] = ()) -> None:
    """Reports, once, the errors in a block that do not depend on its arguments; `names` are further names
    without a value."""
    context = builder.context
    name = block_name(context, block)
    if name in context.looked_through:
        return
    context.looked_through.add(name)
    layers = context.statements.layer_parameters.get(name, frozenset())
    inner = context.statements.all_blocks.inner.get(name)
    names = (*names, *(() if inner is None else inner.values))
    values = [
        parameter.name
        for parameter in block.parameters
        if parameter.kind != "tensor" and parameter.name not in layers
    ]
    tensors = [parameter.name for parameter in block.parameters if parameter.kind == "tensor"]
    names = [name for name in names if name not in layers]
    scope = Scope(dict.fromkeys((*values, *names), UNKNOWN), parent=context.globals_before(block))
    scope.layers = dict.fromkeys(layers)
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
    scope = Scope(dict(bound.values), context.globals_before(block), layers=bound.layers)
    child = open_body(builder, items, id(block), scope, [], step.span)
    for parameter, value in tensors.items():
        child.labels[parameter] = child.add_input(builder.values[value], step.span, (builder, value))
    child.template = context.stretches.number(
        "block", items, id(block), child.names, bound.tensors, block, has_input=builder.current is not None
    )
    numbers = ", ".join(brief(value) for value in bound.values.values())
    context.uses.append((block_name(context, block), numbers))
    with context.deeper(step.span, context.references_in(items, id(block.body))):
        context.run_items(child, items)
    context.uses.pop()
    usable = block_name(context, block) not in context.unusable
    outputs = tuple(resolve(child, one) for one in (outputs_of(context, block) if usable else ()))
    if usable and not outputs and items and isinstance(last := items[-1], tree.Output):
        builder.sink.report(
            "E403",
            f"no output of `{block.name}` is left: the repeat has no passes",
            last.span,
            help="at least one output must exist",
        )
    return close_body(child, outputs or (ended(child, step.span, step.name),))


def _shared_name(
    context: Context,
    block: tree.Block,
    inner: InnerBlock | None,
    arguments: dict[str, str],
    identities: tuple[int, ...],
    shapes: tuple[Shape | None, ...],
) -> str:
    """The attribute of a shared block's weights, at the model's top beside the layers there, or in the use of
    the block in which it is defined: one set for equal arguments and channels."""
    channels = shapes[0][0] if shapes and shapes[0] is not None else None
    key = (id(block), tuple(arguments.items()), channels, identities)
    names, taken = context.shared_names, context.top_names
    if inner is not None:
        names, taken = inner.names, inner.scope.attributes
    if key not in names:
        count = sum(1 for known in names if known[0] == id(block))
        name = attribute_name(block.name) if count == 0 else f"{block.name}_{count + 1}"
        while name in taken or name in names.values():
            name += "_"
        names[key] = name
        if inner is not None:
            taken.add(name)
    return names[key]


# --- arguments -----------------------------------------------------------------------------------------
