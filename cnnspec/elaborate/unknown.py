"""Words that are neither a layer nor a block, with the word that was likely meant."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span, line_start
from cnnspec.diagnostics.suggest import fold, nearest
from cnnspec.elaborate.builder import UNKNOWN, BodyBuilder
from cnnspec.elaborate.compounds import compound, layers_of
from cnnspec.elaborate.context import Context
from cnnspec.elaborate.foreign_layers import EITHER, SEVERAL, elsewhere
from cnnspec.elaborate.other_words import (
    foreign_call,
    foreign_step,
    found_as,
    is_python,
    label_without_colon,
    meant_as_label,
    usual,
)
from cnnspec.elaborate.values import NoValue
from cnnspec.language import tree
from cnnspec.language.recovery.rules.templates import note
from cnnspec.language.recovery.rules.tensors import merged
from cnnspec.notations import MERGES
from cnnspec.notations.calls import is_known
from cnnspec.notations.words import (
    CLAIMS,
    LAYERS,
    NO_TRAINING,
    OF_TRAINING,
    SHAPE_DECIDES,
    axes_in,
    layer_word,
)
from cnnspec.ops import lookup, words
from cnnspec.ops.base import Op, written_shape

_NAME = re.compile(r"[ \t]*((?i:name|network|net|title|architecture|arch)[ \t]*:[ \t]*([A-Za-z]\w*))")


def unknown_word(builder: BodyBuilder, step: tree.LayerStep, op: type[Op] | None) -> None:
    """Reports a step that is not a layer; `op` is a merge without branches."""
    context, sink, text = builder.context, builder.sink, builder.context.text
    if _behind_statement(context, step.span.start):
        return
    if (remark := note(text, line_start(text, step.span.start))) is not None:
        found_as(remark).report(sink)
        return
    if step.word in builder.labels and not step.arguments:
        label = f"@{step.word}"
        edits = _branches_by_name(builder, text, step.span)
        if len(edits) > 1:
            if edits[0].span == step.word_span:
                names = " | ".join(edit.text for edit in edits)
                message = f"there is no layer `{step.word}`, but there is a tensor of this name"
                sink.report("E201", message, step.word_span, help=f"write `[ {names} ]`", fix=edits)
            return
        head = text[: step.span.start].rstrip(" \t")
        sink.report(
            "E201",
            f"there is no layer `{step.word}`, but there is a tensor of this name",
            step.word_span,
            help=f"write `{label}`, at the head of a line or branch",
            fix=(Edit(step.word_span, label),) if not head or head[-1] in "\r\n[|{:" else (),
        )
        return
    if any(one.name == step.word for one in context.statements.broken):
        return  # `let act = "relu"` is reported
    named = _NAME.match(text, line_start(text, step.span.start))
    if named is not None and named.end(2) == step.span.end and not step.arguments:
        message = f"there is no layer `{step.word}`; a network is named by `model`"
        fix = (Edit(Span(named.start(1), step.span.end), f"model {step.word}"),)
        sink.report("E201", message, step.word_span, help=f"write `model {step.word}`", fix=fix)
        return
    foreign = meant_as_label(text, step) or is_python(text, step) or foreign_step(text, step.span, step.word)
    if foreign is not None:
        cause = foreign.finding.cause
        if cause is None or all(one.cause != cause or one.span.start >= step.span.start for one in sink):
            foreign.report(sink)
        return
    if op is not None:
        if any(one.code == "E101" and one.span == step.word_span for one in sink):
            return  # its branches come before it, which is reported
        merge = merged(text, step.span.start, step.word, text[step.word_span.end : step.span.end])
        way = f"write `{merge}`" if merge else f"write them in brackets: `{usual(step.word)}`"
        edits = (Edit(step.span, merge),) if merge else ()
        sink.report("E205", f"`{step.word}` merges branches, and has none", step.span, help=way, fix=edits)
        return
    if step.word in context.statements.blocks:
        _block_as_layer(context, step)
        return
    if fold(step.word) in ("frozen", "freeze", "notrain"):
        message = f"`{step.word}` is not a layer: a group is frozen, or a layer by its word"
        way = "write `frozen [ … ]`, or the word after a layer, `conv F3 K64 frozen`"
        sink.report("E201", message, step.word_span, help=way)
        return
    if fold(step.word) in OF_TRAINING:
        sink.report("E201", NO_TRAINING, step.word_span, help="leave the line out")
        return
    if (choice := EITHER.get(step.word)) is not None and not step.arguments:
        sink.report("E201", f"there is no layer `{step.word}`", step.word_span, help=choice)
        return
    if (explanation := elsewhere(builder, step)) is not None:
        message, way = explanation
        sink.report("E201", f"there is no layer `{step.word}`{message}", step.word_span, help=way)
        return
    _report_nearest(builder, step)


def _block_as_layer(context: Context, step: tree.LayerStep) -> None:
    """E201 for a use of a block without its brackets, or with a space before them."""
    sink, text = context.sink, context.text
    arguments = text[step.word_span.end : step.span.end].strip().removeprefix("(").removesuffix(")")
    parameters = context.statements.blocks[step.word].parameters
    needed = [parameter.name for parameter in parameters if parameter.default is None]
    way = f"{step.word}({arguments if len(step.arguments) < 2 else '…'})"
    if needed and not arguments:
        names = ", ".join(
            f"@{parameter.name}" if parameter.kind == "tensor" else parameter.name for parameter in parameters
        )
        message = f"`{step.word}` is a block of this spec, and needs {' and '.join(needed)}"
        sink.report("E201", message, step.span, help=f"it is used as `{step.word}({names})`, with values")
        return
    brackets = (
        "its brackets follow the name without a space" if arguments else "a block is used with brackets"
    )
    sink.report(
        "E201",
        f"`{step.word}` is a block of this spec; {brackets}",
        step.span,
        help=f"write `{way}`",
        fix=(Edit(step.span, way),) if "…" not in way else (),
    )


def _report_nearest(builder: BodyBuilder, step: tree.LayerStep) -> None:
    """E201 with the layer, statement or block that was likely meant."""
    context, sink, text = builder.context, builder.sink, builder.context.text
    statement = _means_statement(step)
    near = statement or nearest(step.word, words(), LAYERS)
    alone = not step.arguments and _is_branch(text, step.span)
    if alone and fold(step.word) in (
        "x",
        "input",
        "inputs",
        "inp",
        "shortcut",
        "residual",
        "skip",
        "identity",
    ):
        near = "id"
    if not statement and near not in MERGES and (several := compound(text, step)) is not None:
        several.report(sink)
        return
    first = step.arguments[0].value if step.arguments else None
    if step.word in CLAIMS.values() and isinstance(first, tree.Number):
        way = f"expect {text[slice(*step.span)]}"
        message = f"there is no layer `{step.word}`; a claim about the network begins with `expect`"
        fix = (Edit(Span(step.span.start, step.span.start), "expect "),)
        sink.report("E201", message, step.word_span, help=f"write `{way}`", fix=fix)
        return
    if near in MERGES and not step.arguments and not statement and _is_branch(text, step.span):
        near = "id"  # a shortcut as a branch: `add [ conv F3 P1 K64 | skip ]`
    block = None if near else nearest(step.word, context.statements.blocks)
    if near is None and re.search(rf"(?m)->[ \t]*{step.word}[ \t]*(?:#.*)?$", text[: step.span.start]):
        return  # it should have been named there; that is reported
    if near is None and not step.arguments and _names_its_line(text, step):
        way = f"a label comes first: `{step.word}: …`, and `@{step.word}` is the tensor"
        sink.report("E201", f"there is no layer `{step.word}`", step.word_span, help=way)
        return
    if not step.arguments and (tensor := _first_of_line(builder, step)) is not None:
        tensor.report(sink)
        return
    if near is None and (label := label_without_colon(text, step)) is not None:
        label.report(sink)
        return
    for argument in step.arguments:
        if statement == "let" and isinstance(argument, tree.NamedArgument):
            builder.scope.names[argument.name] = UNKNOWN  # reported where it should have been named
    if near in MERGES:
        way = f"branches are merged by `{near} [ @label | id ]`"
        sink.report("E201", f"there is no layer `{step.word}`", step.word_span, help=way)
        return
    as_elsewhere = near in (step.word.lower(), LAYERS.get(fold(step.word)))
    if near is not None:
        way = _with_axes(builder, step, near) or f"did you mean `{near}`?"
    elif block is not None:
        way = f"did you mean the block `{block}(…)`?"
    else:
        way = "`cnnspec explain layers` lists the layers"
    sink.report(
        "E201",
        f"there is no {'statement' if statement else 'layer'} `{step.word}`",
        step.word_span,
        help=way,
        fix=(Edit(step.word_span, near),) if near else (),
        safe=near == step.word.lower(),  # only the case of letters differs
        cause="name" if near and (as_elsewhere or axes_in(step.word)) else None,
    )


def _with_axes(builder: BodyBuilder, step: tree.LayerStep, near: str) -> str:
    """The help for `conv1d F3 K8` and `MaxPool3d`, whose names have a number of axes; "" for others."""
    axes = axes_in(step.word)
    shape = None if builder.current is None else builder.values[builder.current]
    fits = shape is None or len(shape) - 1 in (0, axes)
    if not axes or (axes == 2 and fits):
        return ""
    way = f"write `{near}{builder.context.text[step.word_span.end : step.span.end]}`: {SHAPE_DECIDES}"
    if fits or shape is None:
        return way
    axes_here, input_kind = len(shape) - 1, ("a signal", "an image", "a volume")[axes - 1]
    number = f"{axes_here} ax{'e' if axes_here > 1 else 'i'}s"
    return f"{way}; this input, {written_shape(shape)}, has {number}, and {input_kind} has {axes}"


def _names_its_line(text: str, step: tree.LayerStep) -> bool:
    """Whether a step ends its line as a name would that is used elsewhere: `conv F3 K8 -> y`."""
    before, behind = text[: step.span.start].rstrip(" \t"), text[step.span.end :].lstrip(" \t")[:1]
    return (
        before.endswith("->")
        and behind in ("", "\n", "\r", "#")
        and len(re.findall(rf"(?<![\w@]){step.word}\b", text)) > 1
    )


def _first_of_line(builder: BodyBuilder, step: tree.LayerStep) -> NoValue | None:
    """E201 for a tensor without its `@` where its line has a label of its own: `b: a -> relu`."""
    text = builder.context.text
    head = text[line_start(text, step.span.start) : step.span.start]
    if not re.fullmatch(r"[ \t]*\w+[ \t]*:[ \t]*", head) or not re.search(
        rf"(?m)^[ \t]*(?:input[ \t]+)?{step.word}[ \t]*:", text[: step.span.start]
    ):
        return None
    label, message = f"@{step.word}", f"there is no layer `{step.word}`, but there is a tensor of this name"
    return NoValue("E201", message, step.word_span, f"write `{label}`", fix=(Edit(step.word_span, label),))


def _branches_by_name(builder: BodyBuilder, text: str, span: Span) -> tuple[Edit, ...]:
    """`add [ a | b ]`: the names with their `@`, where all branches are names of tensors."""
    opened, closed = (
        text.rfind("[", max(0, span.start - 200), span.start),
        text.find("]", span.end, span.end + 200),
    )
    inner = text[opened + 1 : closed] if 0 <= opened < closed else ""
    if not re.fullmatch(r"[ \t\r\n]*[A-Za-z]\w*(?:[ \t\r\n]*\|[ \t\r\n]*[A-Za-z]\w*)*[ \t\r\n]*", inner):
        return ()
    names = [one for one in re.finditer(r"\w+", inner) if one[0] in builder.labels]
    first = opened + 1
    return tuple(Edit(Span(first + name.start(), first + name.end()), f"@{name[0]}") for name in names)


def _is_branch(text: str, span: Span) -> bool:
    """Whether nothing else is in its branch."""
    before, behind = text[: span.start].rstrip(" \t\r\n")[-1:], text[span.end :].lstrip(" \t\r\n")[:1]
    return before in ("[", "|") and behind in ("|", "]")


def _behind_statement(context: Context, start: int) -> bool:
    """Whether the step comes from a colon after a statement's word, `expect: params 3`."""
    return ":" in context.text[max(0, start - 40) : start] and any(
        one.cause == "colon" and one.span.end == start for one in context.sink
    )


