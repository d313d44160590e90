"""Groups and labelled lines: bodies of their own that see the labels around them and give theirs away."""

from __future__ import annotations

from cnnspec.diagnostics import Span
from cnnspec.elaborate.branches import BranchSteps
from cnnspec.elaborate.builder import BodyBuilder, Scope
from cnnspec.elaborate.naming import names_of
from cnnspec.elaborate.state import Items, shown_shape
from cnnspec.elaborate.text_facts import before
from cnnspec.ir.graph import Layer, Pass, Region
from cnnspec.language import tree
from cnnspec.ops.base import Shape


class RegionSteps(BranchSteps):
    """How a stretch of text becomes a body, and the step that runs it."""

    def enclose(
        self,
        builder: BodyBuilder,
        kind: str,
        name: str,
        items: Items,
        span: Span,
        label: str | None,
        key: int,
    ) -> None:
        """A group or a labelled line: a body of its own that sees the labels around it and gives its own
        away."""
        captured = [label for label in self.references_in(items, key) if label in builder.labels]
        arriving = builder.current
        child = self.child(builder, items, key, builder.scope, captured, span)
        child.label_spans = builder.label_spans
        child.undoable = builder.undoable
        with self.deeper(span):
            self.run_items(child, items)
        if label is not None:
            self.note_undoable(child, label)
        inside = self.references_in(items, key)
        around = self.references_around
        exported = {
            label: value
            for label, value in child.labels.items()
            if label not in captured and around.get(label, 0) > inside.get(label, 0)
        }
        outputs = (self.ended(child, span, "[ … ]"), *exported.values())
        body = self.close(child, outputs)
        inputs = (() if arriving is None else (arriving,)) + tuple(
            builder.labels[label] for label in captured
        )
        region = Region.model_construct(
            kind=kind,  # type: ignore[arg-type]
            name=name,
            inputs=inputs,
            outputs=len(outputs),
            passes=(Pass.model_construct(body=body),),
            guards=builder.guards,
            label=label,
            span=span,
        )
        value = self.add_region(builder, region, [child.values[output] for output in outputs], span)
        for offset, label_inside in enumerate(exported, start=1):
            builder.labels[label_inside] = value + offset
        builder.current = value

    def note_undoable(self, builder: BodyBuilder, label: str) -> None:
        """Keeps what arrived at the layer that made the current tensor, for an `unpool like=@label` to
        come."""
        if not self.references_around.get(before(label)):
            return
        step = builder.makers.get(builder.current or 0)
        if isinstance(step, Layer):
            builder.undoable[label] = step.op
            builder.labels[before(label)] = step.inputs[0]

    def child(
        self,
        builder: BodyBuilder,
        items: Items,
        key: int,
        scope: Scope,
        captured: list[str],
        span: Span,
        arriving: int | None = None,
    ) -> BodyBuilder:
        names = self._names.get(key)
        if names is None:
            names = self._names[key] = names_of(
                (item for item in items if isinstance(item, tree.Line)), collapse=True
            )
        child = BodyBuilder(names, scope)  # type: ignore[arg-type]
        arriving = builder.current if arriving is None else arriving
        if arriving is not None:
            child.current = child.add_input(builder.values[arriving], span, (builder, arriving))
        child.undoable = dict(builder.undoable)
        for label in captured:
            value = builder.labels[label]
            child.labels[label] = child.add_input(builder.values[value], span, (builder, value))
        return child

    def close(self, child: BodyBuilder, outputs: tuple[int, ...]) -> int:
        """Makes the body of a finished builder and gives its number; the same body again keeps its
        number."""
        child.read.update(outputs)
        self.note_unread(child)
        body = child.finish(outputs, child.labels)
        self.bodies.append(body)
        self.body_layers.append(child.layers)
        self.builders.append(child)
        self.body_reads.append(frozenset(child.read & set(range(child.inputs))))
        return len(self.bodies) - 1

    def note_unread(self, builder: BodyBuilder) -> None:
        for value in range(builder.inputs, len(builder.values)):
            if value not in builder.read:
                shape = builder.values[value]
                what = "" if shape is None else f" {shown_shape(shape)}"
                label = next((name for name, at in builder.labels.items() if at == value), None)
                self.unread.setdefault(builder.origins[value].span, (what, label))

    def add_region(self, builder: BodyBuilder, region: Region, shapes: list[Shape | None], span: Span) -> int:
        self.charge(builder, sum(p.count * self.body_layers[p.body] for p in region.passes), span)
        before = set(builder.read)
        value = builder.add_step(region, tuple(shapes), span)
        last = region.passes[-1].body
        builder.origins[value].inside = self.builders[last], self.bodies[last].outputs[0]
        builder.read = before
        for entry in region.passes:
            builder.read.update(region.inputs[position] for position in self.body_reads[entry.body])
        # a group's own main tensor may be left lying where only its labels are read
        for extra in range(1, region.outputs):
            builder.read.add(value + extra)
        return value
