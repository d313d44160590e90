"""Lists written as in Python: `[64, 128]`, `widths[i]`, `rows(i)(0)`, `let widths = 64, 128`."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Span
from cnnspec.language.recovery.mistake import Answer, Mistake, rewritten
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.words import closing

_BRACKETS = "a list is written in parentheses, with commas between its entries"
_COMMAS = "the entries of a list are separated by commas and written in parentheses"
_ENTRY = "an entry of a list is selected by its place in parentheses"
_INNER = re.compile(r"[\w.+*/%\-, \t\r\n()\[\]{}]+")
_CALLED = re.compile(r"(?<![\w@.])([A-Za-z]\w*)((?:\([^()\[\]\r\n]*\)|\[[^()\[\]\r\n]*\])+)")
_LAST = re.compile(r"-[ \t]*([0-9]+)")


def _round(text: str) -> str | None:
    """`[64, 128]` and `{64 128}` as a list; None where it is not one."""
    inner = text[1:-1].strip()
    if not inner or not _INNER.fullmatch(inner) or re.search(r"[A-Za-z]\w*[ \t]+[A-Za-z]", inner):
        return None
    if re.fullmatch(r"[-\w./]+(?:[ \t]+[-\w./]+)+", inner):
        inner = ", ".join(inner.split())
    plain = re.sub(r"[\[{]", "(", re.sub(r"[\]}]", ")", inner))
    return f"({plain})" if "," in plain else f"({plain},)"


def _square(m: Mistake) -> Answer | None:
    """A list in square brackets where a value is allowed; or read as a matrix in a block's arguments, which
    cannot be matrices."""
    opened = m.start if m.kind in ("LSQB", "LBRACE") else m.opened
    while opened < m.start and m.text[opened - 1] == "[":
        opened -= 1
    close = closing(m.text, opened) or opened
    plain = _round(m.text[opened:close])
    if plain is None:
        return None
    if letter := re.search(r"(?<!\w)[FSPKGD][ \t]*=[ \t]*$", m.text[max(m.begin, opened - 9) : opened]):
        value = m.text[opened + 1 : close - 1].strip()
        if not re.fullmatch(r"\w+", value):
            return None
        message = f"`{letter.group().strip()[0]}` takes a number, not a list"
        return rewritten(
            Span(opened, close),
            value,
            message,
            code="E101",
            safe=True,
            reads=value,
            since=opened,
            resume=close,
        )
    return rewritten(
        Span(opened, close), plain, _BRACKETS, code="E101", safe=True, cause="list",
        reads=plain, since=opened, resume=close,
    )  # fmt: skip


def _entry(m: Mistake) -> Answer | None:
    """`widths[i]`, `rows[i][0]`, `rows(i)(0)`."""
    name = m.around(_CALLED.pattern)
    if name is None or not re.search(rf"\blet[ \t]+{name[1]}\b|[(,][ \t]*{name[1]}\b[^()]*\)", m.text):
        return None
    places = [part.strip() for part in re.split(r"[\[\](),]+", name[2]) if part.strip()]
    if not places:
        return None
    if (last := _LAST.fullmatch(places[0])) and len(places) == 1:
        places = [f"len({name[1]}) - {last[1]}"]
    plain, span = f"{name[1]}({', '.join(places)})", Span(*name.span())
    return rewritten(span, plain, _ENTRY, code="E101", safe=True, reads=plain, since=span.start)


def _bare(m: Mistake) -> Answer | None:
    """`let widths = 64, 128`, `let widths = (64 128)`."""
    match = m.of_line(r"[ \t]*let[ \t]+\w+[ \t]*=[ \t]*(?P<mark>\(?[-\w./*, \t]+\)?)(?=[ \t]*(?:[#\r\n]|$))")
    if match is None:
        return None
    inner = match["mark"].strip().removeprefix("(").removesuffix(")")
    entries = [one for one in re.split(r"[, \t]+", inner) if one]
    plain = f"({', '.join(entries)})"
    if len(entries) < 2 or not all(re.fullmatch(r"-?[\w./*]+", entry) for entry in entries):
        return None
    if re.search(r"[0-9],[0-9]{3}(?![0-9])", inner) or re.fullmatch("[FSPKGD]", entries[0]):
        return None
    start = match.start("mark")
    span = Span(start, start + len(match["mark"].rstrip()))
    return rewritten(span, plain, _COMMAS, code="E101", safe=True, reads=plain, since=start)


LISTS = (
    Rule({"let a = ⟦[64, 128]⟧": "let a = (64, 128)",
          "let a = ⟦{64, 128}⟧": "let a = (64, 128)",
          "let a = ⟦[64 128]⟧": "let a = (64, 128)", "let a = ⟦[64]⟧": "let a = (64,)",
          "let a = ⟦[[1, 16], [6, 24]]⟧": "let a = ((1, 16), (6, 24))"},
         on="LSQB LBRACE", last="EQUAL COMMA LPAR CALL", accepts="LPAR", when=_square),
    Rule({"block f(a) { relu }\nf(a=⟦[64, 128]⟧)": "block f(a) { relu }\nf(a=(64, 128))",
          "block f(a=⟦[64, 128]⟧) { relu }": "block f(a=(64, 128)) { relu }"},
         on="COMMA", accepts="MATRIX_NUMBER", when=lambda m: m.inside == "[" and m.opens("(") and _square(m)),
    Rule({"f(⟦[64, 128]⟧, 3)": "f((64, 128), 3)", "f(⟦[[1, 2], [3, 4]]⟧)": "f(((1, 2), (3, 4)))"},
         on="NUMBER LPAR DIM", last="LSQB", when=lambda m: m.opens("(") and _square(m)),
    Rule({"let a = (1, 2)\nconv F3 K=⟦a[0]⟧": "let a = (1, 2)\nconv F3 K=a(0)",
          "let a = ((1, 2), 3)\nfc ⟦a[0][1]⟧": "let a = ((1, 2), 3)\nfc a(0, 1)",
          "let a = (1, 2)\nlet b = ⟦a[-1]⟧": "let a = (1, 2)\nlet b = a(len(a) - 1)"},
         on="LSQB", last="NAME", when=_entry),
    Rule({"let a = ((1, 2), 3)\nlet b = ⟦a(0)(1)⟧": "let a = ((1, 2), 3)\nlet b = a(0, 1)"},
         on="LPAR LSQB", last="RPAR", when=_entry),
    Rule({"let a = ⟦64, 128⟧": "let a = (64, 128)", "let a = ⟦(64 128)⟧": "let a = (64, 128)"},
         on="COMMA NUMBER", when=_bare),
)  # fmt: skip
