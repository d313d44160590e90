"""Caffe's .prototxt and Darknet's .cfg: what each layer becomes, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from cnnspec.sources import caffe, darknet
from cnnspec.sources.calls.trace import Trace, plain, read
from cnnspec.sources.calls.translate import layers_of
from cnnspec.sources.layers import Hole
from cnnspec.structure import spec
from tests.sources.built import run

HEAD = 'name: "N"\ninput: "data"\ninput_shape { dim: 10 dim: 4 dim: 16 dim: 16 }\n'
CONV = "num_output: 8 kernel_size: 3 pad: 1"


PARAMETERS = {
    **dict.fromkeys(("ConvolutionDepthwise", "Deconvolution"), "convolution"),
    "InnerProduct": "inner_product",
    "ShuffleChannel": "shuffle_channel",
    "Normalize": "norm",
}
"""The messages with the options of these layers."""


def layer(kind: str, bottoms: str, top: str, options: str = "", name: str = "") -> str:
    if options and "{" not in options:
        options = f"{PARAMETERS.get(kind, kind.lower())}_param {{ {options} }}"
    reads = " ".join(f'bottom: "{one}"' for one in bottoms.split())
    gives = " ".join(f'top: "{one}"' for one in top.split())
    return f'layer {{ name: "{name or top}" type: "{kind}" {reads} {gives} {options} }}\n'


def steps(trace: Trace) -> str:
    """The spec's lines after the input, without claims, in one."""
    made = spec(layers_of(read(plain(trace))))
    body = re.sub(r"=> \S+|expect .*|(?m:^(?:model|default|input) .*$)", " ", made.text)
    return " ".join(body.replace("->", " ").split())


