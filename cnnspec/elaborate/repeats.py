"""Repeats: a pass is worked out once where its arriving shape, and what its text says of `i`, comes again."""

from __future__ import annotations

from cnnspec.elaborate.binding import written
from cnnspec.elaborate.builder import BodyBuilder, Scope
from cnnspec.elaborate.calls import CallSteps
from cnnspec.elaborate.state import Unknown
from cnnspec.elaborate.text_facts import varying
from cnnspec.elaborate.values import NoValue, evaluate, whole
from cnnspec.ir.graph import Pass, Region
from cnnspec.language import tree
from cnnspec.ops.base import Shape


class RepeatSteps(CallSteps):
    """How a repeat becomes a region of passes."""

    def repeat(
        self, builder: BodyBuilder, step: tree.GroupStep, times: tree.Expr, name: str, label: str | None
    ) -> None:
        arriving = builder.current
        inputs = () if arriving is None else (arriving,)
        if not self.need_arriving(builder, step.span, "[ … ]"):
            builder.current = self.hole(builder, name, "repeat", step.span, (), label)
            return
        assert arriving is not None
        try:
            count = whole(times, self.lookup_in(builder), self.limits.digits)
            if count < 0:
                raise NoValue(
                    "E205", f"a repeat cannot run {count} times", times.span, help="0 leaves it out"
                )
            if count > self.limits.layers:
                raise NoValue(
                    "E605",
                    f"{count:,} passes are more than the {self.limits.layers:,} layers allowed",
                    times.span,
                    help="raise it with --max-layers if the network is meant to be so deep",
                )
        except NoValue as problem:
            problem.tell(self.sink)
            builder.current = self.hole(builder, name, "repeat", step.span, inputs, label)
            return
        except Unknown:
            builder.current = self.hole(builder, name, "repeat", step.span, inputs, label)
            return
        if count == 0:
            return
        items = step.body.items
        captured = [label for label in self.references_in(items, id(step)) if label in builder.labels]
        varies = self._varying.get(id(step))
        if varies is None:
            varies = self._varying[id(step)] = varying(items)
        known: dict[object, int] = {}
        around = self.references_around
        self.references_around = self.references_in(items, id(step))
        passes: list[Pass] = []
        shape = builder.values[arriving]
        done = 0
        layers = 0
        with self.deeper(step.span):
            while done < count:
                self.charge(builder, 0, step.span)
                if varies:
                    self.charge_text(step.span)
                scope = Scope({}, parent=builder.scope, index=done)
                key = self.pass_key(builder, scope, varies, shape)
                body = known.get(key) if key is not None else None
                if body is None:
                    child = self.child(builder, items, id(step), scope, captured, step.span, arriving)
                    child.values[0] = shape
                    if passes:  # what arrives was made by the pass before
                        last = passes[-1].body
                        child.origins[0].outside = self.builders[last], self.bodies[last].outputs[0]
                    self.run_items(child, items)
                    body = self.close(child, (self.ended(child, step.span, "[ … ]"),))
                    if key is not None:
                        known[key] = body
                made = self.bodies[body]
                left = made.values[made.outputs[0]]
                run = count - done if not varies and left == shape else 1
                if passes and passes[-1].body == body:
                    run_before = passes.pop().count
                    passes.append(Pass.model_construct(body=body, count=run_before + run))
                else:
                    passes.append(Pass.model_construct(body=body, count=run))
                layers += run * self.body_layers[body]
                if builder.layers + layers > self.limits.layers:
                    self.charge(builder, layers, step.span)
                done += run
                shape = left
        self.references_around = around
        region = Region.model_construct(
            kind="repeat",
            name=name,
            inputs=inputs + tuple(builder.labels[label] for label in captured),
            passes=tuple(passes),
            written={} if (text := written(times)) is None else {"times": text},
            guards=builder.guards,
            label=label,
            span=step.span,
        )
        builder.current = self.add_region(builder, region, [shape], step.span)

    def pass_key(
        self, builder: BodyBuilder, scope: Scope, varies: list[tree.Expr], shape: Shape | None
    ) -> object | None:
        """What decides the body of a pass: the arriving shape and the values of all that mentions `i`.
        None where one of them can only be known further in."""
        if not varies:
            return shape
        outer, current = builder.scope, builder.current
        builder.scope, builder.current = scope, None
        try:
            lookup = self.lookup_in(builder)
            return shape, tuple(evaluate(expr, lookup, self.limits.digits) for expr in varies)
        except (NoValue, Unknown):
            return None
        finally:
            builder.scope, builder.current = outer, current
