"""A step in another notation, as a whole: a call, branches, or a row of a paper's table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from cnnspec.diagnostics import Span
from cnnspec.notations.calls import LONGEST, Call, is_known, parsed, read_call
from cnnspec.notations.entry import Reading
from cnnspec.notations.merges import MERGES, merge_in_our_words
from cnnspec.notations.rows import LETTER, LETTERS, ROWS, row, without_outputs
from cnnspec.notations.translation import Notation, Translation
from cnnspec.notations.values import SIZE
from cnnspec.notations.words import layer_word


class Spelling(NamedTuple):
    """A notation of another tool as regular expressions, an example of it, and the example in this
    language."""

    written: re.Pattern[str]
    plain: str
    example: str
    here: str


def _spelling(written: str, plain: str, example: str, here: str) -> Spelling:
    return Spelling(re.compile(written, re.IGNORECASE), plain, example, here)


SPELLINGS = (
    _spelling(r"(?<=[0-9)])[ \t]*[x×][ \t]*(?=[0-9])", "x", "conv 3 x 3, 64", "conv F3 K64"),
    _spelling(r"(?<![\w*])([0-9]+)\*([0-9]+)(?![\w*])", r"\1x\2", "conv 3*3, 64", "conv F3 K64"),
    _spelling(
        r"\bk([0-9]+)[ \t]*n([0-9]+)[ \t]*s([0-9]+)\b", r"F\1 K\2 S\3", "conv k3n64s2", "conv F3 S2 K64"
    ),
    _spelling(r"[ \t]*=[ \t]*", "=", "conv 3x3, 64, stride = 2", "conv F3 S2 K64"),
    _spelling(r"(?<=[0-9])s(?=[0-9])|[ \t]*/[ \t]*s(?=[0-9])", " s", "conv 11x11s4, 96", "conv F11 S4 K96"),
    _spelling(r"\bpool(?:ing)?[ \t]*/", "pool /", "pool/2", "maxpool F2"),
    _spelling(
        r"\bglobal[ _-]+av(?:era)?ge?[ _-]*pool(?:ing)?\b", "gap", "global avg pool, relu", "gap -> relu"
    ),
    _spelling(r"\b(max|avg|average|mean)[ \t_-]*pool(?:ing)?\b", r"\1pool", "3x3 max pool", "maxpool F3"),
    _spelling(r"\b(conv|fc|linear|dense)([0-9]+)?-([0-9]+)\b", r"\1 \2 \3", "conv3-64", "conv F3 K64"),
    _spelling(r"\b(conv|maxpool|avgpool)[-_]?([0-9]+x[0-9]+)-?\b", r"\1 \2 ", "conv3x3-64", "conv F3 K64"),
    _spelling(r"\bleaky[ _-]*relu\b", "leaky", "leaky relu 0.1", "leaky 0.1"),
    _spelling(
        r"\b(?:(?:transposed?[ _-]+|up[ _-])conv(?:olution)?|conv(?:olution)?[ _-]+transposed?)\b",
        "deconv",
        "transposed conv 2x2, 64, stride 2",
        "deconv F2 S2 K64",
    ),
    _spelling(
        r"\bdepth[ _-]?wise[ _-]+conv(?:olution)?\b|\bconv[ _/-]*dw\b", "dwconv", "conv dw 3x3", "dwconv F3"
    ),
    _spelling(
        r"\b(?:dilated|atrous|strided|standard|regular|ordinary|normal|plain)[ _-]+conv(?:olution)?\b",
        "conv",
        "dilated conv 3x3, 64, dilation 2",
        "conv F3 D2 K64",
    ),
    _spelling(r"\bfully[ _-]+connected\b", "fc", "fully connected 10", "fc 10"),
    _spelling(r"\bgroup[ _-]+norm(?:ali[sz]ation)?\b", "gn", "group norm groups 8", "gn G8"),
    _spelling(r"\bpixel[ _-]+shuffle\b", "pixelshuffle", "pixel shuffle 2", "pixelshuffle 2"),
    _spelling(r"\b([0-9]+)-way[ ]+(?=softmax)", r"fc \1 ", "10-way softmax", "fc 10 -> softmax"),
    _spelling(r"\b([0-9]+)-(?:d|way)\b", r"\1", "1000-d fc", "fc 1000"),
    _spelling(r"\b([0-9]+x[0-9]+)-([0-9]+)\b", r"\1 \2", "conv 3x3-64", "conv F3 K64"),
    _spelling(r"\b(same|valid)[ -]+padding\b", r"\1", "3x3 conv, 64, same padding", "conv F3 Psame K64"),
    _spelling(
        r"\b(filters|kernels)[ \t]+of[ \t]+(?:size[ \t]+)?(?=[0-9])",
        r"\1 ",
        "conv 64 filters of size 3x3",
        "conv F3 K64",
    ),
    _spelling(
        r"\b(?:with|and)[ \t]+(?=(?:stride|pad|padding)\b)",
        "",
        "conv 3x3, 64 with stride 2",
        "conv F3 S2 K64",
    ),
    _spelling(r"\b(conv|max|avg)\.", r"\1", "3x3 conv. 64", "conv F3 K64"),
    _spelling(r"\b([0-9]+x[0-9]+)@([0-9]+)\b(?!x)", r"\1 \2", "conv 3x3@64", "conv F3 K64"),
    _spelling(r"^(conv|maxpool|avgpool)[ \t]+\(([^()]*)\)$", r"\1 \2", "conv (3x3, 64)", "conv F3 K64"),
    _spelling(r"\b(stride|pad|padding)[-:]?[ \t]*(?=[0-9])", r"\1 ", "conv 3x3, 64, pad:1", "conv F3 P1 K64"),
)
LATEX = (
    _spelling(r"[ \t]*\\(?:times|cdot)[ \t]*", "x", r"conv $3 \times 3$, 64", "conv F3 K64"),
    _spelling(r"\\(?:text|mathrm|textbf)\{([^{}]*)\}", r"\1", r"3x3 \text{conv}, 64", "conv F3 K64"),
    _spelling(r"_\{([0-9a-z]+)\}|_([0-9])", r"\1\2", r"conv 3x3, $K_{64}$", "conv F3 K64"),
    _spelling(r"\\\\|\\hline|\\,|[$~]", "", r"conv & 3x3 & 64 \\ \hline", "conv F3 K64"),
    _spelling(r"[ \t]*&[ \t]*", ", ", r"conv1 & $112\times112$ & $7\times7$, 64, stride 2", "conv F7 S2 K64"),
)
GROUP = re.compile(r"[\[{(]([^\[\]{}()]{3,200})[\]})][ \t]*(?:[x×*^]|times)[ \t]*([0-9]+)")
_FILTERS = re.compile(r"conv[ -]+([0-9]+)")
_NO_SIZE = "the size of {} is not in this text"
_LONGEST_CHAIN = 4 * LONGEST
_IS_LATEX = re.compile(r"\\|\$[^$]+\$|_\{|&")
_OURS = re.compile(rf"{LETTERS.pattern}|nobias|bias|frozen")
_PIECE = re.compile(r"[(\[][^()\[\]]*[)\]]|[^ \t\r\n,]+?=[(\[][^()\[\]]*[)\]]|[^ \t\r\n,]+")
_THOUSANDS = re.compile(r"(?:fc|dense|linear)[ \t]+[0-9]+,[0-9]{3}\b", re.IGNORECASE)


def step(text: str) -> Translation | None:
    """A step as a whole: a call, or a row, its layer's word anywhere in it; a bare `3x3, 64` is a conv.

    >>> step("3x3 conv, 64, stride 2").text, step("7x7, 64, /2").text, step("conv F3 K64")
    ('conv F3 S2 K64', 'conv F7 S2 K64', None)
    """
    if len(text) > _LONGEST_CHAIN:
        return None
    translation = _one_step(text)
    for mark in ";,":
        parts = text.split(mark)
        if translation is None and 1 < len(parts) < 20 and (mark == ";" or all(map(_names_a_layer, parts))):
            translation = _in_a_row(parts, text)
    return translation and translation._replace(span=Span(0, len(text)))


def group(text: str) -> Translation | None:
    """Rows in brackets and how often they come, as papers write a stage.

    >>> group("[1x1, 64; 3x3, 64] x 3").text
    '[conv F1 K64 -> conv F3 K64]*3'
    """
    match = GROUP.fullmatch(text)
    rows = [row for row in re.split(r"[;\r\n]|\\\\", match[1]) if row.strip()] if match else []
    inside = _in_a_row(rows, text)
    if match is None or inside is None:
        return None
    return inside._replace(span=Span(0, len(text)), text=f"[{inside.text}]*{match[2]}")


def _in_a_row(parts: Sequence[str], text: str) -> Translation | None:
    """Steps that follow one another, if each of them is known, and one at least is not this language's."""
    known = [_one_step(part) for part in parts]
    steps = [one or _alone(part) for one, part in zip(known, parts, strict=True)]
    foreign = any(known) or any(one is not None and one.text.startswith("conv ") for one in steps)
    shown, why = list[str](), ""
    for place, one in enumerate(steps):
        if one is None or not one.text:
            return None
        behind = steps[place + 1] if place + 1 < len(steps) else None
        average = one.why and one.text.startswith("avgpool") and behind and behind.text.startswith("fc ")
        shown.append("gap" if average else one.text)
        why = why or one.why
    if not (shown and foreign):
        return None
    here = " -> ".join(shown)
    return Translation(_notation_of_row(text, here), Span(0, 0), here, why)


