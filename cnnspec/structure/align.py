"""Merges the bodies of a class's calls into one pattern (anti-unification)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from cnnspec.ops.base import Op, arguments_of
from cnnspec.structure.holes import UnknownLayer
from cnnspec.structure.parts import Body, Chain, Leaf, Merge, Repeat, Step, Use, local_numbers
from cnnspec.structure.pattern import Instance, Pattern, Site, Track

FREE = ("integer", "sizes", "number", "range", "shape")
"""The kinds of arguments that may differ between the uses of a block."""
ALIKE = 0.5
"""The least part of their steps that two bodies must have in common."""
PASSES = 3
"""The number of passes of a repeat that are merged, besides the last; further ones must be equal to these."""


class TooMuch(Exception):
    """Merging the calls would take too long."""


@dataclass(eq=False, repr=False)
class Work:
    """The number of pairs of steps that may still be compared."""

    pairs: int = 500_000


class Local(NamedTuple):
    """The local numbers of a body's values, and the remaining work."""

    numbers: dict[int, int]
    work: Work


def begun(body: Body, work: Work) -> Pattern:
    """The pattern of one use."""
    pattern = Pattern([body], [Track({}) for _ in body.lines])
    for track, line in zip(pattern.lines, body.lines, strict=True):
        _add_chain(track, (0,), line.chain, Local(local_numbers(body), work))
    return pattern


def added(pattern: Pattern, body: Body, work: Work) -> bool:
    """Merges a further use into the pattern, if it is similar enough; whether it is."""
    first, local = pattern.bodies[0], Local(local_numbers(body), work)
    if _ends(first) != _ends(body):
        return False
    chains = [
        _wrapped(track, _split(track, line.chain), local)
        for track, line in zip(pattern.lines, body.lines, strict=True)
    ]
    common = sum(
        _overlap(track.sites, one.steps, local) for track, one in zip(pattern.lines, chains, strict=True)
    )
    largest = max(sum(_weight(one.chain) for one in each.lines) for each in (first, body))
    if common < ALIKE * largest or not all(
        _filters_alike(track.sites, one.steps, local)
        for track, one in zip(pattern.lines, chains, strict=True)
    ):
        return False
    number = (len(pattern.bodies),)
    pattern.bodies.append(body)
    for track, chain in zip(pattern.lines, chains, strict=True):
        _add_chain(track, number, chain, local)
    return True


def _filters_alike(sites: Sequence[Site], steps: Sequence[Step], local: Local) -> bool:
    """Whether two rows of layers have more in common than norms and activations: a convolution and a norm are
    not the block of a depthwise one and a norm."""
    both = [site.first for site in sites], steps
    if not all(isinstance(step, Leaf) for side in both for step in side):
        return True
    if not all(any(_weighted(step) for step in side) for side in both):
        return True
    pairs = _aligned(sites, steps, local)[1]
    return any(a is not None and b is not None and _weighted(steps[b]) for a, b in pairs)


def _weighted(step: Step) -> bool:
    return isinstance(step, Leaf) and step.op.weighted


def _ends(body: Body) -> Hashable:
    """How the lines of a body depend on each other."""
    local = local_numbers(body)
    lines = tuple(
        (
            line.chain.named and local[line.chain.begin],
            tuple(map(local.get, line.chain.also)),
            tuple(map(local.get, line.ends)),
        )
        for line in body.lines
    )
    return len(body.inputs), lines, tuple(map(local.get, body.outputs))


# --- merging steps --------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def fixed(op: Op) -> Hashable:
    """A key that must be equal in all uses: everything except the numbers of FREE arguments."""
    if isinstance(op, UnknownLayer):
        return op.word, op.what, len(op.shape)
    kinds = {name: argument.kind for name, argument in arguments_of(type(op)) if argument.kind in FREE}
    values = (
        (name, (value,))
        if name not in kinds or isinstance(value, str | None)
        else (name, len(value) if kinds[name] == "shape" else None)
        for name, value in op
    )
    return op.word, tuple(values)


def _likeness(site: Site, step: Step, local: Local) -> float:
    """The similarity of a step to the steps at a site; 0 where it cannot be merged with them."""
    before = site.first
    if isinstance(step, Leaf | Use) and tuple(map(local.numbers.get, step.tensors)) != site.refers:
        return 0
    match before, step:
        case Leaf(), Leaf():
            if before.op is step.op:
                return 1.3
            if before.op.activation and step.op.activation:
                return 0.5
            alike = before.op.word == step.op.word and fixed(before.op) == fixed(step.op)
            return 1.0 if alike else 0
        case Use(), Use():
            return 1.2 if before.region.block == step.region.block else 0
        case Merge(), Merge():
            if fixed(before.op) != fixed(step.op) or len(site.tracks) < len(step.branches):
                return 0
            if len(site.tracks) != len(step.branches) and not before.op.operator:
                return 0
            pairs = zip(site.tracks, step.branches, strict=False)  # further branches are absent
            if any(one.at and two and one.begin != _named(two, local) for one, two in pairs):
                return 0
            return 1 + sum(
                _overlap(track.sites, branch.steps, local)
                for track, branch in zip(site.tracks, step.branches, strict=False)
                if branch is not None
            )
        case Repeat(), Repeat():
            return 1 + _overlap(site.tracks[0].sites, step.passes[0].steps, local)
        case Repeat(), _:
            return _overlap(site.tracks[0].sites, (step,), local) if len(site.tracks[0].sites) == 1 else 0
    return 0


def _weight(chain: Chain) -> float:
    total = 0.0
    for step in chain.steps:
        match step:
            case Merge():
                total += 1 + sum(_weight(branch) for branch in step.branches if branch is not None)
            case Repeat():
                total += 1 + _weight(step.passes[0])
            case _:
                total += 1
    return total


