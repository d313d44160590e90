"""Arguments that most layers of a kind have: `default conv dwconv nobias`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

from cnnspec.ops.base import Op, arguments_of, is_default, spelled

Usual: TypeAlias = Mapping[str, Mapping[str, Any]]
"""By word and field, the value of a layer whose text does not give it."""
KINDS = ("flag", "number", "init", "word")
SOME = {"bias": Fraction(1, 2), "eps": Fraction(3, 4), "momentum": Fraction(3, 4)}
"""Fields that may differ in a few layers, and the least fraction that must agree; other fields get a default
only where all layers of the kind agree."""
LEAST = 3
"""The fewest layers of a kind for a default."""


def usual(ops: Iterable[Op]) -> Usual:
    """The values that are worth a `default` statement."""
    ops_by_word: dict[str, list[Op]] = {}
    for op in ops:
        ops_by_word.setdefault(op.word, []).append(op)
    chosen: dict[str, dict[str, Any]] = {}
    for word, same in ops_by_word.items():
        if len(same) < LEAST:
            continue
        kind = type(same[0])
        for field, argument in arguments_of(kind):
            if (argument.keyword is None and not argument.flags) or argument.kind not in KINDS:
                continue
            values = Counter(getattr(op, field) for op in same)
            most, count = values.most_common(1)[0]
            if is_default(kind.model_fields[field].default, most) or most is None:
                continue
            words = {meaning for _, meaning in argument.flags}
            can_be_written = (
                argument.kind != "flag" or values.keys() <= words
            )  # `scale` has no word for `bias=False`
            if count == len(same) or (field in SOME and can_be_written and count > SOME[field] * len(same)):
                chosen.setdefault(word, {})[field] = most
    return chosen


def default_lines(usual: Usual) -> list[str]:
    """The statements; words with equal defaults share one."""
    from cnnspec.ops import lookup

    words: dict[str, list[str]] = {}
    for word, fields in usual.items():
        op = lookup(word)
        assert op is not None
        arguments = dict(reversed([*arguments_of(op)]))
        text = " ".join(spelled(arguments[field], value) for field, value in fields.items())
        words.setdefault(text, []).append(word)
    return [f"default {' '.join(same)} {text}" for text, same in words.items()]
