"""The bodies of a graph, by template: the step that each has at a site, and the shapes of its values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cnnspec.ir.graph import Graph, Region, Step, outputs_of, places
from cnnspec.ops.base import Shape, axes_of


class Found(NamedTuple):
    """The step that a body has at a site: the body's index among the given ones, the step, and its first
    value."""

    place: int
    step: Step
    output: int


class Bodies:
    """Look-ups for the walk over templates; each body is indexed once."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._steps: dict[int, dict[int, tuple[Step, int]]] = {}
        self._of: dict[int, list[int]] = {}
        for number, body in enumerate(graph.bodies):
            self._of.setdefault(body.template, []).append(number)

    def of(self, template: int) -> tuple[int, ...]:
        """All bodies of a template."""
        return tuple(self._of.get(template, ()))

    def at(self, bodies: tuple[int, ...], site: int) -> Iterator[Found]:
        """The steps at a site, in those bodies that have one."""
        for place, number in enumerate(bodies):
            if number not in self._steps:
                found_places = places(self.graph.bodies[number])
                self._steps[number] = {getattr(one.step, "site", -1): one[1:] for one in found_places}
            if site in self._steps[number]:
                yield Found(place, *self._steps[number][site])

    def shape(self, bodies: tuple[int, ...], values: tuple[int | None, ...]) -> Shape | None:
        """The shape of a value, where it is the same in all bodies that have it."""
        known = zip(bodies, values, strict=True)
        shapes = {self.graph.bodies[number].values[value] for number, value in known if value is not None}
        return shapes.pop() if len(shapes) == 1 else None

    @staticmethod
    def passes(regions: list[Region]) -> tuple[int, ...]:
        """The bodies that regions run, each once, in order."""
        return tuple(dict.fromkeys(one.body for region in regions for one in region.passes))


def dimensions(shape: Shape) -> dict[str, int]:
    """The sizes of a shape by their letters, C, T, H and W."""
    return dict(zip("C" + axes_of(shape), shape, strict=True))


def values_of(step: Step, output: int) -> range:
    """The numbers of the values that a step makes."""
    return range(output, output + outputs_of(step))
