"""What other tools call things, and how it is written here.

People come from torch, Keras, Caffe, Darknet and papers' tables, and bring their words along. Foreign
words are compared as `suggest.fold` leaves them: without case, `_` and `-`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnnspec.diagnostics.suggest import fold


def _turned(words: Mapping[str, str]) -> dict[str, str]:
    return {foreign: ours for ours, text in words.items() for foreign in text.split()}


_LAYER_WORDS = {
    "conv": "conv1d conv2d conv3d convolution convolution2d convolutional convlayer cnn",
    "dwconv": "depthwiseconv2d depthwise depthwiseconv dwconv2d convdw depthwiseconvolution",
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
        "K": "filters outchannels outfeatures channels numoutput nfilters units output maps features planes",
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
        ("inchannels", "infeatures", "inputchannels", "inputdim", "numfeatures"),
        "leave it out: the depth of what arrives is known",
    ),
    **dict.fromkeys(("inplace", "name", "dataformat", "device", "dtype"), "leave it out"),
    "inputshape": "leave it out: the input line says it",
    "activation": "write the activation as a step of its own: -> relu",
    "batchnormalize": "write it as a step of its own: -> bn",
    "paddingmode": "put a pad layer before it: pad 1 reflect",
    "countincludepad": "write exclude_pad where the padding is not to count",
    "aligncorners": "leave it out: corners are not aligned",
    "affine": "write noaffine for a norm without weights of its own",
}
"""Arguments of other tools that have no counterpart here, and what to do about each."""

CLAIMS = _turned(
    {
        "params": "parameters param weights numparams",
        "trainable": "trainableparams learnable",
        "macs": "flops mac gmacs madds multadds gflops",
        "layers": "depth numlayers layer",
        "field": "receptivefield receptive rf",
        "connections": "connection synapses",
        "out": "output outputs shape",
    }
)
"""What a claim is called elsewhere → its subject here."""


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


_ANY = "*"  # the one bare value of a layer: fc 1000, dropout 0.5
_SIGNATURES: dict[str, tuple[str, ...]] = {  # the order of torch's positional arguments; "": not written here
    "conv": ("", "K", "F", "S", "P", "D", "G"),
    "deconv": ("", "K", "F", "S", "P", "extra", "G"),
    "maxpool": ("F", "S", "P", "D"),
    "avgpool": ("F", "S", "P"),
    "fc": ("", _ANY),
    "gn": ("G",),
    **dict.fromkeys(
        ("leaky", "dropout", "droppath", "pixelshuffle", "pixelunshuffle", "upsample", "pad"), (_ANY,)
    ),
}
_KERAS_SIGNATURES: dict[str, tuple[str, ...]] = {
    "Conv2D": ("K", "F", "S", "P"),
    "Convolution2D": ("K", "F", "S", "P"),
    "Conv2DTranspose": ("K", "F", "S", "P"),
    "DepthwiseConv2D": ("F", "S", "P"),
    "Dense": (_ANY,),
    "MaxPooling2D": ("F", "S", "P"),
    "AveragePooling2D": ("F", "S", "P"),
}
_ORDER = (_ANY, "F", "S", "P", "D", "G", "K", "extra", "nobias")
_DEFAULTS = ("S1", "P0", "D1", "G1", "extra=0")


def in_our_words(
    name: str, positional: Sequence[str] = (), named: Sequence[tuple[str, str]] = ()
) -> str | None:
    """A layer as torch or Keras write it → as it is written here; None where that is not sure.

    Arguments are texts, as written.

    >>> in_our_words("Conv2d", ["3", "64", "3"], [("padding", "1"), ("bias", "False")])
    'conv F3 P1 K64 nobias'
    >>> in_our_words("Dense", ["10"], [("activation", "'softmax'")])
    'fc 10 -> softmax'
    >>> in_our_words("Conv2D", ["32", "(3, 5)"]), in_our_words("MaxPool2d", ["2"]), in_our_words("ReLU")
    ('conv F3x5 K32', 'maxpool F2', 'relu')
    """
    word = layer_word(name)
    if word is None:
        return None
    signature = _KERAS_SIGNATURES.get(name.rpartition(".")[2], _SIGNATURES.get(word, ()))
    given: dict[str, str] = {slot: value for slot, value in zip(signature, positional, strict=False) if slot}
    then = ""
    for key, value in named:
        key = fold(key)
        if key == "activation":
            activation = layer_word(value.strip("'\""))
            if activation is None:
                return None
            then = f" -> {activation}"
        elif key in ("bias", "usebias"):
            if value.lower() == "false":
                given["nobias"] = ""
        elif key in ARGUMENTS:
            slot = ARGUMENTS[key]
            given[_ANY if word == "fc" and slot == "K" else slot] = value
        elif key not in UNNEEDED:
            return None
    needed = {
        "conv": "FK",
        "deconv": "FK",
        "dwconv": "F",
        "maxpool": "F",
        "avgpool": "F",
        "fc": _ANY,
        "gn": "G",
    }
    if any(slot not in given for slot in needed.get(word, "")):
        return None
    written = [word]
    for slot in _ORDER:
        if slot in given:
            text = _argument(slot, given[slot])
            if text is None:
                return None
            if text not in _DEFAULTS:
                written.append(text)
    return " ".join(written) + then


def call_in_our_words(text: str) -> str | None:
    """The same for a call's text, from its name to its last bracket, which may be missing.

    >>> call_in_our_words("nn.Conv2d(3, 64, kernel_size=(3, 3), padding='same')")
    'conv F3 Psame K64'
    >>> call_in_our_words("x.conv(f(1)(2), *more)") is None
    True
    """
    name, bracket, inside = text.strip().partition("(")
    if not bracket or len(text) > 500:
        return None
    inside = inside.rstrip()
    parts, depth, begin = [], 0, 0
    for place, char in enumerate(inside):
        if char in ")]" and depth == 0:
            if inside[place + 1 :].strip(" ,"):
                return None  # something follows the call
            inside = inside[:place]
            break
        depth += (char in "([") - (char in ")]")
        if char == "," and depth == 0:
            parts.append(inside[begin:place])
            begin = place + 1
    parts = [part.strip() for part in (*parts, inside[begin:]) if part.strip()]
    positional = [part for part in parts if "=" not in part]
    pairs = [part.partition("=") for part in parts if "=" in part]
    return in_our_words(name.strip(), positional, [(key.strip(), value.strip()) for key, _, value in pairs])


def _argument(slot: str, value: str) -> str | None:
    """`F` and `(3, 5)` → `F3x5`; `P` and `'same'` → `Psame`; a name → `K=width`."""
    value = value.strip().strip("'\"")
    if slot == "nobias":
        return slot
    if slot == "P" and value.lower() in ("same", "valid"):
        return "Psame" if value.lower() == "same" else "P0"
    if value[:1] in ("(", "[") and value[-1:] in (")", "]") and slot in ("F", "S", "P", "D"):
        sides = [side.strip() for side in value[1:-1].split(",")]
        if len(sides) != 2 or not all(side.isdecimal() for side in sides):
            return None
        value = sides[0] if sides[0] == sides[1] else "x".join(sides)
    if not value.replace("x", "").replace(".", "").isdecimal() and not value.isidentifier():
        return None
    if slot == _ANY:
        return value
    glued = value[0].isdecimal() and len(slot) == 1
    return slot + value if glued else f"{slot}={value}"
