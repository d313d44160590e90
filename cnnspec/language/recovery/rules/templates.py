"""Remains of LaTeX or of a template, `$K=64$`, `K<filters>`; a note without `#`, `TODO: the head`."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.recovery.mistake import Answer, Mistake, rewritten
from cnnspec.language.recovery.rule import Rule

_LETTER_ALONE = re.compile(r"(?<!\w)([FSPKGD])(?![\w=])")
_PLACEHOLDER = r"<[ \t]*[A-Za-z][\w \t-]*>(?:x<[ \t]*[A-Za-z][\w \t-]*>)*"
_NOTE = re.compile(
    r"[ \t]*((?:TODO|FIXME|XXX|TBD|HACK|WIP)\b(?![ \t]*:?[ \t]*(?:conv|fc|add)[ \t]+[FK\[])[^\r\n#]*)"
)
_USUAL = {"K": "K64", "F": "F3"}


def _dollars(m: Mistake) -> Answer | None:
    """Formulas of LaTeX on a line: all of them at once."""
    code = m.line.split("#")[0].rstrip()
    marks = [m.begin + at for at, char in enumerate(code) if char == "$"]
    if len(marks) < 2 or len(marks) % 2 or "\\" in code or not m.begin <= m.start <= marks[-1]:
        return None
    span = Span(marks[0], marks[-1] + 1)
    message, plain = "a spec is plain text, without the `$` of LaTeX", code.replace("$", "").strip()
    if alone := _LETTER_ALONE.search(plain):
        way = f"leave it out, and write a number after the letter: `{_USUAL.get(alone[1], f'{alone[1]}1')}`"
        return Answer("E102", message, span, way)
    fix = tuple(Edit(Span(at, at + 1), "") for at in marks)
    begin = m.begin + len(code) - len(code.lstrip())
    return Answer("E102", message, span, f"write `{plain}`", fix, True, reads=plain, since=begin,
                  resume=m.begin + len(code))  # fmt: skip


def _letter_of_a_template(m: Mistake) -> Answer | None:
    """`K<filters>`, `K=<filters>`; where a value has this name, it is used."""
    match = m.around(r"(?<!\w)([FSPKGD])=?<[ \t]*(\w+)[ \t]*>")
    if match is None:
        return None
    letter, name, span = match[1], match[2], Span(*match.span())
    if name.isdigit():
        message, plain = "a hyperparameter is its letter and then its number", f"{letter}{name}"
        return rewritten(span, plain, message, code="E104", safe=True, reads=plain, since=span.start)
    if re.search(rf"\blet[ \t]+{name}\b|[(,][ \t]*{name}\b", m.text[: m.begin]):
        message, plain = "a value by its name follows the letter after `=`", f"{letter}={name}"
        return rewritten(span, plain, message, code="E104", safe=True, reads=plain, since=span.start)
    usual = _USUAL.get(letter, f"{letter}1")
    let = f"let {name} = {usual[1:]}"
    way = f"write a number, as in `{usual}`, or a name: `{let}` above it and `{letter}={name}`"
    return Answer("E101", f"expected a number, found `<{name}>`", span, way)


def _placeholder(m: Mistake) -> Answer | None:
    """`fc <classes>`, `input <C>x<H>x<W>`."""
    match = m.here(_PLACEHOLDER)
    if match is None:
        return None
    way = "write the number that it stands for"
    if m.last in ("INPUT", "LABEL") or "x<" in match.group():
        way = "write the sizes that it stands for, as in `3x224x224`"
    return Answer("E101", f"expected a number, found `{match.group()}`", Span(*match.span()), way)


def note(text: str, begin: int) -> Answer | None:
    """`TODO` at the head of a line, with what follows it."""
    match = _NOTE.match(text, begin)
    if match is None:
        return None
    written = match[1].rstrip()
    span = Span(match.start(1), match.start(1) + len(written))
    fix = (Edit(Span(span.start, span.start), "# "),)
    message = "a comment begins with `#`"
    return Answer("E101", message, span, f"write `# {written}`", fix, True, reads="", since=span.start,
                  resume=span.end)  # fmt: skip


LATEX = (
    Rule({"conv F3 ⟦$P1$ $K8$⟧": "conv F3 P1 K8", "⟦$conv F3$⟧ K8": "conv F3 K8", "conv F3 ⟦$K$⟧": ""},
         on="?", when=_dollars),
)  # fmt: skip

TEMPLATES = (
    Rule({"let k = 3\nconv F3 K=⟦{{k}}⟧": "let k = 3\nconv F3 K=k",
          "let k = 3\nconv F3 K=⟦${k}⟧": "let k = 3\nconv F3 K=k"},
         "a value is written by its name alone, found `{marked}`", last="EQUAL",
         here=r"(?:\{\{|\$\{|%\()[ \t]*([A-Za-z]\w*)[ \t]*(?:\}\}|\}|\)[ds])", put="{1}"),
    Rule({"conv F3 ⟦K<filters>⟧": "", "conv F3 ⟦K<8>⟧": "conv F3 K8",
          "let k = 3\nconv F3 ⟦K<k>⟧": "let k = 3\nconv F3 K=k"}, on="COMPARE ?", when=_letter_of_a_template),
    Rule({"fc ⟦<classes>⟧": "", "input ⟦<C>x<H>x<W>⟧\nrelu": ""}, on="COMPARE ?", when=_placeholder),
    Rule({"relu\n⟦TODO: which K?⟧": "relu\n# TODO: which K?"}, when=lambda m: note(m.text, m.begin)),
)  # fmt: skip
