"""The inputs of a template that its steps read, or that are outputs of the template."""

from __future__ import annotations

from collections.abc import Iterable

from cnnspec.ir.graph import Graph
from cnnspec.ir.template import IfSite, LayerSite, LetSite, RegionSite, Site, SlotSite, Template


class Reads:
    """The inputs that each template reads, computed once per template."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._known: dict[int, set[int]] = {}

    def of(self, template: Template) -> set[int]:
        key = id(template)
        if key not in self._known:
            read = {*template.outputs, *template.labels.values()}
            for site in steps(template.sites):
                read |= {*self.by(site)}
            joins = [join for one in _ifs(template.sites) for join in one.joins.values()]
            sides = [side for join in joins for side in (join.then, join.otherwise)]
            read |= {side for side in sides if side is not None}
            self._known[key] = {place for place in range(len(template.inputs)) if place in read}
        return self._known[key]

    def by(self, site: LayerSite | RegionSite | SlotSite) -> list[int]:
        """The values that a step reads; for a region with several inputs, those that are read inside."""
        if not isinstance(site, RegionSite) or len(site.inputs) < 2:
            return [*site.inputs]
        read = self.of(self.graph.templates[site.template])
        return [value for place, value in enumerate(site.inputs) if place in read]


def steps(sites: Iterable[Site]) -> Iterable[LayerSite | RegionSite | SlotSite]:
    """All steps, including those on both sides of an `if`."""
    for site in sites:
        if isinstance(site, IfSite):
            yield from steps((*site.then, *site.otherwise))
        elif not isinstance(site, LetSite):
            yield site


def _ifs(sites: Iterable[Site]) -> Iterable[IfSite]:
    for site in sites:
        if isinstance(site, IfSite):
            yield site
            yield from _ifs((*site.then, *site.otherwise))
