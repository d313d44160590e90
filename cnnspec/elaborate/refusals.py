"""What does not fit when arguments are bound, in words: looked at only once something is wrong."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from cnnspec.diagnostics import Edit, Span
from cnnspec.diagnostics.suggest import fold, nearest
from cnnspec.elaborate.binding import BoundArguments, Slots, slots_of, written_or
from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.elaborate.other_starts import start_of
from cnnspec.elaborate.other_words import foreign_step, lettered, meant_as_label, sample_of
from cnnspec.elaborate.step_as_whole import BARE_VALUES, one_mistake
from cnnspec.elaborate.values import NoValue
from cnnspec.ir.expr import spelled
from cnnspec.language import tree
from cnnspec.language.write import write_argument, write_expr, write_number
from cnnspec.notations.words import ARGUMENTS, UNNEEDED, layer_word
from cnnspec.ops import lookup
from cnnspec.ops.base import Argument, Init, written_init

if TYPE_CHECKING:
    from pydantic import ValidationError


def together(
    problems: list[NoValue], builder: BodyBuilder, step: tree.LayerStep | tree.BranchStep
) -> list[NoValue]:
    """The problems of one step; of a step in another notation that it is, which is one."""
    text = builder.context.text
    label = meant_as_label(text, step)
    if label is not None and label.finding.code == "E101":
        return [label]
    row = re.search(r"(?<![\w@.])([A-Za-z]\w*)\(([^()\r\n]*)\)\(([^()\r\n]*)\)", text[slice(*step.span)])
    if row is not None and any(one.finding.code == "E212" for one in problems):  # `K=rows(i)(0)`
        span = Span(step.span.start + row.start(), step.span.start + row.end())
        plain = f"{row[1]}({row[2]}, {row[3]})"
        message = "an entry of a row is named by both places in one pair of brackets"
        return [NoValue("E101", message, span, f"write `{plain}`", fix=(Edit(span, plain),))]
    if isinstance(step, tree.LayerStep) and (whole := one_mistake(builder, step)) is not None:
        return [whole]
    found = (
        truth(one)
        or _activation(one, step)
        or _border(one, step)
        or _glued_sizes(one)
        or _other_size(one, step)
        for one in step.arguments
    )
    instead = [problem for problem in found if problem is not None]
    if instead:
        starts = [one.finding.span.start for one in instead]  # in the order of the text

        def is_covered(problem: NoValue) -> bool:
            at = bisect(starts, problem.finding.span.start) - 1
            return at >= 0 and problem.finding.span.start < instead[at].finding.span.end

        problems = [one for one in problems if not is_covered(one)] + instead
    bare = {
        argument.span
        for argument in step.arguments
        if isinstance(argument, tree.PositionalArgument) and not isinstance(argument.value, tree.Name)
    }
    if any(one.finding.code == "E202" and one.finding.span in bare for one in problems):
        foreign = foreign_step(text, step.span, step.word)
        if foreign is not None:
            return [foreign]
    return _in_one(problems, step, text)


def _in_one(problems: list[NoValue], step: tree.LayerStep | tree.BranchStep, text: str) -> list[NoValue]:
    """Arguments with other names, `stride=2 padding=1`, are one finding with the whole step."""
    renamed = [one for one in problems if one.finding.code == "E202" and one.finding.fix]
    edits = sorted(edit for one in renamed for edit in one.finding.fix)
    inside = all(step.span.start <= edit.span.start and edit.span.end <= step.span.end for edit in edits)
    if len(renamed) < 2 or not inside or any(a.span.end > b.span.start for a, b in pairwise(edits)):
        return problems
    written, done = "", step.span.start
    for edit in edits:
        written += text[done : edit.span.start] + edit.text
        done = edit.span.end
    written += text[done : step.span.end]
    message = "; ".join(one.finding.message for one in renamed)
    way = f"write `{written}`"
    whole = NoValue("E202", message, renamed[0].finding.span, way, fix=tuple(edits))
    return [whole, *(one for one in problems if one not in renamed)]


def truth(argument: tree.Argument) -> NoValue | None:
    """E202 for `bias=False` and `bias=True`."""
    match argument:
        case tree.NamedArgument(name, tree.Name(value)) if fold(name) in ("bias", "usebias"):
            way = {"false": "nobias", "none": "nobias", "no": "nobias", "true": "bias", "yes": "bias"}.get(
                value.lower()
            )
            if way is not None:
                return _no(
                    "`bias` and `nobias` are words without a value", argument.span, f"write `{way}`", way
                )
    return None


def _activation(argument: tree.Argument, step: tree.LayerStep | tree.BranchStep) -> NoValue | None:
    """E202 for `activation=relu`, `act=relu`."""
    if not isinstance(argument, tree.NamedArgument):
        return None
    if fold(argument.name) not in ("activation", "act", "nonlinearity", "activationfn"):
        return None
    word = layer_word(argument.value.name) if isinstance(argument.value, tree.Name) else None
    last = argument.span.end == step.span.end
    return _no(
        f"`{step.word}` has no `{argument.name}=`; an activation is a separate step",
        argument.span if argument.name == "activation" else argument.name_span,
        f"write `-> {word or 'relu'}` after it",
        f"-> {word}" if word and last else None,
        argument.span,
    )


_BORDERS = {
    **dict.fromkeys(("reflect", "reflection", "symmetric", "mirror"), "reflect"),
    **dict.fromkeys(("replicate", "replication", "edge", "nearest", "border"), "replicate"),
}


def _border(argument: tree.Argument, step: tree.LayerStep | tree.BranchStep) -> NoValue | None:
    """E202 for `pad=reflect`: with the pad layer that is meant, of the step's padding or half its filter."""
    if step.word == "pad" or isinstance(argument, tree.PositionalArgument):
        return None
    name = argument.letter if isinstance(argument, tree.LetterArgument) else argument.name
    mode = _BORDERS.get(fold(argument.value.name)) if isinstance(argument.value, tree.Name) else None
    if mode is None or fold(name) not in ("p", "pad", "padding", "paddingmode", "padmode", "mode"):
        return None
    others = [one for one in step.arguments if one is not argument]
    letters = {one.letter: one for one in others if isinstance(one, tree.LetterArgument)}
    size, filters = letters.get("P"), letters.get("F")
    wide = size.value if size is not None else None
    if size is None and filters is not None and isinstance(filters.value, tree.Number):
        half = filters.value.value // 2
        wide = tree.Number(Fraction(half), str(half), filters.span)
    if not isinstance(wide, tree.Number):
        return _no(
            f"`{step.word}` pads with zeros", argument.span, f"put a layer before it, as in `pad 1 {mode}`"
        )
    layer = " ".join([step.word, *(write_argument(one) for one in others if one is not size)])
    plain = f"pad {wide.text} {mode} -> {layer}"
    return _no(f"`{step.word}` pads with zeros", argument.span, f"write `{plain}`", plain, step.span)


