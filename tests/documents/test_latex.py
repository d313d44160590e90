"""Specs, regions and included files of LaTeX."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cnnspec.diagnostics import Source
from cnnspec.documents.fence import Document
from cnnspec.documents.read import document_of
from tests.documents.conftest import Run


def read(text: str) -> Document:
    return document_of(Source("a.tex", text))


SPEC = "\\begin{cnn}\ninput 8\n\\end{cnn}\n"


@pytest.mark.parametrize(
    "text",
    [
        SPEC,
        "\\begin{lstlisting}[language=cnn]\ninput 8\n\\end{lstlisting}\n",
        "\\begin{lstlisting}[caption={A, [b]}, language={CNN}, label=x]\ninput 8\n\\end{lstlisting}\n",
        "\\begin{lstlisting}[\n  float,\n  language = cnn\n]\ninput 8\n\\end{lstlisting}\n",
        "\\lstset{basicstyle=\\ttfamily, language=cnn}\n\\begin{lstlisting}\ninput 8\n\\end{lstlisting}\n",
        "\\begin{minted}{cnn}\ninput 8\n\\end{minted}\n",
        "\\begin{minted}[linenos, frame=lines]{cnn}\ninput 8\n\\end{minted}\n",
        "\\begin{cnncode}\ninput 8\n\\end{cnncode}\n",
        "\\begin{figure}\n\t\\begin{cnn}\n\t\tinput 8\n\t\\end{cnn}\n\\end{figure}\n",
        "50\\% off " + SPEC,
        "\\\\% \\begin{cnn}\n" + SPEC,
        "\\verb|%|" + SPEC,
        "\\lstinline[language=cnn]|{%|" + SPEC,
        "\\mintinline{python}{%}" + SPEC,
        "\\verb*+\\begin{verbatim}+" + SPEC,
        "\\iffalse\n\\begin{cnn}\nbad\n\\end{cnn}\n\\else\n" + SPEC + "\\fi\n",
        "\\iftrue\n" + SPEC + "\\else\n\\begin{cnn}\nbad\n\\end{cnn}\n\\fi\n",
        "\\iffalse \\ifx a b \\else \\fi % \\fi\n\\begin{cnn}\nbad\n\\fi\n" + SPEC,
        "\\newif\\ifdraft\n\\ifdraft a \\else " + SPEC + "\\fi\n",
        "$a \\iff b$ \\ifthenelse{a}{b}{c}\n" + SPEC,
        "\\begin{verbatim}\n\\begin{cnn}\n\\end{verbatim}\n" + SPEC,
        "\\begin{comment}\n\\begin{cnn}\nbad\n\\end{cnn}\n\\end{comment}\n" + SPEC,
        "\\begin{lstlisting}[language=Python]\n\\begin{cnn}\n\\end{lstlisting}\n" + SPEC,
        "% \\begin{cnn}\n% bad\n% \\end{cnn}\n" + SPEC,
        SPEC + "\\end{document}\n" + SPEC,
        SPEC + "\\endinput\n" + SPEC,
        "\\newminted{cnn}{}\\lstnewenvironment{cnn}{}{}\n" + SPEC,
    ],
)
def test_what_is_a_spec(text: str) -> None:
    for end in ("\n", "\r\n"):
        document = read(text.replace("\n", end))
        assert [one.text for one in document.fences] == ["input 8\n"]
        assert document.findings == ()


def test_the_indentation_is_kept_when_it_is_written() -> None:
    text = "\\begin{figure}\r\n  \\begin{cnn}\r\n    input 8\r\n      fc 1\r\n\r\n  \\end{cnn}\r\n"
    (fence,) = read(text).fences
    assert fence.text == "input 8\n  fc 1\n\n"
    assert fence.written("a\n\nb") == "a\r\n\r\n    b"


def test_attributes() -> None:
    text = (
        "\\begin{cnn}[input={left: 3x8x8}, name=stem, caption={a, name=b}]\n\\end{cnn}\n"
        "% cnnspec: after=stem error=E301\n\\begin{minted}{cnn}\n\\end{minted}\n\\begin{cnn}\n\\end{cnn}\n"
    )
    given = [{key: one.value for key, one in fence.attributes.items()} for fence in read(text).fences]
    assert given == [{"input": "left: 3x8x8", "name": "stem"}, {"after": "stem", "error": "E301"}, {}]


def test_regions() -> None:
    text = "a % cnnspec: no\n  % cnnspec: table LeNet5\n  old\n  % /cnnspec\n\\verb|% cnnspec: x|\n"
    document = read(text)
    (region,) = document.regions
    assert (region.command, text[slice(*region.body)], region.newline) == (
        "table LeNet5",
        "  old\n",
        "\n",
    )
    assert document.findings == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [("% cnnspec: check\n", "E907"), ("% /cnnspec\n", "E907"), ("\\begin{cnn}\ninput 8\n", "E904")],
)
def test_what_has_no_end(text: str, code: str) -> None:
    assert [one.code for one in read(text).findings] == [code]
    assert read(text).fences == read(text).regions == ()


MAIN = """\\documentclass{article}
\\input{glyphtounicode}
\\begin{document}
\\begin{cnn}[name=LeNet]
input 1x28x28
conv F5 K6
\\end{cnn}
\\input{sections/method}
\\include{sections/missing}
\\input{../outside}
\\input{#1}
\\lstinputlisting[language=cnn]{models/net.cnn}
\\inputminted{cnn}{models/net.cnn}
\\inputminted{python}{models/net.py}
\\end{document}
"""


def test_included_files(run: Run) -> None:
    Path("paper/sections").mkdir(parents=True)
    Path("paper/models").mkdir()
    Path("outside.tex").write_text(SPEC)
    Path("paper/main.tex").write_text(MAIN)
    Path("paper/sections/method.tex").write_text(
        "\\input{main}\n\\begin{cnn}[name=B]\ninput 8\nfc 2\n\\end{cnn}\n"
    )
    Path("paper/models/net.cnn").write_text("model Net\ninput 3x8x8\nconv F9 K1\n")
    status, out, _ = run("check", "--format", "json", "paper/main.tex")
    models = json.loads(out)["models"]
    assert status == 1
    assert [(one["file"], one["model"], one["ok"]) for one in models] == [
        ("paper/models/net.cnn", "Net", False), ("paper/main.tex", "LeNet", True),
        ("paper/sections/method.tex", "B", True),
    ]  # fmt: skip
    assert run("build", "paper/main.tex#B", "--target", "numpy")[0] == 0


@pytest.mark.parametrize(
    "path",
    [
        "../net.cnn", "/etc/net.cnn", "link.cnn", "linked/net.cnn", "pipe.cnn", "folder.cnn", "gone.cnn",
        "~/a.cnn",
    ],
)  # fmt: skip
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs links and pipes as POSIX has them")
def test_files_that_are_not_read(path: str, run: Run) -> None:
    Path("net.cnn").write_text("input 8\nfc 1\n")
    Path("paper/folder.cnn").mkdir(parents=True)
    Path("paper/link.cnn").symlink_to("../net.cnn")
    Path("paper/linked").symlink_to("..")
    os.mkfifo("paper/pipe.cnn")
    Path("paper/a.tex").write_text(f"\\lstinputlisting[language=cnn]{{{path}}}\n")
    status, _, shown = run("check", "paper/a.tex")
    assert status == 1
    assert "E905" in shown
    assert shown.startswith("error[E905]: this file is not read: ")
    assert "paper/a.tex:1:32" in shown


def test_documents_that_include_each_other_end(run: Run) -> None:
    for number in range(60):
        Path(f"s{number}.tex").write_text("".join(f"\\input{{s{other}}}\n" for other in range(60)))
    assert run("check", "s0.tex") == (0, "", "")


STEM = "\\begin{cnn}[name=stem, input=1x28x28]\nconv F5 K6 -> relu\n\\end{cnn}\n"
HEAD = "\\begin{cnn}[after=stem]\nflatten -> fc 10\nexpect out 10, params 34,726\n\\end{cnn}\n"


def test_a_spec_goes_on_from_one_in_another_file(run: Run) -> None:
    Path("parts").mkdir()
    Path("parts/stem.tex").write_text(STEM)
    Path("parts/head.tex").write_text(HEAD)
    main = "\\input{parts/stem}\n" + HEAD.replace("expect out 10,", "expect") + "\\include{parts/head}\n"
    Path("paper.tex").write_text(main)
    status, out, err = run("check", "paper.tex")
    assert (status, err) == (0, "")
    assert "3 of 3 models passed" in out
    assert run("check", "paper.tex#stem")[0] == 0
    Path("paper.tex").write_text("\\include{parts/head}\n\\input{parts/stem}\n")  # in the order of the text
    status, _, err = run("check", "paper.tex")
    assert status == 1
    assert "error[E901]: no spec above this one is named `stem`" in err
    assert "check the document that includes both" in " ".join(run("check", "parts/head.tex")[2].split())


def test_what_is_wrong_in_another_file_is_said_there_once(run: Run) -> None:
    Path("stem.tex").write_text(STEM.replace("F5", "f5"))
    Path("paper.tex").write_text("\\input{stem}\n" + HEAD + HEAD.replace("fc 10", "fcc 10"))
    status, out, _ = run("check", "paper.tex", "--format", "json")
    found = [one for model in json.loads(out)["models"] for one in model["diagnostics"]]
    places = [(one["code"], one["file"], one["line"]) for one in found if one["severity"] == "error"]
    assert status == 1
    assert ("E104", "stem.tex", 2) in places
    assert sum(code == "E104" for code, _, _ in places) == 1
    assert {file for code, file, _ in places if code != "E104"} == {"paper.tex"}


def test_definitions_of_another_file(run: Run) -> None:
    unit = "\\begin{cnn}[name=unit]\nblock unit(k) { conv F3 P1 K=k -> bn -> relu }\n\\end{cnn}\n"
    Path("unit.tex").write_text(unit)
    use = "\\begin{cnn}[name=A, after=unit]\ninput 3x8x8\nunit(8)\n\\end{cnn}\n"
    Path("paper.tex").write_text("\\input{unit}\n" + use + use.replace("name=A", "name=B"))
    status, out, err = run("check", "paper.tex")
    assert (status, err) == (0, "")
    assert "2 of 2 models passed" in out
    Path("paper.tex").write_text("\\input{unit}\n" + use.replace("unit(8)", "unit(8, 9)"))
    assert "paper.tex:4" in run("check", "paper.tex")[2]
    Path("unit.tex").write_text(unit + "\\input{paper}\n\\input{unit}\n")  # each once, whoever includes it
    assert "1 error" in run("check", "paper.tex")[1]


def test_names_of_two_files(run: Run) -> None:
    Path("one.tex").write_text(STEM)
    Path("two.tex").write_text(STEM.replace("K6", "K8") + HEAD.replace(", params 34,726", ""))
    Path("paper.tex").write_text("\\input{one}\n\\input{two}\n")
    status, out, err = run("check", "paper.tex")
    assert (status, err) == (0, "")
    assert "46,298" in out  # of the nearer one
