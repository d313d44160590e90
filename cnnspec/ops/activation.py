"""Smooth activations: the sigmoids, what is made of them, and the softmaxes. Nothing to train."""

from fractions import Fraction
from typing import Annotated

from cnnspec.ops.base import POINT, Activation, Argument, Misfit, Shape, Window, flag
from cnnspec.ops.fields import Exact, Flag, Groups
from cnnspec.ops.groups import groups_misfit
from cnnspec.ops.sliding import needs_map


class Gelu(Activation):
    """x·Φ(x), Φ the normal distribution's function (exactly, by erf): a smooth relu (ConvNeXt)."""

    word = "gelu"
    title = "x·Φ(x)"
    example = "input 96x56x56\nconv F1 K384 -> gelu -> conv F1 K96\n"


class Silu(Activation):
    """x·sigmoid(x), also called swish (EfficientNet)."""

    word = "silu"
    title = "x·sigmoid(x)"
    example = "input 3x32x32\nconv F3 P1 K16 nobias -> bn -> silu\n"


class Mish(Activation):
    """x·tanh(ln(1 + eˣ)) (YOLOv4)."""

    word = "mish"
    title = "x·tanh(softplus(x))"
    example = "input 3x32x32\nconv F3 P1 K16 nobias -> bn -> mish\n"


class Hswish(Activation):
    """x·min(max(x + 3, 0), 6)/6: silu in straight pieces (MobileNetV3)."""

    word = "hswish"
    title = "x·relu6(x + 3)/6"
    example = "input 3x224x224\nconv F3 S2 P1 K16 nobias -> bn -> hswish\n"


class Hsigmoid(Activation):
    """min(max(x + 3, 0), 6)/6: the sigmoid in straight pieces (MobileNetV3's gates)."""

    word = "hsigmoid"
    title = "relu6(x + 3)/6"
    example = "input 16x56x56\nmul [ id | gap -> conv F1 K16 -> hsigmoid ]\n"


class Sigmoid(Activation):
    """1/(1 + e⁻ˣ), between 0 and 1: gates, and answers of yes or no."""

    word = "sigmoid"
    title = "1/(1 + e⁻ˣ)"
    example = "input 16x56x56\nmul [ id | gap -> conv F1 K16 -> sigmoid ]\n"


class Tanh(Activation):
    """amp·tanh(gain·x). LeNet-5's is `tanh amp=1.7159 gain=2/3`, with which ±1 goes to ±1."""

    word = "tanh"
    title = "amp·tanh(gain·x)"
    example = "input 1x32x32\nconv F5 K6 -> tanh amp=1.7159 gain=2/3\n"

    amp: Annotated[Exact, Argument("number", "how far it goes up and down", keyword="amp")] = Fraction(1)
    gain: Annotated[Exact, Argument("number", "factor of x", keyword="gain")] = Fraction(1)


class Softplus(Activation):
    """ln(1 + eˣ): a smooth relu, always above 0."""

    word = "softplus"
    title = "ln(1 + eˣ)"
    example = "input 3x32x32\nconv F3 P1 K16 -> softplus\n"


class Softmax(Activation):
    """eˣ/Σ eˣ over the channels: they become shares that add up to 1, at each position; a vector's numbers
    likewise. `softmax G4` takes each of 4 groups of channels by itself (RAFT's upsampling weights),
    `softmax positions` each map over its positions (a global context block).

    A network is trained on what comes *before* it (torch's cross entropy has the softmax in it): write it
    last, where shares are wanted, or leave it out.
    """

    word = "softmax"
    shares = True
    title = "shares that add up to 1, over the channels"
    example = "input 84\nfc 10 -> softmax => 10\n"

    G: Groups = 1
    positions: Annotated[Flag, flag("over the positions of each map", positions=True)] = False

    def out(self, *arriving: Shape) -> Shape | Misfit:
        """The same; G divides C."""
        here = arriving[0]
        if self.positions:
            return self.unfit() or needs_map("softmax positions", here) or here
        return groups_misfit(self.G, here[0]) or here

    def unfit(self) -> Misfit | None:
        if not self.positions or self.G == 1:
            return None
        return Misfit(
            "E204", "with `positions` each map is taken by itself, without groups", "G", help="leave G out"
        )

    def window(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Window, Window]:
        """Over the positions: the whole map, for every position alike."""
        return (Window(out[1], 0, 0), Window(out[2], 0, 0)) if self.positions else (POINT, POINT)


class LogSoftmax(Activation):
    """The logarithm of softmax, over the channels: x − ln Σ eˣ."""

    word = "logsoftmax"
    shares = True
    title = "logarithm of softmax, over the channels"
    example = "input 84\nfc 10 -> logsoftmax => 10\n"
