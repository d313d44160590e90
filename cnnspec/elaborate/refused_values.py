"""Values that a layer refuses, and missing values: pydantic's errors as findings."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from cnnspec.diagnostics import Edit
from cnnspec.elaborate.binding import BoundArguments, Slots
from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.elaborate.other_words import sample_of
from cnnspec.ir.expr import spelled
from cnnspec.language import tree
from cnnspec.language.write import write_number
from cnnspec.ops.base import Argument, Init, written_init

if TYPE_CHECKING:
    from pydantic import ValidationError


def refused(
    builder: BodyBuilder,
    step: tree.LayerStep | tree.BranchStep,
    slots: Slots,
    bound: BoundArguments,
    error: ValidationError,
) -> None:
    """Reports values that pydantic refuses: E203 for a missing value, otherwise E205."""
    details = error.errors(include_url=False)
    needed = [slots.fields[str(one["loc"][0])] for one in details if one["type"] == "missing"]
    if needed:
        _missing(builder, step, needed)
    for detail in details:
        if detail["type"] != "missing":
            _refused(builder, step, slots, bound, detail)


def _missing(builder: BodyBuilder, step: tree.LayerStep | tree.BranchStep, needed: list[Argument]) -> None:
    start, end = step.span
    if any(one.code == "E102" and start <= one.span.start < end for one in builder.sink):
        return  # its notation is reported first
    from cnnspec.elaborate.other_arguments import channels_of, filters_in_size

    for argument in step.arguments:  # `conv F3x3x16`
        if (problem := filters_in_size(argument, step, channels_of(builder))) is not None:
            problem.report(builder.sink)
            return
    meaning = f": {needed[0].doc}" if len(needed) == 1 else ""
    text = builder.context.text[start:end]
    sample = " ".join([text if len(text) < 60 else step.word, *map(sample_of, needed)])
    message = f"`{step.word}` needs {' and '.join(map(how, needed))}{meaning}"
    builder.sink.report("E203", message, step.word_span, help=f"for instance `{sample}`")


def _refused(
    builder: BodyBuilder,
    step: tree.LayerStep | tree.BranchStep,
    slots: Slots,
    bound: BoundArguments,
    detail: Any,
) -> None:
    name = str(detail["loc"][0]) if detail["loc"] else ""
    argument = slots.fields.get(name)
    span = bound.spans.get(name, step.word_span)
    if detail["type"] in ("value_error", "assertion_error"):
        builder.sink.report("E205", str(detail["ctx"]["error"]), span)
        return
    if any(finding.code == "E108" and finding.span.start == span.start for finding in builder.sink):
        return  # its sign is reported already
    if isinstance(detail["input"], int) and detail["input"] < 0 and step.word == "slice":
        _from_the_end(builder, step, detail["input"])
        return
    reason = str(detail["msg"]).replace("Input should be", "it must be")
    reason = re.sub(r"'(\w+)'", r"`\1`", reason)
    for long, short in _BOUNDS:
        reason = reason.replace(long, short)
    way = f"for instance `{sample_of(argument)}`" if argument is not None else ""
    if argument is not None and argument.letter == "P":
        way = NO_NEGATIVE_PADDING
    if detail["input"] == 0 and re.search(r"\bi\b", builder.context.text[slice(*span)]):
        way = "`i` is 0 in the first pass: use `(i + 1)`"
    subject = how(argument) if argument is not None else "this"
    value = _as_written(detail["input"])
    builder.sink.report("E205", f"{subject} of `{step.word}` cannot be {value}: {reason}", span, help=way)


def _from_the_end(builder: BodyBuilder, step: tree.LayerStep | tree.BranchStep, place: int) -> None:
    """`slice 1:-1`, as Python counts from the end."""
    message = f"channels are counted from 0; {place} is not a channel"
    for argument in step.arguments:
        if isinstance(argument.value, tree.Range) and isinstance(argument.value.high, tree.Unary):
            plain = f"C - {-place}"
            where = argument.value.high.span
            builder.sink.report("E205", message, where, help=f"write `{plain}`", fix=(Edit(where, plain),))
            return
    where = next((one.span for one in step.arguments if isinstance(one.value, tree.Range)), step.span)
    builder.sink.report("E205", message, where, help="from the end: `C - 1` is the last one")


def _as_written(value: Any) -> str:
    """The refused value as a spec writes it."""
    match value:
        case Init():
            return written_init(value)
        case Fraction():
            return write_number(value)
        case int() | str() | (int(), int()):
            return spelled(value)
    return "this"


def how(argument: Argument) -> str:
    return argument.letter or (f"`{argument.keyword}=`" if argument.keyword else "a value")


_BOUNDS = (
    ("greater than or equal to ", "at least "),
    ("less than or equal to ", "at most "),
)
NO_NEGATIVE_PADDING = "padding adds zeros around a map, and `P0` adds none; `crop` cuts a border off"
