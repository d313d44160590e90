"""Names in other tools, and the words for them here.

The names are those of torch, Keras, Caffe, Darknet and papers' tables. They are compared after
`suggest.fold`: without case, `_` and `-`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from cnnspec.diagnostics.suggest import fold


def _turned(words: Mapping[str, str]) -> dict[str, str]:
    return {foreign: ours for ours, text in words.items() for foreign in text.split()}


_LAYER_WORDS = {
    "conv": "conv1d conv2d conv3d convolution convolution2d convolutional convlayer cnn",
    "dwconv": "depthwiseconv2d depthwise depthwiseconv dwconv2d convdw depthwiseconvolution separableconv2d",
    "deconv": "convtranspose2d convtranspose conv2dtranspose transposedconv transposeconv tconv convt"
    " upconv deconvolution deconvolutional deconv2d",
    "fc": "linear dense innerproduct connected fullyconnected affine gemm mlp",
    "maxpool": "maxpool2d maxpooling2d maxpooling pool pooling pool2d mp",
    "avgpool": "avgpool2d averagepooling2d averagepooling averagepool avgpooling meanpool ap",
    "gap": "globalaveragepooling2d globalaveragepooling globalaveragepool globalavgpool globalavgpool2d"
    " globalpool adaptiveavgpool2d adaptiveavgpool",
    "gmp": "globalmaxpooling2d globalmaxpooling globalmaxpool adaptivemaxpool2d",
    "unpool": "maxunpool2d maxunpool unpooling maxunpooling",
    "subsample": "subsampling",
    "bn": "batchnorm batchnorm2d batchnormalization batchnormalisation norm",
    "in": "instancenorm instancenorm2d instancenormalization",
    "ln": "layernorm layernorm2d layernormalization",
    "rms": "rmsnorm rmsnorm2d rmsnormalization",
    "gn": "groupnorm groupnormalization",
    "lrn": "localresponsenorm localresponsenormalization responsenorm",
    "l2norm": "l2normalize l2normalization normalize",
    "relu": "rectifier rectifiedlinear",
    "leaky": "leakyrelu lrelu",
    "prelu": "parametricrelu",
    "silu": "swish",
    "hswish": "hardswish",
    "hsigmoid": "hardsigmoid",
    "sigmoid": "logistic sigm",
    "abs": "absval",
    "dropout": "dropout2d spatialdropout2d spatialdropout alphadropout",
    "droppath": "stochasticdepth",
    "concat": "concatenate concatenation cat route join depthconcat filterconcat",
    "add": "shortcut residual eltwise sum plus skip",
    "mul": "multiply product gate",
    "sub": "subtract minus",
    "max": "maximum",
    "id": "identity noop passthrough",
    "none": "zero nothing",
    "flatten": "flat ravel",
    "reshape": "view",
    "upsample": "upsample2d upsampling upsampling2d upsamplingbilinear2d interpolate resize upscale",
    "pixelshuffle": "depthtospace",
    "pixelunshuffle": "spacetodepth reorg",
    "shuffle": "channelshuffle shufflechannel",
    "pad": "padding zeropad zeropad2d zeropadding2d reflectionpad2d replicationpad2d",
    "crop": "cropping2d cropping centercrop",
    "slice": "split narrow chunk",
    "scale": "layerscale",
    **dict.fromkeys(
        ("softmax", "logsoftmax", "softplus", "tanh", "elu", "selu", "gelu", "mish", "relu6"), ""
    ),
}
LAYERS = _turned(_LAYER_WORDS)
"""Layers of other tools → the word for them here."""

ARGUMENTS = _turned(
    {
        "F": "kernelsize kernel ksize filtersize windowsize poolsize ks size",
        "S": "stride strides step",
        "P": "padding pad pads",
        "K": "filters outchannels outfeatures channels numoutput nfilters units output maps features planes"
        " cout outc",
        "G": "groups group cardinality numgroups",
        "D": "dilation dilations dilationrate dilate atrous",
        "eps": "epsilon",
        "ceil": "ceilmode",
        "bias": "usebias biasterm",
        "out": "outputsize outsize",
        "extra": "outputpadding",
        "init": "kernelinitializer weightfiller initializer",
        "bilinear": "linear bilinearinterpolation",
        "nearest": "neighbour nearestneighbor nearestneighbour",
        "reflect": "reflection",
        "replicate": "edge replication",
    }
)
"""Arguments of other tools → the letter or word for them here."""

UNNEEDED = {
    **dict.fromkeys(
        ("inchannels", "infeatures", "inputchannels", "inputdim", "numfeatures", "cin", "inc"),
        "leave it out: the number of input channels is known",
    ),
    **dict.fromkeys(("inplace", "name", "dataformat", "device", "dtype"), "leave it out"),
    "inputshape": "leave it out: the input line has it",
    "shape": "every size is given: `input 3x224x224`, or with a knob `let r = 224` and `input 3x(r)x(r)`",
    "activation": "write the activation as a separate step: -> relu",
    "batchnormalize": "write it as a separate step: -> bn",
    "paddingmode": "put a pad layer before it: pad 1 reflect",
    "countincludepad": "write exclude_pad to leave the padding out of the mean",
    "normalizedshape": "`ln` normalises the channels at each position, `ln all` all numbers of an image",
    "affine": "write noaffine for a norm without weights",
}
"""Arguments of other tools without a counterpart here, and what to write in place of each."""

CLAIMS = _turned(
    {
        "params": "parameters param weights numparams",
        "trainable": "trainableparams learnable",
        "macs": "mac gmacs madds multadds",
        "flops": "flop gflops",
        "layers": "depth numlayers layer",
        "field": "receptivefield receptive rf",
        "connections": "connection synapses",
        "out": "output outputs shape",
        "memory": "mem ram peakmemory activationmemory",
    }
)
"""Names of claims in other tools → the subject here."""


OF_TRAINING = (
    *("optimizer", "optimiser", "loss", "epochs", "scheduler", "momentum", "weightdecay"),
    *("lr", "learningrate", "batchsize", "metrics"),
)
NO_TRAINING = "training is not part of a spec, which only describes a network"
_WITH_AXES = re.compile(r"[A-Za-z]_?([123])[dD]$")
SHAPE_DECIDES = "a layer has as many axes as its input"


def axes_in(name: str) -> int:
    """The number of input axes in the name of another tool's layer; 0 if the name has none.

    >>> axes_in("Conv1d"), axes_in("MaxPooling3D"), axes_in("fc")
    (1, 3, 0)
    """
    match = _WITH_AXES.search(name)
    return int(match[1]) if match else 0


def layer_word(name: str) -> str | None:
    """`BatchNorm2d`, `nn.Conv2d`, `conv3_1`: the word for it here; None where there is none.

    >>> layer_word("BatchNorm2d"), layer_word("nn.Conv2d"), layer_word("conv3_1"), layer_word("wibble")
    ('bn', 'conv', 'conv', None)
    """
    plain = fold(name.rpartition(".")[2])
    bare = plain.rstrip("0123456789")
    for one in (plain, bare):
        if one in LAYERS or one in _LAYER_WORDS:
            return LAYERS.get(one, one)
    return None


MISSING = {
    **dict.fromkeys(
        ("lstm", "gru", "rnn", "convlstm", "bilstm"),
        "recurrent layers, whose output of one step is an input of the next",
    ),
    **dict.fromkeys(("embedding", "embed"), "embeddings: begin with their output, `input 300x50`"),
    **dict.fromkeys(
        ("positionalencoding", "positionembedding", "posembed", "positionalembedding"),
        "embeddings of positions; `attention relative` has weights for the distances between positions",
    ),
    **dict.fromkeys(("clstoken", "classtoken"), "class tokens: `gap` before the last `fc` takes their place"),
}
"""Layers of other tools that cannot be written."""
