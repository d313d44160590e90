"""The channels of a concatenation are a sum of any length."""

from __future__ import annotations

from cnnspec.ir.expr import Apply, Const, Var
from cnnspec.lower.trace import added


def test_a_sum_of_thousands_of_terms_is_no_recursion() -> None:
    total = Var("c")
    for number in range(5_000):
        total = Apply("+", (total, Var(f"k{number}")))
    found = added(total, Var("k0"))
    assert isinstance(found, Apply)
    assert added(Var("c"), Var("c")) == Apply("*", (Const(2), Var("c")))
