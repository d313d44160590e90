"""Normalisation: bn, in, ln, gn, rms, grn, lrn, l2norm.

All but lrn and l2norm subtract a mean and divide by a standard deviation, (x − μ)/√(σ² + eps), and then scale
and shift each channel by a trained weight and bias; they differ in the numbers that the mean is over. The
receptive field does not count these statistics.
"""

from fractions import Fraction
from math import prod
from typing import Annotated

from cnnspec.ops.base import (
    POINT,
    Argument,
    Misfit,
    Op,
    Shape,
    Weight,
    Window,
    axes_of,
    flag,
    written_init,
)
from cnnspec.ops.fields import AboveZero, Exact, FactorStart, Flag, Frozen, Groups, Positive, Probability
from cnnspec.ops.formula import Formula
from cnnspec.ops.groups import groups_misfit
from cnnspec.ops.sliding import map_missing, needs_map
from cnnspec.ops.start import ONE, ZERO, of_numbers, role_of


class Normalisation(Op):
    """bn, in, ln and gn: a weight and a bias per channel, unless `noaffine`."""

    eps: Annotated[AboveZero, Argument("number", "added to the variance", keyword="eps")] = Fraction(
        1, 100_000
    )
    affine: Annotated[Flag, flag("a weight and a bias per channel, or none", affine=True, noaffine=False)] = (
        True
    )
    init: FactorStart = None
    frozen: Frozen = False

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """The same."""
        return self.unfit() or inputs[0]

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        if not self.affine:
            return ()
        C = (inputs[0][0],)
        role = role_of(self.frozen)
        return Weight("weight", C, of_numbers(self.init), role), Weight("bias", C, ZERO, role)

    def unfit(self) -> Misfit | None:
        if self.affine or self.init is None:
            return None
        return Misfit(
            "E204",
            f"`noaffine` leaves no weights, so that init={written_init(self.init)} has no effect",
            argument="init",
            help="leave init= out, or leave `noaffine` out",
        )

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        C = inputs[0][0]
        return (Formula("weights", "2·C", {"C": C}, 2 * C),) if self.affine else ()


class BatchNorm(Normalisation):
    """Batch normalisation: each channel is normalised to mean 0 and variance 1 over the batch and the map,
    then scaled and shifted by a weight and a bias of its own (Ioffe and Szegedy, 2015).

    Weights: 2C. It also keeps 2C + 1 numbers that are not trained: the running mean and variance, which are
    used in evaluation, and the number of batches; `momentum` is the weight of a new batch in a running value.

    A bias of the convolution before it has no effect: write `conv … nobias`.
    """

    word = "bn"
    centres = True
    title = "batch normalisation"
    example = "input 3x32x32\nconv F3 P1 K64 nobias -> bn -> relu => 64x32x32, params 1,856\n"

    momentum: Annotated[
        Probability, Argument("number", "weight of a new batch in the running statistics", keyword="momentum")
    ] = Fraction(1, 10)

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return *super().weights(*inputs), *running_statistics(inputs[0][0])

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        C = inputs[0][0]
        return *super().formulas(inputs, out), Formula("buffers", "2·C + 1", {"C": C}, 2 * C + 1)


