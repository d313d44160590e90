"""Statements, lines and steps, and the names that they define."""

from __future__ import annotations

import re
from collections.abc import Sequence as Items
from typing import Any

from cnnspec.diagnostics import Edit, Span
from cnnspec.language import tree
from cnnspec.language.builder.context import Actions, Context, known
from cnnspec.language.builder.letters import tidied
from cnnspec.language.builder.values import HYPER, same
from cnnspec.language.tokens import LETTERS, WORDS, Token

_SIZES_AND_PASS = frozenset("CTHWi")
_BEHIND = {
    "input": r"[0-9(]",
    "output": r"(?:each[ \t]+)?@",
    "expect": r"[a-z]+[ \t]+~?[0-9]",
    "model": r"\w+[ \t]*[\r\n#]",
}
"""How such a statement continues after its word."""


def _declared(c: Context, token: Token, behind: str = "") -> tuple[str, Span]:
    """The name at the beginning of a token."""
    _, text, start, _ = token
    if behind:
        text = text.removesuffix(behind).rstrip(" \t")
    if "," in text:
        c.sink.report("E101", "expected one name, found several", Span(start, start + len(text)))
        text = text.partition(",")[0].rstrip(" \t")
    if text.upper() in WORDS and text.islower():
        _reserved(c, text, start)
    return text, Span(start, start + len(text))


def _reserved(c: Context, text: str, start: int) -> None:
    """E107 for a reserved word as a name, or E102 for `expect: params 3`."""
    end = start + len(text)
    colon = re.compile(r"[ \t]*:[ \t]*").match(c.text, end)
    if colon and text in _BEHIND and re.compile(_BEHIND[text]).match(c.text, colon.end()):
        where = Span(end, colon.end())
        shape = re.compile(r"[(\[][ \t]*([0-9]+(?:[ \t]*,[ \t]*[0-9]+){1,3})[ \t]*,?[ \t]*[)\]]").match(
            c.text, colon.end()
        )
        if text == "input" and shape:
            plain = f"input {'x'.join(re.findall('[0-9]+', shape[1]))}"
            message = "an input has no colon, and its shape no brackets and commas"
            whole = Span(start, shape.end())
            c.sink.report(
                "E102", message, whole, help=f"write `{plain}`", fix=(Edit(whole, plain),), cause="colon"
            )
            return
        c.sink.report(
            "E102", f"`{text}` has no colon", where,
            help=f"write `{text}` and a space", fix=(Edit(where, " "),), cause="colon",
        )  # fmt: skip
        return
    way, fix = "choose another name", tuple[Edit, ...]()
    if text == "output" and colon:
        way = "leave it out: the last line's tensor is the output"
        fix = (Edit(Span(start, colon.end()), ""),)
    message = f"`{text}` cannot be a name: it is reserved"
    c.sink.report("E107", message, Span(start, end), help=way, fix=fix)


def _value_name(c: Context, token: Token, kind: str, letters: bool = False) -> tuple[str, Span]:
    """The name of a `let`, a setting or a parameter, with E107 where it cannot be one."""
    _, text, start, end = token
    span = Span(start, end)
    if text in ("true", "false"):
        message = f"{kind} cannot be named {text}: that is a truth value"
        c.sink.report("E107", message, span, help="choose another name")
    elif text in _SIZES_AND_PASS:
        meaning = "the number of the pass in a repeat" if text == "i" else "a size of a step's input"
        message = f"{kind} cannot be named {text}: that is {meaning}"
        way = f"choose another name, for instance `{text.lower()}`" if text != "i" else "choose another name"
        c.sink.report("E107", message, span, help=way)
    elif HYPER.fullmatch(text) and not (letters and text in LETTERS):
        message = f"{kind} cannot be named {text}: it looks like a hyperparameter"
        way = f"write it in lower case, `{text.lower()}`"
        c.sink.report("E107", message, span, help=way, fix=(Edit(span, text.lower()),))
    return text, span


# --- steps ----------------------------------------------------------------------------------------


def _layer(c: Context, v: Items[Any]) -> tree.LayerStep | tree.ErrorStep:
    _, text, start, end = v[0]
    word = Span(start, end)
    if len(v) == 1:
        return tree.LayerStep(text, (), word, word)
    arguments, span = tidied(c, v[1], text), Span(start, v[1][-1].span.end)
    return tree.ErrorStep(span) if arguments is None else tree.LayerStep(text, arguments, span, word)


def _call(c: Context, v: Items[Any]) -> tree.CallStep | tree.ErrorStep:
    _, text, start, end = v[0]
    arguments = tidied(c, v[1]) if len(v) == 3 else ()
    if arguments is None:
        return tree.ErrorStep(c.span(v))
    call = tree.CallStep(text[:-1], arguments, c.span(v), Span(start, end - 1))
    inside = [argument.value for argument in arguments if type(argument.value) is tree.Layers]
    return _nested(c, call, *inside) if inside else call


