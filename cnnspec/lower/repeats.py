"""Repeats: one region for all passes, in which the number of the pass and the sizes that change are
variables."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from cnnspec.ir import graph as ir
from cnnspec.ir.template import RegionSite
from cnnspec.ir.uses import CLOSE, TemplateUse, passes_of, use_of
from cnnspec.lower.call import Diverges, Unsupported
from cnnspec.lower.over import Entry, with_entries
from cnnspec.lower.program import SIZES, Carried, Collected, Region, Repeat, Tensor, letters_of
from cnnspec.lower.symbolic import Apply, Const, Node, Var, apply, gives, replaced, value, variables

if TYPE_CHECKING:
    from cnnspec.lower.frame import Frame

WRITTEN_OUT = tuple(map(Const, range(1, 4)))
"""The numbers of passes for which the output size is computed pass by pass."""
MOST = 50_000
"""The largest number of different passes, over all uses."""

Runs = list[tuple[int, Region, list[dict[str, Any]]]]


def repeat(frame: Frame, site: RegionSite) -> None:
    """Lowers a repeat to one loop."""
    regions = frame.regions(site)
    counts = {use: sum(run.count for run in region.passes) for use, region in regions.items()}
    counts |= {
        use: 0
        for use, one in enumerate(frame.uses)
        if use not in regions
        and site.inputs[0] in one.values
        and all(gives(condition.node, one.env, holds) for condition, holds in frame.open)
    }
    count = frame.number(counts, frame.expression(site.times, site.inputs[0], counts))
    inputs = [frame.tensors[value] for value in site.inputs]
    handed = len(frame.lowering.graph.templates[site.template].outputs) - site.each
    named = partial(frame.lowering.loop_variable, frame.function, frame.depth)
    index = named("i")
    inner, origins = _passes(frame, site, regions, index)
    carried: list[Carried] = []
    copies = frame.copies(inputs, frame.lowering.graph.templates[site.template])
    body = frame.inside(site, inner, origins, copies)
    if not frame.lowering.runtime_shapes:
        for place in range(handed):
            copies[place].dims = _input_sizes(body, frame, inputs[place], named, carried, (site, place))
    body.index, body.depth = index, frame.depth + 1
    body.scope = frame.scope | {"i": Var(index)}
    body.passes = {
        use: counts[use]
        for use, region in regions.items()
        if all(one.count <= CLOSE for one in region.passes)
    }
    body.count, body.counts = count, tuple(counts.values())
    region = body.region()
    places = _places(region, handed)
    over = list(body.entries.values())
    for size in carried:
        size.update = region.outputs[size.place].dims[size.axis]
    known: dict[str, Node] = dict(frame.function.lists.values())
    outputs = []
    for place, (number, tensor) in enumerate(zip(site.outputs[:handed], region.outputs, strict=False)):
        out = [None if size is None else replaced(size, known) for size in tensor.dims]
        after = _after(out, carried, place, index, count, over)
        after = [None if size is None else with_entries(frame, size) for size in after]
        outputs.append(frame.tensor(number, after))
    collected = [
        Collected(place, [frame.tensor(number) for number in site.outputs[handed + n :: len(places)]])
        for n, place in enumerate(places)
    ]
    first = next(iter(regions.values()))
    passes = frame.lowering.graph.bodies[first.passes[0].body]
    small = len(first.passes) <= 2 and (len(passes.steps) <= 1 or _simple(passes))
    runs = _runs(frame, site, regions, inputs, count, handed)
    envs, per_pass = [use.env for use in inner], body.per_pass
    statement = Repeat(
        site.name,
        index,
        count,
        region,
        inputs,
        outputs,
        envs,
        carried,
        per_pass,
        runs,
        over,
        collected,
        small,
    )
    frame.here.append(statement)


def _places(region: Region, handed: int) -> list[int]:
    """The indices, among a pass's outputs, of those that the next pass does not use; equal tensors become one
    output."""
    extra = region.outputs[handed:]
    region.outputs = region.outputs[:handed]
    region.outputs += [one for one in dict.fromkeys(extra) if one not in region.outputs]
    return [region.outputs.index(tensor) for tensor in extra]


def _passes(
    frame: Frame, site: RegionSite, regions: dict[int, ir.Region], index: str
) -> tuple[list[TemplateUse], list[tuple[int, int | None]]]:
    """The passes of all uses, each as a use of its own. Of a long run of equal passes, only three are
    kept."""
    graph = frame.lowering.graph
    template = graph.templates[site.template]
    uses: list[TemplateUse] = []
    origins: list[tuple[int, int | None]] = []
    for use, region in regions.items():
        for number, body in passes_of(region):
            pass_use = use_of(graph, template, body, {**frame.uses[use].numbers, "i": number})
            pass_use.env = {**frame.uses[use].env, index: number}
            uses.append(pass_use)
            origins.append((use, number))
        if len(uses) > MOST:
            raise Unsupported(f"a repeat with more than {MOST:,} different passes", region)
    return uses, origins


_BESIDE_LISTS = {"C": "channels_in", "T": "frames", "H": "rows", "W": "columns"}
"""Variables for sizes that change, where the usual name is a list's entry: `for width in widths`."""


