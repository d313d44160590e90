"""docs/terminal.md shows what a terminal of 80 columns receives."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.docs.script import script

pytest.importorskip("fcntl", reason="a pseudo-terminal is needed")
terminal = script("terminal")

DIFFERENCE = re.compile(r"\d\.\de-\d\d")
"""In a recording of `verify`: the machine decides its digits."""


def test_the_recordings_are_up_to_date() -> None:
    made = terminal.recordings(torch=False)
    assert len(made) == 4
    for path, recording in made.items():
        assert path.read_text("utf-8") == recording, (
            f"`python docs/terminal.py` brings {path.name} up to date"
        )


def test_every_recording_is_shown() -> None:
    shown = {name for _, name in terminal.RECORDED.findall(terminal.PAGE.read_text("utf-8"))}
    assert shown == {path.stem for path in terminal.RECORDINGS.iterdir()}


@pytest.mark.slow
@pytest.mark.skipif(find_spec("torch") is None, reason="torch is needed")
def test_the_recording_of_verify_is_up_to_date(tmp_path: Path) -> None:
    (command,) = (
        one for one, _ in terminal.RECORDED.findall(terminal.PAGE.read_text("utf-8")) if "verify" in one
    )
    now = terminal.drawn(command, terminal.received(command, tmp_path), "verify")
    stands = (terminal.RECORDINGS / "verify.svg").read_text("utf-8")
    assert DIFFERENCE.sub("0", now) == DIFFERENCE.sub("0", stands), "run `python docs/terminal.py`"
