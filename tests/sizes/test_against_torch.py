"""A small part of `make sizes`; and that a wrong answer is noticed there."""

from __future__ import annotations

import pytest

from cnnspec.report import input_sizes
from tests.sizes import against_torch as beside

SQUARES = (*range(1, 40, 6), *range(60, 301, 24))


@pytest.mark.parametrize("name", ["lenet5", "alexnet", "yolo_v3_tiny", "segnet", "unet", "siamese"])
def test_agrees(name: str) -> None:
    for model in beside.models(name):
        found, differences = beside.compare(model, SQUARES, 8)
        assert found.sizes is not None
        assert found.sizes.exact
        assert differences == []


def test_notices_a_wrong_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    (model,) = beside.models("alexnet")
    right = input_sizes.sizes_of

    def off_by_one(*asked: object) -> object:
        sizes = right(*asked)  # type: ignore[arg-type]
        assert sizes is not None
        return sizes._replace(axes=tuple(axis._replace(start=axis.start + 1) for axis in sizes.axes))

    monkeypatch.setattr(input_sizes, "sizes_of", off_by_one)
    assert [one.size for one in beside.compare(model, range(60, 70), 0)[1]] == [(63, 63)]
