"""Branches that do not match: which step of which branch would make them, looked for once they do not."""

from __future__ import annotations

from collections.abc import Iterator

from cnnspec.diagnostics import Span
from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.ir.graph import Layer
from cnnspec.ops.base import Misfit, Op, Shape, written_pair, written_shape


def way_out(
    builder: BodyBuilder,
    branches: tuple[Span, ...],
    inputs: tuple[int, ...],
    answer: Misfit,
    text: str,
) -> str:
    """What to change in the branch at fault or in the first one; else what the merge itself says."""
    first, other = builder.values[inputs[0]], builder.values[inputs[answer.input]]
    if first is None or other is None or len(first) != 3 or len(other) != 3 or first[1:] == other[1:]:
        return answer.help
    ways = _Ways(builder, branches, text)
    larger, smaller = (0, answer.input) if first[1] > other[1] else (answer.input, 0)
    sizes = (first, other) if larger == 0 else (other, first)
    missing, too_much = ways.stride_missing(larger, *sizes), ways.stride_too_much(smaller, sizes[0])
    if answer.cause == "equal shapes":  # the channels too
        found = (missing, ways.projection(larger, *sizes), too_much)
    else:
        found = (too_much, missing, "")
    return ways.lost_padding() or next(filter(None, found), "") or answer.help


class _Ways:
    def __init__(self, builder: BodyBuilder, branches: tuple[Span, ...], text: str) -> None:
        self.builder = builder
        self.branches = branches
        self.text = text

    def steps(self, *branches: int) -> Iterator[tuple[Op, str, Shape, Shape]]:
        """The layers on maps that stand in branches, each with its text, what arrives and what it makes."""
        spans = [self.branches[branch] for branch in branches]
        for step in self.builder.steps:
            if isinstance(step, Layer) and any(span.start <= step.span.start < span.end for span in spans):
                arriving = self.builder.values[step.inputs[0]]
                out = self.builder.values[self.builder.value_of(step)]
                if arriving is not None and out is not None and len(arriving) == len(out) == 3:
                    yield step.op, self.text[step.span.start : step.span.end], arriving, out

    def lost_padding(self) -> str:
        """The classic of a residual block: a 3x3 filter without the padding that keeps the size."""
        lost: dict[str, Shape] = {}
        for op, text, arriving, out in self.steps(*range(len(self.branches))):
            rows, columns = op.window((arriving,), out)
            if rows == columns and rows.stride == 1 and rows.start == 0 and rows.size in (3, 5, 7, 9, 11):
                lost.setdefault(f"P{(int(rows.size) - 1) // 2} on `{text}`", arriving)
        if not lost:
            return ""
        size = written_shape(next(iter(lost.values()))[1:])
        return f"{' and '.join(lost)} {'keeps' if len(lost) == 1 else 'keep'} it at {size}"

    def stride_missing(self, branch: int, larger: Shape, smaller: Shape) -> str:
        """A layer of the larger branch that could take the smaller one's stride."""
        factor = -(-larger[1] // smaller[1])  # 9 rows become 5
        for op, text, arriving, out in reversed([*self.steps(branch)]):
            if out[1:] == larger[1:] and getattr(op, "S", None) == (1, 1):
                mended = op.model_copy(update={"S": (factor, factor)}).out(arriving)
                if not isinstance(mended, Misfit) and mended[1:] == smaller[1:]:
                    return f"S{factor} on `{text}` makes it {written_shape(mended[1:])} too"
        return ""

    def projection(self, branch: int, larger: Shape, smaller: Shape) -> str:
        """ResNet's: the shortcut takes the stride and the channels of the branch beside it."""
        factor = -(-larger[1] // smaller[1])  # 9 rows become 5
        span = self.branches[branch]
        if self.text[span.start : span.end].strip() not in ("id", ""):
            return ""
        if factor < 2 or any(-(-a // factor) != b for a, b in zip(larger[1:], smaller[1:], strict=True)):
            return ""
        return f"`conv F1 S{factor} K{smaller[0]}` in place of `id` makes it {written_shape(smaller)} too"

    def stride_too_much(self, branch: int, larger: Shape) -> str:
        """A layer of the smaller branch that would keep the size with a stride of 1."""
        for op, text, arriving, out in self.steps(branch):
            if arriving[1:] != larger[1:] or out[1:] == larger[1:] or not hasattr(op, "F"):
                continue
            size = op.F if op.F is not None and op.F[0] % 2 and op.F[1] % 2 else (3, 3)
            padding = (size[0] // 2, size[1] // 2)
            wanted = {"F": size, "S": (1, 1), "P": padding}
            letters = {name: v for name, v in wanted.items() if hasattr(op, name)}  # subsample has no P
            mended = op.model_copy(update=letters).out(arriving)
            if not isinstance(mended, Misfit) and mended[1:] == larger[1:]:
                changed = [
                    f"{name}{written_pair(v)}" for name, v in letters.items() if getattr(op, name) != v
                ]
                return f"{' '.join(changed)} on `{text}` keeps it at {written_shape(larger[1:])}"
        return ""
