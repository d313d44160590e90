"""Layers: arguments bound, the shape rule applied."""

from __future__ import annotations

from dataclasses import replace

from cnnspec.diagnostics import Span
from cnnspec.elaborate.binding import BoundArguments, bind, slots_of, written
from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.elaborate.labels import input_of, resolve, resolve_undone
from cnnspec.elaborate.naming import UNNAMED
from cnnspec.ir.graph import Layer
from cnnspec.language import tree
from cnnspec.ops import lookup
from cnnspec.ops.base import Misfit, Op, Shape, written_shape


def layer(builder: BodyBuilder, step: tree.LayerStep, label: str | None) -> None:
    if step.word in UNNAMED:
        _refuse_none(builder, step)
        return
    if step.word in builder.context.statements.layer_words:
        from cnnspec.elaborate.passed_layers import run_passed

        if run_passed(builder, step, label):
            return
    builder.context.charge(builder, 1, step.span)
    op = lookup(step.word)
    if op is None or op.merges:
        from cnnspec.elaborate.unknown import unknown_word

        unknown_word(builder, step, op)
        layer_ = None
    else:
        layer_ = _made(builder, op, step)
    if layer_ is not None and layer_[1].sound:
        add_layer(builder, step, *layer_, label)
        return
    builder.leave_hole(step, step.word, label)
    shapes = [builder.values[value] for value in layer_[2]] if layer_ is not None else []
    known = [shape for shape in shapes if shape is not None]
    if layer_ is not None and len(known) == len(shapes) and builder.current is not None:
        shape = layer_[0].out(*known)
        builder.values[builder.current] = None if isinstance(shape, Misfit) else shape


def _refuse_none(builder: BodyBuilder, step: tree.LayerStep) -> None:
    """Reports an `id` or a `none` among the steps of a line."""
    if step.arguments:
        builder.sink.report(
            "E202",
            f"`{step.word}` takes no arguments",
            step.arguments[0].span,
            help=f"write `{step.word}` alone",
        )
    if step.word == "none":
        builder.sink.report(
            "E404",
            "`none` stands for a missing branch; this is not a branch",
            step.span,
            help="remove the step; in a merge write `| none`",
        )


def _made(
    builder: BodyBuilder, op: type[Op], step: tree.LayerStep
) -> tuple[Op, BoundArguments, tuple[int, ...]] | None:
    """The layer, its arguments and its inputs; None after a finding."""
    current = input_of(builder, step.span, step.word)
    binding = None if current is None else bind_layer(builder, op, step)
    if current is None or binding is None:
        return None
    instance, bound = binding
    if builder.context.frozen and "frozen" in op.model_fields:
        instance = instance.model_copy(update={"frozen": True})
        bound = replace(bound, kept=False)
    inputs = [current]
    for tensor in op.tensors:
        if tensor not in bound.tensors:
            continue
        if op.undoes is None:
            inputs.append(resolve(builder, bound.tensors[tensor]))
            continue
        undone = resolve_undone(builder, op.undoes, bound.tensors[tensor])
        if undone is None:
            return None
        instance = instance.model_copy(update={op.undoes: undone[0]})
        inputs.append(undone[1])
    if op.weighted and current in inputs[1:]:
        _moves_its_input(builder, step, bound)
    return instance, bound, tuple(inputs)


def _moves_its_input(builder: BodyBuilder, step: tree.LayerStep, bound: BoundArguments) -> None:
    """W112 for `conv F3 P1 K8 offsets=@o` after the line `o`."""
    name, label = next(iter(bound.tensors.items()))
    written = builder.context.text[slice(*step.span)]
    builder.sink.report(
        "W112",
        f"this `{step.word}` reads `{label.name}`, the tensor of its {name}=",
        bound.spans.get(name, step.span),
        help=f"continue from the map that `{label.name}` is made of, with a label on its line: "
        f"`@x -> {written}`",
    )


def bind_layer(
    builder: BodyBuilder, op: type[Op], step: tree.LayerStep | tree.BranchStep
) -> tuple[Op, BoundArguments] | None:
    """The layer and its arguments, from the cache where they are literal; None after a finding."""
    context = builder.context
    context.spent.work += len(context.defaults) // 8
    start, end = step.word_span.start, (step.arguments[-1].span if step.arguments else step.word_span).end
    statements = [
        default
        for default in context.defaults
        if default.word == step.word and default.start < start < default.end
    ]
    defaults = [argument for statement in statements for argument in statement.arguments]
    axes = axes_at(builder)
    key = (context.text[start:end], tuple(statement.start for statement in statements), axes)
    kept = context.constant_layers.get(key)
    if kept is not None:
        instance, bound, at = kept
        return instance, bound.moved(start - at)
    named = any(written(argument.value) for argument in step.arguments)
    context.spent.work += 2 if named else 1
    binding = bind(builder, op, step, defaults, axes)
    if binding is not None and not named and not binding[1].written and not binding[1].tensors:
        binding[1].kept = not any(written(argument.value) for argument in defaults)
        if binding[1].kept:
            context.constant_layers[key] = (*binding, start)
    return binding


def axes_at(builder: BodyBuilder) -> int:
    """The number of axes of the current step's input; for a vector, and where it is unknown, that of an
    image.
    """
    shape = None if builder.current is None else builder.values[builder.current]
    if shape is None:
        shape = builder.context.input_shape
    return len(shape) - 1 if shape is not None and len(shape) > 1 else 2


def add_layer(
    builder: BodyBuilder,
    step: tree.LayerStep | tree.BranchStep,
    op: Op,
    bound: BoundArguments,
    inputs: tuple[int, ...],
    label: str | None,
    branches: tuple[Span, ...] | None = None,
) -> None:
    """Adds the layer `op` to the body, with its output shape. `branches` are the texts of a merge's
    branches."""
    context = builder.context
    known = tuple(shape for value in inputs if (shape := builder.values[value]) is not None)
    answer: Shape | Misfit | None
    out: Shape | None = None
    if len(known) == len(inputs):
        key = (id(op), known)  # ops are kept alive by `constant_layers` or by the step that is added here
        answer = context.shapes_out.get(key) if bound.kept else None
        if answer is None:
            answer = op.out(*known)
            if bound.kept:
                context.shapes_out[key] = answer
    else:
        answer = op.unfit()
    if isinstance(answer, Misfit):
        from cnnspec.elaborate.misfits import report_misfit

        report_misfit(builder, answer, bound, inputs, step.word_span, branches)
        slots = slots_of(type(op))
        if answer.argument is not None and len(known) == len(inputs) and slots.keeps_shape(answer.argument):
            mended = slots.without(op, answer.argument).out(*known)
            out = None if isinstance(mended, Misfit) else mended
    elif answer is not None and max(answer) > context.limits.dimension:
        builder.sink.report(
            "E604",
            f"the output is {written_shape(answer)}; the largest size is {context.limits.dimension:,}",
            step.span,
            help="no tensor can be so large",
        )
    else:
        out = answer
    site = builder.names.sites[id(step)]
    if bound.written:
        context.stretches.all[builder.template].written[site] = bound.written
    layer = Layer.model_construct(
        site=site,
        name=builder.names.steps[id(step)],
        op=op,
        inputs=inputs,
        label=label,
        span=step.span,
        spans=bound.spans,
        named=tuple(bound.written),
    )
    builder.current = builder.add_step(layer, (out,), step.span)
