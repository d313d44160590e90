"""W207: a bias right before a normalisation that takes each channel's mean away has no effect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cnnspec.analyses.lints.chains import pairs
from cnnspec.analyses.shapes import Neighbour
from cnnspec.diagnostics import Diagnostic, Related

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report


def bias_before_norm(report: Report) -> Iterator[Diagnostic]:
    if not any(word.centres for word in report.words):
        return
    for before, after in pairs(report, _biased, lambda _: False, _centres):
        biases = _biases(before)
        yield Diagnostic(
            "W207",
            f"the {biases:,} bias{'es have' if biases > 1 else ' has'} no effect: "
            f"`{after.layer.op.word}` takes each channel's mean away",
            before.layer.span,
            related=(Related(after.layer.span, "the mean is taken away here"),),
            help=f"`nobias` leaves them out; `default {before.layer.op.word} nobias` says so once for all",
        )


def _biases(one: Neighbour) -> int:
    return sum(weight.shape[0] for weight in one.layer.op.weights(*one.fit.arriving) if weight.name == "bias")


def _biased(one: Neighbour) -> bool:
    return one.layer.op.linear and _biases(one) > 0


def _centres(one: Neighbour) -> bool:
    return one.layer.op.centres
