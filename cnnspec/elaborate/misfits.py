"""A layer that does not fit its input: the finding, with the step that the wrong size comes from. For
branches that do not match: the change to a step that would make them match."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from cnnspec.diagnostics import Edit, Related, Span
from cnnspec.elaborate.binding import BoundArguments
from cnnspec.elaborate.builder import BodyBuilder, ShapePart, made_by
from cnnspec.elaborate.sizes import larger_input, multiple
from cnnspec.elaborate.sizes_meant import size_meant
from cnnspec.ir.graph import Layer
from cnnspec.ops.base import Misfit, Op, Shape, written_shape, written_sizes

_ASKED: dict[str, ShapePart] = {"E301": "size", "E306": "size", "E305": "channels"}
"""The part of an input's shape that does not fit, by finding; for the others it is the whole shape."""
MOST_TRIED = 3
"""Findings for which other sizes of the input are tried."""


def report_misfit(
    builder: BodyBuilder,
    answer: Misfit,
    bound: BoundArguments,
    inputs: tuple[int, ...],
    word_span: Span,
    branches: tuple[Span, ...] | None,
) -> None:
    span = bound.spans.get(answer.argument or "", word_span)
    if branches is not None and answer.argument not in bound.spans and answer.input < len(branches):
        span = branches[answer.input]
    if answer.code == "E215" and any(
        one.code.startswith("E1") and span.start <= one.span.start < span.end for one in builder.sink
    ):
        return  # its rows can only be guessed
    at_fault = inputs[min(answer.input, len(inputs) - 1)]
    shape = builder.values[at_fault]
    related: tuple[Related, ...] = ()
    way = answer.help
    if branches is not None:
        if any(finding.code == "E105" and _inside(finding.span, branches) for finding in builder.sink):
            return  # the ends of its branches can only be guessed
        first = builder.values[inputs[0]]
        way_meant = ""
        if answer.code == "E304" and answer.input < len(branches):
            way_meant = size_meant(builder, word_span, branches[answer.input], first, shape)
            way_meant = way_meant or size_meant(builder, word_span, branches[0], shape, first)
        way = way_meant or way_out(builder, branches, inputs, answer, builder.context.text)
        if len(branches) > 1 and span in branches[1:] and first is not None:
            related = (Related(branches[0], _has_shape(builder, branches[0], inputs[0], first)),)
    elif answer.code.startswith("E3"):
        part = _ASKED.get(answer.code, "shape")
        maker = made_by(builder, at_fault, part)
        if maker is not None and shape is not None and maker.span != span:
            if maker.shape == shape:
                origin_text = f"{written_shape(shape)} comes from here"
            elif part == "channels":
                origin_text = f"{shape[0]} channels come from here"
            else:
                origin_text = f"{written_shape(shape[1:])} comes from here"
            related = (Related(maker.span, origin_text),)
    fix: tuple[Edit, ...] = ()
    if answer.replacement is not None and answer.argument in bound.spans:
        fix = (Edit(bound.spans[answer.argument], answer.replacement),)
    elif answer.replacement is not None and answer.argument is None and branches is None:
        fix = (Edit(word_span, answer.replacement),)
    fitting = next((number for number in reversed(builder.context.passes) if number), 0)
    if answer.code == "E301" and fitting:  # the layer fits, but is repeated too often
        way, fix = f"{fitting} {'pass fits' if fitting == 1 else 'passes fit'}: `]*{fitting}`", ()
    way = "; or ".join(filter(None, (way, _other_input(builder, answer, span, branches is not None))))
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


def _other_input(builder: BodyBuilder, answer: Misfit, span: Span, merges: bool) -> str:
    """The help that names an input that would fit."""
    context, shape = builder.context, builder.context.input_shape
    known = {one.span for one in context.sink if one.code.startswith("E3")}
    if context.attempt is None or shape is None or len(shape) == 1 or len(known) >= MOST_TRIED:
        return ""
    if merges:
        if answer.code != "E304":
            return ""
        return multiple(context.attempt, shape, span, known)
    return larger_input(context.attempt, shape, span, known) if answer.code == "E301" else ""


def _has_shape(builder: BodyBuilder, branch: Span, value: int, shape: Shape) -> str:
    """A note on this branch. After a labelled line `id` is that line's output: the note names it, because
    another tensor may be meant."""
    labels = [name for name, labelled in builder.labels.items() if labelled == value and name.isidentifier()]
    if labels and builder.context.text[branch.start : branch.end].strip() in ("id", ""):
        return f"this branch is `@{labels[-1]}`, of shape {written_shape(shape)}"
    return f"this branch has the shape {written_shape(shape)}"


