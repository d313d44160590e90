"""Factors: scale (trained), times (constant)."""

from fractions import Fraction
from typing import Annotated

from cnnspec.ops.base import Argument, Initial, Op, Shape, Weight, flag
from cnnspec.ops.fields import Exact, Flag, Frozen, One
from cnnspec.ops.formula import Formula, one_or_each
from cnnspec.ops.start import ZERO, role_of


class Scale(Op):
    """Multiplies each channel by a weight of its own, initially `init` (default 1); `scale one` has a single
    weight. With `bias` it also adds a trained number, initially 0: `scale bias` is ResMLP's affine layer.
    ConvNeXt's layer scale is `scale init=1e-6`. Weights: C or 1, twice that with `bias`.
    """

    word = "scale"
    title = "a trained factor per channel"
    example = "input 96x56x56\nadd [ dwconv F7 P3 -> ln -> scale init=1e-6 | id ]\n"

    start: Annotated[Exact, Argument("number", "initial value of the weights", keyword="init")] = Fraction(1)
    one: One = False
    bias: Annotated[Flag, flag("a trained number is added", bias=True)] = False
    frozen: Frozen = False

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        count, role = (1,) if self.one else inputs[0][:1], role_of(self.frozen)
        weight = Weight("weight", count, Initial("constant", float(self.start)), role)
        return (weight, Weight("bias", count, ZERO, role)) if self.bias else (weight,)

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        C = inputs[0][0]
        if not self.bias:
            return (one_or_each(self.one, C),)
        return (Formula("weights", "2", {}, 2) if self.one else Formula("weights", "2·C", {"C": C}, 2 * C),)


class Times(Op):
    """Multiplies every number by a constant: `times 0.17` (Inception-ResNet's scaled branches). It has no
    weights.
    """

    word = "times"
    title = "a constant factor"
    example = "input 320x35x35\nadd [ conv F1 K320 -> times 0.17 | id ]\n"

    factor: Annotated[Exact, Argument("number", "the factor", positional=0)]
