"""Receptive fields: the positions of the input that one position of a map reads.

One recurrence: a position reads what the positions in its window read (`reach.after`); where paths meet, it
reads what any of the branches reads (`reach.either`). For a plain chain of layers this is

size = size_before + (F − 1)·D·stride_before      stride = stride_before·S      offset = offset_before −
P·stride_before

A layer that ends the map (`gap`, `flatten`) reads all of it; the receptive field of a model is the one
before, of its last map. So each value has two: what it really reads (`seen`), and what the last map on the
path read (`field`). They differ only after the map has ended. A gate (the broadcast branch of `mul`) does not
widen the field.

A body is summarised relative to its inputs. A use of it composes the summary with the views of its inputs,
and n passes of it are its n-th power, found by squaring.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import prod
from typing import NamedTuple, TypeAlias

from cnnspec.analyses.reach import SELF, Reach, after, either, reach_of
from cnnspec.analyses.shapes import Shaped, Shapes, carried
from cnnspec.ir.graph import Graph, Region, Step, handed_on, places, region_outputs, runs_of
from cnnspec.ops import Op
from cnnspec.ops.base import AXES, Shape, Window, written_shape
from cnnspec.ops.formula import Formula


class Area(NamedTuple):
    """The positions that are read along each axis of a map (a vector has no axes); None where they are
    unknown. `turned`: a position's row decides which columns are read, and its column which rows
    (`transpose`).
    """

    reaches: tuple[Reach | None, ...]
    turned: bool = False


Areas: TypeAlias = dict[int, Area]
"""The area that is read of each input, by the input's number."""


class View(NamedTuple):
    """What a value reads of its body's inputs. `open`: the inputs from which a path leads to this value
    without a layer that ends the map. If there is one, the value belongs to a map, and `field` is `seen`.
    """

    seen: Areas
    field: Areas
    open: frozenset[int]


class Field(NamedTuple):
    """A receptive field in pixels of the input, along each axis: `size` of the widest position, `stride` from
    one position to the next, `offset` of the first pixel that position 0 reads (negative: padding).
    """

    size: tuple[int, ...]
    stride: tuple[Fraction, ...]
    offset: tuple[int, ...]


def recurrence(before: Field, windows: tuple[Window, ...], size: Shape) -> tuple[Formula, ...]:
    """The formulas R' = R + (E − 1)·J along W and, where they differ, along H, with R the field before, E the
    window's extent D(F − 1) + 1, and J the jump before. No formulas where the field is not computed in this
    way.
    """
    if len(windows) != len(size):  # the input has other axes than this map
        return ()
    formulas = []
    for window, R, J, result in zip(windows, before.size, before.stride, size, strict=True):
        E = Fraction(window.size)
        if result != R + (E - 1) * J:
            return ()
        formulas.append(Formula("field", "R + (E − 1)·J", {"R": R, "E": E, "J": J}, result))
    if len(set(map(str, formulas))) == 1:
        return (formulas[0]._replace(result=written_shape(size)),)
    axes = AXES[-len(size) :]
    named = [
        formula._replace(name=f"field along {axis}") for axis, formula in zip(axes, formulas, strict=True)
    ]
    return tuple(reversed(named))


NONE = Area(())
NOWHERE = View({}, {}, frozenset())


def input_view(number: int, shape: Shape | None) -> View:
    """The view of an input. A vector is not a map: nothing that is made from it has a receptive field."""
    axes = 0 if shape is None else len(shape) - 1
    return _itself(number, axes) if axes else View({number: NONE}, {number: NONE}, frozenset())


def _itself(number: int, axes: int) -> View:
    areas: Areas = {number: Area((SELF,) * axes)}
    return View(areas, areas, frozenset((number,)))


def layer_view(layer: Shaped, inputs: Sequence[View]) -> View:
    """The recurrence: the view of a layer's output, from the views of its inputs."""
    op = layer.op
    places = carried(op, layer.inputs, layer.output)
    before = _any([inputs[place] for place in places])
    windows = op.windows(layer.inputs, layer.output)
    if len(set(windows)) == 1:
        seen = _through(op, windows[0], before.seen)
    else:
        seen = _united(_through(op, windows[place], inputs[place].seen) for place in places)
    if op.ends_map or not before.open:
        return View(seen, before.field, frozenset())
    return View(seen, seen, before.open)


