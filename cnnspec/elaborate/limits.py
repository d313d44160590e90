"""Budgets: the limits on what a spec may need. Each is charged before the work is done; each can be raised by
an option."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cnnspec.diagnostics import Source
    from cnnspec.language.tree import File

DEEPEST = 200
"""The most that `depth` can be. Beyond 64 Python's own limit (`sys.setrecursionlimit`) has to be raised with
it, by RECURSION a level; the command line does."""
RECURSION = 20


PASSES = 4
"""The most passes through bodies and layers together, for each layer that a spec may have."""


class Limits(NamedTuple):
    """`layers`: after all repeats; `dimension`: of a tensor or an argument; `weights`: in all; `work`:
    evaluation steps (a repeated body counts once), of all variants of a spec together; `digits`:
    of a number that an expression makes; `depth`: blocks in blocks."""

    layers: int = 200_000
    dimension: int = 2**31 - 1
    weights: int = 10**13
    work: int = 40_000
    digits: int = 40
    depth: int = 64


@dataclass(eq=False, repr=False)
class Spent:
    """The budget that all variants of a spec have used together."""

    work: int = 0


class Request(NamedTuple):
    """Which network of a spec: `variant`'s knobs, and then `settings` (`--set`: expressions by knob;
    `--size`: the size of an input under `input`, or `input NAME`)."""

    file: File
    source: Source
    variant: str | None = None
    settings: Mapping[str, str] = {}
    limits: Limits = Limits()
