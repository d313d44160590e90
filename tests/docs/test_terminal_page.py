"""docs/terminal.md shows what a terminal of 80 columns receives."""

from __future__ import annotations

import importlib.util
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is needed")
DIFFERENCE = re.compile(r"\d\.\de-\d\d")
"""In a recording of `verify`: the machine decides its digits."""


def writer() -> Any:
    spec = importlib.util.spec_from_file_location("terminal_page", ROOT / "docs" / "terminal.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_recordings_are_up_to_date() -> None:
    terminal = writer()
    made = terminal.recordings(torch=False)
    assert len(made) == 4
    for path, recording in made.items():
        assert path.read_text("utf-8") == recording, (
            f"`python docs/terminal.py` brings {path.name} up to date"
        )


def test_every_recording_is_shown() -> None:
    terminal = writer()
    shown = {name for _, name in terminal.RECORDED.findall(terminal.PAGE.read_text("utf-8"))}
    assert shown == {path.stem for path in terminal.RECORDINGS.iterdir()}


@pytest.mark.slow
@pytest.mark.skipif(find_spec("torch") is None, reason="torch is needed")
def test_the_recording_of_verify_is_up_to_date(tmp_path: Path) -> None:
    terminal = writer()
    (command,) = (
        one for one, _ in terminal.RECORDED.findall(terminal.PAGE.read_text("utf-8")) if "verify" in one
    )
    now = terminal.drawn(command, terminal.received(command, tmp_path), "verify")
    stands = (terminal.RECORDINGS / "verify.svg").read_text("utf-8")
    assert DIFFERENCE.sub("0", now) == DIFFERENCE.sub("0", stands), "run `python docs/terminal.py`"
