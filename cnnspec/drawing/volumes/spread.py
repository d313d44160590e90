"""Moves texts on one line apart, as little as possible."""

from __future__ import annotations


def spread(centres: list[float], wides: list[float]) -> list[float]:
    """The centres of texts of these widths, moved apart as little as possible, with the same middle."""
    if not centres:
        return []
    apart: list[float] = []
    for centre, wide in zip(centres, wides, strict=True):
        least = apart[-1] + (wides[len(apart) - 1] + wide) / 2 if apart else centre
        apart.append(max(centre, least))
    shift = (sum(centres) - sum(apart)) / len(centres)
    return [centre + shift for centre in apart]