_INPUT_ELSEWHERE = (
    "eingabe",
    "eingang",
    "entree",
    "entrada",
    "ingresso",
    "data",
    "image",
    "img",
    "shape",
    "size",
    "x",
)
_DECLARES = (
    *("const", "var", "val", "set", "define", "param", "parameter", "constant", "local"),
    *("int", "float", "double", "number", "auto", "num", "integer"),
)
"""Words that define a value in other languages."""


def _means_statement(step: tree.LayerStep) -> str | None:
    """The statement that a step with a misspelt word is meant to be: `Input 3x8x8`, `lte k = 3`."""
    if step.word == "in" and len(step.arguments) == 1 and isinstance(step.arguments[0].value, tree.Dims):
        return "input"
    if lookup(step.word) is not None:
        return None
    match step.arguments:
        case (tree.PositionalArgument(tree.Dims()),) if fold(step.word) in _INPUT_ELSEWHERE:
            return "input"
        case (tree.PositionalArgument(tree.Dims()),):
            form = ["input"]
        case (tree.NamedArgument(),):
            form = ["let"]
        case (tree.PositionalArgument(tree.Name()),):
            form = ["model", "variant"]
        case (tree.PositionalArgument(tree.Name()), *_) | (tree.PositionalArgument(tree.Binary()),):
            form = ["expect", "default"]
        case _:
            return None
    if "expect" in form and fold(step.word) in ("assert", "check", "require", "verify", "claim", "assume"):
        return "expect"
    if "model" in form and fold(step.word) in ("network", "net", "name", "title", "arch", "architecture"):
        return "model"
    if form == ["let"] and step.word in _DECLARES:
        return "let"
    near = nearest(step.word, [*words(), *form])
    return near if near in form else None


