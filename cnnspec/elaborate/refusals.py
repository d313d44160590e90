"""What does not fit when arguments are bound, in words: looked at only once something is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from cnnspec.diagnostics import Edit, Sink, Span
from cnnspec.diagnostics.foreign import ARGUMENTS, UNNEEDED
from cnnspec.diagnostics.suggest import fold, nearest
from cnnspec.elaborate.binding import Bound, Slots, written_or
from cnnspec.elaborate.values import NoValue, shown
from cnnspec.language import tree
from cnnspec.language.write import write_expr
from cnnspec.ops import lookup
from cnnspec.ops.base import Argument, Init, Op


def surplus(
    slots: Slots,
    word: str,
    argument: tree.PositionalArgument,
    left: Iterator[tree.Argument],
) -> NoValue:
    """E202 for a value without a name where none may stand; of `stride 2` the 2 is taken from `left`."""
    value, span = argument.value, argument.span
    message = f"`{word}` does not take {what(value)} here"
    if isinstance(value, tree.Name):
        near = nearest(value.name, [*slots.flags, *slots.keywords], ARGUMENTS)
        if near:
            return NoValue("E202", f"`{word}` has no `{value.name}`", span, f"did you mean `{near}`?")
        letter = ARGUMENTS.get(fold(value.name))
        if letter in slots.letters:
            following = next(left, None)
            if following is not None:
                span = Span(span.start, following.span.end)
            text = written_or(following.value) if following is not None else "…"
            way = f"{letter}{text}" if _glued(text) else f"{letter}={text}"
            fix = (Edit(span, way),) if following is not None and "…" not in text else ()
            return NoValue("E202", f"`{word}` has no `{value.name}`", span, f"write {way}", fix=fix)
        if lookup(value.name) is not None:
            way = f"-> {value.name}"
            return NoValue(
                "E202",
                message,
                span,
                f"a layer is a step of its own: write {way}",
                fix=(Edit(span, way),),
            )
    elif slots.letters and not slots.places:
        needed = (letter for letter, (name, _) in slots.letters.items() if slots.required(name))
        samples = " ".join(map(_lettered, needed))
        advice = f"numbers have their letter before them, as in `{word} {samples or _lettered('F')}`"
        return NoValue("E202", message, span, advice)
    return NoValue("E202", message, span, help=f"`{word}` takes {slots.listed()}")


def no_letter(slots: Slots, word: str, argument: tree.LetterArgument) -> NoValue:
    """E202 for a letter that the layer does not have."""
    letters = " ".join(slots.letters)
    return NoValue(
        "E202",
        f"`{word}` has no {argument.letter}",
        argument.span,
        help=f"`{word}` takes {letters}" if letters else f"`{word}` takes {slots.listed()}",
    )


def no_keyword(slots: Slots, word: str, argument: tree.NamedArgument) -> NoValue:
    """E202 for a `name=` that the layer does not have, with what it is called here."""
    message, span = f"`{word}` has no `{argument.name}=`", argument.name_span
    unneeded = UNNEEDED.get(fold(argument.name))
    if unneeded is not None:
        return NoValue("E202", message, span, help=unneeded)
    near = nearest(argument.name, [*slots.keywords, *slots.flags, *slots.letters], ARGUMENTS)
    if argument.name in dict(slots.places):
        near = ""
    if near is None and ARGUMENTS.get(fold(argument.name)) == "K" and slots.places:
        near = ""
    if near is None:
        return NoValue("E202", message, span, help=f"`{word}` takes {slots.listed()}")
    if near in slots.flags and near not in slots.keywords:
        return NoValue("E202", message, span, help=f"`{near}` is a word by itself, without `=`")
    text = written_or(argument.value)
    if near in slots.letters and _glued(text):
        way = f"{near}{text}"
    else:
        way = f"{near}={text}" if near else text
    return NoValue("E202", message, span, help=f"write {way}", fix=(Edit(argument.span, way),))


def refused(
    sink: Sink, op: type[Op], word: str, word_span: Span, slots: Slots, bound: Bound, detail: Any
) -> None:
    """What pydantic refused, as E203, E204 or E205."""
    name = str(detail["loc"][0]) if detail["loc"] else None
    argument = slots.fields.get(name) if name else None
    if detail["type"] == "missing" and argument is not None:
        sink.report(
            "E203",
            f"`{word}` needs {how(argument)}: {argument.doc}",
            word_span,
            help=f"for instance {_sample(word, argument)}",
        )
        return
    span = bound.spans.get(name or "", word_span)
    if detail["type"] in ("value_error", "assertion_error"):
        message = str(detail["ctx"]["error"])
        sink.report("E204" if "exclude" in message else "E205", message, span)
        return
    wanted = str(detail["msg"]).replace("Input should be", "it must be")
    value = detail["input"]
    told = _told(value)
    subject = how(argument) if argument is not None else "this"
    way = f"for instance {_sample(word, argument)}" if argument is not None else ""
    if any(finding.code == "E108" and finding.span.start == span.start for finding in sink):
        return  # its sign has been told
    sink.report("E205", f"{subject} of `{word}` cannot be {told}: {wanted}", span, help=way)


def _told(value: Any) -> str:
    """The refused value as a spec writes it."""
    if isinstance(value, Init):
        return value.scheme if value.value is None else f"{value.scheme}({value.value})"
    if isinstance(value, (int, Fraction, str)):
        return shown(value)
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(size, int) for size in value):
        return shown(value)
    return "this"


def how(argument: Argument) -> str:
    if argument.letter:
        return argument.letter
    if argument.keyword:
        return f"`{argument.keyword}=`"
    return "a value"


def _glued(text: str) -> bool:
    """Whether a letter's value stands right behind it: `3`, `1x7`, `same`."""
    return text == "same" or text.replace("x", "").isdigit()


_USUAL = {"K": 64, "F": 3, "G": 32}


def _lettered(letter: str) -> str:
    """`F3`, `K64`: a letter with a number that is often behind it."""
    return f"{letter}{_USUAL.get(letter, 1)}"


def _sample(word: str, argument: Argument) -> str:
    if argument.letter:
        return f"`{word} {_lettered(argument.letter)}`"
    samples = {
        "shape": "7x7",
        "tensor": "@label",
        "range": "0:16",
        "init": "he",
        "matrix": "[1 0 -1]",
        "number": "0.5",
    }
    value = samples.get(argument.kind, "2")
    return f"`{word} {value}`" if argument.positional is not None else f"`{word} {argument.keyword}={value}`"


def what(value: tree.Value) -> str:
    match value:
        case tree.Dims():
            return "a size"
        case tree.Range():
            return "a range"
        case tree.Matrix():
            return "a matrix"
        case tree.Reference():
            return f"the tensor @{value.name}"
        case tree.Same():
            return "`same`"
        case tree.Name():
            return f"`{value.name}`"
        case _:
            return f"the value {write_expr(value)}"
