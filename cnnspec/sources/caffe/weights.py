"""The numbers of a .caffemodel: protocol buffers of the network that was trained, with the blobs of each
layer. Of these, the name of each layer, its type and its blobs are read; nothing is copied before it is
needed."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from math import prod
from typing import NamedTuple

import numpy as np

from cnnspec.ops.base import Shape
from cnnspec.sources.caffe.convert import Refused
from cnnspec.sources.calls.trace import Trace
from cnnspec.sources.stored import Array, Stored

MOST_FIELDS = 2_000_000
"""Fields of a file that are read."""
MOST_SIZES = 32
"""Caffe's own limit for the sizes of a blob."""
BATCH_NORM, COUNT = "BatchNorm", 2
"""The layer whose first blobs are sums, and the position of the blob with what they are divided by."""
VARINT, WIDE, BYTES, NARROW = 0, 1, 2, 5
"""How a field is written: as a number of any size, as 8 bytes, with its length, or as 4 bytes."""


class Numbers(NamedTuple):
    """The numbers of the fields that are read in messages of one kind."""

    name: int
    type: int
    blobs: int


LAYER, LAYERS = 100, 2
"""The layers of a network: today's, and those from before 2014."""
TODAY, EARLIER, FIRST = Numbers(1, 2, 7), Numbers(4, 5, 6), Numbers(1, 2, 50)
INSIDE = 1
"""Of a layer of 2013: the layer in it that has its name and blobs."""
SHAPE, DATA, DOUBLES, DIM = 7, 5, 8, 1
FOUR = (1, 2, 3, 4)
"""Fields of a blob. One without a shape has four sizes: num, channels, height and width."""


class Blob(NamedTuple):
    """parts: where its numbers begin, and where they end. size: bytes of a number."""

    shape: Shape
    parts: Sequence[tuple[int, int]]
    size: int


class Layer(NamedTuple):
    type: str
    blobs: Sequence[Blob]


class Reader:
    """The fields of messages. Every length is checked against the message that it is in."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data, self.left = data, MOST_FIELDS

    def fields(self, begin: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        """Each field: its number and kind; its value, or where it begins; and where it ends."""
        place = begin
        while place < end:
            self.left -= 1
            if self.left < 0:
                raise Refused(f"it has more than {MOST_FIELDS:,} fields")
            tag, place = self.number(place, end)
            kind, value = tag & 7, place
            if kind == VARINT:
                value, place = self.number(place, end)
            elif kind == BYTES:
                length, value = self.number(place, end)
                place = value + length
            elif kind in (WIDE, NARROW):
                place += 8 if kind == WIDE else 4
            else:
                raise Refused("it is not a .caffemodel")
            if place > end:
                raise Refused("it ends in the middle of a field")
            yield tag >> 3, kind, value, place

    def number(self, place: int, end: int) -> tuple[int, int]:
        value = 0
        for shift in range(0, 70, 7):
            if place >= end:
                raise Refused("it ends in the middle of a number")
            byte = self.data[place]
            value, place = value | (byte & 127) << shift, place + 1
            if byte < 128:
                return value, place
        raise Refused("it is not a .caffemodel")

    def text(self, begin: int, end: int) -> str:
        return self.data[begin : min(end, begin + 1000)].decode("utf-8", "replace")


def weights_of(path: str, trace: Trace) -> Stored:
    """The weights in a file for the network of a trace, whose keys are `layer.position`."""
    try:
        with open(path, "rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:
        raise Refused("it is empty") from None
    reader, layers = Reader(data), dict[str, Layer]()
    for name, layer in _layers(reader):
        if layer.blobs:
            layers.setdefault(name, layer)
    if not layers:
        raise Refused("no layer with weights is found in it")
    shapes = {
        f"{name}.{place}": blob.shape
        for name, layer in layers.items()
        for place, blob in enumerate(layer.blobs)
        if f"{name}.{place}" in trace.keys or layer.type != BATCH_NORM
    }

    def read(key: str) -> Array:
        name, _, place = key.rpartition(".")
        kind, blobs = layers[name]
        array = _numbers(data, blobs[int(place)])
        if kind == BATCH_NORM and len(blobs) > COUNT:
            over = float(_numbers(data, blobs[COUNT]).sum())
            array = array / over if over else np.zeros_like(array)
        return array.astype(np.float32).reshape(blobs[int(place)].shape)

    return Stored(shapes, read)


def _numbers(data: mmap.mmap, blob: Blob) -> Array:
    kind = "<f8" if blob.size == 8 else "<f4"
    parts = [np.frombuffer(data, kind, (end - begin) // blob.size, begin) for begin, end in blob.parts]
    return np.concatenate(parts) if parts else np.zeros(0)


def _layers(reader: Reader) -> Iterator[tuple[str, Layer]]:
    """Each layer's name, and the layer."""
    for number, kind, begin, end in reader.fields(0, len(reader.data)):
        if kind != BYTES:
            continue
        if number == LAYER:
            yield _layer(reader, TODAY, begin, end)
        elif number == LAYERS:
            inner = [field for field in reader.fields(begin, end) if field[:2] == (INSIDE, BYTES)]
            yield _layer(reader, FIRST, *inner[0][2:]) if inner else _layer(reader, EARLIER, begin, end)


def _layer(reader: Reader, numbers: Numbers, begin: int, end: int) -> tuple[str, Layer]:
    name, its_type, blobs = "", "", list[Blob]()
    for number, kind, start, stop in reader.fields(begin, end):
        if kind == BYTES and number == numbers.name:
            name = reader.text(start, stop)
        elif kind == BYTES and number == numbers.type:
            its_type = reader.text(start, stop)
        elif kind == BYTES and number == numbers.blobs:
            blobs.append(_blob(reader, start, stop))
    return name, Layer(its_type, blobs)


def _blob(reader: Reader, begin: int, end: int) -> Blob:
    four, shape, parts, size = dict[int, int](), list[int](), list[tuple[int, int]](), 4
    for number, kind, start, stop in reader.fields(begin, end):
        if number in FOUR and kind == VARINT:
            four[number] = start
        elif number == SHAPE and kind == BYTES:
            shape = _dims(reader, start, stop)
        elif number in (DATA, DOUBLES) and kind in (BYTES, NARROW, WIDE):
            size = 8 if number == DOUBLES else 4
            parts.append((start if kind == BYTES else stop - size, stop))
    sizes = tuple(shape) or tuple(four.get(number, 1) for number in FOUR)
    if len(sizes) > MOST_SIZES:
        raise Refused(f"a blob in it has more than {MOST_SIZES} sizes")
    if prod(sizes) * size != sum(stop - start for start, stop in parts):
        raise Refused("the numbers of a blob in it do not fill its shape")
    return Blob(sizes, parts, size)


def _dims(reader: Reader, begin: int, end: int) -> list[int]:
    dims: list[int] = []
    for number, kind, start, stop in reader.fields(begin, end):
        if number == DIM and kind == VARINT:
            dims.append(start)
        while number == DIM and kind == BYTES and start < stop:
            value, start = reader.number(start, stop)
            dims.append(value)
    return dims
