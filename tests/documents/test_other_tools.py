"""What other tools are given: cnnspec.sty, a lexer for Pygments, hooks of pre-commit, an action of GitHub."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from cnnspec.documents.style import latex_style
from cnnspec.documents.words import word_lists
from cnnspec.files import DOCUMENTS
from tests.documents.conftest import Run
from tests.drawing.latex import text_of

ROOT = Path(__file__).parents[2]
ENTRY = ("pygments.lexers", "cnn", "cnnspec.documents.highlight:CnnLexer")


def test_the_style_has_the_words_of_today(run: Run) -> None:
    status, text, _ = run("schema", "latex")
    assert (status, text) == (0, latex_style())
    lists = [
        re.sub(r"\s", "", one).split(",") for one in re.findall(r"keywords=\[\d\]\{%(.*?)\}", text, re.S)
    ]
    assert lists[:2] == [[*word_lists().statements], [*word_lists().layers]]
    assert {"nobias", "params", "floor"} <= {*lists[2]}


def test_the_entry_point_is_declared() -> None:
    group, name, value = ENTRY
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    assert declared[group][name] == value


@pytest.fixture
def entry(tmp_path: Path) -> dict[str, str]:
    """An environment in which the entry point is installed."""
    folder = tmp_path / "entry" / "cnnspec_entry-0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: cnnspec-entry\nVersion: 0\n")
    (folder / "entry_points.txt").write_text("[{}]\n{} = {}\n".format(*ENTRY))
    tools = tmp_path / "tools"
    tools.mkdir()
    pygmentize = tools / "pygmentize"
    pygmentize.write_text(f"#!/bin/sh\nexec '{sys.executable}' -m pygments \"$@\"\n")
    pygmentize.chmod(0o755)
    path = os.pathsep.join((str(ROOT), str(folder.parent)))
    return {**os.environ, "PYTHONPATH": path, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.parametrize("name", ["cnn", "cnnspec"])
def test_pygments_finds_the_lexer(name: str, entry: dict[str, str]) -> None:
    command = [sys.executable, "-m", "pygments", "-l", name, "-f", "raw"]
    done = subprocess.run(command, input="conv F3\n", env=entry, capture_output=True, text=True, check=True)
    assert "Token.Name.Builtin\t'conv'" in done.stdout


PAPER = r"""\documentclass{article}
\usepackage{cnnspec}
\usepackage[dvipsnames]{xcolor}
%s
\begin{document}
\begin{cnn}[caption={The stem}, label=stem, name=stem, input={left: 1x28x28}, error={E301,W104}]
model LeNet5 "title"  # a comment × −
conv F5 K6 -> relu => 6@24x24, params 156
\end{cnn}
\begin{cnn}
[fc 10]*2
\end{cnn}
Inline \cnninline|conv F3 K64 -> relu|.
\cnnfile[caption={A file}]{lenet.cnn}
%s
\end{document}
"""


def latex(text: str, folder: Path, *options: str, env: dict[str, str] | None = None) -> str:
    pdflatex = shutil.which("pdflatex")
    if pdflatex is None:
        pytest.skip("pdflatex is not installed (Debian: texlive-latex-base, texlive-latex-recommended)")
    (folder / "paper.tex").write_text(text, encoding="utf-8")
    (folder / "cnnspec.sty").write_text(latex_style(), encoding="utf-8")
    (folder / "lenet.cnn").write_text("input 1x32x32\nC1: conv F5 K6\n")
    command = [pdflatex, "-halt-on-error", "-interaction=nonstopmode", *options, "paper.tex"]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, timeout=300, check=False)
    log = done.stdout.decode("latin1")
    assert done.returncode == 0, log[-2000:]
    assert "Package xcolor Warning" not in log
    return " ".join(text_of(folder / "paper.pdf").split())


@pytest.mark.latex
def test_the_style_compiles(tmp_path: Path, run: Run) -> None:
    shown = latex(PAPER % ("", ""), tmp_path, "-no-shell-escape")
    for part in ("Listing 1: The stem", "model LeNet5", "[fc 10]*2", "Listing 2: A file", "C1: conv F5 K6"):
        assert part in shown
    assert run("check", str(tmp_path / "paper.tex"))[0] == 1  # what it claims to have wrong is not there


@pytest.mark.latex
def test_minted_colours_specs(tmp_path: Path, entry: dict[str, str]) -> None:
    kpsewhich = shutil.which("kpsewhich")
    if (
        kpsewhich is None
        or subprocess.run([kpsewhich, "minted.sty"], capture_output=True, check=False).returncode
    ):
        pytest.skip("minted is not installed (Debian: texlive-latex-extra)")
    minted = "\\begin{minted}{cnn}\nconv F3S1P1 K64 -> relu\n\\end{minted}"
    shown = latex(PAPER % ("\\usepackage{minted}", minted), tmp_path, "-shell-escape", env=entry)
    assert "F3S1P1" in shown
    made = "".join(path.read_text("utf-8") for path in tmp_path.rglob("*.pygtex"))
    assert "\\PYG{n+nb}{conv}" in made


@pytest.mark.parametrize("file", [".pre-commit-hooks.yaml", ".github/actions/check/action.yml"])
def test_every_kind_of_document_is_named(file: str) -> None:
    text = (ROOT / file).read_text("utf-8")
    endings = {*DOCUMENTS, ".cnn"}
    found = {f".{one}" for group in re.findall(r"\\\.\(([\w|]+)\)\$", text) for one in group.split("|")}
    found |= set(re.findall(r"\*(\.\w+)", text))
    assert found == endings


def test_the_hooks_are_hooks() -> None:
    clientlib = pytest.importorskip("pre_commit.clientlib")
    hooks = clientlib.load_manifest(str(ROOT / ".pre-commit-hooks.yaml"))
    assert [one["id"] for one in hooks] == ["cnnspec-check", "cnnspec-update", "cnnspec-fmt"]
    assert {one["language"] for one in hooks} == {"python"}


@pytest.mark.skipif(shutil.which("bash") is None or shutil.which("git") is None, reason="needs bash and git")
def test_the_action_checks_what_git_knows(tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    action = yaml.safe_load((ROOT / ".github/actions/check/action.yml").read_text("utf-8"))
    script = action["runs"]["steps"][-1]["run"]
    tool = tmp_path / "cnnspec"
    tool.write_text(f"#!/bin/sh\nexec '{sys.executable}' -m cnnspec \"$@\"\n")
    tool.chmod(0o755)
    repository = tmp_path / "repository"
    (repository / "docs").mkdir(parents=True)
    (repository / "docs" / "a b.md").write_text("```cnn\ninput 3x8x8\nconv F9 K1\n```\n")
    (repository / "-x.cnn").write_text("input 8\nfc 1\n")
    (repository / "new.md").write_text("```cnn\nnot known to git\n```\n")
    git = ["git", "-c", "init.defaultBranch=main", "init", "-q"]
    subprocess.run(git, cwd=repository, check=True)
    subprocess.run(["git", "add", "docs", "./-x.cnn"], cwd=repository, check=True)
    files = action["inputs"]["files"]["default"]
    env = {
        **os.environ, "FILES": files, "OPTIONS": "--strict", "PYTHONPATH": str(ROOT),
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=repository,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert done.stdout.startswith(
        "::error file=docs/a b.md,line=3,col=6,endLine=3,endColumn=8,title=cnnspec E301::"
    )
    assert done.stdout.count("::error") == 1
