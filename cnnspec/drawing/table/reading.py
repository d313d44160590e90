"""From the graph to the parts of a table.

Each body of the graph (see `ir.graph`) is read once. Lines, groups and blocks that only contain a sequence of
others are opened; a block whose branches meet stays one part. Equal passes of a repeat are one part."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Literal

from cnnspec.analyses.weights import Held
from cnnspec.diagnostics import Source, Span
from cnnspec.drawing.table.merges import Chain
from cnnspec.drawing.table.parts import (
    MANY,
    WRITTEN_OUT,
    Part,
    TooMany,
    as_cell,
    follow,
    is_depthwise,
    multiplied,
    plus,
    settled,
    visible,
)
from cnnspec.ir.graph import Body, Layer, Place, Region, places
from cnnspec.ops import Op
from cnnspec.ops.base import Shape

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report


class Reader:
    """The parts of one network. `shown` are words of layers that are parts of their own though they have
    neither weights nor a window (`lrn`, `softmax`); `by_line`: outside blocks, each part stays within the
    author's line."""

    def __init__(
        self, report: Report, source: Source, shown: frozenset[str] = frozenset(), *, by_line: bool = False
    ) -> None:
        self.report = report
        self.source = source
        self.shown = shown
        self.known: list[tuple[Part, ...]] = []
        """Of each body; names and lines are as seen from it."""
        self.blocks = self._with_branches()
        self.by_line = self._outside_blocks() if by_line else frozenset()

    def all(self) -> tuple[Part, ...]:
        """The parts of the whole network, in the order of the text."""
        for number in range(len(self.report.graph.bodies)):  # bodies inside a body come before it
            self.known.append(settled(self._elements(number)))
        return tuple(map(as_cell, self.known[-1]))

    def _with_branches(self) -> frozenset[str]:
        """The blocks that have branches that meet, in at least one use."""
        names: set[str] = set()
        bodies = self.report.graph.bodies
        for body in bodies:
            for step in body.steps:
                if (
                    isinstance(step, Region)
                    and step.block
                    and any(
                        isinstance(one, Layer) and one.op.merges and not one.op.gate and len(one.inputs) > 1
                        for one in bodies[step.passes[0].body].steps
                    )
                ):
                    names.add(step.block)
        return frozenset(names)

    def _outside_blocks(self) -> frozenset[int]:
        """The bodies that are not inside a block."""
        bodies = self.report.graph.bodies
        numbers, waiting = set(), [len(bodies) - 1]
        while waiting:
            number = waiting.pop()
            if number in numbers:
                continue
            numbers.add(number)
            regions = [step for step in bodies[number].steps if isinstance(step, Region) and not step.block]
            waiting += [one.body for step in regions for one in step.passes]
        return frozenset(numbers)

    def _elements(self, number: int) -> list[Part]:
        """The parts of a body's steps; those in a merge's branches are inside the merge."""
        body = self.report.graph.bodies[number]
        chain = Chain(self._is_block(body), number in self.by_line)
        for place in places(body):
            made = self._step(number, body, place)
            chain.add(place, made)
            if chain.parts > MANY:
                raise TooMany(place.step.span)
        return [part for element in chain.elements for part in element.parts]

    def _is_block(self, body: Body) -> bool:
        templates = self.report.graph.templates
        return bool(templates) and templates[body.template].kind == "block"

    def _step(self, number: int, body: Body, place: Place) -> list[Part]:
        step = place.step
        if isinstance(step, Region):
            return self._region(number, body, place, step)
        assert isinstance(step, Layer)
        out = body.values[place.output]
        input_shape = body.values[step.inputs[0]]
        assert out is not None
        assert input_shape is not None
        op = step.op
        known = _inputs(body, step)
        return [
            Part(
                kind=self._kind(op, known, out),
                name=step.name,
                word=op.word,
                span=step.span,
                line=self.source.position(step.span.start).line,
                input_shape=input_shape,
                out=out,
                op=op,
                inputs=known,
                branches=((),) * len(step.inputs) if op.merges else (),
                call=self._as_in_text(step) if op.merges and number in self.by_line else as_written(op),
                weights=_amounts(self.report.weights.steps[number][place.index]),
                macs=self.report.macs.steps[number][place.index] or 0,
                depth=int(op.weighted),
            )
        ]

    def _as_in_text(self, step: Layer) -> str:
        """A merge with its branches, as the author wrote it, on one line: `add [conv F1 K8 → relu | a]`."""
        text = _COMMENT.sub("", self.source.text[step.span.start : step.span.end])
        text = _NEW_LINE.sub(" -> ", text.strip())
        for sign, without in _SIGNS.items():
            text = re.sub(rf"(?:\s|->)*{sign}(?:\s|->)*", without, text)
        if not text.startswith(step.op.word):
            return as_written(step.op)
        text = re.sub(r" *-> *", " → ", text).replace("@", "")
        return text if len(text) <= LONGEST else f"{step.op.word} […]"

    def _kind(self, op: Op, inputs: tuple[Shape, ...], out: Shape) -> Literal["layer", "merge", "quiet"]:
        if op.merges:
            return "quiet"  # until its branches are known
        if op.word in self.shown or op.weighted or op.macs(inputs, out):
            return "layer"
        if op.activation or (op.ends_map and prod(inputs[0]) == prod(out)):
            return "quiet"
        moves = any(one.size > 1 or one.stride != 1 for one in op.window(inputs, out))
        return "layer" if moves else "quiet"

    def _region(self, number: int, body: Body, place: Place, step: Region) -> list[Part]:
        passes = [(self.known[one.body], one.count) for one in step.passes]
        parts = list(self._repeated(passes, step)) if step.kind == "repeat" else list(passes[0][0])
        if step.shared is not None:
            parts = [
                replace(part, weights={f"{step.shared}#{place}": sum(part.weights.values())})
                for place, part in enumerate(parts)
            ]
        line = self.source.position(step.span.start).line
        if step.block and self._is_cell(step.block, parts):
            return [replace(self._cell(number, body, place, step, parts), name=step.name, line=line)]
        if step.block and len(parts) == 1 and parts[0].kind == "layer" and parts[0].times == 1:
            parts = [replace(parts[0], call=_call(step), first=dict(step.arguments))]
        return [self._renamed(part, step, line) for part in parts]

    def _renamed(self, part: Part, step: Region, line: int) -> Part:
        """A part of a step that was opened, with the step's name before its own."""
        keeps = step.kind in ("line", "group")
        return replace(
            part,
            name=_join(step.name, part.name),
            line=part.line if keeps else line,
            span=part.span if keeps else step.span,
            container=_join(step.name, part.container),
        )

    def _is_cell(self, block: str, parts: Sequence[Part]) -> bool:
        shown = [part for part in parts if visible(part)]
        cells = sum(part.times for part in shown if part.kind == "cell")
        if any(part.kind == "merge" for part in shown):
            return True
        if cells or sum(part.weighted for part in shown) < 2:
            return False
        if any(part.kind == "layer" and not part.weighted for part in shown):
            return False
        return block in self.blocks or any(is_depthwise(part) for part in shown)

    def _cell(self, number: int, body: Body, place: Place, step: Region, parts: Sequence[Part]) -> Part:
        """The parts of a block as one part."""
        out, input_shape = body.values[place.output], body.values[step.inputs[0]]
        assert out is not None
        assert input_shape is not None
        weights, size = _together(parts, step.span)
        return Part(
            kind="cell",
            name="",
            word=step.block or "",
            span=step.span,
            line=0,
            input_shape=input_shape,
            out=out,
            branches=(tuple(part for part in parts if visible(part)),),
            call=_call(step),
            first=dict(step.arguments),
            weights=weights,
            size=size,
            macs=sum(part.macs for part in parts),
            depth=self.report.depth.stretch(number, place.index, place.index + 1, place.output),
            layers=sum(part.layers for part in parts),
        )

    def _repeated(self, passes: list[tuple[tuple[Part, ...], int]], step: Region) -> Iterable[Part]:
        """The passes of a repeat, with equal ones combined."""
        parts_of_passes: list[Part] = []
        for parts, count in passes:
            parts = tuple(map(as_cell, parts))
            shown = [part for part in parts if visible(part)]
            chain = not any(one.kind == "cell" or one.resizes for one in shown)
            if len(shown) > 1 and (chain or count * len(shown) > WRITTEN_OUT):
                parts = (_bundle(parts),)
            if len(parts) == 1 and not (parts[0].resizes and count > 1):
                follow(parts_of_passes, multiplied(parts[0], count))
            elif count * len(parts) > MANY:
                raise TooMany(step.span)
            else:
                for part in parts * count:
                    follow(parts_of_passes, part)
            if len(parts_of_passes) > MANY:
                raise TooMany(step.span)
        return parts_of_passes


