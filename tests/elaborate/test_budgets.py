"""Where the budgets end: as much as is allowed, and one more."""

from __future__ import annotations

import pytest

from cnnspec.elaborate.limits import Limits
from cnnspec.elaborate.values import NoValue, evaluate
from cnnspec.language import parse_expression
from tests.support import check_text, findings

IN = "input 3x8x8\n"


LAYERS = [  # as many layers as allowed, and one more
    ("relu\n" * 10, "relu\n" * 11),
    ("[relu]*10", "[relu]*11"),
    ("[conv F1 K3 -> relu]*5", "[conv F1 K3 -> relu]*5 -> relu"),
    ("relu -> [[relu]*3]*3", "relu -> relu -> [[relu]*3]*3"),
    ("f() -> f() -> f()\nrelu", "f() -> f() -> f()\nrelu -> relu"),
    ("add [ relu | bn ] -> [relu]*7", "add [ relu | bn ] -> [relu]*8"),
    ("a: relu -> relu\n[ [relu]*8 ]", "a: relu -> relu\n[ [relu]*9 ]"),
    ("[if i % 2 == 0 [ relu ] else [ bn ]]*10", "[if i % 2 == 0 [ relu ] else [ bn ]]*11"),
    ("id -> id -> [relu]*10", "id -> id -> convv\n[relu]*10"),
]


@pytest.mark.parametrize(("fits", "over"), LAYERS)
def test_the_budget_of_layers(fits: str, over: str) -> None:
    def told(lines: str) -> dict[str, str]:
        blocks = "block f() { relu -> bn -> relu }\n" if "f()" in lines else ""
        return {f.code: f.help for f in findings(f"{blocks}{IN}{lines}\n", limits=Limits(layers=10))}

    assert "E605" not in told(fits)
    assert "raise it with --max-layers" in told(over)["E605"]


NESTED = [  # three deep, and four
    ("[[[relu -> bn]]]", "[[[[relu -> bn]]]]"),
    ("[[[relu]*2]*2]*2", "[[[[relu]*2]*2]*2]*2"),
    (
        "add [ add [ add [ relu | id ] | id ] | id ]",
        "add [ add [ add [ add [ relu | id ] | id ] | id ] | id ]",
    ),
    (
        "if C > 1 [ if C > 1 [ if C > 1 [ relu ] ] ]",
        "if C > 1 [ if C > 1 [ if C > 1 [ if C > 1 [ relu ] ] ] ]",
    ),
    ("[ c() ]", "[[ c() ]]"),
    ("x: [[relu -> bn]] -> relu", "x: [[[relu -> bn]]] -> relu"),
    ("[[[relu -> bn]]]\n" * 3, "[[[relu -> bn]]]\n[[[[bn -> bn]]]]"),
]


@pytest.mark.parametrize(("fits", "over"), NESTED)
def test_the_budget_of_depth(fits: str, over: str) -> None:
    def told(lines: str) -> list[str]:
        blocks = "block a() { relu }\nblock c() { a() }\n" if "c()" in lines else ""
        (model,) = check_text(f"{blocks}{IN}{lines}\n", limits=Limits(depth=3))
        deep = [f"{f.message} {f.help}" for f in model.findings if f.code == "E602"]
        assert (model.graph is None) is bool(deep)
        return deep

    assert told(fits) == []
    assert "nested more than 3 deep flatten" in told(over)[0]


def test_the_budget_of_work() -> None:
    """Passes that differ are worked out one by one; equal ones are not; long texts cost more."""
    differ, equal = IN + "[conv F1 K=3 + i]*300\n", IN + "[conv F1 K3]*300\n"

    def told(text: str, work: int) -> bool:
        return "E607" in {finding.code for finding in findings(text, limits=Limits(work=work))}

    assert told(differ, 300)
    assert not told(differ, 3000)
    assert not told(equal, 30)
    sum_of_many = ("1 +" + " " * 50) * 90
    long = IN + "[conv F1 K=" + sum_of_many + "3 + i]*10\n"
    short = IN + "[conv F1 K=1 + 3 + i]*10\n"
    assert told(long, 200)
    assert not told(short, 200)
    uses = "block f(k) { let z = " + sum_of_many + "1\nconv F1 K=k+z }\n" + IN + "[f(i)]*10\n"
    assert told(uses, 400)
    assert not told(uses.replace(sum_of_many, ""), 400)
    (finding,) = findings(differ, limits=Limits(work=300))
    assert "more than 300 evaluation steps" in finding.message
    assert "--max-work" in finding.help


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("998 + 1", True),
        ("999 + 1", False),
        ("0 - 998 - 1", True),
        ("0 - 999 - 1", False),
        ("333*3", True),
        ("100*10", False),
        ("1/999", True),
        ("1/998/2", False),
        ("1/500/2", False),
        ("1/100*2", True),
        ("999/7", True),
        ("500/7*2", False),
        ("999//1", True),
        ("1000//1", False),
        ("multiple(995, 4)", True),
        ("multiple(998, 5)", False),
    ],
)
def test_numbers_of_three_digits(text: str, fits: bool) -> None:
    expr = parse_expression(text)
    assert expr is not None
    if fits:
        evaluate(expr, lambda name: 0, 3)
        return
    with pytest.raises(NoValue, match="more than 3 digits") as caught:
        evaluate(expr, lambda name: 0, 3)
    assert caught.value.finding.code == "E603"
