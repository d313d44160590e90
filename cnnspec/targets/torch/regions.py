"""Steps that hold steps: uses of blocks, groups, labelled lines, repeats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cnnspec.ir.graph import Body, Region
from cnnspec.targets.names import camel
from cnnspec.targets.symbolic import Apply, Const, Node, Unclear, Var, apply, replaced, variables
from cnnspec.targets.torch.pieces import (
    Built,
    Call,
    Growing,
    Piece,
    Series,
    Slot,
    unify,
    used_in,
    with_nodes,
)
from cnnspec.targets.torch.place import Place, Unsupported
from cnnspec.targets.torch.plan import ClassPlan, Plan, PlanStep, inline
from cnnspec.targets.unify import Diverges, unify_number
from cnnspec.targets.values import parsed

if TYPE_CHECKING:
    from cnnspec.targets.torch.bodies import BodyBuilder
    from cnnspec.targets.union import UnionStep

CLOSE = 8
"""Runs of equal passes up to this length are looked at pass by pass; of longer ones the first two and the
last."""


def region_step(body: BodyBuilder, step: UnionStep) -> PlanStep:
    first = step.first
    assert isinstance(first, Region)
    sources = body._sources(step)
    made = PlanStep(
        name=first.name,
        word=first.kind,
        guards=step.guards,
        sources=sources,
        outputs=step.outputs,
        starts_line=True,
    )
    symbols = [body._symbol(source) for source in sources]
    if first.kind in ("block", "shared"):
        _block(body, step, made, symbols)
    elif first.kind == "repeat":
        _repeat(body, step, made, symbols)
    else:
        regions = [one for one in step.steps if one is not None]
        bodies = [body.builder.graph.bodies[region.passes[0].body] for region in regions]  # type: ignore[union-attr]
        envs = [body.envs[use] for use in step.present]
        place = _inner(body.place, first, body.scope)
        plan = body.builder.build(bodies, envs, symbols, place)
        made.piece, made.takes, made.loop = piece_of(body, plan, place, envs)
        made.needs = plan.needs
        for number, symbol in enumerate(plan.symbols):
            body._set_symbol(step, number, symbol)
    return made


def _inner(place: Place, region: Region, scope: dict[str, Node]) -> Place:
    prefix = place.prefix + camel(region.name) if region.name else place.prefix
    deeper = place.depth + (region.kind == "repeat")
    return Place(scope, place.namer, prefix, loops=place.loops, depth=deeper)


def piece_of(
    body: BodyBuilder, plan: Plan, place: Place, envs: list[dict[str, Any]], *, in_loop: bool = False
) -> tuple[Piece, tuple[int, ...], bool]:
    """The call that makes a body: of its one step, of a chain, or of a small class. Also which of its inputs
    it takes, and whether it is a list of modules."""
    single = plan.single
    if single is not None and single.piece is not None:
        reads = [single.sources[number] for number in single.takes]
        numbers = tuple(source for source in reads if isinstance(source, int))
        if len(numbers) == len(reads) and not single.loop:
            return single.piece, numbers, False
    elif plan.chain and not any(step.guards for step in plan.steps):
        if not plan.steps:
            return Call("nn.Identity"), (plan.head,), False
        if all(inline(step.piece) and step.name for step in plan.steps):
            pieces = tuple((step.name, step.piece) for step in plan.steps if step.piece is not None)
            return Call("sequential", pieces), (plan.head,), False
    made = body.builder.small_class(plan, place, envs, in_loop)
    arguments: tuple[tuple[str | None, Piece], ...] = tuple(
        (None, Var(parameter.variable)) for parameter in made.parameters
    )
    return Call(made, arguments), made.takes, False


# --- blocks -----------------------------------------------------------------------------------------


def _block(body: BodyBuilder, step: UnionStep, made: PlanStep, symbols: list[Node | None]) -> None:
    builder = body.builder
    layers = {use: region for use, region in enumerate(step.steps) if isinstance(region, Region)}
    plans = {use: builder.class_of(region) for use, region in layers.items()}
    plan = next(iter(plans.values()))
    if any(other is not plan for other in plans.values()):
        raise Diverges("uses of a block that became different classes")
    written = body._written(layers, symbols[0])
    calls = []
    for region in layers.values():
        inner = builder.graph.bodies[region.passes[0].body]
        slots = []
        by_position = True
        for parameter in plan.parameters:
            value: Any
            source: Node | None
            if isinstance(parameter.given, int):
                shape = inner.values[parameter.given]
                assert shape is not None
                value, source = shape[0], symbols[parameter.given]
            else:
                value, source = parsed(region.arguments[parameter.given]), written.get(f"@{parameter.given}")
            by_position = by_position and parameter.default is None
            name = None if by_position else parameter.variable
            if isinstance(parameter.default, Const):
                slots.append(Slot(name, value, source, parameter.default.value))
            else:
                slots.append(Slot(name, value, source))
        calls.append(Built(plan, tuple(slots)))
    envs = [body.envs[use] for use in layers]
    call = unify(calls, envs)
    made.takes = plan.takes
    made.needs = plan.plan.needs
    first = next(iter(layers.values()))
    if first.shared is not None:
        _share(builder, first, layers, call, made)
    else:
        made.piece = call
    for number, symbol in enumerate(plan.plan.symbols):
        body._set_symbol(step, number, _in_terms(symbol, plan, call, layers, envs, symbols, written))


def _share(builder: Any, first: Region, layers: dict[int, Region], call: Call, made: PlanStep) -> None:
    """A shared block is one attribute of the model, made with numbers alone."""
    names = {region.shared for region in layers.values()}
    if len(names) != 1:
        raise Diverges("different shared blocks")
    assert first.shared is not None
    plan = call.function
    assert isinstance(plan, ClassPlan)
    arguments: list[tuple[str | None, Piece]] = []
    inner = builder.graph.bodies[first.passes[0].body]
    by_position = True
    for parameter in plan.parameters:
        if isinstance(parameter.given, int):
            value: Any = (inner.values[parameter.given] or (0,))[0]
        else:
            value = parsed(first.arguments[parameter.given])
        by_position = by_position and parameter.default is None
        if parameter.default == Const(value):
            continue
        arguments.append((None if by_position else parameter.variable, Const(value)))
    whole = Call(plan, tuple(arguments))
    known = builder.shared.setdefault(first.shared, whole)
    if known != whole:
        raise Unsupported(f"the uses of the shared block `{first.block}` need different programs", first)
    made.shared = first.shared


def _in_terms(
    symbol: Node | None,
    plan: ClassPlan,
    call: Call,
    layers: dict[int, Region],
    envs: Sequence[dict[str, Any]],
    symbols: list[Node | None],
    written: dict[str, Node | None],
) -> Node | None:
    """A class's symbol in terms of what its use was given."""
    if symbol is None:
        return None
    by: dict[str, Node] = {}
    for parameter in plan.all_parameters:
        if isinstance(parameter.given, int):
            source = symbols[parameter.given]
        else:
            source = written.get(f"@{parameter.given}")
            values = [parsed(region.arguments[parameter.given]) for region in layers.values()]
            try:
                source = unify_number(values, source, envs)
            except Diverges:
                source = None
        if source is not None:
            by[parameter.variable] = source
    if not set(variables(symbol)) <= set(by):
        return None
    try:
        return replaced(symbol, by)
    except Unclear:
        return None


