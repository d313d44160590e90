"""The whole of a spec: its statements, run in order, and the graph that they make."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cnnspec.diagnostics import Sink, Source
from cnnspec.elaborate.binding import written_or
from cnnspec.elaborate.blocks import refuse_cycles
from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.elaborate.context import Context, OverBudget
from cnnspec.elaborate.ends import claims_of, outputs_of, report_unused
from cnnspec.elaborate.inputs import shape_of, take_inputs
from cnnspec.elaborate.knobs import choose_variant, defaults_of, knobs_of
from cnnspec.elaborate.limits import DEEPEST, Limits, Spent
from cnnspec.elaborate.naming import Names, named_steps, names_of
from cnnspec.elaborate.regions import close_body
from cnnspec.elaborate.statements import Statements, check_names, sort_statements, unused_blocks
from cnnspec.elaborate.steps import run_items, run_let
from cnnspec.elaborate.templates import Knobs, templates
from cnnspec.elaborate.text_facts import references
from cnnspec.elaborate.values import Value, shown
from cnnspec.ir.graph import Block, BlockParameter, Claim, Graph
from cnnspec.ir.template import Template
from cnnspec.language import tree


def variants(file: tree.File) -> tuple[str, ...]:
    """The names of a spec's variants, in the order of the text."""
    return tuple(statement.name for statement in file.statements if isinstance(statement, tree.Variant))


def elaborate(
    file: tree.File,
    source: Source,
    sink: Sink,
    *,
    variant: str | None = None,
    settings: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    spent: Spent | None = None,
) -> Graph | None:
    """The graph of a spec with `variant`'s knobs and then `settings` (`--set`: expressions by knob) in
    place.

    Findings go to `sink`. After an error the graph still holds what could be worked out, with unknown
    shapes as None; None comes back only where a budget is used up. Elaborations that are given one `spent`
    share the budget of work.
    """
    limits = limits or Limits()
    if limits.depth > DEEPEST:
        raise ValueError(f"a depth of {limits.depth}: {DEEPEST} is the most")
    settings, spent = settings or {}, spent or Spent()
    if spent.work:  # a further variant goes through the statements again
        spent.work += len(file.statements)
    context = _context(file, source, sink, limits, spent)
    statements = context.statements
    chosen = choose_variant(statements, sink, variant)
    knobs = knobs_of(statements, sink, limits.digits, chosen, settings)
    context.defaults = defaults_of(statements, sink)
    builder = BodyBuilder(names_of(statements.lines, collapse=False), context.globals)
    context.stretches.number("network", tuple(statements.lines), 0, builder.names)
    context.top_names = _top_names(statements, builder.names)
    inputs = take_inputs(statements, sink, builder)
    context.references_around = dict(references(file.statements))
    try:
        _run(context, builder, knobs)
        outputs, labels = outputs_of(context, builder)
        _finish(context, builder, outputs)
    except OverBudget:
        return None
    claims = claims_of(context, builder, chosen)
    return _graph(context, source, chosen, settings, inputs, labels, claims)


def _context(file: tree.File, source: Source, sink: Sink, limits: Limits, spent: Spent) -> Context:
    statements = sort_statements(file, sink)
    unusable = check_names(statements, sink)
    unclosed = any(finding.code == "E105" for finding in sink)  # a way round is a guess then
    unusable |= refuse_cycles(statements.blocks, Sink() if unclosed else sink)
    return Context(source.text, sink, limits, spent, statements, unusable, run_items)


def _top_names(statements: Statements, names: Names) -> set[str]:
    """The names at the model's top, but those of uses of shared blocks, whose weights stand under the
    block's."""
    uses = {
        id(step)
        for line in statements.lines
        for step in named_steps(line.steps)
        if isinstance(step, tree.CallStep)
        and step.name in statements.blocks
        and statements.blocks[step.name].shared
    }
    return {name for step, name in names.steps.items() if step not in uses} | set(names.lines.values())


def _run(context: Context, builder: BodyBuilder, knobs: dict[str, Value]) -> None:
    """Runs the statements of the file, in order."""
    statements = context.statements
    alone = len({one.name for one in statements.inputs}) == 1
    seen: set[str] = set()
    for statement in statements.file.statements:
        match statement:
            case tree.Let():
                if statement.name in knobs:
                    context.globals.names[statement.name] = knobs[statement.name]
                else:
                    run_let(context, builder, statement)
            case tree.Input():
                name = statement.name or "input"
                if name in seen:
                    continue
                value = len(seen)
                seen.add(name)
                if value in builder.read:
                    context.sink.report(
                        "E405",
                        "this input stands behind a line that reads it",
                        statement.span,
                        help="inputs come before the lines that read them",
                    )
                builder.values[value] = shape_of(context, builder, statement)
                if alone:
                    builder.current = value
            case tree.Line() | tree.ErrorStatement():
                run_items(context, builder, (statement,))
            case _:
                pass


def _finish(context: Context, builder: BodyBuilder, outputs: tuple[int, ...]) -> None:
    """Closes the body of the whole network, and reports what is used nowhere."""
    statements, sink = context.statements, context.sink
    if not builder.steps and not sink.has_errors:
        sink.report(
            "E403",
            "this spec has nothing to compute: no layer follows the input",
            statements.inputs[0].span,
            help="add a line such as `conv F3 P1 K64 -> relu`",
        )
    close_body(context, builder, outputs)
    report_unused(context, builder)
    if unused := unused_blocks(statements, sink):
        from cnnspec.elaborate.unused import report_mistakes, with_those_inside

        report_mistakes(context, with_those_inside(unused, statements.blocks, tuple(statements.lines)))


def _graph(
    context: Context,
    source: Source,
    variant: tree.Variant | None,
    settings: Mapping[str, str],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    claims: tuple[Claim, ...],
) -> Graph:
    statements = context.statements
    name = statements.model.name if statements.model else _name_of_file(source.name)
    return Graph.model_construct(
        name=variant.name if variant else name,
        title=statements.model.title if statements.model else "",
        variant=variant.name if variant else None,
        settings=dict(settings),
        knobs={name: shown(value) for name, value in context.globals.names.items()},
        inputs=inputs,
        outputs=outputs,
        blocks=tuple(_head(block) for block in statements.blocks.values()),
        templates=_templates(context, outputs),
        bodies=tuple(one.body for one in context.finished),
        claims=claims,
        file=source.name,
    )


def _templates(context: Context, outputs: tuple[str, ...]) -> tuple[Template, ...]:
    """The text as it was written; of a spec with mistakes there is none."""
    statements = context.statements
    if context.sink.has_errors:
        return ()
    inputs = tuple(one.name for one in statements.inputs)
    knobs = Knobs(context.globals.names, {name: let.span.start for name, let in statements.lets.items()})
    return templates(context.stretches, inputs, None if statements.output is None else outputs, knobs)


def _head(block: tree.Block) -> Block:
    parameters = tuple(
        BlockParameter.model_construct(
            name=one.name,
            kind=one.kind,  # type: ignore[arg-type]
            default=None if one.default is None else written_or(one.default),
        )
        for one in block.parameters
    )
    return Block.model_construct(name=block.name, parameters=parameters, shared=block.shared, span=block.span)


def _name_of_file(name: str) -> str:
    """`my-net.cnn` → `my_net`: the model's name where the spec gives none."""
    stem = re.split(r"[/\\]", name)[-1].split(".")[0]
    cleaned = re.sub(r"[^A-Za-z0-9_]", "_", stem).lstrip("_0123456789")
    return cleaned or "Network"
