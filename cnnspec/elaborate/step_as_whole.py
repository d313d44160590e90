"""A step whose arguments are one mistake together: `conv F3 K8 x2`, `pad 1 2 1 2`, `bn 64`, `in 3x32x32`."""

from __future__ import annotations

import re
from itertools import pairwise

from cnnspec.diagnostics import Edit, Span, line_start
from cnnspec.elaborate.binding import slots_of
from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.elaborate.unknown import means_input
from cnnspec.elaborate.values import NoValue
from cnnspec.language import tree
from cnnspec.language.recovery.rules.repetitions import repeated
from cnnspec.notations.words import layer_word
from cnnspec.ops import lookup

BARE_VALUES = (
    *("scale", "scalefactor", "factor", "rate", "prob", "p"),
    *("alpha", "slope", "negativeslope", "ratio"),
)
"""The names of a layer's bare value in other tools: `upsample scale=2`."""


def one_mistake(builder: BodyBuilder, step: tree.LayerStep) -> NoValue | None:
    """The finding about a whole step; None where its arguments are checked one by one."""
    mistakes = (
        look(builder, step)
        for look in (
            *(_depth, _size_apart, _three_numbers, _tensor_behind, _repetition, _means_input, _transposed),
            *(_sides, _channels, _where, _then, _named_apart, _steps, _name_behind),
        )
    )
    return next((mistake for mistake in mistakes if mistake is not None), None)


_DEPTH = re.compile("(?:C|Cin|[Ii]nC)([0-9]+)|(?:c_?in|C_?in|in_?c|in_channels|in_features)=([0-9]+)")


def _depth(builder: BodyBuilder, step: tree.LayerStep) -> NoValue | None:
    """E202 for `conv F3 C64 K128`, which is compared with the input."""
    op, text = lookup(step.word), builder.context.text
    shape = None if builder.current is None else builder.values[builder.current]
    place = next(
        (argument for argument in step.arguments if _DEPTH.fullmatch(text[slice(*argument.span)])), None
    )
    if op is None or shape is None or place is None or not slots_of(op).letters:
        return None
    written, channels = text[slice(*place.span)], shape[0]
    depth = int(re.sub("[^0-9]", "", written)[:12])
    alone = sum(isinstance(argument, tree.NamedArgument) for argument in step.arguments) == 1
    if "=" in written and (depth == channels or alone):
        return None  # checked as an argument
    if depth != channels:
        message = f"`{written}` expects {depth:,} channels, but the input of `{step.word}` has {channels:,}"
        way = f"leave it out if {channels:,} is right; else correct the layers before it"
        return NoValue("E202", message, place.span, way)
    message = f"the depth of a filter is that of its input, {channels:,}, and is not written"
    fix = (Edit(Span(place.span.start - 1, place.span.end), ""),)
    return NoValue("E202", message, place.span, f"leave `{written}` out", fix=fix)


def _size_apart(builder: BodyBuilder, step: tree.LayerStep) -> NoValue | None:
    """E202 for `conv 3x3 x 16`."""
    match = re.search(
        r"F?([0-9]+)x([0-9]+)[ \t]+x[ \t]+([0-9]+)(?![\w.])", builder.context.text[slice(*step.span)]
    )
    shape = None if builder.current is None else builder.values[builder.current]
    if match is None or shape is None or step.word not in ("conv", "deconv"):
        return None
    size = f"F{match[1]}" if match[1] == match[2] else f"F{match[1]}x{match[2]}"
    span = Span(step.span.start + match.start(), step.span.start + match.end())
    message = f"a filter is rows by columns, found {match.group()}"
    if match[3] == str(shape[0]):
        way = (
            f"the depth of a filter is that of its input, {match[3]}: write `{size}`, and K64 for 64 filters"
        )
        return NoValue("E202", message, span, way)
    plain = f"{size} K{match[3]}"
    return NoValue("E202", message, span, f"write `{plain}`", fix=(Edit(span, plain),))