OLDER = """
layers { name: "c" type: CONVOLUTION bottom: "data" top: "c" blobs_lr: 1
         convolution_param { num_output: 8 kernel_size: 5 } }
layers { name: "r" type: RELU bottom: "c" top: "c" }
layers { name: "l" type: SOFTMAX_LOSS bottom: "c" bottom: "label" }
"""
ODD = """# a comment { }
layer < name: 'c' type: 'Convolution' bottom: 'data', top: 'c'
        convolution_param: { num_output: 8; kernel_size: [3, 5] } >
"""
OLDEST = """
layers { layer { name: "c" type: "conv" num_output: 8 kernelsize: 5 stride: 2 biasterm: false blobs_lr: 1. }
         bottom: "data" top: "c" }
layers { layer { name: "r" type: "relu" } bottom: "c" top: "c" }
layers { layer { name: "p" type: "pool" pool: MAX kernelsize: 3 stride: 2 } bottom: "c" top: "p" }
layers { layer { name: "n" type: "lrn" local_size: 3 } bottom: "p" top: "n" }
layers { layer { name: "f" type: "innerproduct" num_output: 10 } bottom: "n" top: "f" }
layers { layer { name: "d" type: "dropout" dropout_ratio: 0.4 } bottom: "f" top: "f" }
layers { layer { name: "s" type: "softmax" } bottom: "f" top: "s" }
"""
PHASES = [f"include {{ phase: {phase} }}" for phase in ("TRAIN", "TEST")]
GLOBAL = "pool: AVE global_pooling: true"
CAFFE: dict[str, tuple[str, str]] = {
    "sides": (
        layer("Convolution", "data", "c", "num_output: 8 kernel_h: 1 kernel_w: 7 pad_w: 3 stride_w: 2"),
        "conv F1x7 S1x2 P0x3 K8",
    ),
    "groups and dilation": (
        layer(
            "Convolution", "data", "c", "num_output: 8 kernel_size: 3 dilation: 2 group: 2 bias_term: false"
        ),
        "conv F3 K8 G2 D2 nobias",
    ),
    "depthwise": (layer("ConvolutionDepthwise", "data", "c", "num_output: 4 kernel_size: 3"), "dwconv F3"),
    "batch norm and scale": (
        layer("Convolution", "data", "c", CONV)
        + layer("BatchNorm", "c", "c")
        + layer("Scale", "c", "c", "bias_term: true"),
        "conv F3 P1 K8 bn momentum=0.001",
    ),
    "scale alone": (
        layer("Convolution", "data", "c", CONV) + layer("Scale", "c", "s", ""),
        "conv F3 P1 K8 scale",
    ),
    "gate": (
        layer("Convolution", "data", "c", CONV)
        + layer("Pooling", "c", "g", GLOBAL)
        + layer("InnerProduct", "g", "f", "num_output: 8")
        + layer("Sigmoid", "f", "f")
        + layer("Scale", "c f", "s", "axis: 0"),
        "conv F3 P1 K8 mul [ id | gap fc 8 sigmoid ]",
    ),
    "axpy": (
        layer("Convolution", "data", "c", CONV)
        + layer("Convolution", "c", "d", CONV)
        + layer("Pooling", "d", "g", GLOBAL)
        + layer("Sigmoid", "g", "s")
        + layer("Axpy", "s d c", "o"),
        "conv F3 P1 K8 add [ conv F3 P1 K8 mul [ id | gap sigmoid ] | id ]",
    ),
    "pools round up": (
        layer("Pooling", "data", "p", "pool: MAX kernel_size: 3 stride: 2")
        + layer("Pooling", "p", "q", "pool: AVE kernel_size: 3 stride: 2 pad: 1"),
        "maxpool F3 S2 ceil avgpool F3 S2 P1 ceil",
    ),
    "slice and maximum": (
        layer("Slice", "data", "a b", "axis: 1 slice_point: 2")
        + layer("Eltwise", "a b", "m", "operation: MAX"),
        "max [ slice 0:2 | slice 2:4 ]",
    ),
    "difference": (
        layer("Convolution", "data", "c", "num_output: 4 kernel_size: 1")
        + layer("Eltwise", "c data", "m", "operation: SUM coeff: 1 coeff: -1"),
        "sub [ conv F1 K4 | id ]",
    ),
    "deconvolution and crop": (
        layer("Deconvolution", "data", "u", "num_output: 4 kernel_size: 4 stride: 2 bias_term: false")
        + layer("Crop", "u data", "o", "axis: 2 offset: 9"),
        "deconv F4 S2 K4 nobias crop 16 offset=9",
    ),
    "norms": (
        layer("LRN", "data", "n", "local_size: 5 alpha: 0.0001 beta: 0.75")
        + layer("Normalize", "n", "m", "across_spatial: false channel_shared: false"),
        "lrn size=5 l2norm scale",
    ),
    "shuffle": (layer("ShuffleChannel", "data", "s", "group: 2"), "shuffle G2"),
    "interp": (layer("Interp", "data", "s", "zoom_factor: 2"), "upsample out=31 bilinear corners"),
    "activations": (
        layer("ReLU", "data", "a", "negative_slope: 0.1")
        + layer("PReLU", "a", "b")
        + layer("ELU", "b", "c")
        + layer("TanH", "c", "d")
        + layer("AbsVal", "d", "e"),
        "leaky 0.1 prelu elu tanh abs",
    ),
    "numbers cut off": (layer("Clip", "data", "c", "clip_param { min: 0 max: 6 }"), "relu6"),
    "an average of maps": (
        layer("Reduction", "data", "m", "operation: MEAN axis: 2"),
        "gap flatten",
    ),
    "a pyramid of pools": (
        layer("SPP", "data", "s", "spp_param { pyramid_height: 2 pool: MAX }"),
        "concat [ gmp flatten | maxpool F8 ceil flatten ]",
    ),
    "the older form": (
        OLDER,
        "conv F5 K8 relu",
    ),
    "the oldest form": (
        OLDEST,
        "conv F5 S2 K8 nobias relu maxpool F3 S2 ceil lrn size=3 alpha=1 flatten fc 10 dropout 0.4 softmax",
    ),
    "a layer for each phase": (
        "".join(layer("BN", "data", "data", phase) for phase in PHASES)
        + layer("ReLU", "data", "data", "exclude { phase: TEST }"),
        "bn",
    ),
    "within a channel": (
        layer("LRN", "data", "n", "norm_region: WITHIN_CHANNEL local_size: 3 alpha: 0.5"),
        "div [ id | pow avgpool F3 S1 P1 dwconv F1 bias=[1] weight=[0.5] frozen pow 0.75 ]",
    ),
    "the size of a batch": (
        layer("InnerProduct", "data", "f", "num_output: 64")
        + layer("Reshape", "f", "r", "reshape_param { shape { dim: 32 dim: 4 dim: 4 dim: 4 } }"),
        "flatten fc 64 reshape 4x4x4",
    ),
    "comments, colons, brackets": (
        ODD,
        "conv F3x5 K8",
    ),
}


