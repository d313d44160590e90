"""Normalisation."""

from __future__ import annotations

from typing import Any

from cnnspec.ops.norm import (
    BatchNorm,
    GlobalResponseNorm,
    GroupNorm,
    InstanceNorm,
    L2Norm,
    LayerNorm,
    LocalResponseNorm,
    RmsNorm,
)
from cnnspec.ops.scale import Scale
from cnnspec.sources.calls.items import Cannot, Item, Kept, Laid, Norms, number
from cnnspec.sources.calls.layout import atoms_of, full, in_order, only
from cnnspec.sources.calls.reader import Reader
from cnnspec.sources.calls.rules import Arguments, reads
from cnnspec.sources.calls.weights import standardized


@reads("batch_norm", "_native_batch_norm_legit_no_training", "cudnn_batch_norm")
def batch_norm(reader: Reader, a: Arguments) -> Item:
    """With running statistics, in either mode. For weights, it standardizes them."""
    if isinstance(a["input"], Kept):
        return standardized(a)
    if a["running_mean"] is None:
        raise Cannot("batch norm without running statistics")
    laid = reader.at_channels(reader.laid(a["input"]), 1)
    names = ("weight", "bias", "running_mean", "running_var")
    keys = {name: _key(a[name]) for name in names if a[name] is not None}
    prefix = keys["running_mean"].rpartition("running_mean")[0]
    if f"{prefix}num_batches_tracked" in reader.trace.keys:
        keys["num_batches_tracked"] = f"{prefix}num_batches_tracked"
    if a["eps"] <= 0:
        raise Cannot("its eps is 0, and here it must be above 0: 1e-5 is usual")
    op = BatchNorm(eps=number(a["eps"]), momentum=number(a["momentum"]), affine=_affine(a))
    return Laid(reader.add(op, laid.value, weights=keys), laid.dims)


@reads("instance_norm")
def instance_norm(reader: Reader, a: Arguments) -> Item:
    laid = reader.at_channels(reader.laid(a["input"]), 1)
    keys = _keys(a)
    running = a["running_mean"] is not None
    more: dict[str, Any] = {}
    if running:
        keys |= {name: _key(a[name]) for name in ("running_mean", "running_var")}
        counter = keys["running_mean"].removesuffix("running_mean") + "num_batches_tracked"
        keys |= {"num_batches_tracked": counter} if counter in reader.trace.keys else {}
        more = {"running": True, "momentum": number(a["momentum"])}
    op = InstanceNorm(eps=number(a["eps"]), affine=_affine(a), **more)
    return Laid(reader.add(op, laid.value, weights=keys), laid.dims)


@reads("group_norm")
def group_norm(reader: Reader, a: Arguments) -> Item:
    """The groups are groups of channels, which are the second dimension."""
    laid = reader.at_channels(reader.laid(a["input"]), 1)
    G, eps, keys = int(a["num_groups"]), number(a["eps"]), _keys(a)
    if [*keys] == ["weight"]:  # without a bias, the weight becomes a layer of its own
        value = reader.add(GroupNorm(G=G, eps=eps, affine=False), laid.value)
        return Laid(reader.add(Scale(), value, weights=keys), laid.dims)
    value = reader.add(GroupNorm(G=G, eps=eps, affine=_affine(a)), laid.value, weights=keys)
    return Laid(value, laid.dims)


@reads("layer_norm")
def layer_norm(reader: Reader, a: Arguments) -> Item:
    """Over the last dimension, or over all except the first."""
    laid = reader.laid(a["input"])
    count = len(a["normalized_shape"])
    options: dict[str, Any] = {"eps": number(a["eps"]), "affine": a["weight"] is not None}
    if options["affine"] and a["bias"] is None:
        options["bias"] = False
    if count > 1:
        if len(laid.dims) != count + 1:
            raise Cannot(f"layer norm over {count} of {len(laid.dims) - 1} dimensions")
        if not in_order(laid.dims[1:]) and options["affine"]:
            laid = reader.whole(laid)
        value = reader.settled(laid)
        return reader.fresh(reader.add(LayerNorm(all=True, **options), value, weights=_keys(a)))
    laid = reader.at_channels(laid, -1)
    return Laid(reader.add(LayerNorm(**options), laid.value, weights=_keys(a)), laid.dims)


