"""Groups and labelled lines: bodies of their own that see the labels around them and give theirs away."""

from __future__ import annotations

from typing import Literal

from cnnspec.diagnostics import Span
from cnnspec.elaborate.builder import BodyBuilder, Scope
from cnnspec.elaborate.context import Context, FinishedBody, Items
from cnnspec.elaborate.labels import ended
from cnnspec.elaborate.naming import names_of
from cnnspec.elaborate.text_facts import before
from cnnspec.ir.graph import Layer, Pass, Region
from cnnspec.language import tree
from cnnspec.ops.base import Shape, written_shape


def enclose(
    context: Context,
    builder: BodyBuilder,
    kind: Literal["group", "line"],
    name: str,
    items: Items,
    span: Span,
    label: str | None,
    key: int,
) -> None:
    """A group or a labelled line: a body of its own that sees the labels around it and gives its own
    away."""
    captured = [label for label in context.references_in(items, key) if label in builder.labels]
    arriving = builder.current
    child = open_body(context, builder, items, key, builder.scope, captured, span)
    child.label_spans = builder.label_spans
    child.undoable = builder.undoable
    child.template = context.stretches.number(
        kind, items, key, child.names, captured, arriving=arriving is not None, label=label
    )
    with context.deeper(span):
        context.run_items(context, child, items)
    if label is not None:
        note_undoable(context, child, label)
    inside = context.references_in(items, key)
    around = context.references_around
    exported = {
        label: value
        for label, value in child.labels.items()
        if label not in captured and around.get(label, 0) > inside.get(label, 0)
    }
    outputs = (ended(context, child, span, "[ … ]"), *exported.values())
    body = close_body(context, child, outputs, tuple(exported))
    inputs = (() if arriving is None else (arriving,)) + tuple(builder.labels[label] for label in captured)
    context.stretches.note_exported(child.template, exported)
    region = Region.model_construct(
        site=builder.names.sites[key],
        kind=kind,
        name=name,
        inputs=inputs,
        outputs=len(outputs),
        passes=(Pass.model_construct(body=body),),
        label=label,
        span=span,
    )
    value = add_region(context, builder, region, [child.values[output] for output in outputs], span)
    for offset, label_inside in enumerate(exported, start=1):
        builder.labels[label_inside] = value + offset
    builder.current = value


def note_undoable(context: Context, builder: BodyBuilder, label: str) -> None:
    """Keeps what arrived at the layer that made the current tensor, for an `unpool like=@label` to
    come."""
    if not context.references_around.get(before(label)):
        return
    step = builder.makers.get(builder.current or 0)
    if isinstance(step, Layer):
        builder.undoable[label] = step.op
        builder.labels[before(label)] = step.inputs[0]


def open_body(
    context: Context,
    builder: BodyBuilder,
    items: Items,
    key: int,
    scope: Scope,
    captured: list[str],
    span: Span,
    arriving: int | None = None,
) -> BodyBuilder:
    names = context.scope_names.get(key)
    if names is None:
        names = context.scope_names[key] = names_of(
            (item for item in items if isinstance(item, tree.Line)), collapse=True
        )
    child = BodyBuilder(names, scope)
    arriving = builder.current if arriving is None else arriving
    if arriving is not None:
        child.current = child.add_input(builder.values[arriving], span, (builder, arriving))
    child.undoable = dict(builder.undoable)
    for label in captured:
        value = builder.labels[label]
        child.labels[label] = child.add_input(builder.values[value], span, (builder, value))
    return child


def close_body(
    context: Context, child: BodyBuilder, outputs: tuple[int, ...], exported: tuple[str, ...] = ()
) -> int:
    """Makes the body of a finished builder and gives its number; the same body again keeps its
    number."""
    child.read.update(outputs)
    note_unused(context, child)
    body = child.finish(outputs, exported)
    inputs_read = frozenset(child.read & set(range(child.inputs)))
    context.finished.append(FinishedBody(body, child, inputs_read))
    return len(context.finished) - 1


def note_unused(context: Context, builder: BodyBuilder) -> None:
    for value in range(builder.inputs, len(builder.values)):
        if value not in builder.read:
            shape = builder.values[value]
            what = "" if shape is None else f" {written_shape(shape)}"
            label = next((name for name, at in builder.labels.items() if at == value), None)
            context.unused.setdefault(builder.origins[value].span, (what, label))


def add_region(
    context: Context, builder: BodyBuilder, region: Region, shapes: list[Shape | None], span: Span
) -> int:
    # a pass without layers counts as one: whoever goes through the unrolled network goes through it too
    layers = sum(p.count * max(context.finished[p.body].builder.layers, 1) for p in region.passes)
    context.charge(builder, layers, span)
    before = set(builder.read)
    value = builder.add_step(region, tuple(shapes), span)
    last = context.finished[region.passes[-1].body]
    builder.origins[value].inside = last.builder, last.body.outputs[0]
    builder.read = before
    for entry in region.passes:
        builder.read.update(region.inputs[position] for position in context.finished[entry.body].inputs_read)
    # a group's own main tensor may be left lying where only its labels are read
    for extra in range(1, region.outputs):
        builder.read.add(value + extra)
    return value