def _inside(span: Span, branches: tuple[Span, ...]) -> bool:
    """Whether a bracket comes before or among these branches, on their merge's line or below it."""
    return branches[0].start - 80 <= span.start < branches[-1].end


def way_out(
    builder: BodyBuilder,
    branches: tuple[Span, ...],
    inputs: tuple[int, ...],
    answer: Misfit,
    text: str,
) -> str:
    """The change that would make the branches fit, in the branch at fault or in the first one; otherwise the
    merge's own help."""
    first, other = builder.values[inputs[0]], builder.values[inputs[answer.input]]
    if spread := _spread(builder, inputs, answer):
        return spread
    if first is None or other is None or not 1 < len(first) == len(other) or first[1:] == other[1:]:
        return answer.help
    ways = _Ways(builder, branches, text)
    larger, smaller = (0, answer.input) if prod(first[1:]) > prod(other[1:]) else (answer.input, 0)
    sizes = (first, other) if larger == 0 else (other, first)
    channels = answer.cause != "equal shapes" or first[0] == other[0]
    extra = ways.extra(inputs[smaller], sizes[0])
    if mended := extra or (channels and ways.like(inputs[0], inputs[answer.input])):
        return mended
    missing, too_much = ways.stride_missing(larger, *sizes), ways.stride_too_much(smaller, sizes[0])
    if answer.cause == "equal shapes":  # the channels too
        solutions = (missing, ways.projection(larger, *sizes), too_much)
    else:
        solutions = (too_much, missing, "")
    return ways.lost_padding() or next(filter(None, solutions), "") or answer.help


def _spread(builder: BodyBuilder, inputs: tuple[int, ...], answer: Misfit) -> str:
    """For a map and a vector (or a map of one position) of as many channels: the layer that broadcasts the
    vector."""
    shapes = [builder.values[value] for value in inputs]
    beside = answer.input or max(range(len(shapes)), key=lambda place: prod(shapes[place] or ()))
    first, other = shapes[0], shapes[beside]
    if first is None or other is None:
        return ""
    one, many = (prod(first[1:]) == 1, other), (prod(other[1:]) == 1, first)
    if answer.cause != "equal shapes" or one[0] == many[0] or first[0] != other[0]:
        return ""
    small, large = (0, beside) if one[0] else (beside, 0)
    size = written_shape((one[1] if one[0] else many[1])[1:])
    known = (name for name, value in builder.labels.items() if value == inputs[large] and name.isidentifier())
    label = next(known, None)
    map_text = f"the {size} map" if label is not None else f"a map of {size} with the label `x`"
    return f"`upsample like=@{label or 'x'}` at the end of branch {small + 1} spreads it over {map_text}"


