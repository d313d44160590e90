"""The content of a cell in a format: its pieces, its lines, and several lines below one another."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cnnspec.drawing.table.cells import Content, Line, Matrix, Piece, Scientific, Size, Symbol


class Marks(NamedTuple):
    """The marks of a format.

    `escaped` escapes a text; `symbol`, `bold` and `size` mark one; `power` is `7²`, `scientific` `1.8×10⁹`,
    `matrix` a whole matrix; `between` separates lines below one another.
    """

    escaped: Callable[[str], str]
    power: Callable[[int], str]
    scientific: Callable[[str, int], str]
    matrix: Callable[[Matrix], str]
    between: str
    symbol: str = "{}"
    bold: str = "{}"
    size: str = "{}"
    times: str = "×"

    def content(self, content: Content) -> str:
        return self.between.join(
            self.matrix(one) if isinstance(one, Matrix) else self.line(one) for one in content
        )

    def line(self, line: Line) -> str:
        text = "".join(map(self.piece, line.pieces))
        return self.bold.format(text) if line.bold and text else text

    def piece(self, piece: Piece) -> str:
        match piece:
            case Size():
                factors = piece.factors()
                return self.size.format(
                    self.times.join(
                        self.escaped(dim) + (self.power(power) if power > 1 else "") for dim, power in factors
                    )
                )
            case Symbol():
                return self.symbol.format(self.escaped(piece.name))
            case Scientific():
                return self.scientific(piece.mantissa, piece.exponent)
        return self.escaped(piece)
