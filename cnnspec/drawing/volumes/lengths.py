"""The drawn lengths of sides: by a power of their size, so that both 3 and 4096 channels are visible."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from cnnspec.drawing.volumes.volume import Volume


@dataclass(frozen=True, slots=True)
class Lengths:
    """The lengths of maps' sides, channels and vectors: each is `unit · number**power`, but at least
    `least`."""

    map_unit: float
    channel_unit: float
    vector_unit: float
    power: float
    vector_power: float
    least: float = 2.5

    def side(self, size: int) -> float:
        return max(self.map_unit * math.pow(size, self.power), self.least)

    def depth(self, channels: int) -> float:
        return max(self.channel_unit * math.pow(channels, self.power), self.least)

    def vector(self, length: int) -> float:
        return max(self.vector_unit * math.pow(length, self.vector_power), 2 * self.least)


def lengths_for(
    volumes: Iterable[Volume], high: float, *, power: float, depth_per_side: float, longest: float
) -> Lengths:
    """The lengths with which the largest map is `high` points high, and channels are in proportion
    `depth_per_side` to its sides, but at most `longest`; the longest vector is 0.8 of `high`."""
    maps = [volume for volume in volumes if not volume.is_vector]
    side = max((max(volume.axes[-2:]) for volume in maps), default=1)
    channels = max((volume.shape[0] for volume in maps), default=1)
    vector = max((volume.shape[0] for volume in volumes if volume.is_vector), default=1)
    unit = high / side**power
    channel_unit = min(unit * depth_per_side, longest / channels**power)
    vector_power = power * 0.55
    return Lengths(unit, channel_unit, 0.8 * high / vector**vector_power, power, vector_power)
