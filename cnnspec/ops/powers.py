"""Powers, the exponential and the logarithm, elementwise. They have no weights."""

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

from cnnspec.ops.base import Activation, Argument, Shape
from cnnspec.ops.fields import Exact

if TYPE_CHECKING:
    import random


class Undrawn(Activation):
    """Layers that random networks leave out: not every input has a finite result, and NaN would soon
    follow.
    """

    @classmethod
    def draw(cls, chance: "random.Random", input_shape: Shape) -> str | None:
        return None


class Pow(Undrawn):
    """xᵖ, number by number: `pow 2` is the square, `pow 1/2` the square root, `pow (-1)` the reciprocal.

    As in torch, a fractional power of a negative number is NaN, and the gradient of a power below 1 is
    infinite at 0.
    """

    word = "pow"
    title = "xᵖ, number by number"
    example = "input 3x32x32\nconv F3 P1 K16 -> pow 2 -> avgpool F2 -> pow 1/2 => 16x16x16\n"

    p: Annotated[Exact, Argument("number", "the exponent p", positional=0)] = Fraction(2)


class Exp(Undrawn):
    """eˣ, number by number: makes any number positive (a detector's distances, FCOS)."""

    word = "exp"
    title = "eˣ, number by number"
    example = "input 256x32x32\nconv F3 P1 K4 -> scale one -> exp => 4x32x32\n"


class Log(Undrawn):
    """ln x, the natural logarithm, number by number. As in torch, it is −∞ at 0 and NaN below."""

    word = "log"
    title = "ln x, number by number"
    example = "input 40x30x101\npow 2 -> avgpool F1x10 S1x5 -> log => 40x30x19\n"
