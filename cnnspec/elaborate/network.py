"""The whole of a spec: its statements, run in order, and the graph that they make."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cnnspec.diagnostics import Sink, Span
from cnnspec.elaborate.binding import written_or
from cnnspec.elaborate.builder import UNKNOWN, BodyBuilder
from cnnspec.elaborate.calls import look_through_block
from cnnspec.elaborate.claims import claim_of
from cnnspec.elaborate.context import Context, OverBudget
from cnnspec.elaborate.each import outputs_of_passes
from cnnspec.elaborate.ends import outputs_of, report_unread, shape_of, take_inputs
from cnnspec.elaborate.knobs import choose_variant, defaults_of, knobs_of, sizes_of
from cnnspec.elaborate.limits import DEEPEST, Request, Spent
from cnnspec.elaborate.naming import Names, entries, names_of
from cnnspec.elaborate.regions import close_body
from cnnspec.elaborate.settled import settled
from cnnspec.elaborate.sizes import WORK, Try
from cnnspec.elaborate.statements import (
    Statements,
    check_names,
    refuse_cycles,
    report_unused,
    sort_statements,
)
from cnnspec.elaborate.steps import run_items, run_let
from cnnspec.elaborate.templates import formula, templates
from cnnspec.elaborate.text_facts import facts_of, references
from cnnspec.elaborate.values import Value
from cnnspec.ir.expr import Expr, spelled
from cnnspec.ir.graph import Block, BlockParameter, Claim, Graph
from cnnspec.language import tree
from cnnspec.language.tokens import LETTERS
from cnnspec.ops.base import Shape


def variants(file: tree.File) -> tuple[str, ...]:
    """The names of a spec's variants, in the order of the text."""
    return tuple(statement.name for statement in file.statements if isinstance(statement, tree.Variant))


def elaborate(
    request: Request, sink: Sink, spent: Spent | None = None, consequent: set[Span] | None = None
) -> Graph | None:
    """The graph of a network.

    Findings go to `sink`. After an error the graph still holds what could be evaluated, with unknown shapes
    as None; None is returned only where a budget is used up. Elaborations with the same `spent` share the
    budget of work. The places of claims that fail only because a claim before them fails are added to
    `consequent`.
    """
    if request.limits.depth > DEEPEST:
        raise ValueError(f"a depth of {request.limits.depth}: {DEEPEST} is the most")
    findings = Sink() if "=>" in request.source.text else sink
    if findings is not sink:
        _copy(sink, findings)
    graph, context = _elaborate(request, findings, spent or Spent(), trier(request))
    if findings is not sink:
        # after a failed claim the check continues from the claimed shape, if that gives fewer errors;
        # under `--set` and `--size` claims are neither checked nor trusted
        trusting = Sink()
        if not request.settings and context.failing and (_misfits(findings) or len(context.failing) > 1):
            _copy(sink, trusting)
            again, trusted = _elaborate(request, trusting, spent or Spent(), trusting=True)
            if again is not None and _misfits(trusting) < _misfits(findings):
                findings = trusting
            if again is not None and consequent is not None:
                consequent |= context.failing - trusted.failing
        _copy(findings, sink)
    return graph


def _copy(findings: Sink, into: Sink) -> None:
    for finding in findings:
        into.add(finding)


def _misfits(sink: Sink) -> int:
    return sum(finding.code.startswith("E3") for finding in sink)


def trier(request: Request, work: int = WORK) -> Try:
    """A function that tries other sizes of the inputs, with a total budget of evaluation steps."""
    limited = request._replace(limits=request.limits._replace(work=work))
    spent = Spent()

    def attempt(sizes: Shape | Mapping[str, Shape]) -> tuple[Graph | None, Sink]:
        sink = Sink()
        if spent.work + len(request.file.statements) > work:
            return None, sink
        graph, _ = _elaborate(limited, sink, spent, input_sizes=sizes)
        return graph, sink

    return attempt


def _elaborate(
    request: Request,
    sink: Sink,
    spent: Spent,
    attempt: Try | None = None,
    *,
    input_sizes: Shape | Mapping[str, Shape] = (),
    trusting: bool = False,
) -> tuple[Graph | None, Context]:
    """`given` are shapes of inputs (or the shape of the first input) that replace the written ones; with
    `trusting`, claimed shapes are taken to be true."""
    file, source, limits = request.file, request.source, request.limits
    if spent.work:  # each further variant walks over the statements again
        spent.work += len(file.statements)
    statements = sort_statements(file, sink)
    unusable = check_names(statements, sink)
    unclosed = any(finding.code == "E105" for finding in sink)  # a cycle can only be guessed then
    unusable |= refuse_cycles(statements.blocks, Sink() if unclosed else sink)
    chosen = choose_variant(statements, sink, request.variant)
    knobs = knobs_of(statements, sink, limits.digits, chosen, request.settings)
    sizes = sizes_of(statements, sink, request.settings, limits.dimension) if request.settings else {}
    defaults = defaults_of(statements, sink)
    context = Context(source.text, sink, limits, spent, statements, unusable, defaults, run_items)
    context.attempt, context.trusting = attempt, trusting
    statements.settled = settled(statements, knobs, limits.digits)
    context.each = outputs_of_passes(statements, sink)
    names = names_of(statements.lines, statements.settled, collapse=False)
    builder = BodyBuilder(context, names, context.globals)
    context.stretches.number("network", tuple(statements.lines), 0, builder.names)
    context.top_names = _top_names(statements, names)
    inputs = take_inputs(statements, sink, builder)
    context.references_around = dict(references(file.statements))
    try:
        sizes |= (
            input_sizes
            if isinstance(input_sizes, Mapping)
            else {inputs[0]: input_sizes}
            if input_sizes
            else {}
        )
        _run(builder, knobs, sizes)
        outputs, labels = outputs_of(builder)
        _finish(builder, outputs)
    except OverBudget:
        return None, context
    claims = _claims(builder, chosen)
    sound = not (sink.has_errors or statements.broken)
    templates_, arguments = templates(context, labels) if sound else ((), ())
    graph = Graph.model_construct(
        name=named.name if (named := chosen or statements.model) else _name_of_file(source.name),
        title=statements.model.title if statements.model else "",
        variant=chosen.name if chosen else None,
        settings=dict(request.settings),
        knobs={name: spelled(value) for name, value in context.globals.names.items()},
        arguments=arguments,
        inputs=inputs,
        outputs=labels,
        blocks=tuple(_head(context, *named) for named in statements.all_blocks.named.items()),
        templates=templates_,
        bodies=tuple(one.body for one in context.finished),
        claims=claims,
        file=source.name,
    )
    return graph, context