def _sequence(c: Context, opened: Token, items: Items[Any], closed: Token) -> tree.Sequence:
    """The text between two brackets or bars."""
    lines, within = known(items), Span(opened.end, closed.start)
    span = Span(lines[0].span.start, lines[-1].span.end) if lines else within
    node = tree.Sequence(lines, span, within)
    if c.depths:
        steps = [step for item in lines if type(item) is tree.Line for step in item.steps]
        if deepest := max((c.depths.get(id(step), 0) for step in steps), default=0):
            c.depths[id(node)] = deepest
    return node


def _nested(c: Context, node: Any, *parts: Any) -> Any:
    return c.checked(node, *parts, instead=tree.ErrorStep(node.span))


def _group(c: Context, v: Items[Any]) -> Any:
    body = _sequence(c, *v[:3])
    return _nested(c, tree.GroupStep(body, v[4] if len(v) > 3 else None, c.span(v)), body)


def _bars(c: Context, first: Token) -> None:
    """E101 for `add [ relu || id ]`."""
    bars = re.compile(r"\|+").match(c.text, first.start)
    if bars is None or c.text[first.start - 1] == "|":
        return
    span, message = Span(*bars.span()), f"branches are separated by a single `|`, found `{bars.group()}`"
    c.sink.report("E101", message, span, help="write `|`", fix=(Edit(span, "|"),), safe=True)


def _branch(c: Context, v: Items[Any]) -> Any:
    word, *hyperparameters, opened, branches, closed = v
    arguments = tidied(c, hyperparameters[0], word.text) if hyperparameters else ()
    if arguments is None:
        return tree.ErrorStep(c.span(v))
    bars = [opened, *branches[1::2], closed]
    sequences = []
    for left, items, right in zip(bars, branches[::2], bars[1:], strict=False):
        if left.end == right.start and left.text == right.text == "|":
            _bars(c, left)
        else:
            sequences.append(_sequence(c, left, items, right))
    if word.text == "frozen" and not hyperparameters:
        if len(sequences) > 1:
            bar = Span(bars[1].start, bars[1].end)
            way = "branches are merged inside: `frozen [ add [ … | … ] ]`"
            c.sink.report("E101", "`frozen` takes steps, not branches", bar, help=way)
        return _nested(c, tree.GroupStep(sequences[0], None, c.span(v), frozen=True), sequences[0])
    return _nested(
        c, tree.BranchStep(word.text, arguments, tuple(sequences), c.span(v), word.span), *sequences
    )


def _if_step(c: Context, v: Items[Any]) -> Any:
    then = _sequence(c, *v[2:5])
    otherwise = _sequence(c, *v[6:9]) if len(v) > 5 else None
    parts = (then,) if otherwise is None else (then, otherwise)
    return _nested(c, tree.IfStep(v[1], then, otherwise, c.span(v)), *parts)


def _if_else_if(c: Context, v: Items[Any]) -> Any:
    other = v[-1]
    otherwise = tree.Sequence((tree.Line(None, None, (other,), other.span),), other.span, other.span)
    then = _sequence(c, *v[2:5])
    return c.checked(tree.IfStep(v[1], then, otherwise, c.span(v)), other, then)


def _claims(v: Items[Any]) -> tuple[tuple[tree.Claim, ...], Span]:
    """The claims after an arrow or an `expect`, and the span of the whole."""
    first, claims = v[0], known(v[1])
    return claims, Span(first.start, claims[-1].span.end if claims else first.end)


def _line(c: Context, v: Items[Any]) -> tree.Line:
    steps = tuple(v[-1])
    if len(v) == 1:
        return tree.Line(None, None, steps, Span(steps[0].span.start, steps[-1].span.end))
    labels = []
    for one in re.finditer(r"[A-Za-z][A-Za-z0-9_]*", v[0].text):
        start = v[0].start + one.start()
        labels.append(tree.Label(*_declared(c, Token("LABEL", one.group(), start, start + len(one.group())))))
    (name, label), *others = labels
    return tree.Line(name, label, steps, Span(label.start, steps[-1].span.end), tuple(others))


def _layers(c: Context, v: Items[Any]) -> tree.Layers:
    """`[bn -> relu]` among a block's arguments: one line, also inside its brackets."""
    body, span = _sequence(c, *v), c.span(v)
    waiting, wrong = [body], None
    while waiting and wrong is None:
        node = waiting.pop()
        lines = [item for item in node.items if type(item) is tree.Line and item.label is None]
        if len(lines) < len(node.items) or (node is not body and len(lines) > 1):
            wrong = node
        for step in (step for line in lines for step in line.steps):
            match step:
                case tree.GroupStep():
                    waiting.append(step.body)
                case tree.BranchStep():
                    waiting += step.branches
                case tree.IfStep():
                    waiting += [step.then] if step.otherwise is None else [step.then, step.otherwise]
    if wrong is not None:
        c.sink.report(
            "E101", "the layers that a block is given must be one line, without labels or `let`s", wrong.span,
            help="define a block for more, `block head() { … }`, and give `[head()]`",
        )  # fmt: skip
    steps = tuple(step for item in body.items if type(item) is tree.Line for step in item.steps)
    steps = steps or (tree.LayerStep("id", (), span, span),)
    line = tree.Line(None, None, steps, steps[0].span.to(steps[-1].span))
    layers: tree.Layers = c.checked(tree.Layers(tree.Sequence((line,), line.span, body.within), span), body)
    return layers


