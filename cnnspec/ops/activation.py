"""Smooth activations: the sigmoids, activations built from them, and the softmaxes. They have no weights."""

from fractions import Fraction
from typing import Annotated

from cnnspec.ops.base import POINT, Activation, Argument, Misfit, Shape, Window, flag
from cnnspec.ops.fields import Exact, Flag, Groups
from cnnspec.ops.groups import groups_misfit
from cnnspec.ops.sliding import map_missing


class Gelu(Activation):
    """x·Φ(x), with Φ the distribution function of the normal distribution (computed with erf, not
    approximated): a smooth relu (ConvNeXt).
    """

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
    """x·min(max(x + 3, 0), 6)/6: a piecewise approximation of silu (MobileNetV3)."""

    word = "hswish"
    title = "x·relu6(x + 3)/6"
    example = "input 3x224x224\nconv F3 S2 P1 K16 nobias -> bn -> hswish\n"


class Hsigmoid(Activation):
    """min(max(x + 3, 0), 6)/6: a piecewise linear sigmoid (MobileNetV3's gates)."""

    word = "hsigmoid"
    title = "relu6(x + 3)/6"
    example = "input 16x56x56\nmul [ id | gap -> conv F1 K16 -> hsigmoid ]\n"


class Sigmoid(Activation):
    """1/(1 + e⁻ˣ), between 0 and 1: for gates and for yes-or-no outputs."""

    word = "sigmoid"
    title = "1/(1 + e⁻ˣ)"
    example = "input 16x56x56\nmul [ id | gap -> conv F1 K16 -> sigmoid ]\n"


class Tanh(Activation):
    """amp·tanh(gain·x). LeNet-5's is `tanh amp=1.7159 gain=2/3`, which maps ±1 to ±1."""

    word = "tanh"
    title = "amp·tanh(gain·x)"
    example = "input 1x32x32\nconv F5 K6 -> tanh amp=1.7159 gain=2/3\n"

    amp: Annotated[
        Exact, Argument("number", "amplitude: the output is between −amp and amp", keyword="amp")
    ] = Fraction(1)
    gain: Annotated[Exact, Argument("number", "factor of x", keyword="gain")] = Fraction(1)


class Softplus(Activation):
    """ln(1 + eˣ): a smooth relu, always above 0."""

    word = "softplus"
    title = "ln(1 + eˣ)"
    example = "input 3x32x32\nconv F3 P1 K16 -> softplus\n"


class Softmax(Activation):
    """eˣ/Σ eˣ over the channels, at each position: probabilities that sum to 1; of a vector, over its
    numbers. `softmax G4` is computed in each of 4 groups of channels separately (RAFT's upsampling
    weights), `softmax positions` over the positions of each map (a global context block).

    A network is trained on the numbers *before* it (torch's cross entropy includes the softmax): write it
    last, where probabilities are needed, or leave it out.
    """

    word = "softmax"
    shares = True
    title = "probabilities that sum to 1, over the channels"
    example = "input 84\nfc 10 -> softmax => 10\n"

    G: Groups = 1
    positions: Annotated[Flag, flag("over the positions of each map", positions=True)] = False

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """The same; G divides C."""
        input_shape = inputs[0]
        if self.positions:
            return self.unfit() or map_missing("softmax positions", input_shape) or input_shape
        return groups_misfit(self.G, input_shape[0]) or input_shape

    def unfit(self) -> Misfit | None:
        if not self.positions or self.G == 1:
            return None
        return Misfit("E204", "`positions` and groups exclude each other", "G", help="leave G out")

    def window(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Window, ...]:
        """With `positions`, every output reads the whole map."""
        return tuple(Window(size, 0, 0) if self.positions else POINT for size in out[1:])


class LogSoftmax(Activation):
    """The logarithm of softmax, over the channels: x − ln Σ eˣ."""

    word = "logsoftmax"
    shares = True
    title = "logarithm of softmax, over the channels"
    example = "input 84\nfc 10 -> logsoftmax => 10\n"
