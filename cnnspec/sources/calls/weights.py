"""Weights that are normalised before they are used, recognised by the computation."""

from __future__ import annotations

from math import isclose, prod

from cnnspec.ops.merge import Add, Concat
from cnnspec.ops.normalised import ORIGINAL
from cnnspec.sources.calls.items import Cannot, Computed, Item, Kept, Laid, Normal, number
from cnnspec.sources.calls.layout import Atom, atoms_of, full
from cnnspec.sources.calls.reader import Reader
from cnnspec.sources.calls.rules import Arguments, reads
from cnnspec.sources.layers import Layer

PRODUCT, SIGMA = "W·v", "σ"
"""Intermediate steps of a spectral norm."""


@reads("_weight_norm", "_weight_norm_interface")
def weight_norm(reader: Reader, a: Arguments) -> Item:
    """g·V/‖V‖ with a length g for each filter."""
    v, g = a["v"], a["g"]
    if not isinstance(v, Kept) or not isinstance(g, Kept) or a.get("dim", 0) != 0:
        raise Cannot("weights are normalised along an axis that is not the filters'")
    keys = {f"{ORIGINAL}0": g.held.key, f"{ORIGINAL}1": v.held.key}
    return (Normal("weight", keys, v.held.shape), None)


def standardized(a: Arguments) -> Item:
    """Batch norm over 1 x filters x the rest: (W − μ)/√(σ² + eps), perhaps times a gain for each filter."""
    weight, gain = a["input"], a["weight"]
    shape = weight.held.shape
    if (
        a["running_mean"] is not None
        or a["bias"] is not None
        or atoms_of(weight.dims[1:2]) != full(0, shape[0])
    ):
        raise Cannot("weights are normalised in another way than filter by filter")
    keys, eps = {ORIGINAL: weight.held.key}, float(a["eps"])
    if gain is None:
        return Normal("standardized", keys, shape, eps)
    if not isinstance(gain, Kept):
        raise Cannot("a gain that is computed")
    keys["parametrizations.weight.0.gain"] = gain.held.key
    return Normal("scaled", keys, shape, eps, _shortest(gain.factor * prod(shape[1:]) ** 0.5))


def weight_of(item: Item, filters: int = 0) -> Item:
    """A weight, perhaps computed: (W − μ)·(σ² + eps)^−½, perhaps times a gain. `filters`: their axis."""
    match item:
        case Computed("mul", {"self": Computed() as inner, "other": Kept() as gain}):
            inner_weight = weight_of(inner, filters)
            if isinstance(inner_weight, Normal) and inner_weight.normalised == "standardized":
                keys = {**inner_weight.keys, "parametrizations.weight.0.gain": gain.held.key}
                gamma = gain.factor * (prod(inner_weight.shape) / inner_weight.shape[filters]) ** 0.5
                return Normal("scaled", keys, inner_weight.shape, inner_weight.eps, _shortest(gamma))
        case Computed(
            "mul",
            {
                "self": Computed("sub", {"self": Kept() as weight, "other": Computed("var_mean", mean, 1)}),
                "other": Computed(
                    "rsqrt",
                    {"self": Computed("add", {"self": Computed("var_mean", over, 0), "other": float(eps)})},
                ),
            },
        ):
            others = tuple(axis for axis in range(len(weight.held.shape)) if axis != filters)
            if all(
                one["self"] is weight and one["dim"] == others and one["correction"] == 0
                for one in (mean, over)
            ):
                return Normal("standardized", {ORIGINAL: weight.held.key}, weight.held.shape, eps)
    return item


def weighted_sum(reader: Reader, stacked: Laid, shares: Computed) -> Item:
    """A stack of tensors times relu(w) / (Σ relu(w) + eps): `add weighted`."""
    match shares:
        case Computed(
            "div",
            {
                "self": Computed("relu", {"self": Kept() as weight}) as above,
                "other": Computed("add", {"self": Computed("sum", {"self": whole}), "other": float(eps)}),
            },
        ) if whole is above:
            pile = reader.layers[stacked.value - len(reader.inputs)]
            count = prod(weight.held.shape)
            if isinstance(pile, Layer) and isinstance(pile.op, Concat) and len(pile.inputs) == count:
                op = Add(weighted_branches=True, eps=number(eps))
                value = reader.add(op, *pile.inputs, weights={"weight": weight.held.key})
                lying = (
                    tuple(one._replace(outer=one.outer // count) if one.axis == 0 else one for one in dim)
                    for dim in stacked.dims[:-1]
                )
                if stacked.dims[-1] == (Atom(0, 1, count),):
                    return Laid(value, tuple(lying))
    raise Cannot("a product with numbers that are computed from weights")


def _shortest(value: float) -> float:
    """The shortest decimal that equals a number except for the rounding of a square root."""
    candidates = (round(value, digits) for digits in range(17))
    return next((candidate for candidate in candidates if isclose(candidate, value, rel_tol=1e-15)), value)


@reads("mv", "matmul")
def product(reader: Reader, a: Arguments) -> Item:
    """W·v of a spectral norm; all other products belong to attention."""
    weight, vector = a["self"], a.get("vec", a.get("other"))
    if isinstance(weight, Kept) and isinstance(vector, Kept) and vector.held.kind == "buffer":
        keys = {ORIGINAL: weight.held.key, "parametrizations.weight.0._v": vector.held.key}
        return Normal(PRODUCT, keys, weight.held.shape)
    if isinstance(weight, Laid) and isinstance(vector, Computed):
        return weighted_sum(reader, weight, vector)
    from cnnspec.sources.calls.attention import product as other

    return other(reader, a)


@reads("dot", "vdot")
def sigma(reader: Reader, a: Arguments) -> Item:
    """u·W·v: the largest singular value."""
    vector, tensor = a["self"], a.get("tensor", a.get("other"))
    if not isinstance(vector, Kept) or not isinstance(tensor, Normal) or tensor.normalised != PRODUCT:
        raise Cannot("a product of vectors")
    return tensor._replace(
        normalised=SIGMA, keys={**tensor.keys, "parametrizations.weight.0._u": vector.held.key}
    )


def spectral(reader: Reader, weight: Kept, by: Normal) -> Item:
    """W/σ."""
    if by.normalised != SIGMA or by.keys[ORIGINAL] != weight.held.key or not weight.plain:
        raise Cannot("weights are divided by what is computed")
    if weight.held.key.endswith("weight_orig"):  # torch's older function
        reader.notes.append(
            "torch.nn.utils.spectral_norm updates v before u in training, and `spectral` u before v: "
            "outputs in training differ until u and v have converged"
        )
    return by._replace(normalised="spectral")
