"""Blocks that read knobs of the file, with these knobs as further parameters.

let classes = 10
block head() { gap -> fc classes }     # becomes block head(classes) { gap -> fc classes }
head()                                 # and head(classes)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cnnspec.ir.expr import Const, Expr, Var, replaced, variables
from cnnspec.ir.graph import Block, BlockParameter, Body, Graph, Region
from cnnspec.ir.template import IfSite, LayerSite, LetSite, RegionSite, Site


def passable(graph: Graph) -> list[str]:
    """The knobs that can be passed to every block that reads them, directly or through another block: those
    that no name of a block on the way hides."""
    reads = _Reads(graph, graph.arguments)
    inner = {block.name for block in graph.blocks if block.inner}
    hidden: set[str] = set()
    for template, read, own in zip(graph.templates, reads.all, reads.own, strict=True):
        hidden |= read if template.kind == "layers" or template.block in inner else read & own
    return [name for name in graph.arguments if name not in hidden]


def passing(graph: Graph, names: Collection[str]) -> Graph:
    """The graph in which blocks are passed those of its knobs that they read."""
    reads = _Reads(graph, names)
    taken = {
        one.block: sorted(read) for one, read in zip(graph.templates, reads.all, strict=True) if one.block
    }
    if not any(taken.values()):
        return graph
    templates = tuple(
        template.model_copy(update={"sites": tuple(reads.passing(template.sites, number))})
        for number, template in enumerate(graph.templates)
    )
    blocks = tuple(_with_parameters(block, taken.get(block.name, ())) for block in graph.blocks)
    bodies = tuple(_with_arguments(graph, body, taken) for body in graph.bodies)
    return graph.model_copy(update={"templates": templates, "blocks": blocks, "bodies": bodies})


@dataclass(eq=False)
class _Reads:
    """Which of these knobs each template reads."""

    graph: Graph
    names: Collection[str]

    @cached_property
    def own(self) -> list[set[str]]:
        """The names of the block around each template: its parameters and its `let`s."""
        found: list[set[str]] = [set() for _ in self.graph.templates]
        heads = {block.name: block for block in self.graph.blocks}
        for number, template in enumerate(self.graph.templates):
            if template.block is None:
                continue
            own = {parameter.name for parameter in heads[template.block].parameters}
            inside = [number]
            for one in inside:  # grows
                found[one] = own
                for site in _sites(self.graph.templates[one].sites):
                    if isinstance(site, LetSite):
                        own.add(site.name)
                    elif isinstance(site, RegionSite) and site.kind not in ("block", "shared"):
                        inside.append(site.template)
        return found

    @cached_property
    def all(self) -> list[set[str]]:
        """The knobs that each template reads, directly or through the templates that it runs."""
        reads: list[set[str]] = []
        around: list[set[int]] = [set() for _ in self.graph.templates]
        for number, template in enumerate(self.graph.templates):
            reads.append(set())
            for site in _sites(template.sites):
                if isinstance(site, LayerSite | RegionSite):
                    named = {name for node in site.free.values() for name in variables(node)}
                    reads[-1] |= named.intersection(self.names) - self.own[number]
                if isinstance(site, RegionSite):
                    around[site.template].add(number)
        waiting = [number for number, read in enumerate(reads) if read]
        while waiting:
            number = waiting.pop()
            for outer in around[number]:
                if not reads[number] <= reads[outer]:
                    reads[outer] |= reads[number]
                    waiting.append(outer)
        return reads

    def passing(self, sites: Iterable[Site], number: int) -> Iterator[Site]:
        """The sites of a template, with the names of these knobs where they are read."""
        fixed: dict[str, Expr] = {
            name: Const(value)
            for name, value in self.graph.numbers.items()
            if name not in self.names and name not in self.own[number]
        }
        for site in sites:
            if isinstance(site, IfSite):
                sides = {"then": site.then, "otherwise": site.otherwise}
                yield site.model_copy(
                    update={name: tuple(self.passing(side, number)) for name, side in sides.items()}
                )
            elif isinstance(site, LayerSite | RegionSite):
                free = {name: replaced(node, fixed) for name, node in site.free.items()}
                if isinstance(site, RegionSite) and site.kind in ("block", "shared"):
                    free |= {name: Var(name) for name in self.all[site.template]}
                field = "written" if isinstance(site, LayerSite) else "arguments"
                yield site.model_copy(update={field: getattr(site, field) | free, "free": {}})
            else:
                yield site


def _sites(sites: Iterable[Site]) -> Iterator[Site]:
    for site in sites:
        yield site
        if isinstance(site, IfSite):
            yield from _sites((*site.then, *site.otherwise))


def _with_parameters(block: Block, names: Iterable[str]) -> Block:
    """Those without a default come first."""
    more = [BlockParameter(name=name, kind="knob") for name in names]
    parameters = sorted((*block.parameters, *more), key=lambda one: one.default is not None)
    return block.model_copy(update={"parameters": tuple(parameters)})


def _with_arguments(graph: Graph, body: Body, taken: Mapping[str, Sequence[str]]) -> Body:
    steps: list[Any] = []
    for step in body.steps:
        if isinstance(step, Region) and step.block is not None and (names := taken.get(step.block)):
            more = {name: graph.knobs[name] for name in names}
            step = step.model_copy(update={"arguments": step.arguments | more})
        steps.append(step)
    return body.model_copy(update={"steps": tuple(steps)})
