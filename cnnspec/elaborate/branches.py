"""Merges and their branches; `if`s."""

from __future__ import annotations

from cnnspec.diagnostics import Span
from cnnspec.elaborate.binding import Bound
from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.elaborate.layers import LayerSteps
from cnnspec.elaborate.state import Items, Unknown
from cnnspec.elaborate.values import NoValue, truth
from cnnspec.ir.graph import Arm, Condition, Guard
from cnnspec.language import tree
from cnnspec.language.write import write_expr
from cnnspec.ops.base import Op


class BranchSteps(LayerSteps):
    """How branches and sides become steps of the body that they stand in."""

    def merge(self, builder: BodyBuilder, step: tree.BranchStep, label: str | None) -> None:
        self.charge(builder, 1, step.span)
        name = builder.names.steps.get(id(step), step.word)
        op = self.op_of(step.word)
        arriving = builder.current
        if op is None or not op.merges:
            self.no_merge(step, op)
        arms: list[Arm] = []
        spans: list[Span] = []
        with self.deeper(step.span):
            for branch in step.branches:
                builder.current = arriving
                first = len(builder.steps)
                absent, guards = self.branch(builder, branch.items)
                if absent:
                    arms.append(Arm.model_construct(value=None, guards=guards))
                    continue
                value = self.ended(builder, branch.span, step.word)
                arms.append(Arm.model_construct(value=value, guards=guards))
                last = builder.steps[-1].span if len(builder.steps) > first else branch.span
                spans.append(last if not branch.items else branch.span)
        inputs = tuple(arm.value for arm in arms if arm.value is not None)
        if op is None or not op.merges:
            builder.current = self.hole(builder, name, step.word, step.span, inputs, label)
            return
        if not inputs:
            self.sink.report(
                "E406",
                f"`{step.word}` has no branch left: all are `none`",
                step.span,
                help="one branch at least must bring a tensor; `id` is the arriving one",
            )
            builder.current = self.hole(builder, name, step.word, step.span, (), label)
            return
        self.add_layer(
            builder, op(), Bound(), name, inputs, tuple(arms), step.span, step.word_span, label, tuple(spans)
        )

    def no_merge(self, step: tree.BranchStep, op: type[Op] | None) -> None:
        from cnnspec.elaborate import other_words

        other_words.no_merge(self.sink, self.text, step, op)

    def branch(self, builder: BodyBuilder, items: Items) -> tuple[bool, tuple[Guard, ...]]:
        """Runs one branch from `builder.current`; says whether it is `none`, and under which `if` that
        was decided."""
        step = _only_step(items)
        if step is not None:
            if _is_none_step(step):
                return True, ()
            if isinstance(step, tree.IfStep):
                side = self.choose(builder, step)
                if side is None:
                    return False, ()
                condition, holds, chosen = side
                guard = Guard.model_construct(condition=condition, side=holds)
                outer = builder.guards
                builder.guards = (*outer, guard)
                with self.deeper(step.span):
                    absent, guards = self.branch(builder, chosen.items if chosen is not None else ())
                builder.guards = outer
                return absent, (guard, *guards)
        self.run_items(builder, items)
        return False, ()

    def choose(
        self, builder: BodyBuilder, step: tree.IfStep
    ) -> tuple[int, bool, tree.Sequence | None] | None:
        """Decides an `if`; None where it cannot be decided (then what follows is unknown)."""
        arriving = builder.current
        try:
            holds = truth(step.condition, self.lookup_in(builder), self.limits.digits)
        except NoValue as problem:
            problem.tell(self.sink)
            builder.current = self.hole(builder, "", "if", step.span, () if arriving is None else (arriving,))
            return None
        except Unknown:
            builder.current = self.hole(builder, "", "if", step.span, () if arriving is None else (arriving,))
            return None
        builder.conditions.append(
            Condition.model_construct(
                text=write_expr(step.condition),
                holds=holds,
                at=arriving if arriving is not None else 0,
                span=step.condition.span,
            )
        )
        return len(builder.conditions) - 1, holds, step.then if holds else step.otherwise

    def decide(self, builder: BodyBuilder, step: tree.IfStep, label: str | None) -> None:
        chosen = self.choose(builder, step)
        if chosen is None:
            return
        condition, holds, sequence = chosen
        if sequence is None:
            return
        outer = builder.guards
        builder.guards = (*outer, Guard.model_construct(condition=condition, side=holds))
        with self.deeper(step.span):
            if label is not None:
                for item in sequence.items:
                    if isinstance(item, tree.Line):
                        self.run_steps(builder, item.steps, item.label or label, len(builder.steps))
                    else:
                        self.run_items(builder, (item,))
            else:
                self.run_items(builder, sequence.items)
        builder.guards = outer

    def is_absent(self, builder: BodyBuilder, line: tree.Line) -> bool:
        """`aux: if heads [ … ] else [ none ]`, alone or behind an `@a ->`: a tensor that an `if` leaves
        out."""
        steps = line.steps[1:] if isinstance(line.steps[0], tree.StartStep) else line.steps
        if len(steps) != 1 or not isinstance(step := steps[0], tree.IfStep):
            return False
        try:
            holds = truth(step.condition, self.lookup_in(builder), self.limits.digits)
        except (NoValue, Unknown):
            return False  # told when the line is run
        side = step.then if holds else step.otherwise
        return side is not None and _is_none(side)


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
