"""The ends of a network: its inputs, its outputs, and the tensors that are never used."""

from __future__ import annotations

from collections.abc import Iterable

from cnnspec.diagnostics import WHOLE_FILE, Edit, Related, Sink, Span
from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.elaborate.labels import ended, resolve
from cnnspec.elaborate.statements import Statements
from cnnspec.elaborate.values import NoValue
from cnnspec.language import tree
from cnnspec.ops.base import Shape, written_shape

_HIDES_READERS = frozenset({"E201", "E207", "E208", "E211", "E401", "E404", "E405", "E406", "E407"})
"""After these findings a tensor may seem unused only because the step that uses it is in error."""


def take_inputs(statements: Statements, sink: Sink, builder: BodyBuilder) -> tuple[str, ...]:
    """The names of the inputs; each has a value in `builder`, whose shape is set once the `let`s before it
    are evaluated."""
    if not statements.inputs:
        if not _misspelt(statements, sink):
            sink.report(
                "E401",
                "this spec has no input",
                statements.lines[0].span if statements.lines else WHOLE_FILE,
                help="begin the network with one, channels first: `input 3x224x224`",
            )
        builder.current = builder.add_input(None, WHOLE_FILE)  # the rest is still looked through
        return ("input",)
    first: dict[str, tree.Input] = {}
    for statement in statements.inputs:
        name = statement.name or "input"
        if name in first:
            sink.report(
                "E209",
                f"there are two inputs `{name}`",
                statement.name_span or statement.span,
                related=(Related(first[name].span, "the first one is here"),),
                help="name each: `input left: 1x105x105`",
            )
            continue
        first[name] = statement
        value = builder.add_input(None, statement.shape.span)
        if statement.name is not None:
            builder.labels[name] = value
            builder.label_spans[name] = statement.name_span or statement.span
    return tuple(first)


def _misspelt(statements: Statements, sink: Sink) -> bool:
    """Whether a misspelt `input` has been reported, or the whole file is Python."""
    from cnnspec.elaborate.unknown import means_input

    heads = (line.steps[0] for line in statements.lines)
    return (
        any(one.word == "input" for one in statements.broken)
        or any(line.label == "input" for line in statements.lines)
        or any(isinstance(head, tree.LayerStep) and means_input(head) for head in heads)
        or not statements.facts.calls.isdisjoint(("input", "Input", "Inputs", "InputLayer"))
        or any(one.cause in ("python", "model file", "input") for one in sink)
    )


def shape_of(builder: BodyBuilder, statement: tree.Input) -> Shape | None:
    """The shape of an input; None after a finding."""
    sizes: list[int] = []
    with builder.reporting():
        for dim in statement.shape.dims:
            size = builder.size(dim, dim.span)
            if size < 1:
                message = f"a dimension must be at least 1, not {size}"
                raise NoValue("E205", message, dim.span, "3x224x224, for instance")
            sizes.append(size)
    if len(sizes) < len(statement.shape.dims):
        return None
    if len(sizes) <= 4:
        return tuple(sizes)
    right = written_shape(sizes[1:])
    builder.sink.report(
        "E205",
        f"expected an input of channels and at most 3 axes, CxTxHxW, found {len(sizes)} sizes",
        statement.shape.span,
        help=f"leave the batch axis out: `{right}`" if len(sizes) == 5 else "a volume is CxTxHxW",
        fix=(Edit(statement.shape.span, right),) if len(sizes) == 5 else (),
    )
    return None


def outputs_of(builder: BodyBuilder) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The network's output values, and their labels."""
    statements, sink = builder.context.statements, builder.sink
    if statements.output is None:
        last = statements.lines[-1].span if statements.lines else WHOLE_FILE
        return (ended(builder, last, ""),), ("output",)
    values: dict[str, int] = {}
    for reference in statements.output.references:
        named = builder.context.each_labels.get(id(reference), ()) if reference.each else (reference.name,)
        if not values.keys().isdisjoint(named):
            sink.report(
                "E204", f"`@{reference.name}` is an output twice", reference.span, help="name it once"
            )
        elif reference.each:
            values |= {label: builder.labels[label] for label in named if label in builder.labels}
        elif reference.name not in builder.context.absent:
            values[reference.name] = resolve(builder, reference)
    if not values:
        if not any(
            one.code[0] == "E" and statements.output.span.start <= one.span.start < statements.output.span.end
            for one in sink
        ):
            sink.report(
                "E403",
                "no output is left: all of them are `none`",
                statements.output.span,
                help="at least one output must exist",
            )
        return (builder.current or 0,), ("output",)
    return tuple(values.values()), tuple(values)


def _label_above(items: Iterable[object], span: Span) -> str | None:
    """The last line above that has a label, `x: [ … ]` or `y: @x -> [ … ]`, where the lines between continue
    from it; in the file or in a block."""
    label: str | None = None
    for item in items:
        if isinstance(item, tree.Block) and item.span.start < span.start < item.span.end:
            return _label_above(item.body.items, span)
        if isinstance(item, tree.Line) and item.label is not None:
            first = item.steps[0]
            begins = f"@{first.reference.name} -> " if isinstance(first, tree.StartStep) else ""
            label = f"{item.label}: {begins}[ … ]"
        elif not isinstance(item, tree.Line) or isinstance(item.steps[0], tree.StartStep):
            label = None
        elif item.span.start <= span.start < item.span.end:
            return label
    return None


def report_unread(builder: BodyBuilder) -> None:
    """E402 for the tensors and the inputs that are never used."""
    statements, sink, unused = builder.context.statements, builder.sink, builder.context.unused
    if any(finding.code.startswith("E1") or finding.code in _HIDES_READERS for finding in sink):
        return
    last = next((label for label, at in builder.labels.items() if at == builder.current), None)
    labels = [label for _, label in unused.values()]
    listed = ", ".join(f"@{label}" for label in (*labels, last or "label") if label)
    for span, (what, label) in unused.items():
        above = _label_above(statements.file.statements, span) if label is None else None
        if above is not None:
            way = f"a label ends with its line: to name these lines with it, write `{above}` around them"
        elif label is None:
            way = (
                "label the line and make it an output, `output @label, …`; or continue from it, `@label -> …`"
            )
        elif statements.output is None:
            way = f"if it is an output, declare it, `output {listed}`; or continue from it, `@{label} -> …`"
        else:
            way = f"add `@{label}` to the `output`; or continue from it, `@{label} -> …`"
        sink.report("E402", f"this tensor{what} is never used", span, help=way)
    for value, statement in zip(range(builder.inputs), statements.inputs, strict=False):
        if value not in builder.read:
            way = f"continue from it: `@{statement.name} -> …`" if statement.name else "use it, or remove it"
            sink.report("E402", "this input is never used", statement.span, help=way)
