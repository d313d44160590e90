"""Syntax tree → IR: names looked up, expressions settled, blocks and repeats unfolded as far as shapes
differ."""

from cnnspec.elaborate.limits import Limits
from cnnspec.elaborate.network import elaborate, variants

__all__ = ["Limits", "elaborate", "variants"]
