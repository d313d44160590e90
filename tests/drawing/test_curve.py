"""The curve of a training: what is at which place, on axes of round numbers."""

from __future__ import annotations

import pytest

from cnnspec.drawing.curve import curve, ticks
from cnnspec.drawing.scene import Circle, Line, Scene, Text
from cnnspec.drawing.writers import svg

ROWS = [
    {"epoch": str(epoch), "loss": str(2 / epoch), "held_out_loss": str(held_out), "accuracy": str(80 + epoch)}
    for epoch, held_out in ((1, 1.5), (2, 0.5), (3, 1.0))
]


def texts(scene: Scene) -> list[str]:
    return [item.runs[0].text for item in scene.items if isinstance(item, Text)]


def test_each_epoch_is_at_its_place() -> None:
    scene = curve(ROWS, "T")
    lines = [item.points for item in scene.items if isinstance(item, Line) and item.pen.width > 1]
    assert [len(points) for points in lines] == [3, 3, 3]
    training, held_out, accuracy = lines
    left, right, top, bottom = 46, 296, 26, 191  # epochs 1 to 3, losses 0.5 to 2
    assert [x for x, _ in training] == [left, (left + right) / 2, right]
    assert [y for _, y in training] == [top, top + 110, pytest.approx(bottom - 165 / 9)]
    assert held_out[1] == ((left + right) / 2, bottom)
    assert accuracy[0][0] == left + 356
    marks = [(item.x, item.y) for item in scene.items if isinstance(item, Circle)]
    assert marks == [held_out[1], accuracy[2]], "the best epochs"
    assert {"loss", "accuracy in %", "training", "held out", "0.5", "1.0", "1.5", "2.0"} <= set(texts(scene))
    assert svg.write(scene).count("<path") == sum(isinstance(item, Line) for item in scene.items)


def test_names_do_not_lie_on_each_other() -> None:
    same = [row | {"held_out_loss": row["loss"]} for row in ROWS]
    ends = [item.y for item in curve(same, "T").items if isinstance(item, Text) and item.runs[0].text in
            ("training", "held out")]  # fmt: skip
    assert abs(ends[0] - ends[1]) >= 11


def test_one_epoch_and_no_accuracy() -> None:
    (row, *_) = ROWS
    scene = curve([{key: row[key] for key in row if key != "accuracy"}], "T")
    assert scene.width == 356
    assert "accuracy in %" not in texts(scene)
    assert [item for item in scene.items if isinstance(item, Circle)]


@pytest.mark.parametrize(
    "rows", [[], [{"epoch": "1"}], [ROWS[0] | {"loss": "x"}], [ROWS[0] | {"loss": "nan"}]]
)
def test_a_log_that_is_none(rows: list[dict[str, str]]) -> None:
    with pytest.raises((ValueError, KeyError)):
        curve(rows, "T")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.03, 1.7, [0, 0.5, 1, 1.5, 2]),
        (97, 97, [85, 87.5, 90, 92.5, 95, 97.5]),
        (100, 100, [90, 92.5, 95, 97.5, 100]),
        (83, 99, [80, 85, 90, 95, 100]),
    ],
)
def test_ticks_are_round_numbers(low: float, high: float, expected: list[float]) -> None:
    found = ticks(low, high, 5)
    assert found[0] <= low
    assert found[-1] >= high
    assert found == expected
    assert ticks(1, 7, 6, whole=True) == [0, 2, 4, 6, 8]
    assert ticks(5, 5, 6, whole=True) == [5, 6]