class InstanceNorm(Normalisation):
    """Instance normalisation: each map of each image is normalised by itself (Ulyanov et al., 2016: style
    transfer). Weights: 2C. Training and evaluation are the same, unless `in running` is written: then it
    keeps a running mean and variance of each channel, averaged over the images (torch's
    `track_running_stats=True`), and evaluation uses these.
    """

    word = "in"
    centres = True
    title = "instance normalisation: each map by itself"
    example = "input 3x256x256\nconv F3 P1 K32 -> in -> relu => 32x256x256\n"

    running: Annotated[Flag, flag("running statistics, used in evaluation", running=True)] = False
    momentum: Annotated[
        Probability, Argument("number", "weight of a new batch in the running statistics", keyword="momentum")
    ] = Fraction(1, 10)

    def unfit(self) -> Misfit | None:
        if self.running or self.momentum == Fraction(1, 10):
            return super().unfit()
        return Misfit(
            "E204",
            "`in` keeps no running statistics, so that momentum= has no effect",
            argument="momentum",
            help="write `running` too, or leave momentum= out",
        )

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return *super().weights(*inputs), *(running_statistics(inputs[0][0]) if self.running else ())

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        C = inputs[0][0]
        buffers = (Formula("buffers", "2·C + 1", {"C": C}, 2 * C + 1),) if self.running else ()
        return *super().formulas(inputs, out), *buffers

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """The same; a map of one position has no variance."""
        input_shape = inputs[0]
        if wrong := needs_map(self, input_shape) or self.unfit():
            return wrong
        if prod(input_shape[1:]) == 1:
            return Misfit(
                "E307",
                f"in normalises each map by itself, but each of these {input_shape[0]} maps "
                "is a single number",
                note="(x − x)/√(0 + eps) = 0",
                help="ln normalises over the channels instead; or remove it",
                replacement="ln",
            )
        return input_shape


class LayerNorm(Normalisation):
    """Layer normalisation over the channels, separately at each position, as in ConvNeXt (LayerNorm2d); of a
    vector, over all its numbers. `ln all` is over all numbers of an image, channels and positions, as torch's
    `nn.LayerNorm([C, H, W])`; each of them then has a weight and a bias. `nobias` leaves the bias out.
    Weights: 2C, or 2·C·H·W with `all`; half of that with `nobias`.
    """

    word = "ln"
    title = "layer normalisation over the channels, at each position"
    example = "input 3x224x224\nconv F4 S4 K96 -> ln eps=1e-6 => 96x56x56, params 4,896\n"

    bias: Annotated[Flag, flag("a bias beside the weight, or none", bias=True, nobias=False)] = True
    all: Annotated[Flag, flag("over all numbers of an image", all=True)] = False

    def unfit(self) -> Misfit | None:
        if self.affine or self.bias:
            return super().unfit()
        return Misfit("E204", "`noaffine` leaves the bias out already", "bias", help="leave `nobias` out")

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        shape, role = inputs[0] if self.all else inputs[0][:1], role_of(self.frozen)
        both = Weight("weight", shape, of_numbers(self.init), role), Weight("bias", shape, ZERO, role)
        return both[: 1 + self.bias] if self.affine else ()

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        if not self.affine:
            return ()
        letters = dict(zip("C" + axes_of(inputs[0]), inputs[0] if self.all else inputs[0][:1], strict=False))
        text = "·".join((*("2" * self.bias), *letters))
        return (Formula("weights", text, letters, (1 + self.bias) * prod(letters.values())),)


class GroupNorm(Normalisation):
    """Group normalisation: the channels are divided into G groups, and each group of each image is normalised
    by itself, independently of the batch (Wu and He, 2018). G must divide C. Weights: 2C.
    """

    word = "gn"
    title = "group normalisation: G groups of channels"
    example = "input 3x64x64\nconv F3 P1 K64 nobias -> gn G32 -> relu => 64x64x64\n"

    G: Groups

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """The same; G divides C."""
        return groups_misfit(self.G, inputs[0][0]) or self.unfit() or inputs[0]


class RmsNorm(Normalisation):
    """Root mean square normalisation over the channels, separately at each position (of a vector, over all
    its numbers): layer normalisation without the mean and without a bias (Zhang and Sennrich, 2019).

        y = w·x / √(mean(x²) + eps)

    eps is 1e-6 by default. Weights: C.
    """

    word = "rms"
    title = "each position's channels over their root mean square"
    example = "input 3x224x224\nconv F4 S4 K96 -> rms => 96x56x56, params 4,800\n"

    eps: Annotated[AboveZero, Argument("number", "added to the mean square", keyword="eps")] = Fraction(
        1, 1_000_000
    )

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return super().weights(*inputs)[:1]

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        C = inputs[0][0]
        return (Formula("weights", "C", {"C": C}, C),) if self.affine else ()