def _start_several(c: Context, v: Items[Any]) -> list[tree.StartStep]:
    """`@a, @b`, one token."""
    start = v[0].start
    starts = [
        tree.Reference(one.group(1), Span(start + one.start(), start + one.end()))
        for one in re.finditer(r"@([A-Za-z][A-Za-z0-9_]*)", v[0].text)
    ]
    return [tree.StartStep(starts[0], c.span(v), tuple(starts[1:]))]


_STEPS: Actions = {
    "layers": _layers,
    "layer": _layer,
    "call": _call,
    "group": _group,
    "group_times": _group,
    "branch": _branch,
    "branch_arguments": _branch,
    "if_step": _if_step,
    "if_else": _if_step,
    "if_else_if": _if_else_if,
    "start_step": lambda c, v: [tree.StartStep(v[0], v[0].span)],
    "start_several": _start_several,
    "claim_step": lambda c, v: tree.ClaimStep(*_claims(v)),
    "line": _line,
    "line_labelled": _line,
}

# --- statements -----------------------------------------------------------------------------------


def _model(c: Context, v: Items[Any]) -> tree.Model:
    title = v[2].text[1:-1] if len(v) == 3 else ""
    return tree.Model(v[1].text, title, c.span(v), v[1].span)


def _input(c: Context, v: Items[Any]) -> tree.Input:
    name, span = _declared(c, v[1], ":") if len(v) == 3 else (None, None)
    return tree.Input(name, v[-1], c.span(v), span)


def _let(c: Context, v: Items[Any]) -> tree.Let:
    name, span = _value_name(c, v[1], "a `let`")
    return tree.Let(name, v[3], c.span(v), span)


def _setting(c: Context, v: Items[Any]) -> tree.Let:
    name, span = _value_name(c, v[0], "a knob")
    return tree.Let(name, v[2], c.span(v), span)


def _variant(c: Context, v: Items[Any], settings: Items[Any] = (), claims: Items[Any] = ()) -> tree.Variant:
    """A variant up to its last setting or claim; if the last one is in error, up to the word before it."""
    name, span = _declared(c, v[1], ":" if len(v) > 2 else "")
    values, claimed = known(settings), known(claims)
    last = (*values, *claimed)[-1].span if values or claimed else v[1]
    end = v[-2].end if claims and not claimed else last.end
    return tree.Variant(name, values, claimed, Span(v[0].start, end), span)


def _default(c: Context, v: Items[Any]) -> tree.Default:
    words = tuple(item for item in v[1] if type(item) is tree.Name)
    arguments = tuple(item for item in v[1] if type(item) is not tree.Name)
    return tree.Default(words, arguments, Span(v[0].start, v[1][-1].span.end))


def _parameter(c: Context, v: Items[Any]) -> tree.Parameter:
    name, span = _value_name(c, v[0], "a parameter", letters=True)
    default = v[2] if len(v) == 3 else None
    if name in LETTERS:
        return tree.Parameter(name, "letter", same(default), c.span(v) if default else span)
    return tree.Parameter(name, "value", default, c.span(v) if default else span)


def _block_head(c: Context, v: Items[Any]) -> tuple[Any, ...]:
    """(name, parameters, shared, span of the head, span of the name)."""
    parameters = tuple(v[2]) if len(v) == 4 else ()
    name, span = _declared(c, v[1], "(")
    return name, parameters, v[0].text == "shared", c.span(v), span


def _block(c: Context, v: Items[Any]) -> tree.Block:
    name, parameters, shared, span, name_span = v[0]
    body = _sequence(c, *v[1:4])
    return tree.Block(name, parameters, body, shared, Span(span.start, v[3].end), name_span)


STATEMENTS: Actions = _STEPS | {
    "model": _model,
    "input_alone": _input,
    "input_named": _input,
    "let": _let,
    "setting": _setting,
    "variant": lambda c, v: _variant(c, v, *v[2:]),
    "variant_expect": lambda c, v: _variant(c, v, (), v[3]),
    "variant_settings_expect": lambda c, v: _variant(c, v, v[2], v[5]),
    "default": _default,
    "default_word": lambda c, v: [tree.Name(v[0].text, v[0].span)],
    "parameter": _parameter,
    "parameter_default": _parameter,
    "parameter_tensor": lambda c, v: tree.Parameter(v[0].text[1:], "tensor", None, v[0].span),
    "block_head": _block_head,
    "block": _block,
    "output": lambda c, v: tree.Output(tuple(v[1]), Span(v[0].start, v[1][-1].span.end)),
    "each": lambda c, v: tree.Reference(v[1].name, Span(v[0].start, v[1].span.end), each=True),
    "expect": lambda c, v: tree.Expect(*_claims(v)),
}