def _overlap(sites: Sequence[Site], steps: Sequence[Step], local: Local) -> float:
    return _aligned(sites, steps, local)[0]


def _aligned(
    sites: Sequence[Site], steps: Sequence[Step], local: Local
) -> tuple[float, list[tuple[int | None, int | None]]]:
    """The best alignment of steps with sites, in order: its total similarity, and the pairs."""
    local.work.pairs -= len(sites) * len(steps)
    if local.work.pairs < 0:
        raise TooMuch
    likeness = [[_likeness(site, step, local) for step in steps] for site in sites]
    best = [[0.0] * (len(steps) + 1) for _ in range(len(sites) + 1)]
    for a in range(len(sites) - 1, -1, -1):
        for b in range(len(steps) - 1, -1, -1):
            with_it = likeness[a][b] and likeness[a][b] + best[a + 1][b + 1]
            best[a][b] = max(with_it, best[a + 1][b], best[a][b + 1])
    pairs: list[tuple[int | None, int | None]] = []
    a = b = 0
    while a < len(sites) or b < len(steps):
        both = a < len(sites) and b < len(steps)
        if both and likeness[a][b] and best[a][b] == likeness[a][b] + best[a + 1][b + 1]:
            pairs.append((a, b))
            a, b = a + 1, b + 1
        elif a < len(sites) and (b == len(steps) or best[a][b] == best[a + 1][b]):
            pairs.append((a, None))
            a += 1
        else:
            pairs.append((None, b))
            b += 1
    return best[0][0], pairs


def _add_chain(track: Track, number: Instance, chain: Chain, local: Local) -> None:
    pairs = _aligned(track.sites, chain.steps, local)[1]
    sites = []
    for site, step in pairs:
        sites.append(Site({}) if site is None else track.sites[site])
        if step is not None:
            _add_step(sites[-1], number, chain.steps[step], local)
    track.sites = sites
    track.begin = _named(chain, local)
    track.also = tuple(map(local.numbers.__getitem__, chain.also))
    track.at[number] = chain


def _named(chain: Chain, local: Local) -> int | None:
    return local.numbers[chain.begin] if chain.named else None


def _add_step(site: Site, number: Instance, step: Step, local: Local) -> None:
    if site.at and isinstance(site.first, Repeat) and not isinstance(step, Repeat):
        step = Repeat((Chain(step.begin, False, (step,)),))
    site.at[number] = step
    match step:
        case Leaf() | Use():
            site.refers = tuple(map(local.numbers.__getitem__, step.tensors))
        case Merge():
            site.tracks = site.tracks or [Track({}) for _ in step.branches]
            for track, branch in zip(site.tracks, step.branches, strict=False):
                if branch is not None:
                    _add_chain(track, number, branch, local)
        case Repeat():
            site.tracks = site.tracks or [Track({})]
            for place in sorted({*range(min(PASSES, len(step.passes))), len(step.passes) - 1}):
                _add_chain(site.tracks[0], (*number, place), step.passes[place], local)


def _split(track: Track, chain: Chain) -> Chain:
    """Takes the first pass out of a repeat, where the other uses have a single use of the same block before
    the repeat: `f(k, s=s) -> [f(k)]*n`."""
    used = [_used(site.first) for site in track.sites]
    apart = {
        block
        for block, site, behind in zip(used, track.sites, track.sites[1:], strict=False)
        if block and isinstance(site.first, Use) and _used(behind.first) == block
    }
    steps: list[Step] = []
    for number, step in enumerate(chain.steps):
        block = _used(step)
        alone = not number or _used(chain.steps[number - 1]) != block
        if isinstance(step, Repeat) and block in apart and alone:
            first, *others = step.passes
            steps += [*first.steps, Repeat(tuple(others))]
        else:
            steps.append(step)
    return chain._replace(steps=tuple(steps))


def _used(step: Step) -> str:
    """The name of the block in a use, or in a repeat of uses; else an empty name."""
    match step:
        case Use(region):
            return region.block
        case Repeat((Chain(steps=(Use(region),)), *_)):
            return region.block
    return ""


def _wrapped(track: Track, chain: Chain, local: Local) -> Chain:
    """The chain as a merge with one branch, where other uses have a merge with more branches: a block whose
    shortcut exists only where the shapes allow it."""
    merges = [number for number, site in enumerate(track.sites) if isinstance(site.first, Merge)]
    if len(merges) != 1 or any(
        isinstance(step, Merge) and step.op == track.sites[merges[0]].first.op for step in chain.steps
    ):
        return chain
    site, before = track.sites[merges[0]], merges[0]
    if not site.first.op.operator or not _in_order(track.sites[:before], chain.steps[:before], local):
        return chain
    after = track.sites[before + 1 :]
    for behind in range(min(len(after), len(chain.steps) - before - 1), -1, -1):
        last = len(chain.steps) - behind
        steps = chain.steps[before:last]
        worth = [_overlap(one.sites, steps, local) for one in site.tracks]
        place = max(range(len(worth)), key=worth.__getitem__)
        if worth[place] < ALIKE * len(steps) or not _in_order(after, chain.steps[last:], local):
            continue
        branches: list[Chain | None] = [None] * len(worth)
        branches[place] = Chain(steps[0].begin, False, steps)
        merge = Merge(None, site.first.op, steps[0].begin, steps[-1].end, tuple(branches))
        return chain._replace(steps=(*chain.steps[:before], merge, *chain.steps[last:]))
    return chain


def _in_order(sites: Sequence[Site], steps: Sequence[Step], local: Local) -> bool:
    """Whether each step can be merged into a site, in order."""
    left = iter(sites)
    return all(any(_likeness(site, step, local) for site in left) for step in steps)
