"""The parts of a network as a paper's table lists them: a layer with what follows it, or a block × n.

The bodies of the graph (see `ir.graph`) are gone through once each. Lines, groups and blocks that only line
up others are opened; a block whose branches meet is a *cell*, and stays one part. Equal passes of a repeat
are one part, `times` n. Batch normalisation, activations and the like belong to the layer before them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING, Any, Literal

from cnnspec.analyses.weights import OWN, Held
from cnnspec.diagnostics import Source, Span
from cnnspec.ir.graph import Body, Layer, Place, Region, Step, places
from cnnspec.ops import Op
from cnnspec.ops.base import Shape

if TYPE_CHECKING:
    from cnnspec.analyses.report import Report

MANY = 2000
"""Parts of a table, at most."""
WRITTEN_OUT = 64
"""A repeat of several parts is written out up to so many of them, else it is one part, × n."""


class TooMany(Exception):
    """More parts than a table can have; `span` is the step that has them."""

    def __init__(self, span: Span) -> None:
        self.span = span


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a table. `word` is the layer's, the merge's or the block's; `call` how the spec says it.

    `branches` are what is inside: of a cell its one chain, of a merge (`gate`: one that weighs channels) its
    branches. `container` is the path of the line, block or repeat that was opened around it, `line` its line
    at the top of the file, `inputs` the shapes of all that a layer reads, `quiet` the words of
    the layers that belong to it. `weights` are by shared block,
    as in `analyses.weights`; `first` are the arguments of the first of `times` uses."""

    kind: Literal["layer", "cell", "merge", "gate", "quiet"]
    name: str
    word: str
    span: Span
    line: int
    arriving: Shape
    out: Shape
    op: Op | None = None
    inputs: tuple[Shape, ...] = ()
    branches: tuple[tuple[Part, ...], ...] = ()
    times: int = 1
    call: str = ""
    first: dict[str, str] = field(default_factory=dict)
    container: str = ""
    quiet: tuple[str, ...] = ()
    weights: dict[str, int] = field(default_factory=dict)
    macs: int = 0
    depth: int = 0

    @property
    def inner(self) -> tuple[Part, ...]:
        """The chain of a cell."""
        return self.branches[0] if self.branches else ()

    @property
    def stride(self) -> tuple[Fraction | int, ...]:
        """How far apart neighbouring outputs read, along each axis; below 1 where a map grows."""
        axes = len(self.arriving) - 1
        if self.op is not None and self.kind == "layer":
            return tuple(one.stride or 1 for one in self.op.window(self.inputs or (self.arriving,), self.out))
        found: list[Fraction | int] = [1] * axes
        if self.kind == "gate":
            return tuple(found)
        for part in self.inner if self.kind == "cell" else main(self):
            if len(part.stride) == axes:
                found = [a * b for a, b in zip(found, part.stride, strict=True)]
        return tuple(found)

    @property
    def resizes(self) -> bool:
        """Whether it makes maps smaller or larger by a stride, or ends them."""
        return len(self.out) != len(self.arriving) or any(one != 1 for one in self.stride)

    @property
    def weighted(self) -> int:
        """Layers with weights in it that papers count, gates aside."""
        if self.kind == "layer":
            return self.times * int(self.op is not None and self.op.weighted)
        if self.kind == "gate":
            return 0
        return self.times * sum(part.weighted for branch in self.branches for part in branch)


def main(merge: Part) -> tuple[Part, ...]:
    """The branch of a merge that a table shows: the one that has the weights, beside shortcuts that have at
    most one weighted layer each. () where several are equally important."""
    shown = [branch for branch in merge.branches if branch]
    if len(shown) <= 1:
        return shown[0] if shown else ()
    sizes = sorted((sum(part.weighted for part in branch), -place) for place, branch in enumerate(shown))
    if sizes[-2][0] <= 1 < sizes[-1][0] and merge.word != "concat":
        return shown[-sizes[-1][1]]
    return ()


def form(part: Part) -> Any:
    """What two parts have in common that are the same but for strides, shortcuts and incoming channels."""
    if part.kind == "layer":
        op = part.op
        kernel, groups = getattr(op, "F", None), getattr(op, "G", 1)
        return part.word, part.out[0], kernel, groups, getattr(op, "D", 1), part.times
    if part.kind in ("merge", "gate"):
        chosen = main(part)
        branches = (chosen,) if chosen else part.branches
        return part.kind, part.word, tuple(tuple(map(form, branch)) for branch in branches)
    acts = tuple(one for inner in part.inner for one in inner.quiet)
    return part.word, tuple(map(form, part.inner)), acts


def visible(part: Part) -> bool:
    return part.kind != "quiet"


def joined(parts: Iterable[Part], key: Callable[[Part], Any] = form) -> tuple[Part, ...]:
    """Neighbours that are the same, the later ones without a stride, as one part, × n."""
    found: list[Part] = []
    for part in parts:
        follows = found and not part.resizes and _flat(found[-1].out) == _flat(part.arriving)
        if follows and key(_single(found[-1])) == key(_single(part)):
            found[-1] = together(found[-1], part)
        else:
            found.append(part)
    return tuple(found)


