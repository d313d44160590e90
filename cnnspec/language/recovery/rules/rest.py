"""Mistakes with more than one possible meaning, and last a message that names what was expected."""

from __future__ import annotations

import re
from unicodedata import normalize

from cnnspec.diagnostics import Edit, Span, line_start
from cnnspec.diagnostics.suggest import nearest
from cnnspec.language.recovery.mistake import Answer, Mistake, rewritten
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.rules.brackets import NO_COMMAS
from cnnspec.language.recovery.rules.labels import LABELS
from cnnspec.language.recovery.rules.marks import BRANCHES, NO_BRANCHES
from cnnspec.language.recovery.rules.names import NAMED_BY, NAMELESS
from cnnspec.language.recovery.rules.numbers import NUMBER_LIKE, open_reshape
from cnnspec.language.recovery.rules.tensors import ADDED
from cnnspec.language.recovery.words import STATEMENT_WORDS, closing, is_layer, shortened
from cnnspec.language.tokens import END, STATEMENTS, Token
from cnnspec.notations.steps import step

_IF = re.compile(r"(?:^|->|(?<=\[)|[|{:])[ \t]*if\b")
_IF_ELSE = re.compile(r"(?:^|->|[|\[{:])[ \t]*if\b|else\b")
_VARIANT = re.compile(r"[ \t]*(variant[ \t]+\w+)[ \t]*")
_OPEN_ENDS = frozenset(
    ("ARROW", "PLUS", "MINUS", "STAR", "DIVIDE", "COMPARE", "EQUAL", "COMMA", "LABEL", "AND", "OR", "NOT")
)
"""Tokens that cannot end a line."""
_FROM = r"[ \t]+(?:from|of|on|using|with)$"
_REPETITION = "a repetition is written `[ … ]*3`"


def _mistyped(m: Mistake) -> Answer | None:
    """The first word of a line where it looks like a misspelt statement."""
    head = m.of_line(r"[ \t]*([A-Za-z][A-Za-z0-9_]*)")
    if head is None or not m.text[head.end() : m.start].strip():
        return None
    word, span = head[1], Span(*head.span(1))
    near = None if word in STATEMENT_WORDS or is_layer(word) else nearest(word, STATEMENT_WORDS)
    if near is None:
        return None
    return rewritten(span, near, f"`{word}` is not a statement", f"did you mean `{near}`?", "E101")


def _in_braces(m: Mistake) -> Answer | None:
    """`if C > 3 { relu } else { bn }`."""
    edits, at, reads = list[Edit](), m.start, ""
    while close := closing(m.text, at):
        edits += [Edit(Span(at, at + 1), "["), Edit(Span(close - 1, close), "]")]
        reads += f"[{m.text[at + 1 : close - 1]}]"
        more = re.compile(r"([ \t\r\n]*else\b(?:[ \t]+if\b[^{}\[\]\r\n]*)?[ \t]*)\{").match(m.text, close)
        if more is None:
            break
        reads, at = reads + more[1], more.end() - 1
    if not edits:
        return None
    condition = re.search(r"if\b[^\[\]{}|\r\n]*$", m.head)
    reported = any(m.begin <= one.span.start < m.start for one in m.sink)
    begins = condition[0].rstrip() if condition and not reported else "if …"
    way = f"write `{begins} {shortened(reads, '[ … ]')}`"
    message, end = "the steps of an `if` are written in square brackets", edits[-1].span.end
    return Answer("E101", message, m.span, way, tuple(edits), True, reads=reads, resume=end)


def _from_the_input(m: Mistake) -> Answer | None:
    """`conv F3 K8 from input`."""
    if not m.line:
        return None
    step = re.search(r"([A-Za-z]\w*\b[^|\[{:#]*?)([ \t]+(?:from|of|on|using|with)|[ \t]*\()?[ \t]*$", m.head)
    behind = m.behind(r"[ \t]*\)?[ \t]*(?=[#\r\n]|$)")
    input_line = re.search(r"(?m)^[ \t]*input[ \t]+([0-9x]+)[^\r\n]*", m.text[: m.begin])
    if step is None or behind is None or input_line is None or not is_layer(step[1].partition(" ")[0]):
        return None
    span, message = Span(m.begin + step.end(1), behind.end()), "a line continues from the line before"
    if not re.sub(r"#[^\r\n]*", "", m.text[input_line.end() : m.begin]).strip():
        way, fix = f"leave `{m.text[span.start : m.end].strip()}` out", (Edit(span, ""),)
        return Answer(
            "E101", f"{message}, here from the input", span, way, fix, True, reads="", since=span.start
        )
    way = f"name the input, `input x: {input_line[1]}`, and begin this line with it: `@x -> {step[1]}`"
    return Answer("E101", f"{message}, not from the input", span, way, reads="", since=span.start)