def _top_names(statements: Statements, names: Names) -> set[str]:
    """The names at the model's top, except those of uses of shared blocks, whose weights are under the
    block's name."""
    shared = {name for name, block in statements.blocks.items() if block.shared}
    return {
        names.steps[id(node)]
        for node, _, present in entries(statements.lines, statements.settled)
        if present and not (isinstance(node, tree.CallStep) and node.name in shared)
    }


def _run(builder: BodyBuilder, knobs: dict[str, Value], sizes: dict[str, Shape]) -> None:
    """Runs the statements of the file, in order; `sizes` replace those of the inputs."""
    statements, scope = builder.context.statements, builder.context.globals
    settings = (setting.name for variant in statements.variants.values() for setting in variant.settings)
    scope.names |= {name: knobs.get(name, UNKNOWN) for name in settings if name not in statements.lets}
    alone = len({input_.name for input_ in statements.inputs}) == 1
    seen: list[str | None] = []
    for statement in statements.file.statements:
        match statement:
            case tree.Let():
                if statement.name in knobs:
                    scope.names[statement.name] = knobs[statement.name]
                else:
                    run_let(builder, statement)
            case tree.Input(name=name) if name not in seen:
                value = len(seen)
                seen.append(name)
                if value in builder.read:
                    builder.sink.report(
                        "E405",
                        "this input is declared after a line that uses it",
                        statement.span,
                        help="inputs come before the lines that use them",
                    )
                builder.values[value] = sizes.get(name or "input") or shape_of(builder, statement)
                if alone:
                    builder.context.input_shape = builder.values[value]
                if alone:
                    builder.current = value
            case tree.Line() | tree.ErrorStatement():
                run_items(builder, (statement,))


def _finish(builder: BodyBuilder, outputs: tuple[int, ...]) -> None:
    """Closes the body of the whole network and reports what is never used."""
    statements, sink = builder.context.statements, builder.sink
    if not builder.steps and not sink.has_errors:
        sink.report(
            "E403",
            "this spec has nothing to compute: no layer follows the input",
            statements.inputs[0].span,
            help="add a line such as `conv F3 P1 K64 -> relu`",
        )
    close_body(builder, outputs)
    report_unread(builder)
    for block in report_unused(statements, sink):
        look_through_block(builder, block)


def _claims(builder: BodyBuilder, variant: tree.Variant | None) -> tuple[Claim, ...]:
    """The claims about the whole network."""
    written = [claim for expect in builder.context.statements.expects for claim in expect.claims]
    claims: list[Claim] = []
    for claim in (*written, *(variant.claims if variant else ())):
        with builder.reporting():
            claims.append(claim_of(builder, claim, None))
    return tuple(claims)


def _head(context: Context, name: str, block: tree.Block) -> Block:
    layers = context.statements.layer_parameters.get(name, ())
    inner = context.statements.all_blocks.inner.get(name)
    parameters: list[BlockParameter] = []
    for read in () if inner is None else (*inner.values, *inner.layers):
        if read in layers:
            parameters.append(BlockParameter.model_construct(name=read, kind="layer"))
        else:
            letter = read in LETTERS
            parameters.append(BlockParameter.model_construct(name=read, kind="letter" if letter else "value"))
    for parameter in block.parameters:
        before = {known.name for known in parameters if known.kind != "tensor"}
        expression: Expr | None = None
        if isinstance(parameter.default, tree.Expr) and before & facts_of(parameter.default).names.keys():
            expression = formula(parameter.default, before, context.globals_before(block))
        parameters.append(
            BlockParameter.model_construct(
                name=parameter.name,
                kind="layer" if parameter.name in layers else parameter.kind,  # type: ignore[arg-type]
                default=None if parameter.default is None else written_or(parameter.default),
                formula=expression,
                layers=_default_layers(context, parameter.default) if parameter.name in layers else None,
            )
        )
    return Block.model_construct(
        name=name,
        parameters=tuple(parameters),
        shared=block.shared,
        inner=inner is not None,
        span=block.span,
    )


def _default_layers(context: Context, default: tree.Value | None) -> int | None:
    """The template of a layer parameter's default, if a use needed it."""
    if isinstance(default, tree.Name):
        from cnnspec.elaborate.passed_layers import layer_line

        return context.stretches.of(id(layer_line(context, default)))
    return context.stretches.of(id(default))


def _name_of_file(name: str) -> str:
    """`my-net.cnn` → `my_net`: the model's name where the spec gives none."""
    stem = re.split(r"[/\\]", name)[-1].split(".")[0]
    return re.sub(r"[^A-Za-z0-9_]", "_", stem).lstrip("_0123456789") or "Network"
