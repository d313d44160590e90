"""The parts of a network as a paper's table lists them: a layer with the layers after it, or a block × n.

A block whose branches meet is a *cell*, one part; consecutive equal parts are one part, `times` n. Batch
normalisation, activations and similar layers belong to the layer before them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any, Literal

from cnnspec.analyses.weights import OWN
from cnnspec.diagnostics import Span
from cnnspec.ops import Op, lookup
from cnnspec.ops.base import Shape

if TYPE_CHECKING:
    pass

MANY = 2000
"""The most parts of a table."""
WRITTEN_OUT = 64
"""A repeat of several parts is written out up to this number of parts; a longer one is one part, × n."""


class TooMany(Exception):
    """More parts than a table can have; `span` is the step that has them."""

    def __init__(self, span: Span) -> None:
        self.span = span


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a table. `word` is the word of the layer or merge, or the block's name; `call` its text in
    the spec.

    `branches` are its contents: the one chain of a cell, the branches of a merge (`gate`: of one that weights
    channels). `container` is the path of the line, block or repeat around it that was opened, `line` its line
    at the top of the file, `inputs` the shapes of all inputs of a layer, `quiet` the words of the layers that
    belong to it. `weights` are by shared block, as in `analyses.weights`; `first` are the arguments of the
    first of `times` uses."""

    kind: Literal["layer", "cell", "merge", "gate", "quiet"]
    name: str
    word: str
    span: Span
    line: int
    input_shape: Shape
    out: Shape
    op: Op | None = None
    inputs: tuple[Shape, ...] = ()
    branches: tuple[tuple[Part, ...], ...] = ()
    times: int = 1
    call: str = ""
    first: dict[str, str] = field(default_factory=dict)
    container: str = ""
    quiet: tuple[str, ...] = ()
    weights: dict[str, int] = field(default_factory=dict)
    macs: int = 0
    depth: int = 0
    layers: int = 1
    """The number of its layers, with every repeat unrolled. Parts are in order: their sum up to a part gives
    its last layer."""
    size: int = 1
    """The number of parts inside it, which is limited, because functions walk over all of them."""

    @property
    def inner(self) -> tuple[Part, ...]:
        """The chain of a cell."""
        return self.branches[0] if self.branches else ()

    @cached_property
    def stride(self) -> tuple[Fraction | int, ...]:
        """The distance between the inputs of neighbouring outputs, along each axis; below 1 where a map
        grows."""
        axes = len(self.input_shape) - 1
        if self.op is not None and self.kind == "layer":
            return tuple(
                one.stride or 1 for one in self.op.window(self.inputs or (self.input_shape,), self.out)
            )
        strides: list[Fraction | int] = [1] * axes
        if self.kind == "gate":
            return tuple(strides)
        for part in self.inner if self.kind == "cell" else main(self):
            if len(part.stride) == axes:
                strides = [a * b for a, b in zip(strides, part.stride, strict=True)]
        return tuple(strides)

    @property
    def resizes(self) -> bool:
        """Whether it changes the size of maps by a stride, or ends them."""
        return len(self.out) != len(self.input_shape) or any(one != 1 for one in self.stride)

    @cached_property
    def activations(self) -> frozenset[str]:
        """The words of the activations in it."""
        return frozenset(filter(is_activation, self.quiet)).union(
            *(part.activations for branch in self.branches for part in branch)
        )

    @cached_property
    def weighted(self) -> int:
        """The number of weighted layers in it as papers count them, without gates."""
        if self.kind == "layer":
            return self.times * int(self.op is not None and self.op.weighted)
        if self.kind == "gate":
            return 0
        return self.times * sum(part.weighted for branch in self.branches for part in branch)


def main(merge: Part) -> tuple[Part, ...]:
    """The branch of a merge that a table shows: the one with the weights, beside shortcuts that have at most
    one weighted layer each. () where several are equally important."""
    shown = [branch for branch in merge.branches if branch]
    if len(shown) <= 1:
        return shown[0] if shown else ()
    sizes = sorted((sum(part.weighted for part in branch), -place) for place, branch in enumerate(shown))
    if sizes[-2][0] <= 1 < sizes[-1][0] and merge.word != "concat":
        return shown[-sizes[-1][1]]
    return ()