def _three_numbers(builder: BodyBuilder, step: tree.LayerStep) -> NoValue | None:
    """E202 for `conv 32 3 3`: filters, rows and columns in Keras 1, filters, size and stride elsewhere."""
    numbers = _numbers(step._replace(arguments=step.arguments[:3]))
    if step.word != "conv" or len(numbers) != 3 or numbers[1] != numbers[2]:
        return None
    behind = builder.context.text[step.arguments[2].span.end : step.span.end].strip()
    then = f" -> {layer_word(behind)}" if layer_word(behind) else ""
    filters, size = numbers[0], numbers[1]
    way = f"`conv F{size} K{filters}{then}` for filters of {size}x{size}; with a stride of {size} it is "
    span = Span(step.arguments[0].span.start, step.span.end)
    return NoValue(
        "E202", "each number follows its letter", span, f"{way}`conv F{size} S{size} K{filters}{then}`"
    )


_FROM = ("from", "of", "on", "using", "with")


def _tensor_behind(builder: BodyBuilder, step: tree.LayerStep) -> NoValue | None:
    """E202 for `relu a` and `relu (a)` of a label: `@a -> relu`."""
    last = step.arguments[-1].value if step.arguments else None
    if not isinstance(last, tree.Name) or not isinstance(step.arguments[-1], tree.PositionalArgument):
        return None
    if last.name not in builder.labels or last.name in builder.scope.names:
        return None
    text, span, before = builder.context.text, step.arguments[-1].span, step.arguments[:-1]
    if before and isinstance(before[-1].value, tree.Name) and before[-1].value.name in _FROM:
        before = before[:-1]
    layer = text[step.span.start : before[-1].span.end if before else step.word_span.end]
    message = f"a tensor comes before the layers that use it, found `{last.name}`"
    return NoValue("E202", message, span, f"write `@{last.name} -> {layer}`, at the head of a line or branch")


_TIMES = re.compile(r"(.*?)[ \t]+\(?(?:x[ \t]*([0-9]+)|([0-9]+)[ \t]*times|(twice))\)?", re.DOTALL)


def _repetition(builder: BodyBuilder, step: tree.LayerStep) -> NoValue | None:
    """E101 for `conv F3 K8 x2`."""
    text, span = builder.context.text, step.span
    match = _TIMES.fullmatch(text[span.start : span.end])
    op = lookup(match[1].partition(" ")[0]) if match else None
    if match is None or op is None or (" " not in match[1] and slots_of(op).places):
        return None  # `upsample x2`
    repeats = Span(span.start, span.start + match.end(1))
    way, fix = repeated(text, repeats, span.end, match[2] or match[3] or "2")
    mark = Span(span.end - len(match.group()[match.end(1) :].lstrip()), span.end)
    return NoValue("E101", "a repetition is written with brackets", mark, way, fix=fix)


def _means_input(builder: BodyBuilder, step: tree.LayerStep) -> NoValue | None:
    """E201 for `in 3x32x32` in a spec without an input."""
    if not means_input(step) or builder.context.statements.inputs:
        return None
    message = "`in` is instance normalization; the input of a network is `input`"
    return NoValue("E201", message, step.word_span, "write `input`", fix=(Edit(step.word_span, "input"),))


def _transposed(builder: BodyBuilder, step: tree.LayerStep) -> NoValue | None:
    """E201 for `transpose F2 S2 K64`, E202 for `conv transpose F2 S2 K64`."""
    first = step.arguments[0] if step.arguments else None
    named = first.value.name if first is not None and isinstance(first.value, tree.Name) else ""
    if step.word == "conv" and first is not None and named in ("transpose", "transposed"):
        span = Span(step.span.start, first.span.end)
        fix = (Edit(span, "deconv"),)
        return NoValue("E202", "a transposed convolution is `deconv`", span, "write `deconv`", fix=fix)
    if step.word != "transpose" or not any(
        isinstance(argument, tree.LetterArgument) for argument in step.arguments
    ):
        return None
    message = "`transpose` exchanges rows and columns; a transposed convolution is `deconv`"
    return NoValue("E201", message, step.word_span, "write `deconv`", fix=(Edit(step.word_span, "deconv"),))


