"""Marks of another language or of a document: `>`, `;`, `//`, `&&`, bullets, quotation marks."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.builder.values import HYPER
from cnnspec.language.recovery.mistake import Answer, Mistake, rewritten
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.words import STATEMENT_WORDS, TIMES_BEHIND, is_layer
from cnnspec.notations.words import layer_word

_BULLET = r"[ \t]*((?:[0-9]{1,3}[.):]|\([0-9]{1,3}\)|[-*+>])[ \t]*)(?=([A-Za-z][A-Za-z0-9_]*))"
_INPUT_BEFORE = re.compile(r"(?:^|[\r\n])[ \t]*input[^\r\n]*[ \t\r\n]*$")
_CONDITION = re.compile(r"(?:^|[|\[]|->)[ \t]*((?:if|let)\b[^\[|]*[\w)])[ \t]*$")
_VARIANT = r"[ \t]*variant\b"
_BRACKETS = {"RPAR": "(", "RSQB": "[", "RBRACE": "{"}
NO_BRANCHES = "`|` separates branches, and there are no branches here"
BRANCHES = "branches follow the word that merges them: `add [ … | … ]`, `concat [ … | … ]`"
_COMMENT = "a comment begins with `#`"
_COMMENTS = {"/*": "*/", "<!--": "-->", '"""': '"""', "'''": "'''"}


_SHORTCUTS = ("skip", "shortcut", "identity", "residual", "x", "input", "id")


def _bullet(m: Mistake) -> Span | None:
    if m.head.strip(" \t0123456789("):
        return None
    match, read = m.of_line(_BULLET), m.part(0)
    if match and match[1][0] == "+" and match[2] in _SHORTCUTS:
        return None  # it is added
    inside = read.token is not None and read.start >= m.begin
    return Span(*match.span(1)) if match and not inside and layer_word(match[2]) is not None else None


def _long_comment(m: Mistake) -> Answer | None:
    """A comment as in C or HTML, or a docstring."""
    opens = next((comment for comment in _COMMENTS if m.text.startswith(comment, m.start)), None)
    if opens is None:
        return None
    stop = m.text.find(_COMMENTS[opens], m.start + len(opens))
    end = stop + len(_COMMENTS[opens]) if stop >= 0 else m.line_end
    span, written = Span(m.start, end), m.text[m.start + len(opens) : stop if stop >= 0 else end].strip()
    message, behind = f"{_COMMENT} and ends with the line", m.text[end : m.line_end].strip()
    if "\n" in written or "\r" in written or behind:
        return Answer("E101", message, span, "write `#` before each line of the comment", reads="")
    return rewritten(span, f"# {written}", message, code="E101", safe=True, reads="")


def _remark(m: Mistake) -> bool:
    """Whether words follow a `;` that are neither steps nor settings."""
    words = m.behind(r"[ \t]*(?![FSPKGD][0-9])([A-Za-z]\w*)(?![\w(\[:]|[ \t]*=)")
    if not m.head.strip():
        return words is None or not is_layer(words[1])
    if words is None or is_layer(words[1]) or words[1] in STATEMENT_WORDS:
        return False
    return not (m.inside or re.search(rf"\b(?:block|shared)[ \t]+{words[1]}\b", m.text))


def _input_goes_on(m: Mistake) -> Answer | None:
    """`input 3x8x8 -> relu`, `input 3x8x8 relu`."""
    if not _INPUT_BEFORE.search(m.text, max(0, m.start - 200), m.start):
        return None
    mark = m.kind in ("ARROW", "COMMA")
    if m.word == "," and not m.rest.split("#")[0].strip():
        return None  # the end of the line
    if not mark and (not m.head.strip() or not is_layer(m.word.rstrip("("))):
        return None
    alone, stop = not m.head.strip(), behind_arrows(m) if mark else m.start
    way, written = ("leave the arrow out", "") if alone else ("begin a new line here", "\n")
    fix = (Edit(Span(m.start if alone else m.gap.start, stop), written),)
    message = "the input is a separate statement; the first step begins a new line"
    return Answer("E101", message, m.span, way, fix, reads="\n", resume=stop)


def _last_comma(m: Mistake) -> Answer | None:
    """`f(3, )`."""
    comma = m.part(0).token
    if comma is None:
        return None
    message, fix = "expected an argument after `,`", (Edit(comma.span, ""),)
    return Answer(
        "E101", message, comma.span, "leave the comma out", fix, True,
        reads="", since=comma.start, resume=m.start,
    )  # fmt: skip


_BY_COMMA = r",[ \t]*[FSPKGD]=?(?:[0-9]|['\"]?(?:same|valid))[^,;|\r\n#()\[\]>+-]*"


def _arguments_by_commas(m: Mistake) -> Answer | None:
    """`conv F3, K8, S2`: all the commas at once."""
    match = m.here(rf"{_BY_COMMA}(?:{_BY_COMMA})*")
    if match is None or m.inside == "(":
        return None
    written, start = match.group(), m.start
    commas = [place for place, char in enumerate(written) if char == ","]
    edits = [
        Edit(Span(start + at, start + at + 1), "" if written[at + 1 : at + 2] in " \t" else " ")
        for at in commas
    ]
    quoted = re.compile(r"P=([\"'])(same|valid)\1")
    plain = {"same": "Psame", "valid": "P0"}
    edits += [
        Edit(Span(start + one.start(), start + one.end()), plain[one[2]]) for one in quoted.finditer(written)
    ]
    message, way = (
        "arguments are separated by spaces, not by commas",
        "leave the commas out" if commas[1:] else "leave the comma out",
    )
    reads = quoted.sub(lambda one: plain[one[2]], written.replace(",", " "))
    return Answer("E101", message, m.span, way, tuple(sorted(edits)), True, reads=reads, resume=match.end())


def _named_branches(m: Mistake) -> Answer | None:
    """`add [a, b]` of tensors."""
    close = m.text.find("]", m.end) if m.inside == "[" else -1
    names = re.fullmatch(
        r"[ \t]*((?:@?[A-Za-z]\w*[ \t]*,[ \t]*)+@?[A-Za-z]\w*)[ \t]*", m.text[m.opened + 1 : close]
    )
    if close < 0 or names is None:
        return None
    labels = {"id", *re.findall(r"(?m)^[ \t]*(?:input[ \t]+)?([A-Za-z]\w*)[ \t]*:", m.text[: m.begin])}
    branches = re.split(r"[ \t]*,[ \t]*", names[1])
    if not labels.issuperset(branch.removeprefix("@") for branch in branches):
        return None
    plain = " | ".join(branch if branch[0] == "@" or branch == "id" else f"@{branch}" for branch in branches)
    span = Span(m.opened + 1 + names.start(1), m.opened + 1 + names.end(1))
    message = "branches are separated by `|`, and a tensor is written with `@`"
    return rewritten(span, plain, message, code="E101", safe=True, reads=plain, since=span.start)


def _or(m: Mistake) -> Answer | None:
    """`if a || b`; the node of `if a` may already be complete."""
    condition = _CONDITION.search(m.head) if m.here(r"\|\|") else None
    if condition is None:
        return None
    span, since = Span(m.start, m.start + 2), m.begin + condition.start(1)
    reads = f"{condition[1]} or"
    return rewritten(
        span, "or", "expected `or`, found `||`", code="E101", safe=True, reads=reads, since=since
    )


def _is(m: Mistake) -> Answer | None:
    """`if a is 2`; the node of `if a` may already be complete."""
    condition = _CONDITION.search(m.head)
    if condition is None:
        return None
    return rewritten(
        m.span, "==", f"expected `==`, found `{m.word}`", code="E101", safe=True,
        reads=f"{condition[1]} ==", since=m.begin + condition.start(1),
    )  # fmt: skip


def _point_behind(m: Mistake) -> Answer | None:
    """`maxpool F2.`, where `F2` was not read as a hyperparameter."""
    name = m.part(0).token
    if name is None or not HYPER.fullmatch(name.text) or m.rest.split("#")[0].strip():
        return None
    fix = (Edit(m.span, ""),)
    message = "a line does not end with `.`"
    return Answer("E101", message, m.span, "leave `.` out", fix, True, reads=name.text, since=name.start)


def _no_branches(m: Mistake) -> Answer | None:
    """`[ a | b | c ]`, reported once."""
    if m.inside != "[":
        return None
    again = m.has_cause("branches", m.opened)
    return Answer("E101", "" if again else NO_BRANCHES, m.span, BRANCHES, cause="branches", reads="\n")


def _label_by_dash(m: Mistake) -> bool:
    """Whether only a name that is not a layer's is before a dash: `C1 - conv F3`."""
    head = re.fullmatch(r"[ \t]*([A-Za-z]\w*)[ \t]*", m.head)
    return head is not None and not is_layer(head[1]) and before_layer(m) is not None


