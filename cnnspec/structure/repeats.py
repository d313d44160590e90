"""Equal neighbours → repeats: `[conv F3 P1 K64 -> relu]*2`."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from cnnspec.structure.parts import Body, Chain, Leaf, Merge, Repeat, Step, Use

LONGEST = 48
"""Steps of a pass, at most."""

NameOf = Callable[[int], Hashable]


def folded(body: Body, leaves: bool = True) -> Body:
    """The body with its repeats. Without `leaves`, a repeat of plain layers only is left as it is."""
    lines = tuple(one._replace(chain=_folded(one.chain, leaves)) for one in body.lines)
    return body._replace(lines=lines)


def _folded(chain: Chain, leaves: bool) -> Chain:
    steps = [_within(step, leaves) for step in chain.steps]
    keys = _numbered([key_of(step, int) for step in steps])
    runs = _runs(keys)
    found: list[Step] = []
    at = 0
    while at < len(steps):
        length = _best(runs, at, len(steps))
        if not length or (not leaves and all(isinstance(one, Leaf) for one in steps[at : at + length])):
            found.append(steps[at])
            at += 1
            continue
        count = runs[length][at] // length + 1
        starts = [at + length * number for number in range(count)]
        passes = [tuple(steps[start : start + length]) for start in starts]
        found.append(Repeat(tuple(Chain(one[0].begin, False, one) for one in passes)))
        at += length * count
    return chain._replace(steps=tuple(found))


def _within(step: Step, leaves: bool) -> Step:
    if not isinstance(step, Merge):
        return step
    branches = (None if one is None else _folded(one, leaves) for one in step.branches)
    return step._replace(branches=tuple(branches))


def _numbered(keys: Sequence[Hashable]) -> list[int]:
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(key, len(numbers)) for key in keys]


def _runs(keys: Sequence[int]) -> dict[int, list[int]]:
    """For each length of a pass: how many steps from here on are equal to that so many steps later."""
    found = {}
    for length in range(1, min(LONGEST, len(keys) // 2) + 1):
        run = [0] * (len(keys) + 1)
        for at in range(len(keys) - length - 1, -1, -1):
            run[at] = run[at + 1] + 1 if keys[at] == keys[at + length] else 0
        if any(count >= length for count in run):
            found[length] = run
    return found


def _best(runs: dict[int, list[int]], at: int, end: int) -> int:
    """The length of the pass that saves most from here on; 0 where there is none. A longer pass is taken only
    where it saves more."""
    best, most = 0, 0
    for length, run in runs.items():
        count = run[at] // length + 1
        if count > 1 and length * (count - 1) > most:
            best, most = length, length * (count - 1)
    return best


def key_of(step: Step, name: NameOf) -> Hashable:
    """What a step says: steps with equal keys are written alike."""
    match step:
        case Leaf():
            return step.op.word, step.op, tuple(map(name, step.tensors))
        case Use():
            given = tuple(step.region.arguments.items())
            return "use", step.region.block, given, tuple(map(name, step.tensors))
        case Merge():
            return "merge", step.op, tuple(one and chain_key(one, name) for one in step.branches)
        case Repeat():
            return "repeat", len(step.passes), chain_key(step.passes[0], name)


def chain_key(chain: Chain, name: NameOf) -> Hashable:
    return chain.named and name(chain.begin), tuple(key_of(step, name) for step in chain.steps)


def body_key(body: Body) -> Hashable:
    """What a body says: bodies with equal keys are written alike."""
    local = {value: number for number, value in enumerate((*body.inputs, *body.named))}
    chains = tuple(
        (chain_key(line.chain, local.__getitem__), tuple(map(local.get, line.ends))) for line in body.lines
    )
    return len(body.inputs), chains, tuple(map(local.get, body.outputs))
