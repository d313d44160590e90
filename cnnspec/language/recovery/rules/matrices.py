"""Matrices in another form: `[[1, 0], [0, 1]]`, `[1 & 0 \\\\ 0 & 1]`, `{1 0; 0 1}`, `1/4*[1 2; 2 1]`."""

from __future__ import annotations

import re
from fractions import Fraction

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.recovery.mistake import Answer, Mistake
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.words import closing

_TOKEN = re.compile(r"[\[\],;|&\r\n]|\\+|[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?:/[0-9]+)?(?![\w./])")
_FACTOR = re.compile(r"weight[ \t]*=[ \t]*([0-9]+(?:\.[0-9]+)?(?:[ \t]*/[ \t]*[0-9]+)?)[ \t]*\*[ \t]*$")
_SHORT = 40
"""Characters up to which a matrix is shown as a whole in a way out."""
NO_COMMAS = "the numbers of a matrix are parted by spaces"
_MESSAGES = {
    ",": "the rows of a matrix are parted by `;`, not by commas",
    "[": "a matrix is no list of lists: numbers are parted by spaces, rows by `;`",
}
_LATEX = "this is LaTeX: the numbers of a matrix are parted by spaces, rows by `;`"
_LOOKS = "as in `[1 0; 0 1]`, and planes by `|`"


def _way(shown: str, otherwise: str = _LOOKS) -> str:
    return f"write `{shown}`" if len(shown) <= _SHORT else otherwise


def _other_matrix(m: Mistake) -> Answer | None:
    """`[[1, 0], [0, 1]]` and LaTeX's `[1 & 0 \\\\ 0 & 1]`, read as `[1 0; 0 1]`."""
    if m.word not in ("[", "&", "\\", ",") or not m.inside or not m.accepts("MATRIX_NUMBER"):
        return None
    close = m.text.find("]", m.opened) + 1
    if "[" in m.text[m.opened + 1 : close]:
        close = closing(m.text, m.opened) or 0
    inner = m.text[m.opened + 1 : close - 1]
    by_commas = _rows_by_commas(inner)
    plain = _plain(inner, by_commas) if close else None
    if plain is None:
        return None
    span, shown = Span(m.opened, close), f"[{plain}]"
    if m.word == "," and not by_commas:
        commas = [Span(at, at + 1) for at in range(m.opened, close) if m.text[at] == ","]
        fix = tuple(Edit(comma, "" if m.text[comma.end : comma.end + 1] == " " else " ") for comma in commas)
        answer = Answer("E101", NO_COMMAS, m.span, "leave the commas out", fix)
    else:
        message = _MESSAGES.get(m.word, _LATEX)
        answer = Answer("E102", message, span, _way(shown), (Edit(span, shown),))
    return answer._replace(safe=True, reads=f"{plain}]", since=m.opened + 1, resume=close)


def _rows_by_commas(inner: str) -> bool:
    """`1 0, 0 1`: commas between rows, not between numbers."""
    rows = inner.split(",")
    return len(rows) > 1 and not {*inner} & {*";|[]\r\n"} and all(len(row.split()) > 1 for row in rows)


def _plain(inner: str, by_commas: bool, factor: Fraction | None = None) -> str | None:
    """The numbers and what parts them; None where there is anything else."""
    if _TOKEN.sub("", inner).strip(" \t"):
        return None
    three = re.match(r"[ \t\r\n]*\[[ \t\r\n]*\[", inner) is not None
    written: list[str] = []
    depth, parting = 0, ""
    for word in _TOKEN.findall(inner):
        if word[-1].isdigit():
            written += [" |" if parting == "|" else ";"] if written and parting else []
            written.append(f" {word if factor is None else factor * Fraction(word)}")
            parting = ""
        elif word == "[":
            depth += 1
            if depth > 3:  # torch's weights have four levels
                return None
        elif word == "]":
            depth -= 1
            parting = "|" if three and depth == 0 else parting or ";"
        elif word in ";|" or word[0] == "\\" or (word == "," and by_commas):
            parting = "|" if word == "|" else parting or ";"
    return "".join(written)[1:]


def _in_braces(m: Mistake) -> Answer | None:
    close = closing(m.text, m.start) if m.last == "EQUAL" else None
    plain = _plain(m.text[m.start + 1 : close - 1], False) if close else None
    if close is None or not plain:
        return None
    span, shown = Span(m.start, close), f"[{plain}]"
    return Answer("E102", "a matrix stands in square brackets", span, _way(shown), (Edit(span, shown),))


def _times_a_number(m: Mistake) -> Answer | None:
    factor = _FACTOR.search(m.text, max(0, m.start - 60), m.start)
    close = closing(m.text, m.start) if factor else None
    if factor is None or close is None:
        return None
    times = Fraction(factor[1].replace(" ", "").replace("\t", ""))
    plain = _plain(m.text[m.start + 1 : close - 1], False, times)
    if not plain:
        return None
    span, shown = Span(factor.start(1), close), f"[{plain}]"
    message = "a matrix holds its numbers as they are, with no factor before it"
    return Answer("E102", message, span, _way(shown, "multiply each number: `1/9`"), (Edit(span, shown),))


MATRICES = (
    Rule(
        {
            "conv weight=⟦[[1,0],[0,1]]⟧": "conv weight=[1 0; 0 1]",
            "conv weight=⟦[1 0, 0 1]⟧": "conv weight=[1 0; 0 1]",
            "conv weight=[1⟦,⟧0;0,1]": "conv weight=[1 0;0 1]",
            r"conv weight=⟦[1 & 0 \\ 0 & 1]⟧": "conv weight=[1 0; 0 1]",
        },
        when=_other_matrix,
    ),
    Rule({"conv weight=⟦{1 0; 0 1}⟧": "conv weight=[1 0; 0 1]"}, on=("LBRACE",), when=_in_braces),
    Rule(
        {"conv weight=⟦1/4*[1 2; 2 1]⟧": "conv weight=[1/4 1/2; 1/2 1/4]"},
        on=("LSQB",), when=_times_a_number,
    ),
)  # fmt: skip