class _Ways:
    def __init__(self, builder: BodyBuilder, branches: tuple[Span, ...], text: str) -> None:
        self.builder = builder
        self.branches = branches
        self.text = text

    def steps(self, *branches: int) -> Iterator[tuple[Op, str, Shape, Shape]]:
        """The layers on maps in these branches, each with its text, its input and its output."""
        spans = [self.branches[branch] for branch in branches]
        for step in self.builder.steps:
            inside = any(span.start <= step.span.start < span.end for span in spans)
            if isinstance(step, Layer) and inside and not step.op.merges:
                input_shape = self.builder.values[step.inputs[0]]
                out = self.builder.values[self.builder.value_of(step)]
                if input_shape is not None and out is not None and 1 < len(input_shape) == len(out):
                    yield step.op, self.text[step.span.start : step.span.end], input_shape, out

    def lost_padding(self) -> str:
        """A common mistake in residual blocks: a 3x3 filter without the padding that keeps the size."""
        lost: dict[str, Shape] = {}
        for op, text, input_shape, out in self.steps(*range(len(self.branches))):
            first, *others = op.window((input_shape,), out)
            plain = first.stride == 1 and first.start == 0 and first.size in (3, 5, 7, 9, 11)
            if plain and all(one == first for one in others):
                lost.setdefault(f"P{(int(first.size) - 1) // 2} on `{text}`", input_shape)
        if not lost:
            return ""
        size = written_shape(next(iter(lost.values()))[1:])
        return f"{' and '.join(lost)} {'keeps' if len(lost) == 1 else 'keep'} it at {size}"

    def stride_missing(self, branch: int, larger: Shape, smaller: Shape) -> str:
        """A layer of the larger branch that could take the smaller one's stride."""
        factors = _factors(larger, smaller)
        for op, text, input_shape, out in reversed([*self.steps(branch)]):
            if out[1:] == larger[1:] and set(getattr(op, "S", None) or ()) == {1}:
                mended = op.model_copy(update={"S": factors}).out(input_shape)
                if not isinstance(mended, Misfit) and mended[1:] == smaller[1:]:
                    return f"S{written_sizes(factors)} on `{text}` makes it {written_shape(mended[1:])} too"
        return ""

    def extra(self, value: int, larger: Shape) -> str:
        """A deconv whose output lacks the rows that the strides before it have cut off: `extra=1`."""
        maker = made_by(self.builder, value, "size")
        if maker is None or maker.input_shape is None or not isinstance(maker.step, Layer):
            return ""
        more = tuple(a - b for a, b in zip(larger[1:], maker.shape[1:], strict=True))
        if not hasattr(maker.step.op, "extra") or min(more) < 0 or any(maker.step.op.extra):
            return ""
        mended = maker.step.op.model_copy(update={"extra": more})
        if (
            mended.unfit()
            or isinstance(out := mended.out(maker.input_shape), Misfit)
            or out[1:] != larger[1:]
        ):
            return ""
        text = self.text[slice(*maker.span)]
        return f"`extra={written_sizes(more)}` on `{text}` makes it {written_shape(out[1:])} too"

    def like(self, *values: int) -> str:
        """An upsampling whose factor does not give back the rows that the strides before it have cut off."""
        for value, other in (values, values[::-1]):
            maker, larger_shape = made_by(self.builder, value, "size"), self.builder.values[other]
            labels = (name for name, labelled in self.builder.labels.items() if labelled == other)
            label = next(filter(str.isidentifier, labels), None)
            step = None if label is None or maker is None else maker.step
            if not isinstance(step, Layer) or step not in self.builder.steps or larger_shape is None:
                continue
            if other > self.builder.value_of(step) or maker is None or maker.input_shape is None:
                continue
            larger = all(a < b for a, b in zip(maker.input_shape[1:], larger_shape[1:], strict=True))
            if getattr(step.op, "factor", None) and "like" in step.op.tensors and larger:
                written = step.op.model_copy(update={"factor": None}).written()
                way = " ".join(filter(None, (step.op.word, written, f"like=@{label}")))
                size = written_shape((maker.shape[0], *larger_shape[1:]))
                return f"`{way}` in place of `{self.text[slice(*maker.span)]}` makes it {size}"
        return ""

    def projection(self, branch: int, larger: Shape, smaller: Shape) -> str:
        """ResNet's: the shortcut takes the stride and the channels of the branch beside it."""
        factors = _factors(larger, smaller)
        span = self.branches[branch]
        if self.text[span.start : span.end].strip() not in ("id", "") or max(factors) < 2:
            return ""
        if any(-(-a // f) != b for a, f, b in zip(larger[1:], factors, smaller[1:], strict=True)):
            return ""
        projection = f"conv F1 S{written_sizes(factors)} K{smaller[0]}"
        return f"`{projection}` in place of `id` makes it {written_shape(smaller)} too"

    def stride_too_much(self, branch: int, larger: Shape) -> str:
        """A layer of the smaller branch that would keep the size with a stride of 1."""
        for op, text, input_shape, out in self.steps(branch):
            if input_shape[1:] != larger[1:] or out[1:] == larger[1:] or not hasattr(op, "F"):
                continue
            axes = len(input_shape) - 1
            size = op.F if op.F is not None and all(f % 2 for f in op.F) else (3,) * axes
            keeping = {"F": size, "S": (1,) * axes, "P": tuple(f // 2 for f in size)}
            letters = {name: v for name, v in keeping.items() if hasattr(op, name)}  # subsample has no P
            mended = op.model_copy(update=letters).out(input_shape)
            if not isinstance(mended, Misfit) and mended[1:] == larger[1:]:
                changed = [
                    f"{name}{written_sizes(v)}" for name, v in letters.items() if getattr(op, name) != v
                ]
                return f"{' '.join(changed)} on `{text}` keeps it at {written_shape(larger[1:])}"
        return ""


def _factors(larger: Shape, smaller: Shape) -> tuple[int, ...]:
    """The stride along each axis that reduces the larger map to the smaller one: 9 rows become 5."""
    return tuple(-(-a // b) for a, b in zip(larger[1:], smaller[1:], strict=True))
