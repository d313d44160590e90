"""The result of a run: which epoch is the best one, and what a recipe expects of it. The same code in torch
and in NumPy."""

from __future__ import annotations

from cnnspec.lower.writer import Writer, listed
from cnnspec.training.plan import Plan
from cnnspec.training.recipe import Expect

SHARES = ("dice", "accuracy")
"""The results that are shares of 1; the first one that a run has tells which epoch is the best."""


def put_rank(writer: Writer, plan: Plan, *, typed: bool) -> None:
    """Writes `rank`, by which epochs are compared."""
    header = "def rank(result: dict[str, float]) -> tuple[float, ...]:" if typed else "def rank(result):"
    with writer.block(header):
        first = "dice" if plan.overlap else "accuracy"
        if plan.accuracy:
            writer.doc(f"Of two epochs with the same {first}, the one with the lower loss is better.")
            writer.line(f'return result["{first}"], -result["loss"]')
        else:
            writer.doc("The epoch with the lowest loss on the held-out images is the best one.")
            writer.line('return (-result["loss"],)')


def shown(plan: Plan, best: str) -> str:
    """An f-string of the best epoch's result."""
    parts = [f"Dice {{100 * {best}['dice']:.2f}} %"] * plan.overlap
    parts += [f"accuracy {{100 * {best}['accuracy']:.2f}} %"] * plan.accuracy
    parts += [f"loss {{{best}['loss']:.4f}}"]
    return f'f"{", ".join(parts)}"'


def put_baseline(writer: Writer, plan: Plan, labels: str) -> None:
    """Code that reports a result that needs no learning: the same answer for every image."""
    if plan.overlap:
        return
    if plan.accuracy:
        writer.line(f"least = most_frequent({labels})")
        test, value = 'best["accuracy"] <= least', "{100 * least:.2f} %"
    else:
        writer.line(f"most = {labels}.var(0).mean()")
        test, value = 'best["loss"] >= most', "{most:.4f}"
    with writer.block(f"if {test}:"):
        writer.line('hint = "look at the labels, or lower the rate"')
        writer.line(f'print(f"no better than a constant answer ({value}): {{hint}}")')


def put_checked(writer: Writer, plan: Plan) -> str:
    """Code for whether the best epoch's result is as expected, shares rounded as the claims are written; the
    name of it, True where nothing is expected."""
    expect = plan.recipe.expect
    tests = []
    for name in SHARES:
        claim = getattr(expect, name)
        if claim is not None:
            digits = len(claim.rstrip("%").partition(".")[2])
            tests.append(f'round(100 * best["{name}"], {digits}) >= EXPECTED_{name.upper()}')
    tests += ['best["loss"] <= EXPECTED_LOSS'] * (expect.loss is not None)
    for number, test in enumerate(tests):
        writer.line(f"ok = {'ok and ' if number else ''}{test}")
    return "ok" if tests else "True"


def put_missed(writer: Writer, expect: Expect, when: str) -> None:
    """Code that reports an expectation that was not met."""
    missed = [
        f'f"{"Dice" if name == "dice" else name} {{EXPECTED_{name.upper()}:g}} %"'
        for name in SHARES
        if getattr(expect, name) is not None
    ]
    missed += ['f"loss {EXPECTED_LOSS:g}"'] * (expect.loss is not None)
    if missed:
        with writer.block(f"if {when}:"):
            writer.put("expected = ", listed(missed))
            writer.line('print("expected:", ", ".join(expected), file=sys.stderr)')
