"""`cnnspec explain`: homework, and pages."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cnnspec import check
from cnnspec.ops.base import Misfit
from cnnspec.report.pages import page, topics
from cnnspec.report.words import word_page, words
from tests.cli.conftest import Command
from tests.ops.binder import op as bind

NOTES = """\
input 3x32x32
C1: conv F5 P2 K64
    relu
body: [conv F3 S2 P1 K64 nobias -> bn]*2
head: flatten -> fc 10
"""


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.cnn"
    path.write_text(NOTES)
    return path


def test_a_layer_is_worked_out_as_homework_wants_it(cnnspec: Command, notes: Path) -> None:
    ran = cnnspec("explain", notes, "C1")
    assert (ran.status, ran.err) == (0, "")
    assert "(W − F + 2P)/S + 1 = (32 − 5 + 2·2)/1 + 1 = 32" in ran.out
    assert "weights = (F·F·C)·K + K = (5·5·3)·64 + 64 = 4,864" in ran.out
    assert "MACs = (F·F·C)·K·W'·H' = (5·5·3)·64·32·32 = 4,915,200" in ran.out
    assert "field = R + (E − 1)·J = 1 + (5 − 1)·1 = 5x5" in ran.out
    dense = 3 * 32 * 32 * 64 * 32 * 32 + 64 * 32 * 32
    assert f"= {dense:,}, {dense / 4864:,.0f} times as many" in ran.out
    assert "notes.cnn:2" in ran.out


def test_layers_in_repeats_have_their_dotted_path(cnnspec: Command, notes: Path) -> None:
    ran = cnnspec("explain", notes, "body.1.conv")
    assert ran.status == 0
    assert "64x16x16 → 64x8x8" in ran.out
    assert "= 7 + (3 − 1)·2 = 11x11" in ran.out


def test_layers_in_blocks_of_the_zoo(cnnspec: Command) -> None:
    ran = cnnspec("explain", "zoo:resnet", "body.stage2.0.conv3", "--variant", "ResNet50")
    assert ran.status == 0
    assert "128x28x28 → 512x28x28" in ran.out
    assert "= 65,536" in ran.out
    ran = cnnspec("explain", "zoo:resnet", "body.stage2.conv3", "--variant", "ResNet50")
    assert ran.status == 2
    assert "did you mean body.stage2.0.conv3?" in ran.err
    assert "its layers: body.stage2.0.conv1, body.stage2.0.bn1" in ran.err


def test_a_part_has_its_sums(cnnspec: Command, notes: Path) -> None:
    ran = cnnspec("explain", notes, "head")
    assert ran.status == 0
    assert "head: 2 layers, 64x8x8 → 10" in ran.out
    assert "weights = head.fc 40,970 = 40,970" in ran.out
    assert "MACs = head.fc 40,960 = 40,960" in ran.out
    assert "C·K + K = 4,096·10 + 10 = 40,970" in ran.out
    ran = cnnspec("explain", "zoo:resnet", "body.stage2", "--variant", "ResNet50")
    assert "= 1,219,584\n" in ran.out
    assert "body.stage2.0.conv1" in ran.out


def test_an_unknown_layer_is_answered_with_the_nearest(cnnspec: Command, notes: Path) -> None:
    ran = cnnspec("explain", notes, "c1")
    assert (ran.status, ran.out) == (2, "")
    assert "did you mean C1?" in ran.err
    assert "its layers: C1, relu, body.0.conv" in ran.err


def test_a_layer_behind_a_mistake_has_what_is_known(cnnspec: Command) -> None:
    spec = "input 1x8x8\na: conv F9 K4\nb: conv F3 K4\n"
    ran = cnnspec("explain", "-", "b", stdin=spec)
    assert ran.status == 0
    assert "its sizes are unknown" in ran.out


def test_every_layer_of_the_notes_own_network_can_be_explained(cnnspec: Command) -> None:
    entries = json.loads(cnnspec("check", "zoo:lenet5", "--format", "json").out)["models"][0]["rows"]
    assert len(entries) > 8
    for row in entries:
        ran = cnnspec("explain", "zoo:lenet5", row["name"], "--format", "json")
        assert ran.status == 0, row["name"]
        explained = json.loads(ran.out)
        assert explained["out"] == row["out"]
        results = {formula["name"]: formula["result"] for formula in explained["formulas"]}
        assert results.get("weights", 0) == row["params"]
        assert results.get("MACs", 0) == row["macs"]


def test_pages_of_findings_and_layers(cnnspec: Command) -> None:
    ran = cnnspec("explain", "conv")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("# conv: ")
    assert "## Example" in ran.out
    assert cnnspec("explain", "e301").out.startswith("# E301: ")
    ran = cnnspec("explain", "convv")
    assert ran.status == 2
    assert "did you mean conv?" in ran.err


def test_a_page_is_drawn_on_a_terminal(cnnspec: Command) -> None:
    bright = cnnspec("explain", "conv", "--color", "always").out
    assert "\x1b[" in bright
    assert "# conv" not in bright


def test_the_lists_of_pages_are_pages(cnnspec: Command) -> None:
    listed = [cnnspec("explain", topic).out for topic in ("layers", "codes", "words")]
    missing = [topic for topic in topics() if not any(f"`{topic}`" in text for text in listed)]
    assert missing == ["layers", "codes", "words"]


def test_a_whole_network_is_a_worksheet(cnnspec: Command, notes: Path) -> None:
    ran = cnnspec("explain", notes)
    assert (ran.status, ran.err) == (0, "")
    for line in (
        "notes: 8 layers, 3x32x32 → 10",
        "C1: conv F5 P2 K64    (",
        "  weights = (F·F·C)·K + K = (5·5·3)·64 + 64 = 4,864",
        "  field = R + (E − 1)·J = 7 + (3 − 1)·2 = 11x11",
        "  MACs = C1 4,915,200 + body.0.conv 9,437,184 + body.1.conv 2,359,296 + head.fc 40,960 = 16,752,640",
        "  FLOPs = 2·MACs = 2·16,752,640 = 33,505,280",
        "  J: jump, the pixels of the input between two positions of the map before",
    ):
        assert line in ran.out, line
    again = cnnspec("explain", "-", stdin="input 8x9x9\n[conv F3 P1 K8 -> relu]*3\n").out
    assert "  the same in group.1.conv (field 5x5), group.2.conv (field 7x7)\n" in again
    markdown = cnnspec("explain", notes, "--format", "markdown").out
    assert "## C1: `conv F5 P2 K64`" in markdown
    assert "- `W' = H' = (W − F + 2P)/S + 1 = (32 − 5 + 2·2)/1 + 1 = 32`" in markdown
    latex = cnnspec("explain", notes, "--format", "latex").out
    assert "W' = H' &= \\frac{W - F + 2P}{S} + 1 \\\\" in latex
    assert latex.endswith("\\end{document}\n")


def test_a_worksheet_of_a_spec_with_errors_has_what_is_known(cnnspec: Command) -> None:
    ran = cnnspec("explain", "-", stdin="input 1x8x8\na: conv F3 K4\nb: conv F9 K4\nexpect params 3\n")
    assert ran.status == 1
    assert "error[E301]" in ran.err
    assert "weights = (F·F·C)·K + K = (3·3·1)·4 + 4 = 40" in ran.out
    assert "its sizes are unknown" in ran.out


AWKWARD = """\
model a_b "50% of {x} & #1 _y_ ~ $3$ \\\\ ∫ é"
input 3x9x9
conv_1: conv F3x2 P1x0 D2x1 K4 -> relu
b: [pad 1 -> conv F3 Psame S2 K4 nobias -> bn -> prelu]*2
deconv F3 S2 Psame K4 extra=0
add [ dwconv F3 P1 -> conv F1 K4 | id ] -> upsample 2 -> pixelunshuffle 2 -> slice 0:4 -> crop 2x2
subsample F2 -> flatten -> fc 5 -> rbf 3
expect params 1
"""


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex, from TeX Live")
@pytest.mark.parametrize("spec", [AWKWARD, "zoo:lenet5", "zoo:mobilenet_v2"])
def test_latex_compiles(cnnspec: Command, tmp_path: Path, spec: str) -> None:
    ran = cnnspec("explain", spec, "--format", "latex") if spec.startswith("zoo:") else None
    ran = ran or cnnspec("explain", "-", "--format", "latex", stdin=spec)
    (tmp_path / "sheet.tex").write_text(ran.out, "utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "sheet.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")[-2000:]
    assert b"Overfull" not in done.stdout


SEPARABLE = """\
input 32x28x28
default conv dwconv nobias
s: dwconv F3 P1 -> bn -> relu -> conv F1 K64 -> bn -> relu
b: add [ conv F1 K16 -> bn -> relu -> conv F3 P1 K16 -> bn -> relu -> conv F1 K64 -> bn | id ] -> relu
c1: conv F7 S2 Psame K64
g: conv F1 K16 -> relu -> conv F5 P2 K32
dwconv F3
gap -> fc 10
"""


@pytest.mark.parametrize(
    ("layer", "kind", "dense"),
    [
        ("s.dwconv", "a depthwise-separable pair", 18_432),
        ("s.conv", "a depthwise-separable pair", 18_432),
        ("b.conv1", "a bottleneck", 36_864),
        ("b.conv2", "a bottleneck", 36_864),
        ("b.conv3", "a bottleneck", 36_864),
        ("g.conv2", "a 1x1 bottleneck", 51_200),
        ("c1", "a fully connected layer", 629_420_288),
        ("dwconv", None, None),
        ("fc", None, None),
    ],
)
def test_what_a_layer_is_compared_with(cnnspec: Command, layer: str, kind: str | None, dense: int) -> None:
    ran = cnnspec("explain", "-", layer, stdin=SEPARABLE)
    assert ran.status == 0
    if kind is None:
        assert "in place of" not in ran.out
        assert "would need" not in ran.out
    else:
        assert kind in ran.out
        assert f"= {dense:,}" in ran.out
        assert "times as many" in ran.out


def test_the_zeros_of_psame_have_their_places(cnnspec: Command) -> None:
    ran = cnnspec("explain", "-", "c", stdin="input 3x224x230\nc: conv F7 S2 Psame K64\n")
    assert "zeros along W = (W' − 1)·S + F − W = (115 − 1)·2 + 7 − 230 = 5" in ran.out
    for side, zeros in {"left": 2, "right": 3, "top": 2, "bottom": 3}.items():
        assert re.search(rf"at the [a-z ]*{side}.* = {zeros}$", ran.out, re.MULTILINE), side


@pytest.mark.parametrize(
    "word",
    [
        "field",
        "macs",
        "flops",
        "params",
        "padding",
        "input",
        "let",
        "block",
        "=>",
        "expect",
        "R",
        "E",
        "J",
        "F",
        "S",
        "P",
        "K",
        "D",
        "G",
        "C",
        "H",
        "W",
        "T",
        "W'",
        "H'",
        "N",
        "I",
        "O",
        "Z",
        "x",
        "y",
        "w",
        "b",
        "Σ",
        "μ",
        "σ",
        "ε",
        "L",
        "dL/dy",
        "dL/dx",
        "dL/dw",
    ],
)
def test_a_word_is_explained(cnnspec: Command, word: str) -> None:
    ran = cnnspec("explain", word)
    assert ran.status == 0
    assert ran.out.startswith(f"# {word}: ")


def test_every_symbol_of_a_formula_has_a_page() -> None:
    from tests.ops.test_json_and_text import drawn

    for text, axes in drawn():
        op = bind(text, axes)
        for shape in ((12, 9, 9), (16, 4, 6), (8,), (4, 1, 1), (6, 20), (4, 5, 6, 7)):
            out = op.out(shape)
            if not isinstance(out, Misfit):
                for formula in op.formulas((shape,), out):
                    printed = re.findall(r"\b[A-Z][hwt]?[0-9]?'?(?![\w'])", f"{formula.name} {formula.text}")
                    assert all(page(symbol) for symbol in (*formula.values, *printed)), formula


def test_the_specs_of_the_words_pages_hold() -> None:
    for word in words():
        for spec in re.findall(r"```cnn\n(.*?)```", word_page(word) or "", re.DOTALL):
            models = check(text=spec).models
            assert models
            assert all(model.ok for model in models), (word, models)


def test_a_layer_before_the_input_has_none(cnnspec: Command, tmp_path: Path) -> None:
    (tmp_path / "early.cnn").write_text("a: relu\ninput 2x8x8\nconv F1 K2\n")
    for form in ("text", "markdown", "latex", "json"):
        assert cnnspec("explain", tmp_path / "early.cnn", "--format", form).status == 1


def test_a_page_that_there_is_not(cnnspec: Command) -> None:
    assert "did you mean padding?" in cnnspec("explain", "paddding").err
    assert "`explain words` list the pages" in " ".join(cnnspec("explain", "nothing_like_it").err.split())
