"""Compares the templates and the bodies of one graph: every template, evaluated with the numbers of a use,
must give the body of that use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from cnnspec.ir.expr import Exact, entries, operations, parsed, spelled
from cnnspec.ir.graph import Graph, Region
from cnnspec.ir.template import (
    IfSite,
    LayersArgument,
    LayerSite,
    LetSite,
    RegionSite,
    Site,
    SlotSite,
    Template,
    numbers_of,
)
from cnnspec.ir.uses import Mismatch, TemplateUse, number_in, passes_of, use_of
from cnnspec.ops import lookup

MOST = 10_000_000
"""The most steps that are compared, in all uses together."""


class TooMuch(Exception):
    """Raised if the uses have more steps than the limit."""


def template_faults(graph: Graph, most: int) -> Iterator[str]:
    """The faults of a graph's templates, for a graph whose bodies are valid."""
    if not graph.templates:
        yield "there is no template"
        return
    for number, body in enumerate(graph.bodies):
        if not 0 <= body.template < len(graph.templates):
            yield f"body {number} has no template"
            return
    for number, template in enumerate(graph.templates):
        faults = list(_template(graph, template))
        yield from (f"template {number}: {fault}" for fault in faults)
        if faults:
            return
    if wrong := [name for name in graph.arguments if not _is_number(graph.knobs.get(name, "?"))]:
        yield f"arguments that are not knobs with a number: {wrong}"
        return
    if graph.templates[graph.root.template].kind != "network":
        yield "the template of the network is not of kind network"
        return
    yield from _Walk(graph, most).faults()


def _is_number(text: str) -> bool:
    return text != "?" and type(parsed(text)) in (int, Fraction)


def _template(graph: Graph, template: Template) -> Iterator[str]:
    known = set(range(len(template.inputs)))
    computed = set(known)
    sites: set[int] = set()
    yield from _sites(graph, template.sites, known, computed, sites)
    if missing := [value for value in (*template.outputs, *template.labels.values()) if value not in known]:
        yield f"there are no values {missing} to give"
    if not template.outputs:
        yield "has no output"
    if template.exported and template.outputs[1:] != tuple(
        template.labels.get(label, -1) for label in template.exported
    ):
        yield "gives other values than its labels say"
    if template.block is not None and template.block not in {block.name for block in graph.blocks}:
        yield f"there is no block {template.block!r}"


def _sites(
    graph: Graph, sites: Iterable[Site], known: set[int], computed: set[int], numbers: set[int]
) -> Iterator[str]:
    """`known` are the values that may be read here, `made` is the number of all values."""
    for site in sites:
        if isinstance(site, LetSite):
            if site.at is not None and site.at not in known:
                yield f"`let {site.name}` is at value {site.at}, which is not there"
            continue
        if isinstance(site, IfSite):
            yield from _if(graph, site, known, computed, numbers)
            continue
        if site.site in numbers:
            yield f"two sites have the number {site.site}"
        numbers.add(site.site)
        if early := [value for value in site.inputs if value not in known]:
            yield f"site {site.site} reads {early} before they are made"
        if isinstance(site, LayerSite):
            yield from _layer(site)
        elif isinstance(site, SlotSite):
            if len(site.inputs) != 1:
                yield f"site {site.site} runs layers on {len(site.inputs)} values"
        elif not 0 <= site.template < len(graph.templates):
            yield f"site {site.site} runs template {site.template}, which is not there"
        else:
            yield from _region(site, graph.templates[site.template])
            yield from _layers_match(graph, site)
        outputs = site.outputs if isinstance(site, RegionSite) else (site.output,)
        if again := [value for value in outputs if value in computed]:
            yield f"site {site.site} makes {again} again"
        known.update(outputs)
        computed.update(outputs)


def _layer(site: LayerSite) -> Iterator[str]:
    op = lookup(site.word)
    if op is None:
        yield f"there is no layer {site.word!r}"
    elif wrong := set(site.written) - set(op.model_fields):
        yield f"{site.word} has no arguments {sorted(wrong)}"
    elif not site.inputs:
        yield f"{site.word} reads nothing"


def _region(site: RegionSite, template: Template) -> Iterator[str]:
    ends = len(site.inputs), len(site.outputs)
    if site.each and (site.kind != "repeat" or len(template.outputs) <= site.each):
        yield f"site {site.site} collects {site.each} values a pass"
    elif site.each:  # the template has those of one pass
        own = len(template.outputs) - site.each
        ends = ends[0], len(template.outputs) if (ends[1] - own) % site.each == 0 else ends[1]
    if not site.outputs or ends != (len(template.inputs), len(template.outputs)):
        yield f"site {site.site} hands {ends[0]} values to template {site.template} and takes {ends[1]}"
    if (site.kind == "repeat") != (site.times is not None) or (site.kind == "repeat" and not site.inputs):
        yield f"site {site.site} repeats without a number of passes"
    if site.kind == "repeat" and len(template.outputs) - site.each > len(site.inputs):
        yield f"site {site.site} hands more on from pass to pass than it is given"
    if template.kind != ("block" if site.kind == "shared" else site.kind):
        yield f"site {site.site} is not of the kind of its template"


