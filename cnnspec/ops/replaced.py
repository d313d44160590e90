"""Comparisons for `explain`: a depthwise-separable pair and a 1x1 bottleneck with the dense convolution that
they replace, and a convolution with a fully connected layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import NamedTuple

from cnnspec.ops.base import Op, Shape
from cnnspec.ops.conv import Conv, Convolution
from cnnspec.ops.formula import Formula


class Step(NamedTuple):
    """A layer with the shapes of its input and its output."""

    op: Op
    input_shape: Shape
    out: Shape

    @property
    def written(self) -> str:
        return f"{self.op.word} {self.op.written()}".rstrip()

    def formula(self, name: str) -> Formula:
        return next(
            formula for formula in self.op.formulas((self.input_shape,), self.out) if formula.name == name
        )


class Comparison(NamedTuple):
    """`title`: what is compared; then the formulas, each with a remark after it ("8.4 times as many").
    `ends`: the layer is the last of several that are compared together.
    """

    title: str
    lines: tuple[tuple[Formula, str], ...]
    ends: bool = False


def comparisons(chain: Sequence[Step], at: int) -> Iterator[Comparison]:
    """What the layer `at` of a chain is compared with. The chain has the weighted layers around it that
    follow each other with nothing but normalisations and activations between.
    """
    step = chain[at]
    if not isinstance(step.op, Convolution) or len(step.input_shape) == 1:
        return
    for first in range(max(at - 2, 0), at + 1):
        for length in (3, 2):
            stretch = chain[first : first + length]
            kind = _kind(stretch)
            if kind and first + length > at:
                yield _beside_dense(stretch, kind, ends=first + length == at + 1)
                return
    if isinstance(step.op, Conv) and step.op.G == 1 and step.op.connect is None:
        yield _beside_fully_connected(step)


def _kind(stretch: Sequence[Step]) -> str:
    """The name of this combination of layers; "" where it has none."""
    ops = [step.op for step in stretch]
    if not all(isinstance(op, Convolution) and op.word != "deconv" for op in ops):
        return ""
    depthwise = [step.op.groups(step.input_shape) == step.input_shape[0] > 1 for step in stretch]  # type: ignore[attr-defined]
    point = [{*op.F, *op.S} == {1} and not deep for op, deep in zip(ops, depthwise, strict=True)]  # type: ignore[attr-defined]
    wide = [set(op.F) != {1} for op in ops]  # type: ignore[attr-defined]
    narrow = stretch[0].out[0] < stretch[0].input_shape[0]
    if len(ops) == 2 and depthwise[0] and wide[0] and point[1]:
        return "a depthwise-separable pair"
    if any(depthwise):
        return ""
    if len(ops) == 3 and point[0] and wide[1] and point[2] and narrow:
        return "a bottleneck"
    if len(ops) == 2 and point[0] and wide[1] and narrow:
        return "a 1x1 bottleneck"
    return ""


def _beside_dense(stretch: Sequence[Step], kind: str, *, ends: bool) -> Comparison:
    """The totals of these layers, compared with one dense convolution from their input to their output."""
    wide = next(step.op for step in stretch if set(step.op.F) != {1})  # type: ignore[attr-defined]
    last = stretch[-1]
    bias = last.op.has_bias  # type: ignore[attr-defined]
    op = Conv(F=wide.F, S=wide.S, P=wide.P, D=wide.D, K=last.out[0], bias=bias)  # type: ignore[attr-defined]
    dense = Step(op, stretch[0].input_shape, last.out)
    lines = []
    for name in ("weights", "MACs"):
        own = [step.formula(name).result for step in stretch]
        total = sum(map(int, own))
        lines.append((Formula(name, " + ".join(f"{int(one):,}" for one in own), {}, total), ""))
        whole = dense.formula(name)
        lines.append((whole._replace(name=f"dense {name}"), times(int(whole.result), total)))
    names = " -> ".join(f"`{step.written}`" for step in stretch)
    return Comparison(f"{names}, {kind}, in place of the dense `{dense.written}`", tuple(lines), ends)


def _beside_fully_connected(step: Step) -> Comparison:
    """A fully connected layer from the same input to the same output."""
    I, O = prod(step.input_shape), prod(step.out)  # noqa: E741
    formula = Formula("weights", "I·O + O", {"I": I, "O": O}, I * O + O)
    own = int(step.formula("weights").result)
    shapes = " to ".join("x".join(map(str, shape)) for shape in (step.input_shape, step.out))
    return Comparison(
        f"a fully connected layer from {shapes} would need", ((formula, times(I * O + O, own)),)
    )


def times(more: int, less: int) -> str:
    """`8.4 times as many`; "" for a factor below 1.05."""
    ratio = more / less if less else 0
    if ratio < 1.05:
        return ""
    return f"{ratio:,.0f} times as many" if ratio >= 10 else f"{ratio:.1f} times as many"