def _alone(text: str) -> Translation | None:
    """A layer without the sizes that it needs: `softmax`, `maxpool`, `conv-64`."""
    plain = _plain(text, SPELLINGS).strip()
    word, why = layer_word(plain), ""
    if filters := _FILTERS.fullmatch(plain):
        here, why = f"conv F3 K{filters[1]}", _NO_SIZE.format("the filters")
    elif word in ("maxpool", "avgpool"):
        here, why = f"{word} F2", _NO_SIZE.format("the pool's window")
    elif word is None or word in MERGES or "!" in ROWS.get(word, ""):
        return None
    else:
        here = word
    return Translation(Notation.ROW_OF_WORDS, Span(0, 0), here, why)


def plain_row(text: str) -> str:
    """A row of a table without LaTeX, except for the separators of its cells."""
    return _plain(text, LATEX[:-1]).strip() if _IS_LATEX.search(text) else text


def _one_step(text: str) -> Translation | None:
    text = text.strip()
    if _IS_LATEX.search(text):
        text = _plain(text, LATEX).strip()
    if not text or len(text) > LONGEST or _THOUSANDS.match(text):
        return None
    if (merged := merge_in_our_words(text)) is not None:
        return Translation(Notation.BRANCHES, Span(0, 0), merged)
    call = parsed(text)
    if call is not None and (is_known(call.name) or layer_word(call.name) is not None):
        return _call(call)
    reading = _row(text)
    if reading is None or not reading.text:
        return None
    return Translation(
        _notation_of_row(text, reading.text), Span(0, 0), reading.text, reading.why, takes=reading.takes
    )