def _flat(shape: Shape) -> Shape:
    """A vector is a map of one position."""
    return shape[:1] if prod(shape) == shape[0] else shape


def _single(part: Part) -> Part:
    return replace(part, times=1) if part.times != 1 else part


def together(one: Part, other: Part) -> Part:
    """Two parts in a row as one."""
    return replace(
        one,
        times=one.times + other.times,
        out=other.out,
        weights=_plus(one.weights, other.weights),
        macs=one.macs + other.macs,
        depth=one.depth + other.depth,
    )


def multiplied(part: Part, times: int) -> Part:
    """The part `times` times over."""
    if times == 1:
        return part
    return replace(
        part,
        times=part.times * times,
        weights={**part.weights, OWN: times * part.weights.get(OWN, 0)},
        macs=times * part.macs,
        depth=times * part.depth,
    )


def _plus(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {**one, **other, OWN: one.get(OWN, 0) + other.get(OWN, 0)}


def _amounts(held: Held) -> dict[str, int]:
    return {name: tally.params for name, tally in held.items() if tally is not None}


def as_cell(part: Part) -> Part:
    """A merge that stands for itself."""
    if part.kind not in ("merge", "gate"):
        return part
    inside = replace(part, weights={}, quiet=())
    return replace(part, kind="cell", op=None, branches=((inside,),))


class Parts:
    """The parts of one network. `shown` are words of layers that are parts of their own though they have
    neither weights nor a window (`lrn`, `softmax`)."""

    def __init__(self, report: Report, source: Source, shown: frozenset[str] = frozenset()) -> None:
        self.report = report
        self.source = source
        self.shown = shown
        self.known: dict[int, tuple[Part, ...]] = {}
        self.blocks = self._with_branches()

    def all(self) -> tuple[Part, ...]:
        """The parts of the whole network, in the order of the text."""
        return tuple(map(as_cell, self.of(len(self.report.graph.bodies) - 1)))

    def of(self, number: int) -> tuple[Part, ...]:
        """The parts of a body; names and lines are as seen from it."""
        if number not in self.known:
            self.known[number] = self._settled(self._elements(number))
        return self.known[number]

    def _with_branches(self) -> frozenset[str]:
        """The blocks of which a use has branches that meet."""
        found: set[str] = set()
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
                    found.add(step.block)
        return frozenset(found)

    def _elements(self, number: int) -> list[Part]:
        """The parts of a body's steps, those in a merge's branches inside it."""
        body = self.report.graph.bodies[number]
        chain: list[_Element] = []
        for place in places(body):
            made = self._step(number, body, place)
            inside: list[_Element] = []
            if isinstance(place.step, Layer) and place.step.op.merges:
                inside = _take_inside(chain, place.step.span)
            element = _Element(place, made, place.step.inputs[0] if place.step.inputs else 0)
            if inside:
                element = _merge(element, place.step.inputs, inside, self)
            chain.append(element)
            if sum(len(one.parts) for one in chain) > MANY:
                raise TooMany(place.step.span)
        return [part for element in chain for part in element.parts]

    def _step(self, number: int, body: Body, place: Place) -> list[Part]:
        step = place.step
        if isinstance(step, Region):
            return self._region(number, body, place, step)
        assert isinstance(step, Layer)
        out = body.values[place.output]
        arriving = body.values[step.inputs[0]]
        assert out is not None
        assert arriving is not None
        op = step.op
        known = _inputs(body, step)
        return [
            Part(
                kind=self._kind(op, known, out),
                name=step.name,
                word=op.word,
                span=step.span,
                line=self.source.position(step.span.start).line,
                arriving=arriving,
                out=out,
                op=op,
                inputs=known,
                branches=((),) * len(step.inputs) if op.merges else (),
                call=f"{op.word} {op.written()}".strip(),
                weights=_amounts(self.report.weights.steps[number][place.index]),
                macs=self.report.macs.steps[number][place.index] or 0,
                depth=int(op.weighted),
            )
        ]

    def _kind(self, op: Op, arriving: tuple[Shape, ...], out: Shape) -> Literal["layer", "merge", "quiet"]:
        if op.merges:
            return "quiet"  # until it is seen to have branches
        if op.word in self.shown or op.weighted or op.macs(arriving, out):
            return "layer"
        if op.activation or (op.ends_map and prod(arriving[0]) == prod(out)):
            return "quiet"
        moves = any(one.size > 1 or one.stride != 1 for one in op.window(arriving, out))
        return "layer" if moves else "quiet"

    def _region(self, number: int, body: Body, place: Place, step: Region) -> list[Part]:
        passes = [(self.of(one.body), one.count) for one in step.passes]
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
        """A part of a step that was opened."""
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
        out, arriving = body.values[place.output], body.values[step.inputs[0]]
        assert out is not None
        assert arriving is not None
        weights: dict[str, int] = {}
        for part in parts:
            weights = _plus(weights, part.weights)
        return Part(
            kind="cell",
            name="",
            word=step.block or "",
            span=step.span,
            line=0,
            arriving=arriving,
            out=out,
            branches=(tuple(part for part in parts if visible(part)),),
            call=_call(step),
            first=dict(step.arguments),
            weights=weights,
            macs=sum(part.macs for part in parts),
            depth=self.report.depth.stretch(number, place.index, place.index + 1, place.output),
        )

    def _repeated(self, passes: list[tuple[tuple[Part, ...], int]], step: Region) -> Iterable[Part]:
        """The passes of a repeat: equal ones together."""
        found: list[Part] = []
        for parts, count in passes:
            parts = tuple(map(as_cell, parts))
            shown = [part for part in parts if visible(part)]
            chain = not any(one.kind == "cell" or one.resizes for one in shown)
            if len(shown) > 1 and (chain or count * len(shown) > WRITTEN_OUT):
                parts = (_bundle(parts),)
            if len(parts) == 1 and not (parts[0].resizes and count > 1):
                found += [multiplied(parts[0], count)]
            elif count * len(parts) > MANY:
                raise TooMany(step.span)
            else:
                found += parts * count
            found = [*joined(found)]
            if len(found) > MANY:
                raise TooMany(step.span)
        return found

    def _settled(self, parts: Sequence[Part]) -> tuple[Part, ...]:
        """The quiet layers put to the part before them, or else to the one after."""
        found: list[Part] = []
        waiting: list[Part] = []
        for part in parts:
            if visible(part):
                for one in waiting:
                    part = _absorb(part, one, before=True)
                waiting = []
                found.append(part)
            elif found:
                found[-1] = _absorb(found[-1], part)
            else:
                waiting.append(part)
        if waiting:
            first, *others = waiting
            for one in others:
                first = _absorb(first, one)
            found.append(replace(first, out=waiting[-1].out))
        return tuple(found)


def _absorb(part: Part, quiet: Part, before: bool = False) -> Part:
    words = (*quiet.quiet, quiet.word)
    return replace(
        part,
        quiet=(*words, *part.quiet) if before else (*part.quiet, *words),
        weights=_plus(part.weights, quiet.weights),
        macs=part.macs + quiet.macs,
        depth=part.depth + quiet.depth,
    )


def _bundle(parts: tuple[Part, ...]) -> Part:
    """The parts of a pass as a cell without a name."""
    weights: dict[str, int] = {}
    for part in parts:
        weights = _plus(weights, part.weights)
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
        macs=sum(part.macs for part in parts),
        depth=sum(part.depth for part in parts),
    )