def _glued_sizes(argument: tree.Argument) -> NoValue | None:
    """E205 for `Cx(H*W)` and `CxHxW`: a size that is not a number is written in parentheses."""
    value = argument.value
    if isinstance(value, tree.Function) and re.fullmatch("[CTHW]x", value.name):
        plain = f"({value.name[0]})x({', '.join(map(write_expr, value.arguments))})"
    elif isinstance(value, tree.Name) and re.fullmatch("[CTHW](?:x(?:[CTHW]|[0-9]+))+", value.name):
        sizes = value.name.split("x")
        plain = "x".join(one if one.isdigit() else f"({one})" for one in sizes)
    else:
        return None
    message = "a size that is not a plain number is written in parentheses"
    return NoValue("E205", message, value.span, f"write `{plain}`", fix=(Edit(value.span, plain),))


def _other_size(argument: tree.Argument, step: tree.LayerStep | tree.BranchStep) -> NoValue | None:
    """E202 for a size that is written for something else: `P=valid`, `K3x3`, `fc 784x128`."""
    span = argument.span
    match argument:
        case tree.LetterArgument("P", tree.Name(name)) if fold(name) in ("valid", "none"):
            return _no(f"`{name}` is not a padding", span, "write `P0`: no padding", "P0")
        case tree.LetterArgument("K", tree.Dims((rows, columns))):
            size = _written_pair(rows, columns)
            message = (
                f"K is the number of filters, one number; {write_expr(rows)}x{write_expr(columns)} is a size"
            )
            for other in step.arguments:
                if isinstance(other, tree.LetterArgument) and other.letter == "F":
                    number = written_or(other.value)
                    way = f"write `F{size} K{number}`" if number.isdigit() else f"write `F{size}`"
                    fix = (Edit(span, f"F{size}"), Edit(other.span, f"K{number}")) if number.isdigit() else ()
                    return NoValue("E205", message, span, way, fix=fix)
            return NoValue(
                "E205", message, span, f"the filter size is F: write `F{size}`, and K64 for 64 filters"
            )
        case tree.PositionalArgument(tree.Dims((_, outputs))) if step.word in ("fc", "rbf"):
            way = f"{step.word} {write_expr(outputs)}"
            message = f"`{step.word}` takes the number of outputs only; the number of inputs is known"
            return NoValue("E205", message, span, f"write `{way}`", fix=(Edit(span, write_expr(outputs)),))
        case tree.PositionalArgument(tree.Name(name)) if re.fullmatch("[xX][0-9]+", name):
            op = lookup(step.word)
            if op is not None and slots_of(op).places:
                message = f"`{step.word}` takes a number, not `{name}`"
                return _no(message, span, f"write `{step.word} {name[1:]}`", name[1:])
    return None


