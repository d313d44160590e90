"""A template with the numbers of one use, matched with its body.

Every use of a template is a body of the graph (see `graph`). The numbers are exact, as the language computes
them, without the rounding of a program's floats.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cnnspec.ir import expr
from cnnspec.ir.graph import Body, Graph, Hole, Layer, Region, Step, places
from cnnspec.ir.template import IfSite, LayerSite, LetSite, RegionSite, Site, SlotSite, Template
from cnnspec.ops.base import Shape, axes_of

Numbers = dict[str, expr.Exact]


class Mismatch(Exception):
    """Raised for a template and a body that do not match."""


@dataclass(eq=False, repr=False)
class TemplateUse:
    """A template in one use. `steps` and `values` lead from the template's sites and values to those of the
    body; those that are absent in this use are missing. `taken` is the result of each `if` that was
    evaluated; `numbers` are the values of names, by the author's spelling; `env` is what a target adds to
    them."""

    body: int
    numbers: Numbers
    steps: dict[int, Step] = field(default_factory=dict)
    values: dict[int, int] = field(default_factory=dict)
    taken: dict[int, bool] = field(default_factory=dict)
    lets: dict[int, expr.Exact] = field(default_factory=dict)
    runs: list[tuple[RegionSite | SlotSite, Region]] = field(default_factory=list)
    """The regions, with their sites."""
    shapes: tuple[Shape | None, ...] = ()
    env: dict[str, Any] = field(default_factory=dict)
    looked_at: int = 0
    """Sites and steps of groups that were read for their names alone."""

    def shape(self, value: int) -> Shape:
        """The shape of one of the template's values."""
        shape = self.shapes[self.values[value]]
        if shape is None:
            raise Mismatch("a shape that is not known")
        return shape

    def dims(self, value: int | None) -> Numbers:
        """C, T, H and W for a step with this value as its input."""
        if value is None or value not in self.values:
            return {}
        return dict(zip("C" + axes_of(shape := self.shape(value)), shape, strict=True))


MOST_SITES = 50_000
"""Sites of the groups in one use that are read for the names that their `let`s define."""

CLOSE = 8
"""Of a longer run of equal passes only the first two and the last are evaluated."""


def passes_of(region: Region) -> Iterator[tuple[int, int]]:
    """The passes of a repeat that are evaluated: their numbers and their bodies."""
    number = 0
    for one in region.passes:
        offsets = range(one.count) if one.count <= CLOSE else (0, 1, one.count - 1)
        yield from ((number + offset, one.body) for offset in offsets)
        number += one.count


def defining(templates: tuple[Template, ...]) -> frozenset[int]:
    """The groups and lines with a `let` of their own; those of the groups in them count, those of repeats do
    not. Each template is visited once: a graph from JSON may use one from many places."""
    known = _defining[0]
    if known[0] is not templates:
        known = _defining[0] = templates, _find_defining(templates)
    return known[1]


_defining: list[tuple[tuple[Template, ...], frozenset[int]]] = [((), frozenset())]
"""A cache of the last results, by template."""


def _find_defining(templates: tuple[Template, ...]) -> frozenset[int]:
    numbers: set[int] = set()
    around: dict[int, list[int]] = {}
    for number, template in enumerate(templates):
        sites = list(template.sites)
        while sites:
            match sites.pop():
                case LetSite():
                    numbers.add(number)
                case IfSite(then=then, otherwise=otherwise):
                    sites += (*then, *otherwise)
                case RegionSite(kind="group" | "line", template=inner):
                    around.setdefault(inner, []).append(number)
    waiting = list(numbers)
    while waiting:
        for outer in around.get(waiting.pop(), ()):
            if outer not in numbers:
                numbers.add(outer)
                waiting.append(outer)
    return frozenset(numbers)


def use_of(
    graph: Graph, template: Template, number: int, numbers: Mapping[str, expr.Exact], *, check: bool = False
) -> TemplateUse:
    """The template with these numbers, matched with body `number`. `check` compares every argument as
    well."""
    use = TemplateUse(number, dict(numbers))
    return _Reader(graph, template, graph.bodies[number], use, check, bounded=check).read()


