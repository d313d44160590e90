"""Consecutive equal steps → repeats: `[conv F3 P1 K64 -> relu]*2`."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from fractions import Fraction

from cnnspec.ops.base import arguments_of
from cnnspec.structure.parts import Body, Chain, Leaf, Merge, Repeat, Step, Use
from cnnspec.structure.together import together

LONGEST = 48
"""The most steps of a pass."""
PLAIN = 10_000
"""The largest denominator of the difference of two rates."""

Rates = tuple[Fraction, ...]
NameOf = Callable[[int], Hashable]


ALL, PAIRS, USES, NONE = range(4)
"""Which repeats are folded: all except two passes whose rates differ, really all, those that contain a use of
a block or a merge, or none."""


def folded(body: Body, instance: int = ALL) -> Body:
    """The body with its repeats."""
    if instance == NONE:
        return body
    lines = tuple(line._replace(chain=_folded(line.chain, instance)) for line in body.lines)
    return together(body._replace(lines=lines))


def _folded(chain: Chain, instance: int) -> Chain:
    steps = [_within(step, instance) for step in chain.steps]
    forms: dict[int, tuple[Step, Hashable, Rates]] = {}
    length = 1
    while 2 * length <= len(steps) and length <= LONGEST:
        steps = _repeated(steps, length, instance, forms)
        length += 1
    return chain._replace(steps=tuple(steps))


def _repeated(
    steps: list[Step], length: int, instance: int, forms: dict[int, tuple[Step, Hashable, Rates]]
) -> list[Step]:
    """The steps, with repeats whose passes have `length` steps."""
    for step in steps:
        if id(step) not in forms:
            forms[id(step)] = step, *_form(step)
    keys = _numbered([forms[id(step)][1] for step in steps])
    numbers = [forms[id(step)][2] for step in steps]
    grown: list[tuple[Fraction, ...] | None] = [  # the increase of the rates to the step `length` later
        _difference(numbers[at], numbers[at + length]) if keys[at] == keys[at + length] else None
        for at in range(len(keys) - length)
    ]
    if sum(one is not None for one in grown) < length:
        return steps
    result: list[Step] = []
    runs = _runs(grown, length)
    at = 0
    while at < len(steps):
        run = runs[at]
        count = run // length + 1
        if (
            count < 2
            or (count < 3 and not _evenly(grown[at : at + length], instance == PAIRS))
            or (length > 1 and _is_pool(steps[at]))
            or (instance == USES and all(isinstance(one, Leaf) for one in steps[at : at + length]))
        ):
            result.append(steps[at])
            at += 1
            continue
        # prefer a pass that begins with a layer with weights
        for shift in range(run - length * (count - 1) + 1):
            if _begins(steps[at + shift]):
                result += steps[at : at + shift]
                at += shift
                break
        starts = [at + length * number for number in range(count)]
        passes = [tuple(steps[start : start + length]) for start in starts]
        result.append(Repeat(tuple(Chain(one[0].begin, False, one) for one in passes)))
        at += length * count
    return result


def _evenly(grown: Sequence[tuple[Fraction, ...] | None], able: bool) -> bool:
    """Whether two passes are a repeat: where their rates differ, only if it is `able`, and by simple numbers,
    for any two numbers have a difference."""
    return all(not one or (able and one.denominator <= PLAIN) for each in grown for one in each or ())


def _runs(grown: Sequence[tuple[Fraction, ...] | None], length: int) -> list[int]:
    """For each step, the number of steps from it on that equal the step `length` later, with evenly
    increasing rates."""
    end = len(grown)
    # uneven: the first position from here on whose increase differs from the one a pass before
    uneven = [end] * (end + length + 1)
    unlike = end
    runs = [0] * (end + length)
    for at in range(end - 1, -1, -1):
        before = grown[at - length] if at >= length else None
        uneven[at] = uneven[at + 1] if grown[at] is not None and grown[at] == before else at
        unlike = at if grown[at] is None else unlike
        runs[at] = min(unlike, max(uneven[at + length], at)) - at
    return runs


def _difference(one: Rates, other: Rates) -> tuple[Fraction, ...]:
    return tuple(Fraction(b) - Fraction(a) for a, b in zip(one, other, strict=True))


def _form(step: Step) -> tuple[Hashable, Rates]:
    """The text of a step without its rates, and the rates: numbers that may increase from pass to pass."""
    match step:
        case Leaf(op=op) if not step.tensors:
            rates = {
                name: value
                for name, argument in arguments_of(type(op))
                if argument.kind == "number" and isinstance(value := getattr(op, name), Fraction)
            }
            same = tuple((name, value) for name, value in op if name not in rates)
            return (op.word, same), tuple(rates.values())
        case Use(region):
            arguments = region.arguments.items()
            rates = {name: value for name, value in arguments if isinstance(value, Fraction)}
            zeros = {name for name, value in arguments if value == 0 and type(value) is int}
            same = tuple(
                (name, value) for name, value in arguments if name not in rates and name not in zeros
            )
            kept = tuple(Fraction(value) for name, value in arguments if name in rates or name in zeros)
            return ("use", region.block, same, step.tensors), kept
    return key_of(step, int), ()


def _begins(step: Step) -> bool:
    return not isinstance(step, Leaf) or step.op.weighted


def _is_pool(step: Step) -> bool:
    """Whether a pass would begin with a pooling, which belongs to the steps before it."""
    return isinstance(step, Leaf) and "pool" in step.op.word


def _within(step: Step, instance: int) -> Step:
    if not isinstance(step, Merge):
        return step
    branches = (None if branch is None else _folded(branch, instance) for branch in step.branches)
    return step._replace(branches=tuple(branches))


def _numbered(keys: Sequence[Hashable]) -> list[int]:
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(key, len(numbers)) for key in keys]


def key_of(step: Step, name: NameOf) -> Hashable:
    """A key for the text of a step: steps with equal keys are written alike."""
    match step:
        case Leaf():
            return step.op.word, step.op, tuple(map(name, step.tensors))
        case Use():
            arguments = tuple(step.region.arguments.items())
            return "use", step.region.block, arguments, tuple(map(name, step.tensors))
        case Merge():
            return "merge", step.op, tuple(branch and chain_key(branch, name) for branch in step.branches)
        case Repeat():
            return "repeat", len(step.passes), chain_key(step.passes[0], name)


def chain_key(chain: Chain, name: NameOf) -> Hashable:
    return (
        chain.named and name(chain.begin),
        tuple(map(name, chain.also)),
        tuple(key_of(step, name) for step in chain.steps),
    )


def body_key(body: Body) -> Hashable:
    """A key for the text of a body: bodies with equal keys are written alike."""
    local = {value: number for number, value in enumerate((*body.inputs, *body.named))}
    chains = tuple(
        (chain_key(line.chain, local.__getitem__), tuple(map(local.get, line.ends))) for line in body.lines
    )
    return len(body.inputs), chains, tuple(map(local.get, body.outputs))
