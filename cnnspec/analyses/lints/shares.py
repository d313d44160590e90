"""W104: a softmax in the middle of a network. It turns numbers into shares of 1, and a weighted layer behind
it gets hardly a gradient; it is the network's last word. Behind a merge it may be a gate's, which is meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cnnspec.analyses.lints.chains import pairs
from cnnspec.analyses.shapes import Neighbour
from cnnspec.diagnostics import Diagnostic, Related

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report


def shares_inside(report: Report) -> Iterator[Diagnostic]:
    if not any(word.shares for word in report.words):
        return
    for before, after in pairs(report, _shares, lambda _: True, _weighted):
        yield Diagnostic(
            "W104",
            f"`{before.layer.op.word}` in the middle of a network: `{after.layer.op.word}` comes after it",
            before.layer.span,
            related=(Related(after.layer.span, "a layer with weights comes after it"),),
            help="between layers an activation such as `relu` stands; softmax comes last, if at all",
        )


def _shares(one: Neighbour) -> bool:
    return one.layer.op.shares


def _weighted(one: Neighbour) -> bool:
    return one.layer.op.weighted
