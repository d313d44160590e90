"""Loads an emitted program as a module, and passes the outputs of its layers to a function."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]


def load(folder: str, target: str = "numpy") -> Any:
    """The program in `folder/program_numpy.py`, or that of another target."""
    module, name = ModuleType("emitted"), f"program_{target}.py"
    module.__file__ = os.path.join(folder, name)
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        exec(compile(file.read(), name, "exec"), module.__dict__)
    return module


def tracer(rows: list[dict[str, Any]], look: Callable[[int, Array], None]) -> Callable[[str, Array], None]:
    """A `trace` for one forward pass of a program: `look` is called with the number of a layer's row and its
    output. A layer that is used several times has several rows, in the order of its uses."""
    left: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        left.setdefault(row["attribute"], []).append(number)
    return lambda name, volume: look(left[name].pop(0), volume)
