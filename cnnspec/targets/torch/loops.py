"""The form of a repeat: calls one after another, a comprehension, or a loop of statements."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cnnspec.lower import program
from cnnspec.lower.call import Call, Diverges
from cnnspec.lower.repeats import growth
from cnnspec.lower.symbolic import Const, Node, Var, apply, replaced, variables
from cnnspec.targets.torch.pieces import Changing, Growing, Piece, Series, used_in, with_nodes
from cnnspec.targets.torch.plan import Plan, PlanStep, inline

if TYPE_CHECKING:
    from cnnspec.targets.torch.stretch import Stretch


def repeated(around: Stretch, repeat: program.Repeat, step: PlanStep) -> None:
    """Sets the call of a repeat's step: the most readable form that can express it."""
    forms = [_as_runs, _as_loop] if repeat.small else [_as_loop, _as_runs]
    try:
        forms[0](around, repeat, step)
    except Diverges as reason:
        try:
            forms[1](around, repeat, step)
        except Diverges:
            raise reason from None


def _pass(
    around: Stretch, repeat: program.Repeat, region: program.Region, envs: list[dict[str, object]]
) -> tuple[Plan, Piece, tuple[int, ...]]:
    """The plan of a pass, the call that makes it, and the indices of the inputs that it reads."""
    from cnnspec.targets.torch.stretch import piece_of

    inner = around.inner(repeat.name, envs, loop=True)
    plan = inner.plan(region)
    piece, takes = piece_of(plan, inner, in_loop=True)
    if not inline(piece):
        raise Diverges("a repeat in a repeat")
    return plan, piece, takes


def _as_runs(around: Stretch, repeat: program.Repeat, step: PlanStep) -> None:
    """`nn.Sequential(first, *(rest for _ in range(n)))`: each run of equal passes with its own call."""
    runs = repeat.runs()
    if runs is None:
        raise Diverges("passes that differ")
    passes = [_pass(around, repeat, region, envs) for _, region, envs in runs]
    plan, _, takes = passes[0]
    if any(other.needs != plan.needs or taken != takes for other, _, taken in passes):
        raise Diverges("passes that read different tensors")
    counted: list[tuple[int, Piece]] = []
    for (times, _, _), (_, piece, _) in zip(runs, passes, strict=True):
        if counted and counted[-1][1] == piece:  # the passes differ only in the sizes of their maps
            times += counted.pop()[0]
        counted.append((times, piece))
    pieces: list[tuple[str | None, Piece]] = [
        (None, piece if times == 1 else Series(piece, "_", Const(times))) for times, piece in counted
    ]
    if all(_finish(step, each, takes) for each, _, _ in passes):
        step.piece = Call("nn.Sequential", tuple(pieces))
    elif isinstance(only := pieces[0][1], Series) and len(pieces) == 1:
        step.piece = Call("nn.ModuleList", ((None, replace(only, open="[")),))
    else:
        step.piece = Call("nn.ModuleList", ((None, Call("[", tuple(pieces))),))


def _finish(step: PlanStep, plan: Plan, takes: tuple[int, ...]) -> bool:
    """Whether the passes are a chain; otherwise `forward` loops over them."""
    if takes == (0,) and not plan.needs and len(plan.outputs) == 1 and not step.collected:
        return True
    if len(plan.outputs) == 1 and (not takes or takes[0] != 0):
        raise Diverges("a repeat whose passes do not take its first input")
    step.takes, step.loop, step.needs = takes, True, plan.needs
    return False


def _as_loop(around: Stretch, repeat: program.Repeat, step: PlanStep) -> None:
    """One call for every pass, with the number of the pass and the number of input channels as variables."""
    plan, piece, takes = _pass(around, repeat, repeat.region, repeat.envs)
    simple = _finish(step, plan, takes)
    per_pass = dict(repeat.per_pass)
    step.zipped = {name: list(map(str, per_pass[name])) for name in plan.needs if name in per_pass}
    container = "nn.Sequential" if simple else "nn.ModuleList"
    piece, changing = _sizes(repeat, piece)
    reads = set(used_in(piece)).union(*(variables(one.update) for one in changing))
    over = tuple(entry for entry in repeat.over if entry.variable in reads)
    index = repeat.index if repeat.index in reads else "" if over else "_"
    if changing:
        step.piece = Growing(container, piece, index, repeat.count, tuple(changing), over)
        return
    series = Series(piece, index, repeat.count, "*(" if simple else "[", over)
    step.piece = Call(container, ((None, series),))


def _sizes(repeat: program.Repeat, piece: Piece) -> tuple[Piece, list[Changing]]:
    """The call of a pass, and the changing sizes that need statements of their own; the others are
    expressions in the call."""
    carried = {one.variable: one for one in repeat.carried}
    used = set(used_in(piece)) & carried.keys()
    while more := _read_by(carried, used) - used:
        used |= more
    changing: list[Changing] = []
    values: dict[str, Node] = {}
    for size in repeat.carried:
        if size.variable not in used:
            continue
        if size.start is None or size.update is None:
            values[size.variable] = size.table()
        elif (grown := _grown(size.variable, size.start, size.update, repeat.index)) is not None:
            values[size.variable] = grown
        else:
            changing.append(Changing(size.variable, size.start, size.update))
    changing = [one._replace(update=replaced(one.update, values)) for one in changing]
    return with_nodes(piece, values), changing


def _read_by(carried: dict[str, program.Carried], sizes: set[str]) -> set[str]:
    """The changing sizes that these sizes are computed from."""
    updates = [carried[name].update for name in sizes if carried[name].start is not None]
    return {name for node in updates if node is not None for name in variables(node)} & carried.keys()


def _grown(variable: str, start: Node, update: Node, index: str) -> Node | None:
    """`in_channels + i * 32`, where every pass adds the same number; else None."""
    step = growth(update, variable)
    if step is None or {index, variable} & set(variables(step)):
        return None
    return apply("+", start, apply("*", step, Var(index)))