def _without_brackets(m: Mistake) -> Answer | None:
    """`if C > 3 then relu`, `else relu`: the steps of an `if` are in brackets."""
    if m.last in ("AND", "OR", "NOT") and m.word == ":":
        last = m.part(0).token
        way = f"write it, as in `{m.head.strip()} H > 1 [ … ]`"
        return last and Answer("E101", f"expected a condition after `{last.text}`, found `:`", last.span, way)
    opens_if = m.accepts("LSQB") and not m.accepts("CALL") and m.kind != "COMPARE"
    if not (opens_if or m.kind == "LBRACE" or m.word == ":") or not _IF_ELSE.search(m.head):
        return None
    if m.kind == "LBRACE" and (braces := _in_braces(m)) is not None:
        return braces
    if m.word in ("then", ":") and m.behind(r"[ \t]*\["):
        fix, message = (Edit(Span(m.gap.start, m.end), ""),), "the steps of an `if` follow its condition"
        return Answer("E101", message, m.span, f"leave `{m.word}` out", fix, True, reads="")
    way = "the steps of an `if` are written in square brackets: `if C > 3 [ … ] else [ … ]`"
    return Answer("E101", f"expected `[`, found {m.shown}", Span(m.start, m.end), way)


def _odd_number(m: Mistake) -> Answer | None:
    begin = m.start
    while m.word == "." and begin > 0 and m.text[begin - 1].isascii() and m.text[begin - 1].isalnum():
        begin -= 1
    number = re.compile(rf"{NUMBER_LIKE}|[FSPKGD][0-9][0-9A-Za-z_.]*").match(m.text, begin)
    if number is None or not any(map(str.isdigit, number.group())):
        return None
    written = number.group()
    message = f"`{written}` is not a valid {'hyperparameter' if written[0].isalpha() else 'number'}"
    if m.accepts("LABEL") and m.text[number.end() :].lstrip(" \t").startswith(":"):
        way = "a label begins with a letter"
        return Answer("E107", f"`{written}` cannot be a label", Span(*number.span()), way)
    if re.fullmatch("[0-9]+x[0-9A-Za-z]*", written) and m.accepts("DIM"):
        way = "a shape is numbers joined by `x`, as in `3x224x224`"
        return Answer("E106", f"`{written}` is not a valid shape", Span(*number.span()), way)
    method = re.compile(r"\.([A-Za-z]\w*)(?:\(\))?").search(m.text, number.start(), m.line_end)
    if written[0].isalpha() and method and method.start() < number.end() and is_layer(method[1].lower()):
        plain, span = f" -> {method[1].lower()}", Span(method.start(), method.end())
        return rewritten(span, plain, "steps are joined by `->`, not by `.`", "write `->`", "E101")
    way = "numbers look like 12, 0.5 and 1e-6"
    if m.accepts("CLAIM_NUMBER"):
        way = "claimed numbers look like 1,516, 25.6M and ~8.8M; the units are k, M and G"
    elif re.fullmatch(r"[FSPKGD][0-9]+\.[0-9]+", written):
        way = f"`{written[0]}` is a whole number"
    elif times := re.fullmatch(r"([0-9]+)([A-Za-z]\w*)", written):
        defined = re.search(rf"(?:let[ \t]+|[(,@][ \t]*){times[2]}\b", m.text[: m.start])
        if defined or times[2] in "CHWTi":
            plain = f"{times[1]}*{times[2]}"
            return rewritten(Span(*number.span()), plain, message, code="E106", reads=plain)
        if times[2] in "kKmMgG":
            way = "k, M and G are allowed in claims only; write all digits"
    elif re.fullmatch(r"[0-9.,]+[kKmMgG]?", written):
        way = "commas and k, M, G are allowed in claims only; write all digits"
    return Answer("E106", message, Span(*number.span()), way)


