"""Formulas as data: symbols, their numbers, and the result, for messages, pages and `explain`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple, TypeAlias

# A coefficient written in front (`2P`), then a symbol: a letter, more letters or digits, a prime.
_SYMBOL = r"(?<![A-Za-z])(\d*)([A-Za-z][A-Za-z0-9]*'?)"


Values: TypeAlias = dict[str, int | Fraction | str]
"""Symbols with their numbers."""


class Formula(NamedTuple):
    """A formula as data: `text` in symbols, `values` for the symbols, its `result`.

    A symbol is a name in `text` that `values` holds (`W`, `Fh`, `W'`; `2P` is two times P); everything else
    in `text` is printed as it is. Where `text` is arithmetic, the result is what it gives.

    >>> f = Formula("W'", "(W − F + 2P)/S + 1", {"W": 32, "F": 5, "P": 2, "S": 1}, 32)
    >>> f.filled()
    '(32 − 5 + 2·2)/1 + 1'
    >>> f.line()
    "W' = (W − F + 2P)/S + 1 = (32 − 5 + 2·2)/1 + 1 = 32"
    """

    name: str
    text: str
    values: Mapping[str, int | Fraction | str]
    result: int | Fraction | str

    def filled(self) -> str:
        """`text` with the numbers in the place of the symbols; `2P` becomes `2·3`, and `0` where P is 0."""

        def number(match: re.Match[str]) -> str:
            coefficient, symbol = match.groups()
            if symbol not in self.values:
                return match[0]
            value = self.values[symbol]
            if coefficient and value == 0:
                return "0"
            return f"{coefficient}·{written_result(value)}" if coefficient else written_result(value)

        return re.sub(_SYMBOL, number, self.text)

    def steps(self) -> str:
        """`(W − F + 2P)/S + 1 = (32 − 5 + 2·2)/1 + 1 = 32`."""
        filled, result = self.filled(), written_result(self.result)
        return " = ".join(dict.fromkeys((self.text, filled, result)))

    def line(self) -> str:
        """The same with the name of the result in front."""
        return f"{self.name} = {self.steps()}"


def written_result(value: int | Fraction | str) -> str:
    """A number for people: `4,864`, `−2`, `7/2`."""
    if isinstance(value, str):
        return value
    if isinstance(value, Fraction) and value.denominator != 1:
        return f"{value.numerator:,}/{value.denominator:,}".replace("-", "−")
    return f"{int(value):,}".replace("-", "−")


def one_or_each(one: bool, C: int) -> Formula:
    """The formula of the weights of a layer that has one weight in all (`one`) or one per channel."""
    return Formula("weights", "1", {}, 1) if one else Formula("weights", "C", {"C": C}, C)
