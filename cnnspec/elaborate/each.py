"""`output each @p`: every pass of a repeat gives an output of the network, or of its block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from cnnspec.diagnostics import Sink, Span
from cnnspec.elaborate.naming import Settled, is_scope
from cnnspec.elaborate.statements import Statements, labels_of
from cnnspec.language import tree

MOST = 1_000
"""The most outputs that one repeat can give."""


class Each(NamedTuple):
    """An output of every pass of a repeat, as outputs of the network or of a block: the pass's tensor of that
    name (`inside`) or the pass's output. `labels` are those added so far."""

    reference: tree.Reference
    inside: bool
    labels: Mapping[str, Span]

    def label(self, number: int) -> str:
        """The label of the tensor of a pass; `p1` is that of the first pass."""
        return f"{self.reference.name}{number + 1}"


def outputs_of_passes(statements: Statements, sink: Sink) -> dict[int, tuple[Each, ...]]:
    """By repeat (the identity of its node)."""
    by_repeat: dict[int, tuple[Each, ...]] = {}
    if statements.output is not None:
        _collect(statements.output, statements.lines, statements, statements.facts.labels, by_repeat, sink)
    for block in statements.all_blocks.named.values():
        items = block.body.items
        if items and isinstance(last := items[-1], tree.Output):
            labels = dict(labels_of(items))
            labels |= {
                parameter.name: parameter.span for parameter in block.parameters if parameter.kind == "tensor"
            }
            _collect(last, items, statements, labels, by_repeat, sink)
    return by_repeat


def _collect(
    output: tree.Output,
    items: Sequence[object],
    statements: Statements,
    labels: Mapping[str, Span],
    by_repeat: dict[int, tuple[Each, ...]],
    sink: Sink,
) -> None:
    """Finds the repeats that an `output` names, among the lines `items`."""
    for reference in output.references:
        name = reference.name
        if not reference.each or any(one.name == name for one in statements.broken):
            continue
        repeat, inside = next(_repeats(items, name, statements.settled), (None, False))
        if repeat is not None:
            by_repeat[id(repeat)] = (*by_repeat.get(id(repeat), ()), Each(reference, inside, labels))
            continue
        where = "file" if output is statements.output else "block"
        sink.report(
            "E207",
            f"there is no repeat in the {where} whose passes give `@{name}`",
            reference.span,
            help=f"label a repeat that is a line of its own, `{name}: [ … ]*8`, or a line in it",
        )


def _repeats(items: Iterable[object], name: str, settled: Settled) -> Iterator[tuple[tree.GroupStep, bool]]:
    """The repeats of one scope of labels with this name, or with a tensor of this name."""
    for line in items:
        if isinstance(line, tree.Line):
            label = None if is_scope(line, settled) or line.others else line.label
            yield from _in_steps(line.steps, label, name, settled)


def _in_steps(
    steps: Iterable[tree.Step], label: str | None, name: str, settled: Settled
) -> Iterator[tuple[tree.GroupStep, bool]]:
    for step in steps:
        match step:
            case tree.GroupStep(times=None):
                yield from _repeats(step.body.items, name, settled)
            case tree.GroupStep():
                if label == name:
                    yield step, False
                if name in dict(labels_of(step.body.items)):
                    yield step, True
            case tree.BranchStep():
                for branch in step.branches:
                    yield from _repeats(branch.items, name, settled)
            case tree.IfStep():
                sides = (side.items for side in (step.then, step.otherwise) if side is not None)
                for line in (item for items in sides for item in items if isinstance(item, tree.Line)):
                    own = None if is_scope(line, settled) or line.others else line.label or label
                    yield from _in_steps(line.steps, own, name, settled)