def _bundle(parts: tuple[Part, ...]) -> Part:
    """The parts of a pass, as a cell without a name."""
    weights, size = _together(parts, parts[0].span)
    return replace(
        parts[0],
        kind="cell",
        word="",
        op=None,
        call=" → ".join(part.call + (f" × {part.times}" if part.times > 1 else "") for part in parts),
        times=1,
        out=parts[-1].out,
        branches=(tuple(part for part in parts if visible(part)),),
        weights=weights,
        size=size,
        macs=sum(part.macs for part in parts),
        depth=sum(part.depth for part in parts),
        layers=sum(part.layers for part in parts),
    )


def _together(parts: Sequence[Part], span: Span) -> tuple[dict[str, int], int]:
    """The weights and the size of several parts."""
    weights: dict[str, int] = {}
    for part in parts:
        weights = plus(weights, part.weights)
    size = 1 + sum(part.size for part in parts)
    if size > MANY:
        raise TooMany(span)
    return weights, size


def _amounts(held: Held) -> dict[str, int]:
    return {name: tally.params for name, tally in held.items() if tally is not None}


def _inputs(body: Body, step: Layer) -> tuple[Shape, ...]:
    return tuple(shape for value in step.inputs if (shape := body.values[value]) is not None)


def as_written(op: Op) -> str:
    """A layer as it is written in a spec, without long lists: `conv F5 K16 connect=[…]`."""
    return _LONG.sub("[…]", f"{op.word} {op.written()}".strip())


LONGEST = 80
"""The longest text of a merge, in characters, that is shown as it is written."""
_COMMENT, _NEW_LINE = re.compile(r"#[^\r\n]*"), re.compile(r"\s*[\r\n]\s*")
_SIGNS = {r"\[": " [", r"\]": "]", r"\|": " | "}
"""The spacing of brackets and bars, whatever the author's was."""
_LONG = re.compile(r"\[[^\]]{20,}\]")


def _call(step: Region) -> str:
    return f"{step.block}({', '.join(step.arguments.values())})"


def _join(*levels: str) -> str:
    return ".".join(level for level in levels if level)
