"""Branches in other brackets or in none: `add(@a, @b)`, `concat a b`."""

from __future__ import annotations

import re

from cnnspec.notations.around import parts_of
from cnnspec.notations.words import layer_word

MERGES = ("add", "mul", "sub", "max", "concat")
_MERGE = re.compile(
    r"([A-Za-z_.]+)(?:\(\))?[ \t]*"
    r"(?:\([ \t]*\[?([^\[\]]*?)\]?[ \t]*(?:,[ \t]*(?:dim|axis)[ \t]*=[ \t]*-?[0-9]+[ \t]*)?\)"
    r"|\{(.*)\}|[ \t]((?:@?\w+(?:[ \t,]+|$))+))",
    re.DOTALL,
)
_BETWEEN = re.compile(r"(?:[A-Za-z_]+[ \t]*)?(\{[^{}#]*\})[ \t\r\n]*([A-Za-z_]+)[ \t]*(\{[^{}#]*\})")
_BEHIND = re.compile(r"([A-Za-z_]+)[ \t]*(\{[^{}#]*\}(?:[ \t\r\n,]*\{[^{}#]*\})+)")
_NO_TENSOR = re.compile(r"[FSPKGD][0-9]+(?:x[0-9]+)*|block|unit|layer|module|connection")
_FILLER = ("with", "and", "to", "of", "the")
_SIDE = re.compile(r"\{([^{}]*)\}")


def merge_in_our_words(text: str) -> str | None:
    """`add(@a, @b)`, `concat a b`, `add { relu | id }`: branches in other brackets, or in none.

    >>> merge_in_our_words("branch { conv F3 P1 K3 } add { id }")
    'add [ conv F3 P1 K3 | id ]'
    """
    for form, place in ((_BETWEEN, 2), (_BEHIND, 1)):
        braced = form.fullmatch(text.strip())
        if braced is not None and layer_word(braced[place]) in MERGES:
            lines = (filter(None, map(str.strip, side.splitlines())) for side in _SIDE.findall(text))
            sides = map(" -> ".join, lines)
            return f"{layer_word(braced[place])} [ {' | '.join(sides)} ]"
    match = _MERGE.fullmatch(text.strip())
    word = match and layer_word(match[1])
    if match is None or word not in MERGES or (match[4] and word == "max" and "@" not in text):
        return None
    inner = (
        match[2]
        or match[3]
        or ", ".join(one for one in (match[4] or "").replace(",", " ").split() if one not in _FILLER)
    )
    branches = [part.strip() for piece in parts_of(inner) for part in piece.split("|") if "=" not in part]
    if (
        not branches
        or {"x", "input"} & {*branches}
        or any("(" in branch or branch[:1].isdigit() or _NO_TENSOR.fullmatch(branch) for branch in branches)
    ):
        return None
    tensors = [part.isidentifier() and layer_word(part) in (None, *MERGES) for part in branches]
    branches = [f"@{part}" if is_tensor else part for part, is_tensor in zip(branches, tensors, strict=True)]
    return f"{word} [ {' | '.join(branches if len(branches) > 1 else [*branches, 'id'])} ]"
