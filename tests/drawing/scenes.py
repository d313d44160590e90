"""A scene with everything in it, for the writers."""

from __future__ import annotations

from cnnspec.drawing.scene import Circle, Group, Line, Pen, Run, Scene, Shape, Text

NASTY = (
    "a_b 50% #1 $x$ {c} \\input{x} ^^M ~ & \"q\" 's' `t` ``u'' <|> -- --- é × − ° 木 ¼ … \x1b\u202e\ud800\n"
)
"""Whatever a title or a name might hold."""
PEN = Pen("#223344", 0.8)


def everything(text: str = NASTY) -> Scene:
    items = (
        Shape(((10, 10), (90, 10), (90, 40), (10, 40)), "#f7d19c", PEN, 4.0),
        Shape(((95, 10), (105, 20), (95, 30)), None, Pen("#000000", 1 / 3)),
        Circle(120, 25, 8, "#e2efd8", PEN),
        Line(((10, 60), (60, 60), (60, 80), (150, 80)), Pen("#883322", 1.2, True), 5, True),
        Line(((10, 50), (40, 50)), PEN),
        Text(10, 100, (Run(text),), 8, anchor="start"),
        Text(200, 30, (Run("k", italic=True), Run("2", shift="super"), Run("i", shift="sub")), 10, bold=True),
        Text(280, 90, (Run("turned"),), 9, turn=90, anchor="end"),
        Group((Text(150, 50, (Run("in"),), 7),), "layer", text, text),
    )
    return Scene(300, 120, items, text, text)
