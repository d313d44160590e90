"""The ends of a network: its outputs, its claims, and the tensors that nobody reads."""

from __future__ import annotations

from cnnspec.diagnostics import WHOLE_FILE
from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.elaborate.claims import claim_of
from cnnspec.elaborate.context import Context
from cnnspec.elaborate.labels import ended, resolve
from cnnspec.elaborate.lookups import lookup_in
from cnnspec.elaborate.values import NoValue
from cnnspec.ir.graph import Claim
from cnnspec.language import tree

_HIDES_READERS = frozenset({"E201", "E207", "E208", "E211", "E401", "E404", "E406", "E407"})
"""After these findings a tensor may seem unread only because its reader could not be made out."""


def outputs_of(context: Context, builder: BodyBuilder) -> tuple[tuple[int, ...], tuple[str, ...]]:
    if context.statements.output is None:
        last = context.statements.lines[-1].span if context.statements.lines else WHOLE_FILE
        return (ended(context, builder, last, ""),), ("output",)
    values: list[int] = []
    labels: list[str] = []
    for reference in context.statements.output.references:
        if reference.name in context.absent:
            continue
        if reference.name in labels:
            context.sink.report(
                "E204", f"`@{reference.name}` is an output twice", reference.span, help="name it once"
            )
            continue
        value = resolve(context, builder, reference)
        values.append(value)
        labels.append(reference.name)
    if not values:
        context.sink.report(
            "E403",
            "no output is left: all of them are `none`",
            context.statements.output.span,
            help="one at least must be there",
        )
        return (builder.current or 0,), ("output",)
    return tuple(values), tuple(labels)


def report_unused(context: Context, builder: BodyBuilder) -> None:
    if any(finding.code.startswith("E1") or finding.code in _HIDES_READERS for finding in context.sink):
        return
    labels = [label for _, label in context.unused.values()]
    last = next((label for label, at in builder.labels.items() if at == builder.current), None)
    listed = ", ".join(f"@{label}" for label in (*labels, last or "label") if label)
    for span, (what, label) in context.unused.items():
        if label is None:
            way = "label the line and name it: `output @label, …`; or go on from it with `@label -> …`"
        elif context.statements.output is None:
            way = f"if it is one, say so: `output {listed}`; or go on from it with `@{label} -> …`"
        else:
            way = f"add `@{label}` to the `output`; or go on from it with `@{label} -> …`"
        context.sink.report(
            "E402",
            f"nobody reads the tensor{what} that this makes, and it is no output",
            span,
            help=way,
        )
    for value, statement in zip(range(builder.inputs), context.statements.inputs, strict=False):
        if value not in builder.read:
            context.sink.report(
                "E402",
                "nobody reads this input",
                statement.span,
                help=f"go on from it: `@{statement.name} -> …`"
                if statement.name
                else "use it, or leave it out",
            )


def claims_of(context: Context, builder: BodyBuilder, variant: tree.Variant | None) -> tuple[Claim, ...]:
    made: list[Claim] = []
    stated = [claim for expect in context.statements.expects for claim in expect.claims]
    for claim in (*stated, *(variant.claims if variant else ())):
        try:
            made.append(
                claim_of(claim, lookup_in(context, builder), context.limits.digits).model_copy(
                    update={"last": len(builder.steps), "value": builder.current or 0}
                )
            )
        except NoValue as problem:
            problem.tell(context.sink)
    return tuple(made)
