"""The output of `cnnspec run --dataset`: accuracy, the confusion matrix, and pictures of wrong answers."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from typing import Any

from cnnspec.diagnostics.printable import printable
from cnnspec.report.table import Column, Row, Table

WIDE = 80
"""The most columns of text for a confusion matrix; for a wider one the most frequent mistakes are listed."""
MOST_CLASSES = 20
MOST_MISTAKES = 15
ACROSS = 6
"""The number of pictures in a row of a sheet."""
CELL = 150


class Score:
    """The counts of a run over a data set, with the classes' names. `overlap`: the classes of label maps of
    which the Dice coefficient counts."""

    def __init__(
        self, result: dict[str, Any], names: list[str], overlap: Sequence[int] | None = None
    ) -> None:
        self.images: int = result["images"]
        self.loss: float = result["loss"]
        self.confusion: list[list[int]] = result["confusion"]
        self.wrong: list[dict[str, Any]] = result["wrong"]
        self.colours: list[str] = result["colours"]
        known = names or result["names"]
        self.names = [*known, *map(str, range(len(known), len(self.confusion)))]
        self.answers = sum(map(sum, self.confusion))
        self.right = sum(row[place] for place, row in enumerate(self.confusion))
        self.overlap = overlap

    @property
    def accuracy(self) -> float | None:
        return self.right / self.answers if self.answers else None

    @property
    def dice(self) -> float | None:
        """The mean Dice coefficient over those classes of label maps that there are."""
        if self.overlap is None or not self.answers:
            return None
        found = []
        for place in self.overlap:
            total = sum(self.confusion[place]) + sum(row[place] for row in self.confusion)
            found += [2 * self.confusion[place][place] / total] if total else []
        return sum(found) / len(found) if found else 1.0

    def of_class(self, place: int) -> float | None:
        """The fraction of the images of a class that are classified correctly."""
        count = sum(self.confusion[place])
        return self.confusion[place][place] / count if count else None

    @property
    def mistakes(self) -> list[tuple[int, int, int]]:
        """The count, the correct class, the answer; the most frequent mistake first."""
        counts = [
            (-count, right, answer)
            for right, row in enumerate(self.confusion)
            for answer, count in enumerate(row)
            if count and right != answer
        ]
        return [(-count, right, answer) for count, right, answer in sorted(counts)]


def percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f} %"


def as_text(score: Score, title: str) -> Iterator[str | Table]:
    """The score for a person: texts and tables."""
    yield f"{printable(title)}\n{summary(score)}\n"
    if not score.confusion:
        return
    yield "\n"
    whole = _matrix(score)
    if whole is not None:
        yield "rows: the right class; columns: the answer\n"
        yield whole
        return
    columns = (Column("class", cut=1), Column("images", right=True), Column("recognised", right=True))
    order = sorted(range(len(score.names)), key=lambda place: (score.of_class(place) or 0, place))
    shown = [place for place in order if sum(score.confusion[place])][:MOST_CLASSES]
    yield f"the {len(shown)} least recognised of {len(score.names)} classes\n"
    rows = [(score.names[i], f"{sum(score.confusion[i]):,}", percent(score.of_class(i))) for i in shown]
    yield Table(columns, [Row(row) for row in rows])
    if score.mistakes:
        yield "\nthe most frequent mistakes\n"
        columns = (Column("right", cut=1), Column("answer", cut=2), Column("images", right=True))
        pairs = score.mistakes[:MOST_MISTAKES]
        rows = [(score.names[right], score.names[answer], f"{count:,}") for count, right, answer in pairs]
        yield Table(columns, [Row(row) for row in rows])


def summary(score: Score) -> str:
    """`accuracy 97.80 % (978 of 1,000), loss 0.0769`."""
    loss = f"loss {score.loss:.4f} on {score.images:,} held-out images"
    if score.accuracy is None:
        return loss
    dice = "" if score.dice is None else f"Dice {percent(score.dice)}, "
    return f"{dice}accuracy {percent(score.accuracy)} ({score.right:,} of {score.answers:,}), {loss}"


def _matrix(score: Score) -> Table | None:
    """The confusion matrix, if it fits."""
    names = [printable(name) for name in score.names]
    heads = [name[:8] for name in names]
    cells = [[f"{count:,}" if count else "." for count in row] for row in score.confusion]
    sizes = [max(len(head), *(len(row[at]) for row in cells)) for at, head in enumerate(heads)]
    first = min(max(map(len, names)), 16)
    if first + sum(size + 2 for size in sizes) + 12 > WIDE:
        return None
    columns = (
        Column("", least=3),
        *(Column(head, right=True) for head in heads),
        Column("recognised", right=True),
    )
    rows = [
        Row((name[:16], *row, percent(score.of_class(at))))
        for at, (name, row) in enumerate(zip(names, cells, strict=True))
    ]
    return Table(columns, rows)


def as_csv(score: Score) -> str:
    """The confusion matrix; one row per correct class."""
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["right \\ answer", *score.names])
    writer.writerows([name, *row] for name, row in zip(score.names, score.confusion, strict=True))
    return text.getvalue()


def as_document(score: Score) -> dict[str, Any]:
    """The score for `--format json`."""
    return {
        "images": score.images,
        "loss": score.loss,
        "accuracy": score.accuracy,
        "dice": score.dice,
        "classes": score.names,
        "recognised": [score.of_class(place) for place in range(len(score.names))],
        "confusion": score.confusion,
        "wrong": [{key: one[key] for key in one if key != "png"} for one in score.wrong],
    }


def as_svg(score: Score) -> str:
    """A sheet of the images with wrong answers, the worst first."""
    maps = any("share" in one for one in score.wrong)
    across, wide = (ACROSS // 3, 3 * CELL) if maps else (ACROSS, CELL)
    legend = list(_legend(score)) if maps else []
    size = ACROSS * CELL, (-(-len(score.wrong) // across) or 1) * CELL + 20 * bool(legend)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}" width="{size[0]}"',
        'font-family="sans-serif" font-size="11" text-anchor="middle">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for number, one in enumerate(score.wrong):
        left, top = number % across * wide, number // across * CELL
        parts.append(
            f'<image x="{left + 20}" y="{top + 4}" width="{wide - 40}" height="{CELL - 40}" '
            f'style="image-rendering:pixelated" href="data:image/png;base64,{one["png"]}"/>'
        )
        middle = left + wide // 2
        if maps:
            above, below = f"{one['share']:.1%} of the pixels wrong", "the image, the answer, the right map"
        else:
            above = f"{_text(score, one['found'])} ({one['sure']:.0%})"
            below = f"right: {_text(score, one['right'])}"
        parts.append(f'<text x="{middle}" y="{top + CELL - 22}" fill="#b00">{above}</text>')
        parts.append(f'<text x="{middle}" y="{top + CELL - 8}">{below}</text>')
    parts += [f'<g transform="translate(20,{size[1] - 18})" text-anchor="start">', *legend, "</g>"] * bool(
        legend
    )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend(score: Score) -> Iterator[str]:
    """The colours of the first classes of a label map."""
    for place, (colour, _) in enumerate(zip(score.colours, score.names, strict=False)):
        left = place * (ACROSS * CELL - 40) // len(score.colours)
        yield f'<rect x="{left}" width="10" height="10" fill="{colour}"/>'
        yield f'<text x="{left + 14}" y="9">{_text(score, place)}</text>'


def _text(score: Score, place: int) -> str:
    return html.escape(printable(score.names[place])[:20])


def as_html(score: Score, title: str) -> str:
    """A page: the matrix, the classes, the pictures. It loads nothing."""
    name = html.escape(printable(title))
    parts = [
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{name}</title>',
        "<style>body{font:14px sans-serif;margin:2em}td,th{padding:2px 6px;text-align:right}",
        "td.right{font-weight:bold}td.wrong{color:#b00}</style>",
        f"<h1>{name}</h1>\n<p>{html.escape(summary(score))}</p>",
    ]
    if score.confusion:
        parts.append("<p>Rows: the right class. Columns: the answer.</p>\n<table>")
        heads = "".join(f"<th>{_text(score, place)}</th>" for place in range(len(score.names)))
        parts.append(f"<tr><th></th>{heads}<th>recognised</th></tr>")
        for right, row in enumerate(score.confusion):
            cells = "".join(
                f'<td class="{"right" if right == answer else "wrong"}">{count or ""}</td>'
                for answer, count in enumerate(row)
            )
            share = percent(score.of_class(right))
            parts.append(f"<tr><th>{_text(score, right)}</th>{cells}<td>{share}</td></tr>")
        parts.append("</table>")
    if score.wrong:
        parts.append(f"<h2>Wrong answers, the worst first</h2>\n{as_svg(score)}")
    return "\n".join([*parts, "</html>"]) + "\n"
