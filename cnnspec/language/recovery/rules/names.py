"""Values, tensors, variants and blocks named in another form: `n = 3`, `C-1: relu`, `block f { … }`."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span
from cnnspec.diagnostics.suggest import fold
from cnnspec.language.recovery.mistake import Answer, Mistake, rewritten
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.words import is_layer
from cnnspec.language.tokens import CLOSES, WORDS, Token
from cnnspec.notations.words import NO_TRAINING, OF_TRAINING, layer_word

_LET_NAME = re.compile(r"[ \t]*let[ \t]+[A-Za-z]\w*[ \t]*")
_NAMED = r"[ \t]*(let|model)[ \t]+([^=\"#\r\n:,(]+)(?:=|\"|#|[\r\n]|$)"
_NAMES_OF_MODELS = ("name", "model", "net", "network", "title", "arch")
NAMELESS = "a line cannot name a value with `=` alone"
NAMED_BY = "a value is named with `let {name} = …`, a tensor with `{name}: steps`"


def _assigns(m: Mistake) -> Answer | None:
    match = m.of_line(r"([ \t]*)([A-Za-z_]\w*)[ \t]*:?=[ \t]*(?=[0-9(.])")
    if match is None or m.start >= match.end():
        return None
    name, head = match[2], match.start(2)
    if is_layer(name):
        return None  # `dropout = 0.5`
    if fold(name) in OF_TRAINING:
        way, fix = (
            "leave the line out; a recipe has it (`cnnspec explain recipe`)",
            (Edit(Span(head, m.line_end), ""),),
        )
        return Answer("E101", NO_TRAINING, Span(head, m.line_end), way, fix, reads="", since=head)
    return Answer(
        "E101", NAMELESS, Span(m.start, m.start + 1), NAMED_BY.format(name=name),
        (Edit(Span(head, match.end()), f"let {name} = "),), reads=f"let {name} =", since=head,
    )  # fmt: skip


_HYPHENATED = r"(?m:->|[|\[{:]|^)[ \t]*([A-Za-z]\w*(?:-[A-Za-z]\w*)+)(?=[ \t]|->|[|\]}\r\n]|$)"


def _hyphenated(m: Mistake) -> Answer | None:
    """`self-attention heads=4`: the word without hyphens, whose meaning is reported later."""
    match = m.around(_HYPHENATED, 1)
    if match is None or m.inside == "(":
        return None
    span, word = Span(*match.span(1)), match[1].replace("-", "")
    return Answer("E101", "", span, reads=word, since=span.start, resume=span.end)


def _without_dollar(m: Mistake) -> Answer | None:
    """`K=$n`, `K=${n}`."""
    match = m.here(r"\$\{?([A-Za-z]\w*)\}?(?![^\r\n]*\$)")
    if match is None or not (m.accepts("NUMBER") or m.accepts("NAME")):
        return None
    span, message = Span(*match.span()), "a name has no mark before it"
    return rewritten(span, match[1], message, code="E101", safe=True, reads=match[1])


def _word_as_name(m: Mistake) -> Answer:
    name = Token("NAME", m.word, m.start, m.end) if m.accepts("NAME") else None
    message = f"`{m.word}` cannot be a name: it is reserved"
    return Answer("E107", message, m.span, "choose another name", reads=name)


def _in_pieces(m: Mistake) -> Answer | None:
    """`let a-b = 3`, `model Mein Netz`, `model 3D`: a name that is not a single word."""
    match = m.of_line(_NAMED)
    if match is None or not match.start(2) <= m.start <= match.end(2) or m.kind in CLOSES:
        return None
    name, is_let = match[2].rstrip(), match[1] == "let"
    parts = re.findall(r"[A-Za-z0-9]+", name)
    span = Span(match.start(2), match.start(2) + len(name))
    plain_one = name.isidentifier() or not parts or not name.isascii()
    if plain_one or (is_let and match.group()[-1] != "="):
        return None
    if is_let:
        plain = re.sub(r"^([0-9]+)_?([A-Za-z]\w*)", r"\2\1", "_".join(parts))
        if not plain[0].isalpha():
            return None
    else:
        plain = "".join(part[:1].upper() + part[1:] for part in parts)
        plain = plain if plain[0].isalpha() else f"Net{plain}"
        plain += "" if '"' in match.group() else f' "{name}"'
    rule = "begins with a letter" if name[0].isdigit() else "is one word"
    way = f"a name {rule}: `{plain}`" if is_let else ""
    return rewritten(span, plain, f"`{name}` cannot be a name", way, "E107")


def _parameters(m: Mistake) -> Answer | None:
    match, name = m.here(r"(?:\[|(?=\w|@))([^{}()\[\]\r\n#]*?)\]?[ \t]*(?=\{)"), m.part(0)
    if match is None or name.token is None:
        return None
    plain = match[1] if {*match[1]} & {*",="} else ", ".join(match[1].split())
    end = m.start + len(match.group().rstrip(" \t"))
    return Answer(
        "E101", "a block's parameters are written in parentheses", Span(m.start, end),
        f"write `{name.token.text}({plain})`", (Edit(Span(m.gap.start, end), f"({plain})"),),
        reads=f"{name.token.text}({plain})", since=name.start,
    )  # fmt: skip


def _output(m: Mistake) -> Answer:
    """`output f`, `output 10`."""
    labels = re.findall(r"(?m)^[ \t]*([A-Za-z]\w*)[ \t]*:", m.text[: m.start])
    listed = m.here(r"[A-Za-z]\w*(?:[ \t]*,?[ \t]*@?[A-Za-z]\w*)+(?=[ \t]*(?:#|[\r\n]|$))")
    names = re.findall(r"\w+", listed.group()) if listed else []
    if listed and {*names} <= {*labels}:
        plain, message = ", ".join(f"@{name}" for name in names), "the outputs are labels, each with its `@`"
        return rewritten(
            Span(*listed.span()), plain, message, f"write `output {plain}`", "E101", safe=True, reads=plain
        )
    message, shown = f"expected a label such as @skip, found {m.shown}", labels[-1] if labels else "name"
    named = re.compile(r"[ \t]+([A-Za-z]\w*)").match(m.text, m.span.end) if m.word == "each" else None
    if named is not None:
        span, written = Span(named.start(1), named.end(1)), f"each @{named[1]}"
        message = f"expected a label such as @skip, found `{named[1]}`"
        edit = Edit(span, f"@{named[1]}")
        return Answer(
            "E101", message, span, f"write `{written}`", (edit,), named[1] in labels,
            reads=written, resume=span.end, since=m.start,
        )  # fmt: skip
    if m.word in labels:
        return rewritten(m.span, f"@{m.word}", message, code="E101", safe=True, reads=f"@{m.word}")
    way = f"an output is a labelled tensor: `output @{shown}`"
    if not labels and m.word.isidentifier():
        way = f"label the line that gives it, `{m.word}: …`, and write `output @{m.word}`"
    return Answer("E101", message, m.span, way)


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
    return rewritten(span, title, 'a title is written in `"`', code="E101", safe=True, reads=title)


def _sum_of_labels(m: Mistake) -> Answer | None:
    """`c = a + b` of two labels."""
    match = re.compile(r"[ \t]*(?:(\w+)[ \t]*[:=][ \t]*)?(@?\w+(?:[ \t]*([-+*/])[ \t]*@?\w+)+)[ \t]*$").match(
        m.line.split("#")[0]
    )
    if match is None:
        return None
    names, operators = re.findall(r"\w+", match[2]), {*re.findall(r"[-+*/]", match[2])}
    labels = {*re.findall(r"(?m)^[ \t]*([A-Za-z]\w*)[ \t]*:", m.text[: m.begin])}
    if len(operators) > 1 or not labels.issuperset(names):
        return None
    word = {"+": "add", "-": "sub", "*": "mul", "/": "div"}[match[3]]
    plain = f"{f'{match[1]}: ' if match[1] else ''}{word} [ {' | '.join(f'@{name}' for name in names)} ]"
    first = match.start(1) if match[1] else match.start(2)
    span = Span(m.begin + first, m.begin + match.end(2))
    message = f"tensors are merged by a word, not by `{match[3]}`"
    return rewritten(span, plain, message, code="E101", safe=True, reads=plain)


def _type_before(m: Mistake) -> Answer | None:
    """`block f(int k)`."""
    word = m.part(0).token
    if word is None or word.text not in ("int", "float", "double", "number", "num") or m.inside != "(":
        return None
    span = Span(word.start, m.start)
    fix = (Edit(span, ""),)
    return Answer("E101", "a parameter has no type", span, f"leave `{word.text}` out", fix, True,
                  reads=m.word, since=span.start, resume=m.end)  # fmt: skip


def _text(m: Mistake) -> Answer | None:
    """`let name = "abc"`."""
    match, let = m.here(r"([\"'])([^\"'\r\n]*)\1"), _LET_NAME.match(m.head)
    if (
        match is None
        or let is None
        or m.head[let.end() :].strip() != "="
        or re.fullmatch("[0-9.]+", match[2])
    ):
        return None
    way, name = "write a number, or leave the line out", let.group().split()[1]
    fix: tuple[Edit, ...] = ()
    if is_layer(match[2]):
        block = f"block {name}() {{ {layer_word(match[2])} }}"
        way = f"a layer is named by a block, `{block}`, and used as `{name}()`"
    if name.lower() in _NAMES_OF_MODELS and match[2].isidentifier():
        way = f"the name of a network is written `model {match[2]}`"
        fix = (Edit(Span(m.begin, match.end()), f"model {match[2]}"),)
    return Answer(
        "E101", f"a `let` names a number, and `{match.group()}` is text", Span(*match.span()), way, fix
    )


VALUES = (
    Rule({"input ⟦a⟧ 3x8x8": "input a: 3x8x8"}, "the name of an input has a colon", on="NAME", last="INPUT",
         here=r"([A-Za-z]\w*)(?=[ \t]+[0-9(])", put="{1}:"),
    Rule({"block f(⟦int ⟧k) { conv F3 K=k }": "block f(k) { conv F3 K=k }"}, "a parameter has no type",
         on="NAME", last="NAME", accepts="COMMA", when=_type_before),
    Rule({"block f(k⟦: int⟧ = 3) { conv F3 K=k }": "block f(k = 3) { conv F3 K=k }"},
         "a parameter has no type", here=r":[ \t]*(?:int|float|double|number|str|bool|Tensor)\b",
         when=lambda m: m.inside == "(" and bool(m.of_line(r"[ \t]*(?:block|shared)\b")), put=""),
    Rule({"block f(k⟦:⟧ 3) { relu }": "block f(k= 3) { relu }"}, on="COLON", accepts="EQUAL",
         when=lambda m: m.inside == "(" and bool(m.behind(r"[ \t]*[0-9]")), put="="),
    Rule({"let name = ⟦\"abc\"⟧": "", "let act = ⟦'relu'⟧": ""}, last="EQUAL", when=_text),
    Rule({"conv F3 K8 init=⟦'he'⟧": "conv F3 K8 init=he", "let k = ⟦\"3\"⟧": "let k = 3"},
         "a value has no quotation marks", last="EQUAL", here=r"([\"'])([\w.]+)\1", put="{2}"),
    Rule({"conv F3 K8 init=⟦he()⟧": "conv F3 K8 init=he"}, "expected `{2}`, found `{1}`", on="RPAR",
         last="CALL", when=lambda m: m.around(r"(?<=init=)(?P<mark>([A-Za-z]\w*)\([ \t]*\))"), put="{2}"),
    Rule({"let k = 7 ⟦mod⟧ 2": ""}, "expected `%`, found `mod`", "write `%`", word="mod"),
    Rule({"let k = 7 ⟦div⟧ 2": ""}, "expected `//`, found `div`", "write `//`", word="div"),
    Rule({"let k ⟦: int⟧ = 3": "let k = 3"}, "a `let` has no type", accepts="EQUAL",
         here=r"(?P<over>(?P<mark>:[ \t]*[A-Za-z]\w*)[ \t]*)(?==)",
         when=lambda m: bool(_LET_NAME.fullmatch(m.head)), put=""),
    Rule({"let n⟦:⟧ 3": "let n = 3"}, "expected `=`, found `{2}`", accepts="EQUAL",
         here=r"(?P<over>(?P<mark>:=?|==)[ \t]*)(?=[\w(])", when=lambda m: bool(_LET_NAME.fullmatch(m.head)),
         put=" = "),
    Rule({"let n = 1⟦,⟧ m = 2": "let n = 1\nlet m = 2"}, "a `let` names one value",
         "begin a new line for the next", accepts="_NL",
         here=r"(?P<over>(?P<mark>[,;])[ \t]*(?:let[ \t]+)?)[A-Za-z]\w*[ \t]*=(?![=>])",
         when=lambda m: not m.inside and bool(m.of_line(r"[ \t]*let\b[^\r\n]*")), put="\nlet "),
    Rule({"a: relu\nb: bn\n⟦c = a + b⟧": "a: relu\nb: bn\nc: add [ @a | @b ]"}, when=_sum_of_labels),
    Rule({"n ⟦=⟧ 3": "let n = 3"}, on="EQUAL", last="NAME LABEL", when=_assigns),
    Rule({"⟦C-1:⟧ conv F3": "C1: conv F3"}, "a label is one word", on="MINUS",
         when=lambda m: m.around(
             r"(?m:^)[ \t]*(?P<mark>(?!slice\b)([A-Za-z]\w*)[ \t]*[-.][ \t]*([0-9]+)[ \t]*:)"),
         put="{2}{3}:", safe=False),
    Rule({}, on="MINUS", when=_hyphenated),
    Rule({"let n = 3\nconv F3 K=⟦$n⟧": "let n = 3\nconv F3 K=n", "let n = 3\nfc ⟦${n}⟧": "let n = 3\nfc n"},
         word="$", when=_without_dollar),
)  # fmt: skip

NAMES = (
    Rule({"block f ⟦k s⟧ { relu }": "block f(k, s) { relu }", "block f⟦[k]⟧ { relu }": "block f(k) { relu }"},
         last="NAME", accepts="LBRACE", when=_parameters),
    Rule({"f: relu\noutput ⟦f⟧": "f: relu\noutput @f", "f: relu\noutput ⟦10⟧": "",
          "f: relu\ng: relu\noutput ⟦f, g⟧": "f: relu\ng: relu\noutput @f, @g",
          "f: [relu]*2\noutput each ⟦f⟧": "f: [relu]*2\noutput each @f"}, last="OUTPUT",
         on="NAME NUMBER", when=_output),
    Rule({"f: relu\noutput⟦⟧": ""}, "expected a label such as @skip, found {shown}",
         "name the tensor, `output @label`; without `output` it is the last line's", last="OUTPUT",
         on="_NL $END"),
    Rule({"shared ⟦block⟧ f(k) { relu }": "shared  f(k) { relu }"}, "`shared` is written in place of `block`",
         on="BLOCK", last="SHARED", put=""),
    Rule({"let ⟦if⟧ = 1": "", "block ⟦if⟧(k) { relu }": ""}, on=" ".join(WORDS),
         last="MODEL LET VARIANT BLOCK SHARED", when=_word_as_name),
    Rule({'model A ⟦"x⟧': 'model A "x"', "model A ⟦'x'⟧": 'model A "x"'}, on="?", word="\" ' `",
         accepts="STRING", when=_title),
    Rule({"let ⟦a-b⟧ = 3": "let a_b = 3", "model ⟦Mein Netz⟧": 'model MeinNetz "Mein Netz"'},
         when=_in_pieces),
    Rule({'model ⟦"Net"⟧': "model Net"}, "a model's name has no quotation marks", on="STRING", last="MODEL",
         here=r"[\"“„«]([A-Za-z]\w*)[\"”“»]", put="{1}", reads="{1}"),
    Rule({'model ⟦"My Net"⟧': ""}, "expected the model's name before its title", "as in `model Net {found}`",
         on="STRING", last="MODEL", before="", reads="Net"),
    Rule({"let k ⟦3⟧": "let k = 3"}, on="NUMBER NAME CALL LPAR MINUS", accepts="EQUAL",
         when=lambda m: not m.accepts("HYPER") and not m.accepts("COMMA"), before="= ", safe=False),
)  # fmt: skip
