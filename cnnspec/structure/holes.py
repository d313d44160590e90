"""What the language cannot say is written as the use of a block that is not there, with its shape claimed:
`check` reports it once and goes on from the claim; nothing is built."""

from __future__ import annotations

import re
from collections.abc import Container
from functools import lru_cache

from cnnspec.diagnostics import Source
from cnnspec.ops.base import Op, Shape
from cnnspec.pipeline import models
from cnnspec.sources.layers import Hole
from cnnspec.structure import names


class Unsaid(Op):
    """A hole among the layers."""

    word = "hole"
    title = "what the language cannot say"
    example = ""

    what: str
    shape: Shape

    def out(self, *arriving: Shape) -> Shape:
        return self.shape


def unsaid(hole: Hole) -> Unsaid:
    """`torch.ops.aten.grid_sampler_2d` as `grid_sampler_2d`."""
    parts = [one for one in re.split(r"[^A-Za-z0-9_]+", hole.what) if one] or ["hole"]
    return Unsaid.model_construct(what=_unknown(named(parts[-1], ())), shape=hole.shape)


@lru_cache(maxsize=256)
def _unknown(name: str) -> str:
    """The name, or one like it, that means nothing else: `linear()` is read as another tool's word."""
    (model,) = models(Source("hole.cnn", f"input 3x8x8\n{name}() => 3x8x8\n"), lints=False)
    return name if [one.code for one in model.findings] == ["E208"] else f"unknown_{name}"


def named(word: str, taken: Container[str]) -> str:
    """A name for a block that is no layer's."""
    plain = names.snake(word) or "hole"
    return names.free([f"{plain}_block" if names.is_layer(plain) else plain], taken)
