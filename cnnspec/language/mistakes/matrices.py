"""Matrices in another form: `[[1, 0], [0, 1]]`, `[1 & 0 \\\\ 0 & 1]`, `{1 0; 0 1}`, `1/4*[1 2; 2 1]`."""

from __future__ import annotations

import re
from fractions import Fraction

from cnnspec.diagnostics import Edit, Span
from cnnspec.language.automaton import Automaton
from cnnspec.language.mistakes.mistake import Finding, Repair
from cnnspec.language.mistakes.repeated import closing
from cnnspec.language.tokens import Token

_TOKEN = re.compile(r"[\[\],;|&\r\n]|\\+|[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?:/[0-9]+)?(?![\w./])")
_FACTOR = re.compile(r"weight[ \t]*=[ \t]*([0-9]+(?:\.[0-9]+)?(?:[ \t]*/[ \t]*[0-9]+)?)[ \t]*\*[ \t]*$")
_SHORT = 40
"""Characters up to which a matrix is shown as a whole in a way out."""
NO_COMMAS = "the numbers of a matrix are parted by spaces"
_NO_ROWS = "the rows of a matrix are parted by `;`, not by commas"
_NO_LIST = "a matrix is no list of lists: numbers are parted by spaces, rows by `;`"
_LATEX = "this is LaTeX: the numbers of a matrix are parted by spaces, rows by `;`"
LOOKS = "as in `[1 0; 0 1]`, and planes by `|`"


def other_matrix(automaton: Automaton, failure: Token) -> Repair | None:
    """`[[1, 0], [0, 1]]` and LaTeX's `[1 & 0 \\\\ 0 & 1]`, read as `[1 0; 0 1]`."""
    text, brackets = automaton.text, automaton.brackets
    if failure.text not in ("[", "&", "\\", ",") or not brackets or not automaton.accepts("MATRIX_NUMBER"):
        return None
    opened = brackets[-1].span.start
    close = text.find("]", opened) + 1
    if "[" in text[opened + 1 : close]:
        close = closing(text, opened) or 0
    inner = Span(opened + 1, close - 1)
    rows = _rows_by_commas(text[inner.start : inner.end])
    feeds = _tokens(text, inner, rows) if close else None
    if feeds is None:
        return None
    taken = (*feeds, ("RSQB", "]", close - 1, close))
    back = len(automaton.states) - brackets[-1].height - 1
    span, shown = Span(opened, close), f"[{_written(feeds)}]"
    if failure.text == "," and not rows:
        commas = [Span(at, at + 1) for at in range(opened, close) if text[at] == ","]
        edits = (Edit(comma, "" if text[comma.end : comma.end + 1] == " " else " ") for comma in commas)
        return Repair(
            "E101", NO_COMMAS, Span(failure.start, failure.end), "leave the commas out", tuple(edits), True,
            taken, close, back,
        )  # fmt: skip
    message = {",": _NO_ROWS, "[": _NO_LIST}.get(failure.text, _LATEX)
    way = f"write `{shown}`" if len(shown) <= _SHORT else LOOKS
    return Repair("E102", message, span, way, (Edit(span, shown),), True, taken, close, back)


def _rows_by_commas(inner: str) -> bool:
    """`1 0, 0 1`: commas between rows, not between numbers."""
    rows = inner.split(",")
    return len(rows) > 1 and not {*inner} & {*";|[]\r\n"} and all(len(row.split()) > 1 for row in rows)


def _tokens(text: str, inner: Span, rows: bool) -> list[tuple[str, str, int, int]] | None:
    """The numbers and what parts them; None where there is anything else."""
    if _TOKEN.sub("", text[inner.start : inner.end]).strip(" \t"):
        return None
    three = re.match(r"[ \t\r\n]*\[[ \t\r\n]*\[", text[inner.start : inner.end]) is not None
    found: list[tuple[str, str, int, int]] = []
    depth, parting = 0, ""
    for token in _TOKEN.finditer(text, *inner):
        word = token.group()
        if word[-1].isdigit():
            if found and parting:
                found.append(("VBAR" if parting == "|" else "SEMICOLON", parting, *token.span()))
            found.append(("MATRIX_NUMBER", word, *token.span()))
            parting = ""
        elif word == "[":
            depth += 1
            if depth > 3:  # torch's weights have four levels
                return None
        elif word == "]":
            depth -= 1
            parting = "|" if three and depth == 0 else parting or ";"
        elif word in ";|" or word[0] == "\\" or (word == "," and rows):
            parting = "|" if word == "|" else parting or ";"
    return found


def _written(tokens: list[tuple[str, str, int, int]]) -> str:
    return " ".join(token[1] for token in tokens).replace(" ;", ";")


def no_matrix(automaton: Automaton, failure: Token) -> Finding | None:
    """`{1 0; 0 1}`, and a number times a matrix."""
    text, start = automaton.text, failure.start
    close = closing(text, start) if failure.type in ("LSQB", "LBRACE") else None
    tokens = _tokens(text, Span(start + 1, close - 1), rows=False) if close else None
    if close is None or not tokens:
        return None
    if failure.type == "LBRACE" and automaton.last == "EQUAL":
        span, shown = Span(start, close), f"[{_written(tokens)}]"
        way = f"write `{shown}`" if len(shown) <= _SHORT else LOOKS
        return "E102", "a matrix stands in square brackets", span, way, (Edit(span, shown),)
    factor = _FACTOR.search(text, max(0, start - 60), start)
    if factor is None:
        return None
    times = Fraction(factor[1].replace(" ", "").replace("\t", ""))
    scaled = [
        (kind, str(times * Fraction(word)) if kind == "MATRIX_NUMBER" else word, begin, end)
        for kind, word, begin, end in tokens
    ]
    span, shown = Span(factor.start(1), close), f"[{_written(scaled)}]"
    return (
        "E102", "a matrix holds its numbers as they are, with no factor before it", span,
        f"write `{shown}`" if len(shown) <= _SHORT else "multiply each number: `1/9`", (Edit(span, shown),),
    )  # fmt: skip