def _input_sizes(
    body: Frame,
    frame: Frame,
    tensor: Tensor,
    named: Callable[[str], str],
    carried: list[Carried],
    at: tuple[RegionSite, int],
) -> tuple[Node | None, ...]:
    """The sizes of one input of a pass: the repeat's input sizes where every pass keeps them, else
    variables."""
    site, place = at
    dims: list[Node | None] = []
    # of a map in one use and a vector in another, only C is common
    both = min(len(tensor.dims), *(len(use.shape(place)) for use in body.uses))
    for axis, node in enumerate(tensor.dims[:both]):
        sizes = {number: use.shape(place)[axis] for number, use in enumerate(body.uses)}
        entries = [frame.uses[use].shape(site.inputs[place])[axis] for use, _ in body.origins]
        if list(sizes.values()) == entries:
            dims.append(node)
            continue
        letter = letters_of(len(tensor.dims))[axis]
        usual, other = SIZES[letter], _BESIDE_LISTS[letter]
        lists = set(frame.lowering.lists.values())
        is_entry = f"{usual}s" in lists or not frame.function.namer.free(f"{usual}s")
        name = named(f"{other if is_entry else usual}{place + 1 if place else ''}")
        for number, size in sizes.items():
            body.uses[number].env[name] = size
        carried.append(Carried(name, place, axis, node, partial(body.lifted, sizes)))
        dims.append(Var(name))
    return (*dims, *(None for _ in tensor.dims[both:]))


def _simple(inner: ir.Body) -> bool:
    """Whether a body is a chain of few layers, which may be written out twice."""
    return len(inner.steps) <= 4 and all(
        isinstance(step, ir.Layer) and len(step.inputs) == 1 for step in inner.steps
    )


def _after(
    out: list[Node | None], carried: list[Carried], place: int, index: str, count: Node, over: list[Entry]
) -> list[Node | None]:
    """The output sizes of the last pass, for the tensor `place`."""
    by_axis = {one.axis: one for one in carried if one.place == place}
    in_pass = {index, *(entry.variable for entry in over)}
    loop = {*in_pass, *(one.variable for one in carried)}
    sizes: list[Node | None] = []
    for axis, size in enumerate(out):
        one = by_axis.get(axis)
        if size is None or not loop & set(variables(size)):
            after = size
        elif (
            one is not None
            and one.start is not None
            and (step := growth(size, one.variable)) is not None
            and not loop & set(variables(step))
        ):
            after = apply("+", one.start, apply("*", step, count))
        elif loop & set(variables(size)) <= in_pass:
            after = replaced(size, _in(apply("-", count, Const(1)), index, over))
        elif one is not None and one.start is not None and count in WRITTEN_OUT:
            after = one.start
            for number in range(value(count, {})):
                after = replaced(size, {one.variable: after, **_in(Const(number), index, over)})
            if loop & set(variables(after)):  # it depends on another tensor's size
                after = None
        else:
            after = None
        sizes.append(after)
    return sizes


def _in(number: Node, index: str, over: list[Entry]) -> dict[str, Node]:
    """The values of a loop's variables in one of its passes."""
    return {index: number, **{entry.variable: apply("at", entry.values, number) for entry in over}}


def growth(out: Node, variable: str) -> Node | None:
    """d where the output is `variable + d`."""
    if isinstance(out, Apply) and out.operator == "+":
        left, right = out.arguments
        for one, other in ((left, right), (right, left)):
            if one == Var(variable):
                return other
        for one, other in ((left, right), (right, left)):
            inner = growth(one, variable)
            if inner is not None:
                return apply("+", inner, other)
    return None


def _runs(
    frame: Frame,
    site: RegionSite,
    regions: dict[int, ir.Region],
    inputs: list[Tensor],
    count: Node,
    handed: int,
) -> Callable[[], Runs | None]:
    """The runs of equal passes, made on demand; None where they are not known."""
    counts = [[run.count for run in region.passes] for region in regions.values()]
    alike = all(shape == counts[0] for shape in counts) and isinstance(count, Const)

    def made() -> Runs | None:
        if not alike:
            return None
        runs: Runs = []
        sizes = [input_.dims for input_ in inputs[:handed]]
        start = 0
        for place, times in enumerate(counts[0]):
            inner = []
            for use, region in regions.items():
                template = frame.lowering.graph.templates[site.template]
                numbers = {**frame.uses[use].numbers, "i": start}
                one = use_of(frame.lowering.graph, template, region.passes[place].body, numbers)
                one.env = dict(frame.uses[use].env)
                inner.append(one)
            copies = frame.copies(inputs, frame.lowering.graph.templates[site.template])
            for tensor, dims in zip(copies, sizes, strict=False):
                tensor.dims = dims
            body = frame.inside(site, inner, [(use, None) for use in regions], copies)
            body.scope = frame.scope | {"i": Const(start)}
            body.depth, body.strict = frame.depth + 1, True
            try:
                made = body.region()
                _places(made, handed)
                runs.append((times, made, [use.env for use in inner]))
            except Diverges:
                return None
            sizes = [output.dims for output in made.outputs[:handed]]
            start += times
        return runs

    return made