def _call(call: Call) -> Translation | None:
    """A call that ends its step."""
    on = re.fullmatch(r"\((\w+)\)", call.rest)
    reading = read_call(call) if on or not call.rest else None
    if on and reading and reading.text and not reading.why:
        reading = reading._replace(why=f"what `{on[1]}` is, is not in this text")
    if call.name.islower() and not call.rest and not call.prefix:  # the order of its arguments is unknown
        pieces = [*call.positional, *(f"{name}={value}" for name, value in call.named.items())]
        word = None if pieces else layer_word(call.name)
        if found := row(call.name, pieces) or (Reading(word) if word else None):
            reading = found
        elif reading and (not reading.fits or (layer_word(call.name) in ROWS and not reading.why)):
            reading = None
    reading = reading or Reading("")
    notation = Notation.INPUT_CALL if reading.text.startswith("input ") else Notation.CALL
    name = f"{call.prefix}.{call.name}" if call.prefix else call.name
    return Translation(notation, Span(0, 0), reading.text, reading.why, name, takes=reading.takes)


def _row(text: str) -> Reading | None:
    written, text = text, _plain(text, SPELLINGS)
    pieces = without_outputs(_PIECE.findall(text))
    if not pieces:
        return None
    if re.fullmatch(r"[A-Za-z]+(?:[ -][A-Za-z]+){1,3}", written) and (single := layer_word(written)):
        alone = _alone(written) if single in ("maxpool", "avgpool") else None
        return Reading(alone.text, alone.why) if alone else Reading(single)
    in_order = len(pieces) > 1 and not any(piece[0].isalpha() for piece in pieces[1:])
    if in_order and layer_word(pieces[0]) not in (None, pieces[0]):
        reading = read_call(Call("", pieces[0].lower(), pieces[1:], {}, ""))
        if reading is not None and not reading.why:
            return reading
    place = next((at for at, piece in enumerate(pieces) if layer_word(piece) in ROWS), None)
    of_filters = bool({"filters", "kernels"} & {*pieces}) and any(map(SIZE.fullmatch, pieces))
    if place is None or (of_filters and pieces[place] in ("pad", "padding")):
        return row("conv", pieces) if SIZE.fullmatch(pieces[0]) or of_filters else None
    if any(map(layer_word, pieces[:place])):
        return None
    word = pieces.pop(place)
    ours = all(_OURS.fullmatch(piece) or layer_word(piece) == piece for piece in pieces)
    return None if place == 0 and text == written and ours else row(word, pieces)


def _plain(text: str, spellings: tuple[Spelling, ...]) -> str:
    for spelling in spellings:
        text = spelling.written.sub(spelling.plain, text)
    return text


def _names_a_layer(text: str) -> bool:
    words = _plain(text, SPELLINGS).split()
    return bool(words) and layer_word(words[0].split("-")[0]) is not None


def _notation_of_row(written: str, shown: str) -> Notation:
    if "=" in written:
        return Notation.NAMED
    return Notation.ROW if LETTER.search(shown, shown.find(" ")) else Notation.ROW_OF_WORDS
