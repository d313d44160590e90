"""W208: dropout right after a convolution. Neighbouring pixels tell nearly the same, so that little is
dropped; and what batch normalisation measures in training is no longer what arrives in evaluation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cnnspec.analyses.lints.chains import pairs
from cnnspec.analyses.shapes import Neighbour
from cnnspec.diagnostics import Diagnostic, Related

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report


def dropout_after_convolution(report: Report) -> Iterator[Diagnostic]:
    if not any(word.drops for word in report.words):
        return
    for before, after in pairs(report, _convolves, lambda _: False, _drops):
        yield Diagnostic(
            "W208",
            f"dropout right after a `{before.layer.op.word}`: neighbouring pixels still tell what is dropped",
            after.layer.span,
            related=(Related(before.layer.span, "the convolution before"),),
            help="dropout belongs between fully connected layers; after a convolution `bn` is usual",
        )


def _convolves(one: Neighbour) -> bool:
    """A linear layer from maps to maps of more than one position."""
    out = one.fit.out
    return one.layer.op.linear and len(out) == 3 and out[1:] != (1, 1)


def _drops(one: Neighbour) -> bool:
    return one.layer.op.drops
