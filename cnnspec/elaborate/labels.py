"""Tensors by name: what `@label` means, and the tensor that a step or a part of the network goes on from."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Related, Span, line_start
from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.elaborate.context import Context
from cnnspec.elaborate.text_facts import before
from cnnspec.language import tree
from cnnspec.ops.base import Op


def resolve(context: Context, builder: BodyBuilder, reference: tree.Reference) -> int:
    """The tensor that `@label` names; where there is none, that is reported."""
    value = builder.labels.get(reference.name)
    if value is not None:
        return value
    if reference.name in context.absent:
        context.sink.report(
            "E404",
            f"`@{reference.name}` is `none` here: only `output` may name a tensor that is not there",
            reference.span,
            help="put this under the same `if`",
        )
    elif reference.name not in context.failed_names:
        from cnnspec.diagnostics.suggest import listing, nearest

        near = nearest(reference.name, builder.labels)
        hidden = _hidden_label(context, reference)
        context.sink.report(
            "E207",
            f"there is no tensor `@{reference.name}` to be seen from here",
            reference.span,
            related=hidden,
            help=_hidden_way(reference, hidden[0].span)
            if hidden
            else f"did you mean `@{near}`?"
            if near
            else "give the input a name: `input x: …`, and then `@x`"
            if reference.name == "input"
            else (
                f"the labels here are {listing(f'@{label}' for label in builder.labels)}"
                if builder.labels
                else f"name a line before this: `{reference.name}: …`"
            ),
            fix=(Edit(reference.span, f"@{near}"),) if near and not hidden else (),
        )
    return builder.add_hole("", f"@{reference.name}", reference.span)


def _hidden_way(reference: tree.Reference, label: Span) -> str:
    """What to do about a label that is there and cannot be seen."""
    if label.start > reference.span.start:
        return f"only what stands above can be read: move the line `{reference.name}: …` up"
    return f"a label is read in its own block or repeat: put what reads `@{reference.name}` there too"


def _hidden_label(context: Context, reference: tree.Reference) -> tuple[Related, ...]:
    """The line that has this label, where it cannot be seen from here."""
    if context.label_places is None:
        context.label_places = _label_places(context.text)
    span = context.label_places.get(reference.name)
    if span is None:
        return ()
    where = "stands further down" if span.start > reference.span.start else "is seen in its own part only"
    return (Related(span, f"`{reference.name}` {where}"),)


def _label_places(text: str) -> dict[str, Span]:
    """The first place of each label in the text, whatever it is a label of."""
    found: dict[str, Span] = {}
    for match in re.finditer(r"(?<![A-Za-z0-9_@])([A-Za-z_][A-Za-z0-9_]*)[ \t]*:", text):
        if match[1] not in found and "#" not in text[line_start(text, match.start()) : match.start()]:
            found[match[1]] = Span(*match.span(1))
    return found


def resolve_undone(
    context: Context, builder: BodyBuilder, word: str, reference: tree.Reference
) -> tuple[Op, int] | None:
    """The layer that `@label` names, which must be a `word`, and the tensor that arrived there."""
    op = builder.undoable.get(reference.name)
    value = builder.labels.get(before(reference.name))
    if op is not None and value is not None and op.word == word:
        return op, value
    if reference.name not in builder.labels:
        resolve(context, builder, reference)
        return None
    context.sink.report(
        "E308",
        f"`@{reference.name}` is not the tensor that a {word} made",
        reference.span,
        help=f"put the label on a line that ends with the {word}, in this part of the network",
    )
    return None


def input_of(context: Context, builder: BodyBuilder, span: Span, what: str) -> int | None:
    """The tensor that the step `what` goes on from; where there is none, that is reported."""
    if builder.current is not None:
        return builder.current
    context.sink.report(
        "E407",
        f"nothing arrives at `{what}`",
        span,
        help="the line before is `none` here: begin with the tensor that this goes on from, `@name -> …`"
        if context.absent
        else "with several inputs a line begins with the tensor it goes on from: `@name -> …`"
        if len(context.statements.inputs) > 1
        else "begin the network with `input 3x224x224`",
    )
    return None


def ended(context: Context, builder: BodyBuilder, span: Span, what: str) -> int:
    """The tensor that a body or a branch ends with; where there is none, that is reported."""
    if builder.current is not None:
        return builder.current
    if context.absent:
        context.sink.report(
            "E404",
            "this ends with a line that is `none` here: no tensor comes out of it",
            span,
            help="end with a tensor that is there; `else [ id ]` hands on what arrives",
        )
    elif what:
        input_of(context, builder, span, what)
    return builder.add_hole("", "", span)
