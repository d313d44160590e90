"""Whole statements and groups in another form, `block f(k): …`, `variant A { n = 3 }`, `input 32x32 RGB`,
`repeat 3 { … }`; and other tools' notations, where they cannot be read as this language's.
"""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.recovery.mistake import Answer, Mistake, rewritten
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.words import STATEMENT_WORDS, TIMES_BEHIND, closing, is_layer, shortened
from cnnspec.notations import Notation
from cnnspec.notations.words import CLAIMS

SUBJECTS = sorted(set(CLAIMS.values()))
_WORD_BEFORE = re.compile(r"(?:^|->|[|\[{:])[ \t]*(repeat|for|while|loop)\b([^\[{]*)$")
_NUMBER_BEFORE = r"([0-9]+)[ \t]*[x*]?[ \t]*(?=[{(])"
_MORE_BRACES = re.compile(r"[ \t\r\n]*[A-Za-z_]*[ \t]*\{")
_STEP = re.compile(r"[ \t\r\n]*([A-Za-z][A-Za-z0-9_]*)")
_VARIANT = re.compile(
    r"[ \t]*variant[ \t]+\"?([A-Za-z]\w*(?:[-.][\w.]+)*)\"?[ \t]*[:({=]*(?:[ \t]+|(?<=[:({=\"]))(.*?)[ \t)}]*"
)
_VARIANTS = re.compile(r"[ \t]*variants[ \t]*:?[ \t]+(.+)")
_SETTING = re.compile(r"(?:let[ \t]+)?([A-Za-z]\w*)[ \t]*(?::=?|=)[ \t]*([^\s,;:={}()]+)")
_CLAIM = re.compile(r"(?:expect[ \t]+)?[a-z]+[ \t]+~?[0-9][\w.,]*")
_BLOCK = (
    r"[ \t]*(?:(block|shared|def|function|func|fn|module|macro|template|class)[ \t]+)?"
    r"([A-Za-z]\w*(?:\([^()\r\n]*\))?)[ \t]*(:|=>?|->)?[ \t]*"
)
_END = re.compile(r"[ \t\r\n]*end(?:block|def)?[ \t]*(?=[\r\n]|$)")
_LINE = re.compile(r"([ \t]*)([^\r\n#]*)[^\r\n]*(?:\r\n|[\r\n]|$)")
_INPUT = re.compile(
    r"[ \t]*(?:input|inputs|Input|Inputs|INPUT)(?:[ \t]*[:=(]+[ \t]*|[ \t]+)"
    r"(?:(?:shape|size|image)[ \t]*=?[ \t]*)?(.*?)[ \t)]*"
)
_BATCH = re.compile(r"[(\[ \t]*(?:[NB?]|None|-1|batch|batch_size)[ \t]*[xX×*,][ \t]*(?=[0-9])")
_OPEN = re.compile(
    r"[ \t]*(?i:inputs?)[ \t]*[=:]?[ \t]*[(\[]*(?:shape[ \t]*=[ \t]*)?[(\[]?"
    r"((?:[0-9]+|None|[?]|-1)(?:[ \t]*[,x×][ \t]*(?:[0-9]+|None|[?]|-1)){2,3})"
)
_NAMED_SIZE = re.compile(r"\b(?i:(C|H|W|D|channels|height|width|depth))[ \t]*[=:]?[ \t]*([0-9]+)\b")
_COLOURS = {"rgb": "3", "bgr": "3", "colour": "3", "color": "3", "gray": "1", "grey": "1", "grayscale": "1"}
_CHANNELS = re.compile(r"([0-9]+)[ \t]*(?:channels?|ch)\b[ \t]*[,x×of]*")
_TUPLE = re.compile(r"[(\[][ \t]*([0-9]+(?:[ \t]*,[ \t]*[0-9]+)+)[ \t]*[)\]]")
_SPACED = re.compile(r"[0-9]+(?:[ \t]*[xX*][ \t]*[0-9]+|[ \t]*,[ \t]*[0-9]+|[ \t]+[0-9]+)+(?![A-Za-z0-9_.])")
_SHAPE_STANDS = re.compile(r"(?:(?i:input)(?:[ \t]+\w+[ \t]*:)?|=>|,|out)[ \t]*$")
_PYTHON_GOES_ON = ("()", "):", '"""')
"""Ends of lines that continue with Python, once some Python is reported."""