def input_places(template: Template, body: Body) -> dict[int, int]:
    """The body's number for each input of its template that it has: by its label, else by its place."""
    names, count = template.inputs, body.inputs
    by_place: dict[int, int] = {}
    for place, name in enumerate(names):
        value = place if name is None else body.labels.get(name, count)
        if value < count:
            by_place[place] = value
        elif len(names) == count:
            by_place[place] = place
    if set(by_place.values()) != set(range(count)):
        raise Mismatch("other inputs")
    return by_place


def number_in(use: TemplateUse, node: expr.Expr, at: int | None, knobs: Numbers | None = None) -> Any:
    """The value of an expression in a use, where C, H and W are the shape of the value `at`."""
    try:
        return expr.value(node, {**(knobs or {}), **use.numbers, **use.dims(at)})
    except expr.Unclear as name:
        raise Mismatch(f"an expression without a value ({name})") from None


@dataclass(eq=False, repr=False)
class _Reader:
    graph: Graph
    template: Template
    body: Body
    use: TemplateUse
    check: bool
    bounded: bool
    """Whether the groups that are read for their names are counted: a graph from JSON may repeat them without
    end, one that was elaborated has them as often as its text."""
    first: dict[int, int] = field(default_factory=dict)
    left: dict[int, Step] = field(default_factory=dict)
    knobs: Numbers = field(default_factory=dict)
    """The graph's `arguments`, where all is checked."""

    def read(self) -> TemplateUse:
        body, use = self.body, self.use
        if self.check:
            self.knobs = self.graph.numbers
        use.shapes = body.values
        for place in places(body):
            if isinstance(place.step, Hole) or place.step.site in self.left:
                raise Mismatch("two steps of one site")
            self.left[place.step.site] = place.step
            self.first[place.step.site] = place.output
        use.values.update(input_places(self.template, body))
        self.sites(self.template.sites)
        if self.left:
            raise Mismatch(f"no site for {[step.name for step in self.left.values()]}")
        outputs = self.template.outputs
        if self.template.exported:
            labels = [self.template.labels.get(label, -1) for label in body.exported]
            outputs = (*outputs[:1], *labels)
        if [use.values.get(value) for value in outputs] != list(body.outputs):
            raise Mismatch("other outputs")
        for label, value in self.template.labels.items():
            if use.values.get(value) != body.labels.get(label, use.values.get(value)):
                raise Mismatch(f"another tensor for the label {label!r}")
        return use

    def sites(self, sites: Iterable[Site]) -> None:
        for site in sites:
            match site:
                case LetSite():
                    self.let(site)
                case LayerSite():
                    self.layer(site)
                case RegionSite():
                    self.region(site)
                case SlotSite():
                    self.slot(site)
                case IfSite():
                    self.decide(site)

    def number(self, node: expr.Expr, at: int | None) -> Any:
        return number_in(self.use, node, at, self.knobs)

    def let(self, site: LetSite) -> None:
        value = self.number(site.value, site.at)
        self.use.numbers[site.name] = self.use.lets[id(site)] = value

    def step(self, site: LayerSite | RegionSite | SlotSite) -> Step | None:
        step = self.left.pop(site.site, None)
        if step is not None:
            if step.name != site.name:
                raise Mismatch(f"{step.name!r} at the site of {site.name!r}")
            self.use.steps[site.site] = step
        return step

    def inputs_of(self, site: LayerSite | RegionSite | SlotSite) -> tuple[int, ...]:
        return tuple(self.use.values[value] for value in site.inputs if value in self.use.values)

    def layer(self, site: LayerSite) -> None:
        step = self.step(site)
        if not isinstance(step, Layer) or step.op.word != site.word:
            raise Mismatch(f"no {site.word!r} at site {site.site}")
        if self.inputs_of(site) != step.inputs:
            raise Mismatch(f"{site.word} reads other values")
        self.use.values[site.output] = self.first[site.site]
        if self.check:
            for name, node in (*site.written.items(), *site.free.items()):
                if expr.single(getattr(step.op, name, None)) != expr.single(
                    self.number(node, site.inputs[0])
                ):
                    raise Mismatch(f"{name} of {site.word} is not what its expression gives")

    def slot(self, site: SlotSite) -> None:
        step = self.step(site)
        if not isinstance(step, Region) or step.kind != "layers":
            raise Mismatch(f"no layers at site {site.site}")
        if self.inputs_of(site) != step.inputs:
            raise Mismatch("the layers read other values")
        self.use.values[site.output] = self.first[site.site]
        self.use.runs.append((site, step))

    def region(self, site: RegionSite) -> None:
        step = self.step(site)
        if step is None and site.times is not None and self.number(site.times, site.inputs[0]) == 0:
            for output, value in zip(site.outputs, site.inputs, strict=False):  # each is an input
                self.use.values[output] = self.use.values[value]
            return
        if not isinstance(step, Region) or step.kind != site.kind:
            raise Mismatch(f"no {site.kind} at site {site.site}")
        bodies = [self.graph.bodies[one.body] for one in step.passes]
        inner = self.graph.templates[site.template]
        if any(body.template != site.template for body in bodies) or step.block != inner.block:
            raise Mismatch("a body of another template")
        inputs = {there: here for here, there in input_places(inner, bodies[0]).items()}
        if [self.use.values.get(site.inputs[inputs[place]]) for place in sorted(inputs)] != list(step.inputs):
            raise Mismatch(f"the {site.kind} reads other values")
        self.use.runs.append((site, step))
        if step.each != site.each or (site.each and step.outputs != len(site.outputs)):
            raise Mismatch(f"the {site.kind} gives other values")
        first = self.first[site.site]
        self.use.values[site.outputs[0]] = first
        if not inner.exported:  # a block names its outputs itself
            outputs = range(first, first + step.outputs)
            self.use.values.update(zip(site.outputs, outputs, strict=False))
            site_outputs: tuple[int, ...] = site.outputs[:1]
        else:
            site_outputs = site.outputs
        exported = {label: first + place for place, label in enumerate(bodies[-1].exported, start=1)}
        for output, label in zip(site_outputs[1:], inner.exported, strict=True):
            if label in exported:
                self.use.values[output] = exported[label]
        if site.kind in ("group", "line") and site.template in defining(self.graph.templates):
            self.use.numbers.update(self.names_in(inner, step.passes[0].body))
        if self.check:
            self.arguments(site, step)

    def names_in(self, template: Template, body: int) -> Numbers:
        """The names known after a group: its `let`s are visible from their definition onward, also after the
        group."""
        self.use.looked_at += 1 + len(template.sites) + len(self.graph.bodies[body].steps)
        if self.bounded and self.use.looked_at > MOST_SITES:
            raise Mismatch(f"more than {MOST_SITES:,} sites in groups")
        use = TemplateUse(body, dict(self.use.numbers), looked_at=self.use.looked_at)
        use = _Reader(self.graph, template, self.graph.bodies[body], use, False, self.bounded).read()
        self.use.looked_at = use.looked_at
        return use.numbers

    def arguments(self, site: RegionSite, step: Region) -> None:
        input_tensor = site.inputs[0] if site.inputs else None
        for name, node in (*site.arguments.items(), *site.free.items()):
            argument = step.arguments.get(name)
            if argument is None or expr.single(expr.parsed(argument)) != expr.single(
                self.number(node, input_tensor)
            ):
                raise Mismatch(f"{name} of {step.block} is not what its expression gives")
        if site.times is not None and self.number(site.times, input_tensor) != sum(
            one.count for one in step.passes
        ):
            raise Mismatch("another number of passes")

    def decide(self, site: IfSite) -> None:
        holds = self.number(site.condition, site.at)
        if not isinstance(holds, bool):
            raise Mismatch("a condition that is not true or false")
        self.use.taken[id(site)] = holds
        self.sites(site.then if holds else site.otherwise)
        for value, join in site.joins.items():
            side = join.then if holds else join.otherwise
            if side is not None and side in self.use.values:
                self.use.values[value] = self.use.values[side]