def behind_arrows(m: Mistake) -> int:
    """The end of a run of arrows."""
    arrows = m.here(r"->(?:[ \t]*->)*")
    return arrows.end() if arrows else m.end


def before_layer(m: Mistake) -> re.Match[str] | None:
    """The layer's word that follows."""
    following = m.behind(r"[ \t]*([A-Za-z][A-Za-z0-9_]*)")
    return following if following and is_layer(following[1]) else None


def _times(m: Mistake) -> re.Match[str] | None:
    behind = m.last == "RSQB" and m.accepts("STAR") and TIMES_BEHIND.match(m.text, m.start)
    return TIMES_BEHIND.match(m.text, m.gap.start) if behind else None


MARKS = (
    Rule({"conv F3 K8 ⟦\\\\⟧\nrelu": "conv F3 K8 \nrelu"}, "a line does not end with `\\\\`",
         here=r"\\\\(?:hline)?[ \t]*(?=[\r\n]|$)", put=""),
    Rule({"conv F3 K8 ⟦\\⟧\n  -> relu": "conv F3 K8 \n  -> relu"}, "a line does not end with `\\`",
         "leave `\\` out: a line goes on where the next one begins with `->`", here=r"\\(?=[ \t]*[\r\n])",
         put=""),
    Rule({"⟦%⟧ what\nconv F3 K8": "# what\nconv F3 K8"}, _COMMENT, word="%",
         when=lambda m: not m.head.strip(), put="#", reads="", to_line_end=True),
    Rule({"⟦1. ⟧conv F3 K8": "conv F3 K8"}, "a line begins with its steps, without a bullet or a number",
         when=_bullet, code="E102", put=""),
    Rule({'⟦"C1":⟧ conv F3 K8': "C1: conv F3 K8"}, "a label has no quotation marks", accepts="LABEL",
         here=r"\"([A-Za-z]\w*)\"[ \t]*:", put="{1}:"),
)  # fmt: skip

