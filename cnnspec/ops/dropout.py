"""Dropout: sets numbers to 0 at random in training, so that no unit relies on another."""

from fractions import Fraction
from typing import Annotated

from cnnspec.ops.base import Argument, Misfit, Op, Remark, Shape, flag
from cnnspec.ops.fields import Flag, Probability
from cnnspec.ops.sliding import map_missing


class Dropping(Op):
    """dropout and droppath: the shape stays, and in evaluation they do nothing."""

    p: Annotated[
        Probability, Argument("number", "probability of being set to 0, from 0 to 1", positional=0)
    ] = Fraction(1, 2)

    def remark(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Remark, ...]:
        if self.p < 1:
            return ()
        return (
            Remark(
                "W108",
                f"`{self.word} 1` sets everything to 0 in training",
                argument="p",
                help="p is the probability of being set to 0, not of being kept: 0.5 is usual",
            ),
        )


class Dropout(Dropping):
    """In training each number is set to 0 with probability p, and the others are divided by 1 − p, so that
    the mean stays the same (Srivastava et al., 2014). `dropout 0.1 maps` drops whole maps instead of single
    numbers (Tompson et al., 2015; torch's Dropout2d). In evaluation it does nothing.
    """

    word = "dropout"
    drops = True
    title = "in training, sets numbers to 0 with probability p"
    example = "input 25088\n[fc 4096 -> relu -> dropout 0.5]*2\nfc 1000\n"

    maps: Annotated[Flag, flag("whole maps are dropped", maps=True)] = False

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """The same."""
        return (map_missing("dropout maps", inputs[0]) if self.maps else None) or inputs[0]


class DropPath(Dropping):
    """In training the whole tensor of an image is set to 0 with probability p, and divided by 1 − p
    otherwise: stochastic depth, for the branch of an `add` (Huang et al., 2016). In evaluation it does
    nothing.
    """

    word = "droppath"
    title = "in training, sets a whole branch to 0 with probability p"
    example = "input 64x56x56\nadd [ conv F3 P1 K64 -> bn -> droppath 0.2 | id ]\n"
