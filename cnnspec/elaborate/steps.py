"""The walk over lines and steps: each kind of step has its function, and this is their table."""

from __future__ import annotations

from collections.abc import Iterable

from cnnspec.elaborate.branches import decided, is_absent, merge
from cnnspec.elaborate.builder import UNKNOWN, BodyBuilder
from cnnspec.elaborate.calls import call
from cnnspec.elaborate.claims import claim_of
from cnnspec.elaborate.labels import resolve
from cnnspec.elaborate.layers import layer
from cnnspec.elaborate.naming import is_scope
from cnnspec.elaborate.regions import enclose, note_undoable
from cnnspec.elaborate.repeats import repeat
from cnnspec.elaborate.stretches import Items
from cnnspec.elaborate.values import Value
from cnnspec.language import tree


def run_items(builder: BodyBuilder, items: Items) -> None:
    """Runs lines and `let`s, in order, in the body that `builder` makes."""
    for item in items:
        builder.context.charge_text(item.span)
        match item:
            case tree.Let():
                run_let(builder, item)
            case tree.Line():
                _run_line(builder, item)
            case tree.ErrorStatement():
                if item.word == "let" and item.name is not None:
                    builder.scope.names.setdefault(item.name, UNKNOWN)


def run_let(builder: BodyBuilder, item: tree.Let) -> None:
    if item.name in builder.scope.names:
        return  # reported already: a name given twice
    builder.context.charge_text(item.span)
    value: Value = UNKNOWN
    with builder.reporting():
        value = builder.evaluate(item.value)
    builder.scope.names[item.name] = value


def _run_line(builder: BodyBuilder, line: tree.Line) -> None:
    first = len(builder.steps)
    if line.label is not None and is_absent(builder, line):
        builder.context.absent.add(line.label)
        builder.current = None
        return
    if is_scope(line):
        _run_labelled_line(builder, line, first)
    else:
        _run_steps(builder, line.steps, line.label, first)
    if line.label is not None and builder.current is not None and line.label not in builder.label_spans:
        builder.labels[line.label] = builder.current
        note_undoable(builder, line.label)
        builder.label_spans[line.label] = line.label_span or line.span


def _run_labelled_line(builder: BodyBuilder, line: tree.Line, first: int) -> None:
    """A labelled line of several steps: a part of its own, but for its start and its claims."""
    steps = line.steps
    if isinstance(steps[0], tree.StartStep):
        builder.current = resolve(builder, steps[0].reference)
        steps = steps[1:]
    claims: list[tree.ClaimStep] = []
    while steps and isinstance(last := steps[-1], tree.ClaimStep):
        claims.insert(0, last)
        steps = steps[:-1]
    inner = tree.Line(None, None, steps, line.span)
    enclose(builder, "line", builder.names.lines[id(line)], (inner,), line.span, line.label, key=id(line))
    for claim in claims:
        _claim(builder, claim, first)


def _run_steps(builder: BodyBuilder, steps: Iterable[tree.Step], label: str | None, first: int) -> None:
    for step in steps:
        match step:
            case tree.LayerStep():
                layer(builder, step, label)
            case tree.CallStep():
                call(builder, step, label)
            case tree.GroupStep():
                name = builder.names.steps[id(step)]
                if step.times is None:
                    enclose(builder, "group", name, step.body.items, step.span, label, key=id(step))
                else:
                    repeat(builder, step, step.times, name, label)
            case tree.BranchStep():
                merge(builder, step, label)
            case tree.IfStep():
                _decide(builder, step, label)
            case tree.StartStep():
                builder.current = resolve(builder, step.reference)
            case tree.ClaimStep():
                _claim(builder, step, first)
            case tree.ErrorStep():
                builder.leave_hole("", "", step.span, label)


def _decide(builder: BodyBuilder, step: tree.IfStep, label: str | None) -> None:
    """The side of an `if` that is taken: its steps stand in the body around it."""
    holds = decided(builder, step)
    sequence = step.then if holds else step.otherwise
    if holds is None or sequence is None:
        return
    with builder.context.deeper(step.span):
        for item in sequence.items:
            if label is not None and isinstance(item, tree.Line):
                _run_steps(builder, item.steps, item.label or label, len(builder.steps))
            else:
                run_items(builder, (item,))


def _claim(builder: BodyBuilder, step: tree.ClaimStep, first: int) -> None:
    for claim in step.claims:
        with builder.reporting():
            made = claim_of(builder, claim, first)
            current = builder.current
            if current is None:
                continue
            if made.shape is not None and made.subject == "out" and builder.values[current] is None:
                if all(1 <= size <= builder.context.limits.dimension for size in made.shape):
                    builder.values[current] = made.shape  # go on from what the author says
            builder.claims.append(made)
