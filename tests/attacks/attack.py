"""An attack is a file: what it tries in its first line, what it must get in its second.

    # a stride of 0: division by zero in the formula
    # E205 at 4:9
    input 3x32x32
    conv F3 S0 K4

The second line names every error with its place, or the first of several (`E101 at 4:9, …`);
`builds` stands for a text that is no mistake and must become harmless programs. `with ["--set", "k=1"]`
gives it options.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
_FINDING = re.compile(r"([EW]\d{3}) at (\d+):(\d+)")


@dataclass(frozen=True)
class Attack:
    """One file of tests/attacks/."""

    path: Path
    expected: tuple[tuple[str, int, int], ...]
    more: bool
    options: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def builds(self) -> bool:
        return not self.expected


def read(path: Path) -> Attack:
    _, line = path.read_bytes().split(b"\n", 2)[:2]
    text, _, options = line.decode().removeprefix("# ").partition(" with ")
    expected = tuple((code, int(row), int(column)) for code, row, column in _FINDING.findall(text))
    assert expected or text == "builds", f"{path}: the second line must say what this gets"
    return Attack(path, expected, "…" in text, tuple(json.loads(options)) if options else ())


ATTACKS = [read(path) for path in sorted(FOLDER.glob("*/*.cnn"))]