ARROWS = (
    Rule({"conv F3 ⟦==>⟧ 3x4x5": "conv F3 => 3x4x5"}, accepts="CLAIMS", here=r"={2,}>+|=>+|=[ \t]+>",
         put="=>"),
    Rule({"conv F3 ⟦- >⟧ relu": "conv F3 -> relu"}, accepts="ARROW", here=r"-+[ \t]*>+|~>|>+(?!=)", put="->"),
)  # fmt: skip

COMMENTS = (
    Rule({"⟦;⟧ why\nrelu": "# why\nrelu", "conv F3 ⟦;⟧ first layer": "conv F3 # first layer"}, _COMMENT,
         on="SEMICOLON", when=_remark, put="#", reads="", to_line_end=True),
    Rule({"conv F3 ⟦//⟧ why": "conv F3 # why"}, _COMMENT, word="//", put="#", reads="", to_line_end=True),
    Rule({"conv F3 ⟦/* why */⟧": "conv F3 # why", "⟦<!-- why -->⟧\nrelu": "# why\nrelu",
         '⟦""" why """⟧\nrelu': "# why\nrelu"}, when=_long_comment),
    Rule({"conv F3 ⟦%⟧ why": "conv F3 # why"}, _COMMENT, word="%", last="HYPER",
         when=lambda m: m.here(r"(?P<mark>%)[ \t]+[A-Za-z]"), put="#", reads="", to_line_end=True),
    Rule({"relu ⟦--⟧ why": "relu # why"}, _COMMENT, on="MINUS", here="--",
         when=lambda m: not m.accepts("MINUS"), put="#", reads="", to_line_end=True),
)  # fmt: skip

