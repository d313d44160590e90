"""Repeats: a pass is worked out once where its arriving shape, and what its text says of `i`, comes again."""

from __future__ import annotations

from cnnspec.elaborate.builder import BodyBuilder, Scope
from cnnspec.elaborate.context import Context
from cnnspec.elaborate.labels import ended, input_of
from cnnspec.elaborate.lookups import lookup_in
from cnnspec.elaborate.regions import add_region, close_body, open_body
from cnnspec.elaborate.text_facts import varying
from cnnspec.elaborate.values import NoValue, evaluate, whole
from cnnspec.ir.graph import Pass, Region
from cnnspec.language import tree
from cnnspec.ops.base import Shape


def repeat(
    context: Context,
    builder: BodyBuilder,
    step: tree.GroupStep,
    times: tree.Expr,
    name: str,
    label: str | None,
) -> None:
    """A repeat becomes a region of passes."""
    arriving = input_of(context, builder, step.span, "[ … ]")
    count = None if arriving is None else _count(context, builder, times)
    if arriving is None or count is None:
        builder.leave_hole(name, "repeat", step.span, label)
        return
    if count == 0:
        return
    references = context.references_in(step.body.items, id(step))
    captured = [label for label in references if label in builder.labels]
    with context.deeper(step.span, references):
        passes, shape = _passes(context, builder, step, count, captured, arriving)
    region = Region.model_construct(
        site=builder.names.sites[id(step)],
        kind="repeat",
        name=name,
        inputs=(arriving, *(builder.labels[label] for label in captured)),
        passes=passes,
        label=label,
        span=step.span,
    )
    builder.current = add_region(context, builder, region, [shape], step.span)


def _count(context: Context, builder: BodyBuilder, times: tree.Expr) -> int | None:
    """How many passes there are; None where that cannot be known."""
    try:
        count = whole(times, lookup_in(context, builder), context.limits.digits)
        if count < 0:
            raise NoValue("E205", f"a repeat cannot run {count} times", times.span, help="0 leaves it out")
        if count > context.limits.layers:
            raise NoValue(
                "E605",
                f"{count:,} passes are more than the {context.limits.layers:,} layers allowed",
                times.span,
                help="raise it with --max-layers if the network is meant to be so deep",
            )
    except NoValue as problem:
        problem.tell(context.sink)
        return None
    return count


def _passes(
    context: Context,
    builder: BodyBuilder,
    step: tree.GroupStep,
    count: int,
    captured: list[str],
    arriving: int,
) -> tuple[tuple[Pass, ...], Shape | None]:
    """The passes, equal ones in a row counted together, and the shape that the last one leaves."""
    items = step.body.items
    varies = context.varying.get(id(step))
    if varies is None:
        varies = context.varying[id(step)] = varying(items)
    known: dict[object, int] = {}
    passes: list[Pass] = []
    shape = builder.values[arriving]
    done = layers = 0
    while done < count:
        context.charge(builder, 0, step.span)
        if varies:
            context.charge_text(step.span)
        scope = Scope({}, parent=builder.scope, index=done)
        key = _pass_key(context, builder, scope, varies, shape)
        body = known.get(key) if key is not None else None
        if body is None:
            child = open_body(context, builder, items, id(step), scope, captured, step.span, arriving)
            child.values[0] = shape
            child.template = context.stretches.number("repeat", items, id(step), child.names, captured)
            if passes:  # its input was made by the pass before
                last = context.finished[passes[-1].body]
                child.origins[0].outside = last.builder, last.body.outputs[0]
            context.run_items(context, child, items)
            body = close_body(context, child, (ended(context, child, step.span, "[ … ]"),))
            if key is not None:
                known[key] = body
        made = context.finished[body]
        left = made.body.values[made.body.outputs[0]]
        run = count - done if not varies and left == shape else 1
        before = passes.pop().count if passes and passes[-1].body == body else 0
        passes.append(Pass.model_construct(body=body, count=before + run))
        layers += run * max(made.builder.layers, 1)
        if builder.layers + layers > context.limits.layers:
            context.charge(builder, layers, step.span)
        done += run
        shape = left
    return tuple(passes), shape


def _pass_key(
    context: Context, builder: BodyBuilder, scope: Scope, varies: list[tree.Expr], shape: Shape | None
) -> object | None:
    """What decides the body of a pass: the arriving shape and the values of all that mentions `i`.
    None where one of them can only be known further in."""
    if not varies:
        return shape
    outer, current = builder.scope, builder.current
    builder.scope, builder.current = scope, None
    try:
        lookup = lookup_in(context, builder)
        return shape, tuple(evaluate(expr, lookup, context.limits.digits) for expr in varies)
    except NoValue:
        return None
    finally:
        builder.scope, builder.current = outer, current