@pytest.mark.parametrize("name", CAFFE)
def test_caffe(name: str) -> None:
    text, expected = CAFFE[name]
    assert steps(caffe.convert(HEAD + text)) == expected


def test_names_with_a_slash_are_in_a_group() -> None:
    text = HEAD + layer("Convolution", "data", "c", CONV, "inception_3a/1x1")
    assert [one.path for one in caffe.convert(text).calls[0].scopes] == ["", "inception_3a"]


def test_a_training_file_reads_its_data_once() -> None:
    data = layer("Data", "", "data label", "include { phase: TRAIN }") + layer(
        "Data", "", "data label", "include { phase: TEST }"
    )
    text = data + layer("Convolution", "data", "c", CONV) + layer("SoftmaxWithLoss", "c label", "loss")
    with pytest.raises(caffe.Refused, match="say it, as CxHxW"):
        caffe.convert(text)
    trace = caffe.convert(text, (3, 8, 8))
    assert trace.calls[0].shapes == ((1, 8, 8, 8),)


@pytest.mark.parametrize(
    "data",
    [
        'type: "DummyData" dummy_data_param { num: 9 channels: 3 height: 8 width: 8 }',
        'type: "DummyData" dummy_data_param { shape { dim: 9 dim: 3 dim: 8 dim: 8 } }',
        'type: "MemoryData" memory_data_param { batch_size: 9 channels: 3 height: 8 width: 8 }',
        'type: "Input" input_param { shape { dim: 9 dim: 3 dim: 8 dim: 8 } }',
    ],
)
def test_layers_of_data_that_give_their_size(data: str) -> None:
    text = f'layer {{ name: "d" top: "x" {data} }}' + layer("Convolution", "x", "c", CONV)
    assert caffe.convert(text).calls[0].shapes == ((1, 8, 8, 8),)


def test_weights_with_a_name_are_shared() -> None:
    named = 'param { name: "w" lr_mult: 1 } param { name: "b" }'
    text = layer("Slice", "data", "one two", "axis: 1 slice_point: 2")
    for blob in ("one", "two"):
        text += layer("Convolution", blob, f"{blob}_c", f"convolution_param {{ {CONV} }} {named}")
    made = spec(layers_of(caffe.convert(HEAD + text)))
    assert "shared one_c() { conv F3 P1 K8 }" in made.text
    assert set(made.keys.values()) == {"one_c.0", "one_c.1"}
    assert made.text.endswith("expect params 152\n")


def test_maps_with_three_axes() -> None:
    text = 'input: "v" input_shape { dim: 1 dim: 1 dim: 8 dim: 8 dim: 4 }'
    text += layer("Convolution", "v", "c", "num_output: 8 kernel_size: 2 stride: 2")
    text += layer("Pooling", "c", "p", "kernel_size: 2 kernel_size: 2 kernel_size: 1 stride: 1")
    text += layer("Pooling", "p", "g", GLOBAL)
    assert steps(caffe.convert(text)) == "conv F2 S2 K8 maxpool F2x2x1 S1 ceil gap"


CFG = "[net]\nwidth=16\nheight=16\nchannels=4\n"


def section(kind: str, **keys: object) -> str:
    return f"[{kind}]\n" + "".join(f"{key}={value}\n" for key, value in keys.items())


