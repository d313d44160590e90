"""The weights of a file, by the keys of a trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from cnnspec.ops.base import Shape

Array = np.ndarray[Any, Any]


class Stored(NamedTuple):
    """The shape of each weight, and a function that reads one."""

    shapes: Mapping[str, Shape]
    read: Callable[[str], Array]