def _written_pair(rows: tree.Expr, columns: tree.Expr) -> str:
    """`3` for 3x3, `1x7`."""
    first, second = write_expr(rows), write_expr(columns)
    return first if first == second else f"{first}x{second}"


def _no(message: str, span: Span, way: str, instead: str | None = None, at: Span | None = None) -> NoValue:
    """E202, with the way out; `instead` is what to write in place of `at`, or of what is marked."""
    fix = () if instead is None else (Edit(at or span, instead),)
    return NoValue("E202", message, span, way, fix=fix)


def surplus(
    slots: Slots, word: str, argument: tree.PositionalArgument, left: Iterator[tree.Argument]
) -> NoValue:
    """E202 for a value without a name where none is allowed; of `stride 2` the 2 is taken from `left`."""
    value, span = argument.value, argument.span
    message = f"`{word}` does not take {what(value)} here"
    if isinstance(value, tree.Name):
        return _surplus_word(slots, word, value, span, message, left)
    if isinstance(value, tree.Dims) and len(value.dims) == 3:
        return _no(message, span, f"a claimed shape follows the layer: `=> {written_or(value)}`")
    if word in ("bn", "in", "ln") and isinstance(value, tree.Number):
        way = "leave it out: the number of input channels is known"
        return _no(message, span, way, "", Span(span.start - 1, span.end))
    if word == "scale":
        factor = written_or(value)
        way = f"a constant factor is `times {factor}`, a trained one that starts there `scale init={factor}`"
        return _no(message, span, way)
    match value:
        case tree.Binary("-", tree.Name(letter), tree.Number(text=text)) if letter in slots.letters:
            # `P-1`, which reads as a difference
            least, way = (0, NO_NEGATIVE_PADDING) if letter == "P" else (1, f"write `{letter}{text}`")
            message = f"{letter} of `{word}` cannot be -{text}: it must be at least {least}"
            fix = (Edit(span, f"{letter}{text}"),) if least else ()
            return NoValue("E205", message, span, way, fix=fix)
    if word == "relu" and isinstance(value, tree.Number) and value.text == "6":
        return _no(message, span, "write `relu6`, which ends at 6", "6", Span(span.start - 1, span.end))
    if word == "prelu" and isinstance(value, tree.Number):
        way = "its slopes are trained, and begin at 0.25" + "; leave the number out" * (value.text == "0.25")
        return _no(message, span, f"{way}; `leaky {value.text}` has a constant slope")
    if slots.letters and not slots.places:
        needed = [letter for letter, (name, _) in slots.letters.items() if slots.required(name)]
        if len(needed) == 1 and isinstance(value, tree.Number):
            return _no(message, span, f"write `{word} {needed[0]}{value.text}`", f"{needed[0]}{value.text}")
        samples = " ".join(map(lettered, needed)) or lettered("F")
        return _no(message, span, f"each number follows its letter, as in `{word} {samples}`")
    return _no(message, span, f"`{word}` takes {slots.listed()}")


