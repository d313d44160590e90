"""What is explained where it is not plain what was meant, in the end by what was expected."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span
from cnnspec.diagnostics.suggest import nearest
from cnnspec.language.recovery.mistake import Answer, Mistake
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.rules.lines import before_layer
from cnnspec.language.recovery.rules.matrices import NO_COMMAS
from cnnspec.language.recovery.rules.numbers import NUMBER_LIKE, open_reshape
from cnnspec.language.recovery.rules.steps import BRANCHES
from cnnspec.language.recovery.words import STATEMENT_WORDS, closing, is_layer
from cnnspec.language.tokens import END, STATEMENTS, UNKNOWN
from cnnspec.notations.steps import step

_FIRST_WORD = re.compile(r"[ \t]*([A-Za-z][A-Za-z0-9_]*)")
_LETTER_NUMBER = re.compile(r"[FSPKGD][0-9][0-9A-Za-z_.]*")
_WORD = re.compile(r"\w+")
_SHAPE_NEXT = re.compile(r"[ \t]+[0-9]+(?:[x@]|[ \t]*(?:[\r\n]|$))")
_SUM = re.compile(r"@\w+(?:[ \t]*\+[ \t]*@\w+)+")
_TIMES_GROUP = re.compile(r"[0-9]+[ \t]*[*x]?[ \t]*\[")
_IF = re.compile(r"(?:^|->|(?<=\[)|[|{:])[ \t]*if\b")
_IF_ELSE = re.compile(r"(?:^|[|\[])[ \t]*if\b|else\b")
_VARIANT = re.compile(r"[ \t]*(variant[ \t]+\w+)[ \t]*")
_GROUP = re.compile(r"[ \t]*\[")


def _mistyped(m: Mistake) -> Answer | None:
    """The first word of a line where it looks like a statement's."""
    head = m.of_line(_FIRST_WORD)
    if head is None or not m.text[head.end() : m.start].strip():
        return None
    word, span = head[1], Span(*head.span(1))
    near = None if word in STATEMENT_WORDS or is_layer(word) else nearest(word, STATEMENT_WORDS)
    if near is None:
        return None
    fix = (Edit(span, near),)
    return Answer("E101", f"there is no statement `{word}`", span, f"did you mean `{near}`?", fix)


def _without_brackets(m: Mistake) -> Answer | None:
    """`if C > 3 then relu`, `else relu`: the steps of an `if` stand in brackets."""
    wanted = m.accepts("LSQB") and not m.accepts("CALL")
    if not (wanted or m.kind == "LBRACE" or m.word == ":") or not _IF_ELSE.search(m.head):
        return None
    fix = (Edit(m.span, ""),) if m.word == "then" and m.behind(_GROUP) else ()
    way = "the steps of an `if` stand in square brackets: `if C > 3 [ … ] else [ … ]`"
    return Answer("E101", f"unexpected {m.shown}", Span(m.start, m.end), way, fix)


def _odd_number(m: Mistake) -> Answer | None:
    begin = m.start
    while m.word == "." and begin > 0 and m.text[begin - 1].isascii() and m.text[begin - 1].isalnum():
        begin -= 1
    number = NUMBER_LIKE.match(m.text, begin) or _LETTER_NUMBER.match(m.text, begin)
    if number is None or not any(map(str.isdigit, number.group())):
        return None
    advice = "numbers look like 12, 0.5 and 1e-6"
    if m.accepts("CLAIM_NUMBER"):
        advice = "claimed numbers look like 1,516, 25.6M and ~8.8M; units are k, M and G"
    elif re.fullmatch(r"[0-9.,]+[kKmMgG]?", number.group()):
        advice = "commas and k, M, G stand in claims only; write all digits"
    return Answer("E106", f"`{number.group()}` is no number", Span(*number.span()), advice)


def _odd_name(m: Mistake) -> Answer | None:
    if m.word != "_" and (m.word.isascii() or not (m.word.isalpha() or m.word.isdigit())):
        return None
    begin = m.start
    while begin > 0 and (m.text[begin - 1].isalnum() or m.text[begin - 1] == "_"):
        begin -= 1
    word = _WORD.match(m.text, begin)
    span = Span(begin, word.end() if word else m.end)
    name = m.text[span.start : span.end]
    letters = "names are made of the letters a-z, A-Z, digits and _"
    reason = "a name begins with a letter" if name.isascii() else letters
    return Answer("E107", f"`{name}` cannot be a name", span, reason)


