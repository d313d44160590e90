"""A file of weights without a network: the networks of the zoo with weights of the same shapes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from cnnspec.diagnostics import Source
from cnnspec.ops.base import Shape

LARGEST = 50_000_000
"""The largest header in bytes."""
MOST = 5
"""The most candidates that are named."""


class Refused(ValueError):
    """The reason why a file is not a safetensors file."""


class Candidate(NamedTuple):
    """A network, and numbers of shapes: in `common` with the file, in the file (`in_file`), and its own."""

    name: str
    variant: str | None
    common: int
    in_file: int
    own: int

    @property
    def share(self) -> float:
        return self.common / max(self.in_file, self.own, 1)

    def __str__(self) -> str:
        variant = f" --variant {self.variant}" if self.variant else ""
        return (
            f"zoo:{self.name}{variant}: {self.common:,} of {self.in_file:,} shapes, {self.own:,} of its own"
        )


def shapes_in(path: str) -> list[Shape]:
    """The shapes of the tensors in a safetensors file, without reading the tensors. Counters of batches are
    left out, because every `bn` has one."""
    try:
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= LARGEST:
                raise Refused("this is not a safetensors file")
            header = json.loads(file.read(length))
        return [
            tuple(int(size) for size in entry["shape"])
            for name, entry in header.items()
            if name != "__metadata__" and not name.endswith("num_batches_tracked")
        ]
    except OSError as error:
        raise Refused(f"it cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Refused("this is not a safetensors file") from (error if isinstance(error, Refused) else None)


def candidates(shapes: list[Shape]) -> list[Candidate]:
    """The networks of the zoo whose weights have the most similar shapes, best first."""
    shapes_in_file = Counter(map(_plain, shapes))
    networks = [
        Candidate(name, variant, sum((shapes_in_file & own).values()), shapes_in_file.total(), own.total())
        for name, variant, own in _zoo()
    ]
    networks.sort(key=lambda one: (-one.share, one.name, one.variant or ""))
    return [network for network in networks if network.share > 0.5][:MOST]


def _plain(shape: Shape) -> Shape:
    """The shape without trailing sizes of 1: the weights of a 1x1 convolution equal those of a fully
    connected layer."""
    sizes = list(shape)
    while sizes and sizes[-1] == 1:
        sizes.pop()
    return tuple(sizes)


def _zoo() -> Iterator[tuple[str, str | None, Counter[Shape]]]:
    from cnnspec.ir.flat import flat
    from cnnspec.pipeline import models
    from cnnspec.resources import zoo

    for name, path in sorted(zoo().items()):
        with open(path, encoding="utf-8") as file:
            read = models(Source(name, file.read()), lints=False)
        for model in read:
            if model.graph is not None:
                weights = [weight for entry in flat(model.graph) for _, weight in entry.weights]
                yield name, model.variant, Counter(_plain(weight.shape) for weight in weights if weight.shape)
