"""Other people's notations where the parser could not go on: Python, a paper's table, a tuple for a shape,
.cfg and .prototxt.

Looked at only once something is wrong. What can be parsed and is foreign all the same, `Conv2d(3, 64, 3)`, is
told when the layers are looked up.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cnnspec.diagnostics import Edit, Span, line_start
from cnnspec.diagnostics.suggest import fold
from cnnspec.language.mistakes.bodies import block_otherwise
from cnnspec.language.mistakes.darknet import JOINS, section
from cnnspec.language.mistakes.inputs import input_otherwise
from cnnspec.language.mistakes.mistake import Told
from cnnspec.language.mistakes.named import variant_otherwise
from cnnspec.language.mistakes.repeated import repeated
from cnnspec.notations import LONGEST, MERGES, call_in_our_words, step_in_our_words, told
from cnnspec.notations.words import LAYERS, layer_word

if TYPE_CHECKING:
    from cnnspec.language.automaton import Automaton
    from cnnspec.language.tokens import Token

_TUPLE = re.compile(r"[(\[][ \t]*([0-9]+(?:[ \t]*,[ \t]*[0-9]+)+)[ \t]*[)\]]")
_SPACED = re.compile(r"[0-9]+(?:[ \t]*[xX*][ \t]*[0-9]+|[ \t]*,[ \t]*[0-9]+|[ \t]+[0-9]+)+(?![A-Za-z0-9_.])")
_CALL = re.compile(r"([A-Za-z_]\w*)\(")
_PADDING = re.compile(r"(?:padding|pad|P)[ \t]*=[ \t]*[\"'](same|valid)[\"']", re.IGNORECASE)
_SHAPE_STANDS = re.compile(r"(?:(?i:input)(?:[ \t]+\w+[ \t]*:)?|=>|,|out)[ \t]*$")
_INPUT_LAYER = re.compile(r"[ \t]*(?:\w+[ \t]*=[ \t]*)?(?:\w+\.)*Input(?:Layer)?\((?:[a-z_]+=)?(.*)")
_DOTTED = re.compile(r"(?:[A-Za-z_]\w*\.)+([A-Za-z_]\w*)[ \t]*(\([^\r\n#]*)?")
_PYTHON = re.compile(r"[ \t]*(?:import|from|class|def|return|self|for|with)(?![A-Za-z0-9_:])")
_BUILDS = re.compile(r"[ \t]*\w+[ \t]*=[ \t]*(?:\w+\.)*(?:Sequential|Model|Module\w*)\(")
_CFG = re.compile(r"[ \t]*([a-z_]+)[ \t]*=[ \t]*[-0-9.,a-z]+[ \t]*")
_SECTION = re.compile(r"^[ \t]*\[[a-z]+\][ \t]*$", re.MULTILINE)
_PROTO = re.compile(
    r"[ \t]*(?:layers?[ \t]*\{|[a-z_]+[ \t]*\{[ \t]*(?:\w+:|$)"
    r"|[a-z_]+:[ \t]*(?:\"|[A-Z]+[ \t]*$|[0-9.]+[ \t]*$))"
)
_FAR_AWAY = re.compile(r"[ \t]*(route|shortcut)[ \t]+-[0-9]")
_FROM_TO = re.compile(
    r"(conv|deconv|fc|linear|dense)[ \t]*\(?[ \t]*[0-9]+[ \t]*(?:->|→)[ \t]*([0-9]+)([^|\]>=\r\n#-]*)"
)
PYTHON_TOLD = "this is Python; a spec only describes"
LAYER_SHOWN = "a layer is a word: `conv F3 S1 P1 K64 -> relu`"


def recognise(automaton: Automaton, failure: Token) -> Told | None:
    """The foreign notation at a mistake: message, span, help and fix."""
    text, start = automaton.text, failure.start
    begin = line_start(text, start)
    if start - begin > 400:
        return None
    if failure.type == "_NL":
        start = max(begin, start - 1)
    line = text[begin : begin + 600].splitlines()[0] if text[begin : begin + 600] else ""
    at = start - begin
    return (
        (section(text, start) if failure.type == "EQUAL" else None)
        or _input(line, begin)
        or _keras_input(line, begin)
        or repeated(automaton, line, begin, failure)
        or variant_otherwise(line, begin, failure)
        or block_otherwise(text, line, begin, failure)
        or _python(line, begin, at, failure.type, any(one.cause == "python" for one in automaton.sink))
        or _shape(line, begin, at)
        or input_otherwise(line, begin)
        or _step(text, begin, start)
        or _other_files(text, line, begin, failure.type)
    )


def _input(line: str, begin: int) -> Told | None:
    """`input: 3x32x32`, `input = 3x32x32`."""
    found = re.match(r"[ \t]*input[ \t]*([:=])[ \t]*(?=[0-9(])", line)
    if found is None or (found[1] == ":" and not re.match(r"[0-9]+[x@]|\(", line[found.end() :])):
        return None
    if found[1] == ":":
        return "", Span(begin, begin + len(line)), "", ()  # told of the label
    mark = Span(begin + found.start(1), begin + found.end())
    before = "" if line[found.start(1) - 1] in " \t" else " "
    return f"no `{found[1]}` stands behind `input`", mark, "as in `input 3x224x224`", (Edit(mark, before),)


def _keras_input(line: str, begin: int) -> Told | None:
    """`Input(shape=(28, 28, 1))`."""
    found = _INPUT_LAYER.match(line)
    shape = found and _TUPLE.search(found[1])
    if not shape:
        return None
    sizes = shape[1].replace(" ", "").split(",")
    if len(sizes) == 3 and int(sizes[2]) <= 4 < int(sizes[0]):  # Keras has the channels last
        sizes = [sizes[2], *sizes[:2]]
    span, shown = _whole(begin, line.split("#")[0]), f"input {'x'.join(sizes)}"
    return (
        "`Input(…)` is a call; the input is a statement",
        span,
        f"here it is `{shown}`",
        (Edit(span, shown),),
        "input",
    )


def _python(line: str, begin: int, at: int, kind: str, told_before: bool) -> Told | None:
    """`x = nn.Conv2d(3, 64, 3)`, `import torch`. That a whole file is Python is said once."""
    python = _PYTHON.match(line) is not None
    for found in _DOTTED.finditer(line):
        if found.start() <= at < found.end() or (
            at < found.start() and found[2] and (kind == "EQUAL" or python)
        ):
            if found[2] is None and fold(found[1]) not in LAYERS:
                continue
            call = found.group()[: _closed(found.group())]
            if found[1] == "add" and re.match(r"\w+\(", (found[2] or "")[1:]):  # model.add(Conv2D(…))
                call = found[2][1 : 1 + _closed(found[2][1:])]
                span = Span(begin + found.start(2) + 1, begin + found.start(2) + 1 + len(call))
                shown = call_in_our_words(call)
                return PYTHON_TOLD, span, f"here it is `{shown}`" if shown else LAYER_SHOWN, (), "python"
            span = Span(begin + found.start(), begin + found.start() + len(call.rstrip()))
            shown = call_in_our_words(call) if found[2] else LAYERS[fold(found[1])]
            if shown or not told_before:
                return PYTHON_TOLD, span, f"here it is `{shown}`" if shown else LAYER_SHOWN, (), "python"
            return "", span, "", ()
    if python or _BUILDS.match(line) or (told_before and line.rstrip().endswith(("()", "):", '"""'))):
        return "" if told_before else PYTHON_TOLD, _whole(begin, line), LAYER_SHOWN, (), "python"
    return None


