"""Undefined steps, merges and uses of blocks, in the words of other tools and of papers: how to write them
here."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span, line_start
from cnnspec.diagnostics.suggest import fold, nearest
from cnnspec.elaborate.binding import slots_of
from cnnspec.elaborate.builder import BodyBuilder
from cnnspec.elaborate.values import NoValue
from cnnspec.language import tree
from cnnspec.language.recovery.mistake import Answer
from cnnspec.language.recovery.rules.loops import LOOPS
from cnnspec.language.recovery.rules.loops import loop as loop_at
from cnnspec.language.recovery.words import is_layer, shortened
from cnnspec.notations.rows import called
from cnnspec.notations.words import layer_word
from cnnspec.ops import lookup, words
from cnnspec.ops.base import Argument, Op


def found_as(answer: Answer) -> NoValue:
    """The result of a recovery rule for a line that can be parsed."""
    return NoValue(answer.code, answer.message, answer.span, answer.help, fix=answer.fix)


def is_python(text: str, step: tree.LayerStep) -> NoValue | None:
    """E102 for a line that can be parsed but is Python: `import torch`."""
    from cnnspec.language.recovery.rules.forms import python_block

    if step.word in LOOPS:
        loop = loop_at(text, step.span.start)
        message, way = f"there is no `{step.word}`: a repetition is written in brackets", "write `[ … ]*3`"
        return found_as(loop) if loop else NoValue("E102", message, step.span, way)
    if step.word == "def" and (translation := python_block(text, step.span.start)) is not None:
        return found_as(translation)
    if step.word not in ("import", "from", "class", "def", "return"):
        return None
    layer = re.compile(r"return[ \t]+(?=([A-Za-z]\w*))").match(text, step.span.start)
    if layer is not None and is_layer(layer[1]):
        mark, message = Span(*layer.span()), "there is no `return`: the output is that of the last step"
        return NoValue("E102", message, mark, "leave `return` out", fix=(Edit(mark, ""),))
    return NoValue(
        "E102", "this is Python; a spec only describes", step.span, "remove the line", cause="python"
    )


_LABEL_APART = re.compile(r"(([A-Za-z]\w*)[ \t-]+([0-9]+)[ \t]*:)[ \t]*([A-Za-z]\w*)")


def meant_as_label(text: str, step: tree.LayerStep | tree.BranchStep) -> NoValue | None:
    """E101 for `Layer 1: conv F3` and `C1 conv F3`: a label in two words, or without its colon."""
    first = step.arguments[0] if step.arguments else None
    named = first.value.name if first is not None and isinstance(first.value, tree.Name) else ""
    if step.word.lower() in ("activation", "act", "nonlinearity") and (way := layer_word(named)):
        fix = (Edit(step.span, way),) if len(step.arguments) == 1 else ()
        message = f"there is no layer `{step.word}`"
        return NoValue("E201", message, step.word_span, f"write `{way}`", fix=fix)
    begin = line_start(text, step.span.start)
    if text[begin : step.span.start].strip(" \t") or step.word in LOOPS:
        return None
    apart = _LABEL_APART.match(text, step.span.start)
    if apart is not None and layer_word(apart[4]) is not None:
        plain, span = f"{apart[2]}{apart[3]}:", Span(*apart.span(1))
        return NoValue("E101", "a label is one word", span, f"write `{plain}`", fix=(Edit(span, plain),))
    return None if step.word[-1].isalpha() else label_without_colon(text, step)


def label_without_colon(text: str, step: tree.LayerStep | tree.BranchStep) -> NoValue | None:
    """E101 for `C1 conv F3`, and for `stem conv F3` where nothing else can be meant."""
    first = step.arguments[0] if step.arguments else None
    named = first.value.name if first is not None and isinstance(first.value, tree.Name) else ""
    if not isinstance(first, tree.PositionalArgument) or lookup(named) is None:
        return None
    if text[line_start(text, step.span.start) : step.span.start].strip(" \t"):
        return None
    behind = Span(step.word_span.end, step.word_span.end)
    return NoValue(
        "E101", f"a label ends with a colon: `{step.word}:`", step.word_span,
        f"write `{step.word}: {shortened(text[first.span.start : step.span.end], named)}`",
        fix=(Edit(behind, ":"),),
    )  # fmt: skip


def foreign_step(text: str, span: Span, word: str) -> NoValue | None:
    """E102 for a step in another notation."""
    from cnnspec.notations import translate

    translation = translate(text, span.start, span)
    arguments = text[span.start + len(word) : span.end]
    if translation is None or (
        word.isalpha() and translation.text == translation.text.partition(" ")[0] + arguments
    ):
        return None  # only its word is wrong
    return NoValue("E102", translation.message, span, translation.help, fix=translation.fix)


def foreign_call(text: str, step: tree.CallStep, layer: str) -> NoValue:
    """E102 for a layer written as a call: `Conv2d(3, 64, 3)`, `relu()`."""
    from cnnspec.language.recovery.rules.tensors import merged
    from cnnspec.notations import MERGES, translate

    translation = translate(text, step.span.start, step.span)
    inside = text[step.name_span.end + 1 : step.span.end - 1]
    if translation is not None and layer in MERGES and re.fullmatch(r"[\w@, \t]+", inside):
        if plain := merged(text, step.span.start, layer, inside):  # `concat(x, y)`
            fix = (Edit(step.span, plain),)
            return NoValue("E102", translation.message, step.span, f"here it is `{plain}`", fix=fix)
    if translation is None:  # its arguments are in this notation: `conv(F3 P1 K16)`
        inner = text[step.name_span.end + 1 : step.span.end - 1].strip()
        if re.fullmatch(r"[0-9]{1,2}(?:\.[0-9]+)?[ \t]*%", inner):
            inner = f"{float(inner.rstrip('% ')) / 100:g}"
        pieces = [one.strip() for one in inner.split(",")]
        tensors = [piece for piece in pieces if piece.startswith("@")]
        inner = ", ".join(piece for piece in pieces if piece not in tensors) if len(tensors) == 1 else inner
        reading = called(step.name, [piece for piece in pieces if piece not in tensors])
        plain = reading.text if reading else f"{step.name} {inner}".rstrip()
        plain = f"{tensors[0]} -> {plain}" if len(tensors) == 1 else plain
        message = f"`{step.name}(…)` is a call; a layer is written as a word followed by its arguments"
        return NoValue("E102", message, step.span, f"here it is `{plain}`", fix=(Edit(step.span, plain),))
    way = translation.help or f"as in `{usual(layer)}`"
    return NoValue("E102", translation.message, step.span, way, fix=translation.fix)


def no_merge(builder: BodyBuilder, step: tree.BranchStep, op: type[Op] | None) -> type[Op] | None:
    """E201 or E202 for branches after a word that does not merge them: `parallel [ … ]`, `skip [ … ]`. Gives
    the merge where it is certain: `a add [ … ]`."""
    from cnnspec.elaborate.foreign_layers import INSTEAD
    from cnnspec.language.recovery.rules.brackets import several, word_behind
    from cnnspec.notations import MERGES

    sink, text, word, span = builder.sink, builder.context.text, step.word, step.word_span
    fix: tuple[Edit, ...] = ()
    if step.arguments and (problem := _with_arguments(text, step, op)) is not None:
        problem.report(sink)
        return None
    last = step.arguments[0].value if len(step.arguments) == 1 else None
    op_meant = lookup(last.name) if isinstance(last, tree.Name) else None
    if op_meant is not None and op_meant.merges:
        way, fix = f"write `{word}: {op_meant.word} [ … ]`", (Edit(Span(span.end, span.end), ":"),)
        sink.report("E101", "a label has a colon", span, help=way, fix=fix, safe=True)
        return op_meant
    opened = text.find("[", span.end)
    behind = None if lookup(word) is not None else word_behind(text, span.start, opened)
    merges = [one for one in words() if (known := lookup(one)) is not None and known.merges]
    way = f"branches are merged by {', '.join(merges[:-1])} and {merges[-1]}"
    if behind is not None:
        sink.report(
            behind.code, behind.message, behind.span, help=behind.help, fix=behind.fix, safe=behind.safe
        )
        return None
    if op is not None:
        sink.report("E202", f"`{word}` does not merge branches", span, help=way)
        return None
    merge = layer_word(word) if layer_word(word) in MERGES else nearest(word, MERGES)
    fix = ()
    if merge is not None:
        shown, added = several(text, opened, step.span.end)
        added = added if merge == "add" else ()
        way = f"write `{merge} {shown}`" if added else f"did you mean `{merge}`?"
        fix = (Edit(span, merge), *added)
    elif fold(word) in ATTENTIONS:
        way = f"write `attention heads=4 {QKV}`"
    elif word in ("when", "unless", "case", "cond", "only"):
        way = "a condition begins with `if`: `if C == 3 [ … ] else [ … ]`"
    elif (instead := INSTEAD.get(fold(word))) is not None:
        way = instead
    elif fold(word) in _SIDE_BY_SIDE:
        way = "`concat [ … | … ]` joins their channels, `add [ … | … ]` sums them"
    sink.report("E201", f"there is no merge `{word}`", span, help=way, fix=fix)
    return None


def _with_arguments(text: str, step: tree.BranchStep, op: type[Op] | None) -> NoValue | None:
    """The finding for `repeat 3 [ … ]` and `conv F3 [ … ]`; None for other words."""
    word, last = step.word, step.arguments[-1]
    behind, opened = Span(last.span.end, last.span.end), text.find("[", last.span.end, step.span.end)
    if opened < 0:
        return None  # an argument is in error
    if word in LOOPS:
        if (loop := loop_at(text, step.span.start)) is not None:
            return found_as(loop)
        close = step.span.end
        counts = re.findall(r"[0-9]+", text[step.word_span.end : opened]) if word != "while" else []
        shown = shortened(text[opened:close], "[ … ]") + f"*{counts[-1] if counts else 3}"
        fix = (
            (Edit(Span(step.span.start, opened), ""), Edit(Span(close, close), f"*{counts[-1]}"))
            if counts
            else ()
        )
        message = f"`{word}` is not a word of the language"
        return NoValue("E102", message, step.span, f"a repetition is written `{shown}`", fix=fix)
    if op is None:
        return None
    return NoValue(
        "E101", "expected `->` before `[`", Span(opened, opened + 1),
        "the next step follows after `->` or on a new line", fix=(Edit(behind, " ->"),),
    )  # fmt: skip


def nothing_but_branches(builder: BodyBuilder, step: tree.BranchStep) -> None:
    """E202 for the arguments of a merge that takes none: `concat dim=1 [ … ]`."""
    span = Span(step.arguments[0].span.start, step.arguments[-1].span.end)
    builder.sink.report(
        "E202", f"`{step.word}` takes branches and nothing else", span,
        help="leave it out", fix=(Edit(Span(step.word_span.end, span.end), ""),),
    )  # fmt: skip


QKV = "[ conv F1 K64 | conv F1 K64 | conv F1 K64 ]"
ATTENTIONS = ("selfattention", "multihead", "multiheadattention", "mha", "mhsa", "sdpa", "transformer")
_SIDE_BY_SIDE = ("parallel", "branch", "branches", "split", "fork", "paths", "inception", "towers")


_USUAL = {"K": 64, "F": 3, "G": 32}


def lettered(letter: str) -> str:
    """`F3`, `K64`: a letter with a common number."""
    return f"{letter}{_USUAL.get(letter, 1)}"


def usual(word: str) -> str:
    """A layer with its most common arguments: `conv F3 K64`."""
    op = lookup(word)
    assert op is not None
    slots = slots_of(op)
    if op.merges:
        return f"{word} {op.branches}"
    letters = [letter for letter, (name, _) in slots.letters.items() if slots.required(name)]
    if not letters and "pool" in word:
        return f"{word} F2"
    if not letters:
        needed = [argument for name, argument in slots.places if slots.required(name)]
        return " ".join([word, *map(sample_of, needed)])
    return " ".join([word, *map(lettered, letters)])


def sample_of(argument: Argument) -> str:
    """`K64`, `0.5`, `size=2`: a common argument."""
    if argument.letter and argument.positional is None:
        return lettered(argument.letter)
    samples = {
        "shape": "7x7",
        "tensor": "@label",
        "range": "0:16",
        "init": "he" if argument.replaces else "zeros",
        "matrix": "[1 0 -1]",
        "number": "0.5",
        "word": "query",
    }
    value = samples.get(argument.kind, str(_USUAL.get(argument.letter or "", 2)))
    return value if argument.positional is not None else f"{argument.keyword}={value}"
