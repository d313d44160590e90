"""Lints: W1xx for what is almost certainly a mistake, W2xx for the advice of the CS231n notes. Each is a
function from the report to its findings; none names a layer.

A lint that needs one layer only is in the op (`Op.remark`). Here are the lints about two consecutive layers
(`neighbours`) or the whole network (`network`), and in `text` those about how the spec is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cnnspec.analyses.lints.neighbours import PAIRS, pair_findings
from cnnspec.analyses.lints.network import remarks, shrinks_fast, small_field, starts_badly
from cnnspec.diagnostics import Diagnostic

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report


def lint(report: Report) -> Iterator[Diagnostic]:
    """All lints about a network. A place may be reported twice where a block is used twice; a `Sink` keeps
    one of them."""
    yield from remarks(report)
    yield from shrinks_fast(report)
    for pair in PAIRS:
        yield from pair_findings(report, pair)
    yield from small_field(report)
    yield from starts_badly(report)
