"""Values, tensors, variants and blocks named in another form: `n = 3`, `C-1: relu`, `block f { … }`."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.recovery.mistake import Answer, Mistake, rewritten
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.tokens import CLOSES, WORDS, Token

_LET_NAME = re.compile(r"[ \t]*let[ \t]+[A-Za-z]\w*[ \t]*")
_NAMED = r"[ \t]*(let|model)[ \t]+([^=\"#\r\n:,(]+)(?:=|\"|#|[\r\n]|$)"
NAMELESS = "a line cannot name a value with `=` alone"
NAMED_BY = "a value is named with `let {name} = …`, a tensor with `{name}: steps`"


def _assigns(m: Mistake) -> Answer | None:
    found = m.of_line(r"([ \t]*)([A-Za-z_]\w*)[ \t]*:?=[ \t]*(?=[0-9(.])")
    if found is None or m.start >= found.end():
        return None
    name, head = found[2], found.start(2)
    return Answer(
        "E101", NAMELESS, Span(m.start, m.start + 1), NAMED_BY.format(name=name),
        (Edit(Span(head, found.end()), f"let {name} = "),), reads=f"let {name} =", since=head,
    )  # fmt: skip


def _word_as_name(m: Mistake) -> Answer:
    name = Token("NAME", m.word, m.start, m.end) if m.accepts("NAME") else None
    message = f"`{m.word}` cannot be a name: it is reserved"
    return Answer("E107", message, m.span, "choose another name", reads=name)


def _in_pieces(m: Mistake) -> Answer | None:
    """`let a-b = 3`, `model Mein Netz`, `model 3D`: a name that is not a single word."""
    found = m.of_line(_NAMED)
    if found is None or not found.start(2) <= m.start <= found.end(2) or m.kind in CLOSES:
        return None
    name, is_let = found[2].rstrip(), found[1] == "let"
    parts = re.findall(r"[A-Za-z0-9]+", name)
    span = Span(found.start(2), found.start(2) + len(name))
    plain_one = name.isidentifier() or not parts or not name.isascii()
    if plain_one or (is_let and found.group()[-1] != "="):
        return None
    if is_let:
        plain = re.sub(r"^([0-9]+)_?([A-Za-z]\w*)", r"\2\1", "_".join(parts))
        if not plain[0].isalpha():
            return None
    else:
        plain = "".join(part[:1].upper() + part[1:] for part in parts)
        plain = plain if plain[0].isalpha() else f"Net{plain}"
        plain += "" if '"' in found.group() else f' "{name}"'
    rule = "begins with a letter" if name[0].isdigit() else "is one word"
    way = f"a name {rule}: `{plain}`" if is_let else ""
    return rewritten(span, plain, f"`{name}` cannot be a name", way, "E107")


def _parameters(m: Mistake) -> Answer | None:
    found, name = m.here(r"(?:\[|(?=\w|@))([^{}()\[\]\r\n#]*?)\]?[ \t]*(?=\{)"), m.part(0)
    if found is None or name.token is None:
        return None
    plain = found[1] if {*found[1]} & {*",="} else ", ".join(found[1].split())
    end = m.start + len(found.group().rstrip(" \t"))
    return Answer(
        "E101", "a block's parameters stand in round brackets", Span(m.start, end),
        f"write `{name.token.text}({plain})`", (Edit(Span(m.gap.start, end), f"({plain})"),),
        reads=f"{name.token.text}({plain})", since=name.start,
    )  # fmt: skip


def _output(m: Mistake) -> Answer:
    """`output f`, `output 10`."""
    labels = re.findall(r"(?m)^[ \t]*([A-Za-z]\w*)[ \t]*:", m.text[: m.start])
    message, shown = f"expected a label such as @skip, found {m.shown}", labels[-1] if labels else "name"
    if m.word in labels:
        return rewritten(m.span, f"@{m.word}", message, code="E101", safe=True, reads=f"@{m.word}")
    return Answer("E101", message, m.span, f"an output is a labelled tensor: `output @{shown}`")


def _title(m: Mistake) -> Answer | None:
    """`model A 'x'`, and a title that is not closed."""
    line = m.text[m.start : m.line_end]
    close = line.find(m.word, 1)
    stop = m.start + (close + 1 if close > 0 else len(line.rstrip()))
    span = Span(m.start, stop)
    title = f'"{m.text[m.start + 1 : stop - 1 if close > 0 else stop]}"'
    if m.word == '"':
        fix = (Edit(Span(stop, stop), '"'),)
        return Answer("E105", "this title is not closed", span, 'write `"` after it', fix, reads=title)
    if close < 0 or '"' in title[1:-1]:
        return None
    return rewritten(span, title, 'a title stands in `"`', code="E101", safe=True, reads=title)


VALUES = (
    Rule({"input ⟦a⟧ 3x8x8": "input a: 3x8x8"}, "the name of an input has a colon", on="NAME", last="INPUT",
         here=r"([A-Za-z]\w*)(?=[ \t]+[0-9(])", put="{1}:"),
    Rule({"block f(k⟦:⟧ 3) { relu }": "block f(k= 3) { relu }"}, on="COLON", accepts="EQUAL",
         when=lambda m: m.inside == "(" and bool(m.behind(r"[ \t]*[0-9]")), put="="),
    Rule({"conv F3 K8 init=⟦'he'⟧": "conv F3 K8 init=he", "let k = ⟦\"3\"⟧": "let k = 3"},
         "a value has no quotation marks", last="EQUAL", here=r"([\"'])([\w.]+)\1", put="{2}"),
    Rule({"conv F3 K8 init=⟦he()⟧": "conv F3 K8 init=he"}, "expected `{2}`, found `{1}`", on="RPAR",
         last="CALL", when=lambda m: m.around(r"(?<=init=)(?P<mark>([A-Za-z]\w*)\([ \t]*\))"), put="{2}"),
    Rule({"let k = 7 ⟦mod⟧ 2": ""}, "expected `%`, found `mod`", "write `%`", word="mod"),
    Rule({"let k = 7 ⟦div⟧ 2": ""}, "expected `//`, found `div`", "write `//`", word="div"),
    Rule({"let n⟦:⟧ 3": "let n = 3"}, "expected `=`, found `{2}`", accepts="EQUAL",
         here=r"(?P<over>(?P<mark>:=?|==)[ \t]*)(?=[\w(])", when=lambda m: bool(_LET_NAME.fullmatch(m.head)),
         put=" = "),
    Rule({"let n = 1⟦,⟧ m = 2": "let n = 1\nlet m = 2"}, "a `let` names one value",
         "begin a new line for the next", accepts="_NL",
         here=r"(?P<over>(?P<mark>[,;])[ \t]*(?:let[ \t]+)?)[A-Za-z]\w*[ \t]*=(?![=>])",
         when=lambda m: not m.inside and bool(m.of_line(r"[ \t]*let\b[^\r\n]*")), put="\nlet "),
    Rule({"n ⟦=⟧ 3": "let n = 3"}, on="EQUAL", last="NAME LABEL", when=_assigns),
    Rule({"⟦C-1:⟧ conv F3": "C1: conv F3"}, "a label is one word", on="MINUS",
         when=lambda m: m.around(r"(?m:^)[ \t]*(?P<mark>([A-Za-z]\w*)[ \t]*[-.][ \t]*([0-9]+)[ \t]*:)"),
         put="{2}{3}:", safe=False),
)  # fmt: skip

NAMES = (
    Rule({"block f ⟦k s⟧ { relu }": "block f(k, s) { relu }", "block f⟦[k]⟧ { relu }": "block f(k) { relu }"},
         last="NAME", accepts="LBRACE", when=_parameters),
    Rule({"f: relu\noutput ⟦f⟧": "f: relu\noutput @f", "f: relu\noutput ⟦10⟧": ""}, last="OUTPUT",
         on="NAME NUMBER", when=_output),
    Rule({"shared ⟦block⟧ f(k) { relu }": "shared  f(k) { relu }"}, "`shared` stands in place of `block`",
         on="BLOCK", last="SHARED", put=""),
    Rule({"let ⟦if⟧ = 1": "", "block ⟦if⟧(k) { relu }": ""}, on=" ".join(WORDS),
         last="MODEL LET VARIANT BLOCK SHARED", when=_word_as_name),
    Rule({'model A ⟦"x⟧': 'model A "x"', "model A ⟦'x'⟧": 'model A "x"'}, on="?", word="\" ' `",
         accepts="STRING", when=_title),
    Rule({"let ⟦a-b⟧ = 3": "let a_b = 3", "model ⟦Mein Netz⟧": 'model MeinNetz "Mein Netz"'},
         when=_in_pieces),
    Rule({'model ⟦"Net"⟧': ""}, "expected the model's name before its title", "as in `model Net {found}`",
         on="STRING", last="MODEL", before="", reads="Net"),
    Rule({"let k ⟦3⟧": "let k = 3"}, on="NUMBER NAME CALL LPAR MINUS", accepts="EQUAL",
         when=lambda m: not m.accepts("HYPER") and not m.accepts("COMMA"), before="= ", safe=False),
)  # fmt: skip