def _choice(m: Mistake) -> Answer | None:
    """`K=a > 3 ? 8 : 16`."""
    found = m.around(
        r"(?<==)[ \t]*(?P<mark>([^=?:|\[\]#\r\n]*[<>=]=?[^?:|\[\]#\r\n]*?)"
        r"[ \t]*\?[ \t]*([\w*+/]+)[ \t]*:[ \t]*([\w*+/]+))"
    )
    if found is None:
        return None
    plain, span = f"{found[3]} if {found[2]} else {found[4]}", Span(*found.span("mark"))
    message = "a choice between two values is written with `if` and `else`"
    return rewritten(span, plain, message, code="E101", reads=plain, since=span.start)


def _power_of_ten(m: Mistake) -> Answer | None:
    match = m.around(r"\b10\^\(?(-?[0-9]+)\)?")
    return match and rewritten(
        Span(*match.span()),
        f"1e{match[1]}",
        "`^` is not an operator",
        code="E101",
        safe=True,
        reads=f"1e{match[1]}",
    )


_SPELT = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "ı": "i", "æ": "ae", "Æ": "Ae", "œ": "oe"}
)
"""Letters that are not a plain letter with a diacritic."""


def _odd_name(m: Mistake) -> Answer | None:
    is_label = m.accepts("LABEL") and not m.word.isascii() and m.behind(r"\w*[ \t]*:")
    if not is_label and m.word != "_" and (m.word.isascii() or not (m.word.isalpha() or m.word.isdigit())):
        return None
    begin = m.start
    while begin > 0 and (m.text[begin - 1].isalnum() or m.text[begin - 1] == "_"):
        begin -= 1
    word = re.compile(r"\w+").match(m.text, begin)
    span = Span(begin, word.end() if word else m.end)
    name = m.text[span.start : span.end]
    plain = normalize("NFKC", name)
    if name != plain and plain.isascii() and plain.isidentifier():  # ligatures, letters of mathematics
        return rewritten(span, plain, f"`{name}` has special characters", code="E107", safe=True, reads=plain)
    is_input = re.compile(r"\w+([ \t]+[0-9]+(?:x[0-9]+)+)[ \t]*(?=[#\r\n]|$)").match(m.text, begin)
    if is_input and not re.search(r"(?m)^[ \t]*input\b", m.text):
        message = "an input begins with the word `input`"
        return rewritten(
            span, "input", message, f"write `input{is_input[1]}`", "E107", cause="input", reads="input"
        )
    letters = "the characters of a name are a-z, A-Z, 0-9 and _"
    letters += "; `cnnspec explain layers` lists the layers" * m.before_step
    reason = "a name begins with a letter" if name.isascii() else letters
    bare = "".join(char for char in normalize("NFKD", name.translate(_SPELT)) if char.isascii())
    if not name.isascii() and bare.isidentifier() and len(bare) >= len(name):
        reason = f"{letters}: for instance `{bare}`"
    return Answer("E107", f"`{name}` cannot be a name", span, reason)


def _letter_apart(m: Mistake) -> Answer | None:
    before, whole = m.gap.start, m.here(NUMBER_LIKE)
    letter = m.text[before - 1 : before]
    glued = m.text[before - 2 : before - 1].isalnum()
    if letter not in set("FSPKGDfspkgd") or glued or not whole:
        return None
    plain = letter.upper() + whole.group()
    message = "a hyperparameter's number follows its letter without a space"
    return rewritten(Span(before - 1, whole.end()), plain, message, code="E104")