def _layers_match(graph: Graph, site: RegionSite) -> Iterator[str]:
    """A use of a block gives layers for each of its layer parameters, and for nothing else."""
    name = graph.templates[site.template].block if site.kind in ("block", "shared") else None
    heads = [block for block in graph.blocks if block.name == name]
    expected = {
        parameter.name for block in heads for parameter in block.parameters if parameter.kind == "layer"
    }
    if set(site.layers) != expected:
        yield f"site {site.site} gives layers for {sorted(site.layers)}, not for {sorted(expected)}"
    for layer in site.layers.values():
        number = layer.template
        if number is None:
            continue
        if layer.parameter is not None or not 0 <= number < len(graph.templates):
            yield f"site {site.site} gives layers that are not there"
        elif graph.templates[number].kind != "layers" or graph.templates[number].inputs != (None,):
            yield f"site {site.site} gives template {number}, which does not consist of layers with one input"
        elif len(graph.templates[number].outputs) != 1:
            yield f"site {site.site} gives layers of several outputs"


def _if(graph: Graph, site: IfSite, known: set[int], computed: set[int], numbers: set[int]) -> Iterator[str]:
    if site.at is not None and site.at not in known:
        yield f"an `if` is at value {site.at}, which is not there"
    sides = set(known), set(known)
    yield from _sites(graph, site.then, sides[0], computed, numbers)
    yield from _sites(graph, site.otherwise, sides[1], computed, numbers)
    for value, join in site.joins.items():
        for side, inside in ((join.then, sides[0]), (join.otherwise, sides[1])):
            if side is not None and side not in inside:
                yield f"an `if` gives {side}, which is not there on that side"
        if value in computed:
            yield f"an `if` makes {value} again"
        known.add(value)
        computed.add(value)


@dataclass(frozen=True)
class Layers:
    """The layers for a layer parameter in one use of a block: a template, the values of the names in it, and
    the numbers of the layers for its own layer parameters."""

    template: int
    numbers: tuple[tuple[str, str], ...]
    layers: tuple[tuple[str, int], ...]


class _Walk:
    """Walks over every body with the numbers and the layers of the uses around it."""

    def __init__(self, graph: Graph, most: int) -> None:
        self.graph, self.most = graph, most
        self.costs = [_cost(template.sites) for template in graph.templates]
        self.numbers: dict[Layers, int] = {}
        self.layers: list[Layers] = []
        self.waiting: list[tuple[int, dict[str, Exact], dict[str, int]]] = [
            (len(graph.bodies) - 1, graph.numbers, {})
        ]

    def faults(self) -> Iterator[str]:
        seen: set[Any] = set()
        while self.waiting:
            number, numbers, layers = self.waiting.pop()
            named = tuple(sorted((name, spelled(value)) for name, value in numbers.items()))
            key = number, named, tuple(sorted(layers.items()))
            if key in seen:
                continue
            seen.add(key)
            body = self.graph.bodies[number]
            self.most -= self.costs[body.template] + len(body.steps)
            self.most -= sum(map(entries, numbers.values())) // 8
            if self.most < 0:
                raise TooMuch
            try:
                template = self.graph.templates[body.template]
                use = use_of(self.graph, template, number, numbers, check=True)
                self.most -= use.looked_at
                for site, region in use.runs:
                    self.inner(use, site, region, layers)
            except Mismatch as fault:
                yield f"body {number} is not what template {body.template} gives: {fault}"
                return

    def inner(
        self, use: TemplateUse, site: RegionSite | SlotSite, region: Region, layers: dict[str, int]
    ) -> None:
        """The bodies that a region runs, to be compared."""
        body = region.passes[0].body
        numbers = {name: parsed(text) for name, text in region.arguments.items()}
        if isinstance(site, SlotSite):
            if site.parameter not in layers:
                raise Mismatch(f"no layers for {site.parameter!r}")
            argument = self.layers[layers[site.parameter]]
            if (
                self.graph.bodies[body].template != argument.template
                or dict(argument.numbers) != region.arguments
            ):
                raise Mismatch(f"other layers for {site.parameter!r} than the block is given")
            self.waiting.append((body, numbers, dict(argument.layers)))
        elif region.block is not None:
            numbers_by_name = {
                name: self.layers_for(use, site, layer, layers) for name, layer in site.layers.items()
            }
            layers_by_name = {name: one for name, one in numbers_by_name.items() if one is not None}
            self.waiting.append((body, numbers, layers_by_name))
        elif region.kind == "repeat":
            passes = passes_of(region)
            self.waiting += [(inner, {**use.numbers, "i": place}, layers) for place, inner in passes]
        else:
            self.waiting.append((body, dict(use.numbers), layers))

    def layers_for(
        self, use: TemplateUse, site: RegionSite, one: LayersArgument, layers: dict[str, int]
    ) -> int | None:
        """The number of the layers that a use passes for a layer parameter."""
        if one.parameter is not None:
            if one.parameter not in layers:
                raise Mismatch(f"no layers for {one.parameter!r}")
            return layers[one.parameter]
        if one.template is None:
            return None
        if missing := [name for name in one.layers.values() if name not in layers]:
            raise Mismatch(f"no layers for {missing}")
        at = site.inputs[0] if site.inputs else None
        numbers = tuple((name, spelled(number_in(use, node, at))) for name, node in one.arguments.items())
        inner = tuple((name, layers[other]) for name, other in one.layers.items())
        layers_ = Layers(one.template, numbers, inner)
        number = self.numbers.setdefault(layers_, len(self.layers))
        if number == len(self.layers):
            self.layers.append(layers_)
        return number


def _cost(sites: Iterable[Site]) -> int:
    """The steps of one use of a template; a long expression counts as several."""
    cost = 1
    for site in sites:
        if isinstance(site, IfSite):
            cost += _cost(site.then) + _cost(site.otherwise)
        cost += 1 + sum(map(operations, numbers_of(site))) // 8
    return cost
