"""The form of a repeat: calls in a row, a comprehension, or a loop of statements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnspec.lower import program
from cnnspec.lower.call import Call, Diverges
from cnnspec.lower.repeats import growth
from cnnspec.lower.symbolic import Apply, Const, Var, apply, variables
from cnnspec.targets.torch.pieces import Growing, Piece, Series, used_in, with_nodes
from cnnspec.targets.torch.plan import PlanStep, inline

if TYPE_CHECKING:
    from cnnspec.targets.torch.planning import Region


def repeated(around: Region, repeat: program.Repeat, made: PlanStep) -> None:
    """Gives the step of a repeat its piece: the form that reads best, of those that can express it."""
    forms = [_as_loop, _as_runs]
    if repeat.small:
        forms = [_as_runs, _as_loop]
    reason: Diverges | None = None
    for form in forms:
        try:
            form(around, repeat, made)
            return
        except Diverges as problem:
            reason = reason or problem
    assert reason is not None
    raise reason


def _as_runs(around: Region, repeat: program.Repeat, made: PlanStep) -> None:
    """`nn.Sequential(first, *(rest for _ in range(n)))`: each run of equal passes with its own call."""
    from cnnspec.targets.torch.planning import piece_of

    runs = repeat.runs()
    if runs is None:
        raise Diverges("passes that differ")
    pieces: list[tuple[str | None, Piece]] = []
    simple = True
    read: tuple[tuple[int, ...], tuple[str, ...]] | None = None
    for times, region, envs in runs:
        inner = around.inner(repeat.name, envs, loop=True)
        plan = inner.plan(region)
        piece, takes = piece_of(plan, inner, in_loop=True)
        if not inline(piece):
            raise Diverges("a repeat in a repeat")
        if read is not None and (takes, plan.needs) != read:
            raise Diverges("passes that read different tensors")
        read = takes, plan.needs
        simple = simple and takes == (0,) and not plan.needs and len(plan.outputs) == 1
        pieces.append((None, piece if times == 1 else Series(piece, "_", Const(times))))
    assert read is not None
    _finish(made, simple, *read)
    if simple:
        made.piece = Call("nn.Sequential", tuple(pieces))
    else:
        made.piece = Call("nn.ModuleList", ((None, Call("[", tuple(pieces))),))


def _finish(made: PlanStep, simple: bool, takes: tuple[int, ...], needs: tuple[str, ...]) -> None:
    if simple:
        made.takes = (0,)
        return
    if not takes or takes[0] != 0:
        raise Diverges("a repeat whose passes do not take what arrives first")
    made.takes, made.loop, made.needs = takes, True, needs


def _as_loop(around: Region, repeat: program.Repeat, made: PlanStep) -> None:
    """One call for every pass, with the number of the pass and the channels that arrive as variables."""
    from cnnspec.targets.torch.planning import piece_of

    inner = around.inner(repeat.name, repeat.envs, loop=True)
    plan = inner.plan(repeat.region)
    piece, takes = piece_of(plan, inner, in_loop=True)
    if not inline(piece):
        raise Diverges("a repeat in a repeat")
    simple = takes == (0,) and not plan.needs and len(plan.outputs) == 1
    _finish(made, simple, takes, plan.needs)
    per_pass = dict(repeat.per_pass)
    made.zipped = [
        (name, [str(one.key if one.key is not None else one.variable) for one in per_pass[name]])
        for name in plan.needs
        if name in per_pass
    ]
    container = "nn.Sequential" if simple else "nn.ModuleList"
    carried = [one for one in repeat.carried if one.variable in set(used_in(piece))]
    for one in list(carried):
        grown = _grown(one, repeat.index)
        if grown is None and (one.start is None or one.update is None):
            grown = _table(one, repeat)
        if grown is not None:
            piece = with_nodes(piece, {one.variable: grown})
            carried.remove(one)
    if len(carried) > 1:
        raise Diverges("several sizes that change")
    reads = set(used_in(piece))
    index = repeat.index if repeat.index in reads else "_"
    if carried:
        (one,) = carried
        update = one.update
        if update is not None and repeat.index in set(variables(update)):
            index = repeat.index
        made.piece = Growing(container, piece, index, repeat.count, one.variable, one.start, update)
        return
    series = Series(piece, index, repeat.count, "*(" if simple else "[")
    made.piece = Call(container, ((None, series),))


def _grown(one: program.Carried, index: str) -> Apply | Any | None:
    """`in_channels + i * 32`, where every pass adds the same."""
    if one.start is None or one.update is None:
        return None
    step = growth(one.update, one.variable)
    if step is None or {index, one.variable} & set(variables(step)):
        return None
    return apply("+", one.start, apply("*", step, Var(index)))


def _table(one: program.Carried, repeat: program.Repeat) -> Apply:
    """`(16, 24, 40)[i]`: what arrives at each pass, where no expression gives it."""
    found: dict[int, int] = {}
    for env in repeat.envs:
        if found.setdefault(env[repeat.index], env[one.variable]) != env[one.variable]:
            raise Diverges("channels that no expression gives")
    if not isinstance(repeat.count, Const) or sorted(found) != list(range(repeat.count.value)):
        raise Diverges("channels that no expression gives")
    return Apply("at", (Const(tuple(found[number] for number in sorted(found))), Var(repeat.index)))
