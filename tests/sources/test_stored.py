"""The weights in a Darknet .weights file and in a .caffemodel, written as those tools write them."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnspec.sources import caffe, darknet
from cnnspec.sources.caffe import weights as of_caffe
from cnnspec.sources.darknet import weights as of_darknet
from cnnspec.sources.stored import Stored

Array = np.ndarray[Any, Any]
CFG = """[net]
width=6
height=6
channels=3
[convolutional]
batch_normalize=1
filters=4
size=3
[convolutional]
filters=4
flipped=1
[local]
size=2
filters=2
[connected]
output=5
batch_normalize=1
"""


def random(*shape: int) -> Array:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("<f4")


def written(path: Path, header: bytes, arrays: Iterable[Array]) -> str:
    path.write_bytes(header + b"".join(array.tobytes() for array in arrays))
    return str(path)


def equal(stored: Stored, expected: dict[str, Array]) -> None:
    assert stored.shapes.keys() == expected.keys()
    for key, array in expected.items():
        assert np.array_equal(stored.read(key), array), key


HEADERS = {
    "0.2: 8 bytes of images seen": (struct.pack("<iiiq", 0, 2, 5, 32_013_312), False),
    "0.1: 4 bytes": (struct.pack("<iiii", 0, 1, 0, 7), False),
    "dense layers transposed": (struct.pack("<iiii", 0, 1001, 0, 7), True),
}


@pytest.mark.parametrize("name", HEADERS)
def test_the_order_of_darknet(tmp_path: Path, name: str) -> None:
    """Of each layer: biases, scales, means and variances, weights; the statistics of a dense layer come
    last. A `local` has the filters of each position together."""
    header, transposed = HEADERS[name]
    convolution = {key: random(4) for key in ("biases", "scales", "rolling_mean", "rolling_variance")}
    filters, flipped, bias = random(4, 3, 3, 3), random(4, 4, 1, 1), random(4)
    each, at_each = random(3, 3, 2, 4, 2, 2), random(2, 3, 3)
    dense = {key: random(5) for key in ("biases", "scales", "rolling_mean", "rolling_variance")}
    matrix = random(5, 18)
    path = written(
        tmp_path / "net.weights",
        header,
        [*convolution.values(), filters, bias, flipped.reshape(4, 4).T.copy(), at_each, each,
         dense.pop("biases"), matrix.T.copy() if transposed else matrix, *dense.values()],
    )  # fmt: skip
    trace = darknet.convert(CFG)
    expected = {f"0.{key}": array for key, array in convolution.items()}
    expected |= {"0.weights": filters, "1.biases": bias, "1.weights": flipped, "2.biases": at_each}
    expected |= {"2.weights": each.transpose(2, 3, 4, 5, 0, 1), "3.biases": random(5), "3.weights": matrix}
    expected |= {f"3.{key}": array for key, array in dense.items()}
    equal(of_darknet.weights_of(path, CFG, trace), expected)


def test_weights_that_layers_share_are_in_the_file_once(tmp_path: Path) -> None:
    text = "[net]\nwidth=6\nheight=6\nchannels=4\n"
    text += "[convolutional]\nfilters=4\n[convolutional]\nfilters=4\nshare_index=0\n"
    path = written(
        tmp_path / "net.weights", struct.pack("<iiiq", 0, 2, 5, 0), [random(4), random(4, 4, 1, 1)]
    )
    found = of_darknet.weights_of(path, text, darknet.convert(text))
    equal(found, {"0.biases": random(4), "0.weights": random(4, 4, 1, 1)})


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "it does not begin with the version"),
        (struct.pack("<iiii", -1, 2, 0, 0), "it does not begin with the version"),
        (
            struct.pack("<iiiq", 0, 2, 5, 0) + bytes(4 * 19),
            "it has 19 numbers, fewer than the 20 of the network",
        ),
        (
            struct.pack("<iiiq", 0, 2, 5, 0) + bytes(4 * 99),
            "it has 99 numbers, more than the 20 of the network",
        ),
    ],
)
def test_a_file_of_another_network_is_refused(tmp_path: Path, data: bytes, says: str) -> None:
    text = "[net]\nwidth=6\nheight=6\nchannels=4\n[convolutional]\nfilters=4\n"
    path = written(tmp_path / "net.weights", data, [])
    with pytest.raises(darknet.Refused, match=says):
        of_darknet.weights_of(path, text, darknet.convert(text))


def number(value: int) -> bytes:
    made = b""
    while value > 127:
        made, value = made + bytes([value & 127 | 128]), value >> 7
    return made + bytes([value])


def field(place: int, value: bytes | str | int) -> bytes:
    """A field of a message: a number, or bytes with their length."""
    if isinstance(value, int):
        return number(place << 3) + number(value)
    data = value.encode() if isinstance(value, str) else value
    return number(place << 3 | 2) + number(len(data)) + data


def blob(array: Array, four: bool = False) -> bytes:
    if four:  # before 2014
        sizes = (*(1,) * (4 - array.ndim), *array.shape)
        return b"".join(field(place, n) for place, n in enumerate(sizes, 1)) + field(5, array.tobytes())
    return field(7, field(1, b"".join(map(number, array.shape)))) + field(5, array.tobytes())


def layer(numbers: tuple[int, int], name: str, *blobs: bytes) -> bytes:
    """A layer whose name and blobs have these numbers."""
    return field(numbers[0], name) + b"".join(field(numbers[1], one) for one in blobs)


PROTOTXT = """name: "Net" input: "data" input_shape { dim: 1 dim: 3 dim: 6 dim: 6 }
layer { name: "a/conv" type: "Convolution" bottom: "data" top: "c"
        convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "bn" type: "BatchNorm" bottom: "c" top: "c" }
