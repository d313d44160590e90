"""A worked-out layer or network as text, as Markdown and as LaTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from cnnspec.diagnostics.printable import printable
from cnnspec.ops.formula import Formula
from cnnspec.report.amounts import shape_text
from cnnspec.report.words import meaning
from cnnspec.report.worked_out import Worked, Worksheet


def as_text(worked: Worked | Worksheet) -> str:
    """For a terminal; ends in a new line."""
    if isinstance(worked, Worked):
        return "\n".join(_layer_text(worked, alone=True)) + "\n"
    lines = [f"{worked.name}: {worked.number} layers, {worked.inputs} → {worked.out}"]
    lines += [f"  {worked.title}"] if worked.title else []
    for layer in worked.layers:
        lines += ["", *_layer_text(layer)]
    lines += ["", "in all"]
    lines += [f"  {formula.line()}{_behind(remark)}" for formula, remark in worked.totals]
    lines += [f"  {claim}" for claim in worked.claims]
    lines += ["", *(f"  {line}" for line in legend(_formulas(worked)))]
    return "\n".join(printable(line) for line in lines) + "\n"


def _layer_text(layer: Worked, *, alone: bool = False) -> Iterator[str]:
    yield f"{layer.name}: {layer.op} {layer.args}".rstrip() + f"    ({printable(layer.place)})"
    if alone:
        yield from (f"  {layer.title}", "")
    yield f"  {_shapes(layer)}"
    if alone and (layer.formulas or layer.field):
        yield ""
    yield from (f"  {formula.line()}" for formula in (*layer.formulas, *layer.field))
    if layer.out is None:
        yield "  its sizes are unknown: a layer before it has an error"
    for one in layer.compared:
        yield from ("", f"  {one.title}")
        yield from (f"  {formula.line()}{_behind(remark)}" for formula, remark in one.lines)
    if layer.again:
        yield f"  the same in {_listed(layer.again)}"
    if alone and _formulas(layer):
        yield from ("", "  the symbols: cnnspec explain words")


def as_markdown(worked: Worked | Worksheet) -> str:
    """For a document: a heading and a list of formulas for each layer."""
    if isinstance(worked, Worked):
        lines = [*_layer_markdown(worked, "#"), "", *(f"- {line}" for line in legend(_formulas(worked)))]
        return "\n".join(lines) + "\n"
    lines = [f"# {_md(worked.name)}", ""]
    lines += [_md(worked.title), ""] if worked.title else []
    lines += [f"{worked.number} layers, {worked.inputs} → {worked.out}"]
    for layer in worked.layers:
        lines += ["", *_layer_markdown(layer, "##")]
    lines += ["", "## Totals", ""]
    lines += [f"- `{formula.line()}`{_behind(remark)}" for formula, remark in worked.totals]
    lines += [f"- {_md(claim)}" for claim in worked.claims]
    lines += ["", "## Symbols", "", *(f"- {line}" for line in legend(_formulas(worked)))]
    return "\n".join(printable(line) for line in lines) + "\n"


def _layer_markdown(layer: Worked, heading: str) -> Iterator[str]:
    yield f"{heading} {_md(layer.name)}: `{f'{layer.op} {layer.args}'.rstrip()}`"
    yield from ("", _shapes(layer))
    formulas = (*layer.formulas, *layer.field)
    if formulas:
        yield from ("", *(f"- `{formula.line()}`" for formula in formulas))
    for one in layer.compared:
        yield from ("", f"{one.title}:", "")
        yield from (f"- `{formula.line()}`{_behind(remark)}" for formula, remark in one.lines)
    if layer.again:
        yield from ("", f"The same in {', '.join(map(_md, layer.again))}.")


def _md(text: str) -> str:
    """Text of a spec, escaped for Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~])", r"\\\1", printable(text))


def as_latex(worked: Worked | Worksheet) -> str:
    """A whole document: `pdflatex` makes a page of it."""
    sheet = worked if isinstance(worked, Worksheet) else None
    layers = sheet.layers if sheet is not None else (worked,)
    lines = [LATEX_HEAD]
    if sheet is not None:
        title = f"{sheet.name}: {sheet.title}" if sheet.title else sheet.name
        lines += [
            f"\\section*{{{_tex(title)}}}",
            f"{sheet.number} layers, {_tex(sheet.inputs)} $\\to$ {_tex(sheet.out)}",
            "",
        ]
    for layer in layers:
        assert isinstance(layer, Worked)
        lines += _layer_latex(layer)
    if sheet is not None:
        lines += ["\\subsection*{In all}", *_equations(sheet.totals)]
        if sheet.claims:
            lines += [
                "\\begin{itemize}",
                *(f"\\item {_tex(claim)}" for claim in sheet.claims),
                "\\end{itemize}",
            ]
    lines += ["\\subsection*{Symbols}", "\\begin{itemize}"]
    lines += [
        f"\\item ${_math(symbol)}$: {_tex(meaning_text)}"
        for symbol, meaning_text in symbols(_formulas(worked))
    ]
    lines += ["\\end{itemize}", "\\end{document}"]
    return "\n".join(lines) + "\n"


LATEX_HEAD = """\
\\documentclass[a4paper]{article}
\\usepackage[utf8]{inputenc}
\\usepackage[T1]{fontenc}
\\usepackage{amsmath}
\\usepackage[margin=2cm]{geometry}
\\setlength{\\parindent}{0pt}
\\raggedright
\\allowdisplaybreaks
\\begin{document}"""


