"""A layer that the language does not have is written as the use of an undefined block, with its shape
claimed. `check` reports it once and continues with the claimed shape; nothing is built."""

from __future__ import annotations

import re
from collections.abc import Container
from functools import lru_cache

from cnnspec.diagnostics import Source
from cnnspec.ops.base import Op, Shape
from cnnspec.pipeline import models
from cnnspec.sources.layers import Hole
from cnnspec.structure import names


class UnknownLayer(Op):
    """A layer that the language does not have, among the other layers."""

    word = "hole"
    title = "a layer that the language does not have"
    example = ""

    what: str
    shape: Shape

    def out(self, *inputs: Shape) -> Shape:
        return self.shape


def unknown_layer(hole: Hole) -> UnknownLayer:
    """The op of such a layer, with a short name: `torch.ops.aten.grid_sampler_2d` as `grid_sampler_2d`."""
    parts = [one for one in re.split(r"[^A-Za-z0-9_]+", hole.what) if one] or ["hole"]
    return UnknownLayer.model_construct(what=_unknown(named(parts[-1], ())), shape=hole.shape)


@lru_cache(maxsize=256)
def _unknown(name: str) -> str:
    """The name, or a similar one, that has no other meaning: `linear()` would be read as a layer of another
    tool."""
    (model,) = models(Source("hole.cnn", f"input 3x8x8\n{name}() => 3x8x8\n"), lints=False)
    return name if [finding.code for finding in model.findings] == ["E208"] else f"unknown_{name}"


def named(word: str, taken: Container[str]) -> str:
    """A name for a block that is not the name of a layer."""
    plain = names.snake(word) or "hole"
    return names.free([f"{plain}_block" if names.is_layer(plain) else plain], taken)