def _shape(line: str, begin: int, at: int) -> Told | None:
    """`input (3, 224, 224)`, `=> 3 x 224 x 224`."""
    if not re.match(r"[ \t]*input\b|.*=>", line):
        return None
    for shape_like in (_TUPLE, _SPACED):
        found = shape_like.search(line)
        if (
            found
            and found.start() <= at + 1 <= found.end() + 1
            and _SHAPE_STANDS.search(line[: found.start()])
        ):
            sizes = re.findall(r"[0-9]+", found.group())
            batch = len(sizes) == 4
            shape = "x".join(sizes[1:] if batch else sizes)
            if len(sizes) < 2 or found.group() == shape:
                continue
            span = Span(begin + found.start(), begin + found.end())
            return (
                "a shape is written without spaces, brackets and commas",
                span,
                f"write `{shape}`, channels first{', without the batch axis' if batch else ''}",
                (Edit(span, shape),),
            )
    return None


def _step(text: str, begin: int, at: int) -> Told | None:
    """`conv 3x3, 64`, `Conv2D(32, (3, 3), activation='relu')`: the step that the mistake stands in."""
    span = _around(text, begin, at)
    if span is None:
        return None
    written = text[span.start : span.end]
    for quoted in _PADDING.finditer(text, span.start, span.end):
        if quoted.start() < at < quoted.end() and "(" not in written:
            where, letter = Span(*quoted.span()), "Psame" if quoted[1] == "same" else "P0"
            return "padding is a letter, `P`", where, f"write `{letter}`", (Edit(where, letter),)
    shown = step_in_our_words(written)
    if shown is None:
        places = (span.start, _before_arrow(text, span.start))
        turned = next(filter(None, (_FROM_TO.match(text, place) for place in places)), None)
        if turned is not None:
            shown = step_in_our_words(f"{turned[1]} {turned[2]}{turned[3].rstrip(') ')}")
            span = Span(*turned.span())
            written = turned.group()
    if shown is None:
        called = _CALL.match(written)
        if called is None or called[1] == called[1].lower() or layer_word(called[1]) is None:
            return None
        word = layer_word(called[1])
        way = f"as in `{word} [ @a | @b ]`" if word in MERGES else LAYER_SHOWN
        return told(written, "")[0], span, way, ()
    message, advice = told(written, shown)
    return message, span, advice, (Edit(span, shown),)


