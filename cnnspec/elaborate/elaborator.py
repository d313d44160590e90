"""Syntax tree → IR: the walk over lines and steps. One `Elaborator` makes one graph."""

from __future__ import annotations

from collections.abc import Iterable

from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.elaborate.naming import is_scope
from cnnspec.elaborate.repeats import RepeatSteps
from cnnspec.elaborate.state import UNKNOWN, Items, OverBudget, Unknown
from cnnspec.elaborate.values import NoValue, evaluate, shown
from cnnspec.ir.graph import Local
from cnnspec.language import tree
from cnnspec.language.write import write_expr


class Elaborator(RepeatSteps):
    """Runs lines: each step goes to the file that knows its kind."""

    def run_items(self, builder: BodyBuilder, items: Items) -> None:
        for item in items:
            self.charge_text(item.span)
            match item:
                case tree.Let():
                    self.run_let(builder, item)
                case tree.Line():
                    self.run_line(builder, item)
                case tree.ErrorStatement():
                    if item.word == "let" and item.name is not None:
                        builder.scope.names.setdefault(item.name, UNKNOWN)

    def run_let(self, builder: BodyBuilder, item: tree.Let) -> None:
        if item.name in builder.scope.names:
            return  # told before: a name given twice
        self.charge_text(item.span)  # a second time: it is worked out, and written down
        try:
            value = evaluate(item.value, self.lookup_in(builder), self.limits.digits)
        except NoValue as problem:
            problem.tell(self.sink)
            value = UNKNOWN
        except Unknown:
            value = UNKNOWN
        builder.scope.names[item.name] = value
        if value != UNKNOWN and builder.current is not None:
            builder.locals.append(
                Local.model_construct(
                    name=item.name,
                    text=write_expr(item.value),
                    value=shown(value),
                    at=builder.current,
                    before=len(builder.steps),
                )
            )

    def run_line(self, builder: BodyBuilder, line: tree.Line) -> None:
        first = len(builder.steps)
        if line.label is not None and self.is_absent(builder, line):
            self.absent.add(line.label)
            builder.current = None
            return
        if is_scope(line):
            steps = line.steps
            if isinstance(steps[0], tree.StartStep):
                self.start(builder, steps[0])
                steps = steps[1:]
            claims: list[tree.ClaimStep] = []
            while steps and isinstance(last := steps[-1], tree.ClaimStep):
                claims.insert(0, last)
                steps = steps[:-1]
            inner = tree.Line(None, None, steps, line.span)
            self.enclose(
                builder, "line", builder.names.lines[id(line)], (inner,), line.span, line.label, key=id(line)
            )
            for claim in claims:
                self.claim(builder, claim, first)
        else:
            self.run_steps(builder, line.steps, line.label, first)
        if line.label is not None and builder.current is not None and line.label not in builder.label_spans:
            builder.labels[line.label] = builder.current
            self.note_undoable(builder, line.label)
            builder.label_spans[line.label] = line.label_span or line.span

    def run_steps(
        self, builder: BodyBuilder, steps: Iterable[tree.Step], label: str | None, first: int
    ) -> None:
        for step in steps:
            match step:
                case tree.LayerStep():
                    self.layer(builder, step, label)
                case tree.CallStep():
                    self.call(builder, step, label)
                case tree.GroupStep():
                    name = builder.names.steps[id(step)]
                    if step.times is None:
                        self.enclose(builder, "group", name, step.body.items, step.span, label, key=id(step))
                    else:
                        self.repeat(builder, step, step.times, name, label)
                case tree.BranchStep():
                    self.merge(builder, step, label)
                case tree.IfStep():
                    self.decide(builder, step, label)
                case tree.StartStep():
                    self.start(builder, step)
                case tree.ClaimStep():
                    self.claim(builder, step, first)
                case tree.ErrorStep():
                    arriving = () if builder.current is None else (builder.current,)
                    builder.current = self.hole(builder, "", "", step.span, arriving, label)

    def start(self, builder: BodyBuilder, step: tree.StartStep) -> None:
        builder.current = self.resolve(builder, step.reference)


__all__ = ["Elaborator", "OverBudget", "Unknown"]