def _letter_apart(m: Mistake) -> Answer | None:
    before, whole = m.gap.start, m.here(NUMBER_LIKE)
    letter = m.text[before - 1 : before]
    glued = m.text[before - 2 : before - 1].isalnum()
    if m.last != "NAME" or letter not in set("FSPKGDfspkgd") or glued or not whole:
        return None
    plain, span = letter.upper() + whole.group(), Span(before - 1, whole.end())
    message = f"a hyperparameter is written without a space: `{plain}`"
    return Answer("E104", message, span, "", (Edit(span, plain),))


def _sum(m: Mistake) -> Answer | None:
    found = _SUM.match(m.text, m.text.rfind("@", 0, m.start))
    if found is None:
        return None
    tensors = found.group().replace(" ", "").replace("\t", "").split("+")
    span, way = Span(*found.span()), f"add [ {' | '.join(tensors)} ]"
    return Answer("E101", "tensors are not added with `+`", span, f"write `{way}`", (Edit(span, way),))


def _row_of_a_table(m: Mistake) -> Answer | None:
    """`| conv | 3x3 | 64 |`, a line of a Markdown table."""
    line = m.text[m.begin : m.line_end].split("#")[0].rstrip()
    found = step(" ".join(line.replace("|", " ").split())) if not m.inside else None
    if found is None or not found.sure:
        return None
    found = found._replace(span=Span(m.begin + len(line) - len(line.lstrip()), m.begin + len(line)))
    return Answer("E102", found.message, found.span, found.help, found.fix)


def _times_before(m: Mistake) -> Answer | None:
    times = m.here(_TIMES_GROUP)
    if times is None:
        return None
    close, span = closing(m.text, times.end() - 1), Span(m.start, times.end() - 1)
    fix = (Edit(span, ""), Edit(Span(close, close), f"*{m.word}")) if close else ()
    message = "a repetition has its number behind it"
    return Answer("E101", message, span, f"write `[ … ]*{m.word}`", fix)


def _head_of_variant(m: Mistake) -> re.Match[str] | None:
    if m.last not in ("NAME", "HYPER") or m.kind == "_NL":
        return None
    return _VARIANT.fullmatch(m.text, m.begin, m.start)


def _unexpected(m: Mistake) -> Answer:
    early = {END: "the file ends too early", "_NL": "the line ends too early"}
    advice = f"here may stand {m.expected}" if m.expected else ""
    if m.inside and m.kind in ("RSQB", "RBRACE") and m.last == "ARROW":
        advice = "a step is missing behind `->`"
    elif head := _head_of_variant(m):
        advice = f"a colon stands behind the variant's name: `{head[1]}: …`"
    elif m.kind == "STAR":
        advice = "there is no power; write `a*a`"
    elif m.kind == "LET" or m.kind in STATEMENTS:
        advice = f"`{m.word}` begins a line of its own"
    return Answer("E101", early.get(m.kind, f"unexpected {m.shown}"), m.span, advice)


def _before_layer(m: Mistake) -> bool:
    return m.accepts("CALL") and m.accepts("LSQB")


MISTYPED = (
    Rule(
        {"⟦vairant⟧ A: k = 3": "variant A: k = 3"},
        on=("EQUAL", "COMMA", "LBRACE", "STRING", "REFERENCE"), when=_mistyped,
    ),
)  # fmt: skip

CHARACTERS = (
    Rule({"fc ⟦64k⟧": ""}, on=(UNKNOWN,), when=_odd_number),
    Rule({"let ⟦_a⟧ = 1": ""}, on=(UNKNOWN,), when=_odd_name),
    Rule(
        {"add [ ⟦@⟧ | id ]": ""}, "a label's name stands right behind `@`", "as in `@skip`",
        on=(UNKNOWN,), when=lambda m: m.word == "@",
    ),
    Rule(
        {'relu ⟦"⟧x': ""},
        "unexpected text in quotation marks", 'only a model has a title: `model Name "title"`',
        on=(UNKNOWN,), when=lambda m: m.word == '"',
    ),
    Rule(
        {"relu⟦?⟧": ""}, "unexpected `?`", "what may be left out stands under an `if`: `if n > 0 [ … ]`",
        on=(UNKNOWN,), when=lambda m: m.word == "?",
    ),
    Rule(
        {"let a = 2⟦^⟧3": ""}, "unexpected `^`", "there is no power; write `a*a`",
        on=(UNKNOWN,), when=lambda m: m.word == "^",
    ),
    Rule(
        {"x⟦.⟧y": ""}, "unexpected `.`", "names have no points in them",
        on=(UNKNOWN,), when=lambda m: m.word == ".",
    ),
    Rule({"conv F3 ⟦$⟧ K4": ""}, on=(UNKNOWN,), when=_unexpected),
)  # fmt: skip

