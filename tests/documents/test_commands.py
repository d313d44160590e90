"""`check`, `fmt`, `--fix`, `explain` and `build` of documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import cnnspec
from cnnspec.report.document import Document
from tests.documents.conftest import Run

PAGE = """# Notes

> ```cnn name=stem
> input 1x28x28
> conv F5 K6 -> relu
> maxpool F2          => 6x12x12
> ```

!!! example

    ```cnn after=stem
    conv F5 K16
    flatten -> fc 10
    expect params 12,822
    ```

```cnn input=64x56x56
conv F3 P1 K64  => params 36,928
```

```cnn error=E301
input 3x8x8
conv F9 K4
```
"""


def check(run: Run, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    status, out, _ = run("check", "--format", "json", *arguments)
    return status, json.loads(out)["models"]


def codes(models: list[dict[str, Any]]) -> list[tuple[str, int, int]]:
    found = (one for model in models for one in model["diagnostics"] if one["severity"] != "advice")
    return [(one["code"], one["line"], one["column"]) for one in found]


def test_each_fence_is_a_model(run: Run) -> None:
    Path("a.md").write_text(PAGE)
    status, models = check(run, "a.md")
    assert (status, codes(models)) == (0, [])
    assert [(one["model"], one["totals"]["params"]) for one in models[:3]] == [
        ("stem", 156), ("a", 12822), ("a", 36928),
    ]  # fmt: skip
    Document.model_validate({"cnnspec": "0", "models": models})


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("> conv F5 K6 ->", "> conv F5 K6 -> relux ->", [("E201", 5, 17)]),
        ("    conv F5 K16", "    conv F15 K16", [("E301", 12, 10)]),
        ("6x12x12\n", "6x12x13\n", [("E501", 6, 26)]),
        ("params 12,822", "params 12,823", [("E501", 14, 12)]),
        ("input=64x56x56", "input=64x2x0", [("E205", 17, 19)]),
        ("error=E301", "error=E302", [("E301", 23, 6), ("E902", 21, 1)]),
        ("conv F9 K4", "conv F7 K4", [("E902", 21, 1)]),
        ("after=stem", "after=stern", [("E901", 11, 18)]),
        ("error=E301", "error=E3O1", [("E901", 21, 14), ("E301", 23, 6), ("E902", 21, 1)]),
        ("after=stem", "after=stem input=3x8x8", [("E901", 11, 29)]),
        ("cnn input=64x56x56", "cnn name=stem input=64x56x56", [("E901", 17, 13)]),
        ("> input 1x28x28\n", "", [("E401", 4, 3)]),
    ],
)
def test_findings_are_at_their_place_in_the_document(
    old: str, new: str, found: list[tuple[str, int, int]], run: Run
) -> None:
    assert old in PAGE
    Path("a.md").write_text(PAGE.replace(old, new, 1))
    status, models = check(run, "a.md")
    assert sorted(codes(models)) == sorted(found)
    assert status == 1
    assert run("check", "a.md", "--format", "github")[1].count("::error") == len(found)
    shown = run("check", "a.md")[2]
    assert all(f"─ a.md:{line}:{column}\n" in shown for _, line, column in found)


def test_definitions_are_a_part_of_what_goes_on_from_them(run: Run) -> None:
    Path("a.md").write_text(
        "```cnn name=defs\nblock unit(k) { conv F3 P1 K=k -> relu }\nlet n = 2\n```\n\n"
        "```cnn name=net after=defs\ninput 3x8x8\n[unit(8)]*n\n```\n"
    )
    status, models = check(run, "a.md")
    assert (status, codes(models), [one["model"] for one in models]) == (0, [], ["net"])


def test_a_claim_about_the_whole_is_about_its_own_fence(run: Run) -> None:
    text = PAGE.replace("=> 6x12x12\n", "=> 6x12x12\n> expect params 156\n")
    Path("a.md").write_text(text)
    assert check(run, "a.md")[0] == 0
    Path("a.md").write_text(text.replace("params 156\n", "params 157\n"))
    status, models = check(run, "a.md")
    assert (status, codes(models)) == (1, [("E501", 7, 10)])


def test_a_tab_of_which_a_part_is_indentation(run: Run) -> None:
    Path("a.md").write_text("- a\n\n  ```cnn\n\tinput 3x8x8\n\tconv f3 K4\n  ```\n")
    status, models = check(run, "a.md")
    assert (status, codes(models)) == (1, [("E104", 5, 7)])
    assert run("check", "--fix", "a.md")[0] == 0
    assert Path("a.md").read_text() == "- a\n\n  ```cnn\n\tinput 3x8x8\n    conv F3 K4\n  ```\n"
    Path("a.md").write_text("10. a\n\n   > ```cnn\n   >\tinput 3x8x8\n   >\tconv K4 F3\n   > ```\n")
    assert run("fmt", "a.md")[0] == 0
    assert run("fmt", "--check", "a.md")[0] == 0
    assert run("check", "a.md")[0] == 0


def test_a_tensor_that_the_next_fence_leaves_unused_is_an_error(run: Run) -> None:
    Path("a.md").write_text(
        "```cnn name=stem\ninput 3x8x8\na: conv F3 K4\nconv F3 K4\n```\n\n"
        "```cnn after=stem\n@a -> relu\n```\n"
    )
    status, models = check(run, "a.md")
    assert (status, codes(models)) == (1, [("E402", 4, 1)])


def test_one_is_chosen(run: Run) -> None:
    Path("a.md").write_text(
        PAGE + "\n```cnn\nmodel Net\nlet k = 1\nvariant Big: k = 8\ninput 3x8x8\nconv F3 K=k\n```\n"
    )
    assert [one["model"] for one in check(run, "a.md#stem")[1]] == ["stem"]
    assert [one["model"] for one in check(run, "a.md#Net")[1]] == ["Big"]
    assert [one["totals"]["params"] for one in check(run, "a.md#3")[1]] == [36928]
    status, out, _ = run("build", "a.md#Big", "--target", "torch")
    assert status == 0
    assert "class Big(" in out
    assert run("explain", "a.md#stem", "conv")[1].startswith("conv: conv F5 K6    (a.md:5)\n")
    assert run("sizes", "a.md#Net")[0] == 0
    assert cnnspec.load("a.md#Big").name == "Big"
    status, _, shown = run("build", "a.md", "--target", "torch")
    assert (status, shown.splitlines()[0]) == (
        2,
        "error[E903]: this document contains 5 specs: stem, 2, 3, 4, Net",
    )
    status, _, shown = run("check", "a.md#stam")
    assert status == 2
    assert "contains no spec named stam" in shown
    assert "did you mean stem" in shown.replace("`", "")


def test_what_is_wrong_on_purpose_is_not_built(run: Run) -> None:
    Path("a.md").write_text(PAGE)
    status, out, shown = run("build", "a.md#4", "--target", "torch")
    assert (status, out) == (1, "")
    assert "E301" in shown


def test_a_document_changes_as_a_whole(run: Run) -> None:
    Path("a.md").write_text(PAGE)
    for command in ("fmt", "check --fix", "check --update"):
        status, _, _ = run(*command.split(), "a.md#stem")
        assert status == 2
    assert Path("a.md").read_text() == PAGE


UNTIDY = (
    b"\xef\xbb\xbf# T\r\n\r\n> ```cnn\r\n> input 3x8x8\r\n>conv K4 F3->relu\r\n>   conv  F3  K4\r\n"
    b"> ```\r\n\r\n"
    b"1. \titem\r\n\r\n\t```cnn\r\n\tinput 3x8x8\r\n\tconv K4 F3\r\n\t```\r\n"
    b"```cnn error=E204\r\nconv  F3\r\n```\r\nlast\tline"
)


def test_fmt_changes_the_fences_alone(run: Run) -> None:
    Path("a.md").write_bytes(UNTIDY)
    assert run("fmt", "--check", "a.md")[0] == 1
    assert Path("a.md").read_bytes() == UNTIDY
    assert run("fmt", "a.md") == (0, "a.md: formatted\n", "")
    expected = UNTIDY.replace(
        b">conv K4 F3->relu\r\n>   conv  F3  K4", b">conv F3 K4 -> relu\r\n> conv F3 K4"
    )
    assert Path("a.md").read_bytes() == expected.replace(b"\tconv K4 F3\r\n", b"\tconv F3 K4\r\n")
    assert run("fmt", "--check", "a.md")[0] == 0


def test_fix_changes_the_fences_alone(run: Run) -> None:
    text = (
        PAGE.replace("> conv F5", "> conv f5")
        .replace("    conv F5 K16", "    conv f5 k16")
        .replace("\n", "\r\n")
    )
    Path("a.md").write_bytes(text.encode())
    status, _, shown = run("check", "--fix", "a.md")
    assert status == 0, shown
    assert "a.md: 2 fixes applied" in shown
    assert Path("a.md").read_bytes() == PAGE.replace("\n", "\r\n").encode()


def test_fmt_reports_syntax_errors_at_their_place(run: Run) -> None:
    Path("a.md").write_text(PAGE.replace("> conv F5", "> conv ) F5"))
    status, out, shown = run("fmt", "a.md")
    assert (status, out) == (1, "")
    assert "a.md:5:8" in shown
    assert Path("a.md").read_text() == PAGE.replace("> conv F5", "> conv ) F5")


def test_a_document_without_specs_is_fine(run: Run) -> None:
    Path("a.md").write_text("nothing\n")
    assert run("check", "a.md") == (0, "", "")
    assert run("fmt", "a.md") == (0, "", "")
    status, _, shown = run("build", "a.md", "--target", "torch")
    assert (status, "E903" in shown, "contains no spec" in shown) == (2, True, True)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("latin.md", "é".encode("latin1"), "E703"),
        ("missing.md", None, "E701"),
        ("large.md", b"x" * 1_000_001, "E601"),
    ],
)
def test_what_cannot_be_read(name: str, content: bytes | None, code: str, run: Run) -> None:
    if content is not None:
        Path(name).write_bytes(content)
    for command in (
        ["check", name],
        ["fmt", name],
        ["build", name, "--target", "numpy"],
        ["check", "--fix", name],
    ):
        status, _, shown = run(*command)
        assert status in (1, 2)
        assert f"error[{code}]" in shown


def test_the_python_api_checks_all_specs(run: Run) -> None:
    Path("a.md").write_text(PAGE)
    assert [(one.model, one.ok) for one in cnnspec.check("a.md").models] == [
        ("stem", True), ("a", True), ("a", True), ("a", True),
    ]  # fmt: skip
    assert [one.model for one in cnnspec.check("a.md#stem").models] == ["stem"]
    Path("a.md").write_text(PAGE.replace("after=stem", "after=stern"))
    with pytest.raises(cnnspec.SpecError, match="E903"):
        cnnspec.check("a.md")
    with pytest.raises(cnnspec.SpecError, match="E701"):
        cnnspec.check("missing.md")


PASTED = [
    "input 3x32x32",
    "nn.Sequential(",
    "    nn.Conv2d(3, 16, 3, padding=1),",
    "    nn.ReLU(),",
    "    nn.Flatten(),",
    "    nn.Linear(16384, 10),",
    ")",
]
MENDED = ["input 3x32x32", "conv F3 P1 K16 -> relu", "flatten", "fc 10"]
DOCUMENTS = {
    "a.md": "> ```cnn\n" + "".join(f"> {line}\n" for line in PASTED) + "> ```\nend\n",
    "a.tex": "\t\\begin{cnn}\n" + "".join(f"\t  {line}\n" for line in PASTED) + "\t\\end{cnn}\n",
    "a.ipynb": json.dumps(
        {"cells": [{"cell_type": "code", "source": ["%%cnn\n", *(f"{line}\n" for line in PASTED)]}]}, indent=1
    ),
}


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_fix_of_several_lines_is_one_of_the_document(name: str, run: Run) -> None:
    text = DOCUMENTS[name]
    Path(name).write_text(text)
    _, models = check(run, name)
    ((edit,),) = [one["fix"] for one in models[0]["diagnostics"] if "fix" in one]
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    begin, end = (starts[edit[f"{at}line"] - 1] + edit[f"{at}column"] - 1 for at in ("", "end_"))
    mended = text[:begin] + edit["text"] + text[end:]
    Path(name).write_text(mended)
    status, models = check(run, name)
    assert (status, codes(models)) == (0, [])
    assert models[0]["totals"]["params"] == 448 + 163850
    before = text.splitlines()
    first = next(at for at, line in enumerate(before) if "input 3x32x32" in line)
    expected = [before[first].replace("input 3x32x32", line) for line in MENDED]
    if name == "a.ipynb":
        expected[-1] = expected[-1].removesuffix(",")
    assert mended.splitlines()[first : first + len(MENDED)] == expected
    Path(name).write_text(text)
    assert run("check", "--fix", name)[0] == 0
    assert Path(name).read_text() == mended


def test_the_documents_of_a_folder(run: Run) -> None:
    for folder in ("docs/parts", "docs/.git", "empty"):
        Path(folder).mkdir(parents=True)
    spec = "```cnn\ninput 1x28x28\nconv F5 K6\n```\n"
    Path("docs/a.md").write_text(spec)
    Path("docs/foreign.md").write_text("# An R-cnn\n\n```python\ncnn = 1\n```\n")
    Path("docs/foreign.ipynb").write_text("{ not JSON, but cnn")
    Path("docs/large.md").write_text("cnn\n" * 30_000)
    Path("docs/.git/b.md").write_text(spec)
    Path("docs/parts/stem.tex").write_text("\\begin{cnn}[name=stem, input=1x8x8]\nconv F3 K4\n\\end{cnn}\n")
    Path("docs/parts/head.tex").write_text("\\begin{cnn}[after=stem]\ngap -> fc 10\n\\end{cnn}\n")
    Path("docs/main.tex").write_text("\\input{parts/stem}\n\\input{parts/head}\n")
    status, out, err = run("check", "docs")
    assert (status, out.strip()) == (2, "1 error")
    assert "E706" in err
    assert "help: --documents also checks docs/a.md, …" in err
    status, out, err = run("check", "docs", "--documents")
    assert (status, err) == (0, "")
    assert [line.split()[1] for line in out.splitlines() if line.startswith("✓")] == [
        "docs/a.md:1",
        "docs/parts/stem.tex:1",  # once, by the document that includes it
        "docs/parts/head.tex:1",
    ]
    Path("docs/net.cnn").write_text("input 8\nfc 2\n")
    assert run("check", "docs")[1].startswith("net\nMACs")  # as before: no document is looked at
    assert "4 of 4 models passed" in run("check", "docs", "--documents")[1]
    Path("docs/large.md").write_text(spec + "cnn\n" * 30_000)
    assert "E601" in run("check", "docs", "--documents")[2]
    assert run("check", "empty", "--documents")[0] == 2
