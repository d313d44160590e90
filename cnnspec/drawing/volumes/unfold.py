"""The network as volumes with their inputs; blocks with branches and long repeats are closed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from cnnspec.drawing.options import Options
from cnnspec.drawing.volumes.bodies import Inside, insides, is_sum, kept_within, kind_between
from cnnspec.drawing.volumes.branches import title_of
from cnnspec.drawing.volumes.volume import Source, Volume
from cnnspec.ir.flat import join
from cnnspec.ir.graph import Body, Graph, Layer, Region, handed_on, outputs_of, places, region_outputs
from cnnspec.ops.base import Shape

ROOM = 2_000
"""The most volumes that are unfolded; further ones are closed."""
SINGLY = 4
"""The most passes of a repeat that are drawn one by one."""


class Value(NamedTuple):
    """A tensor: the volume that shows it, and its own shape (a cropped map is shown whole)."""

    volume: Volume
    shape: Shape


@dataclass(eq=False, repr=False)
class Unfolder:
    graph: Graph
    tables: list[list[Inside]]
    level: int
    """The number of block levels that are still to be opened: an index into `insides`."""
    volumes: list[Volume] = field(default_factory=list)
    repeats: int = 0

    @property
    def known(self) -> list[Inside]:
        return self.tables[self.level]

    def body(self, number: int, values: list[Value], path: str, times: int) -> list[Value]:
        """One pass through a body, which counts as `times` passes; returns its outputs."""
        body = self.graph.bodies[number]
        opened = bool(self.level and self.graph.templates[body.template].block)
        self.level -= opened
        for _, step, output in places(body):
            inputs = [values[value] for value in step.inputs]
            shapes = [body.values[output + place] or () for place in range(outputs_of(step))]
            if isinstance(step, Region):
                before = len(self.volumes)
                outputs = self.region(step, shapes, inputs, join(path, step.name), times)
                self.marked(before, step.label or (step.name if step.kind == "line" else ""))
                values += outputs
            else:
                values.append(self.layer(step, body, shapes[0], inputs, join(path, step.name), times))
        self.level += opened
        return [values[value] for value in body.outputs]

    def marked(self, before: int, label: str) -> None:
        """Gives the author's label of several steps to their last volume."""
        if label and len(self.volumes) > before:
            self.volumes[-1].label = label

    def add(self, volume: Volume, inputs: list[Value]) -> Value:
        seen: list[Volume] = []
        for value in inputs:
            if value.volume not in seen:
                seen.append(value.volume)
                cropped = value.shape[1:] != value.volume.shape[1:]
                volume.sources.append(Source(value.volume, cropped))
        self.volumes.append(volume)
        return Value(volume, volume.shape)

    def layer(
        self, step: object, body: Body, out: Shape, sources: list[Value], name: str, times: int
    ) -> Value:
        if not isinstance(step, Layer):
            return self.add(Volume(name, out, "other", layers=times, count=times), sources)
        op = step.op
        inputs = [body.values[value] or () for value in step.inputs]
        if kept_within(op, inputs, out):
            return self.within(step, sources[0], out, times)
        data = sources[:1] if op.tensors else sources
        kind = "merge" if op.merges and op.operator else kind_between(op, inputs[0], out)
        parts = tuple(shape[0] for shape in inputs) if op.merges and not is_sum(op) else ()
        volume = Volume(name, out, kind, op, step.label or "", "", times, times, parts=parts)
        return self.add(volume, data)

    def within(self, step: Layer, value: Value, out: Shape, times: int) -> Value:
        """A layer that belongs to the volume that it reads."""
        volume = value.volume
        volume.layers += times
        volume.after.append(step.op)
        if step.label:
            volume.label = step.label
        if len(volume.shape) == 1 < len(out):  # a vector that is reshaped to maps
            volume.shape = out
        return Value(volume, out)

    def region(
        self, step: Region, shapes: list[Shape], inputs: list[Value], path: str, times: int
    ) -> list[Value]:
        """All passes of a region, each beginning where the one before ended."""
        level, first = 0, len(self.volumes)
        ran: list[list[Value]] = []
        total = sum(one.count for one in step.passes)
        if first + sum(self.known[one.body].volumes for one in step.passes) > ROOM:
            layers = sum(self.known[one.body].layers * one.count for one in step.passes)
            return self.closed(step, shapes, inputs, path, (total * times, layers * times))
        for one in step.passes:
            inside, body = self.known[one.body], self.graph.bodies[one.body]
            pass_path = join(path, str(level)) if step.kind == "repeat" else path
            singly = one.count == 1 or max(one.count, total, inside.volumes) <= SINGLY
            if inside.closed or (inside.volumes > 1 and not singly):
                ends = [body.values[value] or () for value in body.outputs]
                count = one.count * times
                outputs = self.closed(step, ends, inputs, pass_path, (count, inside.layers * count), one.body)
            elif singly:
                for _ in range(one.count):
                    outputs = self.body(one.body, [*inputs], pass_path, times)
                    ran, inputs = [*ran, outputs], handed_on(step, inputs, outputs)
            else:  # equal passes of one volume: one with ×n
                outputs = self.body(one.body, [*inputs], pass_path, times * one.count)
            if not singly or inside.closed:
                ran += [outputs] * (one.count if step.each else 1)
                inputs = handed_on(step, inputs, outputs)
            level += one.count
        if step.kind == "repeat" and len(self.volumes) - first <= len(ran):  # each pass is one volume
            self.repeats += 1
            for volume in self.volumes[first:]:
                volume.repeat = self.repeats if volume.repeat < 0 else volume.repeat
        return region_outputs(step, ran)

    def closed(
        self,
        step: Region,
        shapes: list[Shape],
        inputs: list[Value],
        path: str,
        amounts: tuple[int, int],
        body: int = -1,
    ) -> list[Value]:
        """Several steps as one volume, with ×n and the number of layers in it."""
        count, layers = amounts
        kind = self.known[body].kind if body >= 0 and not self.known[body].closed else "block"
        title = step.block or self.title(body if body >= 0 else step.passes[0].body)
        volume = Volume(path, shapes[0], kind, title=title, count=count, layers=layers)
        self.add(volume, inputs)
        return [Value(volume, shape) for shape in shapes]

    def title(self, number: int) -> str:
        """The name of a body: of the only block in it, else after the merge of its branches."""
        body = self.graph.bodies[number]
        regions = [step for step in body.steps if isinstance(step, Region)]
        while len(regions) == 1:
            if regions[0].block:
                return regions[0].block
            if len(body.steps) > 1:
                break
            body = self.graph.bodies[regions[0].passes[0].body]
            regions = [step for step in body.steps if isinstance(step, Region)]
        merges = [step.op for step in body.steps if isinstance(step, Layer) and step.op.merges]
        return title_of(merges[-1]) if merges else ""


def unfolded(graph: Graph, options: Options) -> tuple[list[Volume], list[Value]]:
    """The volumes in the order of the forward pass, the inputs first; and the outputs."""
    tables = insides(graph, options.expand, options.collapse, options.levels)
    unfolder = Unfolder(graph, tables, len(tables) - 1)
    values = []
    for name, shape in zip(graph.inputs, graph.root.values, strict=False):
        values.append(unfolder.add(Volume(name, shape or (), "input", layers=0), []))
    outputs = unfolder.body(len(graph.bodies) - 1, values, "", 1)
    return unfolder.volumes, outputs