REST = (
    Rule(
        {"if C ⟦=>⟧ 3 [ relu ]": "if C >= 3 [ relu ]"}, "`=>` in place of `>=`",
        when=lambda m: m.word == "=>" and bool(_IF.search(m.head, m.head.rfind("[") + 1)), put=">=",
    ),
    Rule({"if C > 3 ⟦then⟧ [ relu ]": "if C > 3  [ relu ]"}, when=_without_brackets),
    Rule({"⟦exepct⟧ params 1.5k": "expect params 1.5k"}, when=_mistyped),
    *CHARACTERS,
    Rule({"let a = ⟦F 3⟧": ""}, on=("NUMBER", "DIM"), when=_letter_apart),
    Rule({"⟦@a + @b⟧": "add [ @a | @b ]"}, on=("PLUS",), when=_sum),
    Rule(
        {"⟦reshape -1⟧": "flatten"},
        "no size of a `reshape` is left open", "`flatten` makes a vector of any map",
        on=("MINUS",), when=open_reshape, code="E108", put="flatten",
    ),
    Rule(
        {"conv weight=[1⟦,⟧ a]": ""}, NO_COMMAS, "leave the commas out",
        on=("COMMA",), when=lambda m: m.last == "MATRIX_NUMBER",
    ),
    Rule({"⟦| conv | 3x3 | 64 |⟧": "conv F3 K64"}, on=("VBAR",), when=_row_of_a_table),
    Rule(
        {"⟦|⟧ relu": ""}, "`|` parts branches, and here are none", BRANCHES,
        on=("VBAR",), when=lambda m: not m.inside,
    ),
    Rule(
        {"let a = ⟦[⟧1, 2]": ""}, "a `let` names one number, and this is a list",
        "give each number a name of its own: `let n1 = 2`",
        on=("LSQB",), when=lambda m: m.last == "EQUAL",
    ),
    Rule(
        {"relu ⟦+⟧ bn": "relu -> bn"}, "steps are not joined by `+`",
        "`->` hands on to `{1}`; `add [ … | … ]` sums branches",
        on=("PLUS",), when=lambda m: m.accepts("ARROW") and "@" not in m.head and before_layer(m), put="->",
    ),
    Rule(
        {"@a ⟦+⟧ conv F3": ""}, "tensors are not added with `+`",
        "branches are added: `add [ … | … ]`, each from the tensor that arrives or from an `@label`",
        on=("PLUS",), when=lambda m: m.accepts("ARROW"),
    ),
    Rule({"⟦3*⟧[relu]": "[relu]*3"}, on=("NUMBER",), when=_times_before),
    Rule(
        {"relu -> ⟦@a⟧": ""}, "{shown} stands at the head of a line or branch only",
        "begin a new line: `{found} -> …`; tensors come together in `add [ … | … ]`",
        on=("REFERENCE",), when=lambda m: m.last == "ARROW",
    ),
    Rule(
        {"[a] ⟦3x⟧2": ""}, "unexpected {shown}", "a repetition is written `[ … ]*3`",
        on=("DIM",), when=lambda m: m.last == "RSQB",
    ),
    Rule(
        {"relu ⟦*⟧ 3": ""}, "unexpected {shown}", "a repetition is written `[ … ]*3`",
        on=("STAR",), when=lambda m: m.last != "STAR",
    ),
    Rule(
        {"⟦S2⟧ 6@14x14": ""}, "a label has a colon behind it: `{found}:`",
        "and a layer follows, as in `{found}: conv F5 K6 => 6@28x28`",
        on=("HYPER",), when=lambda m: _before_layer(m) and bool(m.behind(_SHAPE_NEXT)),
    ),
    Rule(
        {"⟦F3⟧ K4": ""}, "a step begins with the layer's word, not with {shown}",
        "put the layer before it, as in `conv {found}`", on=("HYPER",), when=_before_layer,
    ),
    Rule(
        {"k ⟦=⟧ n": ""}, "a line gives nothing a name with `=`",
        "a value is named with `let name = …`, a tensor with `name: steps`",
        on=("EQUAL",), when=lambda m: m.last == "NAME",
    ),
    Rule(
        {"let a = 1 < 2 ⟦<⟧ 3": ""}, "unexpected {shown}", "a comparison has two sides; join two with `and`",
        on=("COMPARE",), when=lambda m: m.last in ("NUMBER", "NAME", "RPAR"),
    ),
    Rule({"variant A ⟦k⟧": ""}, when=_unexpected),
)  # fmt: skip
