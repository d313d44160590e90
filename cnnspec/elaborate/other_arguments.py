"""Arguments in the notation of other tools: `bias=False`, `act=relu`, `pad=reflect`, `K3x3`."""

from __future__ import annotations

import re
from bisect import bisect
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from cnnspec.diagnostics import Edit, Span
from cnnspec.diagnostics.suggest import fold
from cnnspec.elaborate.binding import slots_of, written_or
from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.elaborate.other_words import foreign_step, meant_as_label
from cnnspec.elaborate.refusals import refusal
from cnnspec.elaborate.step_as_whole import one_mistake
from cnnspec.elaborate.values import NoValue
from cnnspec.language import tree
from cnnspec.language.write import write_argument, write_expr, write_value
from cnnspec.notations.words import layer_word
from cnnspec.ops import lookup

if TYPE_CHECKING:
    pass


def together(
    problems: list[NoValue], builder: BodyBuilder, step: tree.LayerStep | tree.BranchStep
) -> list[NoValue]:
    """Reports the problems of one step; a step in another notation is a single problem."""
    text = builder.context.text
    label = meant_as_label(text, step)
    if label is not None and label.finding.code == "E101":
        return [label]
    row = re.search(r"(?<![\w@.])([A-Za-z]\w*)\(([^()\r\n]*)\)\(([^()\r\n]*)\)", text[slice(*step.span)])
    if row is not None and any(problem.finding.code == "E212" for problem in problems):  # `K=rows(i)(0)`
        span = Span(step.span.start + row.start(), step.span.start + row.end())
        plain = f"{row[1]}({row[2]}, {row[3]})"
        message = "an entry of a row is named by both places in one pair of brackets"
        return [NoValue("E101", message, span, f"write `{plain}`", fix=(Edit(span, plain),))]
    if (
        any(problem.finding.code == "E202" for problem in problems)
        and (sizes := _bare_sizes(text, step)) is not None
    ):
        return [sizes]
    if isinstance(step, tree.LayerStep) and (whole := one_mistake(builder, step)) is not None:
        return [whole]
    mistakes = (
        truth(argument)
        or _activation(argument, step)
        or _border(argument, step)
        or _kernel(argument, step)
        or _glued_sizes(argument)
        or _other_size(argument, step)
        or filters_in_size(argument, step, channels_of(builder))
        for argument in step.arguments
    )
    instead = [problem for problem in mistakes if problem is not None]
    if instead:
        starts = [one.finding.span.start for one in instead]  # in the order of the text

        def is_covered(problem: NoValue) -> bool:
            at = bisect(starts, problem.finding.span.start) - 1
            return at >= 0 and problem.finding.span.start < instead[at].finding.span.end

        problems = [problem for problem in problems if not is_covered(problem)] + instead
    bare = {
        argument.span
        for argument in step.arguments
        if isinstance(argument, tree.PositionalArgument)
        and not (isinstance(argument.value, tree.Name) and not _OF_PAPERS.fullmatch(argument.value.name))
    }
    if any(problem.finding.code == "E202" and problem.finding.span in bare for problem in problems):
        foreign = foreign_step(text, step.span, step.word)
        if foreign is not None:
            return [foreign]
    return _in_one(problems, step, text)


def _in_one(problems: list[NoValue], step: tree.LayerStep | tree.BranchStep, text: str) -> list[NoValue]:
    """Arguments with other names, `stride=2 padding=1`, are one finding with the whole step."""
    renamed = [problem for problem in problems if problem.finding.code == "E202" and problem.finding.fix]
    edits = sorted(edit for one in renamed for edit in one.finding.fix)
    inside = all(step.span.start <= edit.span.start and edit.span.end <= step.span.end for edit in edits)
    if len(renamed) < 2 or not inside or any(a.span.end > b.span.start for a, b in pairwise(edits)):
        return problems
    written, done = "", step.span.start
    for edit in edits:
        written += text[done : edit.span.start] + edit.text
        done = edit.span.end
    written += text[done : step.span.end]
    message = "; ".join(one.finding.message for one in renamed)
    way = f"write `{written}`"
    whole = NoValue("E202", message, renamed[0].finding.span, way, fix=tuple(edits))
    return [whole, *(problem for problem in problems if problem not in renamed)]


def truth(argument: tree.Argument) -> NoValue | None:
    """E202 for `bias=False` and `bias=True`."""
    match argument:
        case tree.NamedArgument(name, tree.Name(value)) if fold(name) in ("bias", "usebias"):
            way = {"false": "nobias", "none": "nobias", "no": "nobias", "true": "bias", "yes": "bias"}.get(
                value.lower()
            )
            if way is not None:
                return refusal(
                    "`bias` and `nobias` are words without a value", argument.span, f"write `{way}`", way
                )
    return None


