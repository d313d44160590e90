r"""A scene as a `tikzpicture` to `\input`: texts in the document's font, and no package but tikz.

A unit is 1 bp, a scene's point; y is turned over, so that coordinates are the scene's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from cnnspec.diagnostics.printable import printable
from cnnspec.drawing import geometry
from cnnspec.drawing.scene import Circle, Group, Item, Line, Pen, Point, Run, Scene, Shape, Text
from cnnspec.drawing.writers.paths import number, pieces_of

_ANCHORS = {"start": "base west", "middle": "base", "end": "base east"}
_ESCAPED = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\ensuremath{<}",
    ">": r"\ensuremath{>}", "|": r"\ensuremath{|}", '"': r"\textquotedblright{}", "°": r"\ensuremath{^\circ}",
    "×": r"\ensuremath{\times}", "−": r"\ensuremath{-}", "·": r"\ensuremath{\cdot}", "…": r"\ldots{}",
    "⋯": r"\ensuremath{\cdots}", "→": r"\ensuremath{\to}", "≤": r"\ensuremath{\le}",
    "≥": r"\ensuremath{\ge}", "≠": r"\ensuremath{\ne}", "⌊": r"\ensuremath{\lfloor}",
    "⌋": r"\ensuremath{\rfloor}", "⌈": r"\ensuremath{\lceil}", "⌉": r"\ensuremath{\rceil}",
    "⊕": r"\ensuremath{\oplus}", "⊙": r"\ensuremath{\odot}", "⊗": r"\ensuremath{\otimes}",
    "÷": r"\ensuremath{\div}", "±": r"\ensuremath{\pm}", "²": r"\ensuremath{^2}", "³": r"\ensuremath{^3}",
    "½": r"\ensuremath{\frac12}", "∞": r"\ensuremath{\infty}", "–": "--", "—": "---", "‖": r"\ensuremath{\|}",
    "σ": r"\ensuremath{\sigma}", "α": r"\ensuremath{\alpha}", "β": r"\ensuremath{\beta}",
    "γ": r"\ensuremath{\gamma}", "ε": r"\ensuremath{\varepsilon}", "μ": r"\ensuremath{\mu}",
    "Φ": r"\ensuremath{\Phi}", "√": r"\ensuremath{\surd}", "\xa0": "~",
}  # fmt: skip


_LIGATURES = re.compile("(?<=-)(?=-)|(?<=`)(?=`)|(?<=')(?=')")
"""The position between two characters that LaTeX would join to one."""


def write(scene: Scene) -> str:
    """The whole file."""
    colors = {color: f"cnnspec{place}" for place, color in enumerate(_colors(scene.items))}
    lines = [
        *(f"% {line}" for line in map(_comment, filter(None, (scene.title, scene.description)))),
        r"\begin{tikzpicture}[x=1bp,y=-1bp,line cap=butt,line join=round]",
        *(rf"\definecolor{{{name}}}{{HTML}}{{{color[1:].upper()}}}" for color, name in colors.items()),
        rf"\useasboundingbox (0,0) rectangle ({number(scene.width)},{number(scene.height)});",
        *_items(scene.items, colors),
        r"\end{tikzpicture}%",
    ]
    return "\n".join([*lines, ""])


def _items(items: Iterable[Item | Group], colors: dict[str, str]) -> Iterator[str]:
    for item in items:
        match item:
            case Group():
                if item.name:
                    yield f"% {_comment(item.role)} {_comment(item.name)}"
                yield from _items(item.items, colors)
            case Shape():
                yield rf"\path{_style(colors, item.fill, item.pen)} {_path(item)} -- cycle;"
            case Circle():
                style = _style(colors, item.fill, item.pen)
                yield rf"\path{style} {_point((item.x, item.y))} circle[radius={number(item.r)}bp];"
            case Line():
                yield rf"\path{_style(colors, None, item.pen)} {_path(item)};"
                if head := geometry.head_of(item):
                    corners = " -- ".join(map(_point, head))
                    yield rf"\path{_style(colors, item.pen.color, None)} {corners} -- cycle;"
            case Text():
                yield _text(item, colors)


def _style(colors: dict[str, str], fill: str | None, pen: Pen | None) -> str:
    style = [f"fill={colors[fill]}"] if fill is not None else []
    if pen is not None:
        style += [f"draw={colors[pen.color]}", f"line width={number(pen.width)}bp"]
        if pen.dashed:
            style.append(f"dash pattern=on {number(3 * pen.width)}bp off {number(2 * pen.width)}bp")
    return f"[{','.join(style)}]"


def _path(thing: Line | Shape) -> str:
    first, *rest = pieces_of(thing)
    text = _point(first[0])
    for piece in rest:
        if len(piece) == 1:
            text += f" -- {_point(piece[0])}"
        else:
            text += f" .. controls {_point(piece[0])} and {_point(piece[1])} .. {_point(piece[2])}"
    return text


def _text(text: Text, colors: dict[str, str]) -> str:
    font = rf"\fontsize{{{number(text.size)}bp}}{{{number(1.2 * text.size)}bp}}\selectfont"
    style = [
        "inner sep=0", "outer sep=0", f"anchor={_ANCHORS[text.anchor]}", f"text={colors[text.color]}",
        f"font={font}" + (r"\bfseries" if text.bold else ""),
    ]  # fmt: skip
    if text.turn:
        style.append(f"rotate={number(text.turn)}")
    return rf"\node[{','.join(style)}] at {_point((text.x, text.y))} {{{''.join(map(_run, text.runs))}}};"


def _run(run: Run) -> str:
    text = escaped(run.text)
    text = rf"\textit{{{text}}}" if run.italic else text
    return rf"\text{run.shift}script{{{text}}}" if run.shift else text


def escaped(text: str) -> str:
    r"""A text that LaTeX prints unchanged, whatever it contains; letters that its fonts do not have are shown
    by number.

    >>> escaped("50% of a_b")
    '50\\% of a\\_b'
    """
    letters = "".join(_ESCAPED.get(char) or _letter(char) for char in printable(text))
    return _LIGATURES.sub("{}", letters)


def _letter(char: str) -> str:
    return char if char.isascii() or ("À" <= char <= "ÿ" and char not in "ÐðÞþ") else f"U+{ord(char):04X}"


def _comment(text: str) -> str:
    """A text on one line. (LaTeX reads `^^M` as a line end, also in a comment.)"""
    return printable(text).replace("^^", "^ ^")


def _point(point: Point) -> str:
    return f"({number(point[0])},{number(point[1])})"


def _colors(items: Iterable[Item | Group]) -> list[str]:
    """The colours in the order of first use."""
    colors: dict[str, None] = {}
    for item in items:
        match item:
            case Group():
                colors.update(dict.fromkeys(_colors(item.items)))
            case Shape() | Circle():
                inks = item.fill, item.pen.color if item.pen is not None else None
                colors.update((ink, None) for ink in inks if ink is not None)
            case Line():
                colors[item.pen.color] = None
            case Text():
                colors[item.color] = None
    return [*colors]