STATEMENTS = (
    Rule({"relu ⟦expect⟧ params 0": "relu => params 0"}, "a line's claims follow `=>`, found `expect`",
         on="EXPECT", accepts="CLAIMS", when=lambda m: m.head.strip() and not m.of_line(_VARIANT), put="=>"),
    Rule({"input 3x8x8 ⟦->⟧ relu": "input 3x8x8\n relu", "input 3x8x8\n⟦->⟧ relu": "input 3x8x8\n relu",
         "input 3x8x8⟦,⟧ relu": "input 3x8x8\n relu", "input 3x8x8 ⟦relu⟧": "input 3x8x8\nrelu"},
         on="ARROW COMMA NAME CALL", accepts="_NL", when=_input_goes_on),
    Rule({"variant A: n = 2⟦;⟧ m = 3": "variant A: n = 2, m = 3"},
         "the settings of a variant are separated by commas, not by `;`", on="SEMICOLON", accepts="COMMA",
         when=lambda m: bool(m.of_line(_VARIANT)), put=","),
    Rule({"variant A: n = 2 ⟦expect⟧ params 56": "variant A: n = 2, expect params 56"}, on="EXPECT NAME",
         accepts="COMMA", when=lambda m: bool(m.of_line(_VARIANT)), before=","),
)  # fmt: skip

