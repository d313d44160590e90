"""Uses of blocks: equal values and equal shapes are one body, and of a `shared` block one set of
weights."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, line_start
from cnnspec.elaborate.blocks import bind_call
from cnnspec.elaborate.builder import BodyBuilder, Scope
from cnnspec.elaborate.regions import RegionSteps
from cnnspec.elaborate.reserved import attribute_name
from cnnspec.elaborate.state import Unknown
from cnnspec.elaborate.values import shown
from cnnspec.ir.graph import Pass, Region
from cnnspec.language import tree


class CallSteps(RegionSteps):
    """How a use of a block becomes a region."""

    def call(self, builder: BodyBuilder, step: tree.CallStep, label: str | None) -> None:
        block = self.blocks.get(step.name)
        name = builder.names.steps.get(id(step), step.name)
        inputs: tuple[int, ...] = () if builder.current is None else (builder.current,)
        if block is None or step.name in self.unusable:
            if block is None and step.name not in self.unusable:
                self.unknown_block(step)
            builder.current = self.hole(builder, name, step.name, step.span, inputs, label)
            return
        self.spent.work += 2
        try:
            bound = bind_call(block, step, self.lookup_in(builder), self.limits.digits, self.sink)
        except Unknown:
            bound = None
        if bound is None:
            builder.current = self.hole(builder, name, step.name, step.span, inputs, label)
            return
        tensors = {}
        for parameter, reference in bound.tensors.items():
            value = self.resolve(builder, reference)
            assert value is not None
            tensors[parameter] = value
        if builder.current is None and not tensors and not self.need_arriving(builder, step.span, step.name):
            builder.current = self.hole(builder, name, step.name, step.span, (), label)
            return
        inputs = inputs + tuple(tensors.values())
        shapes = tuple(builder.values[value] for value in inputs)
        key = (id(block), builder.current is None, tuple(bound.values.items()), tuple(tensors), shapes)
        body = self._uses.get(key)
        if body is None:
            self.spent.work += 2
            scope = Scope(dict(bound.values), parent=self.visible_globals(block))
            child = self.child(builder, block.body.items, id(block), scope, [], step.span)
            for parameter, value in tensors.items():
                child.labels[parameter] = child.add_input(builder.values[value], step.span, (builder, value))
            around = self.references_around
            self.references_around = self.references_in(block.body.items, id(block.body))
            with self.deeper(step.span):
                self.run_items(child, block.body.items)
            self.references_around = around
            body = self._uses[key] = self.close(child, (self.ended(child, step.span, step.name),))
        made = self.bodies[body]
        shared: str | None = None
        if block.shared:
            arriving_channels = shapes[0][0] if shapes and shapes[0] is not None else None
            weights_key = (id(block), tuple(bound.values.items()), arriving_channels)
            shared = self.shared.get(weights_key)
            if shared is None:
                shared = self.shared[weights_key] = self.shared_name(block)
        region = Region.model_construct(
            kind="shared" if block.shared else "block",
            name=name,
            inputs=inputs,
            passes=(Pass.model_construct(body=body),),
            block=block.name,
            arguments={parameter: shown(value) for parameter, value in bound.values.items()},
            written=bound.written,
            shared=shared,
            guards=builder.guards,
            label=label,
            span=step.span,
        )
        builder.current = self.add_region(builder, region, [made.values[made.outputs[0]]], step.span)

    def declared_in_error(self, name: str) -> bool:
        """Whether a line with a mistake in it looks like this block's head: `blcok f(k) {`."""
        for finding in self.sink:
            if finding.code.startswith("E1"):
                begin = line_start(self.text, finding.span.start)
                if re.compile(rf"[ \t]*(?:\w+[ \t]+)?{name}\(").match(self.text, begin):
                    return True
        return False

    def shared_name(self, block: tree.Block) -> str:
        """The attribute of one more set of a shared block's weights, at the model's top beside the layers
        there."""
        count = sum(1 for known in self.shared if known[0] == id(block))
        name = attribute_name(block.name) if count == 0 else f"{block.name}_{count + 1}"
        while name in self.top_names or name in self.shared.values():
            name += "_"
        return name

    def visible_globals(self, block: tree.Block) -> Scope:
        """The file's `let`s that stand before the block."""
        return Scope(
            {
                name: value
                for name, value in self.globals.names.items()
                if self.global_starts.get(name, 0) < block.span.start
            }
        )

    def unknown_block(self, step: tree.CallStep) -> None:
        from cnnspec.diagnostics.suggest import nearest
        from cnnspec.elaborate.other_words import foreign_call
        from cnnspec.notations.words import layer_word

        if step.name in ("model", "input", "default", "expect", "output"):
            inner = self.text[step.name_span.end + 1 : step.span.end - 1].strip()
            way = f"{step.name} {inner.replace(',', '') if step.name == 'default' else inner}"
            self.sink.report(
                "E102",
                f"`{step.name}` is a statement and has no brackets",
                step.span,
                help=f"here it is `{way}`",
                fix=(Edit(step.span, way),),
            )
            return
        near = nearest(step.name, self.blocks)
        layer = layer_word(step.name)
        if layer is not None and not near:
            foreign_call(self.text, step, layer).tell(self.sink)
            return
        if self.declared_in_error(step.name):
            return
        if near:
            way = f"did you mean `{near}`?"
        else:
            way = f"write it: `block {step.name}(…) {{ … }}`"
        self.sink.report(
            "E208",
            f"there is no block `{step.name}`",
            step.name_span,
            help=way,
            fix=(Edit(step.name_span, near),) if near else (),
        )
