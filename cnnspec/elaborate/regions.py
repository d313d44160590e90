"""Groups and labelled lines: bodies of their own that see the labels around them and give theirs away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from cnnspec.diagnostics import Span
from cnnspec.elaborate.builder import BodyBuilder, Scope
from cnnspec.elaborate.context import Context, FinishedBody
from cnnspec.elaborate.labels import ended
from cnnspec.elaborate.naming import Names, names_of
from cnnspec.elaborate.stretches import Items, Stretches
from cnnspec.elaborate.text_facts import before
from cnnspec.ir.graph import Layer, Pass, Region
from cnnspec.language import tree
from cnnspec.ops.base import Shape, written_shape


def enclose(
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
    context = builder.context
    inside, around = context.references_in(items, key), context.references_around
    captured = [label for label in inside if label in builder.labels]
    arriving = builder.current
    child = open_body(builder, items, key, builder.scope, captured, span)
    child.label_spans = builder.label_spans
    child.undoable = builder.undoable
    child.template = context.stretches.number(
        kind, items, key, child.names, captured, arriving=arriving is not None, label=label
    )
    with context.deeper(span):
        context.run_items(child, items)
    if label is not None:
        note_undoable(child, label)
    exported = {
        label: value
        for label, value in child.labels.items()
        if label not in captured and around.get(label, 0) > inside.get(label, 0)
    }
    outputs = (ended(child, span, "[ … ]"), *exported.values())
    body = close_body(child, outputs, tuple(exported))
    context.stretches.all[child.template].exported.update(dict.fromkeys(exported))
    region = Region.model_construct(
        site=builder.names.sites[key],
        kind=kind,
        name=name,
        inputs=(() if arriving is None else (arriving,)) + tuple(builder.labels[label] for label in captured),
        outputs=len(outputs),
        passes=(Pass.model_construct(body=body),),
        label=label,
        span=span,
    )
    value = add_region(builder, region, [child.values[output] for output in outputs], span)
    builder.labels.update(zip(exported, range(value + 1, value + len(outputs)), strict=True))
    builder.current = value


def note_undoable(builder: BodyBuilder, label: str) -> None:
    """Keeps what arrived at the layer that made the current tensor, for an `unpool like=@label` to
    come."""
    if not builder.context.references_around.get(before(label)):
        return
    step = builder.makers.get(builder.current or 0)
    if isinstance(step, Layer):
        builder.undoable[label] = step.op
        builder.labels[before(label)] = step.inputs[0]


def open_body(
    builder: BodyBuilder,
    items: Items,
    key: int,
    scope: Scope,
    captured: Iterable[str],
    span: Span,
    arriving: int | None = None,
) -> BodyBuilder:
    """The builder of a body in `builder`'s, with its inputs: the tensor that arrives, and those with a
    label."""
    child = BodyBuilder(builder.context, _names(builder.context, items, key), scope)
    arriving = builder.current if arriving is None else arriving
    if arriving is not None:
        child.current = child.add_input(builder.values[arriving], span, (builder, arriving))
    child.undoable = dict(builder.undoable)
    for label in captured:
        value = builder.labels[label]
        child.labels[label] = child.add_input(builder.values[value], span, (builder, value))
    return child


def _names(context: Context, items: Items, key: int) -> Names:
    if key not in context.scope_names:
        lines = (item for item in items if isinstance(item, tree.Line))
        context.scope_names[key] = names_of(lines, collapse=True)
    return context.scope_names[key]


def close_body(child: BodyBuilder, outputs: tuple[int, ...], exported: tuple[str, ...] = ()) -> int:
    """Makes the body of a finished builder and gives its number."""
    child.read.update(outputs)
    for value in range(child.inputs, len(child.values)):
        if value not in child.read:
            shape = child.values[value]
            what = "" if shape is None else f" {written_shape(shape)}"
            label = next((name for name, at in child.labels.items() if at == value), None)
            child.context.unused.setdefault(child.origins[value].span, (what, label))
    body = child.finish(outputs, exported)
    inputs_read = frozenset(child.read & set(range(child.inputs)))
    child.context.finished.append(FinishedBody(body, child, inputs_read))
    return len(child.context.finished) - 1


def add_region(builder: BodyBuilder, region: Region, shapes: list[Shape | None], span: Span) -> int:
    """Adds a region to the body, charged for its layers; gives the number of its first value."""
    finished = builder.context.finished
    # a pass without layers counts as one: whatever goes through the unrolled network goes through it too
    layers = sum(entry.count * max(finished[entry.body].builder.layers, 1) for entry in region.passes)
    builder.context.charge(builder, layers, span)
    read = set(builder.read)
    value = builder.add_step(region, tuple(shapes), span)
    last = finished[region.passes[-1].body]
    builder.origins[value].inside = last.builder, last.body.outputs[0]
    builder.read = read
    for entry in region.passes:
        builder.read.update(region.inputs[position] for position in finished[entry.body].inputs_read)
    # a group's own main tensor may be left lying where only its labels are read
    builder.read.update(range(value + 1, value + region.outputs))
    return value


def look_through(
    builder: BodyBuilder,
    items: Items,
    names: Names | int,
    scope: Scope | None = None,
    labels: Iterable[str] | None = None,
) -> None:
    """Reports what is wrong in a stretch of the text whatever its input is: nobody knows with which values,
    or whether at all, it is run. What it makes is left out; its labels name tensors of unknown shape."""
    if not items:
        return
    context = replace(
        builder.context,
        stretches=Stretches(),
        finished=[],
        unused={},
        shared_names={},
        block_bodies={},
        absent=set(builder.context.absent),
    )
    span = items[0].span.to(items[-1].span)
    names = names if isinstance(names, Names) else _names(context, items, names)
    child = BodyBuilder(context, names, scope or Scope({}, builder.scope))
    child.template = context.stretches.number("block", items, 0, names)
    child.current = child.add_input(None, span)
    child.undoable = dict(builder.undoable)
    for label in builder.labels if labels is None else labels:
        child.labels[label] = child.add_input(None, span)
    with context.deeper(span):
        context.run_items(child, items)
    if scope is None:
        for label in child.labels:
            if label not in builder.labels:
                builder.labels[label] = builder.add_hole("", "", span)