"""
FILTERS, BIAS = random(4, 3, 3, 3), random(4)
TODAY = field(2, "Convolution") + layer((1, 7), "a/conv", blob(FILTERS), blob(BIAS))
OLDER = blob(FILTERS, four=True), blob(BIAS, four=True)
APART = field(7, field(1, 4)) + b"".join(number(5 << 3 | 5) + one.tobytes() for one in BIAS)
DOUBLES = field(7, field(1, number(4))) + field(8, BIAS.astype("<f8").tobytes())
SUMS = [random(4), abs(random(4)), np.array([4], "<f4")]
NORM = field(2, "BatchNorm") + layer((1, 7), "bn", *map(blob, SUMS))
FORMS = {
    "today": field(100, TODAY),
    "2014": field(2, field(5, 4) + layer((4, 6), "a/conv", *OLDER)),
    "2013": field(2, field(2, "in") + field(1, layer((1, 50), "a/conv", *OLDER))),
    "one field for each number": field(100, layer((1, 7), "a/conv", blob(FILTERS), APART)),
    "doubles": field(100, layer((1, 7), "a/conv", blob(FILTERS), DOUBLES)),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_forms_of_a_caffemodel(tmp_path: Path, form: str) -> None:
    """Beside the layers there are fields that are not read: the name, and a layer without weights."""
    data = field(1, "Net") + field(100, field(1, "data") + field(2, "Input")) + FORMS[form] + field(100, NORM)
    trace = caffe.convert(PROTOTXT)
    stored = of_caffe.weights_of(written(tmp_path / "net.caffemodel", data, []), trace)
    expected = {"a/conv.0": FILTERS, "a/conv.1": BIAS, "bn.0": SUMS[0] / 4, "bn.1": SUMS[1] / 4}
    assert stored.shapes.keys() == expected.keys()
    for key, array in expected.items():
        assert np.array_equal(stored.read(key).reshape(array.shape), array), key


def test_statistics_that_were_never_counted_are_zero(tmp_path: Path) -> None:
    norm = NORM.replace(np.array([4], "<f4").tobytes(), np.zeros(1, "<f4").tobytes())
    path = written(tmp_path / "net.caffemodel", field(100, TODAY) + field(100, norm), [])
    assert not of_caffe.weights_of(path, caffe.convert(PROTOTXT)).read("bn.0").any()


HOSTILE = {
    "empty": (b"", "it is empty"),
    "text": (b'layer { name: "conv" }', "it is not a .caffemodel|in the middle"),
    "a length beyond the end": (number(100 << 3 | 2) + number(1 << 40) + b"x", "in the middle of a field"),
    "a number without an end": (b"\xff" * 40, "it is not a .caffemodel"),
    "cut off": (field(100, TODAY)[:-9], "in the middle of a field"),
    "a length beyond its message": (field(100, number(7 << 3 | 2) + number(99)), "in the middle of a field"),
    "a shape of another size": (field(100, layer((1, 7), "a", field(7, field(1, number(1 << 40))))), "shape"),
    "very many sizes": (field(100, layer((1, 7), "a", field(7, field(1, b"\1" * 99)))), "more than 32 sizes"),
    "no weights": (field(100, field(1, "a")), "no layer with weights"),
    "very many fields": (field(100, field(9, 0) * 2_100_000), "more than 2,000,000 fields"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_no_caffemodel_is_refused(tmp_path: Path, name: str) -> None:
    data, says = HOSTILE[name]
    with pytest.raises(caffe.Refused, match=says):
        of_caffe.weights_of(written(tmp_path / "net.caffemodel", data, []), caffe.convert(PROTOTXT))