def _activation(argument: tree.Argument, step: tree.LayerStep | tree.BranchStep) -> NoValue | None:
    """E202 for `activation=relu`, `act=relu`."""
    if not isinstance(argument, tree.NamedArgument):
        return None
    if fold(argument.name) not in ("activation", "act", "nonlinearity", "activationfn"):
        return None
    word = layer_word(argument.value.name) if isinstance(argument.value, tree.Name) else None
    last = argument.span.end == step.span.end
    return refusal(
        f"`{step.word}` has no `{argument.name}=`; an activation is a separate step",
        argument.span if argument.name == "activation" else argument.name_span,
        f"write `-> {word or 'relu'}` after it",
        f"-> {word}" if word and last else None,
        argument.span,
    )


_BORDERS = {
    **dict.fromkeys(("reflect", "reflection", "symmetric", "mirror"), "reflect"),
    **dict.fromkeys(("replicate", "replication", "edge", "nearest", "border"), "replicate"),
}


def _border(argument: tree.Argument, step: tree.LayerStep | tree.BranchStep) -> NoValue | None:
    """E202 for `pad=reflect`: with the pad layer that is meant, of the step's padding or half its filter."""
    op = lookup(step.word)
    if step.word == "pad" or isinstance(argument, tree.PositionalArgument):
        return None
    if op is not None and "P" not in slots_of(op).letters:
        return None
    name = argument.letter if isinstance(argument, tree.LetterArgument) else argument.name
    mode = _BORDERS.get(fold(argument.value.name)) if isinstance(argument.value, tree.Name) else None
    if mode is None or fold(name) not in ("p", "pad", "padding", "paddingmode", "padmode", "mode"):
        return None
    others = [one for one in step.arguments if one is not argument]
    letters = {one.letter: one for one in others if isinstance(one, tree.LetterArgument)}
    size, filters = letters.get("P"), letters.get("F")
    wide = size.value if size is not None else None
    if size is None and filters is not None and isinstance(filters.value, tree.Number):
        half = filters.value.value // 2
        wide = tree.Number(Fraction(half), str(half), filters.span)
    if not isinstance(wide, tree.Number):
        return refusal(
            f"`{step.word}` pads with zeros", argument.span, f"put a layer before it, as in `pad 1 {mode}`"
        )
    layer = " ".join([step.word, *(write_argument(one) for one in others if one is not size)])
    plain = f"pad {wide.text} {mode} -> {layer}"
    return refusal(f"`{step.word}` pads with zeros", argument.span, f"write `{plain}`", plain, step.span)


def _kernel(argument: tree.Argument, step: tree.LayerStep | tree.BranchStep) -> NoValue | None:
    """E202 for `k=3` and `n=64` of a convolution without F: `k` is the kernel's size in most tools."""
    if not isinstance(argument, tree.NamedArgument) or argument.name not in ("k", "n"):
        return None
    others = {getattr(one, "letter", getattr(one, "name", "")) for one in step.arguments}
    if step.word not in ("conv", "deconv") or others & {"F", "f", "kernel", "kernel_size"}:
        return None
    message, number = f"`{step.word}` has no `{argument.name}=`", written_or(argument.value)
    if argument.name == "n":
        return refusal(message, argument.name_span, f"write K{number}", f"K{number}", argument.span)
    if others & {"n", "K", "filters", "out", "out_channels", "channels"}:
        return refusal(message, argument.name_span, f"write F{number}", f"F{number}", argument.span)
    way = f"`F{number}` if it is the size of a filter, `K{number}` if it is the number of filters"
    return refusal(message, argument.name_span, way)


_OF_PAPERS = re.compile(r"k[0-9]+(?:n[0-9]+)?(?:s[0-9]+)?")
"""Matches the beginning of `k3n64s1` and of `k3 n64 s1`."""
_SIZE = r"(?:\([^()\r\n]*\)|[CTHW]|[0-9]+)"
_SIZES = re.compile(rf"(?<![\w@.)]){_SIZE}(?:x{_SIZE})+(?![\w(])")


def _bare_sizes(text: str, step: tree.LayerStep | tree.BranchStep) -> NoValue | None:
    """E205 for `(H*W)xC` and `2x(H)xW`, of which only the beginning is a size."""
    match = _SIZES.search(text, step.word_span.end, step.span.end)
    if match is None:
        return None
    plain = "x".join(f"({one})" if one in "CTHW" else one for one in re.findall(_SIZE, match[0]))
    if plain == match[0]:
        return None
    span = Span(*match.span())
    message = "a size that is not a plain number is written in parentheses"
    return NoValue("E205", message, span, f"write `{plain}`", fix=(Edit(span, plain),))


