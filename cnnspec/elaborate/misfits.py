"""A layer that does not fit its input: the finding, with the step that the wrong size comes from."""

from __future__ import annotations

from cnnspec.diagnostics import Edit, Related, Span
from cnnspec.elaborate.binding import BoundArguments
from cnnspec.elaborate.builder import BodyBuilder, ShapePart, made_by
from cnnspec.ops.base import Misfit, written_shape

_ASKED: dict[str, ShapePart] = {"E301": "size", "E306": "size", "E305": "channels"}
"""What of the arriving shape does not fit, by finding; with the others it is all of it."""


def report_misfit(
    builder: BodyBuilder,
    answer: Misfit,
    bound: BoundArguments,
    inputs: tuple[int, ...],
    word_span: Span,
    branches: tuple[Span, ...] | None,
) -> None:
    span = bound.spans.get(answer.argument or "", word_span)
    if branches is not None and answer.input < len(branches):
        span = branches[answer.input]
    if answer.code == "E215" and any(
        one.code.startswith("E1") and span.start <= one.span.start < span.end for one in builder.sink
    ):
        return  # which rows it has is a guess
    at_fault = inputs[min(answer.input, len(inputs) - 1)]
    shape = builder.values[at_fault]
    related: tuple[Related, ...] = ()
    way = answer.help
    if branches is not None:
        if any(found.code == "E105" and _inside(found.span, branches) for found in builder.sink):
            return  # where its branches end is a guess
        from cnnspec.elaborate.ways import way_out

        way = way_out(builder, branches, inputs, answer, builder.context.text)
        first = builder.values[inputs[0]]
        if len(branches) > 1 and branches[0] != span and first is not None:
            related = (Related(branches[0], f"this branch brings {written_shape(first)}"),)
    elif answer.code.startswith("E3"):
        part = _ASKED.get(answer.code, "shape")
        maker = made_by(builder, at_fault, part)
        if maker is not None and shape is not None and maker.span != span:
            if maker.shape == shape:
                what = f"{written_shape(shape)} comes from here"
            elif part == "channels":
                what = f"{shape[0]} channels come from here"
            else:
                what = f"{written_shape(shape[1:])} comes from here"
            related = (Related(maker.span, what),)
    fix: tuple[Edit, ...] = ()
    if answer.replacement is not None and answer.argument in bound.spans:
        fix = (Edit(bound.spans[answer.argument], answer.replacement),)
    elif answer.replacement is not None and answer.argument is None and branches is None:
        fix = (Edit(word_span, answer.replacement),)
    builder.sink.report(
        answer.code,
        answer.message,
        span,
        label=answer.label,
        related=related,
        note=answer.note,
        help=way,
        fix=fix,
    )


def _inside(span: Span, branches: tuple[Span, ...]) -> bool:
    """Whether a bracket stands before or among these branches, on their merge's line or below it."""
    return branches[0].start - 80 <= span.start < branches[-1].end
