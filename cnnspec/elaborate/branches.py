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
from cnnspec.ir.graph import Arm, Condition, Guard
from cnnspec.language import tree
from cnnspec.language.write import write_expr


def merge(context: Context, builder: BodyBuilder, step: tree.BranchStep, label: str | None) -> None:
    """Branches become steps of the body that they stand in, and the merge one more."""
    context.charge(builder, 1, step.span)
    op = context.op_of(step.word)
    if op is None or not op.merges:
        from cnnspec.elaborate.other_words import no_merge

        no_merge(context.sink, context.text, step, op)
    arms, spans = _branches(context, builder, step)
    inputs = tuple(arm.value for arm in arms if arm.value is not None)
    if op is not None and op.merges and inputs:
        add_layer(context, builder, step, op(), BoundArguments(), inputs, label, arms, spans)
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
) -> tuple[tuple[Arm, ...], tuple[Span, ...]]:
    """The branches of a merge, and the texts of those that are there."""
    arriving = builder.current
    arms: list[Arm] = []
    spans: list[Span] = []
    with context.deeper(step.span):
        for branch in step.branches:
            builder.current = arriving
            first = len(builder.steps)
            absent, guards = _branch(context, builder, branch.items)
            if absent:
                arms.append(Arm.model_construct(value=None, guards=guards))
                continue
            value = ended(context, builder, branch.span, step.word)
            arms.append(Arm.model_construct(value=value, guards=guards))
            last = builder.steps[-1].span if len(builder.steps) > first else branch.span
            spans.append(last if not branch.items else branch.span)
    return tuple(arms), tuple(spans)


def _branch(context: Context, builder: BodyBuilder, items: Items) -> tuple[bool, tuple[Guard, ...]]:
    """Runs one branch from `builder.current`; says whether it is `none`, and under which `if` that
    was decided."""
    step = _only_step(items)
    if step is not None:
        if _is_none_step(step):
            return True, ()
        if isinstance(step, tree.IfStep):
            side = choose(context, builder, step)
            if side is None:
                return False, ()
            condition, holds, chosen = side
            guard = Guard.model_construct(condition=condition, side=holds)
            outer = builder.guards
            builder.guards = (*outer, guard)
            with context.deeper(step.span):
                absent, guards = _branch(context, builder, chosen.items if chosen is not None else ())
            builder.guards = outer
            return absent, (guard, *guards)
    context.run_items(context, builder, items)
    return False, ()


def choose(
    context: Context, builder: BodyBuilder, step: tree.IfStep
) -> tuple[int, bool, tree.Sequence | None] | None:
    """Decides an `if`; None where it cannot be decided (then what follows is unknown)."""
    try:
        holds = truth(step.condition, lookup_in(context, builder), context.limits.digits)
    except NoValue as problem:
        problem.tell(context.sink)
        builder.leave_hole("", "if", step.span)
        return None
    context.stretches.taken.add((id(step), holds))
    builder.conditions.append(
        Condition.model_construct(
            text=write_expr(step.condition),
            holds=holds,
            at=builder.current or 0,
            span=step.condition.span,
        )
    )
    return len(builder.conditions) - 1, holds, step.then if holds else step.otherwise


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
