"""All sizes of the input that fit, found by trying one whole period of the network's strides.

Along one axis every shape rule is ⌊(n + a)/s⌋·u + b once the map is large enough, or a constant. With P the
period of all strides (`replay.Growth`) each tensor's size is affine in k for n = r + k·P, so that

- a layer whose input is large enough for its window stays so;
- two sizes that must be equal are equal for all k if they are for two values of k, else for one k at most.

So a residue r that fits for two large k fits from its first k on. All other residues fit for single sizes
only, which are the sizes at which two such tensor sizes would be equal."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from cnnspec.analyses.sizes.replay import Failure, Outcome, OverWork

SCANNED = 256
MOST = 8_192
"""Each size is tried up to SCANNED, three periods, or the spec's own size, but never beyond MOST."""
FAR = 2**40 * 3**3 * 5 * 7 * 11


class Along(NamedTuple):
    """The sizes that fit along one axis (or along all at once: `name` is then "H = W"): n ≥ `start` with a
    remainder by `modulus` that is one of `residues`, and the sizes in `also`. Sizes repeat after `period`;
    where that is 0, only the sizes up to `tried` were tried, and all that fit are in `also`."""

    name: str
    period: int
    modulus: int
    residues: tuple[int, ...]
    start: int
    also: tuple[int, ...]
    tried: int

    @property
    def exact(self) -> bool:
        """Whether this holds for every size."""
        return self.period > 0

    def has(self, size: int) -> bool:
        fits = size >= self.start and size % self.modulus in self.residues
        return size in self.also or (self.exact and fits)


Fit = Callable[[int], Outcome]


def along(name: str, fit: Fit, own: int, period: int) -> Along:
    """The sizes n for which `fit(n)` is not a failure. `own` is the size in the spec."""
    tried = min(max(SCANNED, 3 * period, own + period), MOST)
    fitting = {n for n in range(1, tried + 1) if not isinstance(fit(n), Failure)}
    far = far_of(period)
    residues: list[int] = []
    starts: dict[int, int] = {}
    for residue in range(period):
        first, second = fit(far + residue), fit(far + period + residue)
        if isinstance(first, Failure) or isinstance(second, Failure):
            size = _meeting(fit, far + residue, period, first, second)
            fitting |= {size} if size is not None else set()
        else:
            residues.append(residue)
            starts[residue] = _first(fit, residue, period, far, fitting, tried)
    start = max((first - period for first in starts.values()), default=0) + 1
    modulus = next(m for m in range(1, period + 1) if period % m == 0 and _repeats(residues, m, period))
    kept = tuple(sorted({residue % modulus for residue in residues}))
    start = max(start, 1)
    if residues:
        start += next(n for n in range(modulus) if (start + n) % modulus in kept)
    also = tuple(sorted(n for n in fitting if not (residues and n >= start and n % modulus in kept)))
    return Along(name, period, modulus, kept, start, also, tried)


def one_by_one(name: str, fit: Fit, own: int) -> Along:
    """Of the sizes from 1 on, as far as the allowed work goes, those for which `fit(n)` is not a failure;
    `own`, the size in the spec, is known to fit."""
    last, fitting = 0, {own}
    try:
        for size in range(1, min(max(SCANNED, own + 16), MOST) + 1):
            if not isinstance(fit(size), Failure):
                fitting.add(size)
            last = size
    except OverWork:
        pass
    return Along(name, 0, 1, (), last + 1, tuple(sorted(fitting)), last)


def far_of(period: int) -> int:
    """A multiple of the period that is large enough for every rule to be affine."""
    return FAR // period * period


def _repeats(residues: list[int], modulus: int, period: int) -> bool:
    kept = {residue % modulus for residue in residues}
    return len(kept) * (period // modulus) == len(residues)


def _first(fit: Fit, residue: int, period: int, far: int, fitting: set[int], tried: int) -> int:
    """The first size of a residue from which on all sizes fit."""
    scanned = list(range(residue or period, tried + 1, period))
    failing = [n for n in scanned if n not in fitting]
    if not failing or failing[-1] != scanned[-1]:
        return failing[-1] + period if failing else scanned[0]
    low, high = tried // period, far // period
    while low < high:
        middle = (low + high) // 2
        if isinstance(fit(middle * period + residue), Failure):
            low = middle + 1
        else:
            high = middle
    return low * period + residue


def _meeting(fit: Fit, size: int, period: int, first: Outcome, second: Outcome) -> int | None:
    """The single size at which two sizes that must be equal, and grow at different rates, are equal."""
    if not (isinstance(first, Failure) and isinstance(second, Failure)) or first.layer is not second.layer:
        return None
    for gap, other in zip(_gaps(first), _gaps(second), strict=True):
        if gap != other:
            steps = Fraction(-gap, other - gap)
            meeting = size + steps * period
            if meeting.denominator == 1 and meeting >= 1 and not isinstance(fit(int(meeting)), Failure):
                return int(meeting)
    return None


def _gaps(failure: Failure) -> list[int]:
    """The differences between each input's size and the first one's, and between the first one's and 1, which
    `fc` needs."""
    first, *others = failure.inputs
    return [size - 1 for size in first[1:]] + [
        size - here for other in others for here, size in zip(first[1:], other[1:], strict=False)
    ]
