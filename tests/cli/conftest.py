"""Running the command line in this process, and what it printed."""

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cnnspec import cli, pipeline
from cnnspec.diagnostics import Source


@dataclass(frozen=True)
class Ran:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str


Command = Callable[..., Ran]


@pytest.fixture
def cnnspec(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """`cnnspec("check", "lenet.cnn", stdin="…")`."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "CNNSPEC_DEBUG"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str | Path, stdin: str | bytes = "") -> Ran:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        capsys.readouterr()
        status = cli.execute([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Ran(status, printed.out, printed.err)

    return run


def checked_once(monkeypatch: pytest.MonkeyPatch, done: dict[Any, Any]) -> None:
    """A spec is checked once, however often and in which form the result is shown."""
    checked = pipeline.models

    def models(source: Source, **how: Any) -> list[pipeline.Model]:
        settings = tuple(sorted(how.get("settings", {}).items()))
        name = (source.name, source.text, settings, *(how[key] for key in sorted(how) if key != "settings"))
        if name not in done:
            done[name] = checked(source, **how)
        return list(done[name])

    monkeypatch.setattr(pipeline, "models", models)


GOOD = """\
model Small "A network of the tests, 2024"
input 3x32x32
c1: conv F5 P2 K64 => 64x32x32, params 4,864
    relu
[conv F3 P1 K64 -> relu]*3
gap -> fc 10
expect params 116,298
"""

WRONG = """\
input 1x32x32
a: conv F5 K6 => 6x28x28
b: conv F33 K6
flatten -> fc 10
"""


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.cnn"
    path.write_text(GOOD)
    return path


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    path = tmp_path / "wrong.cnn"
    path.write_text(WRONG)
    return path
