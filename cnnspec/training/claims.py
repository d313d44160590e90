"""What a recipe expects of its run, checked by the emitted program: the same code in torch and in NumPy."""

from __future__ import annotations

from cnnspec.lower.writer import Writer
from cnnspec.training.recipe import Expect


def condition(expect: Expect, best: str, loss: str) -> str:
    """Code for whether the best accuracy (a fraction, rounded as the claim is written) and its loss are as
    expected."""
    tests = []
    if expect.accuracy is not None:
        digits = len(expect.accuracy.rstrip("%").partition(".")[2])
        tests.append(f"round(100 * {best}, {digits}) >= EXPECTED_ACCURACY")
    if expect.loss is not None:
        tests.append(f"{loss} <= EXPECTED_LOSS")
    return " and ".join(tests) or "True"


def put_missed(writer: Writer, expect: Expect, when: str) -> None:
    """Code that reports an expectation that was not met."""
    missed = [
        *(["accuracy {EXPECTED_ACCURACY:g} %"] if expect.accuracy is not None else []),
        *(["loss {EXPECTED_LOSS:g}"] if expect.loss is not None else []),
    ]
    if missed:
        with writer.block(f"if {when}:"):
            writer.line(f'print(f"expected: {", ".join(missed)}", file=sys.stderr)')
