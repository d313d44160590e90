"""The runner itself: what does not hold is reported, and an update writes words only."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnspec.diagnostics import Diagnostic
from tests.cases import views
from tests.cases.markdown import read
from tests.cases.test_cases import faults, update

OVER = "conv F9 K4\n    E301 at `F9`: the filter"


def file_of(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "case.md").write_text(text, "utf-8")
    return folder / "case.md"


def said(folder: Path, text: str) -> str:
    return "\n".join(fault for case in read(file_of(folder, text))[0] for fault in faults(case))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("```cnn on 3x8x8\nconv F3 K4 => 4x6x6\n```\n", ""),
        ("```cnn on 3x8x8\nconv F3 K4 => 4x7x7\n```\n", "+E501 at `4x7x7`"),
        ("```cnn on 3x8x8\nconv F3 P3 K4\n```\n", "+W102 at `P3`"),
        ("```cnn on 3x8x8\nconv F3 K9\n```\n", ""),
        ("```findings on 3x8x8\nconv F3 K9\n```\n", "+W204 at `K9`"),
        ("```findings on 3x8x8\nrelu\n    W204 at `relu`: no\n```\n", "-W204 at `relu`"),
        ("```cnn\ninput 3x8x8\nrelu\n```\n\n```layers\nrelu: relu => 3x9x9\n```\n", "+relu: relu => 3x8x8"),
        ("```weights on 3x8x8\nconv F1 K2 nobias\n```\n", "+conv.weight: 2x3x1x1 trainable"),
        ("```formulas on 3x8x8\nslice 1:3\n    C' = 3\n```\n", "-C' = 3"),
        ("```cnn\ninput 3x8x8\nrelu\n```\n\n```torch\nclass Case(nn.Module):\nx + 1\n```\n", "x + 1"),
        ("```cnn\ninput 3x8x8\nrelu\n```\n\n```numpy\nimport numpy as np\n```\n", ""),
    ],
)
def test_what_does_not_hold_is_reported(tmp_path: Path, text: str, fault: str) -> None:
    found = said(tmp_path / "language", text)
    assert fault in found
    assert bool(fault) is bool(found)


def test_a_fix_that_does_not_help_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "fixed", lambda text, _: text)
    assert "the fix of W102" in said(tmp_path / "language", "```findings on 3x8x8\nconv F3 P3 K4\n```\n")


def test_a_refusal_without_a_way_out_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = views.found

    def mute(checked: list[views.Model]) -> list[Diagnostic]:
        return [one._replace(help="", fix=()) for one in found(checked)]

    monkeypatch.setattr(views, "found", mute)
    assert "says no way out" in said(tmp_path / "language", "```findings on 3x8x8\nconv F9 K4\n```\n")


@pytest.mark.torch
def test_programs_are_run_in_the_folder_of_layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.oracle import layers

    text = "```cnn on 3x8x8\nleaky 0.5\n```\n"
    assert said(tmp_path / "layers", text) == ""
    monkeypatch.setitem(layers.FUNCTIONS, "leaky", lambda call: call.x)
    with pytest.raises(AssertionError, match="numpy, evaluation"):
        said(tmp_path / "wrong" / "layers", text)


def test_an_update_writes_words_and_nothing_else(tmp_path: Path) -> None:
    old = "```findings on 3x8x8\nconv F9 K4\n    E301 at `F9`: too large\n```\n"
    file = file_of(tmp_path / "language", old)
    update(file)
    assert OVER in file.read_text("utf-8")
    for other in (
        old.replace("`F9`", "`K4`"),
        old.replace("E301", "E302"),
        "```findings on 3x8x8\nconv F9 K4\n```\n",
    ):
        file.write_text(other, "utf-8")
        update(file)
        assert file.read_text("utf-8") == other
    file.write_text("```findings on 3x8x8\nrelu\nconv F9 K4\n    ?\n```\n", "utf-8")
    update(file)
    assert file.read_text("utf-8").startswith(f"```findings on 3x8x8\nrelu\n{OVER}")
