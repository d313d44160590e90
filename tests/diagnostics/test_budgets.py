"""What is too much is one finding with its place and the limit, and is found out at once (E602–E607)."""

from __future__ import annotations

import pytest

from cnnspec.diagnostics import Diagnostic, Severity
from cnnspec.elaborate.limits import Limits
from tests.support import findings

HEAD = "input 3x8x8\nconv F3 P1 K4\n"


def errors(text: str, limits: Limits) -> list[Diagnostic]:
    return [one for one in findings(text, limits=limits) if one.severity is Severity.ERROR]


@pytest.mark.parametrize(
    ("code", "line", "limits"),
    [
        ("E602", "[" * 100 + "relu" + "]" * 100, Limits()),
        ("E602", "conv F3 K=" + "(" * 3000 + "4" + ")" * 3000, Limits()),
        ("E603", "conv F3 K=" + "9" * 30 + "*" + "9" * 30, Limits()),
        ("E604", "conv F3 P1 K4000000000", Limits()),
        ("E604", "conv F3 P1 K11", Limits(dimension=10)),
        ("E605", "[[[relu]*1000]*1000]*1000", Limits()),
        ("E605", "[relu]*11", Limits(layers=10)),
        ("E606", "conv F3 P1 K100", Limits(weights=1000)),
        ("E607", "[conv F3 P1 K=i+4]*100", Limits(work=50)),
    ],
)
def test_too_much_is_one_finding(code: str, line: str, limits: Limits) -> None:
    found = errors(HEAD + line + "\n", limits)
    assert [one.code for one in found] == [code]
    assert found[0].span.start >= len(HEAD)
    assert any(char.isdigit() for char in found[0].message), "the limit stands in the message"


@pytest.mark.parametrize(
    ("line", "limits"),
    [
        ("[" * 20 + "relu" + "]" * 20, Limits()),
        ("conv F3 P1 K10", Limits(dimension=10)),
        ("[relu]*9", Limits(layers=10)),
        ("conv F3 P1 K10", Limits(weights=112 + 370)),
        ("[conv F3 P1 K4 -> relu]*100", Limits(work=50)),
    ],
)
def test_what_is_within_its_budget_is_none(line: str, limits: Limits) -> None:
    assert errors(HEAD + line + "\n", limits) == []


def test_after_very_many_errors_there_is_one_more() -> None:
    found = errors(HEAD + "".join(f"conv F3 K4 what{number}\n" for number in range(600)), Limits())
    assert len(found) == 501
    assert [one.code for one in found].count("E608") == 1
