"""What does not fit when arguments are bound, in words: looked at only once something is wrong."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from cnnspec.diagnostics import Edit, Sink, Span
from cnnspec.diagnostics.suggest import fold, nearest
from cnnspec.elaborate.binding import BoundArguments, Slots, written_or
from cnnspec.elaborate.other_words import foreign_step, meant_as_label
from cnnspec.elaborate.samples import lettered, sample_of
from cnnspec.elaborate.values import NoValue, shown
from cnnspec.language import tree
from cnnspec.language.write import write_expr, write_number
from cnnspec.notations.words import ARGUMENTS, UNNEEDED, layer_word
from cnnspec.ops import lookup
from cnnspec.ops.base import Argument, Init


def together(problems: list[NoValue], text: str, step: tree.LayerStep) -> list[NoValue]:
    """The problems of one step; of a step in another notation that it is, which is one."""
    if (label := meant_as_label(text, step)) is not None and label.code == "E101":
        return [label]
    bare = {
        argument.span
        for argument in step.arguments
        if isinstance(argument, tree.PositionalArgument) and not isinstance(argument.value, tree.Name)
    }
    found = [(argument.span, truth(argument) or _activation(argument, step)) for argument in step.arguments]
    instead = {span: problem for span, problem in found if problem is not None}
    if instead:
        begins = [span.start for span in instead]  # in the order of the text

        def is_covered(problem: NoValue) -> bool:
            at = bisect(begins, problem.span.start) - 1
            return at >= 0 and problem.span.start < ends[at]

        ends = [span.end for span in instead]
        problems = [one for one in problems if not is_covered(one)] + [*instead.values()]
    if any(problem.code == "E202" and problem.span in bare for problem in problems):
        foreign = foreign_step(text, step.span, step.word)
        if foreign is not None:
            return [foreign]
    return problems


def truth(argument: tree.Argument) -> NoValue | None:
    """E202 for `bias=False` and `bias=True`."""
    if not isinstance(argument, tree.NamedArgument) or not isinstance(argument.value, tree.Name):
        return None
    value, name = argument.value.name.lower(), fold(argument.name)
    if name not in ("bias", "usebias") or value not in ("true", "false", "none", "no", "yes"):
        return None
    way = "bias" if value in ("true", "yes") else "nobias"
    return NoValue(
        "E202",
        "whether there is a bias is said by a word alone",
        argument.span,
        help=f"write `{way}`",
        fix=(Edit(argument.span, way),),
    )


def _activation(argument: tree.Argument, step: tree.LayerStep) -> NoValue | None:
    """E202 for `activation=relu`."""
    if not isinstance(argument, tree.NamedArgument) or fold(argument.name) != "activation":
        return None
    word = layer_word(argument.value.name) if isinstance(argument.value, tree.Name) else None
    way = f"-> {word}"
    return NoValue(
        "E202",
        f"`{step.word}` has no `{argument.name}=`; an activation is a step of its own",
        argument.span,
        help=f"write `{way if word else '-> relu'}` behind it",
        fix=(Edit(argument.span, way),) if word and argument.span.end == step.span.end else (),
    )


def surplus(
    slots: Slots,
    word: str,
    argument: tree.PositionalArgument,
    left: Iterator[tree.Argument],
) -> NoValue:
    """E202 for a value without a name where none may stand; of `stride 2` the 2 is taken from `left`."""
    value, span = argument.value, argument.span
    message = f"`{word}` does not take {what(value)} here"
    if isinstance(value, tree.Name) and value.name.upper() in slots.letters:
        return NoValue(
            "E202", f"`{word}` has `{value.name}` without its number", span,
            f"it stands right behind its letter: `{lettered(value.name.upper())}`",
        )  # fmt: skip
    if isinstance(value, tree.Name) and re.fullmatch(f"[{''.join(slots.letters)}_][a-z]", value.name):
        letter, name = value.name[0], value.name[1]
        return NoValue(
            "E202", message, span,
            f"a value by its name follows `=`: `{letter}={name}`, and `let {name} = …` stands above",
        )  # fmt: skip
    if (
        isinstance(value, tree.Name)
        and slots.letters
        and re.fullmatch(r"[A-Za-z][0-9]+(?:x[0-9]+)?", value.name)
    ):
        return NoValue(
            "E202", f"`{word}` has no letter {value.name[0]}", span,
            "its letters are " + ", ".join(f"{letter} {_MEANING[letter]}" for letter in slots.letters),
        )  # fmt: skip
    if isinstance(value, tree.Dims) and len(value.dims) == 3:
        return NoValue(
            "E202", message, span, f"a shape is claimed behind the layer: `=> {written_or(value)}`"
        )
    if isinstance(value, tree.Name) and "P" in slots.letters and fold(value.name) in ("same", "valid"):
        way = "Psame" if fold(value.name) == "same" else "P0"
        return NoValue("E202", message, span, f"padding is a letter: write `{way}`", fix=(Edit(span, way),))
    if isinstance(value, tree.Name):
        near = nearest(value.name, [*slots.flags, *slots.keywords], ARGUMENTS)
        if near:
            fix = (Edit(span, near),) if near in slots.flags else ()
            return NoValue(
                "E202", f"`{word}` has no `{value.name}`", span, f"did you mean `{near}`?", fix=fix
            )
        meant = ARGUMENTS.get(fold(value.name))
        if meant in slots.letters:
            following = next(left, None)
            if following is not None:
                span = Span(span.start, following.span.end)
            text = written_or(following.value) if following is not None else "…"
            way = f"{meant}{text}" if _glued(text) else f"{meant}={text}"
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
    elif word in ("bn", "in", "ln") and isinstance(value, tree.Number):
        way = "leave it out: the depth of what arrives is known"
        return NoValue("E202", message, span, way, fix=(Edit(Span(span.start - 1, span.end), ""),))
    elif word == "scale":
        factor = written_or(value)
        way = f"a constant factor is `times {factor}`, a trained one that starts there `scale init={factor}`"
        return NoValue("E202", message, span, way)
    elif (negative := _negative(slots, word, value)) is not None:
        return negative
    elif slots.letters and not slots.places:
        needed = (letter for letter, (name, _) in slots.letters.items() if slots.required(name))
        samples = " ".join(map(lettered, needed))
        advice = f"numbers have their letter before them, as in `{word} {samples or lettered('F')}`"
        return NoValue("E202", message, span, advice)
    return NoValue("E202", message, span, help=f"`{word}` takes {slots.listed()}")


def _negative(slots: Slots, word: str, value: tree.Value) -> NoValue | None:
    """E205 for `P-1`, which reads as a difference."""
    match value:
        case tree.Binary("-", tree.Name(letter), tree.Number(text=text)) if letter in slots.letters:
            least = 0 if letter == "P" else 1
            return NoValue(
                "E205",
                f"{letter} of `{word}` cannot be -{text}: it is at least {least}",
                value.span,
                NO_NEGATIVE_PADDING if letter == "P" else f"write `{letter}{text}`",
                fix=(Edit(value.span, f"{letter}{text}"),) if letter != "P" else (),
            )
    return None


def no_letter(slots: Slots, word: str, argument: tree.LetterArgument) -> NoValue:
    """E202 for a letter that the layer does not have."""
    letters = " ".join(slots.letters)
    return NoValue(
        "E202",
        f"`{word}` has no {argument.letter}",
        argument.span,
        help=f"`{word}` takes {letters}" if letters else f"`{word}` takes {slots.listed()}",
    )


_MEANING = {
    "F": "size", "S": "stride", "P": "padding", "K": "filters", "G": "groups", "D": "dilation",
}  # fmt: skip
_INITS = {
    **dict.fromkeys(("henormal", "heuniform", "kaimingnormal", "kaiminguniform", "kaiming", "msra"), "he"),
    **dict.fromkeys(("glorotnormal", "glorotuniform", "xaviernormal", "xavieruniform", "glorot"), "xavier"),
}
_BARE_VALUES = (
    *("scale", "scalefactor", "factor", "rate", "prob", "p"),
    *("alpha", "slope", "negativeslope", "ratio"),
)
"""What other tools call the bare value of a layer: `upsample scale=2`."""


def no_keyword(slots: Slots, word: str, argument: tree.NamedArgument) -> NoValue:
    """E202 for a `name=` that the layer does not have, with what it is called here."""
    message, span = f"`{word}` has no `{argument.name}=`", argument.name_span
    if isinstance(argument.value, tree.Name) and argument.value.name in slots.flags:
        way = argument.value.name
        return NoValue("E202", message, span, f"write `{way}`", fix=(Edit(argument.span, way),))
    unneeded = UNNEEDED.get(fold(argument.name))
    if argument.name in ("in", "cin", "dim", "axis"):
        unneeded = "leave it out: what arrives is known"
    if unneeded is not None:
        left_out = unneeded.startswith("leave it out") and fold(argument.name) != "aligncorners"
        fix = (Edit(Span(argument.span.start - 1, argument.span.end), ""),) if left_out else ()
        return NoValue("E202", message, span, help=unneeded, fix=fix)
    near: str | None = argument.name  # `nobias=1`
    if near not in slots.flags:
        near = nearest(argument.name, [*slots.keywords, *slots.flags, *slots.letters], ARGUMENTS)
    if argument.name in ("out", "cout") and "K" in slots.letters:
        near = "K"
    if word == "lrn" and fold(argument.name) in ("n", "localsize"):
        near = "size"
    if argument.name in dict(slots.places):
        near = ""
    if near is None and slots.places:
        if ARGUMENTS.get(fold(argument.name)) == "K" or fold(argument.name) in _BARE_VALUES:
            near = ""
    if near is None:
        return NoValue("E202", message, span, help=f"`{word}` takes {slots.listed()}")
    if near in slots.flags and near not in slots.keywords:
        true = written_or(argument.value).lower() in ("true", "1")
        fix = (Edit(argument.span, near),) if true else ()
        return NoValue("E202", message, span, help=f"`{near}` is a word by itself, without `=`", fix=fix)
    text = written_or(argument.value)
    if near == "init":
        text = _INITS.get(fold(text), text)
    if near in slots.letters and slots.places and slots.places[0][0] == slots.letters[near][0]:
        near = ""  # `fc 10`
    if near in slots.letters and _glued(text):
        way = f"{near}{text}"
    else:
        way = f"{near}={text}" if near else text
    return NoValue("E202", message, span, help=f"write {way}", fix=(Edit(argument.span, way),))


def missing(sink: Sink, step: tree.LayerStep, text: str, needed: list[Argument]) -> None:
    """E203 for what a layer cannot do without."""
    if any(one.code == "E102" and step.span.start <= one.span.start < step.span.end for one in sink):
        return  # its notation comes first
    meaning = f": {needed[0].doc}" if len(needed) == 1 else ""
    written = text[step.span.start : step.span.end]
    sample = " ".join([written if len(written) < 60 else step.word, *map(sample_of, needed)])
    sink.report(
        "E203",
        f"`{step.word}` needs {' and '.join(map(how, needed))}{meaning}",
        step.word_span,
        help=f"for instance `{sample}`",
    )


def refused(sink: Sink, word: str, word_span: Span, slots: Slots, bound: BoundArguments, detail: Any) -> None:
    """What pydantic refused, as E205."""
    name = str(detail["loc"][0]) if detail["loc"] else None
    argument = slots.fields.get(name) if name else None
    span = bound.spans.get(name or "", word_span)
    if detail["type"] in ("value_error", "assertion_error"):
        sink.report("E205", str(detail["ctx"]["error"]), span)
        return
    wanted = str(detail["msg"]).replace("Input should be", "it must be")
    for long, short in _BOUNDS:
        wanted = wanted.replace(long, short)
    value = detail["input"]
    text = _as_written(value)
    subject = how(argument) if argument is not None else "this"
    way = f"for instance `{sample_of(argument)}`" if argument is not None else ""
    if argument is not None and argument.letter == "P":
        way = NO_NEGATIVE_PADDING
    if any(finding.code == "E108" and finding.span.start == span.start for finding in sink):
        return  # its sign is reported already
    sink.report("E205", f"{subject} of `{word}` cannot be {text}: {wanted}", span, help=way)


def _as_written(value: Any) -> str:
    """The refused value as a spec writes it."""
    if isinstance(value, Init):
        return value.scheme if value.value is None else f"{value.scheme}({value.value})"
    if isinstance(value, Fraction):
        return write_number(value)
    if isinstance(value, (int, str)):
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


_BOUNDS = (
    ("it must be greater than or equal to ", "it is at least "),
    ("it must be less than or equal to ", "it is at most "),
    ("it must be greater than ", "it is more than "),
    ("it must be less than ", "it is less than "),
)
NO_NEGATIVE_PADDING = "padding adds zeros around a map, and `P0` adds none; `crop` cuts a border off"


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
