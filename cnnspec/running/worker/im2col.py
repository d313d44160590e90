"""The work of `run --im2col`: a convolution as a matrix product."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from cnnspec.running.worker.forward import Ready, doubled, used_weight, volumes
from cnnspec.running.worker.program import Array

MOST = 10_000
"""The largest number of elements of a matrix that is reported in full, not only by its shape."""
MOST_IN_ALL = 300_000
"""The same for all groups of the layer together."""
MOST_PATCHES = 4_000_000
"""The largest number of elements for which the matrix of patches is computed."""
MOST_PRODUCTS = 10_000
"""The most positions of a locally connected layer for which each product is computed."""


def im2col(job: dict[str, Any], prepared: Ready) -> dict[str, Any]:
    """For each group of the layer: filters (one row per output channel) times patches (one column per output
    position); for a locally connected layer one product for each position. The product is the output without
    its bias; for a deconv, the numbers that are then added where they overlap."""
    options = job["im2col"]
    row, op = job["rows"][options["row"]], options["op"]
    source = row["inputs"][0]
    arrays = volumes(job, prepared, {source})
    x, out = arrays[source], row["shape"]
    weights = doubled({name: prepared.params[f"{row['attribute']}.{name}"] for name in options["weights"]})
    weights |= doubled(used_weight(prepared, row["attribute"], op, weights))
    weight, G = weights["weight"], op.get("G", 1)
    if op["word"] == "fc":
        filters, patches = weight, x.reshape(-1, 1)
    elif op["word"] == "deconv":
        filters, patches = weight.reshape(len(x), -1), x.reshape(len(x), -1)
    else:
        filters, patches = _filters(op, weight, len(x)), _patches(op, x, out)
    pairs: Iterable[tuple[Array, Array]]
    if op["word"] == "local":
        G = patches.shape[1]
        own = weight.reshape(len(weight), -1, G)
        pairs = ((own[:, :, at], patches[:, at : at + 1]) for at in range(min(G, MOST_PRODUCTS)))
    else:
        pairs = zip(np.split(filters, G), np.split(patches, G), strict=True)
    matrices = []
    room = MOST_IN_ALL
    for part, windows in pairs:
        left = part.T if op["word"] == "deconv" else part
        product = (
            left @ windows
            if windows.size <= MOST_PATCHES
            else np.broadcast_to(0.0, (len(left), windows.shape[1]))
        )
        matrix = {"filters": left, "patches": windows, "product": product}
        room -= sum(numbers.size for numbers in matrix.values())
        most = MOST if room >= 0 else 0
        matrices.append({name: _matrix(numbers, most) for name, numbers in matrix.items()})
    bias = weights["bias"].tolist() if "bias" in weights else None
    return {
        "name": row["name"],
        "layer": row["layer"],
        "word": op["word"],
        "window": op.get("F"),
        "in": x.shape,
        "out": out,
        "bias": bias,
        "products": G,
        "matrices": matrices,
    }


def _filters(op: dict[str, Any], weight: Array, C: int) -> Array:
    """The filters, one row each; with a table of connections, 0 for the maps that a filter does not read."""
    if op.get("connect"):
        pairs = [(k, c) for k, maps in enumerate(op["connect"]) for c in maps]
        planes, weight = weight, np.zeros((len(op["connect"]), C, *weight.shape[1:]))
        for (k, c), plane in zip(pairs, planes, strict=True):
            weight[k, c] = plane
    return weight.reshape(len(weight), -1)


def _patches(op: dict[str, Any], x: Array, out: list[int]) -> Array:
    """The patches: one column per output position, row by row, and one row per channel and tap of the
    filter."""
    F, S, D, axes = op["F"], op["S"], op["D"], tuple(range(1, x.ndim))
    shape = len(x) * math.prod(F), math.prod(out[1:])
    if shape[0] * shape[1] > MOST_PATCHES:
        return np.broadcast_to(0.0, shape)
    wide = np.pad(x, ((0, 0), *op["padding"]))
    reach = tuple(d * (f - 1) + 1 for f, d in zip(F, D, strict=True))
    windows = np.lib.stride_tricks.sliding_window_view(wide, reach, axes)
    windows = windows[
        :, *(np.s_[: s * n : s] for s, n in zip(S, out[1:], strict=True)), *(np.s_[::d] for d in D)
    ]
    return windows.transpose(0, *(len(axes) + axis for axis in axes), *axes).reshape(shape)


def _matrix(numbers: Array, most: int) -> dict[str, Any]:
    return {"shape": numbers.shape, "values": numbers.tolist() if numbers.size <= most else None}