def means_input(step: tree.LayerStep) -> bool:
    """Whether a step is a misspelt `input`."""
    return _means_statement(step) == "input"


def unknown_block(context: Context, step: tree.CallStep) -> None:
    """Reports a use of an undefined block."""
    sink, text = context.sink, context.text
    if fold(step.name) in ("input", "inputs", "inputlayer") and _input_call(context, step):
        return
    if step.name in ("model", "input", "default", "expect", "output"):
        inner = text[step.name_span.end + 1 : step.span.end - 1].strip()
        way = f"{step.name} {inner.replace(',', '') if step.name == 'default' else inner}"
        sink.report(
            "E102",
            f"`{step.name}` is a statement and has no brackets",
            step.span,
            help=f"here it is `{way}`",
            fix=(Edit(step.span, way),),
        )
        return
    near = nearest(step.name, context.statements.blocks)
    spelled_out = SEVERAL.get(fold(step.name), "{")
    if "{" not in spelled_out and not near:
        message = f"there is no layer `{step.name}`; it is written with the layers that it consists of"
        sink.report("E201", message, step.name_span, help=f"for instance `{spelled_out}`")
        return
    layer = layer_word(step.name)
    if (layer is not None or is_known(step.name)) and not near:
        foreign_call(text, step, layer or "conv").report(sink)
        return
    head = re.compile(rf"[ \t]*(?:\w+[ \t]+)?{step.name}\(")
    if any(one.code[:2] == "E1" and head.match(text, line_start(text, one.span.start)) for one in sink):
        return  # the head of this block has a mistake in it: `blcok f(k) {`
    sink.report(
        "E208",
        f"there is no block `{step.name}`",
        step.name_span,
        help=f"did you mean `{near}`?" if near else f"define it: `{_block_for(step.name)}`",
        fix=(Edit(step.name_span, near),) if near else (),
    )


