"""Undefined names and functions in expressions, with what was likely meant."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span
from cnnspec.diagnostics.suggest import fold, nearest
from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.elaborate.values import FUNCTIONS, TRUTHS, NoValue, Undefined
from cnnspec.language import tree


def unknown_name(builder: BodyBuilder, name: tree.Name) -> NoValue:
    """Why a name in an expression has no value here."""
    word, span = name.name, name.span
    message = f"`{word}` is not defined here"
    if word == "i":
        return NoValue(
            "E214",
            "`i` counts the passes of a repeat, and there is none around this",
            span,
            "use it inside `[ … ]*n`; define any other number: `let n = …`",
        )
    let = builder.context.statements.lets.get(word)
    if let is not None and let.span.start > span.start:
        message = f"`{word}` is defined further down"
        return NoValue("E206", message, span, f"move `let {word}` above this")
    if let is not None and span.start in range(*let.span):
        message = f"`{word}` has no value yet in its own `let`"
        return NoValue("E206", message, span, f"a value has one name: `let {word}2 = …` for the next one")
    if word in builder.labels:
        message = f"expected a value, found the tensor `{word}`"
        return NoValue("E206", message, span, f"a tensor is written with its label: `@{word}`")
    if (truth := word.lower()) in TRUTHS:
        return NoValue("E206", message, span, f"write `{truth}`", fix=(Edit(span, truth),))
    before = builder.context.text[max(0, span.start - 100) : span.start]
    below = re.search(r"\bslice[ \t]+([^\n:]+):[ \t]*\r?\n\s*$", before)
    if below is not None:  # the name is the next line's layer
        end = span.start - len(below[0]) + below[0].rindex(":") + 1
        way = f"both ends of a `slice` are given: write `{below[1].rstrip()}:C`"
        return Undefined("E206", message, span, way, fix=(Edit(Span(end, end), "C"),))
    macro = re.search(rf"(?m)^#[ \t]*define[ \t]+{word}[ \t]+([\w.]+)", builder.context.text)
    if macro:
        way = f"write `let {word} = {macro[1]}`: a line that begins with `#` is a comment"
        return Undefined("E206", message, span, way)
    if (size := _SIZES.get(fold(word))) is not None:
        undefined = Undefined(
            "E206", message, span, f"the size of a step's input is named C, H and W: write `{size}`"
        )
        undefined.near = None
        return undefined
    if re.fullmatch("[FSPKGD]", word) and re.search(rf"\b{word}=?[0-9]", builder.context.text):
        way = "a hyperparameter is not a name: write its number, or name it with `let` above"
        undefined = Undefined("E206", message, span, way)
        undefined.near = None
        return undefined
    near = nearest(word, {known for scope in builder.scope.around() for known in scope.names})
    way = f"did you mean `{near}`?" if near else f"define it: `let {word} = …`"
    undefined = Undefined("E206", message, span, way)
    undefined.near = near
    return undefined


_SIZES = {
    **dict.fromkeys(("cin", "inchannels", "inputchannels", "inc", "channelsin"), "C"),
    **dict.fromkeys(("height", "hin", "inputheight"), "H"),
    **dict.fromkeys(("width", "win", "inputwidth"), "W"),
}
"""The names of the sizes of a layer's input in other tools."""


def unknown_function(call: tree.Function, known: str | None) -> NoValue:
    """Why `name(…)` is neither a function nor an entry of a list; `known` is a value with a name like it."""
    message, near = f"there is no function `{call.name}`", nearest(call.name, FUNCTIONS)
    near = "floor" if call.name in ("int", "trunc") else near
    if near is None and known is not None:
        message, near = f"there is no list and no function `{call.name}`", known
    way = f"did you mean `{near}`?" if near else f"the functions are {', '.join(FUNCTIONS)}"
    fix = (Edit(call.name_span, near),) if near in FUNCTIONS else ()
    return NoValue("E206", message, call.name_span, way, fix=fix)
