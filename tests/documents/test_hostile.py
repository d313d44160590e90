"""Documents of strangers: they are read in bounded time, and nothing of them is run."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnspec.diagnostics import Source
from cnnspec.documents.compose import MAX_SPECS, specs
from cnnspec.documents.read import document_of
from tests.documents.conftest import Run

MARKDOWN = [
    "> " * 15 + "a\n", "- a\n", "> a\nb\n", "!!! a\n", "```cnn\nfc 1\n```\n", "<!-- cnnspec: x -->\n",
    ":::{cnn}\n", "```{note}\n", ": a\n", "a\n=\n", "\t- a\n", "```cnn a=\"\n", "<!--\n", "`" * 9 + "\n",
]  # fmt: skip
LATEX = [
    "\\begin{cnn}\n", "\\verb|", "\\verbX", "\\lstset{", "\\begin{lstlisting}[", "\\iffalse ", "\\ifx ",
    "\\input{a}", "% cnnspec: x\n", "%\n", "{", "\\", "\\lstinline[", "\\begin{cnn}\n\\end{cnn}\n",
    "\\begin{cnn}\\end{cnn}", "\\begin{cnn}[input={",
]  # fmt: skip
OTHERS = ["cnn", "\n", "\r", "\0", "é", "```", "%%cnn", '"', "\\end{cnn}", "-->", "$", "}", "]"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("a.md", f"cnn\n{text * (20_000 if len(text) < 40 else 8_000)}") for text in MARKDOWN),
        *(("a.tex", text * (1_500_000 // len(text))) for text in LATEX),
        ("a.ipynb", '{"cells":[{"cell_type":"code","source":["%%cnn\\n"' + ',"x\\n"' * 1_000_000 + "]}]}"),
        ("a.ipynb", '{"cells":[' + ",".join(['{"cell_type":"code","source":"%%cnn"}'] * 200_000) + "]}"),
        ("a.ipynb", '{"cells":[{"cell_type":"code","source":"%%cnn\\n' + "\\u0041" * 1_000_000 + '"}]}'),
        ("a.ipynb", '{"a":' + "[" * 900 + "]" * 900 + ',"cells":[]}'),
    ],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_time_is_bounded(name: str, text: str) -> None:
    start = time.monotonic()
    specs(document_of(Source(name, text)))
    assert time.monotonic() - start < 30  # it takes one or two seconds


def test_the_number_of_specs_is_limited(run: Run) -> None:
    Path("a.md").write_text("```cnn\ninput 8\nfc 1\n```\n" * (MAX_SPECS + 1))
    status, _, shown = run("check", "a.md")
    assert status == 1
    assert f"error[E601]: this document has more than {MAX_SPECS} specs; the rest is not checked\n" in shown


def test_chains_are_charged(run: Run) -> None:
    body = f"{'relu -> ' * 200}relu\n" * 6
    heads = ["input=8", *(f"after=a{at}" for at in range(14))]
    fences = [f"```cnn name=a{at} {head}\n{body}```\n" for at, head in enumerate(heads)]
    found, findings = specs(document_of(Source("a.md", "".join(fences))))
    assert 0 < len(found) < 15
    assert [one.code for one in findings] == ["E601"]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([*MARKDOWN, *LATEX, *OTHERS]), max_size=12),
    st.sampled_from(["a.md", "a.tex", "a.ipynb"]),
)
def test_any_text_is_a_document(parts: list[str], name: str) -> None:
    document = document_of(Source(name, "".join(parts)))
    found, _ = specs(document)
    for text in found:
        for at in range(len(text.text) + 1):
            text.position(at)


def test_a_plain_spec_loads_nothing_of_this(tmp_path: Path) -> None:
    spec = tmp_path / "a.cnn"
    spec.write_text("input 8\nfc 1\n")
    code = (
        "import sys\nfrom cnnspec.cli import execute\n"
        f"assert execute(['check', {str(spec)!r}]) == 0\n"
        "print([one for one in sys.modules if one.startswith(('markdown_it', 'cnnspec.doc', 'pygments'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", ["a.md", "a.tex", "a.ipynb"])
def test_devices_and_pipes_are_not_read(name: str, run: Run) -> None:
    import os

    if not hasattr(os, "mkfifo"):
        pytest.skip("needs pipes as POSIX has them")
    os.mkfifo(name)
    for command in ("check", "check --fix", "check --update", "fmt", "build --target torch", "explain"):
        status, _, shown = run(*command.split(), name)
        assert status in (1, 2)
        assert "error[E702]" in shown