def _whole(m: Mistake) -> Span:
    """The line without the blanks and the comment around it."""
    code = m.line.split("#")[0].rstrip()
    return Span(m.begin + len(code) - len(code.lstrip()), m.begin + len(code))


def _repeated(m: Mistake) -> Answer | None:
    """A group with another word or other brackets, at its bracket or at the number before it."""
    number = m.here(_NUMBER_BEFORE) if m.kind in ("NUMBER", "DIM") else None
    opened = number.end() if number else m.start
    if m.text[opened : opened + 1] not in ("[", "{", "("):
        return None
    word = _WORD_BEFORE.search(m.line[: max(0, opened - m.begin)])
    if word is None and not _is_group(m, opened, bare=number is None):
        return None
    close = closing(m.text, opened)
    counts = re.findall(r"[0-9]+", word[2] if word else number[0] if number else "")
    if close and word is None and _MORE_BRACES.match(m.text, close):
        return None  # branches
    behind = TIMES_BEHIND.match(m.text, close) if close and not counts else None
    count = behind[2] if behind else counts[-1] if counts else "3"
    head = m.begin + word.start(1) if word else m.start
    message = f"`{word[1]}` is not a word of the language" if word else "steps are grouped in square brackets"
    if close is None:
        return Answer("E102", message, Span(head, opened), f"a repetition is written `[ … ]*{count}`")
    span = Span(head, behind.end() if behind else close)
    times = f"*{count}" if word or counts or behind else ""
    shown = shortened(f"[{m.text[opened + 1 : close - 1]}]", "[ … ]") + times
    fix = (Edit(Span(head, opened + 1), "["), Edit(Span(close - 1, span.end), f"]{times}"))
    way = f"a repetition is written `{shown}`" if times else f"write `{shown}`"
    return Answer("E102", message, span, way, fix if counts or behind or not word else ())


def _is_group(m: Mistake, opened: int, bare: bool) -> bool:
    """Whether steps are in round or curly brackets where a step is allowed."""
    step = _STEP.match(m.text, opened + 1)
    if step is None or not is_layer(step[1]) or m.text[opened] == "[":
        return False
    if not bare or (m.accepts("IF") and m.before_step):
        return True
    before = m.text[:opened].rstrip(" \t")[-1:]
    return before in ("\n", "\r") and m.accepts("_NL")  # before a `{` a line break does not end the line


def _variant(m: Mistake) -> Answer | None:
    code = m.line.split("#")[0].rstrip()
    match = _VARIANT.fullmatch(code)
    if match is None or m.word == ";" or not match[2]:
        return None
    settings: list[str] = []
    claims: list[str] = []
    for item in re.split(rf",[ \t]+|,(?![0-9])|;|[ \t]+(?=(?:{'|'.join(SUBJECTS)})[ \t])", match[2]):
        item = item.strip(" \t:(){}")
        if (bare := re.fullmatch(r"([A-Za-z]\w*)[ \t]+([0-9.]+)", item)) and bare[1] not in SUBJECTS:
            settings.append(f"{bare[1]} = {bare[2]}")
        elif setting := _SETTING.fullmatch(item):
            settings.append(f"{setting[1]} = {setting[2]}")
        elif _CLAIM.fullmatch(item):
            claims.append(item.removeprefix("expect").strip())
        elif item and item != "expect":
            return None
    parts = [*settings, *([f"expect {', '.join(claims)}"] if claims else [])]
    shown = f"variant {re.sub(r'[-.]', '', match[1])}: {', '.join(parts)}"
    if not parts or shown.replace(" ", "") == code.replace(" ", "").replace("\t", ""):
        return None
    message = "a variant is its name, a colon, its settings, and then its claims"
    return rewritten(_whole(m), shown, message)


