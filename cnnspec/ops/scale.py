"""Factors: scale (trained), times (constant)."""

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

from cnnspec.ops.base import Argument, Initial, Misfit, Op, Shape, Weight
from cnnspec.ops.fields import Exact, Flag, Frozen
from cnnspec.ops.formula import Formula
from cnnspec.ops.start import role_of

if TYPE_CHECKING:
    import random


class Scale(Op):
    """Multiplies each channel with a weight of its own, at first `init` (1 where nothing is said); `scale
    one` has one weight in all. ConvNeXt's layer scale is `scale init=1e-6`. Weights: C or 1.
    """

    word = "scale"
    title = "a trained factor per channel"
    example = "input 96x56x56\nadd [ dwconv F7 P3 -> ln -> scale init=1e-6 | id ]\n"

    start: Annotated[Exact, Argument("number", "what the weights are at first", keyword="init")] = Fraction(1)
    one: Annotated[Flag, Argument("flag", "one weight for all channels", flags=(("one", True),))] = False
    frozen: Frozen = False

    def out(self, *arriving: Shape) -> Shape | Misfit:
        """The same."""
        return arriving[0]

    def weights(self, *arriving: Shape) -> tuple[Weight, ...]:
        count = 1 if self.one else arriving[0][0]
        role = role_of(self.frozen)
        return (Weight("weight", (count,), Initial("constant", float(self.start)), role),)

    def formulas(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        C = arriving[0][0]
        return (Formula("weights", "1", {}, 1) if self.one else Formula("weights", "C", {"C": C}, C),)

    @classmethod
    def draw(cls, chance: "random.Random", arriving: Shape) -> str | None:
        return (
            "scale"
            + chance.choice(["", " init=1e-6", " init=20"])
            + chance.choice(["", "", " one", " frozen"])
        )


class Times(Op):
    """Multiplies everything with one constant: `times 0.17` (Inception-ResNet's scaled branches). Nothing
    to train.
    """

    word = "times"
    title = "a constant factor"
    example = "input 320x35x35\nadd [ conv F1 K320 -> times 0.17 | id ]\n"

    factor: Annotated[Exact, Argument("number", "the factor", positional=0)]

    def out(self, *arriving: Shape) -> Shape | Misfit:
        """The same."""
        return arriving[0]

    @classmethod
    def draw(cls, chance: "random.Random", arriving: Shape) -> str | None:
        return f"times {chance.choice(['0.17', '2', '1/3'])}"