def _layer_latex(layer: Worked) -> Iterator[str]:
    yield f"\\subsection*{{{_tex(layer.name)}: \\texttt{{{_tex(f'{layer.op} {layer.args}'.rstrip())}}}}}"
    yield f"${_math(_shapes(layer))}$" if layer.out is not None else _tex(_shapes(layer))
    yield from _equations((formula, "") for formula in (*layer.formulas, *layer.field))
    for one in layer.compared:
        yield f"{_tex(one.title)}:"
        yield from _equations(one.lines)
    if layer.again:
        yield f"The same in {_tex(_listed(layer.again))}."


def _equations(lines: Iterable[tuple[Formula, str]]) -> Iterator[str]:
    rows = []
    for formula, remark in lines:
        first, *rest = formula.steps().split(" = ")
        behind = f"\\quad\\text{{({_tex(remark)})}}" if remark else ""
        begin, *more = _in_lines(first)
        rows.append(f"{_name(formula.name)} &= {_math(begin)}" + ("" if rest else behind))
        rows += [f"&\\quad {_math(line)}" for line in more]
        rows += [f"&= {_math(step)}" + (behind if step is rest[-1] else "") for step in rest]
    if rows:
        yield "\\begin{align*}"
        yield " \\\\\n".join(rows)
        yield "\\end{align*}"


LONGEST = 36
"""Characters of a sum on one line of a page."""


def _in_lines(text: str) -> list[str]:
    """A sum of many terms in lines of a page's width."""
    lines = [""]
    for term in text.split(" + "):
        if len(lines[-1]) + len(term) > LONGEST and lines[-1]:
            lines.append("")
        lines[-1] += (" + " if lines[-1] or len(lines) > 1 else "") + term
    return lines


_TEX = {
    "\\": r"\textbackslash{}",
    "→": r"$\to$",
    "·": r"$\cdot$",
    "−": r"$-$",
    "×": r"$\times$",
    "⌈": r"$\lceil$",
    "⌉": r"$\rceil$",
    "⌊": r"$\lfloor$",
    "⌋": r"$\rfloor$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "²": r"$^2$",
    "½": r"$\frac12$",
    "`": "",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "–": "--",
    "…": r"\ldots{}",
    **{mark: "\\" + mark for mark in "{}$&#_%"},
}


def _tex(text: str) -> str:
    """Text of a spec, escaped for LaTeX; characters that the fonts do not have become question marks."""
    return "".join(_TEX.get(mark, mark if ord(mark) < 256 else "?") for mark in printable(text))


def _name(name: str) -> str:
    """The left side of an equation: a symbol (`W'`), or words."""
    return _math(name) if "'" in name or len(name) == 1 else f"\\text{{{_tex(name)}}}"


_SHARE = re.compile(r"([A-Za-z][\w.]*) (?=[0-9])")


def _math(text: str) -> str:
    """A formula in TeX's notation; `C3.conv 2,416` in a sum is a layer and its number."""
    if share := _SHARE.search(text):
        before, rest = text[: share.start()], text[share.end() :]
        return f"{_math(before)}\\text{{{_tex(share[1])}}}\\ {_math(rest)}"
    text = re.sub(r"\bF([hw])\b", r"F_\1", text)
    text = re.sub(r"(?<=[0-9]) (?=[A-Za-z])", r"\\ ", text)
    text = re.sub(
        r"([A-Za-z]{2,}[0-9]*)( ?)", lambda word: f"\\text{{{word[1]}}}" + r"\ " * len(word[2]), text
    )
    text = re.sub(r"\(([^()]+)\)/([A-Za-z0-9]+)", r"\\frac{\1}{\2}", text)
    text = re.sub(r"(?<=\d),(?=\d)", "{,}", text)
    for mark, command in {"·": r" \cdot ", "−": "-", "→": r"\to", "²": "^2", "½": r"\tfrac12 "}.items():
        text = text.replace(mark, command)
    text = re.sub(r"⌊(.*?)⌋", r"\\left\\lfloor \1 \\right\\rfloor", text)
    text = re.sub(r"⌈(.*?)⌉", r"\\left\\lceil \1 \\right\\rceil", text)
    return re.sub(r"(?<=\d)x(?=\d)", r"\\times ", text)


def _shapes(layer: Worked) -> str:
    return f"{', '.join(map(shape_text, layer.input_shapes))} → {shape_text(layer.out)}"


def _behind(remark: str) -> str:
    return f", {remark}" if remark else ""


def _listed(names: tuple[str, ...], most: int = 6) -> str:
    rest = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def _formulas(worked: Worked | Worksheet) -> list[Formula]:
    layers = worked.layers if isinstance(worked, Worksheet) else (worked,)
    return [
        formula
        for layer in layers
        for formula in (
            *layer.formulas,
            *layer.field,
            *(line for one in layer.compared for line, _ in one.lines),
        )
    ]


def symbols(formulas: Iterable[Formula]) -> Iterator[tuple[str, str]]:
    """The symbols that these formulas use, each with its meaning, in the order in which they occur."""
    used = dict.fromkeys(symbol for formula in formulas for symbol in formula.values)
    for symbol in used:
        if text := meaning(symbol):
            yield symbol, text


def legend(formulas: Iterable[Formula]) -> Iterator[str]:
    """`K: number of filters, the channels of the output`."""
    for symbol, text in symbols(formulas):
        yield f"{symbol}: {text}"


FORMS = {"text": as_text, "markdown": as_markdown, "latex": as_latex}
