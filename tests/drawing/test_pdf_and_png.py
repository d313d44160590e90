"""The PDF and PNG writers: the fonts are in the file, the bytes are always the same."""

from __future__ import annotations

from io import BytesIO

import pytest

from cnnspec.drawing.scene import Scene
from cnnspec.drawing.writers import pdf, png
from tests.drawing.scenes import everything

pypdf = pytest.importorskip("pypdf")


def page_of(scene: Scene) -> object:
    return pypdf.PdfReader(BytesIO(pdf.write(scene))).pages[0]


def test_a_pdf_is_one_page_of_the_figures_size() -> None:
    reader = pypdf.PdfReader(BytesIO(pdf.write(everything())))
    (page,) = reader.pages
    assert [float(side) for side in page.mediabox] == [0, 0, 300, 120]
    assert str(reader.metadata.title).startswith("a_b 50%")


def test_fonts_are_embedded() -> None:
    (page,) = pypdf.PdfReader(BytesIO(pdf.write(everything()))).pages
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]
    assert len(fonts) == 3
    for font in fonts:
        assert "cnnspecSans" in font["/BaseFont"]
        assert "/FontFile2" in font["/FontDescriptor"]


def test_texts_are_texts() -> None:
    (page,) = pypdf.PdfReader(BytesIO(pdf.write(everything("3×3 conv, 64")))).pages
    assert "3×3 conv, 64" in page.extract_text()
    assert "turned" in page.extract_text()


def test_the_bytes_are_always_the_same() -> None:
    assert pdf.write(everything()) == pdf.write(everything())
    assert png.write(everything()) == png.write(everything())


def test_a_png_has_300_pixels_in_an_inch_and_no_more_than_fit() -> None:
    image = pytest.importorskip("PIL.Image")
    opened = image.open(BytesIO(png.write(everything())))
    assert opened.size == (1250, 500)
    large = image.open(BytesIO(png.write(Scene(20_000, 10_000, (), "A"))))
    assert large.size[0] * large.size[1] <= 1.01 * png.MOST


def test_a_png_has_its_texts_drawn() -> None:
    image = pytest.importorskip("PIL.Image")
    with_text, without = (image.open(BytesIO(png.write(everything(text)))) for text in ("LeNet", ""))
    assert with_text.tobytes() != without.tobytes()
