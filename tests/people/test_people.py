"""Mistakes that people made, and questions that they asked in public, each with what must be said.

`mistakes.jsonl`: a text, the place of its one finding (line and columns, the second exclusive), and what the
finding must mention in its message, notes, help or fix. `field.json`: specs after public questions and bug
reports, with the answer that the output must give. In `must_mention`, `a|b` is one of the two. `networks/`:
specs of other authors, with the numbers of public implementations in `truth.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import cnnspec
from cnnspec import cli

HERE = Path(__file__).parent
MISTAKES = [json.loads(line) for line in (HERE / "mistakes.jsonl").read_text("utf-8").splitlines()]
QUESTIONS = json.loads((HERE / "field.json").read_text("utf-8"))
NETWORKS = json.loads((HERE / "networks" / "truth.json").read_text("utf-8"))


def mentions(text: str, wanted: str) -> bool:
    return any(part.lower() in text.lower().replace("×", "x") for part in wanted.split("|"))


@pytest.mark.parametrize("case", MISTAKES, ids=[case["text"].splitlines()[-1][:40] for case in MISTAKES])
def test_mistake(case: dict[str, Any]) -> None:
    found = cnnspec.check(text=case["text"]).model_dump(mode="json")
    findings = {
        json.dumps(finding, ensure_ascii=False): finding
        for model in found["models"]
        for finding in model["diagnostics"]
    }
    errors = [text for text, finding in findings.items() if finding["severity"] == "error"]
    if case["kind"] == "ok":
        assert not errors
        return
    if case["kind"] == "error":
        assert len(errors) == 1, errors
    said = errors if case["kind"] == "error" else list(findings)
    at = [
        text
        for text in said
        if [findings[text][key] for key in ("line", "column", "end_column")]
        == [case[key] for key in ("line", "column_from", "column_to")]
    ]
    assert at, said
    assert any(all(mentions(text, wanted) for wanted in case["must_mention"]) for text in at), at


@pytest.mark.parametrize("case", QUESTIONS, ids=[case["id"] for case in QUESTIONS])
def test_question(
    case: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    file = case["file"] if case["file"].startswith("zoo:") else str(HERE / case["file"])
    explained = case["ask"] == "explain"
    status = cli.execute(
        ["explain", file, *case["args"][1:]] if explained else ["check", file, *case["args"]]
    )
    printed = "".join(capsys.readouterr())
    assert status == (1 if case["ask"] == "error" else 0), printed
    for wanted in case.get("must_mention", ()):
        assert mentions(printed, wanted), wanted
    for unwanted in case.get("must_not_mention", ()):
        assert not mentions(printed, unwanted), unwanted
    if case["ask"] == "error":
        assert f":{case['line']}:" in printed
    if "answer" in case:
        answer = case["answer"]
        assert (f"{answer:,}" if isinstance(answer, int) else answer) in printed


@pytest.mark.parametrize("file", sorted(NETWORKS))
def test_network(file: str) -> None:
    """Weights, MACs and output of code that nobody here wrote; both targets can say it."""
    truth, path = NETWORKS[file], HERE / "networks" / file
    model = cnnspec.check(path).models[0]
    outputs = [list(shape or ()) for shape in model.outputs.values()]
    assert model.ok
    assert (model.totals.params, model.totals.macs) == (truth["params"], truth["macs"])
    assert outputs == (truth["output"] if isinstance(truth["output"][0], list) else [truth["output"]])
    for target in ("torch", "numpy"):
        compile(cnnspec.build(path, target=target), file, "exec")
