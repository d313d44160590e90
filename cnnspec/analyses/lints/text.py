"""Lints about how a spec is written: W101, `input 32x32x3`; W103, `K=4 -1`; W106, `fc 1.000`; W109,
`# lint: off W999`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from cnnspec.diagnostics import Diagnostic, Edit, Source, Span
from cnnspec.elaborate.text_facts import nodes
from cnnspec.language import tree
from cnnspec.ops.base import written_shape

_OFF = re.compile(r"#[ \t]*lint:[ \t]*off\b")
_NO_OFF = re.compile(
    r"#[ \t]*(?:lint|cnnspec|noqa|ignore|disable)[ \t]*[:=]?[ \t]*(?:off|ignore|disable)?[ \t]*[:=]?"
    r"((?:[ \t,]*[Ww][0-9]{3})+)[ \t]*"
)
_APART = re.compile(r"[ \t][-+][^ \t>]")

_THOUSANDS = re.compile(r"(?<![\w.])[1-9][0-9]{0,2}\.000(?![\w.])")

_SMALLEST_IMAGE = 16
"""The smallest number of rows for an image in a batch: a volume of 64x3x7x7 is usual deep in a network."""
COLOURS = (1, 3, 4)
"""The channels of an image: grey, red-green-blue, and with transparency."""


def lint_text(file: tree.File, source: Source) -> Iterator[Diagnostic]:
    """The lints that need only the text, in its order."""
    for statement in file.statements:
        if isinstance(statement, tree.Input):
            yield from channels_last(statement)
    for comment in file.comments:
        yield from not_a_lint(comment)
    thousands = _THOUSANDS.search(source.text) is not None
    if not thousands and not _APART.search(source.text):  # avoids a walk over the whole tree
        return
    for node in nodes(file.statements):
        if thousands and isinstance(node, tree.LayerStep):
            yield from thousands_parted(node)
        if isinstance(node, (tree.LetterArgument, tree.NamedArgument)):
            yield from apart(node.value, source)


def switched_off(comment: tree.Comment) -> dict[str, Span]:
    """The codes that `# lint: off W203 W204` names, each with its place."""
    match = _OFF.match(comment.text)
    if match is None:
        return {}
    words = re.compile(r"\b[A-Za-z][0-9]+\b").finditer(comment.text, match.end())
    start = comment.span.start
    return {word.group().upper(): Span(start + word.start(), start + word.end()) for word in words}


def not_a_lint(comment: tree.Comment) -> Iterator[Diagnostic]:
    """W109: a comment that names an unknown code, or a code that cannot be switched off."""
    if _OFF.match(comment.text) is None:
        if (odd := _NO_OFF.fullmatch(comment.text)) is not None:
            way = f"write `# lint: off {' '.join(re.findall(r'[Ww][0-9]+', odd[1])).upper()}`"
            yield Diagnostic("W109", "this comment switches off no lint", comment.span, help=way)
        return
    from cnnspec.diagnostics import pages

    codes = switched_off(comment)
    if not codes:
        way = "name it, as in `# lint: off W203`"
        yield Diagnostic("W109", "this comment switches off no lint", comment.span, help=way)
    for code, span in codes.items():
        if code.startswith("E"):
            way = "only lints (W…) can be switched off"
            yield Diagnostic("W109", f"{code} is an error", span, help=way)
        elif pages.page(code) is None:
            yield Diagnostic("W109", f"{code} is not a lint", span, help="`cnnspec explain codes` lists them")


def channels_last(statement: tree.Input) -> Iterator[Diagnostic]:
    """W101: `32x32x3`. A shape is CxHxW; this one looks like HxWxC, NxCxHxW, or HxW."""
    reading = _meant(statement.shape)
    if reading is None:
        return
    yield Diagnostic(
        "W101",
        f"this input has {as_channels_first(statement.shape)}",
        statement.shape.span,
        note=_FORMS[len(statement.shape.dims)],
        help=f"write `{reading.shape}`",
        fix=(Edit(statement.shape.span, reading.shape),),
    )


_FORMS = {
    2: "two sizes are a signal, CxW: channels, positions; an image is CxHxW",
    3: "shapes are CxHxW: channels, rows, columns",
    4: "four sizes are a volume, CxTxHxW: channels, planes, rows, columns",
}


class _Meant(NamedTuple):
    """The order that a shape looks like, and how it is written here."""

    order: str
    shape: str


def _meant(shape: tree.Dims) -> _Meant | None:
    """The order of axes that an input's shape was probably written in; None where it looks right."""
    sizes = [int(dim.value) for dim in shape.dims if isinstance(dim, tree.Number)]
    if not 2 <= len(sizes) == len(shape.dims) <= 4:
        return None
    first, last = sizes[0], sizes[-1]
    if last in COLOURS and first not in COLOURS and min(sizes[:-1]) > 4:
        orders = {2: "LxC", 3: "HxWxC", 4: "TxHxWxC"}
        return _Meant(orders[len(sizes)], written_shape([last, *sizes[:-1]]))
    batch = len(sizes) == 4 and sizes[1] in (1, 3) and (first not in COLOURS or first == 1 != sizes[1])
    if batch and min(sizes[2:]) >= _SMALLEST_IMAGE:
        return _Meant("NxCxHxW", written_shape(sizes[1:]))
    if len(sizes) == 2 and first == last > 4:
        return _Meant("HxW", f"1x{first}x{last}")
    return None


