"""The output's size as a formula of the input's: `⌈H/32⌉`, `H − 184`, `2·⌊(H + 1)/4⌋ + 3`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction


def formula(letter: str, sizes: Sequence[int], period: int, value: Callable[[int], int]) -> str | None:
    """A formula that gives `value(n)` for each n of `sizes`, and one period later; None where there is no
    simple one. `sizes` are the sizes of one period that fit.
    """
    samples = {n: value(n) for size in sizes for n in (size, size + period)}
    slopes = {Fraction(samples[n + period] - samples[n], period) for n in sizes}
    if len(slopes) > 1:
        return None
    (slope,) = slopes
    rests = {size - slope * n for n, size in samples.items()}
    if len(rests) == 1:
        return linear(letter, slope, rests.pop())
    for step in range(slope.denominator, period + 1, slope.denominator):
        if period % step == 0 and (text := _stepped(letter, samples, step, int(slope * step))):
            return text
    return None


def linear(letter: str, slope: Fraction, rest: Fraction) -> str:
    """`(2·H + 3)/4`: slope·H + rest, as one fraction.

    >>> linear("H", Fraction(1), Fraction(-184))
    'H − 184'
    """
    if slope == 0:
        return str(rest)
    below = slope.denominator
    text = plus(times(slope.numerator, letter), int(rest * below))
    return text if below == 1 else f"({text})/{below}" if rest else f"{text}/{below}"


def _stepped(letter: str, samples: dict[int, int], step: int, by: int) -> str | None:
    """by·⌊(n + a)/step⌋ + b; tries one a for each place where the size may increase."""
    for a in range(step):
        rests = {size - by * ((n + a) // step) for n, size in samples.items()}
        if len(rests) != 1:
            continue
        rest = rests.pop()
        if by == 1:
            a, rest = a + rest * step, 0
        up = a - (step - 1)
        inner, ends = (plus(letter, up), "⌈⌉") if abs(up) < abs(a) else (plus(letter, a), "⌊⌋")
        inner = f"({inner})" if " " in inner else inner
        return plus(times(by, f"{ends[0]}{inner}/{step}{ends[1]}"), rest)
    return None


def times(factor: int, text: str) -> str:
    return text if factor == 1 else f"{factor}·{text}"


def plus(text: str, number: int) -> str:
    """`text + 3`, `text − 3`, or `text` for 0."""
    return f"{text} {'+' if number > 0 else '−'} {abs(number)}" if number else text
