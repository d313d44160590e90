"""Generated regions: `check --update`, and what a region may not do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.documents.conftest import Run

SPEC = "```cnn name=A\nmodel Net\ninput 1x28x28\nconv F5 K6 -> relu\nmaxpool F2\n```\n\n"


def region(command: str, body: str = "") -> str:
    return f"<!-- cnnspec: {command} -->\n{body}<!-- /cnnspec -->\n"


def updated(run: Run, text: str) -> str:
    Path("a.md").write_text(text)
    status, _, shown = run("check", "--update", "a.md")
    assert status == 0, shown
    return Path("a.md").read_text()


def refused(run: Run, text: str, name: str = "a.md") -> str:
    """What is said of a document of which nothing is changed."""
    Path(name).write_text(text)
    status, _, shown = run("check", "--update", name)
    assert status == 1
    assert "error[E907]: this region cannot be made: " in shown
    assert Path(name).read_text() == text
    return shown


@pytest.mark.parametrize(
    ("command", "part"),
    [
        ("check A", "\n```text\nNet\nMACs: "),
        ("check #A --all --columns +memory", "memory"),
        ("check", "total "),
        ("table A", "\n| "),
        ("table Net --format html", "<table"),
        ("explain A conv", "- `weights = (F·F·C)·K + K = (5·5·1)·6 + 6 = 156`\n"),
        ("explain A", "156"),
        ("sizes Net", "```text\n"),
        ("diff A zoo:lenet5", "**Net → LeNet5**"),
        ("check zoo:resnet --variant ResNet50", "25,557,032"),
        ("check models/net.cnn", "Other"),
    ],
)
def test_what_a_region_shows(command: str, part: str, run: Run) -> None:
    Path("models").mkdir()
    Path("models/net.cnn").write_text("model Other\ninput 8\nfc 2\n")
    before = f"# T\n\n{SPEC}{region(command)}end"
    after = updated(run, before)
    head, body = after.split(f"<!-- cnnspec: {command} -->\n")
    assert head == f"# T\n\n{SPEC}"
    assert part in body
    assert body.endswith("\n<!-- /cnnspec -->\nend")
    assert "see --advice" not in body
    assert updated(run, after) == after
    assert run("check", "--update", "--dry-run", "a.md")[0] == 0
    os.environ["COLUMNS"] = "50"
    try:
        assert run("check", "--update", "--dry-run", "a.md")[0] == 0
    finally:
        del os.environ["COLUMNS"]


def test_a_stale_region_is_reported_and_not_written(run: Run) -> None:
    text = updated(run, SPEC + region("table A")).replace("K6", "K8")
    Path("a.md").write_text(text)
    status, _, shown = run("check", "--update", "--dry-run", "a.md")
    assert status == 1
    assert "error[E906]: this generated region is not up to date\n" in shown
    assert "─ a.md:8:1\n" in shown
    assert "E906" in run("check", "--update", "--dry-run", "--format", "json", "a.md")[1]
    assert Path("a.md").read_text() == text
    assert run("check", "a.md")[0] == 0
    assert run("check", "--dry-run", "a.md")[0] == 2
    _, _, shown = run("check", "--update", "a.md")
    assert "a.md: 1 region updated\n" in shown
    assert "conv F5 K8" in Path("a.md").read_text().partition("-->")[2]


def test_what_stands_outside_stays_byte_for_byte(run: Run) -> None:
    start = b"\xef\xbb\xbf" + SPEC.replace("\n", "\r\n").encode() + b"> <!-- cnnspec: table A -->\r\n"
    end = b"> <!-- /cnnspec -->\r\n \ttrailing  \r\n\r\nno end"
    Path("a.md").write_bytes(start + b">old\r\n" + end)
    assert run("check", "--update", "a.md")[0] == 0
    after = Path("a.md").read_bytes()
    assert after.startswith(start + b">\r\n> | ")
    assert after.endswith(b" |\r\n>\r\n" + end)
    assert b"\n" not in after.replace(b"\r\n", b"")


LATEX = "\\begin{cnn}[name=A]\ninput 1x28x28\nconv F5 K6\n\\end{cnn}\n"


@pytest.mark.parametrize(
    ("command", "part"),
    [
        ("table A", "\\begin{tabular}"),
        ("explain A conv", "156"),
        ("check A", "\\begin{verbatim}\nA\nMACs: multiply-accumulates"),
        ("draw A", "\\begin{tikzpicture}"),
        ("draw A -o figures/a.tex", "\\input{figures/a.tex}\n"),
    ],
)
def test_regions_of_latex(command: str, part: str, run: Run) -> None:
    text = f"{LATEX}% cnnspec: {command}\n% /cnnspec\n"
    Path("a.tex").write_text(text)
    status, _, shown = run("check", "--update", "a.tex")
    assert status == 0, shown
    after = Path("a.tex").read_text()
    assert part in after
    assert after.startswith(f"{LATEX}% cnnspec: {command}\n")
    assert after.endswith("\n% /cnnspec\n")
    assert "check A" not in command or after.isascii()
    assert run("check", "--update", "--dry-run", "a.tex")[0] == 0


def test_figures_are_files_below_the_folder(run: Run) -> None:
    Path("paper").mkdir()
    text = SPEC + region("draw A -o figures/net.svg --width 3in")
    Path("paper/a.md").write_text(text)
    assert run("check", "--update", "--dry-run", "paper/a.md")[0] == 1
    assert not Path("paper/figures").exists()
    assert run("check", "--update", "paper/a.md")[0] == 0
    assert Path("paper/a.md").read_text() == SPEC + region(
        "draw A -o figures/net.svg --width 3in", "\n![A](figures/net.svg)\n\n"
    )
    figure = Path("paper/figures/net.svg")
    assert "<svg" in figure.read_text()
    assert run("check", "--update", "--dry-run", "paper/a.md")[0] == 0
    figure.write_text("<svg></svg>")
    assert run("check", "--update", "--dry-run", "paper/a.md")[0] == 1
    assert run("check", "--update", "paper/a.md")[0] == 0
    assert len(figure.read_text()) > 100


@pytest.mark.parametrize(
    "path",
    [
        "../a.svg", "/tmp/a.svg", "a.py", "a.md", ".git/hooks/x.svg", "~/a.svg", "out/../../a.svg",
        "link/a.svg", "notes.tex", "photo.svg", "-o.svg", "a;b.svg", "C:\\a.svg", "pipe.svg",
        "a.svg/../b.svg",
    ],
)  # fmt: skip
def test_where_a_figure_may_not_be_written(path: str, run: Run) -> None:
    Path("link").symlink_to("..")
    Path("notes.tex").write_text("\\section{mine}")
    Path("photo.svg").mkdir()
    os.mkfifo("pipe.svg")
    before = sorted(Path().rglob("*"))
    refused(run, SPEC + region(f"draw A -o '{path}'"))
    assert sorted(Path().rglob("*")) == [*before[:0], *sorted({*before, Path("a.md")})]
    assert Path("notes.tex").read_text() == "\\section{mine}"


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("build A --target torch", "`build` cannot make a region"),
        ("run A", "`run` cannot make a region"),
        ("", "cannot make a region"),
        ("check ../other.cnn", "not below the folder"),
        ("check /etc/passwd", "no spec named"),
        ("check B", "no spec named B"),
        ("check HEAD~1:a.cnn", "not below the folder"),
        ("check A ../other.cnn", "not below the folder"),
        ("table A ../other.cnn", "not below the folder"),
        ("sizes A ../other.cnn", "too many specs"),
        ("explain A conv ../other.cnn", "too many specs"),
        ("diff A ../other.cnn", "not below the folder"),
        ("explain E301", "no spec named"),
        ("explain A conv --at 0,0,0 --random", "no option --at"),
        ("explain A --input x.csv", "no option --input"),
        ("draw A --colors /etc/passwd", "no file of colours"),
        ("draw A --colors=a.toml", "no file of colours"),
        ("table A --output x.md", "no option"),
        ("check A --fix", "no option --fix"),
        ("check A --update", "no option --update"),
        ("check A --max-layers 9", "no option --max-layers"),
        ("check --variant X A", "after an option"),
        ("check A --wrong", "--wrong"),
        ("table A --rows nonsense", "nonsense"),
        ("explain A 'conv", "cannot be read"),
        ("explain A nolayer", "nolayer"),
        ("check " + "A" * 600, "longer than"),
    ],
)
def test_what_a_region_may_not_ask_for(command: str, why: str, run: Run) -> None:
    Path("other.cnn").write_text("input 8\nfc 1\n")
    assert why in refused(run, SPEC + region(command))


def test_a_region_of_a_wrong_spec_says_so(run: Run) -> None:
    text = SPEC.replace("F5", "F50") + region("table A", "old\n")
    shown = refused(run, text)
    assert "cannot be made: error[E301]: the filter is larger than its input" in shown


def test_what_is_printed_cannot_close_the_region(run: Run) -> None:
    spec = '\\begin{cnn}[name=A]\nmodel Net "\\end{verbatim}"\ninput 8\nfc 2\n\\end{cnn}\n'
    refused(run, f"{spec}% cnnspec: check A\n% /cnnspec\n", "a.tex")
    text = SPEC.replace("model Net", 'model Net "x --> ``` <!-- /cnnspec -->"') + region("check A")
    after = updated(run, text)
    assert updated(run, after) == after


def test_one_that_cannot_be_made_does_not_hinder_the_others(run: Run) -> None:
    Path("a.md").write_text(SPEC + region("check B") + "\n" + region("table A"))
    status, _, shown = run("check", "--update", "a.md")
    assert status == 1
    assert "1 region updated" in shown
    assert region("check B") in Path("a.md").read_text()
    assert "| conv" in Path("a.md").read_text()


def test_a_claim_that_fails_hinders_no_region(run: Run) -> None:
    text = SPEC.replace("maxpool F2", "maxpool F2 => 6x13x13")
    Path("a.md").write_text(text + region("table A") + region("draw A -o a.svg") + region("check A"))
    status, _, shown = run("check", "--update", "a.md")
    assert (status, "3 regions updated" in shown, "E907" in shown) == (1, True, False)


def test_a_region_may_name_a_spec_of_an_included_file(run: Run) -> None:
    Path("sections").mkdir()
    Path("sections/net.tex").write_text(LATEX)
    Path("a.tex").write_text("\\input{sections/net}\n% cnnspec: table A\n% /cnnspec\n")
    assert run("check", "--update", "a.tex")[0] == 0
    assert "conv F5 K6" in Path("a.tex").read_text()


def test_regions_have_the_limits_of_the_command(run: Run) -> None:
    text = f"{SPEC}{region('check zoo:resnet --variant ResNet50')}"
    Path("a.md").write_text(text)
    status, _, shown = run("check", "--update", "--max-layers", "20", "a.md")
    assert (status, Path("a.md").read_text()) == (1, text)
    assert "error[E907]: this region cannot be made: error[E605]" in shown