def _named_apart(builder: BodyBuilder, step: tree.LayerStep) -> NoValue | None:
    """E202 for `bn eps 0.001 momentum 0.1` and `dropout p 0.5`."""
    op, text = lookup(step.word), builder.context.text
    if op is None:
        return None
    slots, edits = slots_of(op), list[Edit]()
    for one, following in pairwise(step.arguments):
        name = (
            one.value.name
            if isinstance(one.value, tree.Name) and isinstance(one, tree.PositionalArgument)
            else ""
        )
        if not isinstance(following, tree.PositionalArgument):
            continue
        span, value = Span(one.span.start, following.span.end), text[slice(*following.span)]
        if name in slots.keywords and name not in slots.flags:
            edits.append(Edit(span, f"{name}={value}"))
        elif slots.places and name in BARE_VALUES and isinstance(following.value, tree.Number):
            edits.append(Edit(span, value))
    if not edits:
        return None
    span = Span(edits[0].span.start, edits[-1].span.end)
    way = ", ".join(f"`{edit.text}`" for edit in edits)
    message = "a value with a name is written with `=`, without blanks"
    if "=" not in way:
        message = f"the value of `{step.word}` has no name"
    return NoValue("E202", message, span, f"write {way}", fix=tuple(edits))


def _steps(builder: BodyBuilder, step: tree.LayerStep) -> NoValue | None:
    """E202 for `conv F3 K8 relu bn`."""
    names = [
        argument
        for argument in step.arguments
        if isinstance(argument.value, tree.Name) and not isinstance(argument, tree.NamedArgument)
    ]
    behind = [
        name for name in names if isinstance(name.value, tree.Name) and lookup(name.value.name) is not None
    ]
    if len(behind) < 2 or list(step.arguments[-len(behind) :]) != behind:
        return None
    words = [builder.context.text[slice(*one.span)] for one in behind]
    plain = " ".join(f"-> {word}" for word in words)
    span = Span(behind[0].span.start, step.span.end)
    message = f"`{step.word}` does not take {' and '.join(f'`{word}`' for word in words)}"
    return NoValue(
        "E202", message, span, f"each layer is a separate step: write `{plain}`", fix=(Edit(span, plain),)
    )


_WHERE = re.compile(
    r"[ \t]+(?:where|with|given|for)[ \t]+(?:let[ \t]+)?([A-Za-z]\w*)[ \t]*(?:=|:=|is)[ \t]*([^\s=][^\r\n=]*)"
)


def _where(builder: BodyBuilder, step: tree.LayerStep) -> NoValue | None:
    """E202 for `conv F3 K=k where k = 16`."""
    text = builder.context.text
    match = _WHERE.search(text[slice(*step.span)])
    if match is None or step.span.start + match.end() < step.span.end:
        return None
    behind = Span(step.span.end - len(match.group().lstrip()), step.span.end)
    if re.fullmatch("[FSPKGD]", match[1]):
        way = f"write `{match[1]}{match[2]}` after the layer's word"
        return NoValue("E202", "a hyperparameter is its letter and its number", behind, way)
    let, begin = f"let {match[1]} = {match[2].rstrip()}", line_start(text, step.span.start)
    mark, before = Span(step.span.start + match.start(), step.span.end), text[begin : step.span.start]
    fix: tuple[Edit, ...] = ()
    if (
        lookup(match[1]) is None
        and not re.search(r"[\[{|]", before)
        and re.search(rf"\b{match[1]}\b", text[: mark.start])
    ):
        blanks = before[: len(before) - len(before.lstrip())]
        fix = (Edit(Span(begin, begin), f"{blanks}{let}\n"), Edit(mark, ""))
    return NoValue(
        "E202",
        "a value is named above the steps that use it",
        behind,
        f"write `{let}` on the line above",
        fix=fix,
    )


_THEN = re.compile(
    r"[ \t]*,?[ \t]+(?:(?:followed|activated)[ \t]+by|then|with|plus|using|activation|act|nonlinearity)"
    r"(?:[ \t]+(?:an?|the))?[ \t]+([A-Za-z]\w*)(?:[ \t]+(?:activation|nonlinearity|layer))?"
    r"(?:[ \t]+and(?:[ \t]+then)?[ \t]+([A-Za-z]\w*))?$"
)


