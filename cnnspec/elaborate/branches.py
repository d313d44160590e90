"""Merges and their branches; `if`s."""

from __future__ import annotations

from cnnspec.diagnostics import Span
from cnnspec.elaborate.binding import BoundArguments
from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.elaborate.context import Context, Items
from cnnspec.elaborate.labels import ended
from cnnspec.elaborate.layers import add_layer
from cnnspec.elaborate.lookups import lookup_in
from cnnspec.elaborate.values import NoValue, truth
from cnnspec.language import tree


def merge(context: Context, builder: BodyBuilder, step: tree.BranchStep, label: str | None) -> None:
    """Branches become steps of the body that they stand in, and the merge one more."""
    context.charge(builder, 1, step.span)
    op = context.op_of(step.word)
    if op is None or not op.merges:
        from cnnspec.elaborate.other_words import no_merge

        no_merge(context.sink, context.text, step, op)
    inputs, spans = _branches(context, builder, step)
    if op is not None and op.merges and inputs:
        add_layer(context, builder, step, op(), BoundArguments(), inputs, label, spans)
        return
    if op is not None and op.merges:
        context.sink.report(
            "E406",
            f"`{step.word}` has no branch left: all are `none`",
            step.span,
            help="one branch at least must bring a tensor; `id` is the arriving one",
        )
    name = builder.names.steps.get(id(step), step.word)
    builder.current = builder.add_hole(name, step.word, step.span, inputs, label)


def _branches(
    context: Context, builder: BodyBuilder, step: tree.BranchStep
) -> tuple[tuple[int, ...], tuple[Span, ...]]:
    """The tensors of a merge's branches, and the texts of those branches."""
    arriving = builder.current
    values: list[int] = []
    spans: list[Span] = []
    with context.deeper(step.span):
        for branch in step.branches:
            builder.current = arriving
            first = len(builder.steps)
            if not _branch(context, builder, branch.items):
                continue
            values.append(ended(context, builder, branch.span, step.word))
            last = builder.steps[-1].span if len(builder.steps) > first else branch.span
            spans.append(last if not branch.items else branch.span)
    return tuple(values), tuple(spans)


def _branch(context: Context, builder: BodyBuilder, items: Items) -> bool:
    """Runs one branch from `builder.current`; False where it is `none`."""
    step = _only_step(items)
    if _is_none_step(step):
        return False
    if isinstance(step, tree.IfStep):
        holds = decided(context, builder, step)
        if holds is None:
            return True
        chosen = step.then if holds else step.otherwise
        with context.deeper(step.span):
            return _branch(context, builder, chosen.items if chosen is not None else ())
    context.run_items(context, builder, items)
    return True


def decided(context: Context, builder: BodyBuilder, step: tree.IfStep) -> bool | None:
    """Whether an `if` holds; None where that cannot be known (then what follows is unknown)."""
    try:
        holds = truth(step.condition, lookup_in(context, builder), context.limits.digits)
    except NoValue as problem:
        problem.tell(context.sink)
        builder.leave_hole("", "if", step.span)
        return None
    context.stretches.taken.add((id(step), holds))
    return holds


def is_absent(context: Context, builder: BodyBuilder, line: tree.Line) -> bool:
    """`aux: if heads [ … ] else [ none ]`, alone or behind an `@a ->`: a tensor that an `if` leaves
    out."""
    steps = line.steps[1:] if isinstance(line.steps[0], tree.StartStep) else line.steps
    if len(steps) != 1 or not isinstance(step := steps[0], tree.IfStep):
        return False
    try:
        holds = truth(step.condition, lookup_in(context, builder), context.limits.digits)
    except NoValue:
        return False  # reported when the line is run
    side = step.then if holds else step.otherwise
    if side is None or not _is_none(side):
        return False
    context.stretches.taken.add((id(step), holds))
    return True


def _only_step(items: Items) -> tree.Step | None:
    if (
        len(items) == 1
        and isinstance(line := items[0], tree.Line)
        and line.label is None
        and len(line.steps) == 1
    ):
        return line.steps[0]
    return None


def _is_none_step(step: tree.Step | None) -> bool:
    return isinstance(step, tree.LayerStep) and step.word == "none" and not step.arguments


def _is_none(sequence: tree.Sequence) -> bool:
    return _is_none_step(_only_step(sequence.items))