def _block(m: Mistake) -> Answer | None:
    """A block whose steps are not in braces, or that begins with another word."""
    head = m.of_line(_BLOCK)
    if head is None:
        return None
    opened, ours = head.end(), head[1] in ("block", "shared")
    least = head.end(2) if ours or head[1] is None else head.start(2)
    bracket = m.text[opened : opened + 1] in ("[", "{", "(") and m.text[opened]
    if (m.kind == "RPAR" and m.start >= head.end(2)) or (
        "(" not in head[2] and not (head[1] and (bracket or head[3]))
    ):
        return None
    if not least <= m.start <= opened or not (ours or bracket == "{"):
        return None
    close = closing(m.text, opened) if bracket else None
    if bracket and (close is None or m.text[close:].lstrip(" \t")[:1] == "{"):
        return None
    inner = _indented(m.text, opened, m.begin) if close is None else Span(opened + 1, close - 1)
    end = inner.end if close is None else close
    if close is None and (mark := _END.match(m.text, end)):
        end = mark.end()
    written = m.text[inner.start : inner.end]
    if written.count("}") > written.count("{") and written.endswith("}"):
        inner, written = Span(inner.start, inner.end - 1), written[:-1]
    if not written.strip():
        return None
    block, named = head[1] if ours else "block", head.start(1) if head[1] else head.start(2)
    before, behind = ("", "") if close else ("", "\n") if "\n" in written or "\r" in written else (" ", " ")
    way = shortened(f"{block} {head[2]} {{ {written.strip()} }}", f"{block} {head[2]} {{ … }}")
    fix = (
        Edit(Span(named, inner.start), f"{block} {head[2]} {{{before}"),
        Edit(Span(inner.end, end), f"{behind}}}"),
    )
    if not ours:
        return Answer("E102", "a block begins with the word `block`", Span(named, end), f"write `{way}`", fix)
    fix = (Edit(Span(head.end(2), inner.start), f" {{{before}"), fix[1])
    return Answer("E102", "a block's steps are written in braces", Span(m.start, end), f"write `{way}`", fix)


def python_block(text: str, begin: int) -> Answer | None:
    """`def res(k):` above indented steps in this language."""
    head = re.compile(r"def[ \t]+(\w+\([^()\r\n]*\))[ \t]*:").match(text, begin)
    if head is None or not _steps_below(text, head.end()):
        return None
    inner = _indented(text, head.end(), begin)
    steps = " -> ".join(line.strip() for line in text[slice(*inner)].splitlines() if line.strip())
    named = f"my_{head[1]}" if head[1].partition("(")[0] in STATEMENT_WORDS else head[1]
    fix = (Edit(Span(begin, head.end()), f"block {named} {{"), Edit(Span(inner.end, inner.end), "\n}"))
    way = shortened(f"block {named} {{ {steps} }}", f"block {named} {{ … }}")
    return Answer(
        "E102", "a block begins with the word `block`", Span(begin, head.end()), f"write `{way}`", fix
    )


def steps_below(text: str, opened: int, begin: int) -> Span:
    """The steps after a head that ends with a colon, without the blanks around them."""
    inner = _indented(text, opened, begin)
    written = text[slice(*inner)]
    return Span(inner.end - len(written.lstrip()), inner.end)


def _steps_below(text: str, opened: int) -> bool:
    """Whether the first line after a head is indented and begins with a layer in this language."""
    below = re.compile(r"[ \t]*(?:#[^\r\n]*)?(?:\r\n|[\r\n])+[ \t]+([a-z]\w*)(?=[ \t]|->|[\r\n]|$)").match(
        text, opened
    )
    return below is not None and is_layer(below[1])


