"""The TikZ writer: what it writes compiles, and shows what was in the scene."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from cnnspec.drawing.draw import layout
from cnnspec.drawing.options import STYLES, Options
from cnnspec.drawing.scene import Run, Scene, Text
from cnnspec.drawing.writers import tikz
from tests.drawing.latex import compiled, text_of
from tests.drawing.scenes import NASTY, everything
from tests.support import check_text


def test_the_scenes_units_are_big_points_downwards() -> None:
    text = tikz.write(everything("A"))
    assert text.startswith("% A\n% A\n\\begin{tikzpicture}[x=1bp,y=-1bp,")
    assert "\\useasboundingbox (0,0) rectangle (300,120);" in text
    assert not re.search(r"\.\d{3}", text)


@pytest.mark.parametrize(
    ("plain", "latex"),
    [
        ("50% of a_b", r"50\% of a\_b"),
        ("\\input{x}", r"\textbackslash{}input\{x\}"),
        ("64×28", r"64\ensuremath{\times}28"),
        ("---", r"-{}-{}-"),
        ("木", "U+6728"),
        ("^^M", r"\textasciicircum{}\textasciicircum{}M"),
    ],
)
def test_what_latex_would_obey_is_escaped(plain: str, latex: str) -> None:
    assert tikz.escaped(plain) == latex


def test_a_comment_stays_a_comment() -> None:
    lines = tikz.write(everything()).splitlines()
    assert sum(line.startswith("%") for line in lines) == 3
    assert not any("^^" in line for line in lines)


@pytest.mark.latex
def test_whatever_is_in_a_text_compiles(tmp_path: Path) -> None:
    pdf = compiled(tikz.write(everything()), tmp_path)
    shown = text_of(pdf)
    assert "50%" in shown
    assert "U+6728" in shown
    assert "turned" in shown


@pytest.mark.latex
def test_each_character_compiles(tmp_path: Path) -> None:
    chars = [chr(code) for code in range(0x20, 0x180)] + list("×−·…⋯→≤≥≠⌊⌋⌈⌉⊕⊙⊗÷±²³½∞–—‖σαβγεμΦ√木\xa0")
    texts = tuple(Text(50, 10 + 3 * place, (Run(f"a{char}b"),), 7) for place, char in enumerate(chars))
    compiled(tikz.write(Scene(100, 1500, texts, NASTY)), tmp_path)


@pytest.mark.latex
@pytest.mark.heavy
@pytest.mark.parametrize("style", STYLES)
def test_every_figure_of_the_zoo_compiles(style: str, tmp_path: Path) -> None:
    pictures = []
    for path in sorted((Path(__file__).parents[2] / "specs").rglob("*.cnn")):
        (model, *_) = check_text(path.read_text("utf-8"), first=True, lints=False)
        assert model.graph is not None
        pictures.append(tikz.write(layout(model.graph, Options(style=style))))  # type: ignore[arg-type]
    assert len(pictures) > 80
    compiled("\n\n\\noindent ".join(pictures), tmp_path)


@pytest.mark.latex
def test_a_picture_that_latex_cannot_read_would_be_noticed(tmp_path: Path) -> None:
    compiled("\\begin{tikzpicture}\\end{tikzpicture}", tmp_path)
    with pytest.raises(subprocess.CalledProcessError):
        compiled("\\begin{tikzpicture} a_b", tmp_path)
