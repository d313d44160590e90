"""A piece of text that is written into the emitted files that need it."""

from __future__ import annotations

from typing import NamedTuple


class Helper(NamedTuple):
    name: str
    text: str
    needs: tuple[str, ...] = ()
    """The other helpers that it calls."""
