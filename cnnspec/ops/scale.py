"""Factors: scale (trained), times (constant)."""

from fractions import Fraction
from typing import Annotated

from cnnspec.ops.base import Argument, Initial, Op, Shape, Weight
from cnnspec.ops.fields import Exact, Frozen, One
from cnnspec.ops.formula import Formula, one_or_each
from cnnspec.ops.start import role_of


class Scale(Op):
    """Multiplies each channel with a weight of its own, at first `init` (1 where nothing is said); `scale
    one` has one weight in all. ConvNeXt's layer scale is `scale init=1e-6`. Weights: C or 1.
    """

    word = "scale"
    title = "a trained factor per channel"
    example = "input 96x56x56\nadd [ dwconv F7 P3 -> ln -> scale init=1e-6 | id ]\n"

    start: Annotated[Exact, Argument("number", "what the weights are at first", keyword="init")] = Fraction(1)
    one: One = False
    frozen: Frozen = False

    def weights(self, *arriving: Shape) -> tuple[Weight, ...]:
        count = 1 if self.one else arriving[0][0]
        return (Weight("weight", (count,), Initial("constant", float(self.start)), role_of(self.frozen)),)

    def formulas(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        return (one_or_each(self.one, arriving[0][0]),)


class Times(Op):
    """Multiplies everything with one constant: `times 0.17` (Inception-ResNet's scaled branches). Nothing
    to train.
    """

    word = "times"
    title = "a constant factor"
    example = "input 320x35x35\nadd [ conv F1 K320 -> times 0.17 | id ]\n"

    factor: Annotated[Exact, Argument("number", "the factor", positional=0)]
