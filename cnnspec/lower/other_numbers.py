"""A network under other values of its arguments: the same steps, with other numbers and other shapes.

What is emitted for all of these uses of the network's template is right for any value: a number that depends
on an argument must have an expression.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cnnspec.ir import expr
from cnnspec.ir.graph import (
    Body,
    Graph,
    Hole,
    Layer,
    Pass,
    Region,
    Step,
    collected,
    handed_on,
    places,
    region_outputs,
)
from cnnspec.ir.template import IfSite, LayerSite, LetSite, RegionSite, Site, SlotSite, numbers_of
from cnnspec.ir.uses import Numbers, TemplateUse, defining, use_of
from cnnspec.ops.base import Misfit, Shape, axes_of, spread

SIZES = frozenset("CTHW")
MOST = 2000
"""Bodies of one network that are made, at most."""


class Differs(Exception):
    """Under these numbers the network has other steps, or they are not known."""


class Unfit(Exception):
    """Under these numbers a layer does not fit its input."""


def under(graph: Graph, numbers: Numbers) -> Graph:
    """The graph with the network's body under these numbers, right before its own."""
    again = _Again(graph)
    shapes = [_known(graph.root.values[value]) for value in range(graph.root.inputs)]
    again.body(len(graph.bodies) - 1, graph.numbers, numbers, shapes)
    return graph.model_copy(update={"bodies": (*graph.bodies[:-1], *again.made, graph.root)})


def _known(shape: Shape | None) -> Shape:
    if shape is None:
        raise Differs("a shape that is not known")
    return shape


@dataclass(eq=False)
class _Again:
    graph: Graph
    made: list[Body] = field(default_factory=list)
    known: dict[Any, tuple[int, Numbers]] = field(default_factory=dict)
    alike: dict[int, list[int]] = field(default_factory=dict)
    names: dict[int, set[str]] = field(default_factory=dict)
    runs: int = 0

    def names_in(self, number: int) -> set[str]:
        """The names that a template reads or defines, with the groups and repeats in it."""
        if number not in self.names:
            template = self.graph.templates[number]
            found = self.names[number] = set(template.settled)
            sites = list(template.sites)
            for site in sites:
                found.update(name for node in numbers_of(site) for name in expr.variables(node))
                match site:
                    case LetSite():
                        found.add(site.name)
                    case IfSite():
                        sites += (*site.then, *site.otherwise)
                    case RegionSite(kind="group" | "line" | "repeat"):
                        found |= self.names_in(site.template)
        return self.names[number]

    def body(self, number: int, old: Numbers, new: Numbers, shapes: Sequence[Shape]) -> tuple[int, Numbers]:
        """The number of the body that stands for `number`, and the names in it with their values after it."""
        body = self.graph.bodies[number]
        names = self.names_in(body.template)
        old, new = ({name: value for name, value in one.items() if name in names} for one in (old, new))
        if old == new and tuple(shapes) == body.values[: body.inputs]:
            return number, new
        key = number, tuple(old.items()), tuple(new.items()), tuple(shapes)
        if key not in self.known:
            self.runs += 1
            if self.runs > MOST:
                raise Differs("too many bodies")
            use = use_of(self.graph, self.graph.templates[body.template], number, old)
            walk = _Walk(self, body, use, new, [*shapes, *body.values[len(shapes) :]])
            walk.sites(self.graph.templates[body.template].sites)
            walk.check(self.graph.templates[body.template].settled)
            steps = tuple(
                walk.steps.get(step.site, step) for step in body.steps if not isinstance(step, Hole)
            )
            new_body = body.model_copy(update={"steps": steps, "values": tuple(walk.shapes)})
            self.known[key] = self.number(new_body, number), walk.numbers
        return self.known[key]

    def number(self, new: Body, instead: int) -> int:
        """The number of a body that stands for the body `instead`: equal ones are one."""
        last = len(self.graph.bodies) - 1
        alike = self.alike.setdefault(instead, [] if instead == last else [instead])
        for number in alike:
            if new == (self.graph.bodies[number] if number < last else self.made[number - last]):
                return number
        self.made.append(new)
        alike.append(last + len(self.made) - 1)
        return alike[-1]

    def shapes(self, number: int) -> list[Shape]:
        """The shapes that a body gives."""
        last = len(self.graph.bodies) - 1
        body = self.graph.bodies[number] if number < last else self.made[number - last]
        return [_known(body.values[value]) for value in body.outputs]