STEPS = (
    Rule({"⟦else⟧ [ relu ]": ""}, "expected a step, found `else`",
         "it follows an `if`: `if C > 3 [ … ] else [ … ]`", on="ELSE"),
    Rule({"if C > 3 [ relu ] else if ⟦[⟧ bn ]": "", "if ⟦[⟧ bn ]": ""},
         "expected a condition after `if`, found `[`",
         "write `else [ … ]`, or a condition before the steps: `if C > 64 [ … ]`", on="LSQB", last="IF"),
    Rule({"if C > 3 [ relu ] ⟦elif⟧ C > 2 [ bn ]": "if C > 3 [ relu ] else if C > 2 [ bn ]"},
         word="elif elseif", accepts="ELSE", put="else if"),
    Rule({"[a ⟦|⟧ b]": ""}, on="VBAR", accepts="_NL", when=_no_branches),
    Rule({"[a]⟦ times 2⟧": "[a]*2"}, "a repetition is written with `*`", word="times", when=_times,
         put="*{2}", safe=False),
    Rule({"[a]⟦x2⟧": "[a]*2", "[a]⟦^2⟧": "[a]*2"}, "a repetition is written with `*`", when=_times,
         put="*{2}"),
    Rule({"if a ⟦&&⟧ b [ relu ]": "if a and b [ relu ]"}, on="?", accepts="AND", here="&&", put="and"),
    Rule({"if ⟦!a⟧ [ relu ]": "if a == 0 [ relu ]"}, "a condition is a comparison, found `{marked}`",
         word="!", accepts="NOT", here=r"!([A-Za-z]\w*)(?=[ \t]*(?:\[|and\b|or\b|&&|\|\|))", put="{1} == 0",
         safe=False),
    Rule({"if ⟦!⟧(a > 2) [ relu ]": "if not (a > 2) [ relu ]"}, word="!", accepts="NOT", put="not "),
    Rule({"[a] ⟦relu⟧": "[a] -> relu"}, "expected `->` before {shown}",
         "the next step follows after `->` or on a new line", on="LSQB NAME CALL", accepts="ARROW",
         when=lambda m: m.kind == "LSQB" or m.last in ("RSQB", "RPAR"), before=" ->", safe=False),
    Rule({"relu -> ⟦-> ->⟧ bn": "relu ->  bn"}, "expected a step, found `->`", on="ARROW", accepts="CALL",
         when=lambda m: Span(m.start, behind_arrows(m)), put=""),
    Rule({"if s ⟦is⟧ 2 [ relu ]": "if s == 2 [ relu ]"}, on="NAME", word="is eq equals", when=_is),
    Rule({"if s ⟦=⟧ 2 [a]": "if s == 2 [a]"}, "expected `==`, found `=`: a condition compares with `==`",
         on="EQUAL", accepts="COMPARE", put="=="),
    Rule({"if a ⟦||⟧ b [ relu ]": "if a or b [ relu ]", "add [ if C > 2 ⟦||⟧ H > 3 [ relu ] | id ]":
          "add [ if C > 2 or H > 3 [ relu ] | id ]"}, on="VBAR", when=_or),
    Rule({"conv F3⟦;⟧K8": "conv F3 K8"}, "arguments are separated by spaces, not by `{found}`",
         "write a space", on="SEMICOLON VBAR DIVIDE MINUS PLUS STAR", last="HYPER", accepts="HYPER",
         when=lambda m: bool(m.behind(r"[ \t]*[FSPKGD](?:[0-9]|same)")), put=" "),
    Rule({"C1 ⟦-⟧ relu": "C1 : relu"}, "a label ends with a colon, found `-`", on="MINUS", accepts="ARROW",
         when=_label_by_dash, put=":", safe=False),
    Rule({"relu ⟦-⟧ bn": "relu  ->  bn"}, "expected `->`, found `-`", on="MINUS", accepts="ARROW",
         when=lambda m: bool(before_layer(m)), put=" -> "),
    Rule({"conv F3 K8 ⟦=⟧ 8x6x6": "conv F3 K8 => 8x6x6"}, word="= ==", accepts="CLAIMS",
         when=lambda m: bool(m.behind(r"[ \t]*(?:[0-9]+[x@]|\()")), put="=>"),
)  # fmt: skip