# --- repeats ----------------------------------------------------------------------------------------


def _repeat(body: BodyBuilder, step: UnionStep, made: PlanStep, symbols: list[Node | None]) -> None:
    regions = {use: region for use, region in enumerate(step.steps) if isinstance(region, Region)}
    first = next(iter(regions.values()))
    if any(len(region.inputs) != len(first.inputs) for region in regions.values()):
        raise Diverges("different inputs")
    runs = [[one.count for one in region.passes] for region in regions.values()]
    counts = [sum(run) for run in runs]
    envs = [body.envs[use] for use in regions]
    try:
        texts = body._written(regions, symbols[0])
        count = unify_number(counts, texts.get("@times"), envs)
    except Diverges:
        raise Diverges("a number of passes that no expression gives") from None
    alike = all(run == runs[0] for run in runs) and isinstance(count, Const)
    inner = body.builder.graph.bodies[first.passes[0].body]
    small = len(runs[0]) <= 2 and (len(inner.steps) <= 1 or _simple(inner))
    forms = [_as_loop]
    if alike:
        forms = [_as_runs, _as_loop, _as_runs] if small else [_as_loop, _as_runs]
    reason: Diverges | None = None
    for form in forms:
        try:
            form(body, step, made, symbols, regions, count)
            return
        except Diverges as problem:
            reason = problem
    assert reason is not None
    raise reason


def _simple(inner: Body) -> bool:
    """A chain of few layers, which may be written out twice."""
    return len(inner.steps) <= 4 and all(
        step.kind == "layer" and len(step.inputs) == 1 for step in inner.steps
    )


def _as_runs(
    body: BodyBuilder,
    step: UnionStep,
    made: PlanStep,
    symbols: list[Node | None],
    regions: dict[int, Region],
    count: Node,
) -> None:
    """`nn.Sequential(first, *(rest for _ in range(n)))`: each run of equal passes with its own call."""
    graph = body.builder.graph
    envs = [body.envs[use] for use in regions]
    first = next(iter(regions.values()))
    pieces: list[tuple[str | None, Piece]] = []
    arriving = symbols[0]
    start = 0
    simple = True
    read: tuple[tuple[int, ...], tuple[str, ...]] = ((0,), ())
    for number, one in enumerate(first.passes):
        bodies = [graph.bodies[region.passes[number].body] for region in regions.values()]
        place = _inner(body.place, first, body.scope | {"i": Const(start)})
        plan = body.builder.build(bodies, envs, [arriving, *symbols[1:]], place)
        piece, takes, loop = piece_of(body, plan, place, envs, in_loop=True)
        if not inline(piece) or loop:
            raise Diverges("a repeat in a repeat")
        if number and (takes, plan.needs) != read:
            raise Diverges("passes that read different tensors")
        read = takes, plan.needs
        simple = simple and takes == (0,) and not plan.needs and len(plan.outputs) == 1
        pieces.append((None, piece if one.count == 1 else Series(piece, "_", Const(one.count))))
        arriving = plan.symbols[0]
        if arriving is None:
            sizes = {(inner.values[inner.outputs[0]] or (0,))[0] for inner in bodies}
            arriving = Const(sizes.pop()) if len(sizes) == 1 else None
        start += one.count
    _finish(made, simple, *read)
    if simple:
        made.piece = Call("nn.Sequential", tuple(pieces))
    else:
        made.piece = Call("nn.ModuleList", ((None, Call("[", tuple(pieces))),))
    body._set_symbol(step, 0, arriving)


