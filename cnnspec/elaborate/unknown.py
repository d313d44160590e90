"""Words that are not a layer or a block: what they were meant to be."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, line_start
from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.elaborate.context import UNKNOWN, Context
from cnnspec.language import tree
from cnnspec.ops import lookup, words
from cnnspec.ops.base import Op


def unknown_word(context: Context, builder: BodyBuilder, step: tree.LayerStep, op: type[Op] | None) -> None:
    from cnnspec.diagnostics.suggest import nearest
    from cnnspec.elaborate.other_words import foreign_step, is_python, meant_as_label
    from cnnspec.notations.words import LAYERS

    if _behind_statement(context, step.span.start):
        return
    if step.word in builder.labels and not step.arguments:
        label = f"@{step.word}"
        context.sink.report(
            "E201",
            f"there is no layer `{step.word}`; a tensor of that name there is",
            step.word_span,
            help=f"write `{label}`, at the head of a line or branch",
            fix=(Edit(step.word_span, label),) if _heads(context, step.span.start) else (),
        )
        return
    meant = meant_as_label(context.text, step)
    if meant is not None:
        meant.tell(context.sink)
        return
    foreign = is_python(step) or foreign_step(context.text, step.span, step.word)
    if foreign is not None:
        earlier = {one.cause for one in context.sink if one.span.start < step.span.start}
        if foreign.cause != "python" or "python" not in earlier:
            foreign.tell(context.sink)
        return
    if op is not None:
        if any(one.code == "E101" and one.span == step.word_span for one in context.sink):
            return  # it stands behind its branches, which is reported
        context.sink.report(
            "E205",
            f"`{step.word}` merges branches and has none",
            step.span,
            help=f"write them in brackets: `{step.word} [ conv F3 P1 K64 | id ]`",
        )
        return
    if step.word in context.statements.blocks:
        context.sink.report(
            "E201",
            f"`{step.word}` is a block of this spec, and a block is used with brackets",
            step.word_span,
            help=f"write `{step.word}({'…' if context.statements.blocks[step.word].parameters else ''})`",
        )
        return
    statement = _means_statement(step)
    near = statement or nearest(step.word, words(), LAYERS)
    block = None if near else nearest(step.word, context.statements.blocks)
    for argument in step.arguments:
        if statement == "let" and isinstance(argument, tree.NamedArgument):
            builder.scope.names[argument.name] = UNKNOWN  # what it should have named: silent
    context.sink.report(
        "E201",
        f"there is no {'statement' if statement else 'layer'} `{step.word}`",
        step.word_span,
        help=f"did you mean `{near}`?"
        if near
        else (f"did you mean the block `{block}(…)`?" if block else "`cnnspec explain layers` lists them"),
        fix=(Edit(step.word_span, near),) if near else (),
    )


def _behind_statement(context: Context, start: int) -> bool:
    """Whether a colon behind a statement's word, `expect: params 3`, has made a step of what follows."""
    return ":" in context.text[max(0, start - 40) : start] and any(
        one.cause == "colon" and one.span.end == start for one in context.sink
    )


def _heads(context: Context, start: int) -> bool:
    """Whether what begins there is the head of a line or branch."""
    before = context.text[:start].rstrip(" \t")
    return not before or before[-1] in "\r\n[|{:"


def _means_statement(step: tree.LayerStep) -> str | None:
    """The statement that a step is meant to be, its word written wrong: `Input 3x8x8`, `lte k = 3`."""
    from cnnspec.diagnostics.suggest import nearest

    if lookup(step.word) is not None:
        return None
    match step.arguments:
        case (tree.PositionalArgument(tree.Dims()),):
            form = ["input"]
        case (tree.NamedArgument(),):
            form = ["let"]
        case (tree.PositionalArgument(tree.Name()),):
            form = ["model", "variant"]
        case (tree.PositionalArgument(tree.Name()), *_):
            form = ["expect", "default"]
        case _:
            return None
    if form == ["let"] and step.word in ("const", "var", "val", "set", "define", "param", "parameter"):
        return "let"
    near = nearest(step.word, [*words(), *form])
    return near if near in form else None


def means_input(step: tree.LayerStep) -> bool:
    """Whether a step is an `input` written wrong."""
    return _means_statement(step) == "input"


def unknown_block(context: Context, step: tree.CallStep) -> None:
    from cnnspec.diagnostics.suggest import nearest
    from cnnspec.elaborate.other_words import foreign_call
    from cnnspec.notations.words import layer_word

    if step.name in ("model", "input", "default", "expect", "output"):
        inner = context.text[step.name_span.end + 1 : step.span.end - 1].strip()
        way = f"{step.name} {inner.replace(',', '') if step.name == 'default' else inner}"
        context.sink.report(
            "E102",
            f"`{step.name}` is a statement and has no brackets",
            step.span,
            help=f"here it is `{way}`",
            fix=(Edit(step.span, way),),
        )
        return
    near = nearest(step.name, context.statements.blocks)
    layer = layer_word(step.name)
    if layer is not None and not near:
        foreign_call(context.text, step, layer).tell(context.sink)
        return
    if _declared_in_error(context, step.name):
        return
    context.sink.report(
        "E208",
        f"there is no block `{step.name}`",
        step.name_span,
        help=f"did you mean `{near}`?" if near else f"write it: `block {step.name}(…) {{ … }}`",
        fix=(Edit(step.name_span, near),) if near else (),
    )


def _declared_in_error(context: Context, name: str) -> bool:
    """Whether a line with a mistake in it looks like this block's head: `blcok f(k) {`."""
    for finding in context.sink:
        if finding.code.startswith("E1"):
            begin = line_start(context.text, finding.span.start)
            if re.compile(rf"[ \t]*(?:\w+[ \t]+)?{name}\(").match(context.text, begin):
                return True
    return False
