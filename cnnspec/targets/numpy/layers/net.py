"""One pass through a network, and how weights start."""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray


class Net:
    """A place in the network, in one pass through it: net["body"]["conv1"] is the place
    body.conv1.

    A layer finds its weights here, under their names in the state_dict; leaves what its
    backward will need; and its backward leaves the gradients. All places of a pass
    share these:

    params    every weight by its name, "body.conv1.weight"; never written to, but where `init` draws them
    kept      what forward left for backward; None where there will be no backward
    grads     the gradient of each weight; where a weight is used twice, the sum
    stats     new running statistics
    """

    def __init__(
        self,
        params: dict[str, Array],
        training: bool = False,
        keep: bool = False,
        rng: np.random.Generator | None = None,
        masks: dict[str, Array] | None = None,
        draw: Any = None,
    ) -> None:
        self.at = ""
        self.params, self.training, self.draw = params, training, draw
        self.kept: dict[str, list[Any]] | None = {} if keep else None
        self.grads: dict[str, Array] = {}
        self.stats: dict[str, Array] = {}
        self.rng = rng or np.random.default_rng()
        self.masks = masks or {}

    def __getitem__(self, name: str | int) -> Net:
        """The place one level down."""
        return self.go(f"{self.at}{name}.")

    def go(self, at: str) -> Net:
        """The place of that whole name, which ends in a dot."""
        there = object.__new__(Net)
        there.__dict__.update(self.__dict__, at=at)
        return there

    def weight(self, name: str, shape: tuple[int, ...], start: Start) -> Array:
        """The layer's weight of that name; `init` draws it here, as numbers of type
        `draw`."""
        if self.draw is not None and self.at + name not in self.params:
            self.params[self.at + name] = start(self.rng, shape, self.draw)
        return self.params[self.at + name]

    def stat(self, name: str) -> Array:
        """A running statistic: the newest one."""
        return self.stats.get(self.at + name, self.params.get(self.at + name))  # type: ignore[return-value]

    def keep(self, *values: Any) -> None:
        """Leaves what backward will need."""
        if self.kept is not None:
            self.kept.setdefault(self.at, []).append(values)

    def take(self) -> Any:
        """What forward left here; of several uses, the last one's, for backward goes
        the other way round."""
        assert self.kept is not None, "this pass kept nothing for backward"
        return self.kept[self.at].pop()

    def gradient(self, name: str, value: Array) -> None:
        """The loss's gradient with respect to a weight: with several uses, it is the
        sum over them."""
        key = self.at + name
        self.grads[key] = self.grads[key] + value if key in self.grads else value


Start = Callable[[np.random.Generator, tuple[int, ...], Any], Array]


def uniform(bound: float) -> Start:
    """Starts as U(−bound, bound)."""
    return lambda rng, shape, dtype: (rng.random(shape, dtype) - dtype(0.5)) * dtype(2 * bound)


def normal(std: float) -> Start:
    """Starts as N(0, std²)."""
    return lambda rng, shape, dtype: rng.standard_normal(shape, dtype) * dtype(std)


def constant(value: float) -> Start:
    """Starts as the same number everywhere."""
    return lambda rng, shape, dtype: np.full(shape, value, dtype)


def signs(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Array:
    """Starts as +1 or −1, with equal chances."""
    return rng.choice([-1.0, 1.0], shape).astype(dtype)


def literal(*numbers: float, shape: tuple[int, ...]) -> Start:
    """Starts as these numbers; one plane serves every filter and channel."""
    return lambda rng, whole, dtype: np.full(whole, np.reshape(numbers, shape), dtype)


def he(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Array:
    """Starts as N(0, 2/fan_in), where fan_in is how many numbers a filter sees (He et
    al., 2015)."""
    return rng.standard_normal(shape, dtype) * dtype(np.sqrt(2 / np.prod(shape[1:])))


def xavier(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Array:
    """Starts as U(±√(6/(fan_in + fan_out))) (Glorot and Bengio, 2010)."""
    bound = np.sqrt(6 / ((shape[0] + shape[1]) * np.prod(shape[2:])))
    return (rng.random(shape, dtype) - dtype(0.5)) * dtype(2 * bound)


def bilinear_filters(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Array:
    """Filter k starts as bilinear interpolation of channel k, 0 on all others (Long et
    al., 2015)."""
    rows, columns = (1 - abs(np.arange(F) - (F - 1) / 2) / ((F + 1) // 2) for F in shape[2:])
    own_channel = np.tile(np.eye(shape[1]), (shape[0] // shape[1], 1))
    return (own_channel[:, :, None, None] * np.outer(rows, columns)).astype(dtype)


def multiple(x: float, of: int) -> int:
    """The multiple of `of` nearest to x; the next one where that falls below 90 % of x
    (MobileNet's widths)."""
    near = max(of, int(x + of / 2) // of * of)
    return near + of if near < 0.9 * x else near
