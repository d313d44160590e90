"""Lints: what is hardly ever meant (W1xx) and the notes' advice (W2xx). One file a question, each a function
from the report to its findings; none names a layer.

What a layer alone can know, it says itself (`Op.remark`); here are the lints that look at neighbours or at
the whole, and in `text` those that look at how the spec is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from cnnspec.analyses.lints.bias import bias_before_norm
from cnnspec.analyses.lints.dropout import dropout_after_convolution
from cnnspec.analyses.lints.field import small_field
from cnnspec.analyses.lints.linear import linear_twice
from cnnspec.analyses.lints.remarks import remarks
from cnnspec.analyses.lints.shares import shares_inside
from cnnspec.analyses.lints.shrinking import shrinks_fast
from cnnspec.diagnostics import Diagnostic

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report

LINTS: tuple[Callable[[Report], Iterator[Diagnostic]], ...] = (
    remarks,
    shares_inside,
    shrinks_fast,
    linear_twice,
    bias_before_norm,
    dropout_after_convolution,
    small_field,
)


def lint(report: Report) -> Iterator[Diagnostic]:
    """All lints about a network. Where a block is used twice, a place may come twice; a `Sink` keeps one."""
    for one in LINTS:
        yield from one(report)