@reads("rms_norm")
def rms_norm(reader: Reader, a: Arguments) -> Item:
    if len(a["normalized_shape"]) > 1:
        raise Cannot("RMS norm over several dimensions")
    laid = reader.at_channels(reader.laid(a["input"]), -1)
    eps = 2.0**-23 if a["eps"] is None else a["eps"]
    op = RmsNorm(eps=number(eps), affine=a["weight"] is not None)
    return Laid(reader.add(op, laid.value, weights=_keys(a)), laid.dims)


@reads("normalize")
def normalize(reader: Reader, a: Arguments) -> Item:
    laid = reader.at_channels(reader.laid(a["self"]), int(a["dim"]))
    return Laid(reader.add(L2Norm(), laid.value), laid.dims)


@reads("local_response_norm")
def local_response_norm(reader: Reader, a: Arguments) -> Item:
    laid = reader.at_channels(reader.laid(a["self"]), 1)
    op = LocalResponseNorm(
        size=int(a["size"]), alpha=number(a["alpha"]), beta=number(a["beta"]), k=number(a["k"])
    )
    return Laid(reader.add(op, laid.value), laid.dims)


@reads("linalg_vector_norm", "norm")
def length(reader: Reader, a: Arguments) -> Item:
    """The length of each map, or of each position's channels."""
    laid = reader.laid(a["self"])
    order, dims = a.get("ord", a.get("p", 2)), a.get("dim")
    places = [one % len(laid.dims) for one in (dims if isinstance(dims, tuple) else (dims,))]
    shape = reader.shape(laid.value)
    if order not in (2, None) or not a.get("keepdim"):
        raise Cannot("a norm that is not the length of vectors")
    if only([laid.dims[place] for place in places], range(1, len(shape)), shape):
        return Norms(laid, "lengths")
    if len(places) == 1 and laid.dims[places[0]] == full(0, shape[0]):
        return Norms(laid, "channels")
    raise Cannot("a norm over some of the dimensions")


def responded(reader: Reader, one: Item, other: Item, op: str) -> Item:
    """The next step of global response normalisation; None where the operation is not one."""
    norms, beside = (one, other) if isinstance(one, Norms) else (other, one)
    assert isinstance(norms, Norms)
    match op, norms.step, beside:
        case "add", "mean", float() | int():
            return norms._replace(eps=float(beside))
        case "div", "lengths", Norms(step="mean"):
            return norms._replace(step="share", eps=beside.eps)
        case "mul", "share", Laid() if beside == norms.of:
            return norms._replace(step="product")
        case "mul", "product", Kept() if norms.weight is None:
            return norms._replace(weight=beside)
        case "add", "product", Kept() if norms.bias is None:
            return norms._replace(bias=beside)
        case "add", "product", Laid() if beside == norms.of and norms.weight and norms.bias:
            keys = {"weight": norms.weight.held.key, "bias": norms.bias.held.key}
            value = reader.add(GlobalResponseNorm(eps=number(norms.eps)), beside.value, weights=keys)
            return Laid(value, beside.dims)
    return None


def _affine(a: Arguments) -> bool:
    if (a["weight"] is None) != (a["bias"] is None):
        raise Cannot("a norm with a weight and no bias, or a bias and no weight")
    return a["weight"] is not None


def _keys(a: Arguments) -> dict[str, str]:
    return {name: _key(a[name]) for name in ("weight", "bias") if a.get(name) is not None}


def _key(item: Any) -> str:
    if not isinstance(item, Kept):
        raise Cannot("a norm whose weights are computed")
    if atoms_of(item.dims) != atoms_of(full(axis, size) for axis, size in enumerate(item.held.shape)):
        raise Cannot("a norm whose weights are rearranged")
    return item.held.key