def _then(builder: BodyBuilder, step: tree.LayerStep) -> NoValue | None:
    """E202 for `conv F3 K8 followed by relu`."""
    match = _THEN.search(builder.context.text[slice(*step.span)])
    words = [layer_word(group) for group in match.groups() if group] if match else []
    if match is None or not all(words):
        return None
    plain = " ".join(f"-> {word}" for word in words)
    mark, written = Span(step.span.start + match.start(), step.span.end), match.group().lstrip(" \t,")
    behind = Span(mark.end - len(written), mark.end)
    message = f"`{step.word}` does not take `{written}`; a layer is a separate step"
    return NoValue("E202", message, behind, f"write `{plain}`", fix=(Edit(mark, f" {plain}"),))


def _name_behind(builder: BodyBuilder, step: tree.LayerStep) -> NoValue | None:
    """E202 for `conv F3 K8 as a`."""
    text = builder.context.text
    match = re.search(r"[ \t]+(?:as|named|called)[ \t]+([A-Za-z]\w*)$", text[slice(*step.span)])
    if match is None:
        return None
    mark = Span(step.span.start + match.start(), step.span.end)
    alone = not text[line_start(text, step.span.start) : step.span.start].strip()
    way = f"a label comes before its steps: `{match[1]}: {text[step.span.start : mark.start]}`"
    fix = (Edit(Span(step.span.start, step.span.start), f"{match[1]}: "), Edit(mark, "")) if alone else ()
    return NoValue("E202", "a name does not come after its step", mark, way, fix=fix)


def _numbers(step: tree.LayerStep) -> list[str]:
    """The values of a step, where each is a number without a name."""
    values = [argument.value for argument in step.arguments if isinstance(argument, tree.PositionalArgument)]
    texts = [value.text for value in values if isinstance(value, tree.Number)]
    return texts if len(texts) == len(step.arguments) else []


def _sides(builder: BodyBuilder, step: tree.LayerStep) -> NoValue | None:
    """E202 for `pad 1 2 1 2`: in which order the sides are meant differs from tool to tool."""
    sizes = _numbers(step) if step.word == "pad" else []
    if len(sizes) not in (2, 4):
        return None
    span = Span(step.arguments[0].span.start, step.span.end)
    message = "`pad` takes one number for all sides, or a size for each"
    if len({*sizes}) == 1:
        return NoValue("E202", message, span, f"write `pad {sizes[0]}`", fix=(Edit(span, sizes[0]),))
    return NoValue("E202", message, span, sides_in_words(sizes))


def sides_in_words(sizes: list[str]) -> str:
    """`1 2 0 0` with the sides that they are in PyTorch and in Keras."""
    if len(sizes) == 2:
        return f"rows and columns: `pad top={sizes[0]} bottom={sizes[0]} left={sizes[1]} right={sizes[1]}`"
    torch, keras = (
        " ".join(f"{side}={size}" for side, size in zip(order, sizes, strict=True))
        for order in (("left", "right", "top", "bottom"), ("top", "bottom", "left", "right"))
    )
    return f"in the order of PyTorch it is `pad {torch}`, in that of Keras `pad {keras}`"


def _channels(builder: BodyBuilder, step: tree.LayerStep) -> NoValue | None:
    """E202 for `bn 64`, which is compared with the input."""
    sizes = _numbers(step) if step.word in ("bn", "in", "ln") else []
    shape = None if builder.current is None else builder.values[builder.current]
    if len(sizes) != 1 or shape is None or sizes[0] == str(shape[0]):
        return None
    span, unit = step.arguments[0].span, "channels" if len(shape) > 1 else "numbers"
    message = f"`{step.word} {sizes[0]}` expects {sizes[0]} {unit}, but its input has {shape[0]:,}"
    way = f"write `{step.word}` alone if {shape[0]:,} is right; else correct the layers before it"
    return NoValue("E202", message, span, way)
