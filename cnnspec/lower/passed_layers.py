"""Layers that are passed to a block: they become functions, and a layer parameter becomes an argument."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cnnspec.ir import graph as ir
from cnnspec.ir import template as written
from cnnspec.ir.expr import parsed
from cnnspec.ir.template import IfSite, RegionSite, Site, SlotSite
from cnnspec.lower.call import Built, Diverges, LayerUse, Unsupported
from cnnspec.lower.program import SIZES, LayersArgument, Slot, letters_of
from cnnspec.lower.symbolic import Node, plain, variables
from cnnspec.ops.base import Misfit

if TYPE_CHECKING:
    from cnnspec.lower.frame import Frame
    from cnnspec.lower.lowering import Lowering

Place = tuple[int, str]
"""A layer parameter: the template of its block (or of the layers that use it), and its name. Passed layers
themselves have the name ""."""


def slot(frame: Frame, site: SlotSite) -> None:
    """Lowers a layer parameter used as a step: a call of the passed layers, with the sizes that they may
    need."""
    uses = {use: frame.uses[use].shape(site.inputs[0]) for use in frame.present(site)}
    tensor = frame.tensors[site.inputs[0]]
    sizes = []
    for axis in frame.lowering.passed.sizes(frame.function.number, site.parameter):
        values = {use: shape[axis] for use, shape in uses.items()}
        sizes.append(frame.number(values, tensor.dims[axis]))
    output = frame.tensor(site.output, tensor.dims)
    variable = frame.function.layer(site.parameter)
    frame.here.append(Slot(site.name, variable, sizes, [tensor], output))


def layers_argument(
    frame: Frame, site: RegionSite, name: str, regions: dict[int, ir.Region]
) -> LayersArgument:
    """The argument for the layer parameter `name` in a use of a block."""
    argument = site.layers[name]
    if argument.parameter is not None:
        return LayersArgument(variable=frame.function.layer(argument.parameter))
    lowering = frame.lowering
    slots = {
        use: lowering.passed.slots(region.passes[0].body, argument.template)
        for use, region in regions.items()
    }
    functions = dict.fromkeys(lowering.function_of(slot) for inside in slots.values() for slot in inside)
    if not functions:
        return LayersArgument()
    function, *others = functions
    if others:
        raise Unsupported(
            f"layers given to `{name}` that differ on maps and on vectors", next(iter(regions.values()))
        )
    arguments: list[Node] = []
    for parameter in function.parameters:
        if isinstance(parameter.source, tuple) or not parameter.used:
            continue
        values: dict[int, Any] = {}
        for use, inside in slots.items():
            for slot in inside:
                if isinstance(parameter.source, str):
                    value = plain(parsed(slot.arguments[parameter.source]))
                else:
                    value = parameter.values[function.keys[lowering.key(slot)]]
                if values.setdefault(use, value) != value:
                    raise Diverges(
                        f"layers given to `{name}` that are other layers at each place in the block"
                    )
        at = site.inputs[0] if site.inputs else None
        node = argument.arguments.get(parameter.source) if isinstance(parameter.source, str) else None
        arguments.append(frame.number(values, frame.expression(node, at, values)))
    inner = [
        LayersArgument(variable=frame.function.layer(argument.layers[other])) for other in function.layers
    ]
    if function.needs:
        raise Unsupported("a shared block in layers that are passed to a block", next(iter(regions.values())))
    return LayersArgument(function, arguments, inner, sizes=_variables(frame, site, name))


def _variables(frame: Frame, site: RegionSite, name: str) -> list[str]:
    """Variables for the sizes that the passed layers are called with; equal for all layers that a function
    passes."""
    known, namer = frame.function.sizes, frame.function.namer
    names = frame.lowering.passed.size_names(site.template, name)
    return [known.get(axis) or known.setdefault(axis, namer.take(size)) for axis, size in names.items()]


@dataclass(eq=False)
class PassedLayers:
    """The layers that a graph passes to its blocks, and which of them may reach the same layer parameter."""

    lowering: Lowering
    names: dict[int, str] = field(default_factory=dict)
    """A function name for each template of layers, from the first parameter that it is passed to."""
    layers: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """The layer parameters that each template of layers uses."""
    _parents: dict[Place, Place] = field(default_factory=dict)
    _ranks: dict[Place, int] = field(default_factory=dict)
    _axes: dict[Place, tuple[int, ...]] = field(default_factory=dict)

    def collect(self) -> None:
        """Finds which layers may be passed to the same parameter."""
        graph = self.lowering.graph
        seen: set[int] = set()
        heads = ("network", "block", "layers")
        waiting = [
            (number, number) for number, template in enumerate(graph.templates) if template.kind in heads
        ]
        while waiting:
            number, owner = waiting.pop()
            if number in seen:
                continue
            seen.add(number)
            for site in _regions(graph.templates[number].sites):
                if site.kind in ("block", "shared"):
                    for name, layer in site.layers.items():
                        self._note(site, name, layer, owner)
                else:
                    waiting.append((site.template, owner))

    def _note(self, site: RegionSite, name: str, argument: written.LayersArgument, owner: int) -> None:
        place = site.template, name
        if argument.parameter is not None:
            self._join(place, (owner, argument.parameter))
        if argument.template is not None:
            self._join(place, (argument.template, ""))
            block = self.lowering.graph.templates[site.template].block
            self.names.setdefault(argument.template, f"{block}_{name}")
            self.layers.setdefault(argument.template, tuple(argument.layers))
            for name_inside, outer in argument.layers.items():
                self._join((argument.template, name_inside), (owner, outer))

    def _root(self, place: Place) -> Place:
        while (parent := self._parents.get(place, place)) != place:
            self._parents[place] = self._parents.get(parent, parent)
            place = parent
        return place

    def _join(self, first: Place, second: Place) -> None:
        self._parents.setdefault(first, first)
        self._parents.setdefault(second, second)
        self._parents[self._root(first)] = self._root(second)

    def size_names(self, template: int, name: str = "") -> dict[int, str]:
        """The axes whose sizes layers are called with, and the variables for these sizes."""
        axes = self.sizes(template, name)
        letters = letters_of(self._ranks.get(self._root((template, name)), 0))
        return {axis: SIZES[letters[axis]] for axis in axes}

    def sizes(self, template: int, name: str = "") -> tuple[int, ...]:
        """The axes whose sizes layers are called with: those that any layers for the same parameter may
        need."""
        if self.lowering.runtime_shapes:
            return ()
        root = self._root((template, name))
        if root not in self._axes:
            templates = {
                number for number, own in self._parents if own == "" and self._root((number, "")) == root
            }
            axes: set[int] = set()
            for body in self.lowering.graph.bodies:
                if body.template in templates:
                    entry = body.values[0] or ()
                    self._ranks[root] = max(len(entry), self._ranks.get(root, 0))
                    axes |= self._needed(body, entry)
            self._axes[root] = tuple(sorted(axes.intersection(self.lowering.axes.get(root, axes))))
        return self._axes[root]

    def read(self) -> dict[Place, tuple[int, ...]]:
        """Once all functions are made: the axes whose sizes the layers do use, where these are fewer than the
        axes whose sizes they are called with."""
        axes_by_parameter: dict[Place, set[int]] = {root: set() for root in self._axes}
        for function in self.lowering.functions:
            if function.template.kind == "layers":
                sources = (parameter.source for parameter in function.parameters if parameter.used)
                root = self._root((function.number, ""))
                axes_by_parameter.setdefault(root, set()).update(
                    source[1] for source in sources if isinstance(source, tuple)
                )
        return {
            root: tuple(sorted(axes))
            for root, axes in axes_by_parameter.items()
            if len(axes) < len(self._axes.get(root, ()))
        }

    def _needed(self, body: ir.Body, entry: tuple[int, ...]) -> set[int]:
        """The axes whose sizes a layer of a body, or of a body inside it, may need."""
        axes: set[int] = set()
        for step, inside in self._steps(body):
            if not isinstance(step, ir.Layer):
                continue
            inputs = tuple(inside.values[value] or () for value in step.inputs)
            if step.op.merges and step.op.weights(*inputs):
                return set(range(len(entry)))
            if step.op.merges:
                continue
            out = step.op.out(*inputs)
            assert not isinstance(out, Misfit)
            names = set(_names(self.lowering.emit(LayerUse(step.op, (step.op,), inputs, out), step)))
            if names & {"@H", "@W"} or (names and len(inputs[0]) < len(entry)):
                return set(range(len(entry)))
            if names:
                axes.add(0)
        return axes

    def _steps(self, body: ir.Body) -> Iterator[tuple[ir.Step, ir.Body]]:
        """The steps of a body and of the bodies inside it, each body once."""
        bodies, seen = [body], {id(body)}
        while bodies:
            inside = bodies.pop()
            for step in inside.steps:
                yield step, inside
                if isinstance(step, ir.Region):
                    for run in step.passes:
                        inner = self.lowering.graph.bodies[run.body]
                        if id(inner) not in seen:
                            seen.add(id(inner))
                            bodies.append(inner)

    def slots(self, body: int, template: int | None) -> list[ir.Region]:
        """The places in a body, and in the bodies inside it, where layers of this template run."""
        regions: dict[tuple[int, str], ir.Region] = {}
        bodies = self.lowering.graph.bodies
        for step, _ in self._steps(bodies[body]):
            if isinstance(step, ir.Region) and step.kind == "layers":
                if bodies[step.passes[0].body].template == template:
                    regions.setdefault(self.lowering.key(step), step)
        return list(regions.values())


def _names(built: Built) -> Iterator[str]:
    """The sizes of its first input that a call refers to."""
    for slot in built.slots:
        if isinstance(slot.value, Built):
            yield from _names(slot.value)
        elif slot.source is not None:
            names = variables(slot.source)
            yield from (name for name in names if name in ("@C", "@H", "@W") or name.startswith("@0."))


def _regions(sites: tuple[Site, ...]) -> Iterator[RegionSite]:
    for site in sites:
        if isinstance(site, RegionSite):
            yield site
        elif isinstance(site, IfSite):
            yield from _regions((*site.then, *site.otherwise))
