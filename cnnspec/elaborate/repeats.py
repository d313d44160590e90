"""Repeats: a pass is worked out once where its arriving shape, and what its text says of `i`, comes again."""

from __future__ import annotations

from cnnspec.elaborate.builder import UNKNOWN, BodyBuilder, Scope
from cnnspec.elaborate.labels import ended, input_of
from cnnspec.elaborate.regions import add_region, close_body, look_through, open_body
from cnnspec.elaborate.text_facts import varying
from cnnspec.elaborate.values import NoValue, Unknown, Value, evaluate
from cnnspec.ir.graph import Pass, Region
from cnnspec.language import tree
from cnnspec.ops.base import Shape


def repeat(
    builder: BodyBuilder, step: tree.GroupStep, times: tree.Expr, name: str, label: str | None
) -> None:
    """A repeat becomes a region of passes."""
    arriving = input_of(builder, step.span, "[ … ]")
    count: int | None = None
    if arriving is not None:
        with builder.reporting():
            count = _count(builder, times)
    if arriving is None or count is None:
        look_through(builder, step.body.items, id(step), Scope({}, builder.scope, index=0), builder.labels)
        builder.leave_hole(name, "repeat", step.span, label)
        return
    if count == 0:
        return
    references = builder.context.references_in(step.body.items, id(step))
    captured = [label for label in references if label in builder.labels]
    with builder.context.deeper(step.span, references):
        passes, shape = _passes(builder, step, count, captured, arriving)
    region = Region.model_construct(
        site=builder.names.sites[id(step)],
        kind="repeat",
        name=name,
        inputs=(arriving, *(builder.labels[label] for label in captured)),
        passes=passes,
        label=label,
        span=step.span,
    )
    builder.current = add_region(builder, region, [shape], step.span)


def _count(builder: BodyBuilder, times: tree.Expr) -> int:
    """How many passes there are."""
    count, layers = builder.whole(times), builder.context.limits.layers
    if count < 0:
        raise NoValue("E205", f"a repeat cannot run {count} times", times.span, "0 leaves it out")
    if count > layers:
        raise NoValue(
            "E605",
            f"{count:,} passes are more than the {layers:,} layers allowed",
            times.span,
            "raise it with --max-layers if the network is meant to be so deep",
        )
    return count


def _passes(
    builder: BodyBuilder, step: tree.GroupStep, count: int, captured: list[str], arriving: int
) -> tuple[tuple[Pass, ...], Shape | None]:
    """The passes, equal ones in a row counted together, and the shape that the last one leaves."""
    context, items = builder.context, step.body.items
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
        key = _pass_key(builder, done, varies, shape)
        body = known.get(key) if key is not None else None
        if body is None:
            scope = Scope({}, parent=builder.scope, index=done)
            child = open_body(builder, items, id(step), scope, captured, step.span, arriving)
            child.values[0] = shape
            child.template = context.stretches.number("repeat", items, id(step), child.names, captured)
            if passes:  # its input was made by the pass before
                last = context.finished[passes[-1].body]
                child.origins[0].outside = last.builder, last.body.outputs[0]
            context.run_items(child, items)
            body = close_body(child, (ended(child, step.span, "[ … ]"),))
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
    builder: BodyBuilder, index: int, varies: list[tree.Expr], shape: Shape | None
) -> object | None:
    """What decides the body of a pass: the arriving shape and the values of all that mentions `i`.
    None where one of them can only be known further in."""

    def look_up(name: tree.Name) -> Value:
        value = index if name.name == "i" else builder.scope.find(name.name)
        if value is None or value == UNKNOWN:
            raise Unknown
        return value

    try:
        return shape, tuple(evaluate(expr, look_up, builder.context.limits.digits) for expr in varies)
    except NoValue:
        return None
