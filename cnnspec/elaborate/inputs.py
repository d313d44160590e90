"""The inputs of a network: their names, and their shapes."""

from __future__ import annotations

from cnnspec.diagnostics import WHOLE_FILE, Edit, Related, Sink
from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.elaborate.context import Context
from cnnspec.elaborate.lookups import lookup_in
from cnnspec.elaborate.statements import Statements
from cnnspec.elaborate.values import NoValue, whole
from cnnspec.language import tree
from cnnspec.ops.base import Shape


def take_inputs(statements: Statements, sink: Sink, builder: BodyBuilder) -> tuple[str, ...]:
    """The names of the inputs; each has a value in `builder`, whose shape waits for the `let`s before it."""
    if not statements.inputs:
        if not _misspelt(statements, sink):
            sink.report(
                "E401",
                "this spec has no input",
                statements.lines[0].span if statements.lines else WHOLE_FILE,
                help="begin the network with one, depth first: `input 3x224x224`",
            )
        builder.current = builder.add_input(None, WHOLE_FILE)  # the rest is still looked through
        return ("input",)
    names: list[str] = []
    for statement in statements.inputs:
        name = statement.name or "input"
        if name in names:
            first = statements.inputs[names.index(name)]
            sink.report(
                "E209",
                f"there are two inputs `{name}`",
                statement.name_span or statement.span,
                related=(Related(first.span, "the first stands here"),),
                help="name each: `input left: 1x105x105`",
            )
            continue
        value = builder.add_input(None, statement.shape.span)
        if statement.name is not None:
            builder.labels[statement.name] = value
            builder.label_spans[statement.name] = statement.name_span or statement.span
        names.append(name)
    return tuple(names)


def _misspelt(statements: Statements, sink: Sink) -> bool:
    """Whether something is meant as `input`, and has its finding; or the whole file is Python."""
    from cnnspec.elaborate.unknown import means_input

    heads = (line.steps[0] for line in statements.lines)
    return (
        any(one.word == "input" for one in statements.broken)
        or any(line.label == "input" for line in statements.lines)
        or any(isinstance(head, tree.LayerStep) and means_input(head) for head in heads)
        or "input" in statements.facts.calls
        or any(one.cause in ("python", "model file", "input") for one in sink)
    )


def shape_of(context: Context, builder: BodyBuilder, statement: tree.Input) -> Shape | None:
    """The shape of an input; None after a finding."""
    sizes = []
    for dim in statement.shape.dims:
        try:
            size = whole(dim, lookup_in(context, builder), context.limits.digits)
            if size < 1:
                raise NoValue(
                    "E205",
                    f"a dimension is at least 1, not {size}",
                    dim.span,
                    help="3x224x224, for instance",
                )
            if size > context.limits.dimension:
                raise NoValue(
                    "E604",
                    f"{size:,} is more than the largest size allowed, {context.limits.dimension:,}",
                    dim.span,
                    help="no tensor has room for so much",
                )
        except NoValue as problem:
            problem.tell(context.sink)
            return None
        sizes.append(size)
    if len(sizes) not in (1, 3):
        text = "x".join(map(str, sizes))
        way = f"`input 1x{text}` for one channel" if len(sizes) == 2 else "leave the batch axis out"
        right = {2: f"1x{text}", 4: "x".join(map(str, sizes[1:]))}.get(len(sizes), "")
        context.sink.report(
            "E205",
            f"an input is depth x height x width or one number, and this has {len(sizes)} sizes",
            statement.shape.span,
            help=f"{way}: `{right}`" if len(sizes) == 4 else way,
            fix=(Edit(statement.shape.span, right),) if right else (),
        )
        return None
    return tuple(sizes)
