"""The numbers of a Darknet .weights file: a header, then those of each layer in the order of the .cfg, as
float32. The file does not name the layers that they belong to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import prod
from typing import NamedTuple

import numpy as np

from cnnspec.notations.darknet import Section, sections
from cnnspec.ops.base import Shape
from cnnspec.sources.calls.trace import Trace
from cnnspec.sources.darknet.convert import Refused
from cnnspec.sources.stored import Array, Stored

LARGEST_VERSION = 1000
"""From this number on, a version says that the matrices of dense layers are transposed."""
STATISTICS = ("scales", "rolling_mean", "rolling_variance")


class Place(NamedTuple):
    """Where the numbers of a weight begin, counted from the end of the header; their layout there, if it
    differs from the trace; and the order of the axes that gives the trace's layout."""

    begin: int
    shape: Shape
    lying: Shape | None = None
    axes: tuple[int, ...] = ()


def weights_of(path: str, text: str, trace: Trace) -> Stored:
    """The weights in a file for the network of a .cfg, whose text and trace these are."""
    header, transposed = _header(path)
    places, end = dict[str, Place](), 0
    for key, place in _places(list(sections(text))[1:], trace, transposed):
        places[key] = place._replace(begin=end)
        end += prod(place.shape)
    count = (os.path.getsize(path) - header) // 4
    if count != end:
        more = "more" if count > end else "fewer"
        raise Refused(f"it has {count:,} numbers, {more} than the {end:,} of the network in the .cfg")

    def read(key: str) -> Array:
        place = places[key]
        array = np.fromfile(path, "<f4", prod(place.shape), offset=header + 4 * place.begin)
        if place.lying is not None:
            array = array.reshape(place.lying).transpose(place.axes)
        return array.reshape(place.shape)

    return Stored({key: place.shape for key, place in places.items()}, read)


def _header(path: str) -> tuple[int, bool]:
    """The size of the header in bytes, and whether the matrices of dense layers are transposed. The number of
    images that were seen in training has 8 bytes since version 0.2."""
    version = np.fromfile(path, "<i4", 3)
    if len(version) < 3 or (version < 0).any():
        raise Refused("it does not begin with the version of a .weights file")
    major, minor = int(version[0]), int(version[1])
    transposed = major > LARGEST_VERSION or minor > LARGEST_VERSION
    newer = major * 10 + minor >= 2 and not transposed
    return 20 if newer else 16, transposed


def _places(all_sections: list[Section], trace: Trace, transposed: bool) -> Iterator[tuple[str, Place]]:
    """Each weight in the order of the file; where it begins is counted later."""
    for number, section in enumerate(all_sections):
        own = {
            key: trace.keys[f"{number}.{key}"] for key in _order(section) if f"{number}.{key}" in trace.keys
        }
        for key, shape in own.items():
            lying: Shape | None = None
            axes: tuple[int, ...] = ()
            if key == "weights" and section.name == "local":  # the filters of each position
                lying, axes = (*shape[4:], *shape[:4]), (2, 3, 4, 5, 0, 1)
            elif key == "weights" and _turned(section, transposed):
                lying, axes = (prod(shape[1:]), shape[0]), (1, 0)
            yield f"{number}.{key}", Place(0, shape, lying, axes)


def _order(section: Section) -> tuple[str, ...]:
    if section.name in ("connected", "conn"):
        return ("biases", "weights", *STATISTICS)
    return ("biases", *STATISTICS, "weights")


def _turned(section: Section, transposed: bool) -> bool:
    return transposed if section.name in ("connected", "conn") else section.keys.get("flipped", "0") != "0"