def _block_for(name: str) -> str:
    """The definition of a block with this name, made of the layers in the name."""
    layers = [usual(layer).replace("K64", "P1 K=k") for layer in layers_of(name) or []]
    return f"block {name}(k) {{ {' -> '.join(layers)} }}" if layers[1:] else f"block {name}(…) {{ … }}"


def _input_call(context: Context, step: tree.CallStep) -> bool:
    """Reports `Input(3, 32, 32)`; False for another form."""
    values = [argument.value for argument in step.arguments]
    sizes = [value.text for value in values if isinstance(value, tree.Number)]
    if len(sizes) != len(values) or len(sizes) not in (1, 3):
        return False
    plain = f"input {'x'.join(sizes)}"
    message, way = (
        "an input is a statement, with its channels, rows and columns joined by `x`",
        f"write `{plain}`",
    )
    fix: tuple[Edit, ...] = (Edit(step.span, plain),)
    if len(sizes) == 3 and int(sizes[2]) < int(sizes[0]):  # HxWxC, or not
        turned = "x".join((sizes[2], *sizes[:2]))
        way, fix = f"write `input {turned}`, channels first, or `{plain}` for {sizes[0]} channels", ()
    context.sink.report("E102", message, step.span, help=way, fix=fix, cause="input")
    return True
