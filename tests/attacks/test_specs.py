"""Every attack ends in its finding, at its place; nothing is printed that a terminal or GitHub would obey."""

# ruff: noqa: E501 (tables, a case a line)
from __future__ import annotations

import re
from pathlib import Path

import pytest

from cnnspec.pipeline import TARGETS
from tests.attacks.attack import ATTACKS, FOLDER, Attack
from tests.attacks.conftest import Snapshot, guarded
from tests.cli.conftest import Command, Ran, checked_once

REFUSED = [attack for attack in ATTACKS if not attack.builds]
BUILDS = [attack for attack in ATTACKS if attack.builds]
COMMAND = re.compile(
    r"::(error|warning|notice) file=[^:]*?(?:,line=(\d+))?(?:,col=(\d+))?(?:,end[^:]*)?,title=cnnspec (\w+)::[^\n]*"
)


def harmless(ran: Ran, name: str) -> None:
    """No traceback, no status but 1 and 2, no character that moves a cursor."""
    assert ran.status in (1, 2), f"{name}: {ran.status}\n{ran.err[:2000]}"
    for text in (ran.out, ran.err):
        assert "Traceback" not in text
        hidden = {char for char in text if not char.isprintable() and char not in "\n\u200b"}
        hidden = {char for char in hidden if not char.isspace()} | (
            hidden & set("\r\v\f\x1c\x1d\x1e\x85\u2028")
        )
        assert not hidden, f"{name} prints {sorted(map(hex, map(ord, hidden)))}"


@pytest.mark.parametrize("attack", REFUSED, ids=lambda attack: attack.name)
def test_it_gets_its_finding_and_nothing_harmful_is_shown(
    attack: Attack, cnnspec: Command, unchanged: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked_once(monkeypatch, {})
    with guarded():
        ran = cnnspec("check", "--format", "github", *attack.options, attack.path)
    harmless(ran, attack.name)
    found = []
    for line in ran.out.split("\n")[:-1]:
        command = COMMAND.fullmatch(line)
        assert command, f"a line of its own: {line[:200]!r}"
        if command[1] == "error":
            found.append((command[4], int(command[2] or 1), int(command[3] or 0)))
    # GitHub takes no column where a finding goes over several lines, and no place where there is no text
    places = [(code, line, column or 0) for code, line, column in found]
    wanted = [
        (code, line, column if (code, line, column) in found else 0) for code, line, column in attack.expected
    ]
    if attack.more:
        assert places[0] == wanted[0]
        assert len(places) > 1
    else:
        assert sorted(places) == sorted(wanted)
    with guarded():
        ran = cnnspec("check", "--color", "never", *attack.options, attack.path)
    harmless(ran, attack.name)
    code, row, column = attack.expected[0]
    assert f"error[{code}]" in ran.err
    if (row, column) != (1, 1):
        assert f".cnn:{row}:{column}" in ran.err
    assert unchanged() == {}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("attack", REFUSED[::4], ids=lambda attack: attack.name)
def test_no_program_is_built_of_it(
    attack: Attack, target: str, cnnspec: Command, unchanged: Snapshot
) -> None:
    if attack.expected[0][0] == "E501":
        pytest.skip("a claim that fails stops no build")
    if attack.name.startswith("expansion/variants"):
        pytest.skip("one variant is built, and these are too many together")
    with guarded():
        ran = cnnspec("build", "--target", target, "-o", "out.py", *attack.options, attack.path)
    harmless(ran, attack.name)
    assert unchanged() == {}


@pytest.mark.parametrize("attack", ATTACKS[::3] + BUILDS, ids=lambda attack: attack.name)
def test_formatting_leaves_it_alone_or_in_one_piece(
    attack: Attack, cnnspec: Command, unchanged: Snapshot, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.cnn"
    copy.write_bytes(attack.path.read_bytes())
    with guarded():
        ran = cnnspec("fmt", copy)
    assert ran.status in (0, 1, 2)
    assert "Traceback" not in ran.err
    assert set(unchanged()) == {"copy.cnn"}
    if ran.status == 0:  # what was written can be read, and has its form
        again = cnnspec("fmt", "--check", copy)
        assert again.status == 0 or "error[E601]" in again.err, (
            again.err
        )  # a matrix can grow beyond the limit


def test_there_are_enough_of_them() -> None:
    families = {attack.path.parent.name for attack in ATTACKS}
    assert len(ATTACKS) >= 250
    assert families == {
        path.name for path in FOLDER.iterdir() if path.is_dir() and path.name != "__pycache__"
    }
