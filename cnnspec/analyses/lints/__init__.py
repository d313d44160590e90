"""Lints: what is hardly ever meant (W1xx) and the notes' advice (W2xx), each a function from the report to
its findings; none names a layer.

What a layer alone can know, it says itself (`Op.remark`); here are the lints that look at two layers in a
row (`neighbours`) or at the whole (`network`), and in `text` those that look at how the spec is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cnnspec.analyses.lints.neighbours import PAIRS, pair_findings
from cnnspec.analyses.lints.network import remarks, shrinks_fast, small_field, starts_badly
from cnnspec.diagnostics import Diagnostic

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report


def lint(report: Report) -> Iterator[Diagnostic]:
    """All lints about a network. Where a block is used twice, a place may come twice; a `Sink` keeps one."""
    yield from remarks(report)
    yield from shrinks_fast(report)
    for pair in PAIRS:
        yield from pair_findings(report, pair)
    yield from small_field(report)
    yield from starts_badly(report)
