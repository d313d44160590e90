"""Tensors by name: what `@label` means, and the tensor that a step or a part of the network reads."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Related, Span
from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.elaborate.text_facts import before
from cnnspec.language import tree
from cnnspec.ops.base import Op


def resolve(builder: BodyBuilder, reference: tree.Reference) -> int:
    """The tensor with the label `@label`; a missing one is reported."""
    name = reference.name
    value = builder.labels.get(name)
    if value is not None:
        return value
    if name in builder.context.absent:
        builder.sink.report(
            "E404",
            f"`@{name}` is `none` here: only `output` may name a tensor that does not exist",
            reference.span,
            help="put this under the same `if`",
        )
    elif all(one.name != name for one in builder.context.statements.broken):
        _report_unknown(builder, reference)
    return builder.add_hole("", f"@{name}", reference.span)


def _report_unknown(builder: BodyBuilder, reference: tree.Reference) -> None:
    from cnnspec.diagnostics.suggest import listing, nearest

    name, span = reference.name, reference.span
    related: tuple[Related, ...] = ()
    fix: tuple[Edit, ...] = ()
    hidden = builder.context.statements.facts.labels.get(name)
    if hidden is not None and builder.context.stretches.all[builder.template].kind == "layers":
        related = (Related(hidden, f"`{name}` is not part of these layers"),)
        way = (
            "layers that a block is given read their input alone: give it the tensor too, `block f(@x, act)`"
        )
    elif hidden is not None and hidden.start > span.start:
        related = (Related(hidden, f"`{name}` is defined further down"),)
        way = f"only tensors defined above can be used: move the line `{name}: …` up"
    elif hidden is not None:
        related = (Related(hidden, f"`{name}` is local to its block or repeat"),)
        way = f"a label is local to its block or repeat: use `@{name}` inside it"
    elif near := nearest(name, builder.labels):
        way, fix = f"did you mean `@{near}`?", (Edit(span, f"@{near}"),)
    elif name == "input":
        way = "give the input a name: `input x: …`, and then `@x`"
    elif builder.labels:
        way = f"the labels here are {listing(f'@{label}' for label in builder.labels)}"
    else:
        way = f"name a line before this: `{name}: …`"
    text = builder.context.text[: span.start]
    if re.search(rf"[ \t](?:as|named|called)[ \t]+{name}[ \t]*(?:#|[\r\n])", text):
        return  # that a name does not come after its step is reported
    builder.sink.report(
        "E207",
        f"there is no tensor `@{name}` in scope here",
        span,
        related=related,
        help=way,
        fix=fix,
    )


def resolve_undone(builder: BodyBuilder, word: str, reference: tree.Reference) -> tuple[Op, int] | None:
    """The layer with the label `@label`, which must be a `word`, and the tensor that was its input."""
    op = builder.undoable.get(reference.name)
    value = builder.labels.get(before(reference.name))
    if op is not None and value is not None and op.word == word:
        return op, value
    if reference.name not in builder.labels:
        resolve(builder, reference)
        return None
    builder.sink.report(
        "E308",
        f"`@{reference.name}` is not the output of a {word}",
        reference.span,
        help=f"put the label on a line that ends with the {word}, in this part of the network",
    )
    return None


def input_of(builder: BodyBuilder, span: Span, step: str) -> int | None:
    """The tensor that the step `what` continues from; a missing one is reported."""
    if builder.current is None:
        if builder.context.absent:
            way = "the line before is `none` here: begin with the tensor to continue from, `@name -> …`"
        elif len(builder.context.statements.inputs) > 1:
            way = "with several inputs a line begins with the tensor to continue from: `@name -> …`"
        else:
            way = "begin the network with `input 3x224x224`"
        builder.sink.report("E407", f"`{step}` has no input", span, help=way)
    return builder.current


def ended(builder: BodyBuilder, span: Span, name: str) -> int:
    """The tensor that a body or a branch ends with; a missing one is reported."""
    if builder.current is not None:
        return builder.current
    if builder.context.absent:
        builder.sink.report(
            "E404",
            "this ends with a line that is `none` here, so that it has no output",
            span,
            help="end with a tensor that exists; `else [ id ]` passes the input on",
        )
    elif name:
        input_of(builder, span, name)
    return builder.add_hole("", "", span)