def _surplus_word(
    slots: Slots, word: str, value: tree.Name, span: Span, message: str, left: Iterator[tree.Argument]
) -> NoValue:
    """E202 for a word that is no flag of the layer."""
    name = value.name
    if name.upper() in slots.letters:
        way = f"a number directly follows its letter: `{lettered(name.upper())}`"
        return _no(f"`{word}` has `{name}` without its number", span, way)
    if re.fullmatch(f"[{''.join(slots.letters)}_][a-z]", name):
        way = f"a name follows `=`: `{name[0]}={name[1]}`, defined above by `let {name[1]} = …`"
        return _no(message, span, way)
    if slots.letters and re.fullmatch(r"[A-Za-z][0-9]+(?:x[0-9]+){0,2}", name):
        way = "its letters are " + ", ".join(f"{letter} {_MEANING[letter]}" for letter in slots.letters)
        return _no(f"`{word}` has no letter {name[0]}", span, way)
    if "P" in slots.letters and fold(name) in ("same", "valid"):
        way = "Psame" if fold(name) == "same" else "P0"
        return _no(message, span, f"padding is a letter: write `{way}`", way)
    if name in ("no", "without", "with"):
        following = next(left, None)
        flag = following.value.name if following and isinstance(following.value, tree.Name) else ""
        flag = flag if name == "with" else f"no{flag}"
        if following is not None and flag in slots.flags:
            both = Span(span.start, following.span.end)
            return _no(f"`{word}` has no `{name}`", both, f"write `{flag}`", flag)
    meant = ARGUMENTS.get(fold(name))
    near = None if meant in slots.letters else nearest(name, [*slots.flags, *slots.keywords], ARGUMENTS)
    if near:
        instead = near if near in slots.flags else None
        return _no(f"`{word}` has no `{name}`", span, f"did you mean `{near}`?", instead)
    glued = re.fullmatch(r"([A-Za-z]+)([0-9]+)", name)
    if glued is not None and (letter := ARGUMENTS.get(fold(glued[1]))) in slots.letters:
        return _no(f"`{word}` has no `{name}`", span, f"write `{letter}{glued[2]}`", f"{letter}{glued[2]}")
    if meant in slots.letters:
        following = next(left, None)
        if following is None and meant == "K":
            return _no(f"`{word}` has no `{name}`", span, f"leave `{name}` out: the number is enough", "")
        if following is None:
            return _no(f"`{word}` has no `{name}`", span, f"write {meant}=…")
        way = with_letter(meant, written_or(following.value))
        span = Span(span.start, following.span.end)
        return _no(f"`{word}` has no `{name}`", span, f"write {way}", way if "…" not in way else None)
    if lookup(name) is not None:
        return _no(message, span, f"a layer is a separate step: write -> {name}", f"-> {name}")
    return _no(message, span, f"`{word}` takes {slots.listed()}")


_MEANING = {
    "F": "size", "S": "stride", "P": "padding", "K": "filters", "G": "groups", "D": "dilation",
}  # fmt: skip


def no_argument(slots: Slots, word: str, argument: tree.LetterArgument | tree.NamedArgument) -> NoValue:
    """E202 for a letter or a `name=` that the layer does not have, with what it is called here."""
    if isinstance(argument, tree.LetterArgument):
        text = written_or(argument.value)
        if slots.places and not slots.letters and text != "…":
            way = f"write `{word} {text}`"
            return _no(f"`{word}` has no {argument.letter}", argument.span, way, text)
        way = f"`{word}` takes {' '.join(slots.letters) or slots.listed()}"
        return _no(f"`{word}` has no {argument.letter}", argument.span, way)
    message, span = f"`{word}` has no `{argument.name}=`", argument.name_span
    if isinstance(argument.value, tree.Name) and argument.value.name in slots.flags:
        return _no(message, span, f"write `{argument.value.name}`", argument.value.name, argument.span)
    name, text = fold(argument.name), written_or(argument.value)
    unneeded = UNNEEDED.get(name)
    if argument.name in ("in", "cin", "dim", "axis"):
        unneeded = "leave it out: the input is known"
    if unneeded is not None:
        left_out = unneeded.startswith("leave it out") and name != "aligncorners"
        whole = Span(argument.span.start - 1, argument.span.end)
        return _no(message, span, unneeded, "" if left_out else None, whole)
    near = _meant(slots, word, argument.name)
    if near is None:
        return _no(message, span, f"`{word}` takes {slots.listed()}")
    if near in slots.flags and near not in slots.keywords:
        true = text.lower() in ("true", "1")
        way = f"`{near}` is a word by itself, without `=`"
        return _no(message, span, way, near if true else None, argument.span)
    if near == "G" and fold(text) in ("depthwise", "dw", "channels", "inchannels", "cin"):
        way = "a depthwise convolution is a separate layer: write `dwconv` in place of `conv`"
        return _no(message, argument.span, way)
    if near == "init":
        text = start_of(text) or text
    way = with_letter(near, text) if near in slots.letters else f"{near}={text}" if near else text
    return _no(message, span, f"write {way}", way, argument.span)