@dataclass
class _Element:
    """What a step of a body became; `start` is the value that it reads."""

    place: Place
    parts: list[Part]
    start: int


def _take_inside(chain: list[_Element], span: Span) -> list[_Element]:
    """The steps in a merge's branches, taken off the chain."""
    first = len(chain)
    while first and _within(chain[first - 1].place.step, span):
        first -= 1
    inside = chain[first:]
    del chain[first:]
    return inside


def _within(step: Step, span: Span) -> bool:
    return span.start <= step.span.start and step.span.end <= span.end


def _merge(element: _Element, inputs: tuple[int, ...], inside: list[_Element], parts: Parts) -> _Element:
    """The merge with its branches in it; one whose branches have nothing to show is quiet."""
    made = {value: one for one in inside for value in _values(one.place)}
    branches: list[tuple[Part, ...]] = []
    start = element.start
    for value in inputs:
        branch: list[Part] = []
        while value in made:
            one = made[value]
            branch = [*one.parts, *branch]
            value = one.start
        start = value if branch else start
        branches.append(parts._settled(branch))
    (merge,) = element.parts
    seen = [tuple(part for part in branch if visible(part)) for branch in branches]
    members = [part for one in inside for part in one.parts]
    weights = merge.weights
    for part in members:
        weights = _plus(weights, part.weights)
    kind: Literal["merge", "gate", "quiet"] = "merge"
    if not any(seen):
        kind = "quiet"
    elif merge.op is not None and merge.op.gate:
        kind = "gate"
    element.start = start
    element.parts = [
        replace(
            merge,
            kind=kind,
            arriving=next((branch[0].arriving for branch in seen if branch), merge.arriving),
            branches=tuple(seen),
            weights=weights,
            macs=merge.macs + sum(part.macs for part in members),
            depth=max(sum(part.depth for part in branch) for branch in branches),
        )
    ]
    return element


def _values(place: Place) -> range:
    count = place.step.outputs if isinstance(place.step, Region) else 1
    return range(place.output, place.output + count)


def _inputs(body: Body, step: Layer) -> tuple[Shape, ...]:
    return tuple(shape for value in step.inputs if (shape := body.values[value]) is not None)


def _call(step: Region) -> str:
    return f"{step.block}({', '.join(step.arguments.values())})"


def _join(*levels: str) -> str:
    return ".".join(level for level in levels if level)


def is_depthwise(part: Part) -> bool:
    """A convolution that has one filter for each channel."""
    if part.kind != "layer" or part.op is None:
        return False
    groups = getattr(part.op, "G", 1)
    return part.word == "dwconv" or (part.word == "conv" and groups == part.arriving[0] > 1)