def _is_point(area: Area) -> bool:
    return not area.turned and all(reach == SELF for reach in area.reaches)


def _through(op: Op, windows: tuple[Window, ...], before: Areas) -> Areas:
    """The areas that a layer reads, from the areas that its input reads."""
    reaches = tuple(map(reach_of, windows))
    if op.ends_map:  # a map of one position has only position 0
        reaches = tuple(reach and Reach(reach.first[:1], reach.last[:1], 0) for reach in reaches)
    through = Area(reaches, op.turns)
    return before if _is_point(through) else {n: _behind(through, area) for n, area in before.items()}


def _behind(outer: Area, inner: Area) -> Area:
    """The area read through two maps, one after the other. If a map has other axes than the map that it is
    computed from (`reshape`, `flatten`), each of its positions reads all of it.
    """
    if len(outer.reaches) != len(inner.reaches):
        return inner
    through = outer.reaches
    if inner.turned:
        *first, rows, columns = through
        through = (*first, columns, rows)
    return Area(tuple(map(after, through, inner.reaches)), outer.turned != inner.turned)


def _any(views: Sequence[View]) -> View:
    """The view of a value that combines several others."""
    if len(views) == 1:
        return views[0]
    open_inputs = frozenset[int]().union(*(view.open for view in views))
    seen = _united(view.seen for view in views)
    return View(seen, seen if open_inputs else _united(view.field for view in views), open_inputs)


def _united(parts: Iterable[Areas]) -> Areas:
    result: Areas = {}
    for part in parts:
        for number, area in part.items():
            result[number] = _either(result.get(number, area), area)
    return result


def _either(one: Area, other: Area) -> Area:
    if one.turned != other.turned:  # rows and columns are exchanged in one of them only: unknown
        return Area((None,) * len(one.reaches))
    return Area(tuple(map(either, one.reaches, other.reaches)), one.turned)


def behind(view: View, inputs: Sequence[View]) -> View:
    """The view of a value of a body, seen from outside the body: `view` is about the body's inputs, and
    `inputs` are the views of these inputs.
    """
    if len(view.seen) == 1:
        (number,) = view.seen
        if _is_point(view.seen[number]) and view.open:
            return inputs[number]
    seen = _united(_areas_behind(area, inputs[number].seen) for number, area in view.seen.items())
    open_inputs = frozenset[int]().union(*(inputs[number].open for number in view.open))
    if open_inputs:
        return View(seen, seen, open_inputs)
    field = _united(  # for an input whose map has ended outside, the last map before that
        _areas_behind(area, inputs[number].seen) if inputs[number].open else inputs[number].field
        for number, area in view.field.items()
    )
    return View(seen, field, open_inputs)


def _areas_behind(area: Area, before: Areas) -> Areas:
    return {origin: _behind(area, further) for origin, further in before.items()}


def _passes(
    region: Region, inputs: Sequence[View], outputs: Callable[[int], Sequence[View]]
) -> Iterator[tuple[int, Sequence[View]]]:
    """The bodies that a region runs, with the views of their inputs. Of equal passes in a row, the first and
    the last."""
    runs = list(runs_of(region))
    for place, run in enumerate(runs):
        yield run.body, inputs
        views = outputs(run.body)
        if run.count > 1:
            inputs = [_repeated(views[0], run.count - 1, inputs), *inputs[1:]]
            yield run.body, inputs
        if place + 1 < len(runs):
            inputs = handed_on(region, inputs, [behind(view, inputs) for view in views])


def _repeated(view: View, count: int, inputs: Sequence[View]) -> View:
    """The view of the output of `count` passes, whose first output (`view`) is the input of the next: by
    squaring.
    """
    result, *rest = inputs
    # inputs that all passes share
    same = [_itself(number, len(view.seen.get(number, NONE).reaches)) for number in range(1, len(inputs))]
    power = view
    while True:
        if count & 1:
            result = behind(power, [result, *rest])
        count >>= 1
        if not count:
            return result
        power = behind(power, [power, *same])