def form(part: Part) -> Any:
    """A key that is equal for parts that differ only in strides, shortcuts and input channels."""
    if part.kind == "layer":
        op = part.op
        kernel, groups = getattr(op, "F", None), getattr(op, "G", 1)
        return part.word, part.out[0], kernel, groups, getattr(op, "D", 1), part.times
    if part.kind in ("merge", "gate"):
        chosen = main(part)
        branches = (chosen,) if chosen else part.branches
        return part.kind, part.word, tuple(tuple(map(form, branch)) for branch in branches)
    return part.word, tuple(map(form, part.inner)), part.activations


def visible(part: Part) -> bool:
    return part.kind != "quiet"


def joined(parts: Iterable[Part], key: Callable[[Part], Any] = form) -> tuple[Part, ...]:
    """The parts, with consecutive equal ones as one part, × n. Only the first of them may have a stride."""
    parts_: list[Part] = []
    for part in parts:
        follow(parts_, part, key)
    return tuple(parts_)


def follow(parts: list[Part], part: Part, key: Callable[[Part], Any] = form) -> None:
    """Adds a part after others, or counts it in the last one where they are equal."""
    follows = parts and not part.resizes and _flat(parts[-1].out) == _flat(part.input_shape)
    if follows and key(_single(parts[-1])) == key(_single(part)):
        parts[-1] = together(parts[-1], part)
    else:
        parts.append(part)


def _flat(shape: Shape) -> Shape:
    """The shape of a vector as a map of one position."""
    return shape[:1] if prod(shape) == shape[0] else shape


def _single(part: Part) -> Part:
    return replace(part, times=1) if part.times != 1 else part


def together(one: Part, other: Part) -> Part:
    """Two consecutive parts as one."""
    return replace(
        one,
        times=one.times + other.times,
        out=other.out,
        weights=plus(one.weights, other.weights),
        macs=one.macs + other.macs,
        depth=one.depth + other.depth,
        layers=one.layers + other.layers,
    )


def multiplied(part: Part, times: int) -> Part:
    """The part `times` times over."""
    if times == 1:
        return part
    return replace(
        part,
        times=part.times * times,
        weights={**part.weights, OWN: times * part.weights.get(OWN, 0)},
        macs=times * part.macs,
        depth=times * part.depth,
        layers=times * part.layers,
    )


def plus(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {**one, **other, OWN: one.get(OWN, 0) + other.get(OWN, 0)}


def as_cell(part: Part) -> Part:
    """A merge as a part of its own."""
    if part.kind not in ("merge", "gate"):
        return part
    inside = replace(part, weights={}, quiet=())
    return replace(part, kind="cell", op=None, branches=((inside,),))


def is_activation(word: str) -> bool:
    """Whether a word is an activation's."""
    op = lookup(word)
    return op is not None and op.activation


def is_depthwise(part: Part) -> bool:
    """Whether a part is a convolution with one filter per channel."""
    if part.kind != "layer" or part.op is None:
        return False
    groups = getattr(part.op, "G", 1)
    return part.word == "dwconv" or (part.word == "conv" and groups == part.input_shape[0] > 1)


def settled(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts, with each quiet layer added to the part before it, or else to the one after it."""
    result: list[Part] = []
    waiting: list[Part] = []
    for part in parts:
        if visible(part):
            for one in waiting:
                part = _absorb(part, one, before=True)
            waiting = []
            result.append(part)
        elif result:
            result[-1] = _absorb(result[-1], part)
        else:
            waiting.append(part)
    if waiting:
        first, *others = waiting
        for one in others:
            first = _absorb(first, one)
        result.append(replace(first, out=waiting[-1].out))
    return tuple(result)


def _absorb(part: Part, quiet: Part, before: bool = False) -> Part:
    words = (*quiet.quiet, quiet.word)
    return replace(
        part,
        quiet=(*words, *part.quiet) if before else (*part.quiet, *words),
        weights=plus(part.weights, quiet.weights),
        macs=part.macs + quiet.macs,
        depth=part.depth + quiet.depth,
        layers=part.layers + quiet.layers,
    )
