"""W206: two linear layers with no activation between are one linear layer, with more weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cnnspec.analyses.lints.chains import pairs
from cnnspec.analyses.shapes import Neighbour
from cnnspec.diagnostics import Diagnostic, Related

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report


def linear_twice(report: Report) -> Iterator[Diagnostic]:
    for before, after in pairs(report, _linear, _keeps_linear, _linear):
        yield Diagnostic(
            "W206",
            f"`{before.layer.op.word}` and this `{after.layer.op.word}` have no activation between them",
            after.layer.span,
            related=(Related(before.layer.span, "the linear layer before"),),
            note="a linear map of a linear map is one linear map",
            help="put an activation between them: `-> relu`",
        )


def _linear(one: Neighbour) -> bool:
    return one.layer.op.linear


def _keeps_linear(one: Neighbour) -> bool:
    """What only scales, shifts, drops or reorders numbers; a pool, which picks, stands between for good."""
    op, (arriving, out) = one.layer.op, one.fit
    return not op.activation and (op.ends_map or (len(arriving) == 1 and arriving[0] == out))
