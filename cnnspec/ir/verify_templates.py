"""Templates and bodies of one graph, held beside each other: every template, evaluated under each use's
numbers, gives the use's body."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from cnnspec.ir.expr import Exact, entries, operations, parsed, spelled
from cnnspec.ir.graph import Body, Graph, Region
from cnnspec.ir.template import IfSite, LayerSite, LetSite, RegionSite, Site, Template
from cnnspec.ir.uses import Mismatch, passes_of, use_of
from cnnspec.ops import lookup

MOST = 10_000_000
"""Steps that are looked at, in all uses together."""


class TooMuch(Exception):
    """The uses have more steps than are to be looked at."""


def template_faults(graph: Graph, most: int) -> Iterator[str]:
    """What is wrong with the templates of a graph whose bodies are right."""
    if not graph.templates:
        yield "there is no template"
        return
    for number, body in enumerate(graph.bodies):
        if not 0 <= body.template < len(graph.templates):
            yield f"body {number} has no template"
            return
    for number, template in enumerate(graph.templates):
        faults = list(_template(graph, number, template))
        yield from (f"template {number}: {fault}" for fault in faults)
        if faults:
            return
    if graph.templates[graph.root.template].kind != "network":
        yield "the template of the network is not of kind network"
        return
    yield from _uses(graph, most)


def _template(graph: Graph, number: int, template: Template) -> Iterator[str]:
    known = set(range(len(template.inputs)))
    made = set(known)
    sites: set[int] = set()
    yield from _sites(graph, template.sites, known, made, sites)
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
    graph: Graph, sites: Iterable[Site], known: set[int], made: set[int], numbers: set[int]
) -> Iterator[str]:
    """`known` are the values that may be read here, `made` all that there are."""
    for site in sites:
        if isinstance(site, LetSite):
            if site.at is not None and site.at not in known:
                yield f"`let {site.name}` stands at value {site.at}, which is not there"
            continue
        if isinstance(site, IfSite):
            yield from _if(graph, site, known, made, numbers)
            continue
        if site.site in numbers:
            yield f"two sites have the number {site.site}"
        numbers.add(site.site)
        if early := [value for value in site.inputs if value not in known]:
            yield f"site {site.site} reads {early} before they are made"
        if isinstance(site, LayerSite):
            yield from _layer(site)
        elif not 0 <= site.template < len(graph.templates):
            yield f"site {site.site} runs template {site.template}, which is not there"
        else:
            yield from _region(site, graph.templates[site.template])
        outputs = (site.output,) if isinstance(site, LayerSite) else site.outputs
        if again := [value for value in outputs if value in made]:
            yield f"site {site.site} makes {again} again"
        known.update(outputs)
        made.update(outputs)


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
    if not site.outputs or ends != (len(template.inputs), len(template.outputs)):
        yield f"site {site.site} hands {ends[0]} values to template {site.template} and takes {ends[1]}"
    if (site.kind == "repeat") != (site.times is not None) or (site.kind == "repeat" and not site.inputs):
        yield f"site {site.site} repeats without a number of passes"
    if template.kind != ("block" if site.kind == "shared" else site.kind):
        yield f"site {site.site} is not of the kind of its template"


def _if(graph: Graph, site: IfSite, known: set[int], made: set[int], numbers: set[int]) -> Iterator[str]:
    if site.at is not None and site.at not in known:
        yield f"an `if` stands at value {site.at}, which is not there"
    sides = set(known), set(known)
    yield from _sites(graph, site.then, sides[0], made, numbers)
    yield from _sites(graph, site.otherwise, sides[1], made, numbers)
    for value, join in site.joins.items():
        for side, inside in ((join.then, sides[0]), (join.otherwise, sides[1])):
            if side is not None and side not in inside:
                yield f"an `if` gives {side}, which is not there on that side"
        if value in made:
            yield f"an `if` makes {value} again"
        known.add(value)
        made.add(value)


def _uses(graph: Graph, most: int) -> Iterator[str]:
    """Every body under the numbers that the uses around it give."""
    costs = [_cost(template.sites) for template in graph.templates]
    seen: set[Any] = set()
    waiting: list[tuple[int, dict[str, Exact]]] = [(len(graph.bodies) - 1, {})]
    while waiting:
        number, numbers = waiting.pop()
        key = number, tuple(sorted((name, spelled(value)) for name, value in numbers.items()))
        if key in seen:
            continue
        seen.add(key)
        body = graph.bodies[number]
        most -= costs[body.template] + len(body.steps) + sum(map(entries, numbers.values())) // 8
        if most < 0:
            raise TooMuch
        try:
            use = use_of(graph, graph.templates[body.template], number, numbers, check=True)
        except Mismatch as fault:
            yield f"body {number} is not what template {body.template} gives: {fault}"
            return
        waiting += _inner(graph, body, use.numbers)


def _inner(graph: Graph, body: Body, numbers: dict[str, Exact]) -> Iterator[tuple[int, dict[str, Exact]]]:
    for step in body.steps:
        if not isinstance(step, Region):
            continue
        if step.block is not None:
            yield step.passes[0].body, {name: parsed(text) for name, text in step.arguments.items()}
        elif step.kind == "repeat":
            yield from ((inner, {**numbers, "i": place}) for place, inner in passes_of(step))
        else:
            yield step.passes[0].body, dict(numbers)


def _cost(sites: Iterable[Site]) -> int:
    """Steps of one use of a template; an expression that is long counts as several."""
    cost = 1
    for site in sites:
        match site:
            case LetSite():
                nodes = [site.value]
            case LayerSite():
                nodes = [*site.written.values()]
            case RegionSite():
                nodes = [*site.arguments.values(), *([site.times] if site.times else [])]
            case IfSite():
                nodes = [site.condition]
                cost += _cost(site.then) + _cost(site.otherwise)
        cost += 1 + sum(map(operations, nodes)) // 8
    return cost
