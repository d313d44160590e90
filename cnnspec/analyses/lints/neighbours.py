"""Lints about two consecutive layers: W104, W206–W208.

A value *carries* a layer when it is that layer's output, or was made from it only by layers that are allowed
between the two. In a body a value may also carry the body's own input; such a pair is found where the body is
used. So each body is searched once, and pairs are found across the borders of blocks, lines and passes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from cnnspec.analyses.shapes import Shaped
from cnnspec.diagnostics import Diagnostic, Related
from cnnspec.ir.graph import Region, collected, handed_on, region_outputs, runs_of

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report

Question: TypeAlias = Callable[[Shaped], object]


class Pair(NamedTuple):
    """A layer for which `first` holds, and a layer for which `second` holds and which reads it, directly or
    through layers for which `between` holds. Merges are `second` for each of their inputs; layers with
    several inputs are never `between`."""

    first: Question
    second: Question
    finding: Callable[[Shaped, Shaped], Diagnostic]
    between: Question = lambda one: False


def _softmax_inside(before: Shaped, after: Shaped) -> Diagnostic:
    """A softmax turns numbers into probabilities, and a weighted layer after it gets almost no gradient.
    After a merge it may be the softmax of a gate, which is intended."""
    return Diagnostic(
        "W104",
        f"`{before.op.word}` in the middle of the network: `{after.op.word}` follows it",
        before.layer.span,
        related=(Related(after.layer.span, "this layer has weights"),),
        help="use an activation such as `relu` between layers; a softmax comes last, if at all",
    )


def _linear_twice(before: Shaped, after: Shaped) -> Diagnostic:
    return Diagnostic(
        "W206",
        f"`{before.op.word}` and this `{after.op.word}` have no activation between them",
        after.layer.span,
        related=(Related(before.layer.span, "the linear layer before"),),
        note="two linear maps in a row are one linear map",
        help="add an activation between them: `-> relu`",
    )


def _keeps_linear(one: Shaped) -> bool:
    """A layer that only scales, shifts, drops or reorders numbers. Pooling is not one, because it selects
    numbers."""
    return not one.op.activation and (one.op.ends_map or one.inputs == (one.output,))


def _bias_before_norm(before: Shaped, after: Shaped) -> Diagnostic:
    biases = _biases(before)
    return Diagnostic(
        "W207",
        f"the {biases:,} bias{'es have' if biases > 1 else ' has'} no effect: "
        f"`{after.op.word}` subtracts each channel's mean",
        before.layer.span,
        related=(Related(after.layer.span, "the mean is subtracted here"),),
        help=f"`nobias` leaves them out; `default {before.op.word} nobias` does so in the whole file",
    )


def _biases(one: Shaped) -> int:
    return sum(weight.shape[0] for weight in one.op.weights(*one.inputs) if weight.name == "bias")


def _dropout_after_convolution(before: Shaped, after: Shaped) -> Diagnostic:
    """With dropout before it, batch normalisation also measures other statistics in training than in
    evaluation."""
    return Diagnostic(
        "W208",
        f"dropout directly after a `{before.op.word}`: neighbouring pixels carry similar information",
        after.layer.span,
        related=(Related(before.layer.span, "the convolution before"),),
        help="use dropout between fully connected layers; after a convolution, `bn` is usual",
    )


def _convolves(one: Shaped) -> bool:
    """A linear layer from maps to maps of more than one position."""
    return one.op.linear and prod(one.output[1:]) != 1


PAIRS = (
    Pair(lambda one: one.op.shares, lambda one: one.op.weighted, _softmax_inside, between=lambda one: True),
    Pair(lambda one: one.op.linear, lambda one: one.op.linear, _linear_twice, between=_keeps_linear),
    Pair(lambda one: one.op.linear and _biases(one), lambda one: one.op.centres, _bias_before_norm),
    Pair(_convolves, lambda one: one.op.drops, _dropout_after_convolution),
)

Carried: TypeAlias = Shaped | int | None
"""A layer, or the number of an input of the body, or nothing."""


@dataclass(eq=False, repr=False)
class _Summary:
    """For a body: the layers that its outputs carry, and the `second` layers that read its inputs."""

    outputs: list[Carried] = field(default_factory=list)
    readers: dict[int, list[Shaped]] = field(default_factory=dict)


def pair_findings(report: Report, pair: Pair) -> Iterator[Diagnostic]:
    """The finding for each place where the pair occurs."""
    layers = [one for body in report.shapes for one in body if one is not None]
    if any(map(pair.second, layers)) and any(map(pair.first, layers)):
        for before, after in _pairs(report, pair):
            yield pair.finding(before, after)


def _pairs(report: Report, pair: Pair) -> Iterator[tuple[Shaped, Shaped]]:
    summaries: list[_Summary] = []
    for body, layers in zip(report.graph.bodies, report.shapes, strict=True):
        carried: list[Carried] = list(range(body.inputs))
        summary = _Summary()
        for step, layer in zip(body.steps, layers, strict=True):
            inputs = [carried[number] for number in step.inputs]
            if isinstance(step, Region):
                carried += yield from _passes(step, inputs, summaries, summary)
                continue
            if layer is not None and pair.second(layer):
                yield from _met(inputs if layer.op.merges else inputs[:1], [layer], summary)
            through = layer is not None and len(inputs) == 1 and pair.between(layer)
            carried.append(
                layer if layer is not None and pair.first(layer) else inputs[0] if through else None
            )
        summary.outputs = [carried[number] for number in body.outputs]
        summaries.append(summary)


def _met(
    inputs: Iterable[Carried], layers: list[Shaped], summary: _Summary
) -> Iterator[tuple[Shaped, Shaped]]:
    for input_ in inputs:
        if isinstance(input_, Shaped):
            yield from ((input_, layer) for layer in layers)
        elif input_ is not None:
            summary.readers.setdefault(input_, []).extend(layers)


def _passes(
    region: Region, inputs: list[Carried], summaries: list[_Summary], summary: _Summary
) -> Generator[tuple[Shaped, Shaped], None, list[Carried]]:
    """The pairs across a region's border, in its first pass and between passes. Returns the layers that its
    outputs carry, as seen from outside."""
    gathered: list[Sequence[Carried]] = []
    for one in runs_of(region) if region.each else region.passes:
        inside = summaries[one.body]
        for _ in range(min(one.count, 1 + region.outputs)):
            for number, layers in inside.readers.items():
                yield from _met(inputs[number : number + 1], layers, summary)
            outputs = [inputs[output] if isinstance(output, int) else output for output in inside.outputs]
            inputs, gathered = handed_on(region, inputs, outputs), collected(region, gathered, outputs)
    return region_outputs(region, gathered) if gathered else inputs[: region.outputs]
