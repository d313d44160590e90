"""The words of the language, from its own declarations: the syntax highlighting is built from them."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from cnnspec.elaborate.claims import SUBJECTS
from cnnspec.elaborate.values import FUNCTIONS
from cnnspec.language.tokens import LETTERS, WORDS
from cnnspec.ops import lookup, words
from cnnspec.ops.base import arguments_of


class WordLists(NamedTuple):
    """`statements`: `model`, `if`. `layers`: `conv`, `add`. `arguments`: `eps`, `nobias`. `functions`:
    `min`. `claims`: `params`. `letters`: of hyperparameters.
    """

    statements: tuple[str, ...]
    layers: tuple[str, ...]
    arguments: tuple[str, ...]
    functions: tuple[str, ...]
    claims: tuple[str, ...]
    letters: str


@cache
def word_lists() -> WordLists:
    """All words, each list in alphabetical order.

    >>> lists = word_lists()
    >>> "model" in lists.statements, "conv" in lists.layers, "nobias" in lists.arguments
    (True, True, True)
    """
    arguments: set[str] = set()
    for word in words():
        op = lookup(word)
        for _, argument in arguments_of(op) if op is not None else ():
            arguments |= {flag for flag, _ in argument.flags}
            arguments |= {argument.keyword} if argument.keyword else set()
    return WordLists(
        statements=tuple(sorted(word.lower() for word in WORDS)),
        layers=tuple(sorted(words())),
        arguments=tuple(sorted(arguments)),
        functions=tuple(sorted(FUNCTIONS)),
        claims=tuple(sorted(SUBJECTS)),
        letters="".join(sorted(LETTERS)),
    )
