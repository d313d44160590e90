"""Running the command line in a folder of documents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cnnspec.cli import execute

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`run("check", "a.md")`: exit status, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = execute([*arguments])
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return run
