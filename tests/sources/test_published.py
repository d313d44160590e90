"""Published networks of Darknet and Caffe, written as their files are: as many weights as were published.

Darknet's files of weights have a header of 16 or 20 bytes, and four bytes for each weight and statistic.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import pytest

from cnnspec import pipeline
from cnnspec.diagnostics import Source
from cnnspec.sources import caffe, darknet
from cnnspec.sources.calls.translate import layers_of
from cnnspec.sources.layers import Hole, LayerList
from cnnspec.structure import spec


def section(kind: str, **keys: object) -> str:
    return f"[{kind}]\n" + "".join(f"{key}={value}\n" for key, value in keys.items()) + "\n"


def conv(filters: int, size: int, stride: int = 1, **keys: object) -> str:
    usual = {"batch_normalize": 1, "filters": filters, "size": size, "stride": stride, "pad": 1}
    return section("convolutional", **{**usual, "activation": "leaky", **keys})


def last(filters: int) -> str:
    return conv(filters, 1, activation="linear", batch_normalize=0)


def net(size: int) -> str:
    return "# Testing\n" + section("net", batch=1, height=size, width=size, channels=3, momentum=0.9)


def route(*layers: int) -> str:
    return section("route", layers=", ".join(map(str, layers)))


HALF = section("maxpool", size=2, stride=2)
YOLO = section("yolo", mask="0,1,2", anchors="10,13, 16,30, 33,23", classes=80, num=9)
UP = section("upsample", stride=2)


def yolov1() -> str:
    start = conv(64, 7, 2) + HALF + conv(192, 3) + HALF + conv(128, 1) + conv(256, 3) + conv(256, 1)
    middle = conv(512, 3) + HALF + (conv(256, 1) + conv(512, 3)) * 4 + conv(512, 1) + conv(1024, 3) + HALF
    end = (conv(512, 1) + conv(1024, 3)) * 2 + conv(1024, 3) + conv(1024, 3, 2) + conv(1024, 3) * 2
    local = section("local", size=3, stride=1, pad=1, filters=256, activation="leaky")
    dense = section("dropout", probability=0.5) + section("connected", output=1715, activation="linear")
    return net(448) + start + middle + end + local + dense + section("detection", classes=20, side=7)


def yolov2() -> str:
    start = conv(32, 3) + HALF + conv(64, 3) + HALF
    for k in (128, 256):
        start += conv(k, 3) + conv(k // 2, 1) + conv(k, 3) + HALF
    start += conv(512, 3) + (conv(256, 1) + conv(512, 3)) * 2 + HALF
    start += conv(1024, 3) + (conv(512, 1) + conv(1024, 3)) * 2 + conv(1024, 3) * 2
    way = route(-9) + conv(64, 1) + section("reorg", stride=2) + route(-1, -4)
    return net(608) + start + way + conv(1024, 3) + last(425) + section("region", classes=80, num=5)


def yolov3() -> str:
    def head(k: int) -> str:
        return (conv(k, 1) + conv(2 * k, 3)) * 3 + last(255) + YOLO

    text = net(416) + conv(32, 3)
    for k, times in ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)):
        block = conv(k // 2, 1) + conv(k, 3) + section("shortcut", **{"from": -3}, activation="linear")
        text += conv(k, 3, 2) + block * times
    text += head(512) + route(-4) + conv(256, 1) + UP + route(-1, 61) + head(256)
    return text + route(-4) + conv(128, 1) + UP + route(-1, 36) + head(128)


def yolov3_tiny() -> str:
    text = net(416)
    for k in (16, 32, 64, 128, 256, 512):
        text += conv(k, 3) + (HALF if k < 512 else section("maxpool", size=2, stride=1))
    text += conv(1024, 3) + conv(256, 1) + conv(512, 3) + last(255) + YOLO
    return text + route(-4) + conv(128, 1) + UP + route(-1, 8) + conv(256, 3) + last(255) + YOLO


def yolov4_tiny() -> str:
    text = net(416) + conv(32, 3, 2) + conv(64, 3, 2)
    for k in (64, 128, 256):
        text += conv(k, 3) + section("route", layers=-1, groups=2, group_id=1)
        text += conv(k // 2, 3) * 2 + route(-1, -2) + conv(k, 1) + route(-6, -1) + HALF
    text += conv(512, 3) + conv(256, 1) + conv(512, 3) + last(255) + YOLO
    return text + route(-4) + conv(128, 1) + UP + route(-1, 23) + conv(256, 3) + last(255) + YOLO


DARKNET: dict[str, tuple[Callable[[], str], int]] = {
    "yolov1": (yolov1, 789_312_988 - 16),
    "yolov2": (yolov2, 203_934_260 - 16),
    "yolov3": (yolov3, 248_007_048 - 20),
    "yolov3-tiny": (yolov3_tiny, 35_434_956 - 20),
    "yolov4-tiny": (yolov4_tiny, 24_251_276 - 20),
}


def layer(kind: str, bottom: str, top: str, options: str = "") -> str:
    reads = " ".join(f'bottom: "{one}"' for one in bottom.split())
    return f'layer {{ name: "{top}" type: "{kind}" {reads} top: "{top}" {options} }}\n'


def filters(bottom: str, top: str, k: int, size: int, more: str = "", relu: bool = True) -> str:
    options = f"convolution_param {{ num_output: {k} kernel_size: {size} {more} }}"
    return layer("Convolution", bottom, top, options) + (in_place("ReLU", top) if relu else "")


def in_place(kind: str, blob: str, options: str = "") -> str:
    return f'layer {{ name: "{kind}_{blob}" type: "{kind}" bottom: "{blob}" top: "{blob}" {options} }}\n'


def pool(bottom: str, top: str, options: str = "pool: MAX kernel_size: 3 stride: 2") -> str:
    return layer("Pooling", bottom, top, f"pooling_param {{ {options} }}")


def dense(bottom: str, top: str, k: int) -> str:
    return layer("InnerProduct", bottom, top, f"inner_product_param {{ num_output: {k} }}")


def head(size: int, channels: int = 3) -> str:
    sizes = f"dim: 10 dim: {channels} dim: {size} dim: {size}"
    options = f"input_param {{ shape: {{ {sizes} }} }}"
    return 'name: "Net"\n' + layer("Input", "", "data", options)


WHOLE = "pool: AVE global_pooling: true"
LRN = "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }"


def lenet() -> str:
    half = "pool: MAX kernel_size: 2 stride: 2"
    text = head(28, 1) + filters("data", "conv1", 20, 5, relu=False) + pool("conv1", "pool1", half)
    text += filters("pool1", "conv2", 50, 5, relu=False) + pool("conv2", "pool2", half)
    return text + dense("pool2", "ip1", 500) + in_place("ReLU", "ip1") + dense("ip1", "ip2", 10)


def alexnet() -> str:
    text = head(227) + filters("data", "conv1", 96, 11, "stride: 4") + layer("LRN", "conv1", "norm1", LRN)
    text += pool("norm1", "pool1") + filters("pool1", "conv2", 256, 5, "pad: 2 group: 2")
    text += layer("LRN", "conv2", "norm2", LRN) + pool("norm2", "pool2")
    text += filters("pool2", "conv3", 384, 3, "pad: 1") + filters("conv3", "conv4", 384, 3, "pad: 1 group: 2")
    text += filters("conv4", "conv5", 256, 3, "pad: 1 group: 2") + pool("conv5", "pool5")
    for bottom, top in (("pool5", "fc6"), ("fc6", "fc7")):
        text += dense(bottom, top, 4096) + in_place("ReLU", top)
        text += in_place("Dropout", top, "dropout_param { dropout_ratio: 0.5 }")
    return text + dense("fc7", "fc8", 1000) + layer("Softmax", "fc8", "prob")


INCEPTION = {
    "3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64), "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64), "4c": (128, 128, 256, 24, 64, 64), "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128), "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}  # fmt: skip


def googlenet() -> str:
    text = (
        head(224) + filters("data", "conv1/7x7_s2", 64, 7, "pad: 3 stride: 2") + pool("conv1/7x7_s2", "pool1")
    )
    text += layer("LRN", "pool1", "norm1", LRN) + filters("norm1", "conv2/3x3_reduce", 64, 1)
    text += filters("conv2/3x3_reduce", "conv2/3x3", 192, 3, "pad: 1") + layer(
        "LRN", "conv2/3x3", "norm2", LRN
    )
    text += pool("norm2", "pool2")
    before = "pool2"
    for name, (one, three_in, three, five_in, five, end) in INCEPTION.items():
        own = f"inception_{name}"
        text += filters(before, f"{own}/1x1", one, 1) + filters(before, f"{own}/3x3_reduce", three_in, 1)
        text += filters(f"{own}/3x3_reduce", f"{own}/3x3", three, 3, "pad: 1")
        text += filters(before, f"{own}/5x5_reduce", five_in, 1)
        text += filters(f"{own}/5x5_reduce", f"{own}/5x5", five, 5, "pad: 2")
        text += pool(before, f"{own}/pool", "pool: MAX kernel_size: 3 stride: 1 pad: 1")
        text += filters(f"{own}/pool", f"{own}/pool_proj", end, 1)
        parts = " ".join(f"{own}/{part}" for part in ("1x1", "3x3", "5x5", "pool_proj"))
        text += layer("Concat", parts, f"{own}/output")
        before = f"{own}/output"
        if name in ("3b", "4e"):
            text += pool(before, f"pool{name[0]}")
            before = f"pool{name[0]}"
    text += pool(before, "pool5", "pool: AVE kernel_size: 7 stride: 1")
    return text + dense("pool5", "loss3/classifier", 1000) + layer("Softmax", "loss3/classifier", "prob")


def squeezenet() -> str:
    """Version 1.1."""
    text = head(227) + filters("data", "conv1", 64, 3, "stride: 2") + pool("conv1", "pool1")
    before = "pool1"
    for number, k in zip(range(2, 10), (16, 16, 32, 32, 48, 48, 64, 64), strict=True):
        own = f"fire{number}"
        text += filters(before, f"{own}/squeeze1x1", k, 1)
        text += filters(f"{own}/squeeze1x1", f"{own}/expand1x1", 4 * k, 1)
        text += filters(f"{own}/squeeze1x1", f"{own}/expand3x3", 4 * k, 3, "pad: 1")
        text += layer("Concat", f"{own}/expand1x1 {own}/expand3x3", f"{own}/concat")
        before = f"{own}/concat"
        if number in (3, 5):
            text += pool(before, f"pool{number}")
            before = f"pool{number}"
    return text + filters(before, "conv10", 1000, 1) + pool("conv10", "pool10", WHOLE)


def resnet50() -> str:
    """The first convolution has a bias, the others have none."""

    def normed(bottom: str, top: str, k: int, size: int, more: str, relu: bool = True) -> str:
        text = filters(bottom, top, k, size, more, relu=False)
        text += in_place("BatchNorm", top, "batch_norm_param { use_global_stats: true }")
        return (
            text
            + in_place("Scale", top, "scale_param { bias_term: true }")
            + (in_place("ReLU", top) if relu else "")
        )

    text = head(224) + normed("data", "conv1", 64, 7, "pad: 3 stride: 2") + pool("conv1", "pool1")
    before = "pool1"
    for stage, (k, times) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), 2):
        for place in range(times):
            own = f"res{stage}{'abcdef'[place]}"
            stride = f"bias_term: false stride: {2 if place == 0 and stage > 2 else 1}"
            other = before
            if place == 0:
                text += normed(before, f"{own}_branch1", 4 * k, 1, stride, relu=False)
                other = f"{own}_branch1"
            text += normed(before, f"{own}_branch2a", k, 1, stride)
            text += normed(f"{own}_branch2a", f"{own}_branch2b", k, 3, "pad: 1 bias_term: false")
            text += normed(f"{own}_branch2b", f"{own}_branch2c", 4 * k, 1, "bias_term: false", relu=False)
            text += layer("Eltwise", f"{other} {own}_branch2c", own) + in_place("ReLU", own)
            before = own
    return text + pool(before, "pool5", "pool: AVE kernel_size: 7 stride: 1") + dense("pool5", "fc1000", 1000)


CAFFE: dict[str, tuple[Callable[[], str], int]] = {
    "lenet": (lenet, 431_080),
    "alexnet": (alexnet, 60_965_224),
    "googlenet": (googlenet, 6_998_552),
    "squeezenet": (squeezenet, 1_235_496),
    "resnet50": (resnet50, 25_557_032 + 64),
}


def totals(layers: LayerList) -> tuple[int, int]:
    """Weights, and lines of the spec."""
    assert not [one for one in layers.layers if isinstance(one, Hole)]
    made = spec(layers)
    (model, *_) = pipeline.models(Source("net.cnn", made.text), lints=False)
    assert model.report is not None, model.findings
    return model.report.totals.params, len(made.text.splitlines())


@pytest.mark.parametrize("name", DARKNET)
def test_darknet(name: str) -> None:
    make, size = DARKNET[name]
    trace = darknet.convert(make(), name.replace("-", "_"))
    weights, lines = totals(layers_of(trace))
    statistics = sum(prod(shape) for key, shape in trace.keys.items() if "rolling" in key)
    assert 4 * (weights + statistics) == size
    assert lines <= 45


@pytest.mark.parametrize("name", CAFFE)
def test_caffe(name: str) -> None:
    make, expected = CAFFE[name]
    weights, lines = totals(layers_of(caffe.convert(make())))
    assert weights == expected
    assert lines <= 45