@dataclass(eq=False)
class _Walk:
    """The walk over one body: `numbers` and `shapes` are the new ones, `use` has the old ones."""

    again: _Again
    old: Body
    use: TemplateUse
    numbers: Numbers
    shapes: list[Shape | None]
    steps: dict[int, Step] = field(default_factory=dict)
    first: dict[int, int] = field(init=False)

    def __post_init__(self) -> None:
        self.first = {
            place.step.site: place.output for place in places(self.old) if not isinstance(place.step, Hole)
        }

    def sites(self, sites: Iterable[Site]) -> None:
        for site in sites:
            match site:
                case LetSite():
                    self.numbers[site.name] = self.value(site.value, site.at)
                case IfSite():  # the program decides it again
                    if bool(self.value(site.condition, site.at)) is not self.use.taken[id(site)]:
                        raise Differs("steps that depend on a number")
                    self.sites(site.then if self.use.taken[id(site)] else site.otherwise)
                case LayerSite():
                    self.layer(site)
                case RegionSite():
                    self.region(site)
                case SlotSite():
                    self.slot(site)

    def check(self, settled: Iterable[str]) -> None:
        """What was folded away must not depend on a number that has changed."""
        for name in settled:
            sizes = name in SIZES and tuple(self.shapes) != self.old.values
            if sizes or self.use.numbers.get(name) != self.numbers.get(name):
                raise Differs("steps that depend on a number")

    def env(self, at: int | None, shapes: Sequence[Shape | None], numbers: Numbers) -> Numbers:
        place = None if at is None else self.use.values.get(at)
        if place is None:
            return numbers
        shape = _known(shapes[place])
        return {**numbers, **dict(zip("C" + axes_of(shape), shape, strict=True))}

    def value(self, node: expr.Expr, at: int | None) -> Any:
        try:
            return expr.value(node, self.env(at, self.shapes, self.numbers))
        except expr.Unclear as name:
            raise Unfit(f"an expression without a value ({name})") from None

    def same(self, nodes: Iterable[expr.Expr], at: int | None) -> None:
        """What decides about steps must not depend on a number that has changed."""
        old = self.env(at, self.old.values, self.use.numbers)
        new = self.env(at, self.shapes, self.numbers)
        for node in nodes:
            if any(old.get(name) != new.get(name) for name in expr.variables(node)):
                raise Differs("steps that depend on a number")

    def changed(self, written: Mapping[str, expr.Expr], at: int | None) -> Numbers:
        """The arguments that have another value now."""
        old = self.env(at, self.old.values, self.use.numbers)
        now = {name: self.value(node, at) for name, node in written.items()}
        return {name: value for name, value in now.items() if value != expr.value(written[name], old)}

    def layer(self, site: LayerSite) -> None:
        step = self.use.steps.get(site.site)
        if not isinstance(step, Layer):
            return
        op, inputs = step.op, [_known(self.shapes[value]) for value in step.inputs]
        fields = spread(op, self.changed(site.written, site.inputs[0]))
        try:
            op = type(op)(**(dict(op) | fields)) if fields else op
        except ValueError as fault:
            raise Unfit(str(fault)) from None
        out = op.out(*inputs)
        if isinstance(out, Misfit):
            raise Unfit(op.word)
        self.steps[site.site] = step.model_copy(update={"op": op})
        self.shapes[self.first[site.site]] = out

    def slot(self, site: SlotSite) -> None:
        """Layers that a block is given; the numbers in them are the same (see `region`)."""
        step = self.use.steps.get(site.site)
        if not isinstance(step, Region):
            return
        numbers = {name: expr.parsed(text) for name, text in step.arguments.items()}
        shapes = [_known(self.shapes[value]) for value in step.inputs]
        run, _ = self.again.body(step.passes[0].body, numbers, numbers, shapes)
        self.steps[site.site] = step.model_copy(update={"passes": (Pass(body=run),)})
        self.shapes[self.first[site.site]] = self.again.shapes(run)[0]

    def region(self, site: RegionSite) -> None:
        step = self.use.steps.get(site.site)
        if not isinstance(step, Region):
            return
        at = site.inputs[0] if site.inputs else None
        nodes = [node for layer in site.layers.values() for node in layer.arguments.values()]
        self.same([*nodes, *([] if site.times is None else [site.times])], at)
        old = {name: expr.parsed(text) for name, text in step.arguments.items()}
        arguments = old | self.changed(site.arguments, at)
        shapes = [_known(self.shapes[value]) for value in step.inputs]
        knobs = {
            parameter.name
            for block in self.again.graph.blocks
            if block.name == step.block
            for parameter in block.parameters
            if parameter.kind == "knob"
        }
        of_use = {name for name in arguments if arguments[name] != old[name]} - knobs
        entering = _known(self.old.values[step.inputs[0]]) if step.inputs else ()
        runs: list[int] = []
        gathered: list[Sequence[Shape]] = []
        after = self.numbers
        for number, body in enumerate(body for one in step.passes for body in [one.body] * one.count):
            before, now = dict(self.use.numbers), self.numbers
            if step.block is not None:
                before, now = old, arguments
            elif step.kind == "repeat":
                before, now = {**before, "i": number}, {**now, "i": number}
            run, after = self.again.body(body, before, now, shapes)
            if step.kind == "shared" and run != body and (of_use or shapes[0][:1] != entering[:1]):
                raise Differs("a shared block")  # each use may change in another way
            outputs = self.again.shapes(run)
            shapes, gathered = handed_on(step, shapes, outputs), collected(step, gathered, outputs)
            runs.append(run)
            if len(runs) > MOST:
                raise Differs("too many passes")
        if step.kind in ("group", "line") and site.template in defining(self.again.graph.templates):
            self.numbers.update(after)
        text = {name: expr.spelled(value) for name, value in arguments.items()}
        self.steps[site.site] = step.model_copy(
            update={"passes": _counted(step.passes, runs), "arguments": text}
        )
        first = self.first[site.site]
        self.shapes[first : first + step.outputs] = region_outputs(step, gathered)


def _counted(passes: Iterable[Pass], runs: Sequence[int]) -> tuple[Pass, ...]:
    """The bodies of the passes; equal passes in a row are counted together."""
    counted: list[Pass] = []
    start = 0
    for one in passes:
        own = runs[start : start + one.count]
        start += one.count
        if len(set(own)) == 1:
            counted.append(Pass(body=own[0], count=one.count))
        else:
            counted += [Pass(body=body) for body in own]
    return tuple(counted)