def _tensor_behind(m: Mistake) -> Answer | None:
    """`relu @a`."""
    step = re.search(r"((?:^|->|[|\[{]|\w[ \t]*:)[ \t]*)([A-Za-z]\w*)((?:[ \t]+[\w=.*/]+)*)[ \t]*$", m.head)
    if step is None or not is_layer(step[2]) or m.rest.strip(" \t")[:1] not in ("", "#", "-", "="):
        return None
    message, begin = f"a tensor comes before the layers that use it, found {m.shown}", m.begin + step.start(2)
    arguments = re.sub(_FROM, "", step[3])
    plain = f"{m.word} -> {step[2]}{arguments}"
    if "->" in step[1]:
        return Answer("E101", message, m.span, f"a line begins with it: `{plain}`", reads="")
    end = m.begin + step.start(3) + len(arguments)
    fix = (Edit(Span(begin, begin), f"{m.word} -> "), Edit(Span(end, m.end), ""))
    since = (
        m.start
        if arguments == step[3]
        else m.begin + len(m.head.rstrip()) - len(step[3][len(arguments) :].strip())
    )
    return Answer("E101", message, Span(since, m.end), f"write `{plain}`", fix, reads="", since=since)


def _with_arrow(m: Mistake) -> Span | None:
    """The arrow before the token too, with the blanks around it."""
    before = re.search(r"[ \t]*->[ \t]*$", m.head)
    return Span(m.begin + before.start(), m.end) if before else None


def _row_of_a_table(m: Mistake) -> Answer | None:
    """`| conv | 3x3 | 64 |`, a line of a Markdown table."""
    line = m.text[m.begin : m.line_end].split("#")[0].rstrip()
    translation = step(" ".join(line.replace("|", " ").split())) if not m.inside else None
    if translation is None or not translation.sure:
        return None
    span = Span(m.begin + len(line) - len(line.lstrip()), m.begin + len(line))
    translation = translation._replace(span=span)
    return Answer("E102", translation.message, span, translation.help, translation.fix)


def _ends_early(m: Mistake, last: Token) -> Answer:
    """A line that ends with `->`, `=`, `+` or the colon of a variant."""
    if last.type == "LABEL" and _VARIANT.match(m.text, line_start(m.text, last.start)):
        colon = Span(last.end - 1, last.end)
        way = f"write the settings, or leave the colon out: `variant {last.text.rstrip(' :')}`"
        return Answer(
            "E101", "expected the variant's settings after the colon", last.span, way, (Edit(colon, ""),)
        )
    message = f"expected {m.expected} after `{last.text.strip()}`"
    return Answer("E101", message, last.span, "leave it out, or write the next step" * (last.type == "ARROW"))


def _operator_at_the_end(m: Mistake) -> Answer | None:
    """`let k = 3 +` above a line of steps, whose first word was read as a value."""
    match = re.compile(r"[ \t]*(let\b[^\r\n#]*?)[ \t]*([-+*/%]|//)[ \t]*(?:#[^\r\n]*)?[\r\n]+").match(
        m.text, line_start(m.text, max(0, m.begin - 1))
    )
    if match is None or match.end() != m.begin or not is_layer(m.head.strip()):
        return None
    return Answer(
        "E101", f"expected a number, a name or an expression after `{match[2]}`", Span(*match.span(2)),
        reads=f"{match[1]}\n", since=match.start(1), resume=m.begin,
    )  # fmt: skip


def _unexpected(m: Mistake) -> Answer:
    message = f"expected {m.expected}, found {m.shown}" if m.expected else f"unexpected {m.shown}"
    way = ""
    head = _VARIANT.fullmatch(m.text, m.begin, m.start) if m.last in ("NAME", "HYPER") else None
    last = m.part(0).token
    if (
        last is not None
        and last.type in _OPEN_ENDS
        and (m.kind in ("RSQB", "RBRACE", "_NL", END) or last.end <= m.begin)
    ):
        return _ends_early(m, last)
    if head and m.kind != "_NL":
        message, way = f"expected `:`, found {m.shown}", f"a colon follows the variant's name: `{head[1]}: …`"
    elif m.kind == "LET" or m.kind in STATEMENTS:
        way = f"`{m.word}` begins a new line"
    return Answer("E101", message, m.span, way)


def _from_the_end(m: Mistake) -> Answer | None:
    """`slice -1:C`, as Python counts from the end."""
    match = m.here(r"-([0-9]+)[ \t]*:[ \t]*(-?[\w]+)?") if m.head.rstrip().endswith("slice") else None
    if match is None:
        return None
    high = match[2] or "C"
    plain = f"C-{match[1]}:{f'C{high}' if high.startswith('-') else high}"
    message = "channels are counted from 0"
    return rewritten(Span(*match.span()), plain, message, code="E108", safe=True, reads=plain)


