"""Layers that torch does not have: copied as text into the programs that use them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from cnnspec.lower import library

ROOMS = (
    "functions",
    "starts",
    "convolutions",
    "pooling",
    "norms",
    "parametrizations",
    "attention",
    "modules",
)
"""The files, in the order of a program."""

IMPORTED = {
    "OrderedDict": "collections",
    "Callable": "collections.abc",
    "nullcontext": "contextlib",
    "partial": "functools",
    "Final": "typing",
    "NamedTuple": "typing",
}
"""Names that programs import from Python's own modules."""

OF_TORCH = dict.fromkeys(
    ("spectral_norm", "weight_norm"), "torch.nn.utils.parametrizations"
)
"""Names that they import from torch, beside `nn`."""


@cache
def pieces() -> Mapping[str, library.Piece]:
    """All functions and classes by name, in the order of a program. A class for
    images, `Conv2dSame`, is one for signals and volumes too, with another number, and
    as many entries in `(n,) * 2` and `listed(n, axes=2)`."""
    modules = library.pieces(Path(__file__).parent, *ROOMS)
    pieces_by_name = {}
    for name, piece in modules.items():
        for axes in "123" if "2d" in name else "2":
            text = piece.text.replace("2d", f"{axes}d")
            text = text.replace(",) * 2", f",) * {axes}")
            text = text.replace("axes=2)", f"axes={axes})")
            pieces_by_name[name.replace("2d", f"{axes}d")] = piece._replace(text=text)
    return pieces_by_name


def reserved() -> frozenset[str]:
    """Names that mean something in every emitted file."""
    return (
        frozenset(pieces())
        | IMPORTED.keys()
        | OF_TORCH.keys()
        | {"torch", "nn", "Tensor"}
    )
