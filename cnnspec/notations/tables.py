"""Rows of papers' tables, in LaTeX, in Markdown or in plain lines: three rows or more are one network.

A paper's table leaves the padding out. Where a row has the size of its output, the padding is the smallest
that gives it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from cnnspec.diagnostics import Span
from cnnspec.diagnostics.suggest import fold
from cnnspec.notations.network import FEWEST, Network, Node, Program, dense, head_of, stretches
from cnnspec.notations.rows import row
from cnnspec.notations.steps import plain_row, step
from cnnspec.notations.translation import Notation
from cnnspec.notations.values import ORDER, SIZE
from cnnspec.notations.words import ARGUMENTS, layer_word

_LINE = re.compile(r"^[ \t]*([^\s#][^\r\n#]*)", re.MULTILINE)
_OURS = re.compile(r"->|=>|[\[\]{}:@]|(?:input|model|let|expect|output|default|block|variant)\b")
_RULE = re.compile(r"[|:\- ]+|\\(?:hline|midrule|toprule|bottomrule|cline\{.*\})|\\(?:begin|end)\{.*")
_GAP = r"(?>\s+|#[^\r\n]*+|\\[a-z]+(?:\{[^\r\n}]*\})*|[|:\- ]+(?=[\r\n]))*+"
_SIZE = re.compile(r"([0-9]+)[ \t]*x[ \t]*([0-9]+)")
_VOLUME = re.compile(r"([0-9]+)[ \t]*x[ \t]*([0-9]+)[ \t]*x[ \t]*([0-9]+)")
_SLIDES = re.compile(r"(conv|maxpool|avgpool)((?: [FSK][0-9]+)+)$")
_INPUT = re.compile(r"^[ \t]*input[ \t]+[0-9]+x([0-9]+)x([0-9]+)", re.MULTILINE)
_MOST = 400
"""The most lines that are searched."""
_NAMED = re.compile(r"[A-Za-z]\w*")
_BELOW = re.compile(r"[ \t]*[\r\n]+([^\r\n]+)")
_OTHER_COLUMNS = {
    **dict.fromkeys(("layer", "type", "operation", "op", "layertype", "operator"), "name"),
    **dict.fromkeys(("activation", "nonlinearity"), "then"),
    **dict.fromkeys(("filter", "window", "patch", "patchsize", "filtershape"), "size"),
    **dict.fromkeys(("output", "outputsize", "outputshape", "outsize", "outputvolume"), "shape"),
}
_EMPTY = ("", "-", "–", "—", "none", "n/a", "/")


_ROWS = (Notation.ROW, Notation.ROW_OF_WORDS, Notation.NAMED)


class _Row(NamedTuple):
    text: str
    why: str
    name: str
    out: tuple[int, int] | None
    """The size of the layer's output, if the row states it."""
    span: Span


def networks(text: str) -> Iterator[Program]:
    """The tables in a text."""
    input_size = _INPUT.search(text)
    size = (int(input_size[1]), int(input_size[2])) if input_size else None
    for rows in stretches(_rows(text), lambda row: row.span, text, _GAP):
        if not any(row.text for row in rows):
            continue  # `&` between other things
        begin, headed = rows[0].span.start, not rows[0].text
        while rows and not rows[0].text and _is_head(text[slice(*rows[0].span)]):
            rows = rows[1:]
        begin, first = head_of(text, begin, _RULE.pattern), begin
        headed = headed or text[begin:first].lstrip().startswith("\\begin")
        cells = len(rows) > 1 and all("&" in text[slice(*one.span)] for one in rows)
        if len(rows) >= FEWEST or (rows and (headed or cells)):
            end = rows[-1].span.end
            while (line := _BELOW.match(text, end)) and _RULE.fullmatch(line[1].strip()):
                end = line.end(1)
            span = Span(rows[0].span.start, end)
            yield Program("these are rows of a paper's table", span, Network(_nodes(rows, size)), begin)


def _is_head(row: str) -> bool:
    """Whether a row that is not a layer is the table's head: it has no numbers."""
    return not re.search("[0-9]", row)


def _rows(text: str) -> Iterator[_Row]:
    columns: list[str] = []
    for line in islice(_LINE.finditer(text), _MOST):
        cells = _cells(line[1])
        named = [_OTHER_COLUMNS.get(fold(cell), ARGUMENTS.get(fold(cell), "")) for cell in cells]
        if sum(map(bool, named)) > 1:
            columns = named
            yield _Row("", "this is the table's head", "", None, Span(line.start(1), line.end(1)))
        elif (one := _row(line, columns if len(columns) == len(cells) else ())) is not None:
            yield one


def _cells(line: str) -> list[str]:
    """The cells of a row of LaTeX or Markdown; none for another line."""
    written = line.rstrip()
    if not ("&" in written or written.startswith("|")):
        return []
    written = plain_row(written.removeprefix("|").removesuffix("|"))
    return [cell.strip(" ,") for cell in re.split(r"(?<!\\)&|\|", written)]