FILTERS = section("convolutional", filters=8, size=3, pad=1, activation="leaky")
LEAKY = "conv F3 P1 K8 leaky 0.1"
CAFFE_HOLES = {
    "a bias alone": (layer("Bias", "data", "b"), ""),
    "at random": (layer("Pooling", "data", "p", "pool: STOCHASTIC kernel_size: 2 stride: 2"), "STOCHASTIC"),
    "in place": (layer("Warp", "data", "data"), "no layer of the language"),
    "a random field": (layer("MultiStageMeanfield", "data data", "p"), "random field"),
    "a threshold": (layer("Threshold", "data", "t"), "above"),
    "repeated": (layer("Tile", "data", "t", "tiles: 2"), "repeats"),
    "a sum of maps": (layer("Reduction", "data", "t", "axis: 1"), "SUM"),
    "one weight": (
        layer("Normalize", "data", "n", "channel_shared: true across_spatial: false"),
        "one weight",
    ),
    "filters at each position": (
        layer("LocalConvolution", "data", "l", f"convolution_param {{ {CONV} }}"),
        "own",
    ),
}


@pytest.mark.parametrize("name", CAFFE_HOLES)
def test_what_caffe_has_more_is_a_hole(name: str) -> None:
    text, why = CAFFE_HOLES[name]
    holes = [one for one in layers_of(caffe.convert(HEAD + text)).layers if isinstance(one, Hole)]
    assert [why in hole.why for hole in holes] == [True]


TWICE = FILTERS + FILTERS + section("shortcut", **{"from": -2, "weights_type": "per_feature"})
DARKNET: dict[str, tuple[str, str]] = {
    "convolution": (FILTERS, "conv F3 P1 K8 leaky 0.1"),
    "logistic is usual": (section("convolutional", filters=8), "conv F1 K8 sigmoid"),
    "pools": (
        section("maxpool", size=2, stride=2)
        + section("maxpool", size=3, stride=1)
        + section("maxpool", size=2, stride=1),
        "maxpool F2 maxpool F3 S1 P1 maxpool F2 S1 Psame",
    ),
    "shortcut": (
        FILTERS + FILTERS + "[shortcut]\nfrom=-2\nactivation=leaky\n",
        f"{LEAKY} add [ {LEAKY} | id ] leaky 0.1",
    ),
    "route": (
        FILTERS + "[route]\nlayers=-1\ngroups=2\ngroup_id=1\n" + "[route]\nlayers=-1,-2\n",
        f"{LEAKY} concat [ slice 4:8 | id ]",
    ),
    "gate": (
        FILTERS + "[avgpool]\n" + section("convolutional", filters=8, size=1) + "[scale_channels]\nfrom=-3\n",
        "conv F3 P1 K8 leaky 0.1 mul [ id | gap conv F1 K8 sigmoid ]",
    ),
    "end": (
        "[avgpool]\n" + section("connected", output=10, activation="linear") + "[softmax]\n[cost]\n",
        "gap fc 10 softmax",
    ),
    "upsample": (section("upsample", stride=2), "upsample 2"),
    "averages in windows": (
        section("local_avgpool", size=4, stride=4) + section("local_avgpool", size=3, stride=1),
        "avgpool F4 P1 exclude_pad avgpool F3 S1 P1 exclude_pad",
    ),
    "a weighted sum": (
        TWICE + "weights_normalization=relu\n",
        f"{LEAKY} add weighted [ {LEAKY} | id ]",
    ),
    "softmax over channels": (
        section("softmax", spatial=1, temperature=2) + "[l2norm]\n[empty]\n[contrastive]\n",
        "times 0.5 softmax l2norm",
    ),
    "crop": (
        section("crop", crop_height=12, crop_width=12) + FILTERS,
        f"crop 12 offset=2 dwconv F1 bias=[-1] weight=[2] frozen {LEAKY}",
    ),
    "crop alone": (
        section("crop", crop_height=12, crop_width=12, noadjust=1) + FILTERS,
        f"crop 12 offset=2 {LEAKY}",
    ),
    "ramp": (section("activation", activation="ramp"), "add [ relu | times 0.1 ]"),
    "a shortcut from more channels": (
        FILTERS + section("convolutional", filters=4, activation="linear") + "[shortcut]\nfrom=-2\n",
        f"{LEAKY} add [ conv F1 K4 | slice 0:4 ]",
    ),
    "a shortcut from fewer channels of a larger map": (
        section("convolutional", filters=8, stride=2, activation="relu")
        + section("convolutional", filters=16, stride=2, activation="linear")
        + "[shortcut]\nfrom=-2\nalpha=0.5\nbeta=2\n",
        "conv F1 S2 K8 relu add [ conv F1 S2 K16 times 0.5 | maxpool F1 S2 pad channels=8 times 2 ]",
    ),
    "an end that is no head": (
        FILTERS + "[yolo]\n[route]\nlayers=-1\n" + section("upsample", stride=2),
        f"out1: {LEAKY} out2: upsample 2 output @out1, @out2",
    ),
}


