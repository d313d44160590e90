"""Did you mean …?

The nearest of the allowed words. It is needed only after an error, so its imports are local.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

MAX_CANDIDATES = 200
MAX_LENGTH = 80


def nearest(word: str, candidates: Iterable[str], also: Mapping[str, str] | None = None) -> str | None:
    """The candidate that `word` was most likely meant to be; None where none is near.

    `also` maps further words to candidates (`dense` → `fc`, see `cnnspec.notations.words`). In order: the
    same but for case, `_` and `-`; a further word; the fewest slips in typing, where a word cut off in the
    middle counts as one, and a wrong first letter, which is rare, as half a slip more. Ties go by the
    alphabet: the answer is the same in every run. Last, a further word that is nearer than any of these.

    >>> nearest("maxpol", ["avgpool", "conv", "maxpool"])
    'maxpool'
    >>> nearest("Dense", ["conv", "fc"], {"dense": "fc"})
    'fc'
    """
    if not word or len(word) > MAX_LENGTH:
        return None
    words = sorted({one for one in candidates if one != word})
    if len(words) > MAX_CANDIDATES:
        words = _begin_alike(word, words)
    if not words:
        return None
    plain = fold(word)
    for candidate in words:
        if fold(candidate) == plain:
            return candidate
    if also is not None and also.get(plain) in words:
        return also[plain]
    # one slip in three letters, and at least one, still looks like this word
    best, least = _fewest_slips(word.lower(), words, max(1, len(word) // 3) + 0.75)
    if also is not None and least > 0.75:
        near = [foreign for foreign in sorted(also) if len(foreign) >= 5 and also[foreign] in words]
        foreign, _ = _fewest_slips(plain, near, min(least, 1 + len(plain) // 6))
        best = also[foreign] if foreign is not None else best
    return best


def _begin_alike(word: str, words: list[str]) -> list[str]:
    """Of very many words those nearest to `word` in alphabetical order; slips are counted only for these."""
    from bisect import bisect

    place = bisect(words, word)
    low = max(0, place - MAX_CANDIDATES // 2)
    return words[low : low + MAX_CANDIDATES]


def _fewest_slips(word: str, candidates: list[str], least: float) -> tuple[str | None, float]:
    """The candidate with fewer than `least` slips, and how many; the first of several."""
    best: str | None = None
    for candidate in candidates:
        slips = _slips(word, candidate.lower(), least)
        if slips < least and slips < len(candidate):
            best, least = candidate, slips
    return best, least


def did_you_mean(word: str, candidates: Iterable[str], also: Mapping[str, str] | None = None) -> str:
    """`did you mean maxpool?`, or nothing."""
    words = nearest(word, candidates, also)
    return f"did you mean {words}?" if words else ""


def listing(candidates: Iterable[str], most: int = 12) -> str:
    """`a, b and c`: the allowed words, if no single one is near; cut after `most`."""
    from heapq import nsmallest

    known = set(candidates)
    words = nsmallest(most, known)
    if len(known) > most:
        return f"{', '.join(words)} … ({len(known):,} in all)"
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def fold(word: str) -> str:
    """A word without case, `_`, `-` and blanks: `Batch_Norm` and `batchnorm` are one."""
    return word.lower().replace("_", "").replace("-", "").replace(" ", "")


def _slips(word: str, candidate: str, least: float) -> float:
    """The distance of a candidate from the written word; distances of `least` and more are not computed
    exactly."""
    if len(word) >= 3 and candidate.startswith(word):
        return 1
    if abs(len(candidate) - len(word)) >= least:
        return least
    if len({*word}.difference(candidate)) >= least or len({*candidate}.difference(word)) >= least:
        return least  # a slip brings in, or leaves out, one letter at most
    return typing_distance(word, candidate) + (0.5 if word[0] != candidate[0] else 0)


def typing_distance(left: str, right: str) -> int:
    """The least number of slips between two words (optimal string alignment).

    A slip is a letter too many, missing or wrong, or two neighbours swapped.

    >>> typing_distance("cnov", "conv"), typing_distance("maxpol", "maxpool")
    (1, 1)
    """
    two_up: list[int] = []
    one_up: list[int] = []
    row = list(range(len(right) + 1))
    for number, letter in enumerate(left, 1):
        two_up, one_up, row = one_up, row, [number]
        for place, other in enumerate(right, 1):
            slips = min(one_up[place] + 1, row[place - 1] + 1, one_up[place - 1] + (letter != other))
            if number > 1 and place > 1 and letter == right[place - 2] and left[number - 2] == other:
                slips = min(slips, two_up[place - 2] + 1)
            row.append(slips)
    return row[-1]
