"""Groups of channels: G must divide the number of channels and of filters."""

from __future__ import annotations

from math import isqrt

from cnnspec.ops.base import Misfit


def divisors(number: int, most: int) -> list[int]:
    """The divisors of `number` up to `most`, in order."""
    low = [d for d in range(1, min(isqrt(number), most) + 1) if number % d == 0]
    high = [number // d for d in reversed(low) if d * d < number]
    return low + [d for d in high if d <= most]


def groups_misfit(G: int, C: int, K: int | None = None) -> Misfit | None:
    """E305 where G does not divide C (and K, where there are filters); the nearest smaller G that does."""
    filters = C if K is None else K
    if C % G == 0 and filters % G == 0:
        return None
    undivided = f"{C} channels" if C % G else f"{K} filters"
    both = f"{C}" if K is None or K == C else f"{C} and {K}"
    best = max(d for d in divisors(C, G) if filters % d == 0)
    return Misfit(
        "E305",
        f"{undivided} cannot be divided into {G} groups",
        argument="G",
        note=f"C/G = {C}/{G}" + ("" if K is None else f", K/G = {K}/{G}"),
        help=f"G{best} divides {both}",
        replacement=f"G{best}",
    )