def _finish(made: PlanStep, simple: bool, takes: tuple[int, ...], needs: tuple[str, ...]) -> None:
    if simple:
        made.takes = (0,)
        return
    if not takes or takes[0] != 0:
        raise Diverges("a repeat whose passes do not take what arrives first")
    made.takes, made.loop, made.needs = takes, True, needs


def _as_loop(
    body: BodyBuilder,
    step: UnionStep,
    made: PlanStep,
    symbols: list[Node | None],
    regions: dict[int, Region],
    count: Node,
) -> None:
    """One call for every pass, with the number of the pass and the channels that arrive as variables."""
    graph = body.builder.graph
    first = next(iter(regions.values()))
    index, channels = body.place.loop_names()
    bodies, envs = [], []
    steady = True
    for use, region in regions.items():
        number = 0
        entry = (body.laid.shape(use, made.sources[0]))[0]
        for one in region.passes:
            inner = graph.bodies[one.body]
            numbers = range(one.count) if one.count <= CLOSE else (0, 1, one.count - 1)
            for offset in numbers:
                shape = inner.values[0]
                assert shape is not None
                steady = steady and shape[0] == entry
                bodies.append(inner)
                envs.append({**body.envs[use], index: number + offset, channels: shape[0]})
            number += one.count
    bodies_, envs_ = _distinct(bodies, envs, index)
    place = _inner(body.place, first, body.scope | {"i": Var(index)})
    at = symbols[0] if steady else Var(channels)
    plan = body.builder.build(bodies_, envs_, [at, *symbols[1:]], place)
    piece, takes, loop = piece_of(body, plan, place, envs_, in_loop=True)
    if not inline(piece) or loop:
        raise Diverges("a repeat in a repeat")
    simple = takes == (0,) and not plan.needs and len(plan.outputs) == 1
    _finish(made, simple, takes, plan.needs)
    container = "nn.Sequential" if simple else "nn.ModuleList"
    out = plan.symbols[0]
    start = symbols[0]
    reads = set(used_in(piece))
    after: Node | None = out
    if not steady and channels in reads:
        if out is None or start is None:
            raise Diverges("channels that no expression gives")
        step_size = _growth(out, channels)
        if step_size is not None and not {index, channels} & set(variables(step_size)):
            grown = apply("+", start, apply("*", step_size, Var(index)))
            piece = with_nodes(piece, {channels: grown})
            after = apply("+", start, apply("*", step_size, count))
        else:
            made.piece = Growing(
                container, piece, index if index in reads else "_", count, channels, start, out
            )
            after = (
                None
                if {channels} & set(variables(out))
                else replaced(out, {index: apply("-", count, Const(1))})
            )
            body._set_symbol(step, 0, after)
            return
    elif out is not None:
        growth = _growth(out, channels)
        if growth is not None and start is not None and channels not in set(variables(growth)):
            after = apply("+", start, apply("*", growth, count))
        else:
            after = (
                None
                if channels in set(variables(out))
                else replaced(out, {index: apply("-", count, Const(1))})
            )
    series = Series(piece, index if index in set(used_in(piece)) else "_", count, "*(" if simple else "[")
    made.piece = Call(container, ((None, series),))
    body._set_symbol(step, 0, after)


def _growth(out: Node, channels: str) -> Node | None:
    """d where what comes out is `channels + d`."""
    if isinstance(out, Apply) and out.operator == "+":
        left, right = out.arguments
        if left == Var(channels):
            return right
        if right == Var(channels):
            return left
        inner = _growth(left, channels)
        if inner is not None:
            return apply("+", inner, right)
        inner = _growth(right, channels)
        if inner is not None:
            return apply("+", left, inner)
    return None


def _distinct(
    bodies: list[Body], envs: list[dict[str, Any]], index: str
) -> tuple[list[Body], list[dict[str, Any]]]:
    """The uses without those that differ from another in nothing."""
    seen: set[tuple[int, str]] = set()
    kept: list[tuple[Body, dict[str, Any]]] = []
    for inner, env in zip(bodies, envs, strict=True):
        key = (id(inner), repr(sorted(env.items())))
        if key not in seen:
            seen.add(key)
            kept.append((inner, env))
    return [inner for inner, _ in kept], [env for _, env in kept]