def _indented(text: str, opened: int, begin: int) -> Span:
    """The steps after a head without a bracket: on its line, else the lines below that are indented more."""
    rest, head = _LINE.match(text, opened), _LINE.match(text, begin)
    assert rest is not None
    assert head is not None
    if rest[2].strip():
        return Span(opened, rest.start(2) + len(rest[2].rstrip()))
    end, place = opened, rest.end()
    while place < len(text) and (line := _LINE.match(text, place)) is not None:
        if line[2].strip() and len(line[1]) <= len(head[1]):
            break
        end = line.start(2) + len(line[2].rstrip()) if line[2].strip() else end
        place = line.end()
    return Span(opened, end)


def _input_mark(m: Mistake) -> Answer | None:
    """`input: 3x32x32`, `input = 3x32x32`."""
    match = m.of_line(r"[ \t]*input[ \t]*(?:(:)(?=[ \t]*(?:[0-9]+[x@]|\())|(=)(?=[ \t]*[0-9(]))[ \t]*")
    if match is None:
        return None
    if match[1]:
        return Answer("E102", "", Span(m.begin, m.begin + len(m.line)))  # reported at the label
    if m.text[match.end()] in "([" and (whole := _input(m)) is not None:
        return whole
    mark = Span(match.start(2), match.end())
    before = "" if m.text[mark.start - 1] in " \t" else " "
    return rewritten(mark, before, "expected a shape, found `=`", "as in `input 3x224x224`")


def _shape(m: Mistake) -> Answer | None:
    """`input (3, 224, 224)`, `=> 3 x 224 x 224`."""
    if m.has_cause("colon", m.begin - 1):
        return _input_mark(m)
    if not re.match(r"[ \t]*input\b|.*=>", m.line):
        return None
    at = m.place - m.begin
    for shape_like in (_TUPLE, _SPACED):
        match = shape_like.search(m.line)
        if match is None or not match.start() <= at + 1 <= match.end() + 1:
            continue
        sizes = re.findall(r"[0-9]+", match.group())
        if re.match(r"[0-9]+x[0-9]+x[0-9]+[ \t,]", match.group()):
            continue  # `input 3x32x32, 10 classes`
        batch = len(sizes) == 4
        shape = "x".join(sizes[1:] if batch else sizes)
        if (
            not 1 < len(sizes) < 5
            or match.group() == shape
            or not _SHAPE_STANDS.search(m.line[: match.start()])
        ):
            continue
        way = f"write `{shape}`, channels first{', without the batch axis' if batch else ''}"
        span = Span(m.begin + match.start(), m.begin + match.end())
        marks = {*match.group()}.difference("0123456789")
        message = "a shape is written without spaces, brackets and commas"
        if marks <= {*"xX*"}:
            mark = "X" if "X" in marks else "*"
            message = f"the sizes of a shape are joined by a lower-case `x`, found `{mark}`"
        return rewritten(span, shape, message, way)
    return None


def _behind_input(m: Mistake) -> Answer | None:
    """`input 3x32x32 as x`, `input 3x32x32 float32`."""
    head = re.compile(r"[ \t]*(input[ \t]+(?:\w+[ \t]*:[ \t]*)?)([0-9]+(?:x[0-9]+)*)[ \t]*").fullmatch(m.head)
    if head is None or m.here(r"[,;][ \t]*(?=[#\r\n]|$)"):
        return None
    if named := m.here(r"(?:as|named?|called|->)[ \t]*[:=]?[ \t]*([A-Za-z]\w*)[ \t]*(?=#|[\r\n]|$)"):
        span, plain = Span(m.begin + head.start(1), named.end(1)), f"input {named[1]}: {head[2]}"
        message = "the name of an input comes before its shape, with a colon"
        return rewritten(span, plain, message, code="E101", safe=True, reads=plain, since=span.start)
    word = re.match(r"[, \t]*([A-Za-z]\w*)?", m.text[m.start : m.line_end])
    if word and word[1] and is_layer(word[1]):
        return None
    rest = m.text[m.start : m.line_end].split("#")[0].rstrip()
    message, end = f"an input has a shape and nothing else, found `{rest}`", m.start + len(rest)
    fix = (Edit(Span(m.gap.start, end), ""),)
    return Answer(
        "E101", message, Span(m.start, end), f"leave `{rest}` out", fix, reads="", resume=m.line_end
    )  # fmt: skip


