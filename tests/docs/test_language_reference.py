"""Every example of the language reference is checked; one marked `fails CODE` gives just that finding."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support import findings

PAGE = Path(__file__).parents[2] / "docs" / "language.md"
EXAMPLES = [
    (PAGE.read_text(encoding="utf-8")[: found.start()].count("\n") + 1, found.group(1), found.group(2))
    for found in re.finditer(
        r"^```cnn(?: fails (\w+))?\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S
    )
]


def test_the_page_has_its_examples() -> None:
    assert len(EXAMPLES) >= 24
    assert sum(code is not None for _, code, _ in EXAMPLES) >= 4


@pytest.mark.parametrize(("line", "code", "text"), EXAMPLES, ids=[f"line {line}" for line, _, _ in EXAMPLES])
def test_example(line: int, code: str | None, text: str) -> None:
    found = [finding.code for finding in findings(text) if not finding.code.startswith("W2")]
    assert found == ([code] if code else [])
