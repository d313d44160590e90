"""`cnnspec draw` on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Command


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--width", "wide"), "expected a width such as 3.4in"),
        (("--width", "0.0001in"), "expected a width such as 3.4in"),
        (("--scale", "2"), "expected linear, or an exponent"),
        (("--expand", "bottlenek"), "there is no block 'bottlenek'; the spec has no blocks"),
        (("-o", "figure.jpg"), "no format has the ending of figure.jpg"),
        (("--colors", "nowhere.toml"), "expected paper, grey or a file"),
    ],
)
def test_wrong_options(cnnspec: Command, option: tuple[str, ...], said: str) -> None:
    done = cnnspec("draw", "zoo:lenet5", *option)
    assert (done.status, done.out) == (2, "")
    assert said in done.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('conf = "#ffffff"', "there is no colour conf; did you mean conv?"),
        ('fc = "#ffffff"', "there is no colour fc; did you mean dense?"),
        ('qqqqqqqq = "#ffffff"', "there is no colour qqqqqqqq; there are input, conv"),
        ('conv = "red"', "the colour conv must be written as in"),
        ('conv = "#fff"onload="alert(1)"', "not TOML"),
        ("conv = 3", "the colour conv must be"),
    ],
)
def test_wrong_colors(cnnspec: Command, tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "colors.toml"
    path.write_text(text, "utf-8")
    done = cnnspec("draw", "zoo:lenet5", "--colors", path)
    assert done.status == 2
    assert said in done.err.replace("\n", " ")


def test_errors_stop_a_figure(cnnspec: Command, wrong: Path, tmp_path: Path) -> None:
    done = cnnspec("draw", wrong, "-o", tmp_path / "a.svg")
    assert done.status == 1
    assert "E301" in done.err
    assert not (tmp_path / "a.svg").exists()


def test_a_figure_as_svg(cnnspec: Command, tmp_path: Path) -> None:
    done = cnnspec("draw", "zoo:resnet", "--variant", "ResNet50")
    assert done.status == 0
    assert done.out.startswith("<svg ")
    assert "<title>ResNet50: Deep Residual Learning" in done.out
    assert ">residual(512) ×3<" in done.out
    path = tmp_path / "resnet50.svg"
    assert cnnspec("draw", "zoo:resnet", "--variant", "ResNet50", "-o", path).out == f"{path}: written\n"
    assert path.read_text("utf-8") == done.out
    assert cnnspec("draw", "zoo:resnet", "-o", path).status == 2
    assert cnnspec("draw", "zoo:resnet", "-o", path, "--force").status == 0


def test_a_figure_that_is_too_large(cnnspec: Command) -> None:
    blocks = "".join(f"block b{n}() {{ b{n + 1}() -> b{n + 1}() }}\n" for n in range(14))
    text = f"{blocks}block b14() {{ conv F1 K4 -> maxpool F1 }}\ninput 4x8x8\nb0()\n"
    assert cnnspec("draw", "-", stdin=text).status == 0
    done = cnnspec("draw", "-", "--expand", "14", stdin=text)
    assert (done.status, done.out) == (1, "")
    assert "E609" in done.err
    assert "the figure is too large: more than 3,000 boxes" in done.err
    assert "--collapse BLOCK" in done.err


def test_the_width(cnnspec: Command) -> None:
    wide = cnnspec("draw", "zoo:inception_v3").out
    narrow = cnnspec("draw", "zoo:inception_v3", "--width", "3.4in").out
    assert wide != narrow
    assert 'width="244.8pt"' in narrow
    whole = cnnspec("draw", "zoo:lenet5", "--width", "20in").out
    assert whole == cnnspec("draw", "zoo:lenet5", "--wrap", "1").out


def test_a_figure_whose_texts_are_too_small(cnnspec: Command) -> None:
    done = cnnspec("draw", "zoo:ddpm_unet", "--style", "volumes", "--width", "3.4in")
    assert done.status == 0
    assert done.out.startswith("<svg")
    note = " ".join(done.err.split())
    assert note.startswith("note: the smallest text of this figure is 1.4 pt high at this width: --width ")
    assert note.endswith("--collapse BLOCK or --style flow may fit better")
    assert cnnspec("draw", "zoo:unet", "--style", "volumes", "--width", "3.4in").err == ""
