"""The layer table of `check`: the network as written, one row per line with its blocks and repeats folded
(×3), as a paper would show it; or (`--all`) every layer.

A line of layers is one row. The use of a block, a repeat and a step with branches are rows of their own; a
group that is not a repeat is expanded into the rows of its lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from cnnspec.analyses.weights import OWN, counted
from cnnspec.diagnostics import Source, Span
from cnnspec.elaborate.naming import names_of
from cnnspec.ir.graph import Body, Graph, Hole, Layer, Place, Region, Step, places
from cnnspec.language import tree
from cnnspec.report.amounts import UNKNOWN, shape_text
from cnnspec.report.columns import Amounts, cells
from cnnspec.report.table import Row

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report


class _Scope(NamedTuple):
    """A body whose lines are shown, and its path."""

    number: int
    body: Body
    places: list[Place]
    path: str
    items: tuple[tree.Statement, ...] = ()
    """The lines, if they are those of the file or of a group."""


def folded(
    file: tree.File, source: Source, graph: Graph, report: Report, columns: Sequence[str]
) -> list[Row]:
    """The rows of the table, the inputs first."""
    root = len(graph.bodies) - 1
    scope = _Scope(root, graph.root, list(places(graph.root)), "")
    return [*_inputs(graph, columns), *_Folder(source, graph, report, columns).lines(file.statements, scope)]


def unfolded(graph: Graph, report: Report, columns: Sequence[str]) -> Iterator[Row]:
    """A row for every layer, each repeat unrolled."""
    yield from _inputs(graph, columns)
    for entry, params, macs, field, memory in report.rows():
        op, size = entry.op, None if field is None else field.size
        layer = f"{op.word} {op.written()}".rstrip() if op is not None else UNKNOWN
        known = Amounts(shape_text(entry.out), params, macs, size, memory)
        yield Row((entry.path, layer, *cells(known, columns)), "wrong" if op is None else "plain")


def _inputs(graph: Graph, columns: Sequence[str]) -> Iterator[Row]:
    for name, shape in zip(graph.inputs, graph.root.values, strict=False):
        known = (shape_text(shape) if column == "output" else "" for column in columns)
        yield Row((name, "input", *known))


class _Folder:
    def __init__(self, source: Source, graph: Graph, report: Report, columns: Sequence[str]) -> None:
        self.source = source
        self.graph = graph
        self.report = report
        self.columns = columns
        self.shown: frozenset[str] = frozenset()
        self.counts: dict[int, set[int]] = {}
        """For the current row: the number of passes of each repeat, by its start in the text."""

    def lines(self, lines: Iterable[tree.Statement], scope: _Scope) -> Iterator[Row]:
        scope = scope._replace(items=tuple(lines))
        position = 0  # both the lines and the steps are in the order of the text
        for line in scope.items:
            if isinstance(line, tree.ErrorStatement) and not line.word:
                yield self._unknown(line.name or "", self._slice(line.span))
            if not isinstance(line, tree.Line):
                continue
            first = position
            while position < len(scope.places) and scope.places[position].step.span.start < line.span.end:
                position += 1
            yield from self._line(line, scope, scope.places[first:position])

    def _line(self, line: tree.Line, scope: _Scope, places_here: list[Place]) -> Iterator[Row]:
        label = "" if line.others else line.label or ""
        inside = self._inside("line", places_here, scope)
        if inside is not None:
            scope, places_here, label = inside, inside.places, inside.path
        runs = list(_runs(line, places_here))
        for run in runs:
            if isinstance(run.step, tree.GroupStep) and run.step.times is None and run.places:
                # the lines of a group: of its own body where it has a name, else of the body around it
                items = [item for item in run.step.body.items if isinstance(item, tree.Line)]
                inside = self._inside("group", run.places, scope)
                yield from self.lines(items, inside or scope._replace(places=run.places))
            elif run.places or not all(isinstance(step, _SILENT) for step in run.steps):
                yield self._row(run, scope, label if len(runs) == 1 else "")

    def _inside(self, kind: str, places_here: list[Place], scope: _Scope) -> _Scope | None:
        """The body of a line or a group that is a region of its own."""
        step = places_here[0].step if len(places_here) == 1 else None
        if not isinstance(step, Region) or step.kind != kind:
            return None
        number = step.passes[0].body
        body = self.graph.bodies[number]
        return _Scope(number, body, list(places(body)), _join(scope.path, step.name))

    def _row(self, run: _Run, scope: _Scope, label: str) -> Row:
        self.counts = {}
        self._count_passes(place.step for place in run.places)
        text = " → ".join(filter(None, map(self._text, run.steps)))
        if not run.places:
            # an `if` that leaves everything out, a repeat without a pass
            blank = (label or self._without_passes(run, scope), text, *("" for _ in self.columns))
            if any(isinstance(step, (tree.IfStep, tree.GroupStep)) for step in run.steps):
                return Row(blank, "faint")
            # `x: id` only names its input
            if all(isinstance(step, _SILENT) or getattr(step, "word", "") == "id" for step in run.steps):
                return Row(blank)
            return self._unknown(label, text)
        first, last = run.places[0].index, run.places[-1]
        if isinstance(last.step, Region) and not isinstance(run.step, tree.GroupStep):
            text = self._with_count(text, last.step)
        field = self.report.fields.at(scope.number, last.output)
        known = Amounts(
            shape_text(scope.body.values[last.output]),
            self._params(scope.number, first, last.index + 1),
            self.report.macs.stretch(scope.number, first, last.index + 1),
            None if field is None else field.size,
            self.report.memory(scope.number, first, last.index + 1),
        )
        wrong = any(isinstance(place.step, Hole) for place in run.places)
        name = label or _join(scope.path, _name(run.places))
        return Row((name, text, *cells(known, self.columns)), "wrong" if wrong else "plain")

    def _without_passes(self, run: _Run, scope: _Scope) -> str:
        """The name of a repeat without a pass: one that no other row has."""
        if not isinstance(run.step, tree.GroupStep):
            return ""
        names = names_of(scope.items, {}, collapse=bool(scope.path)).steps
        return _join(scope.path, names.get(id(run.step), ""))

    def _unknown(self, name: str, text: str) -> Row:
        return Row((name, text, *cells(Amounts(), self.columns)), "wrong")

    def _params(self, body: int, first: int, last: int) -> int | None:
        """The weights of a row; those of a shared block are in its first row only."""
        total = 0
        for held in self.report.weights.steps[body][first:last]:
            tally = counted({name: held[name] for name in held.keys() - self.shown})
            self.shown |= held.keys() - {OWN}
            if tally is None:
                return None
            total += tally.params
        return total

    def _count_passes(self, steps: Iterable[Step]) -> None:
        """Counts the passes of the repeats among the steps, nested ones included."""
        for step in steps:
            if not isinstance(step, Region) or step.kind not in ("repeat", "group"):
                continue
            if step.kind == "repeat":
                self.counts.setdefault(step.span.start, set()).add(sum(one.count for one in step.passes))
            for body in {one.body for one in step.passes}:
                self._count_passes(self.graph.bodies[body].steps)

    def _with_count(self, text: str, region: Region) -> str:
        """`stage(64, 3): bottleneck ×3`."""
        repeat = self._only_region(region.passes[0].body) if region.passes else None
        if repeat is None or repeat.kind != "repeat":
            return text
        count = sum(one.count for one in repeat.passes)
        regions = [self._only_region(one.body) for one in repeat.passes]
        names = {one.block if one is not None else None for one in regions}
        name = names.pop() if len(names) == 1 else None
        return f"{text}: {f'{name} ' if name else ''}×{count}"

    def _only_region(self, body: int) -> Region | None:
        steps = self.graph.bodies[body].steps
        return steps[0] if len(steps) == 1 and isinstance(steps[0], Region) else None

    def _text(self, step: tree.Step) -> str:
        """A step as written, on one line, without claims and comments."""
        if isinstance(step, tree.ClaimStep):
            return ""
        if isinstance(step, tree.GroupStep):
            text = f"[{self._sequence(step.body)}]"
            if step.times is None:
                return text
            counts = self.counts.get(step.span.start, set())
            # as written if it is absent in this use, or differs from pass to pass
            if len(counts) == 1:
                return f"{text} ×{min(counts)}"
            written = self._slice(step.times.span)
            return f"{text} ×{written if written.isalnum() or written.startswith('(') else f'({written})'}"
        if isinstance(step, tree.BranchStep):
            branches = " | ".join(self._sequence(branch) or "id" for branch in step.branches)
            head = " ".join([step.word, *(self._slice(argument.span) for argument in step.arguments)])
            return f"{head} [ {branches} ]"
        if isinstance(step, tree.IfStep):
            text = f"if {self._slice(step.condition.span)} [ {self._sequence(step.then)} ]"
            return f"{text} else [ {self._sequence(step.otherwise)} ]" if step.otherwise is not None else text
        return self._slice(step.span)

    def _sequence(self, sequence: tree.Sequence) -> str:
        lines = [item for item in sequence.items if isinstance(item, tree.Line)]
        texts = (self._text(step) for line in lines for step in line.steps)
        return " → ".join(filter(None, texts))

    def _slice(self, span: Span) -> str:
        text = self.source.text[span.start : span.end]
        if "\n" in text or "\r" in text:
            text = "; ".join(line.partition("#")[0].strip() for line in text.splitlines())
        return " ".join(text.split())


class _Run(NamedTuple):
    """Steps of a line that share a row, and the steps of the body that they became. `step` is the block,
    repeat or branching that has a row of its own.
    """

    steps: list[tree.Step]
    places: list[Place]
    step: tree.Step | None = None


_OWN_ROW = (tree.CallStep, tree.GroupStep, tree.BranchStep)
_SILENT = (tree.StartStep, tree.ClaimStep)


def _runs(line: tree.Line, places_here: list[Place]) -> Iterator[_Run]:
    """The steps of a line; consecutive layers are grouped."""
    position = 0
    steps: list[tree.Step] = []
    run: list[Place] = []
    for step in line.steps:
        first = position
        while position < len(places_here) and places_here[position].step.span.start < step.span.end:
            position += 1
        if not isinstance(step, _OWN_ROW):
            steps.append(step)
            run += places_here[first:position]
            continue
        leading = [one for one in steps if isinstance(one, tree.StartStep)] if len(steps) == 1 else []
        if steps and not leading:
            yield _Run(steps, run)
            run = []
        yield _Run([*leading, step], run + places_here[first:position], step)
        steps, run = [], []
    if steps and (run or not all(isinstance(one, _SILENT) for one in steps)):
        yield _Run(steps, run)


def _name(places_here: list[Place]) -> str:
    """The name of a row without a label: that of its only step, else that of its first layer that has a
    name."""
    step: Step = places_here[-1].step if isinstance(places_here[-1].step, Region) else places_here[0].step
    if isinstance(places_here[-1].step, Layer) and places_here[-1].step.op.merges:
        step = places_here[-1].step
    return step.name


def _join(path: str, name: str) -> str:
    return ".".join(level for level in (path, name) if level)
