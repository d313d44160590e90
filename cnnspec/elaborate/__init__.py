"""Syntax tree → IR: names looked up, expressions settled, blocks and repeats unfolded.

Where to look:

    network     the whole of it; `elaborate` is there
    statements  the file's statements, sorted; knobs: variants, `--set`, defaults; ends: outputs, claims
    elaborator  the walk over lines; its steps are in layers, branches, regions, calls and repeats
    state       what these share: names in sight, budgets, the bodies made so far
    builder     one body in the making, and where each of its values came from
    binding     a layer's arguments bound to its op (refusals: what is refused); blocks: those of a use
    values      expressions; claims: what is claimed; naming: names of steps; text_facts: the text alone
"""

from cnnspec.elaborate.limits import Limits
from cnnspec.elaborate.network import elaborate, variants

__all__ = ["Limits", "elaborate", "variants"]