def is_from_to(text: str, arrow: int) -> bool:
    """Whether an arrow stands in brackets between what comes and what goes: `fc(512 -> 10)`."""
    return _FROM_TO.match(text, _before_arrow(text, arrow)) is not None


def _before_arrow(text: str, start: int) -> int:
    """Where the step before `-> 64` begins, that is `conv 3 -> 64`."""
    line = line_start(text, start)
    before = text[line:start].rstrip(" \t>→-")
    head = re.search(r"(?:.*(?:->|[→|\[:{]))?[ \t]*", before)
    return line + (head.end() if head else 0)


def _around(text: str, begin: int, at: int) -> Span | None:
    """The step around a place of a line that begins at `begin`; None where that is a claim or a statement."""
    start, depth, place = begin, 0, begin
    while place < min(len(text), begin + LONGEST):
        char = text[place]
        if depth == 0 and place >= at and (char in "|]}#\r\n" or text[place : place + 2] in ("->", "=>")):
            break
        opens = char == "(" or depth or (place >= at if char == "{" else text[place - 1 : place] == "=")
        if char in "([{" and opens:
            depth += 1
        elif char in ")]}" and depth:
            depth -= 1
        elif depth == 0 and place < at and (char in "|[{:" or text[place : place + 2] in ("->", "=>")):
            start = place + (2 if char in "-=" else 1)
        place += 1
    while start < place and text[start] in " \t\r\n":
        start += 1
    end = start + len(text[start:place].rstrip())
    if text[:start].rstrip().endswith("=>") or end <= at - 1:
        return None
    return Span(start, end)


def _other_files(text: str, line: str, begin: int, kind: str) -> Told | None:
    """Caffe's prototxt; a layer of Darknet that speaks of others by how far away they are."""
    if joins := _FAR_AWAY.match(line):
        return "this is Darknet's", _whole(begin, line.split("#")[0]), f"here {JOINS[joins[1]]}", ()
    if _PROTO.match(line):
        return (
            "this is Caffe's prototxt",
            _whole(begin, line),
            "here a layer is one line: `conv1: conv F5 S1 K20 -> relu`",
            (),
        )
    return None


def _closed(call: str) -> int:
    """Where the brackets of a call are closed for the first time; its end where they are not."""
    depth = 0
    for place, char in enumerate(call):
        depth += (char in "([") - (char in ")]")
        if char == ")" and depth == 0:
            return place + 1
    return len(call)


def _whole(begin: int, line: str) -> Span:
    stripped = line.strip()
    start = begin + line.index(stripped)
    return Span(start, start + len(stripped))


def is_layer(name: str) -> bool:
    """Whether a word is surely a layer, here or elsewhere."""
    return name in LAYERS.values() or fold(name) in LAYERS
