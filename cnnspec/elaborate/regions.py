"""Groups, labelled lines and repeats: bodies of their own that see the labels around them. A pass of a repeat
is evaluated once for each input shape and each set of values that its text computes from `i`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from cnnspec.diagnostics import Related, Span
from cnnspec.elaborate.builder import UNKNOWN, BodyBuilder, Scope, several_from
from cnnspec.elaborate.context import Context, FinishedBody, Items, Stretches
from cnnspec.elaborate.each import MOST, Each
from cnnspec.elaborate.labels import ended, input_of, resolve
from cnnspec.elaborate.naming import Names, names_of
from cnnspec.elaborate.text_facts import before, varying
from cnnspec.elaborate.values import NoValue, Unknown, Value, evaluate
from cnnspec.ir.graph import Hole, Layer, Pass, Region
from cnnspec.language import tree
from cnnspec.ops.base import Shape, written_shape


def enclose(
    builder: BodyBuilder,
    kind: Literal["group", "line"],
    items: Items,
    span: Span,
    label: str | None,
    key: int,
) -> None:
    """A group or a labelled line: a body of its own, which can read the labels around it and exports its
    own."""
    context = builder.context
    inside, around = context.references_in(items, key), context.references_around
    captured = [label for label in inside if label in builder.labels]
    current = builder.current
    more = builder.several[1:]
    child = open_body(builder, items, key, builder.scope, captured, span, builder.several)
    child.label_spans = builder.label_spans
    child.undoable = builder.undoable
    child.template = context.stretches.number(
        kind, items, key, child.names, captured, has_input=current is not None, label=label, further=len(more)
    )
    with context.deeper(span):
        context.run_items(child, items)
    if label is not None:
        note_undoable(child, label)
    exported = {
        label: value
        for label, value in child.labels.items()
        if label in child.each or (label not in captured and around.get(label, 0) > inside.get(label, 0))
    }
    builder.each |= child.each
    outputs = (ended(child, span, "[ … ]"), *exported.values())
    body = close_body(child, outputs, tuple(exported))
    context.stretches.all[child.template].exported.update(dict.fromkeys(exported))
    region = Region.model_construct(
        site=builder.names.sites[key],
        kind=kind,
        name=builder.names.steps[key],
        inputs=(
            *(() if current is None else (current,)),
            *more,
            *(builder.labels[label] for label in captured),
        ),
        outputs=len(outputs),
        passes=(Pass.model_construct(body=body),),
        label=label,
        span=span,
    )
    value = add_region(builder, region, [child.values[output] for output in outputs], span)
    builder.labels.update(zip(exported, range(value + 1, value + len(outputs)), strict=True))
    builder.current, builder.several = value, ()


def note_undoable(builder: BodyBuilder, label: str) -> None:
    """Records the input of the layer that computed the current tensor, for a later `unpool like=@label`."""
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
    several: Iterable[int] = (),
) -> BodyBuilder:
    """A builder for a body inside that of `builder`, with its inputs: the current tensor (or `several`), and
    the labelled ones."""
    child = BodyBuilder(builder.context, _names(builder.context, items, key), scope)
    inputs = tuple(several) or (() if builder.current is None else (builder.current,))
    for value in inputs:
        child.add_input(builder.values[value], span, (builder, value))
    if inputs:
        child.current, child.several = 0, several_from(0, len(inputs))
    child.undoable = dict(builder.undoable)
    for label in captured:
        value = builder.labels[label]
        child.labels[label] = child.add_input(builder.values[value], span, (builder, value))
    return child


def _names(context: Context, items: Items, key: int) -> Names:
    if key not in context.scope_names:
        context.scope_names[key] = names_of(items, context.statements.settled, collapse=True)
    return context.scope_names[key]


def close_body(child: BodyBuilder, outputs: tuple[int, ...], exported: tuple[str, ...] = ()) -> int:
    """Builds the body of a finished builder and returns its number."""
    child.read.update(outputs)
    for first, maker in child.makers.items():
        if isinstance(maker, Region) and maker.outputs > 1:  # of several outputs, it is enough if one is used
            several = range(first, first + maker.outputs)
            child.read.update(several[child.read.isdisjoint(several) :])
    for value in range(child.inputs, len(child.values)):
        if value not in child.read:
            shape = child.values[value]
            shape_text = "" if shape is None else f" (shape {written_shape(shape)})"
            label = next((name for name, at in child.labels.items() if at == value), None)
            child.context.unused.setdefault(child.origins[value].span, (shape_text, label))
    body = child.finish(outputs, exported)
    inputs_read = frozenset(child.read & set(range(child.inputs)))
    child.context.finished.append(FinishedBody(body, child, inputs_read))
    return len(child.context.finished) - 1


def add_region(builder: BodyBuilder, region: Region, shapes: list[Shape | None], span: Span) -> int:
    """Adds a region to the body and charges for its layers; returns the number of its first value."""
    finished = builder.context.finished
    layers = sum(entry.count * finished[entry.body].builder.layers for entry in region.passes)
    passes = sum(entry.count * (finished[entry.body].builder.passes + 1) for entry in region.passes)
    builder.context.charge(builder, layers, span, passes)
    read = set(builder.read)
    value = builder.add_step(region, tuple(shapes), span)
    last = finished[region.passes[-1].body]
    builder.origins[value].inside = last.builder, last.body.outputs[0]
    builder.read = read
    for entry in region.passes:
        builder.read.update(region.inputs[position] for position in finished[entry.body].inputs_read)
    if region.kind in ("group", "line"):  # labels that are used outside
        builder.read.update(range(value + 1, value + region.outputs))
    return value


def look_through(
    builder: BodyBuilder,
    items: Items,
    names: Names | int,
    scope: Scope | None = None,
    labels: Iterable[str] | None = None,
    several: int = 0,
) -> None:
    """Reports errors in a stretch of text that do not depend on its input, where its values, or whether it
    runs at all, are unknown. It has no output; its labels name tensors of unknown shape."""
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
    child.several = several_from(0, several)
    for _ in child.several[1:]:
        child.add_input(None, span)
    child.undoable = dict(builder.undoable)
    for label in builder.labels if labels is None else labels:
        child.labels[label] = child.add_input(None, span)
    with context.deeper(span):
        context.run_items(child, items, several > 1)
    if scope is None:
        for label in child.labels:
            if label not in builder.labels:
                builder.labels[label] = builder.add_hole("", "", span)


# --- repeats -------------------------------------------------------------------------------------------


def repeat(builder: BodyBuilder, step: tree.GroupStep, times: tree.Expr, label: str | None) -> None:
    """Adds a repeat as a region of passes. With several input tensors, every pass returns as many."""
    current = input_of(builder, step.span, "[ … ]")
    count: int | None = None
    if current is not None:
        with builder.reporting():
            count = _count(builder, times)
    if current is None or count is None:
        scope = Scope({}, builder.scope, index=0)
        look_through(builder, step.body.items, id(step), scope, builder.labels, len(builder.several))
        builder.several = ()
        builder.leave_hole(step, "repeat", label)
        return
    each = builder.context.each.get(id(step), ())
    if each and not _as_many(builder, step, each, count):
        each = ()
    if count == 0:
        return
    references = builder.context.references_in(step.body.items, id(step))
    captured = [label for label in references if label in builder.labels]
    several = builder.several or (current,)
    if count * len(each) > MOST:
        _too_many(builder, each[0], count * len(each))
        each = ()
    with builder.context.deeper(step.span, references):
        passes, shapes = _passes(builder, step, count, captured, several, each)
    bodies = [
        builder.context.finished[one.body].body for one in passes for _ in range(one.count * bool(each))
    ]
    shapes += [body.values[value] for body in bodies for value in body.outputs[len(several) :]]
    region = Region.model_construct(
        site=builder.names.sites[id(step)],
        kind="repeat",
        name=builder.names.steps[id(step)],
        inputs=(*several, *(builder.labels[label] for label in captured)),
        outputs=len(shapes),
        each=len(each),
        passes=passes,
        label=label,
        span=step.span,
    )
    builder.current = add_region(builder, region, shapes, step.span)
    builder.several = several_from(builder.current, len(several))
    if each:
        _name_each(builder, step, each, builder.current + len(several), len(bodies))


def _too_many(builder: BodyBuilder, each: Each, count: int) -> None:
    """E605 for more outputs than a repeat may give."""
    builder.sink.report(
        "E605",
        f"`each @{each.reference.name}` makes {count:,} outputs, more than the {MOST:,} allowed",
        each.reference.span,
        help="fewer passes can give an output each: those of a repeat of their own",
    )


def _as_many(builder: BodyBuilder, step: tree.GroupStep, each: tuple[Each, ...], count: int) -> bool:
    """E211 if a repeat with an output of each pass has another number of passes than in other uses of its
    block."""
    context = builder.context
    known = context.each_counts.setdefault(id(step), count)
    if known == count:
        return True
    one = each[0].reference
    builder.sink.report(
        "E211",
        f"`each @{one.name}` makes {count} outputs in this use of the block, and {known} in another",
        one.span,
        help="all uses of a block have the same outputs: write a block for each number of them",
    )
    context.unusable.update(name for name, _ in context.uses[-1:])
    return False


def _name_each(
    builder: BodyBuilder, step: tree.GroupStep, each: tuple[Each, ...], first: int, count: int
) -> None:
    """Labels the output of every pass: `p1`, `p2`, … for `each @p`."""
    context = builder.context
    stretch = context.stretches.all[context.stretches.of(id(step)) or 0]
    stretch.each, stretch.passes = each, count
    for place, one in enumerate(each):
        values = {one.label(number): first + number * len(each) + place for number in range(count)}
        if taken := [label for label in values if label in one.labels]:
            builder.sink.report(
                "E209",
                f"`each @{one.reference.name}` names an output `{taken[0]}`; another tensor has that name",
                one.reference.span,
                related=(Related(one.labels[taken[0]], f"`{taken[0]}` is here too"),),
                help="give one of them another name",
            )
            return
        builder.labels.update(values)
        builder.each |= values.keys()
        context.each_labels[id(one.reference)] = tuple(values)


def _count(builder: BodyBuilder, times: tree.Expr) -> int:
    """The number of passes."""
    count, layers = builder.whole(times), builder.context.limits.layers
    if count < 0:
        raise NoValue("E205", f"a repeat cannot run {count} times", times.span, "0 leaves it out")
    if count > layers:
        raise NoValue(
            "E605",
            f"{count:,} passes exceed the limit of {layers:,} layers",
            times.span,
            "raise it with --max-layers if the network is meant to be so deep",
        )
    return count


def _passes(
    builder: BodyBuilder,
    step: tree.GroupStep,
    count: int,
    captured: list[str],
    inputs: tuple[int, ...],
    each: tuple[Each, ...],
) -> tuple[tuple[Pass, ...], list[Shape | None]]:
    """The passes, equal ones in a row counted together, and the shapes that the last one passes on."""
    context, items = builder.context, step.body.items
    varies = context.varying.get(id(step))
    if varies is None:
        varies = context.varying[id(step)] = varying(items)
    known: dict[object, int] = {}
    passes: list[Pass] = []
    shapes = [builder.values[value] for value in inputs]
    more = len(inputs) - 1
    done = layers = 0
    while done < count:
        context.charge(builder, 0, step.span)
        if varies:
            context.charge_text(step.span)
        key = _pass_key(builder, done, varies, shapes)
        body = known.get(key) if key is not None else None
        if body is None:
            scope = Scope({}, parent=builder.scope, index=done)
            child = open_body(builder, items, id(step), scope, captured, step.span, inputs)
            child.values[: more + 1] = shapes
            child.template = context.stretches.number(
                "repeat", items, id(step), child.names, captured, further=more
            )
            if passes:  # its inputs were made by the pass before
                last = context.finished[passes[-1].body]
                for origin, value in zip(child.origins, last.body.outputs, strict=False):
                    origin.outside = last.builder, value
            context.passes.append(done)
            context.run_items(child, items, more > 0)
            context.passes.pop()
            handed = _handed_on(child, step, more + 1)
            own_inputs = [resolve(child, one.reference) if one.inside else handed[0] for one in each]
            body = close_body(child, (*handed, *own_inputs))
            if key is not None:
                known[key] = body
        finished = context.finished[body]
        left = [finished.body.values[value] for value in finished.body.outputs[: more + 1]]
        run = count - done if not varies and left == shapes else 1
        before = passes.pop().count if passes and passes[-1].body == body else 0
        passes.append(Pass.model_construct(body=body, count=before + run))
        layers += run * finished.builder.layers
        if builder.layers + layers > context.limits.layers:
            context.charge(builder, layers, step.span)
        if more or each:  # the analyses walk over each of them
            context.spent.work += run
        done += run
        shapes = left
    return tuple(passes), shapes


def _handed_on(child: BodyBuilder, step: tree.GroupStep, count: int) -> tuple[int, ...]:
    """The tensors that one pass gives to the next; E211 if their number is not that of its inputs."""
    if count == 1:
        return (ended(child, step.span, "[ … ]"),)
    if len(child.several) == count:
        return child.several
    if child.current is None or not isinstance(child.makers.get(child.current), Hole):
        child.sink.report(
            "E211",
            f"each pass has {count} tensors as its input and {len(child.several) or 1} as its output",
            step.span,
            help=f"end it with a block that has {count} outputs: they are the inputs of the next pass",
        )
    return tuple(child.add_hole("", "", step.span) for _ in range(count))


def _pass_key(
    builder: BodyBuilder, index: int, varies: list[tree.Expr], shapes: list[Shape | None]
) -> object | None:
    """What decides the body of a pass: the shapes of its inputs and the values of all that mentions `i`.
    None where one of them can only be known further in."""

    def look_up(name: tree.Name) -> Value:
        value = index if name.name == "i" else builder.scope.find(name.name)
        if value is None or value == UNKNOWN:
            raise Unknown
        return value

    try:
        return tuple(shapes), tuple(evaluate(expr, look_up, builder.context.limits.digits) for expr in varies)
    except NoValue:
        return None
