"""Arguments that a layer does not take, with their form in this language. Used only once an argument is in
error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cnnspec.diagnostics import Edit, Span
from cnnspec.diagnostics.suggest import fold, nearest
from cnnspec.elaborate.binding import Slots, written_or
from cnnspec.elaborate.other_starts import start_of
from cnnspec.elaborate.other_words import lettered
from cnnspec.elaborate.refused_values import NO_NEGATIVE_PADDING
from cnnspec.elaborate.step_as_whole import BARE_VALUES
from cnnspec.elaborate.values import NoValue
from cnnspec.language import tree
from cnnspec.language.write import write_expr
from cnnspec.notations.words import ARGUMENTS, UNNEEDED
from cnnspec.ops import lookup

if TYPE_CHECKING:
    pass


def refusal(
    message: str, span: Span, way: str, instead: str | None = None, at: Span | None = None
) -> NoValue:
    """E202 with its help; `instead` is the text that replaces `at` (or the marked text)."""
    fix = () if instead is None else (Edit(at or span, instead),)
    return NoValue("E202", message, span, way, fix=fix)


def surplus(
    slots: Slots, word: str, argument: tree.PositionalArgument, left: Iterator[tree.Argument]
) -> NoValue:
    """E202 for a value without a name where none is allowed; the 2 of `stride 2` is taken from `left`."""
    value, span = argument.value, argument.span
    message = f"`{word}` does not take {what(value)} here"
    if isinstance(value, tree.Name):
        return _surplus_word(slots, word, value, span, message, left)
    if isinstance(value, tree.Dims) and len(value.dims) == 3:
        return refusal(message, span, f"a claimed shape follows the layer: `=> {written_or(value)}`")
    if word in ("bn", "in", "ln") and isinstance(value, tree.Number):
        way = "leave it out: the number of input channels is known"
        return refusal(message, span, way, "", Span(span.start - 1, span.end))
    if word == "scale":
        factor = written_or(value)
        way = f"a constant factor is `times {factor}`, a trained one that starts there `scale init={factor}`"
        return refusal(message, span, way)
    match value:
        case tree.Binary("-", tree.Name(letter), tree.Number(text=text)) if letter in slots.letters:
            # `P-1`, which reads as a difference
            least, way = (0, NO_NEGATIVE_PADDING) if letter == "P" else (1, f"write `{letter}{text}`")
            message = f"{letter} of `{word}` cannot be -{text}: it must be at least {least}"
            fix = (Edit(span, f"{letter}{text}"),) if least else ()
            return NoValue("E205", message, span, way, fix=fix)
    if word == "relu" and isinstance(value, tree.Number) and value.text == "6":
        return refusal(message, span, "write `relu6`, which ends at 6", "6", Span(span.start - 1, span.end))
    if word == "prelu" and isinstance(value, tree.Number):
        way = "its slopes are trained, and begin at 0.25" + "; leave the number out" * (value.text == "0.25")
        return refusal(message, span, f"{way}; `leaky {value.text}` has a constant slope")
    if slots.letters and not slots.places:
        needed = [letter for letter, (name, _) in slots.letters.items() if slots.required(name)]
        if len(needed) == 1 and isinstance(value, tree.Number):
            return refusal(
                message, span, f"write `{word} {needed[0]}{value.text}`", f"{needed[0]}{value.text}"
            )
        samples = " ".join(map(lettered, needed)) or lettered("F")
        return refusal(message, span, f"each number follows its letter, as in `{word} {samples}`")
    return refusal(message, span, f"`{word}` takes {slots.listed()}")


def _surplus_word(
    slots: Slots, word: str, value: tree.Name, span: Span, message: str, left: Iterator[tree.Argument]
) -> NoValue:
    """E202 for a word that is not a flag of the layer."""
    name = value.name
    if name.upper() in slots.letters:
        mark = name.upper()
        way = f"a number directly follows its letter: `{lettered(mark)}`; a name follows `=`"
        return refusal(f"`{word}` has `{name}` without its number", span, way)
    if re.fullmatch(f"[{''.join(slots.letters)}_][a-z]", name):
        way = f"a name follows `=`: `{name[0]}={name[1]}`, defined above by `let {name[1]} = …`"
        return refusal(message, span, way)
    if slots.letters and re.fullmatch(r"[A-Za-z][0-9]+(?:x[0-9]+){0,2}", name):
        way = "its letters are " + ", ".join(f"{letter} {_MEANING[letter]}" for letter in slots.letters)
        return refusal(f"`{word}` has no letter {name[0]}", span, way)
    if "P" in slots.letters and fold(name) in ("same", "valid"):
        way = "Psame" if fold(name) == "same" else "P0"
        return refusal(message, span, f"padding is a letter: write `{way}`", way)
    if name in ("no", "without", "with"):
        following = next(left, None)
        flag = following.value.name if following and isinstance(following.value, tree.Name) else ""
        flag = flag if name == "with" else f"no{flag}"
        if following is not None and flag in slots.flags:
            both = Span(span.start, following.span.end)
            return refusal(f"`{word}` has no `{name}`", both, f"write `{flag}`", flag)
    argument_meant = ARGUMENTS.get(fold(name))
    near = (
        None if argument_meant in slots.letters else nearest(name, [*slots.flags, *slots.keywords], ARGUMENTS)
    )
    if near:
        instead = near if near in slots.flags else None
        return refusal(f"`{word}` has no `{name}`", span, f"did you mean `{near}`?", instead)
    glued = re.fullmatch(r"([A-Za-z]+)([0-9]+)", name)
    if glued is not None and (letter := ARGUMENTS.get(fold(glued[1]))) in slots.letters:
        return refusal(
            f"`{word}` has no `{name}`", span, f"write `{letter}{glued[2]}`", f"{letter}{glued[2]}"
        )
    if argument_meant in slots.letters:
        following = next(left, None)
        if following is None and argument_meant == "K":
            return refusal(f"`{word}` has no `{name}`", span, f"leave `{name}` out: the number is enough", "")
        if following is None:
            return refusal(f"`{word}` has no `{name}`", span, f"write `{argument_meant}=…`")
        if (
            argument_meant == "P"
            and isinstance(following.value, tree.Name)
            and following.value.name in _BORDERS
        ):
            span = Span(span.start, following.span.end)
            return refusal(f"`{word}` has no `{name}`", span, "padding is with zeros; P says how much: `P1`")
        way = with_letter(argument_meant, written_or(following.value))
        span = Span(span.start, following.span.end)
        return refusal(f"`{word}` has no `{name}`", span, f"write `{way}`", way if "…" not in way else None)
    if lookup(name) is not None:
        return refusal(message, span, f"a layer is a separate step: write `-> {name}`", f"-> {name}")
    if (known := UNNEEDED.get(fold(name))) is not None and known.startswith("leave it out"):
        return refusal(message, span, known, "", _with_gap(span))
    if not (slots.letters or slots.places or slots.keywords or slots.flags):
        return refusal(message, span, f"leave it out: `{word}` takes no argument", "", _with_gap(span))
    return refusal(message, span, f"`{word}` takes {slots.listed()}")


_MEANING = {
    "F": "size", "S": "stride", "P": "padding", "K": "filters", "G": "groups", "D": "dilation",
}  # fmt: skip


def no_argument(slots: Slots, word: str, argument: tree.LetterArgument | tree.NamedArgument) -> NoValue:
    """E202 for a letter or a `name=` that the layer does not have, with its name here."""
    if isinstance(argument, tree.LetterArgument):
        text = written_or(argument.value)
        if slots.places and not slots.letters and text != "…":
            way = f"write `{word} {text}`"
            return refusal(f"`{word}` has no {argument.letter}", argument.span, way, text)
        way = f"`{word}` takes {' '.join(slots.letters) or slots.listed()}"
        return refusal(f"`{word}` has no {argument.letter}", argument.span, way)
    message, span = f"`{word}` has no `{argument.name}=`", argument.name_span
    if isinstance(argument.value, tree.Name) and argument.value.name in slots.flags:
        return refusal(message, span, f"write `{argument.value.name}`", argument.value.name, argument.span)
    name, text = fold(argument.name), written_or(argument.value)
    if name in _SWITCHES and (true := _TRUTHS.get(text.lower())) is not None:
        flag = _SWITCHES[name][true]
        if flag in slots.flags:
            return refusal(message, span, f"write `{flag}`", flag, argument.span)
        return refusal(message, span, "leave it out: it is so by default", "", _with_gap(argument.span))
    if name == "weights" and isinstance(argument.value, tree.Name):
        way = "leave it out: weights are random; `init=he` chooses how"
        return refusal(message, span, way, "", _with_gap(argument.span))
    unneeded = UNNEEDED.get(name)
    if argument.name in ("in", "cin", "dim", "axis"):
        unneeded = "leave it out: the input is known"
    if unneeded is not None:
        left_out = unneeded.startswith("leave it out")
        return refusal(message, span, unneeded, "" if left_out else None, _with_gap(argument.span))
    near = _meant(slots, word, argument.name)
    if near is None:
        return refusal(message, span, f"`{word}` takes {slots.listed()}")
    if near in slots.flags and near not in slots.keywords:
        true = text.lower() in ("true", "1")
        way = f"`{near}` is a word by itself, without `=`"
        return refusal(message, span, way, near if true else None, argument.span)
    if near == "G" and fold(text) in ("depthwise", "dw", "channels", "inchannels", "cin"):
        way = "a depthwise convolution is a separate layer: write `dwconv` in place of `conv`"
        return refusal(message, argument.span, way)
    if near == "init":
        text = start_of(text) or text
    way = with_letter(near, text) if near in slots.letters else f"{near}={text}" if near else text
    return refusal(message, span, f"write `{way}`", way, argument.span)


_TRUTHS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_SWITCHES = {
    **dict.fromkeys(("trainable", "requiresgrad"), ("frozen", "")),
    **dict.fromkeys(("freeze", "fixed", "frozen"), ("", "frozen")),
    "aligncorners": ("", "corners"),
    "affine": ("noaffine", ""),
}
"""Arguments of other tools that are true or false: the word here for false, and the one for true."""


_BORDERS = ("zeros", "zero", "constant")


def _with_gap(span: Span) -> Span:
    """The place of an argument with the blank before it."""
    return Span(span.start - 1, span.end)


def _meant(slots: Slots, word: str, name: str) -> str | None:
    """The letter, keyword or flag for an unknown `name=`; "" for a value without a name."""
    plain = fold(name)
    bare = ARGUMENTS.get(plain) == "K" or plain in BARE_VALUES
    if name in dict(slots.places):
        return ""
    if word == "lrn" and plain in ("n", "localsize"):
        return "size"
    if name in ("out", "cout") and "K" in slots.letters:
        near: str | None = "K"
    elif name in slots.flags:  # `nobias=1`
        return name
    else:
        near = nearest(name, [*slots.keywords, *slots.flags, *slots.letters], ARGUMENTS)
    if near is None:
        return "" if slots.places and bare else None
    is_first = near in slots.letters and slots.places and slots.places[0][0] == slots.letters[near][0]
    return "" if is_first else near  # `fc 10`


def meant_field(slots: Slots, word: str, argument: tree.Argument) -> str | None:
    """The field that an argument in error is for; None if that is unknown."""
    match argument:
        case tree.LetterArgument(letter=name) | tree.NamedArgument(name=name):
            near: str | None = name
            if name not in slots.letters and name not in slots.keywords:
                near = _meant(slots, word, name)
        case tree.PositionalArgument(tree.Name(name)):
            near = nearest(name, [*slots.flags, *slots.keywords], ARGUMENTS) or ARGUMENTS.get(fold(name))
        case _:
            return None
    entry = slots.letters.get(near or "") or slots.keywords.get(near or "") or slots.flags.get(near or "")
    return entry[0] if entry is not None else None


def with_letter(letter: str | None, text: str) -> str:
    """`F3`, `P1x7`, `Psame`; `K=4*k` where the value does not stand right after its letter."""
    glued = text == "same" or text.replace("x", "").isdigit()
    return f"{letter}{text}" if glued else f"{letter}={text}"


def what(value: tree.Value) -> str:
    match value:
        case tree.Dims():
            return f"the size {written_or(value)}"
        case tree.Range():
            return "a range"
        case tree.Matrix():
            return "a matrix"
        case tree.Reference():
            return f"the tensor @{value.name}"
        case tree.Same():
            return "`same`"
        case tree.Layers():
            return f"the layers `{written_or(value)}`"
        case tree.Name():
            return f"`{value.name}`"
        case _:
            return f"the value {write_expr(value)}"
