"""Consecutive uses of a block with several inputs, which are the outputs of the use before → a repeat through
which several tensors go: `@a, @b -> [exchange()]*3`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

from cnnspec.structure.parts import Body, Chain, Line, Repeat, Use, references


def together(body: Body) -> Body:
    """The body with these repeats."""
    read = Counter(value for line in body.lines for value in _read(line))
    read.update(body.outputs)
    runs: list[list[Line]] = []
    for line in body.lines:
        last = runs[-1][-1] if runs else None
        if last is not None and _goes_on(last, line) and all(read[end] == 1 for end in last.ends):
            runs[-1].append(line)
        else:
            runs.append([line])
    if len(runs) == len(body.lines):
        return body
    lines = tuple(_joined(run) if len(run) > 1 else run[0] for run in runs)
    named = dict.fromkeys(body.outputs if len(body.outputs) > 1 else ())
    named |= dict.fromkeys(value for line in lines for value in references(line.chain))
    named |= dict.fromkeys(value for line in lines if len(line.ends) > 1 for value in line.ends)
    named |= dict.fromkeys(value for value in body.named if value in body.outputs)
    order = dict.fromkeys([*body.inputs, *(end for line in lines for end in line.ends)])
    return body._replace(lines=lines, named=tuple(value for value in order if value in named))


def _read(line: Line) -> tuple[int, ...]:
    """The values that a line reads, those without a label too."""
    named = tuple(references(line.chain))
    return named if line.chain.named else (line.chain.begin, *named)


def _use(line: Line) -> Use | None:
    """The use that is the whole of a line, and has as many inputs as outputs."""
    step = line.chain.steps[0] if len(line.chain.steps) == 1 else None
    fits = isinstance(step, Use) and len(line.ends) == 1 + len(step.tensors) > 1
    return step if fits and isinstance(step, Use) else None


def _key(use: Use) -> Hashable:
    return use.region.block, tuple(use.region.arguments.items())


def _goes_on(before: Line, line: Line) -> bool:
    one, other = _use(before), _use(line)
    if one is None or other is None or _key(one) != _key(other):
        return False
    return (other.begin, *other.tensors) == before.ends


def _joined(run: list[Line]) -> Line:
    uses = [use for use in map(_use, run) if use is not None]
    passes = tuple(Chain(use.begin, False, (use._replace(tensors=()),)) for use in uses)
    first = Chain(uses[0].begin, True, (Repeat(passes),), uses[0].tensors)
    return Line(first, run[-1].ends)
