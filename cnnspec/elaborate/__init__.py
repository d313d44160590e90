"""Syntax tree → IR: names looked up, expressions settled, blocks and repeats unfolded.

Where to look:

    network     the whole of it, with `elaborate`
    statements  the file's statements, sorted; knobs: variants, `--set`, defaults
    ends        of the network: its inputs, its outputs
    steps       the walk over lines: the table of steps, merges, `if`s; the others are in layers, regions
                (groups, labelled lines, repeats) and calls (uses of blocks)
    context     what these share: statements, budgets, names in scope, the bodies made so far
    builder     one body in the making: what a name means at a step, and where each value came from
    labels      what `@label` means
    binding     a layer's arguments bound to its op; refusals, refused_values, other_arguments: what is not
    misfits     a layer that does not fit its input; sizes: which input would fit
    unknown     words that are not in the language, and other_words: those of other tools
    values      expressions; claims: what is claimed; naming: names of steps; text_facts: the text alone
    templates   the text as written, made from what its uses showed
"""

from cnnspec.elaborate.limits import Limits, Request
from cnnspec.elaborate.network import elaborate, trier, variants

__all__ = ["Limits", "Request", "elaborate", "trier", "variants"]
