"""Blocks that are a single box, and blocks without branches, by their templates."""

from __future__ import annotations

from collections.abc import Iterable

from cnnspec.drawing.flow.names import is_small
from cnnspec.ir.graph import Graph, Layer
from cnnspec.ir.template import IfSite, LayerSite, LetSite, RegionSite, Site, SlotSite

MANY = 99


class Single:
    """The number of boxes of each template, computed once per template."""

    def __init__(self, graph: Graph, collapsed: frozenset[str]) -> None:
        self.graph = graph
        self.collapsed = collapsed
        self._boxes: dict[int, int] = {}
        self._chain: dict[int, bool] = {}
        self._small = {
            step.op.word: is_small(step.op)
            for body in graph.bodies
            for step in body.steps
            if isinstance(step, Layer)
        }

    def block(self, template: int) -> bool:
        """Whether a block is one box."""
        return self.boxes(template) == 1

    def boxes(self, template: int) -> int:
        """The number of boxes of a template: 0, 1 or more; MANY with branches or an `if`."""
        if template not in self._boxes:
            self._boxes[template] = MANY  # in case it contains itself
            one = self.graph.templates[template]
            plain = len(one.inputs) == len(one.outputs) == 1 and not one.exported
            self._boxes[template] = self._count(one.sites) if plain else MANY
        return self._boxes[template]

    def _count(self, sites: Iterable[Site]) -> int:
        total = 0
        for site in sites:
            match site:
                case LetSite():
                    continue
                case LayerSite():
                    small = self._small.get(site.word, False)
                    if len(site.inputs) > 1 or (small and not total):
                        return MANY
                    total += not small
                case RegionSite(kind="block" | "shared"):
                    total += 1 if self.boxes(site.template) else 0
                case RegionSite():
                    total += self.boxes(site.template)
                case SlotSite():
                    total += MANY * (not total)
                case IfSite():
                    return MANY
            if total > 1:
                return MANY
        return total

    def chain(self, template: int) -> bool:
        """Whether a template has neither branches nor repeats of several boxes."""
        if template not in self._chain:
            self._chain[template] = False
            sites = self.graph.templates[template].sites
            self._chain[template] = all(map(self._in_chain, sites))
        return self._chain[template]

    def _in_chain(self, site: Site) -> bool:
        if isinstance(site, RegionSite):
            if site.kind == "repeat":
                return self.boxes(site.template) <= 1
            return site.kind in ("block", "shared") or self.chain(site.template)
        if isinstance(site, LayerSite):
            return len(site.inputs) == 1
        return not isinstance(site, IfSite)
