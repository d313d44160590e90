"""`output each @p`: every pass of a repeat gives an output of the network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cnnspec.diagnostics import Sink
from cnnspec.elaborate.naming import is_scope
from cnnspec.elaborate.statements import Statements
from cnnspec.elaborate.text_facts import labelled_lines
from cnnspec.language import tree

MOST = 1_000
"""Outputs that one repeat can give."""


class Each(NamedTuple):
    """What every pass of a repeat gives to the outputs: its tensor of that name (`inside`) or its output."""

    reference: tree.Reference
    inside: bool

    def label(self, number: int) -> str:
        """What the tensor of a pass is called, `p1` that of the first."""
        return f"{self.reference.name}{number + 1}"


def given_by_passes(statements: Statements, sink: Sink) -> dict[int, tuple[Each, ...]]:
    """By repeat (the identity of its node)."""
    found: dict[int, tuple[Each, ...]] = {}
    for reference in statements.output.references if statements.output is not None else ():
        if not reference.each or any(one.name == reference.name for one in statements.broken):
            continue
        name = reference.name
        repeat, inside = next(
            (one for line in statements.lines for one in _repeats(line, name)), (None, False)
        )
        if repeat is not None:
            found[id(repeat)] = (*found.get(id(repeat), ()), Each(reference, inside))
            continue
        sink.report(
            "E207",
            f"there is no repeat in the file whose passes give `@{name}`",
            reference.span,
            help=f"label a repeat that is a line of its own, `{name}: [ … ]*8`, or a line in it",
        )
    for output, _ in statements.facts.inner_outputs:
        for reference in output.references:
            if reference.each:
                sink.report(
                    "E405",
                    "`each` is allowed in the file's `output` only",
                    reference.span,
                    help="move the repeat out of the brackets, or leave `each` out: that is the last pass",
                )
    return found


def _repeats(line: tree.Line, name: str) -> Iterator[tuple[tree.GroupStep, bool]]:
    """The repeats of a line of the file that are called so, or have a tensor that is."""
    for step in () if is_scope(line) else line.steps:
        if isinstance(step, tree.GroupStep) and step.times is not None:
            if line.label == name and not line.others:
                yield step, False
            inner = labelled_lines(step.body.items)
            if any(name in (one.label, *(other.name for other in one.others)) for one in inner):
                yield step, True