@pytest.mark.parametrize("name", DARKNET)
def test_darknet(name: str) -> None:
    text, expected = DARKNET[name]
    assert steps(darknet.convert(CFG + text)) == expected


def test_darknets_own_order_of_numbers() -> None:
    """[reorg]: out[k][j][i] = x'[k % c][2j + k // c // 2][2i + k // c % 2], where x' is x of c = C/4 maps
    of twice the size."""
    trace = darknet.convert("[net]\nwidth=4\nheight=6\nchannels=8\n" + section("reorg", stride=2))
    x = np.arange(8 * 6 * 4, dtype=np.float32).reshape(1, 8, 6, 4)
    read = x.reshape(2, 12, 8)
    # the output is as the input in memory, and is read with four times the channels
    memory = np.empty((8, 6, 4), np.float32)
    for k, j, i in np.ndindex(memory.shape):
        memory[k, j, i] = read[k % 2, 2 * j + k // 2 // 2, 2 * i + k // 2 % 2]
    expected = memory.reshape(1, 32, 3, 2)
    (out,) = run(trace, {}, [x])
    assert np.array_equal(out, expected)


def test_filters_of_their_own_at_each_position() -> None:
    options = {"size": 3, "stride": 1, "pad": 1, "filters": 2, "activation": "leaky"}
    trace = darknet.convert("[net]\nwidth=4\nheight=5\nchannels=3\n" + section("local", **options))
    chance = np.random.default_rng(0)
    x, bias = chance.normal(size=(1, 3, 5, 4)), chance.normal(size=(2, 5, 4))
    weight = chance.normal(size=(2, 3, 3, 3, 5, 4))
    (out,) = run(trace, {"0.weights": weight, "0.biases": bias}, [x])
    patch = np.pad(x[0], ((0, 0), (1, 1), (1, 1)))[:, 2:5, 1:4]  # at row 2, column 1
    value = (patch * weight[1, :, :, :, 2, 1]).sum() + bias[1, 2, 1]
    assert np.isclose(out[0, 1, 2, 1], value if value > 0 else 0.1 * value)


HOLES = {
    "rounded weights": (section("convolutional", filters=8, xnor=1), "rounded to −1 and 1"),
    "blurred": (section("convolutional", filters=8, size=3, stride=2, pad=1, antialiasing=1), "blurred"),
    "a blurred pool": (section("maxpool", size=2, stride=2, antialiasing=1), "blurred"),
    "over channels": (section("maxpool", maxpool_depth=1, out_channels=2), "over channels"),
    "coordinates": (section("convolutional", filters=8, coordconv=1), "coordinates"),
    "turned filters": (section("convolutional", filters=8, size=3, rotate=1), "turned"),
    "a softmax over a tree": ("[softmax]\ntree=data/9k.tree\n", "a tree"),
    "groups of a softmax": (section("softmax", groups=2), "groups"),
    "an activation": (section("convolutional", filters=8, activation="stair"), "activation stair"),
    "any weights": (TWICE, "not divided by their sum"),
    "weights of channels": (TWICE.replace("per_feature", "per_channel"), "each channel"),
    "a response norm": (section("normalization"), "a channel less"),
    "back": (section("reorg", stride=2, reverse=1), "reversed"),
}


@pytest.mark.parametrize("name", HOLES)
def test_what_the_language_does_not_have_is_a_hole(name: str) -> None:
    text, why = HOLES[name]
    holes = [one for one in layers_of(darknet.convert(CFG + FILTERS + text)).layers if isinstance(one, Hole)]
    assert [why in hole.why for hole in holes] == [True]


def test_layers_that_share_their_weights() -> None:
    """TridentNet: branches that differ in their dilation alone."""
    first = section("convolutional", filters=4, size=3, pad=1, activation="linear", batch_normalize=1)
    same = first + "share_index=0\n"
    trace = darknet.convert(CFG + first + same)
    assert {key.partition(".")[0] for key in trace.keys} == {"0"}
    assert "shared" in spec(layers_of(trace)).text
    apart = spec(layers_of(darknet.convert(CFG + first + same + "dilation=2\n")))
    assert sorted(set(apart.keys.values())) == sorted(trace.keys)
    with pytest.raises(darknet.Refused, match="it has other weights than layer 0, which it shares"):
        darknet.convert(CFG + first + section("convolutional", filters=6, size=3, share_index=0))


def test_a_dropped_block_is_named() -> None:
    trace = darknet.convert(CFG + FILTERS + section("dropout", dropblock=1) + FILTERS)
    assert trace.notes == ("[dropout] with dropblock=1 is left out: the language has no DropBlock",)


def test_a_section_with_a_capital_is_a_layer_too() -> None:
    """[Gaussian_yolo] counts: the route behind it means the layer before it."""
    heads = "[Gaussian_yolo]\nmask=0\n[route]\nlayers=-2\n"
    trace = darknet.convert(CFG + FILTERS + heads + section("upsample", stride=2))
    assert len(trace.outputs) == 2  # what the head reads, and the end
    assert [call.op for call in trace.calls] == ["conv2d", "leaky_relu", "upsample_nearest2d"]


def test_a_pool_that_is_undone() -> None:
    """SegNet's Upsample takes the places of a pool's maxima."""
    text = layer("Pooling", "data", "p m", "pool: MAX kernel_size: 2 stride: 2")
    text += layer("Convolution", "p", "c", "num_output: 4 kernel_size: 3 pad: 1")
    text += layer("BN", "c", "c", "bn_mode: INFERENCE") + layer("Upsample", "c m", "u", "scale: 2")
    assert steps(caffe.convert(HEAD + text)) == (
        "p_m: maxpool F2 ceil conv F3 P1 K4 scale bias unpool like=@p_m"
    )


def test_what_reads_a_layer_that_is_left_out_is_left_out() -> None:
    """SSD's boxes: they are no layers of the network, and what joins them is not either."""
    text = layer("Convolution", "data", "c", CONV)
    text += layer("PriorBox", "c data", "b", "") + layer("Concat", "b", "boxes", "axis: 2")
    text += layer("DetectionOutput", "c boxes", "found", "")
    assert steps(caffe.convert(HEAD + text)) == "conv F3 P1 K8"


def test_regions_are_a_hole_and_the_rest_is_there() -> None:
    text = layer("Convolution", "data", "c", CONV) + layer("Python", "c", "rois", "")
    text += 'layer { name: "r" type: "ROIPooling" bottom: "c" bottom: "rois" top: "r" '
    text += "roi_pooling_param { pooled_w: 3 pooled_h: 3 } }\n" + layer(
        "InnerProduct", "r", "f", "num_output: 5"
    )
    found = layers_of(caffe.convert(HEAD + text)).layers
    assert isinstance(found[1], Hole)
    assert found[1].shape == (8, 3, 3)
    assert found[-1].shape == (5,)


HALVED = section("maxpool", size=2, stride=2)
REFUSED: dict[str, tuple[Callable[[str], Trace], str, str]] = {
    "empty": (caffe.convert, "", "no layers"),
    "no text format": (caffe.convert, "layer { $ }", "line 1"),
    "an open bracket": (caffe.convert, HEAD + "layer { name: 'c'", "not closed"),
    "a bracket too many": (caffe.convert, HEAD + "}", "not opened"),
    "deep": (caffe.convert, "layer {" * 100_000, "deep"),
    "a value alone": (caffe.convert, "3", "no name"),
    "an unknown layer": (caffe.convert, HEAD + layer("Warp", "data", "w"), "line 4: Warp"),
    "fewer than no filters": (darknet.convert, CFG + section("conv", filters=-4), "output would be -4x16x16"),
    "a convolution with a stride of 0": (
        darknet.convert,
        CFG + section("conv", stride=0),
        "line 5: .conv.: its numbers do not fit",
    ),
    "no number of groups": (darknet.convert, CFG + section("conv", groups=0), "its numbers do not fit"),
    "a number of 5,000 digits": (
        darknet.convert,
        CFG + "[conv]\nfilters=" + "9" * 5000,
        "its filters is '9999",
    ),
    "no finite number": (darknet.convert, CFG + section("upsample", scale="inf"), "its scale is 'inf'"),
    "a crop of nothing": (darknet.convert, CFG + section("crop", crop_width=-1), "output would be 4x16x-1"),
    "digits of caffe": (
        caffe.convert,
        HEAD + layer("InnerProduct", "data", "p", "num_output: " + "9" * 5000),
        "line 4: InnerProduct p: its num_output is '9999",
    ),
    "a word for a size": (
        caffe.convert,
        HEAD + layer("Pooling", "data", "p", "kernel_size: two"),
        "is 'two'",
    ),
    "no factor": (
        caffe.convert,
        HEAD + layer("Eltwise", "data data", "s", "coeff: nan coeff: 1"),
        "is 'nan'",
    ),
    "a large window": (
        caffe.convert,
        HEAD + layer("Pooling", "data", "p", "kernel_size: 999999999"),
        "would be",
    ),
    "no axis": (caffe.convert, HEAD + layer("Permute", "data", "p", "order: 9"), "its numbers do not fit"),
    "groups of none": (caffe.convert, HEAD + layer("ShuffleChannel", "data", "s", "group: 0"), "do not fit"),
    "a high pyramid": (
        caffe.convert,
        HEAD + layer("SPP", "data", "s", "spp_param { pyramid_height: 1000000 }"),
        "higher than 16",
    ),
    "an unknown blob": (caffe.convert, HEAD + layer("ReLU", "date", "r"), "date"),
    "no kernel": (caffe.convert, HEAD + layer("Convolution", "data", "c"), "kernel_size"),
    "numbers for other axes": (
        caffe.convert,
        HEAD + layer("Convolution", "data", "c", f"{CONV} stride: 1 stride: 1 stride: 1"),
        "not for 2 axes",
    ),
    "shared weights of other shapes": (
        caffe.convert,
        HEAD
        + layer("InnerProduct", "data", "f", 'inner_product_param { num_output: 5 } param: "w"')
        + layer("InnerProduct", "f", "g", 'inner_product_param { num_output: 5 } param: "w"'),
        "'w' have another shape",
    ),
    "a word for a number": (
        caffe.convert,
        HEAD + layer("Convolution", "data", "c", "kernel_size: x"),
        "line 4",
    ),
    "a huge input": (
        caffe.convert,
        HEAD.replace("16", "9" * 30) + layer("ReLU", "data", "r"),
        "its dim is '9999",
    ),
    "no net": (darknet.convert, FILTERS, "begins with"),
    "no layer before": (darknet.convert, CFG + "[shortcut]\nfrom=-3\n", "no layer -3"),
    "an unknown section": (darknet.convert, CFG + "[warp]\n", "line 5"),
    "recurrence": (darknet.convert, "[net]\ninputs=256\n[rnn]\n", "line 3: .rnn.: a recurrent layer"),
    "an unknown activation": (darknet.convert, CFG + section("convolutional", activation="x"), "activation"),
    "no number": (darknet.convert, CFG + section("convolutional", filters="many"), "filters"),
    "a smaller map": (
        darknet.convert,
        CFG + FILTERS + HALVED + "[shortcut]\nfrom=0\n[route]\nlayers=0\n[shortcut]\nfrom=1\n",
        "a map of 8x8 to one of 16x16",
    ),
    "maps that do not fit": (
        darknet.convert,
        CFG + FILTERS + "[scale_channels]\nfrom=0\n[avgpool]\n[scale_channels]\nfrom=0\n[sam]\nfrom=-2\n",
        "multiplies a map of 8x1x1 by one of 8x16x16",
    ),
    "a stride of 0": (darknet.convert, CFG + section("maxpool", size=2, stride=0), "line 5"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_says_why(name: str) -> None:
    convert, text, says = REFUSED[name]
    with pytest.raises((caffe.Refused, darknet.Refused), match=says):
        convert(text)
