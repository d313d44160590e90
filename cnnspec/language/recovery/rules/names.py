"""Values, tensors, variants and blocks named in another form: `n = 3`, `C-1: relu`, `block f { … }`."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.recovery.mistake import Answer, Mistake
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.tokens import CLOSES, UNKNOWN, WORDS, Token

_ASSIGNS = re.compile(r"([ \t]*)([A-Za-z_]\w*)[ \t]*:?=[ \t]*(?=[0-9(.])")
_LET_NAME = re.compile(r"[ \t]*let[ \t]+[A-Za-z]\w*[ \t]*")
_COLON = re.compile(r"(?P<over>(?P<mark>:=?)[ \t]*)(?=[\w(])")
_LETS = re.compile(r"[ \t]*let\b[^\r\n]*")
_NEXT_LET = re.compile(r"(?P<over>(?P<mark>[,;])[ \t]*(?:let[ \t]+)?)[A-Za-z]\w*[ \t]*=(?![=>])")
_LABEL_APART = re.compile(r"[ \t]*(?P<mark>([A-Za-z]\w*)[ \t]*-[ \t]*([0-9]+)[ \t]*:)")
_NAMED = re.compile(r"[ \t]*(let|model)[ \t]+([^=\"#\r\n:,(]+)(?:=|\"|#|[\r\n]|$)")


def _assigns(m: Mistake) -> Answer | None:
    found = m.of_line(_ASSIGNS)
    if found is None or m.last not in ("NAME", "LABEL") or m.start >= found.end():
        return None
    name, head = found[2], found.start(2)
    return Answer(
        "E101", "a line gives nothing a name with `=`", Span(m.start, m.start + 1),
        f"a value is named with `let {name} = …`, a tensor with `{name}: steps`",
        (Edit(Span(head, found.end()), f"let {name} = "),), reads=f"let {name} =", since=head,
    )  # fmt: skip


def _word_as_name(m: Mistake) -> Answer | None:
    if m.last not in ("MODEL", "LET", "VARIANT", "BLOCK", "SHARED"):
        return None
    name = Token("NAME", m.word, m.start, m.end) if m.accepts("NAME") else None
    message = f"`{m.word}` cannot be a name: it is a word of the language"
    return Answer("E107", message, m.span, "choose another name", reads=name)


def name_in_pieces(m: Mistake) -> Answer | None:
    """`let a-b = 3`, `model Mein Netz`, `model 3D`: a name that is no single word."""
    found = m.of_line(_NAMED)
    if found is None or not found.start(2) <= m.start <= found.end(2) or m.kind in CLOSES:
        return None
    word, name = found[1], found[2].rstrip()
    parts = re.findall(r"[A-Za-z0-9]+", name)
    span = Span(found.start(2), found.start(2) + len(name))
    plain_one = name.isidentifier() or not parts or not name.isascii()
    if plain_one or (word == "let" and found.group()[-1] != "="):
        return None
    if word == "let":
        plain = "_".join(parts)
        way = f"a name is one word: `{plain}`"
    else:
        plain = "".join(part[:1].upper() + part[1:] for part in parts)
        plain = plain if plain[0].isalpha() else f"Net{plain}"
        plain += "" if '"' in found.group() else f' "{name}"'
        way = f"write `{plain}`"
    return Answer("E107", f"`{name}` cannot be a name", span, way, (Edit(span, plain),))


def _title(m: Mistake) -> Answer | None:
    """`model A 'x'`, and a title that is not closed."""
    if m.word not in ('"', "'", "`") or not m.accepts("STRING"):
        return None
    line = m.text[m.start : m.line_end]
    close = line.find(m.word, 1)
    stop = m.start + (close + 1 if close > 0 else len(line.rstrip()))
    span = Span(m.start, stop)
    title = f'"{m.text[m.start + 1 : stop - 1 if close > 0 else stop]}"'
    if m.word == '"':
        fix = (Edit(Span(stop, stop), '"'),)
        return Answer("E105", "this title is not closed", span, 'put `"` behind it', fix, reads=title)
    if close < 0 or '"' in title[1:-1]:
        return None
    return Answer(
        "E101", 'a title stands in `"`', span, f"write `{title}`", (Edit(span, title),), True, reads=title
    )


VALUES = (
    Rule(
        {"let n⟦:⟧ 3": "let n = 3"}, "`{2}` in place of `=`",
        when=lambda m: m.accepts("EQUAL") and _LET_NAME.fullmatch(m.head) and m.here(_COLON),
        put=" = ", reads="=", safe=True,
    ),
    Rule(
        {"let n = 1⟦,⟧ m = 2": "let n = 1\nlet m = 2"},
        "a `let` names one value", "begin a new line for the next",
        when=lambda m: m.accepts("_NL") and not m.inside and m.of_line(_LETS) and m.here(_NEXT_LET),
        put="\nlet ", reads="\nlet", safe=True,
    ),
    Rule({"n ⟦=⟧ 3": "let n = 3"}, on=("EQUAL",), when=_assigns),
    Rule(
        {"⟦C-1:⟧ conv F3": "C1: conv F3"}, "a label is one word",
        on=("MINUS",),
        when=lambda m: (found := m.of_line(_LABEL_APART)) and m.start < found.end() and found,
        put="{2}{3}:", reads="{2}{3}:",
    ),
)  # fmt: skip

NAMES = (
    Rule(
        {"block ⟦double⟧ { relu }": "block double() { relu }"},
        "a block has brackets behind its name, be there parameters or not",
        on=("NAME",), when=lambda m: m.last in ("BLOCK", "SHARED"), put="{found}()", reads="{found}()",
    ),
    Rule(
        {"shared ⟦block⟧ f(k) { relu }": "shared  f(k) { relu }"},
        "`shared` stands in place of `block`", "leave `block` out",
        on=("BLOCK",), when=lambda m: m.last == "SHARED", put="", reads="", safe=True,
    ),
    Rule({"let ⟦if⟧ = 1": "", "block ⟦if⟧(k) { relu }": ""}, on=tuple(WORDS), when=_word_as_name),
    Rule({'model A ⟦"x⟧': 'model A "x"', "model A ⟦'x'⟧": 'model A "x"'}, on=(UNKNOWN,), when=_title),
    Rule(
        {"let ⟦a-b⟧ = 3": "let a_b = 3", "model ⟦Mein Netz⟧": 'model MeinNetz "Mein Netz"'},
        when=name_in_pieces,
    ),
    Rule(
        {'model ⟦"Net"⟧': ""}, "a model has a name before its title", "as in `model Net {found}`",
        on=("STRING",), when=lambda m: m.last == "MODEL", before="", reads="Net",
    ),
    Rule(
        {"let k ⟦3⟧": "let k = 3"}, "`=` is missing before {shown}", "as in `let k = 64`",
        on=("NUMBER", "NAME", "CALL", "LPAR", "MINUS"),
        when=lambda m: m.accepts("EQUAL") and not m.accepts("HYPER") and not m.accepts("COMMA"),
        before="= ", reads="=",
    ),
)  # fmt: skip
