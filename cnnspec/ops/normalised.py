"""Weights that are normalised before they are used: by their largest singular value, their length, their mean
and standard deviation. In torch these are parametrizations, whose names the weights have here.
"""

from fractions import Fraction
from math import prod
from typing import Annotated, Any, Literal

from cnnspec.ops.base import Argument, Initial, Misfit, Op, Shape, Weight, flag
from cnnspec.ops.fields import AboveZero
from cnnspec.ops.formula import Values
from cnnspec.ops.start import ONE, role_of

ORIGINAL = "parametrizations.weight.original"
_EPS = Fraction(1, 1_000_000)


class NormalisedWeights(Op):
    """conv, dwconv, deconv and fc: filters whose weights may be normalised."""

    normalised: Annotated[
        Literal["spectral", "weight", "standardized", "scaled", "plain"] | None,
        flag(
            "how weights are normalised (or `plain`): by their largest singular value, by the length of each "
            "filter, to mean 0 and variance 1 of each filter, or that over √fan_in with a gain per filter",
            spectral="spectral",
            weightnorm="weight",
            standardized="standardized",
            scaled="scaled",
            plain="plain",
        ),
    ] = None
    weight_eps: Annotated[
        AboveZero, Argument("number", "with `standardized` or `scaled`: added to the variance", keyword="eps")
    ] = _EPS
    gamma: Annotated[AboveZero, Argument("number", "with `scaled`: a constant factor", keyword="gamma")] = (
        Fraction(1)
    )

    def normalised_misfit(self) -> Misfit | None:
        """The finding for an argument that has no effect."""
        if self.normalised == "plain":  # a `default` may give arguments of normalised weights to all layers
            return None
        if self.weight_eps != _EPS and self.normalised not in ("standardized", "scaled"):
            way = "write `standardized` or `scaled` too, or leave it out"
            return Misfit("E204", "eps= belongs to weights that are standardized", "weight_eps", help=way)
        if self.gamma != 1 and self.normalised != "scaled":
            way = "write `scaled` too, or leave it out"
            return Misfit("E204", "gamma= belongs to `scaled`", "gamma", help=way)
        return None

    def normalise(self, plain: tuple[Weight, ...], axis: int = 0) -> tuple[Weight, ...]:
        """The arrays that are stored in place of the weight; filters are along `axis`."""
        if self.normalised in (None, "plain"):
            return plain
        (weight, *others), role = plain, role_of(getattr(self, "frozen", False))
        original = weight._replace(name=ORIGINAL)
        match self.normalised:
            case "spectral":
                rows = weight.shape[axis]
                sizes = {"_u": rows, "_v": prod(weight.shape) // rows}
                start = Initial("unit")
                return (
                    original,
                    *others,
                    *(
                        Weight(f"parametrizations.weight.0.{name}", (size,), start, "buffer")
                        for name, size in sizes.items()
                    ),
                )
            case "weight":
                length = Weight(f"{ORIGINAL}0", _along(weight.shape, 0), Initial("lengths"), role)
                return length, weight._replace(name=f"{ORIGINAL}1"), *others
            case "scaled":
                gains = _along(weight.shape, axis)
                return original, *others, Weight("parametrizations.weight.0.gain", gains, ONE, role)
        return original, *others

    def more_weights(self, plain: Shape) -> tuple[str, Values]:
        """The further terms in the formula of the number of weights."""
        if self.normalised == "weight" and self.word == "deconv":  # torch's are along the first axis
            return " + C", {"C": plain[0]}
        if self.normalised in ("weight", "scaled"):
            return " + K", {"K": plain[self.word == "deconv"]}
        return "", {}


def _along(shape: Shape, axis: int) -> Shape:
    """The shape of one number for each position along an axis."""
    return tuple(size if place == axis else 1 for place, size in enumerate(shape))


def unnormalised(op: Any) -> Any:
    """The layer without the normalisation of its weights."""
    return op.model_copy(update={"normalised": None}) if getattr(op, "normalised", None) else op