_TERMS = r"\w+(?:[ \t]*(?://|[*+/]|-(?!>))[ \t]*\w+)*"
_SLICE = re.compile(rf"\bslice[ \t]+((?P<low>{_TERMS})?[ \t]*:(?:[ \t]*(?P<high>{_TERMS}))?)")


def _open_slice(m: Mistake) -> Answer | None:
    """`slice 4:` and `slice :4`, as Python leaves out an end."""
    near = _SLICE.finditer(m.text, max(0, m.start - 60), m.line_end)
    before = (one for one in near if one.start() < m.start <= one.end() + 1)
    match = next((one for one in before if not m.text[one.end() : m.start].strip()), None)
    if match is None or (match["low"] and match["high"]) or not (match["low"] or match["high"]):
        return None
    plain = f"{match['low'] or 0}:{match['high'] or 'C'}"
    return rewritten(
        Span(*match.span(1)), plain, "both ends of a `slice` are given", code="E101", reads=plain
    )


MISTYPED = (
    Rule({"⟦vairant⟧ A: k = 3": "variant A: k = 3"}, on="EQUAL COMMA LBRACE STRING REFERENCE",
         when=_mistyped),
    Rule({"slice ⟦-1:C⟧": "slice C-1:C"}, on="MINUS", when=_from_the_end),
    Rule({"slice ⟦:4⟧": "slice 0:4", "x: slice ⟦:C//2⟧": "x: slice 0:C//2",
          "slice ⟦:C//2⟧ -> relu": "slice 0:C//2 -> relu", "slice ⟦4:⟧ -> relu": "slice 4:C -> relu",
          "relu -> slice ⟦C//2:⟧": "relu -> slice C//2:C"}, when=_open_slice),
)  # fmt: skip

CHARACTERS = (
    Rule({"⟦```⟧\nrelu": "\nrelu"}, "a spec has no fence", "leave the line out", here=r"```\w*", put=""),
    Rule({"fc ⟦64k⟧": "", "conv ⟦F2.5⟧ K16": "", "let k = 4\nconv F3 K=⟦2k⟧": "let k = 4\nconv F3 K=2*k"},
         on="?", when=_odd_number),
    Rule({"let ⟦_a⟧ = 1": ""}, on="?", when=_odd_name),
    Rule({"add [ ⟦@ x⟧ | id ]": "add [ @x | id ]"}, "a label's name follows `@` without a space",
         here=r"@[ \t]+([A-Za-z]\w*)", put="@{1}"),
    Rule({"add [ ⟦@⟧ | id ]": ""}, "expected a label's name after `@`", "as in `@skip`", on="?", word="@"),
    Rule({'relu ⟦"⟧x': ""}, "quoted text is not allowed here",
         'only a model has a title: `model Name "title"`', on="?", word='"'),
    Rule({"relu -> ⟦...⟧ -> bn": "", "relu\n⟦...⟧\nbn": ""}, "`...` is not a step",
         "write the layers that it stands for", here=r"\.{2,}|…", accepts="CALL"),
    Rule({"conv F3 K⟦?⟧": ""}, "expected a number, found `?`",
         "write one, as in `K64`, or a name: `let k = 64` above it and `K=k`", on="?", word="?",
         when=lambda m: bool(re.search(r"(?<!\w)[FSPKGD]=?$", m.head))),
    Rule({"let a = 3\nconv F3 K=⟦a > 3 ? 8 : 16⟧": "let a = 3\nconv F3 K=8 if a > 3 else 16"}, on="?",
         word="?", when=_choice),
    Rule({"relu⟦?⟧": ""}, "unexpected `?`", "an optional part is written in an `if`: `if n > 0 [ … ]`",
         on="?", word="?"),
    Rule({"bn eps=⟦10^-5⟧": "bn eps=1e-5"}, "`^` is not an operator", on="?", word="^", when=_power_of_ten),
    Rule({"let a = 2⟦^⟧3": "let a = 2**3"}, "`^` is not an operator", on="?", word="^", put="**"),
    Rule({"x⟦.⟧y": ""}, "unexpected `.`", "a name has no points", on="?", word="."),
    Rule({"conv F3 ⟦$⟧ K4": ""}, on="?", when=_unexpected),
)  # fmt: skip

