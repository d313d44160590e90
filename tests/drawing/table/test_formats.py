"""The writers: what is in a grid is in every format, escaped, with its spans."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cnnspec.drawing.table import FORMATS
from cnnspec.drawing.table.cells import Cell, Grid, Matrix, Row, Scientific, Size, Symbol, bold, cell, text
from cnnspec.drawing.table.formats import written
from tests.drawing.latex import compiled, text_of
from tests.drawing.table.networks import grids
from tests.drawing.typst import set_in_typst

NASTY = (
    "\\input{x}$&#%_^~<>|`'\"[*]=+@-- ?` ]] ))", "<script>alert(1)</script>", "![x](http://x.example)",
    "*b* _i_ ~~s~~ &lt; a|b", "#set page()", "=1+1", "// /* */", "\x1b[31m\r\n\x07", "\u202e木", "]]*[",
    "^^M", "@ref $x$ #x", '"); "',
)  # fmt: skip


def spanning() -> Grid:
    """A grid with all that a cell can have."""
    matrix = Matrix((text(Size(("3", "3")), ", 64"), text("pool")), 12)
    return Grid(
        "lcr",
        (
            Row((cell("a", head=True), cell("b", columns=2, head=True))),
            Row((cell("high", rows=2), cell("wide", columns=2)), "full"),
            Row((Cell((matrix, bold(text("more")))), cell(Scientific("1.8", 9))), "part"),
            Row((cell(Symbol("t")), cell(Size(("7", "7", "2"), squared=True)), cell("–"))),
        ),
    )


def nasty(what: str) -> Grid:
    matrix = Matrix((text(what), text(what)), 2)
    rows = (Row((cell(what, head=True), cell(what))), Row((Cell((matrix, text(what))), cell(Symbol(what)))))
    return Grid("lc", rows, title=what)


class Tables(HTMLParser):
    """How wide the rows of a page's tables are, spans counted, and the tags that are open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.widths: list[int] = []
        self.below: list[int] = []
        self.data = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag == "br":
            return
        self.open.append(tag)
        span = {name: int(value or 1) for name, value in attrs if name in ("rowspan", "colspan")}
        if tag == "tr":
            self.widths.append(self.below.pop(0) if self.below else 0)
        if tag in ("td", "th"):
            self.widths[-1] += span.get("colspan", 1)
            for place in range(span.get("rowspan", 1) - 1):
                self.below += [0] * (place + 1 - len(self.below))
                self.below[place] += span.get("colspan", 1)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.data += data


def parsed(page: str) -> Tables:
    found = Tables()
    found.feed(page)
    found.close()
    assert not found.open
    return found


def test_csv_is_read_back() -> None:
    rows = list(csv.reader(io.StringIO(written([spanning()], "csv"))))
    assert rows == [
        ["a", "b", ""],
        ["high", "wide; [3x3, 64; pool] x12; more", "wide; 1.8e9"],
        ["t", "7^2x2", "-"],
    ]
    assert json.loads(written([spanning()], "json"))["tables"][0]["rows"] == rows[1:]


def test_markdown() -> None:
    assert written([spanning()], "markdown") == (
        "| a    |                    b                     |                 |\n"
        "| :--- | :--------------------------------------: | --------------: |\n"
        "| high | wide<br>[3×3, 64; pool] × 12<br>**more** | wide<br>1.8×10⁹ |\n"
        "| *t*  |                   7²×2                   |               – |\n"
    )


def test_html_has_the_spans() -> None:
    page = parsed(written([spanning()], "html"))
    assert page.widths == [3, 3, 3, 3]
    assert {"mtable", "b", "sup", "i"} <= page.seen


def test_latex_has_the_spans() -> None:
    matrix = r"$\left[\begin{tabular}{@{}c@{}}$3\times 3$, 64 \\ pool\end{tabular}\right]\times 12$"
    stacked = rf"\begin{{tabular}}[c]{{@{{}}c@{{}}}}{matrix} \\[5pt] \textbf{{more}}\end{{tabular}}"
    assert written([spanning()], "latex").splitlines()[1:] == [
        r"\begin{tabular}{lcr}",
        r"\toprule",
        r"a & \multicolumn{2}{c}{b} \\",
        r"\midrule",
        r"\multirow{4}{*}{high} & \multicolumn{2}{c}{wide} \\",
        r"\cmidrule{2-3}",
        f" & {stacked} & $1.8\\times 10^{{9}}$ \\\\",
        r"\addlinespace",
        r"\textit{t} & $7^2\times 2$ & -- \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


@pytest.mark.parametrize("what", NASTY)
def test_nothing_in_a_text_is_obeyed(what: str) -> None:
    for form in FORMATS:
        made = written([nasty(what)] * 2, form)
        assert "\x1b" not in made
        assert "\r" not in made
        assert "\u202e" not in made
    page = parsed(written([nasty(what)] * 2, "html"))
    assert page.seen <= {
        "style", "table", "caption", "thead", "tbody", "tr", "th", "td", "br", "i", "math", "mrow", "mo",
        "mtable", "mtr", "mtd", "mtext", "mn",
    }  # fmt: skip
    lines = written([nasty(what)], "markdown").splitlines()
    assert len(lines) == 3
    for line in lines:
        bare = re.sub(r"\\.", "", line)
        assert bare.count("|") == 3
        assert not re.search(r"<(?!br>)", bare)
    for row in csv.reader(io.StringIO(written([nasty(what)], "csv"))):
        assert not any(value.startswith(("=", "+", "@")) for value in row)
    bare = re.sub(r"\\.", "", written([nasty(what)], "typst"))
    assert bare.count("#") == sum(bare.count(one) for one in ("#[", "#table(", "#emph[", "#box("))
    assert bare.count("[") == bare.count("]") + bare.count('delim: "["')


@pytest.mark.latex
def test_whatever_is_in_a_text_compiles(tmp_path: Path) -> None:
    made = written([nasty(what) for what in NASTY] + [spanning()], "latex")
    shown = text_of(compiled(made, tmp_path, packages="booktabs,multirow"))
    assert "input{x}" in shown
    assert "more" in shown


LIKE = {
    "resnet": ("resnet", ("ResNet18", "ResNet50")),
    "vgg": ("vgg", ("VGG11LRN", "VGG16C")),
    "mobilenet": ("mobilenet_v2", ()),
    "densenet": ("densenet", ("DenseNet121", "DenseNet161")),
    "efficientnet": ("efficientnet", ()),
    "googlenet": ("googlenet_2014", ()),
}


@pytest.mark.latex
@pytest.mark.parametrize("like", LIKE)
def test_latex_compiles_the_layouts(like: str, tmp_path: Path) -> None:
    name, variants = LIKE[like]
    made = written(grids(name, *variants, like=like), "latex")
    compiled(made, tmp_path, packages="booktabs,multirow")


@pytest.mark.latex
def test_typst_sets_what_is_in_a_text(tmp_path: Path) -> None:
    found = "".join(written([nasty(what), spanning()], "typst") for what in NASTY)
    text = text_of(_saved(set_in_typst(found, tmp_path), tmp_path / "tables.pdf"))
    for what in NASTY:
        shown = "".join(char for char in what if char.isprintable() and char.isascii()).split()  # in its font
        assert "".join(shown) in "".join(text.split()), what


def _saved(made: bytes, path: Path) -> Path:
    path.write_bytes(made)
    return path