def _variants(m: Mistake) -> Answer | None:
    """`variants: A n=1, B n=2`."""
    match = _VARIANTS.fullmatch(m.line.split("#")[0].rstrip())
    parts = re.split(r"[,;|][ \t]*(?=[A-Za-z]\w*[ \t:({]+[A-Za-z]\w*[ \t]*=)", match[1]) if match else []
    lines = []
    for part in parts:
        name, _, settings = re.sub(r"[:({ \t]+", " ", part.strip(" \t)}"), count=1).partition(" ")
        items = [_SETTING.fullmatch(item.strip()) for item in re.split(r"[, \t]+(?=\w+[ \t]*=)", settings)]
        if not re.fullmatch(r"[A-Za-z]\w*", name) or not all(items):
            return None
        lines.append(f"variant {name}: " + ", ".join(f"{item[1]} = {item[2]}" for item in items if item))
    if not lines:
        return None
    plain, span = "\n".join(lines), _whole(m)
    message = "each variant is written on its own line"
    return rewritten(
        span, plain, message, "write\n" + plain, code="E101", safe=True, reads=plain, since=span.start
    )


def _open_input(m: Mistake) -> Answer | None:
    """`input (None, None, 3)`: sizes that are not given."""
    match = _OPEN.match(m.line)
    sizes = re.findall(r"[0-9]+|None|[?]|-1", match[1])[-3:] if match else []
    known = [size for size in sizes if size.isdecimal()]
    if len(known) == len(sizes):
        return None
    channels = known[0] if len(known) == 1 else "3"
    way = f"write sizes, `input {channels}x224x224`, or a knob that `--set r=320` changes: "
    way += f"`let r = 224` and `input {channels}x(r)x(r)`"
    message = "every size of an input must be given: shapes are computed from it"
    return Answer("E102", message, _whole(m), way, cause="input")


def _input(m: Mistake) -> Answer | None:
    """An input line that gives three sizes in another form."""
    code = m.line.split("#")[0].rstrip()
    match = _INPUT.fullmatch(code)
    if match is None or re.fullmatch(r"[0-9]+(?:x[0-9]+)*[ \t]*[,;]", match[1]):
        return None  # reported as the end of a line
    body, before = match[1], ""
    if named := {name[0].upper(): size for name, size in _NAMED_SIZE.findall(body)}:
        depth = named.get("C") or named.get("D")
        if not depth or not {"H", "W"} <= {*named} or _NAMED_SIZE.sub("", body).strip(" \t,;"):
            return None
        body = f"{depth}x{named['H']}x{named['W']}"
    without = _BATCH.sub("", body, count=1)
    if channels := _CHANNELS.search(without):
        before, without = channels[1], without.replace(channels[0], "", 1)
    words = re.findall(r"[A-Za-z]{2,}", without)
    if len(words) == 1 and words[0].lower() in _COLOURS and not before:
        before, without = _COLOURS[words[0].lower()], without.replace(words[0], "")
    sizes = re.findall(r"[0-9]+", without)
    sizes = [before, *sizes] if before and len(sizes) == 2 else sizes
    if len(sizes) == 3 and re.match(r"[(\[]?[ \t]*None\b", body) and sizes[0] not in ("1", "3"):
        sizes = [sizes[2], *sizes[:2]] if sizes[2] in ("1", "3") else sizes  # Keras's channels are last
    shown = f"input {'x'.join(sizes)}"
    unread = re.sub(r"[0-9]|[xX×*,;()\[\] \t]|pixels?\b|px\b", "", without)
    if unread or len(sizes) != 3 or code.strip() == shown:
        return None
    message = "an input is its channels, rows and columns, joined by `x`"
    message += ", and no batch axis" if _BATCH.match(body) else ""
    return rewritten(_whole(m), shown, message, cause="input")