REST = (
    Rule({"if C ⟦=>⟧ 3 [ relu ]": "if C >= 3 [ relu ]"}, word="=>",
         when=lambda m: bool(_IF.search(m.head, m.head.rfind("[") + 1)), put=">=", safe=False),
    Rule({"let k = 3 ⟦+⟧\nconv F3 K8": ""}, last="NAME", when=_operator_at_the_end),
    Rule({"if C > 3 ⟦then⟧ [ relu ]": "if C > 3 [ relu ]",
          "if C > 3 ⟦{⟧ relu } else { bn }": "if C > 3 [ relu ] else [ bn ]"}, when=_without_brackets),
    Rule({"input 3x8x8\nconv F3 K8⟦ from input⟧": "input 3x8x8\nconv F3 K8"}, on="INPUT",
         when=_from_the_input),
    Rule({"⟦exepct⟧ params 1.5k": "expect params 1.5k"}, when=_mistyped),
    *CHARACTERS,
    Rule({"let a = ⟦F 3⟧": ""}, on="NUMBER DIM", last="NAME", when=_letter_apart),
    *ADDED,
    Rule({"⟦reshape -1⟧": "flatten"}, "every size of a `reshape` must be given",
         "`flatten` makes a vector of any map", on="MINUS", when=open_reshape, code="E108", put="flatten",
         safe=False),
    Rule({"conv weight=[1⟦,⟧ a]": ""}, NO_COMMAS, "leave the commas out", on="COMMA", last="MATRIX_NUMBER"),
    Rule({"⟦| conv | 3x3 | 64 |⟧": "conv F3 K64"}, on="VBAR", when=_row_of_a_table),
    Rule({"⟦|⟧ relu": ""}, NO_BRANCHES, BRANCHES, on="VBAR", when=lambda m: not m.inside),
    Rule({"relu -> bn⟦ -> output⟧": "relu -> bn"}, "expected a step, found `output`",
         "leave it out: the last line's tensor is the output", on="OUTPUT", last="ARROW",
         when=lambda m: not m.rest.split("#")[0].strip() and _with_arrow(m), put=""),
    Rule({"a: bn\nrelu ⟦@a⟧": "a: bn\n@a -> relu", "relu -> bn ⟦@a⟧": ""}, on="REFERENCE",
         when=_tensor_behind),
    Rule({"relu -> ⟦@a⟧": ""}, "{shown} can only begin a line or a branch",
         "begin a new line: `{found} -> …`; `add [ … | … ]` joins tensors", on="REFERENCE", last="ARROW"),
    Rule({"[a] ⟦3x⟧2": ""}, "unexpected {shown}", _REPETITION, on="DIM", last="RSQB"),
    Rule({"relu ⟦*⟧ (3)": ""}, "unexpected {shown}", _REPETITION, on="STAR",
         last="NAME HYPER NUMBER RSQB RPAR"),
    *LABELS,
    Rule({"relu -> dropout⟦=⟧0.5": "relu -> dropout 0.5", "fc⟦=⟧10": "fc 10"},
         "a layer's number follows its word without `=`", on="EQUAL", last="NAME", put=" ",
         here=r"(?P<over>(?P<mark>=)[ \t]*)[0-9.]",
         when=lambda m: is_layer(re.split(r"\W", m.head.rstrip())[-1])),
    Rule({"k ⟦=⟧ n": ""}, NAMELESS, NAMED_BY.format(name="name"), on="EQUAL", last="NAME"),
    Rule({"let a = 1 < 2 ⟦<⟧ 3": ""}, "unexpected {shown}: a comparison has two sides", "join two with `and`",
         on="COMPARE", last="NUMBER NAME RPAR"),
    Rule({"variant A ⟦k⟧": "", "relu ⟦->⟧\nexpect params 0": "", "let k = 3 ⟦+⟧\nlet n = 4": "",
         "variant ⟦B:⟧\nlet n = 4": ""}, when=_unexpected),
)  # fmt: skip
