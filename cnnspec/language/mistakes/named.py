"""Values, tensors and variants named in another form: `n = 3`, `C-1: relu`, `variant A { n = 3 }`."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span, line_start
from cnnspec.language.automaton import Automaton
from cnnspec.language.mistakes.mistake import Repair, Told
from cnnspec.language.tokens import Token

_ASSIGNS = re.compile(r"([ \t]*)([A-Za-z_]\w*)[ \t]*:?=[ \t]*(?=[0-9(.])")
_COLON = re.compile(r"[ \t]*let[ \t]+[A-Za-z]\w*[ \t]*(:=?)[ \t]*(?=[\w(])")
_LETS = re.compile(r"[ \t]*let\b[^\r\n]*")
_NEXT_LET = re.compile(r"([,;])[ \t]*(?:let[ \t]+)?([A-Za-z]\w*)[ \t]*(?==(?![=>]))")
_LABEL_APART = re.compile(r"[ \t]*([A-Za-z]\w*)[ \t]*-[ \t]*([0-9]+)[ \t]*:")
_VARIANT = re.compile(
    r"[ \t]*variant[ \t]+\"?([A-Za-z]\w*(?:[-.][\w.]+)*)\"?[ \t]*[:({=]*(?:[ \t]+|(?<=[:({=\"]))(.*?)[ \t)}]*"
)
_SETTING = re.compile(r"(?:let[ \t]+)?([A-Za-z]\w*)[ \t]*(?::=?|=)[ \t]*([^\s,;:={}()]+)")
_CLAIM = re.compile(r"(?:expect[ \t]+)?[a-z]+[ \t]+~?[0-9][\w.,]*")


def value_named(automaton: Automaton, failure: Token) -> Repair | None:
    """`n = 3`, `n := 3`, `let n: 3` and `let n = 3, m = 4`, read as the `let`s that they are meant to be."""
    text, start = automaton.text, failure.start
    begin = line_start(text, start)
    colon = _COLON.match(text, begin)
    if colon and colon.start(1) == start and automaton.accepts("EQUAL"):
        span = Span(*colon.span(1))
        return Repair(
            "E101", f"`{colon[1]}` in place of `=`", span, "write `=`",
            (Edit(Span(span.start, colon.end()), " = "),), True, (("EQUAL", "=", *span),), span.end,
        )  # fmt: skip
    following = _NEXT_LET.match(text, start)
    if following and automaton.accepts("_NL") and not automaton.brackets and _LETS.match(text, begin):
        span = Span(start, following.start(2))
        return Repair(
            "E101", "a `let` names one value", Span(start, start + 1), "begin a new line for the next",
            (Edit(span, "\nlet "),), True, (("_NL", "\n", *span), ("LET", "let", *span)), span.end,
        )  # fmt: skip
    assigns = _ASSIGNS.match(text, begin)
    if assigns and failure.type == "EQUAL" and automaton.last in ("NAME", "LABEL") and start < assigns.end():
        name, head = assigns[2], assigns.start(2)
        mended = (Edit(Span(head, assigns.end()), f"let {name} = "),)
        taken = (
            ("LET", "let", head, head),
            ("NAME", name, *assigns.span(2)),
            ("EQUAL", "=", start, start + 1),
        )
        way = f"a value is named with `let {name} = …`, a tensor with `{name}: steps`"
        return Repair(
            "E101", "a line gives nothing a name with `=`", Span(start, start + 1), way,
            mended, False, taken, start + 1, 1,
        )  # fmt: skip
    return None


def label_apart(automaton: Automaton, failure: Token) -> Repair | None:
    """`C-1: conv F3`, read as `C1: conv F3`."""
    text, start = automaton.text, failure.start
    begin = line_start(text, start)
    apart = _LABEL_APART.match(text, begin)
    if apart is None or failure.type != "MINUS" or not apart.end(1) <= start < apart.end():
        return None
    span, plain = Span(apart.start(1), apart.end()), f"{apart[1]}{apart[2]}:"
    return Repair(
        "E101", "a label is one word", span, f"write `{plain}`", (Edit(span, plain),), False,
        (("LABEL", plain, *span),), span.end, back=1,
    )  # fmt: skip


def variant_otherwise(line: str, begin: int, failure: Token) -> Told | None:
    """`variant A { n = 3 }`, `variant A n = 3`, `variant A: n: 3`: a variant in another form."""
    code = line.split("#")[0].rstrip()
    found = _VARIANT.fullmatch(code)
    if found is None or failure.text == ";" or not found[2]:
        return None
    settings: list[str] = []
    claims: list[str] = []
    for item in re.split(r",[ \t]+|,(?![0-9])|;", found[2]):
        item = item.strip(" \t:(){}")
        if setting := _SETTING.fullmatch(item):
            settings.append(f"{setting[1]} = {setting[2]}")
        elif _CLAIM.fullmatch(item):
            claims.append(item.removeprefix("expect").strip())
        elif item:
            return None
    name = re.sub(r"[-.]", "", found[1])
    parts = [*settings, *([f"expect {', '.join(claims)}"] if claims else [])]
    shown = f"variant {name}: {', '.join(parts)}"
    if not parts or shown.replace(" ", "") == code.replace(" ", "").replace("\t", ""):
        return None
    stripped = code.strip()
    start = begin + code.index(stripped)
    span = Span(start, start + len(stripped))
    message = "behind a variant's name stand a colon, its knobs and then its claims"
    return message, span, f"write `{shown}`", (Edit(span, shown),)