ENDS = (
    Rule({"a: relu\nb: bn\nadd [⟦a, b⟧]": "a: relu\nb: bn\nadd [@a | @b]",
          "a: relu\nadd [ ⟦@a, id⟧ ]": "a: relu\nadd [ @a | id ]",
          "a: relu\nadd [ ⟦id, @a⟧ ]": "a: relu\nadd [ id | @a ]"}, on="COMMA", accepts="VBAR",
         when=_named_branches),
    Rule({"maxpool F2⟦.⟧\nbn": "maxpool F2\nbn"}, word=".", when=_point_behind),
    Rule({"relu⟦。⟧\nbn": "relu\nbn"}, "a line does not end with `{marked}`", code="E103",
         here=r"[。．｡、，；](?=[ \t]*(?:#|[\r\n]|$))", put=""),
    Rule({"relu⟦.⟧\nbn": "relu\nbn"}, "a line does not end with `.`", word=".",
         here=r"\.(?=[ \t]*(?:#|[\r\n]|$))", put=""),
    Rule({"add [ relu ⟦;⟧ bn ]": "add [ relu | bn ]"}, "branches are separated by `|`, not by `;`",
         on="SEMICOLON", accepts="VBAR", when=lambda m: m.inside == "[", put="|", safe=False),
    Rule({"f(3⟦;⟧ 1)": "f(3, 1)"}, "expected `,`, found `;`", on="SEMICOLON", accepts="COMMA",
         when=lambda m: m.inside == "(", put=","),
    Rule({"f(3⟦,⟧ )": "f(3 )"}, "expected an argument after `,`", on="RPAR", last="COMMA", when=_last_comma),
    Rule({"conv F3⟦;⟧ \nrelu": "conv F3 \nrelu", "conv F3⟦;;⟧\nrelu": "conv F3\nrelu"},
         "a line does not end with `{marked}`", on="SEMICOLON", here=r";(?:[ \t]*;)*(?=[ \t]*(?:#|[\r\n]|$))",
         put=""),
    Rule({"conv F3⟦;⟧ relu": "conv F3\n relu"}, "steps are not separated by `;`",
         "the next step follows after `->` or on a new line", on="SEMICOLON", accepts="_NL", put="\n",
         safe=False),
    Rule({"add [@a⟦,⟧ @b]": "add [@a | @b]"}, "branches are separated by `|`, not by commas", on="COMMA",
         accepts="VBAR", when=lambda m: m.inside == "[" and m.last != "MATRIX_NUMBER", put=" |", safe=False),
    Rule({"conv F3⟦,⟧\nrelu": "conv F3\nrelu"}, "a line does not end with a comma", "leave the comma out",
         on="COMMA", when=lambda m: m.inside != "(" and not m.rest.split("#")[0].strip(), put=""),
    Rule({"block f(k) { relu }\n[f(3)⟦,⟧ f(4)]": "block f(k) { relu }\n[f(3) -> f(4)]"},
         "steps are separated by `->`, not by commas", on="COMMA", accepts="ARROW", last="RPAR",
         when=lambda m: m.inside != "(" and m.behind(r"[ \t]*[A-Za-z]\w*\("), put=" ->", safe=False),
    Rule({"conv F3⟦,⟧ relu": "conv F3 -> relu"}, "steps are separated by `->`, not by commas", on="COMMA",
         accepts="ARROW", when=lambda m: m.inside != "(" and bool(before_layer(m)), put=" ->"),
    Rule({"conv F3⟦,⟧ K64": "conv F3 K64", "conv F3⟦,⟧ K64, S2": "conv F3 K64 S2"}, on="COMMA",
         accepts="HYPER", when=_arguments_by_commas),
    Rule({"conv F3⟦,⟧ nobias": "conv F3 nobias"}, "arguments are separated by spaces, not by commas",
         "leave the comma out", on="COMMA", accepts="HYPER", when=lambda m: m.inside != "(", put=""),
)  # fmt: skip

LEFT_OVER = (
    Rule({"if C ⟦<>⟧ 3 [ relu ]": "if C != 3 [ relu ]"}, on="COMPARE",
         when=lambda m: m.text[m.start - 1 : m.end] == "<>" and Span(m.start - 1, m.end), put="!="),
    Rule({"relu ->⟦>⟧ bn": "relu -> bn"}, "expected `->`, found `->{found}`", on="COMPARE", last="ARROW",
         when=lambda m: m.text[m.start - 1] == ">", put=""),
)  # fmt: skip

BRACKETS = (
    Rule({"f(1 ⟦2⟧)": "f(1, 2)"}, on="NAME NUMBER CALL REFERENCE LPAR DIM CLAIM_NUMBER", accepts="COMMA",
         when=lambda m: m.inside == "(" or m.last in ("CLAIM_NUMBER", "REFERENCE"), before=",", safe=False),
    Rule({"relu ⟦)⟧": "relu "}, "`{found}` closes nothing: no bracket is open", on="RPAR RSQB RBRACE",
         when=lambda m: not m.opens(_BRACKETS[m.kind]), put=""),
)  # fmt: skip