class GlobalResponseNorm(Op):
    """Global response normalisation, ConvNeXt V2's: a channel is weighted by the size of its map relative to
    the other channels (Woo et al., 2023). With g = √(Σ x²) over the positions of each channel,

        y = x + w·x·g / (mean(g) + eps) + b

    with the mean over the channels; w and b are one number per channel, initially 0. Weights: 2C.
    """

    word = "grn"
    title = "global response normalisation"
    example = "input 96x56x56\nconv F1 K384 -> gelu -> grn => 384x56x56, params 38,016\n"

    eps: Annotated[AboveZero, Argument("number", "added to the mean", keyword="eps")] = Fraction(1, 1_000_000)
    frozen: Frozen = False

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """The same."""
        return needs_map(self, inputs[0]) or inputs[0]

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        C, role = inputs[0][:1], role_of(self.frozen)
        return Weight("weight", C, ZERO, role), Weight("bias", C, ZERO, role)

    def formulas(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        C = inputs[0][0]
        return (Formula("weights", "2·C", {"C": C}, 2 * C),)


class LocalResponseNorm(Op):
    """Local response normalisation, AlexNet's: each number is divided by a function of the neighbouring
    channels.

        y = x / (k + alpha/size · Σ x²)^beta

    The sum is over the `size` channels around it. alpha is divided by the size, as in torch and Caffe; in
    AlexNet's paper it is not: its n = 5, α = 1e-4 is `size=5 alpha=5e-4`. It has no weights.
    """

    word = "lrn"
    title = "local response normalisation across channels"
    example = "input 96x55x55\nlrn size=5 alpha=5e-4 beta=0.75 k=2 => 96x55x55\n"

    size: Annotated[Positive, Argument("integer", "number of channels in the sum", keyword="size")]
    alpha: Annotated[Exact, Argument("number", "weight of the sum", keyword="alpha")] = Fraction(1, 10_000)
    beta: Annotated[Exact, Argument("number", "exponent", keyword="beta")] = Fraction(3, 4)
    k: Annotated[Exact, Argument("number", "constant that is added to the sum", keyword="k")] = Fraction(1)

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """The same."""
        return needs_map(self, inputs[0]) or inputs[0]


class L2Norm(Op):
    """Scales the channels of each position (or a vector) to length 1: x / max(√(Σ x²), 1e-12). Followed by
    `scale init=20` it is ParseNet's and SSD's normalisation; in retrieval it makes distances comparable.
    `l2norm positions` scales each map to length 1 (queries and keys of an attention between channels). It
    has no weights.
    """

    word = "l2norm"
    title = "scales each position's channels to length 1"
    example = "input 512x38x38\nl2norm -> scale init=20 => 512x38x38, params 512\n"

    positions: Annotated[Flag, flag("over the positions of each map", positions=True)] = False

    def out(self, *inputs: Shape) -> Shape | Misfit:
        """The same; `positions` needs maps."""
        return (self.positions and map_missing("l2norm positions", inputs[0])) or inputs[0]

    def window(self, inputs: tuple[Shape, ...], out: Shape) -> tuple[Window, ...]:
        """With `positions`, every output reads the whole map."""
        return tuple(Window(size, 0, 0) if self.positions else POINT for size in out[1:])


def running_statistics(C: int) -> tuple[Weight, ...]:
    """What is kept for evaluation: mean and variance of each channel, and the count of batches."""
    return (
        Weight("running_mean", (C,), ZERO, "buffer"),
        Weight("running_var", (C,), ONE, "buffer"),
        Weight("num_batches_tracked", (), ZERO, "buffer"),
    )