def _by_columns(cells: Sequence[str], columns: Sequence[str]) -> str | None:
    """A row whose numbers are named by the table's columns: `| 64 | 7x7 | 2 |` below Filters, Kernel,
    Stride."""
    if len(cells) != len(columns) or "name" not in columns:
        return None
    word = cells[columns.index("name")].rstrip("0123456789_- ")
    pieces = []
    K = _depth(cells[columns.index("shape")]) if "shape" in columns and "K" not in columns else ""
    for cell, column in zip(cells, columns, strict=True):
        column = "F" if column == "size" and not cell.isdecimal() else column
        if column in ("F", "K") and (volume := _VOLUME.fullmatch(cell)):  # `3x3x64`
            pieces.append(f"F{volume[1]}x{volume[2]}")
            K = volume[3]
            continue
        size = SIZE.fullmatch(cell) or re.fullmatch("([0-9]+)", cell)
        if column == "then" and layer_word(cell):
            pieces.append(cell)
        elif column in ORDER and size:
            whole = layer_word(word) == "fc" and column == "K"
            pieces.append(cell if whole else f"{column}{'x'.join(size.groups())}")
        elif column in (*ORDER, "then", "size") and cell not in _EMPTY:
            return None
    kind, out = layer_word(word), _out(cells, columns)
    letters = [piece[0] for piece in pieces]
    if kind in ("conv", "deconv") and "K" not in letters and (K or out.isdecimal()):
        pieces.append(f"K{K or out}")
    elif kind == "fc" and not pieces and out.isdecimal():
        pieces.append(out)
    if len({*letters}) < len(letters) and kind != "fc":
        return None
    reading = row(word, pieces)
    return reading and reading.text


def _out(cells: Sequence[str], columns: Sequence[str]) -> str:
    """The output of a row whose table has a column for it."""
    return cells[columns.index("shape")] if "shape" in columns else ""


def _depth(cell: str) -> str:
    """The channels of an output, HxWxC or CxHxW, where its equal sides say which it is."""
    volume = _VOLUME.fullmatch(cell)
    if volume is None or (volume[1] == volume[2]) == (volume[2] == volume[3]):
        return ""
    return volume[3] if volume[1] == volume[2] else volume[1]


def _row(line: re.Match[str], columns: Sequence[str]) -> _Row | None:
    """A line that is a row of a table; None where it is not."""
    written = line[1].rstrip()
    span = Span(line.start(1), line.start(1) + len(written))
    if _RULE.fullmatch(written):
        return None
    cells = _cells(written)
    if columns and (text := _by_columns(cells, columns)):
        volume = _VOLUME.fullmatch(_out(cells, columns))
        sides = [int(group) for group in volume.groups() if group != _depth(volume.group())] if volume else []
        return _Row(text, "", "", (sides[0], sides[1]) if len(sides) == 2 else None, span)
    cells = [cell for cell in cells if cell]
    table = len(cells) > 1
    if not table and (_OURS.search(written) or "(" in written):
        return None
    for joined in (cells[1:], cells) if table else ([written],):
        translation = step(" ".join(joined))
        if (
            translation is not None
            and translation.text not in ("", written)
            and translation.notation in _ROWS
        ):
            sizes = [(int(size[1]), int(size[2])) for size in map(_SIZE.fullmatch, cells) if size and table]
            out = sizes[0] if sizes and sizes[0][0] > 3 else None
            name = cells[0] if table and joined is not cells and _NAMED.fullmatch(cells[0]) else ""
            return _Row(translation.text, translation.why, name, out, span)
    return _Row("", "it cannot be read as a layer", "", None, span) if table else None


def _nodes(rows: Sequence[_Row], size: tuple[int, int] | None) -> list[Node]:
    nodes: list[Node] = []
    for number, one in enumerate(rows):
        text, why = one.text, one.why
        slides = _SLIDES.match(text)
        if slides and one.out and size:
            text, why = _padded(text, slides, size, one.out)
        if text.startswith("fc "):
            text = dense(text, nodes, (number - 1,))
        nodes.append(Node(text, one.span, (number - 1,), why, hint=one.name))
        size = one.out
    return nodes


def _padded(text: str, slides: re.Match[str], size: tuple[int, int], out: tuple[int, int]) -> tuple[str, str]:
    """The layer with the smallest padding for which its output has the given size."""
    letters = {letter[0]: int(letter[1:]) for letter in slides[2].split()}
    window = letters["F"]
    stride = letters.get("S", 1 if slides[1] == "conv" else window)
    for padding in range(window):
        if all(
            (side + 2 * padding - window) // stride + 1 == other
            for side, other in zip(size, out, strict=True)
        ):
            return re.sub(r" K|$", rf" P{padding}\g<0>", text, count=1) if padding else text, ""
    return text, f"no padding gives {out[0]}x{out[1]} of {size[0]}x{size[1]}"