def _glued_sizes(argument: tree.Argument) -> NoValue | None:
    """E205 for `Cx(H*W)` and `CxHxW`: a size that is not a number is written in parentheses."""
    value = argument.value
    if isinstance(value, tree.Function) and re.fullmatch("[CTHW]x", value.name):
        plain = f"({value.name[0]})x({', '.join(map(write_expr, value.arguments))})"
    elif isinstance(value, tree.Name) and re.fullmatch("[CTHW](?:x(?:[CTHW]|[0-9]+))+", value.name):
        sizes = value.name.split("x")
        plain = "x".join(size if size.isdigit() else f"({size})" for size in sizes)
    else:
        return None
    message = "a size that is not a plain number is written in parentheses"
    return NoValue("E205", message, value.span, f"write `{plain}`", fix=(Edit(value.span, plain),))


def _other_size(argument: tree.Argument, step: tree.LayerStep | tree.BranchStep) -> NoValue | None:
    """E202 for a size in the place of something else: `P=valid`, `K3x3`, `fc 784x128`."""
    span = argument.span
    match argument:
        case tree.LetterArgument("P", tree.Name(name)) if fold(name) in ("valid", "none"):
            return refusal(f"`{name}` is not a padding", span, "write `P0`: no padding", "P0")
        case tree.LetterArgument("K", tree.Dims((rows, columns))):
            size = _written_pair(rows, columns)
            message = (
                f"K is the number of filters, one number; {write_expr(rows)}x{write_expr(columns)} is a size"
            )
            for other in step.arguments:
                if isinstance(other, tree.LetterArgument) and other.letter == "F":
                    number = written_or(other.value)
                    way = f"write `F{size} K{number}`" if number.isdigit() else f"write `F{size}`"
                    fix = (Edit(span, f"F{size}"), Edit(other.span, f"K{number}")) if number.isdigit() else ()
                    return NoValue("E205", message, span, way, fix=fix)
            return NoValue(
                "E205", message, span, f"the filter size is F: write `F{size}`, and K64 for 64 filters"
            )
        case tree.PositionalArgument(tree.Dims((_, outputs))) if step.word in ("fc", "rbf"):
            way = f"{step.word} {write_expr(outputs)}"
            message = f"`{step.word}` takes the number of outputs only; the number of inputs is known"
            return NoValue("E205", message, span, f"write `{way}`", fix=(Edit(span, write_expr(outputs)),))
        case tree.PositionalArgument(tree.Name(name)) if re.fullmatch("[xX][0-9]+", name):
            op = lookup(step.word)
            if op is not None and slots_of(op).places:
                message = f"`{step.word}` takes a number, not `{name}`"
                return refusal(message, span, f"write `{step.word} {name[1:]}`", name[1:])
    return None


_LARGEST_SIZE = 11
"""The message for a filter that is written as three numbers."""


def channels_of(builder: BodyBuilder) -> int | None:
    """The channels of a step's input if it is an image."""
    shape = None if builder.current is None else builder.values[builder.current]
    return shape[0] if shape is not None and len(shape) == 3 else None


def filters_in_size(
    argument: tree.Argument, step: tree.LayerStep | tree.BranchStep, channels: int | None
) -> NoValue | None:
    """E202 for `conv 3x3x16` and `conv F3x3x16` on an image: the third number is the depth of a filter,
    which is that of its input, or else the number of filters.
    """
    value = argument.value
    if step.word not in ("conv", "deconv", "local") or channels is None or not isinstance(value, tree.Dims):
        return None
    numbers = [dim.value for dim in value.dims if isinstance(dim, tree.Number)]
    if len(numbers) != 3 or getattr(argument, "name", getattr(argument, "letter", "F")) != "F":
        return None
    if max(numbers[:2]) > _LARGEST_SIZE:
        return None  # a claimed shape, `6@28x28`
    size, last = _written_pair(*value.dims[:2]), numbers[2]
    others = [one for one in step.arguments if one is not argument]
    filters = next((one.value for one in others if isinstance(one, tree.PositionalArgument)), None)
    has_filters = any(isinstance(one, tree.LetterArgument) and one.letter == "K" for one in others)
    plain, way = f"F{size}", f"the depth of a filter is that of its input, {channels:,}: write "
    if has_filters:
        way += f"`{plain}`"
    elif isinstance(filters, tree.Number) and last == channels:
        way += f"`{step.word} {plain} K{filters.text}`"
        plain = ""
    elif last == channels:
        way += f"`{plain}`, and K64 for 64 filters"
        plain = ""
    else:
        plain = f"{plain} K{last}"
        way = f"write `{plain}`: {last} filters; their depth is that of their input, {channels:,}"
    message = f"a filter is rows by columns, found {write_value(value)}"
    return refusal(message, argument.span, way, plain or None)


def _written_pair(rows: tree.Expr, columns: tree.Expr) -> str:
    """`3` for 3x3, `1x7`."""
    first, second = write_expr(rows), write_expr(columns)
    return first if first == second else f"{first}x{second}"