def _padding(value: str) -> Rule:
    """`padding='same'` among arguments in this language."""
    pattern = rf"(?i:(?P<mark>(?:padding|pad|P)[ \t]*=[ \t]*[\"']{value}[\"']))"
    plain = {"same": "Psame", "valid": "P0"}[value]
    return Rule(
        {f"conv F3 K8 ⟦padding='{value}'⟧": f"conv F3 K8 {plain}"}, "padding is the hyperparameter `P`",
        when=lambda m: "(" not in m.line and m.around(pattern), code="E102", put=plain, safe=False,
    )  # fmt: skip


# --- other tools' notations -----------------------------------------------------------------------


def _translated(m: Mistake) -> Answer | None:
    """A part in another tool's notation; a file that is Python as a whole is reported once."""
    translation = m.translation
    if translation is None:
        return None
    again = translation.notation is Notation.PYTHON and not translation.text and m.has_cause("python")
    message = "" if again else translation.message
    return Answer(
        "E102", message, translation.span, translation.help, translation.fix, cause=translation.cause
    )


def _goes_on(m: Mistake) -> Answer | None:
    if not m.line.rstrip().endswith(_PYTHON_GOES_ON) or not m.has_cause("python"):
        return None
    return Answer("E102", "", Span(m.begin, m.begin + len(m.line.rstrip())), cause="python")


NOTATIONS = (
    Rule({"⟦Input(shape=[28, 28, 1])⟧": "input 1x28x28"},
         when=lambda m: m.translation and m.translation.notation is Notation.INPUT_CALL and _translated(m)),
    Rule({"input ⟦= ⟧3x32x32": "input 3x32x32"}, when=_input_mark),
    Rule({"⟦repeat 3 { relu }⟧": "[ relu ]*3", "⟦3 x { relu }⟧": "[ relu ]*3"}, when=_repeated),
    Rule({"⟦variant A { n = 2 }⟧": "variant A: n = 2",
         "⟦variant A: n = 2 params 3⟧": "variant A: n = 2, expect params 3",
         "⟦variant A: n 2⟧": "variant A: n = 2"}, when=_variant),
    Rule({"block f(k)⟦: relu⟧": "block f(k) { relu }", "block f() ⟦[ relu ]⟧": "block f() { relu }",
         "⟦def f() { relu }⟧": "block f() { relu }", "block f⟦: relu⟧": "block f { relu }"}, when=_block),
    Rule({"input ⟦3 x 224 x 224⟧": "input 3x224x224"}, when=_shape),
    Rule({"⟦variants: A n=1, B n=2⟧": "variant A: n = 1\nvariant B: n = 2"}, when=_variants),
    Rule({"⟦input (None, None, 3)⟧": ""}, when=_open_input),
    Rule({"⟦input 32x32 RGB⟧": "input 3x32x32", "⟦input W=32 H=24 D=3⟧": "input 3x24x32",
          "⟦input channels 3, height 24, width 32⟧": "input 3x24x32"}, when=_input),
    Rule({"⟦input 3x32x32 as x⟧": "input x: 3x32x32", "input 3x8x8 ⟦float32⟧": "input 3x8x8",
          "input 3x8x8⟦, 10 classes⟧": "input 3x8x8"}, on="NAME CALL NUMBER EQUAL COMMA ?",
         when=_behind_input),
    _padding("same"),
    _padding("valid"),
    Rule({"relu -> ⟦7x7 conv, 64, /2⟧ -> bn": "relu -> conv F7 S2 K64 -> bn",
         "⟦Conv2D(32, (3, 3), activation='relu')⟧": "conv F3 K32 -> relu"}, when=_translated),
    Rule({"⟦import torch.nn as nn⟧\n    super().__init__()": ""}, when=_goes_on),
)  # fmt: skip