@dataclass(eq=False, repr=False)
class Fields:
    """`views[b][v]`: the view of value `v` of body `b`, relative to the body's inputs."""

    graph: Graph
    views: tuple[tuple[View, ...], ...]

    @cached_property
    def first_use(self) -> dict[int, Sequence[View]]:
        """The inputs of each body at its first use, as views of the model's inputs."""
        graph = self.graph
        root = len(graph.bodies) - 1
        inputs = [input_view(n, graph.root.values[n]) for n in range(graph.root.inputs)]
        views: dict[int, Sequence[View]] = {}
        stack: list[tuple[int, Sequence[View]]] = [(root, inputs)]
        while stack:
            number, own_views = stack.pop()
            if number in views:
                continue
            views[number] = own_views
            uses: list[tuple[int, Sequence[View]]] = []
            for _, step, _ in places(graph.bodies[number]):
                if isinstance(step, Region) and any(one.body not in views for one in step.passes):
                    start = [behind(self.views[number][value], own_views) for value in step.inputs]
                    uses += _passes(step, start, self._outputs)
            stack += reversed(uses)
        return views

    def _outputs(self, body: int) -> Sequence[View]:
        return [self.views[body][value] for value in self.graph.bodies[body].outputs]

    def at(self, body: int, value: int, *, last_map: bool = False) -> Field | None:
        """The field of a value, at the first use of its body. None where it is unknown and after the map has
        ended; in the latter case `last_map` gives the field of the last map."""
        if body not in self.first_use:
            return None
        view = behind(self.views[body][value], self.first_use[body])
        return self.field(view) if view.open or last_map else None

    @property
    def total(self) -> Field | None:
        """The model's field: for the last map before each output, the widest."""
        root = len(self.graph.bodies) - 1
        views = [behind(self.views[root][number], self.first_use[root]) for number in self.graph.root.outputs]
        if any(not view.seen or any(None in area.reaches for area in view.field.values()) for view in views):
            return None
        return _widest(map(self.field, views))

    def field(self, view: View) -> Field | None:
        """A view of the model's inputs as numbers; with several inputs, the largest of them."""
        shapes = self.graph.root.values
        return _widest(
            Field(
                tuple(reach.size for reach in known),
                tuple(reach.stride for reach in known),
                tuple(reach.first[0] for reach in known),
            )
            for number, area in view.field.items()
            if len(known := [reach for reach in area.reaches if reach is not None]) == len(area.reaches)
            and len(shapes[number] or ()) > 1
        )


def _widest(fields: Iterable[Field | None]) -> Field | None:
    known = [field for field in fields if field is not None]
    return max(known, key=lambda field: (prod(field.size), max(field.size)), default=None)


def fields(graph: Graph, shapes: Shapes) -> Fields:
    """The views of all values in all bodies."""
    known: list[tuple[View, ...]] = []
    outputs: list[list[View]] = []
    for body, layers in zip(graph.bodies, shapes, strict=True):
        values = [input_view(number, body.values[number]) for number in range(body.inputs)]
        for step, layer in zip(body.steps, layers, strict=True):
            values += _step(step, layer, values, outputs)
        known.append(tuple(values))
        outputs.append([values[number] for number in body.outputs])
    return Fields(graph, tuple(known))


def _step(step: Step, layer: Shaped | None, values: list[View], outputs: list[list[View]]) -> list[View]:
    inputs = [values[number] for number in step.inputs]
    if isinstance(step, Region):
        starts: list[tuple[int, Sequence[View]]] = []
        for number, start in _passes(step, inputs, outputs.__getitem__):
            starts = [*starts, (number, start)] if step.each else [(number, start)]
        views_behind = [[behind(view, start) for view in outputs[number]] for number, start in starts]
        return region_outputs(step, views_behind) if views_behind else list(inputs[: step.outputs])
    return [NOWHERE if layer is None else layer_view(layer, inputs)]