def as_channels_first(shape: tree.Dims) -> str:
    """The meaning of a shape as it is written: `32x32x3` has 32 channels of 32x3."""
    reading = _meant(shape)
    first, *others = (int(dim.value) for dim in shape.dims if isinstance(dim, tree.Number))
    of = written_shape(others) if len(others) > 1 else f"{others[0]} number{'s' if others[0] != 1 else ''}"
    order = reading.order if reading else ""
    return f"{first} channel{'s' if first != 1 else ''} of {of}; it looks like {order}"


def apart(value: tree.Value, source: Source) -> Iterator[Diagnostic]:
    """W103: `K=4 -1` is K = 3, though it looks like K = 4 and another argument."""
    if not isinstance(value, tree.Binary) or value.operator not in ("+", "-"):
        return
    between = source.text[value.left.span.end : value.right.span.start]
    before, _, behind = between.partition(value.operator)
    if before.strip(" \t") == "" != before and behind == "":
        whole = source.text[value.span.start : value.span.end]
        left = source.text[value.left.span.start : value.left.span.end]
        right = source.text[value.right.span.start : value.right.span.end]
        plain = f"{left}{value.operator}{right}"
        yield Diagnostic(
            "W103",
            f"`{whole}` is one number, {plain}",
            value.span,
            help=f"write it without the space, {plain}, or in parentheses",
            fix=(Edit(value.span, plain),),
            safe=True,
        )


def thousands_parted(step: tree.LayerStep) -> Iterator[Diagnostic]:
    """W106: `fc 1.000`, where a count is expected and the value is 1."""
    from cnnspec.elaborate.binding import slots_of
    from cnnspec.ops import lookup

    op = lookup(step.word)
    slots = slots_of(op) if op is not None else None
    for argument in step.arguments:
        value = argument.value
        if slots is None or not isinstance(value, tree.Number) or not _THOUSANDS.fullmatch(value.text):
            continue
        if isinstance(argument, tree.LetterArgument):
            kinds = {slots.letters[argument.letter][1].kind} if argument.letter in slots.letters else set()
        elif isinstance(argument, tree.NamedArgument):
            kinds = {slots.keywords[argument.name][1].kind} if argument.name in slots.keywords else set()
        else:
            kinds = {declared.kind for _, declared in slots.places}
        if kinds and kinds <= {"integer", "sizes", "shape"}:
            plain = value.text.replace(".", "")
            yield Diagnostic(
                "W106",
                f"`{value.text}` is the number {value.value}: a point does not separate thousands",
                value.span,
                help=f"write `{plain}`, or `{value.value}` if that is what you mean",
                fix=(Edit(value.span, plain),),
            )
