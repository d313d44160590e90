"""Merges and their branches; `if`s."""

from __future__ import annotations

from cnnspec.diagnostics import Span
from cnnspec.elaborate.binding import BoundArguments
from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.elaborate.labels import ended
from cnnspec.elaborate.layers import add_layer
from cnnspec.elaborate.regions import look_through
from cnnspec.elaborate.stretches import Items
from cnnspec.elaborate.values import NoValue
from cnnspec.language import tree
from cnnspec.ops import lookup


def merge(builder: BodyBuilder, step: tree.BranchStep, label: str | None) -> None:
    """Branches become steps of the body that they stand in, and the merge one more."""
    builder.context.charge(builder, 1, step.span)
    op = lookup(step.word)
    merges = op is not None and op.merges
    if not merges:
        from cnnspec.elaborate.other_words import no_merge

        no_merge(builder, step, op)
    inputs, spans = _branches(builder, step)
    if op is not None and merges and inputs:
        add_layer(builder, step, op(), BoundArguments(), inputs, label, spans)
        return
    if merges:
        builder.sink.report(
            "E406",
            f"`{step.word}` has no branch left: all are `none`",
            step.span,
            help="one branch at least must bring a tensor; `id` is the arriving one",
        )
    name = builder.names.steps.get(id(step), step.word)
    builder.current = builder.add_hole(name, step.word, step.span, inputs, label)


def _branches(builder: BodyBuilder, step: tree.BranchStep) -> tuple[tuple[int, ...], tuple[Span, ...]]:
    """The tensors of a merge's branches, and the texts of those branches."""
    arriving = builder.current
    values: list[int] = []
    spans: list[Span] = []
    with builder.context.deeper(step.span):
        for branch in step.branches:
            builder.current = arriving
            first = len(builder.steps)
            if not _branch(builder, branch.items):
                continue
            values.append(ended(builder, branch.span, step.word))
            last = builder.steps[-1].span if len(builder.steps) > first else branch.span
            spans.append(last if not branch.items else branch.span)
    return tuple(values), tuple(spans)


def _branch(builder: BodyBuilder, items: Items) -> bool:
    """Runs one branch from `builder.current`; False where it is `none`."""
    step = _only_step(items)
    if _is_none(step):
        return False
    if not isinstance(step, tree.IfStep):
        builder.context.run_items(builder, items)
        return True
    holds = decided(builder, step)
    if holds is None:
        return True
    chosen = step.then if holds else step.otherwise
    with builder.context.deeper(step.span):
        return _branch(builder, chosen.items if chosen is not None else ())


def decided(builder: BodyBuilder, step: tree.IfStep) -> bool | None:
    """Whether an `if` holds; None where that cannot be known (then what follows is unknown)."""
    try:
        holds = builder.holds(step.condition)
    except NoValue as problem:
        problem.report(builder.sink)
        for side in (step.then, step.otherwise):
            if side is not None and not _is_none(_only_step(side.items)):
                look_through(builder, side.items, builder.names)
        builder.leave_hole("", "if", step.span)
        return None
    builder.context.stretches.taken.add((id(step), holds))
    return holds


def is_absent(builder: BodyBuilder, line: tree.Line) -> bool:
    """`aux: if heads [ … ] else [ none ]`, alone or behind an `@a ->`: a tensor that an `if` leaves
    out."""
    steps = line.steps[1:] if isinstance(line.steps[0], tree.StartStep) else line.steps
    if len(steps) != 1 or not isinstance(step := steps[0], tree.IfStep):
        return False
    try:
        holds = builder.holds(step.condition)
    except NoValue:
        return False  # reported when the line is run
    side = step.then if holds else step.otherwise
    if side is None or not _is_none(_only_step(side.items)):
        return False
    builder.context.stretches.taken.add((id(step), holds))
    return True


def _only_step(items: Items) -> tree.Step | None:
    match items:
        case (tree.Line(label=None, steps=(step,)),):
            return step
    return None


def _is_none(step: tree.Step | None) -> bool:
    return isinstance(step, tree.LayerStep) and step.word == "none" and not step.arguments
