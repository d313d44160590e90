"""Normalisation: bn, in, ln, gn, lrn, l2norm.

All but lrn and l2norm subtract a mean and divide by a standard deviation, (x − μ)/√(σ² + eps), and then
stretch and shift each channel by a weight and a bias that are trained; what differs is which numbers the
mean is of. The receptive field does not count these statistics.
"""

from fractions import Fraction
from typing import Annotated

from cnnspec.ops.base import Argument, Misfit, Op, Shape, Weight, flag
from cnnspec.ops.fields import AboveZero, Exact, Flag, Frozen, Groups, Positive, Probability
from cnnspec.ops.formula import Formula
from cnnspec.ops.groups import groups_misfit
from cnnspec.ops.sliding import needs_map
from cnnspec.ops.start import ONE, ZERO, role_of


class Normalisation(Op):
    """bn, in, ln and gn: a weight and a bias per channel, unless `noaffine`."""

    eps: Annotated[AboveZero, Argument("number", "added to the variance", keyword="eps")] = Fraction(
        1, 100_000
    )
    affine: Annotated[Flag, flag("a weight and a bias per channel, or none", affine=True, noaffine=False)] = (
        True
    )
    frozen: Frozen = False

    def weights(self, *arriving: Shape) -> tuple[Weight, ...]:
        if not self.affine:
            return ()
        C = (arriving[0][0],)
        role = role_of(self.frozen)
        return Weight("weight", C, ONE, role), Weight("bias", C, ZERO, role)

    def formulas(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        C = arriving[0][0]
        return (Formula("weights", "2·C", {"C": C}, 2 * C),) if self.affine else ()


class BatchNorm(Normalisation):
    """Batch normalisation: each channel gets mean 0 and variance 1 over the batch and the map, then a
    weight and a bias of its own (Ioffe and Szegedy, 2015).

    Weights: 2C. It also keeps 2C + 1 numbers that are not trained: the running mean and variance, which
    take the batch's place in evaluation, and the count of batches; `momentum` is how much of a running
    value a batch replaces.

    A bias of the convolution before it has no effect: write `conv … nobias`.
    """

    word = "bn"
    centres = True
    title = "batch normalisation"
    example = "input 3x32x32\nconv F3 P1 K64 nobias -> bn -> relu => 64x32x32, params 1,856\n"

    momentum: Annotated[
        Probability, Argument("number", "share of a batch in the running statistics", keyword="momentum")
    ] = Fraction(1, 10)

    def weights(self, *arriving: Shape) -> tuple[Weight, ...]:
        C = (arriving[0][0],)
        return (
            *super().weights(*arriving),
            Weight("running_mean", C, ZERO, "buffer"),
            Weight("running_var", C, ONE, "buffer"),
            Weight("num_batches_tracked", (), ZERO, "buffer"),
        )

    def formulas(self, arriving: tuple[Shape, ...], out: Shape) -> tuple[Formula, ...]:
        C = arriving[0][0]
        return *super().formulas(arriving, out), Formula("buffers", "2·C + 1", {"C": C}, 2 * C + 1)


class InstanceNorm(Normalisation):
    """Instance normalisation: each map of each image gets mean 0 and variance 1 by itself (Ulyanov et al.,
    2016: style transfer). Weights: 2C. It keeps no running statistics: training and evaluation are the
    same.
    """

    word = "in"
    centres = True
    title = "instance normalisation: each map by itself"
    example = "input 3x256x256\nconv F3 P1 K32 -> in -> relu => 32x256x256\n"

    def out(self, *arriving: Shape) -> Shape | Misfit:
        """The same; a map of one single position has no variance."""
        here = arriving[0]
        if wrong := needs_map(self.word, here):
            return wrong
        if here[1] * here[2] == 1:
            return Misfit(
                "E307",
                f"in takes the mean of each map, and each of these {here[0]} maps is one number",
                note="(x − x)/√(0 + eps) = 0",
                help="ln normalises over the channels instead; or leave it out",
                replacement="ln",
            )
        return here


class LayerNorm(Normalisation):
    """Layer normalisation over the channels, at each position by itself, as in ConvNeXt (LayerNorm2d); on a
    vector, over the vector. Weights: 2C.
    """

    word = "ln"
    title = "layer normalisation over the channels, at each position"
    example = "input 3x224x224\nconv F4 S4 K96 -> ln eps=1e-6 => 96x56x56, params 4,896\n"


class GroupNorm(Normalisation):
    """Group normalisation: the channels in G groups, each group of each image gets mean 0 and variance 1
    (Wu and He, 2018). The batch plays no part. G divides C. Weights: 2C.
    """

    word = "gn"
    title = "group normalisation: G groups of channels"
    example = "input 3x64x64\nconv F3 P1 K64 nobias -> gn G32 -> relu => 64x64x64\n"

    G: Groups

    def out(self, *arriving: Shape) -> Shape | Misfit:
        """The same; G divides C."""
        return groups_misfit(self.G, arriving[0][0]) or arriving[0]


class LocalResponseNorm(Op):
    """Local response normalisation, AlexNet's: neighbouring channels damp each other. Each number is divided
    by what its neighbours have.

        y = x / (k + alpha/size · Σ x²)^beta

    the sum over the `size` channels around it. alpha is divided by the size, as torch and Caffe do;
    AlexNet's paper does not: its n = 5, α = 1e-4 is `size=5 alpha=5e-4`. Nothing to train.
    """

    word = "lrn"
    title = "local response normalisation across channels"
    example = "input 96x55x55\nlrn size=5 alpha=5e-4 beta=0.75 k=2 => 96x55x55\n"

    size: Annotated[Positive, Argument("integer", "how many channels the sum takes in", keyword="size")]
    alpha: Annotated[Exact, Argument("number", "weight of the sum", keyword="alpha")] = Fraction(1, 10_000)
    beta: Annotated[Exact, Argument("number", "exponent", keyword="beta")] = Fraction(3, 4)
    k: Annotated[Exact, Argument("number", "what is added to the sum", keyword="k")] = Fraction(1)

    def out(self, *arriving: Shape) -> Shape | Misfit:
        """The same."""
        return needs_map(self.word, arriving[0]) or arriving[0]


class L2Norm(Op):
    """Brings the channels of each position (or a vector) to length 1: x / max(√(Σ x²), 1e-12). With `scale
    init=20` behind it, it is ParseNet's and SSD's normalisation; for retrieval, what makes distances
    comparable. Nothing to train.
    """

    word = "l2norm"
    title = "each position's channels to length 1"
    example = "input 512x38x38\nl2norm -> scale init=20 => 512x38x38, params 512\n"
