"""A training run as a figure: the losses and the accuracy of each epoch, from log.csv."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from cnnspec.drawing.scene import Circle, Item, Line, Pen, Run, Scene, Text

WIDTH, HEIGHT = 250.0, 165.0
"""The size of one panel's axes, in points."""
LEFT, RIGHT, TOP, BOTTOM = 46.0, 60.0, 26.0, 34.0
"""The margins around the axes, in points, for numbers and labels."""
GREY, GRID = "#666666", "#e4e4e4"
SHARES = {"dice": "Dice coefficient", "accuracy": "accuracy"}
"""What tells which epoch is the best: the first one that the log has."""
COLORS = {"loss": "#c05a12", "held_out_loss": "#1f5fa8", **dict.fromkeys(SHARES, "#1f5fa8")}
NAMES = {"loss": "training", "held_out_loss": "held out", **dict.fromkeys(SHARES, "held out")}

Points = list[tuple[float, float]]


def curve(rows: Sequence[Mapping[str, str]], title: str) -> Scene:
    """A panel for the losses, and one for the Dice coefficient or the accuracy, where the log has it. Raises
    ValueError or KeyError where the rows are not those of a log.
    """
    panels = [("loss", ["loss", "held_out_loss"], min)]
    shares = [key for key in SHARES if rows and key in rows[0]]
    for key in shares[:1]:
        panels.append((f"{SHARES[key]} in %", [key], max))
    items: list[Item] = []
    for number, (name, keys, best) in enumerate(panels):
        left = LEFT + number * (LEFT + WIDTH + RIGHT)
        lines = {key: _points(rows, key) for key in keys}
        items += _panel(left, name, lines, best(lines[keys[-1]], key=lambda point: (point[1], 0)))
    width = len(panels) * (LEFT + WIDTH + RIGHT)
    return Scene(width, TOP + HEIGHT + BOTTOM, tuple(items), title)


def _points(rows: Sequence[Mapping[str, str]], key: str) -> Points:
    """(epoch, value); a value that is not finite is left out."""
    pairs = [(float(row["epoch"]), float(row[key])) for row in rows]
    points = [pair for pair in pairs if all(map(math.isfinite, pair))]
    if not points:
        raise ValueError(f"no epoch has a {key}")
    return points


def _panel(left: float, name: str, lines: Mapping[str, Points], best: tuple[float, float]) -> Iterator[Item]:
    epochs = [epoch for points in lines.values() for epoch, _ in points]
    values = [value for points in lines.values() for _, value in points]
    across, up = ticks(min(epochs), max(epochs), 6, whole=True), ticks(min(values), max(values), 5)

    def at(epoch: float, value: float) -> tuple[float, float]:
        x = (epoch - across[0]) / (across[-1] - across[0])
        y = (value - up[0]) / (up[-1] - up[0])
        return left + WIDTH * x, TOP + HEIGHT * (1 - y)

    digits = max(0, -math.floor(math.log10(up[1] - up[0]) + 1e-9))
    for value in up:
        x, y = at(across[0], value)
        yield Line(((x, y), (x + WIDTH, y)), Pen(GRID, 0.6))
        yield _text(x - 5, y + 3, f"{value:.{digits}f}", "end")
    for epoch in across:
        x, y = at(epoch, up[0])
        yield Line(((x, y), (x, y + 3)), Pen(GREY, 0.6))
        yield _text(x, y + 13, f"{epoch:g}", "middle")
    yield _text(left, TOP - 11, name, "start", bold=True)
    yield _text(left + WIDTH, TOP + HEIGHT + 27, "epoch", "end")
    ends = []
    for key, points in lines.items():
        places = tuple(at(*point) for point in points)
        if len(places) > 1:
            yield Line(places, Pen(COLORS[key], 1.4))
        else:
            yield Circle(*places[0], 1.6, COLORS[key])
        ends.append((places[-1], key))
    last = TOP - 20.0
    for (_, y), key in sorted(ends, key=lambda end: end[0][1]):  # their names must not overlap
        last = max(y + 3, last + 11)
        yield _text(left + WIDTH + 5, last, NAMES[key], "start", COLORS[key])
    x, y = at(*best)
    yield Circle(x, y, 2.6, "#ffffff", Pen(COLORS[list(lines)[-1]], 1.2))


def _text(x: float, y: float, text: str, anchor: str, color: str = GREY, bold: bool = False) -> Text:
    return Text(x, y, (Run(text),), 9.0, color, anchor, bold)  # type: ignore[arg-type]


def ticks(low: float, high: float, most: int, *, whole: bool = False) -> list[float]:
    """Round numbers from at most `low` to at least `high`, about `most` of them; whole ones from `low`.

    >>> ticks(0.03, 1.7, 5)
    [0.0, 0.5, 1.0, 1.5, 2.0]
    """
    if high == low and not whole:
        low = high - (abs(high) / 10 or 1.0)  # below: an accuracy of 100 % is not exceeded
    span = (high - low) or 1.0
    rough = span / (most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    if whole:
        step = max(1.0, float(math.ceil(step)))
    first, last = math.floor(low / step + 1e-9), math.ceil((low + span) / step - 1e-9)
    return [number * step for number in range(first, last + 1)]
