"""The widths of texts, and the fonts that they are of."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnspec.drawing import fonts
from cnnspec.drawing.scene import Run, Text


def test_widths_are_those_of_the_faces() -> None:
    assert fonts.width("conv", 10) == pytest.approx(21.12)
    assert fonts.width("conv", 10, bold=True) > fonts.width("conv", 10)
    assert fonts.width("×²→½α", 10) > 0
    assert fonts.width("木", 10) == 10
    assert fonts.width("\U0001d4b3ʒ", 10) == pytest.approx(17.22)


def test_a_text_covers_its_runs() -> None:
    runs = (Run("3×3 conv, "), Run("k", italic=True), Run("2", shift="sub"))
    whole = fonts.width("3×3 conv, ", 8) + fonts.width("k", 8, italic=True) + fonts.width("2", 5.6)
    assert fonts.width_of(runs, 8) == pytest.approx(whole)
    left, top, right, bottom = fonts.box_of(Text(100, 50, runs, 8))
    assert (left + right) / 2 == pytest.approx(100)
    assert right - left == pytest.approx(whole)
    assert top < 50 < bottom


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("italic", [False, True])
def test_the_table_is_the_fonts(bold: bool, italic: bool) -> None:
    ttf = pytest.importorskip("fontTools.ttLib")
    font = ttf.TTFont(fonts.path_of(bold=bold, italic=italic))
    assert font["name"].getDebugName(1) == fonts.FAMILY
    assert "Liberation" not in "".join(font["name"].getDebugName(one) or "" for one in (1, 3, 4, 6))
    units = font["head"].unitsPerEm
    for code, glyph in font.getBestCmap().items():
        exact = font["hmtx"][glyph][0] / units
        assert fonts.width(chr(code), 1, bold=bold, italic=italic) == pytest.approx(exact, abs=0.0006)


def test_the_licence_is_beside_them() -> None:
    text = (Path(fonts.path_of()).parent / "OFL.txt").read_text("utf-8")
    assert "SIL OPEN FONT LICENSE" in text
    assert "Reserved Font Name Liberation" in text