def _meant(slots: Slots, word: str, name: str) -> str | None:
    """The letter, keyword or flag that an unknown `name=` means; "" for a value without a name."""
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
    """The field that an argument in error is for; None where that is not known."""
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
    """`F3`, `P1x7`, `Psame`; `K=4*k` where the value does not stand right behind its letter."""
    glued = text == "same" or text.replace("x", "").isdigit()
    return f"{letter}{text}" if glued else f"{letter}={text}"


def refused(
    builder: BodyBuilder,
    step: tree.LayerStep | tree.BranchStep,
    slots: Slots,
    bound: BoundArguments,
    error: ValidationError,
) -> None:
    """What pydantic refused: E203 for what a layer cannot do without, else E205."""
    details = error.errors(include_url=False)
    needed = [slots.fields[str(one["loc"][0])] for one in details if one["type"] == "missing"]
    if needed:
        _missing(builder, step, needed)
    for detail in details:
        if detail["type"] != "missing":
            _refused(builder, step, slots, bound, detail)


def _missing(builder: BodyBuilder, step: tree.LayerStep | tree.BranchStep, needed: list[Argument]) -> None:
    start, end = step.span
    if any(one.code == "E102" and start <= one.span.start < end for one in builder.sink):
        return  # its notation comes first
    meaning = f": {needed[0].doc}" if len(needed) == 1 else ""
    text = builder.context.text[start:end]
    sample = " ".join([text if len(text) < 60 else step.word, *map(sample_of, needed)])
    message = f"`{step.word}` needs {' and '.join(map(how, needed))}{meaning}"
    builder.sink.report("E203", message, step.word_span, help=f"for instance `{sample}`")


def _refused(
    builder: BodyBuilder,
    step: tree.LayerStep | tree.BranchStep,
    slots: Slots,
    bound: BoundArguments,
    detail: Any,
) -> None:
    name = str(detail["loc"][0]) if detail["loc"] else ""
    argument = slots.fields.get(name)
    span = bound.spans.get(name, step.word_span)
    if detail["type"] in ("value_error", "assertion_error"):
        builder.sink.report("E205", str(detail["ctx"]["error"]), span)
        return
    if any(finding.code == "E108" and finding.span.start == span.start for finding in builder.sink):
        return  # its sign is reported already
    if isinstance(detail["input"], int) and detail["input"] < 0 and step.word == "slice":
        _from_the_end(builder, step, detail["input"])
        return
    wanted = str(detail["msg"]).replace("Input should be", "it must be")
    wanted = re.sub(r"'(\w+)'", r"`\1`", wanted)
    for long, short in _BOUNDS:
        wanted = wanted.replace(long, short)
    way = f"for instance `{sample_of(argument)}`" if argument is not None else ""
    if argument is not None and argument.letter == "P":
        way = NO_NEGATIVE_PADDING
    subject = how(argument) if argument is not None else "this"
    value = _as_written(detail["input"])
    builder.sink.report("E205", f"{subject} of `{step.word}` cannot be {value}: {wanted}", span, help=way)


def _from_the_end(builder: BodyBuilder, step: tree.LayerStep | tree.BranchStep, place: int) -> None:
    """`slice 1:-1`, as Python counts from the end."""
    message = f"channels are counted from 0; {place} is not a channel"
    for argument in step.arguments:
        if isinstance(argument.value, tree.Range) and isinstance(argument.value.high, tree.Unary):
            plain = f"C - {-place}"
            where = argument.value.high.span
            builder.sink.report("E205", message, where, help=f"write `{plain}`", fix=(Edit(where, plain),))
            return
    where = next((one.span for one in step.arguments if isinstance(one.value, tree.Range)), step.span)
    builder.sink.report("E205", message, where, help="from the end: `C - 1` is the last one")


def _as_written(value: Any) -> str:
    """The refused value as a spec writes it."""
    match value:
        case Init():
            return written_init(value)
        case Fraction():
            return write_number(value)
        case int() | str() | (int(), int()):
            return spelled(value)
    return "this"


def how(argument: Argument) -> str:
    return argument.letter or (f"`{argument.keyword}=`" if argument.keyword else "a value")


_BOUNDS = (
    ("greater than or equal to ", "at least "),
    ("less than or equal to ", "at most "),
)
NO_NEGATIVE_PADDING = "padding adds zeros around a map, and `P0` adds none; `crop` cuts a border off"


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
