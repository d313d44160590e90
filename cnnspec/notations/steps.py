"""A whole step in another notation: a call, branches, or a row of a table, put as it is written here."""

from __future__ import annotations

import re

from cnnspec.diagnostics.suggest import fold
from cnnspec.notations.arguments import SIZE
from cnnspec.notations.calls import LONGEST, call_in_our_words
from cnnspec.notations.merges import merge_in_our_words
from cnnspec.notations.rows import LETTER, LETTERS, ROWS, row_in_our_words
from cnnspec.notations.words import layer_word

_OURS = re.compile(rf"{LETTERS.pattern}|nobias|bias|frozen")
_SPELLINGS = (  # of papers' tables, as single pieces
    (re.compile(r"(?<=[0-9)])[ \t]*[x×][ \t]*(?=[0-9])"), "x"),
    (re.compile(r"[ \t]*=[ \t]*"), "="),
    (re.compile(r"(?<=[0-9])s(?=[0-9])|[ \t]*/[ \t]*s(?=[0-9])"), " s"),
    (re.compile(r"\bpool(?:ing)?[ \t]*/"), "pool /"),
    (re.compile(r"\b(max|avg|average|mean)[ \t_-]*pool(?:ing)?\b", re.IGNORECASE), r"\1pool"),
    (re.compile(r"\b(conv|fc|linear|dense)([0-9]+)?-([0-9]+)\b", re.IGNORECASE), r"\1 \2 \3"),
    (
        re.compile(
            r"\b(conv|convolution|maxpool|avgpool)[-_]?([0-9]+x[0-9]+)(?:-([0-9]+))?\b", re.IGNORECASE
        ),
        r"\1 \2 \3",
    ),
    (re.compile(r"\bglobal[ _-]+(?:average|avg)[ _-]*pool(?:ing)?\b", re.IGNORECASE), "gap"),
    (re.compile(r"\bconv[ _/-]*dw\b", re.IGNORECASE), "dwconv"),
    (re.compile(r"\b([0-9]+)-d\b"), r"\1"),
    (re.compile(r"\b(conv|max|avg)\."), r"\1"),
    (re.compile(r"\b([0-9]+x[0-9]+)@([0-9]+)\b(?!x)"), r"\1 \2"),
    (re.compile(r"^(conv|maxpool|avgpool)[ \t]+\(([^()]*)\)$"), r"\1 \2"),
    (re.compile(r"\b(stride|pad|padding)[-:]?[ \t]*(?=[0-9])", re.IGNORECASE), r"\1 "),
)
_IS_LATEX = re.compile(r"\\|\$[^$]+\$|_\{|&")
_LATEX = (
    (re.compile(r"[ \t]*\\(?:times|cdot)[ \t]*"), "x"),
    (re.compile(r"\\(?:text|mathrm|textbf)\{([^{}]*)\}"), r"\1"),
    (re.compile(r"_\{([0-9a-z]+)\}|_([0-9])"), r"\1\2"),
    (re.compile(r"\\\\|\\hline|\\,|[$~]"), ""),
    (re.compile(r"[ \t]*&[ \t]*"), ", "),
)
_PIECE = re.compile(r"[(\[][^()\[\]]*[)\]]|[^ \t\r\n,]+?=[(\[][^()\[\]]*[)\]]|[^ \t\r\n,]+")


def step_in_our_words(text: str) -> str | None:
    """A whole step: a call, or a row of a table, its layer's word anywhere in it; a bare `3x3, 64` is a conv.

    >>> step_in_our_words("3x3 conv, 64, stride 2"), step_in_our_words("7x7, 64, /2")
    ('conv F3 S2 K64', 'conv F7 S2 K64')
    >>> step_in_our_words("3x3 max pool, stride 2"), step_in_our_words("conv3-64")
    ('maxpool F3 S2', 'conv F3 K64')
    >>> step_in_our_words("conv F3 K64") is None
    True
    """
    whole = _one_step_in_our_words(text)
    if whole is not None:
        return whole
    for mark in ";,":
        parts = text.split(mark)
        if 1 < len(parts) < 20 and (mark == ";" or all(map(_names_a_layer, parts))):
            steps = [_one_step_in_our_words(part) for part in parts]
            if all(steps):
                return " -> ".join(map(str, steps))
    return None


def _one_step_in_our_words(text: str) -> str | None:
    text = text.strip()
    if _IS_LATEX.search(text):
        text = without_latex(text)
    if (
        not text
        or len(text) > LONGEST
        or re.match(r"(?:fc|dense|linear)[ \t]+[0-9]+,[0-9]{3}\b", text, re.IGNORECASE)
    ):
        return None
    if (merged := merge_in_our_words(text)) is not None:
        return merged
    name, bracket, _ = text.partition("(")
    called = layer_word(name) is not None or fold(name) == "activation"
    if bracket and not name.endswith((" ", "\t")) and called:
        return call_in_our_words(text.rstrip(" \t,;"))
    written = text
    for spelling, piece in _SPELLINGS:
        text = spelling.sub(piece, text)
    pieces = _PIECE.findall(text)
    if not pieces:
        return None
    if re.fullmatch(r"[A-Za-z]+(?:[ -][A-Za-z]+){1,3}", written) and (single := layer_word(written)):
        return single
    if len(pieces) == 2 and (known := layer_word(pieces[0])) not in (None, pieces[0]):
        sized = call_in_our_words(f"{pieces[0]}({pieces[1]})") if "daptive" in pieces[0] else None
        if sized or (known in ("bn", "in", "ln") and pieces[1].isdigit()):
            return sized or known
    if layer_word(pieces[0]) == "gn" != pieces[0] and len(pieces) > 1 and all(map(str.isdigit, pieces[1:])):
        return f"gn G{pieces[1]}"
    place = next((at for at, piece in enumerate(pieces) if layer_word(piece) in ROWS), None)
    if place is None:
        return row_in_our_words("conv", pieces) if SIZE.fullmatch(pieces[0]) else None
    if any(map(layer_word, pieces[:place])):
        return None
    word = pieces.pop(place)
    if (
        place == 0
        and text == written
        and all(_OURS.fullmatch(piece) or layer_word(piece) == piece for piece in pieces)
    ):
        return None
    return row_in_our_words(word, pieces)


def without_latex(text: str) -> str:
    """`$3\\times3$, $K_{64}$` as it is read: `3x3, K64`."""
    for written, plain in _LATEX:
        text = written.sub(plain, text)
    return text.strip()


def _names_a_layer(text: str) -> bool:
    return layer_word(text.split()[0].split("-")[0]) in ROWS if text.split() else False


def told(written: str, shown: str) -> tuple[str, str]:
    """The message and the way out of a finding about a step that is `shown` here."""
    if " [ " in shown:
        return "branches stand in square brackets, parted by `|`", f"here it is `{shown}`"
    name, bracket, _ = written.partition("(")
    if bracket and name.replace(".", "").replace("_", "").isalnum():
        return (
            f"`{name}(…)` is a call; a layer is a word with its arguments behind it",
            f"here it is `{shown}`",
        )
    if "=" in written:
        return "this is another tool's notation; here each number has its letter", f"here it is `{shown}`"
    lettered = "; here each number has its letter" if LETTER.search(shown, shown.find(" ")) else ""
    return f"this is written as in a paper's table{lettered}", f"here it is `{shown}`"
