"""Keras's layers. Their maps have the channels last, which only changes the order of a shape."""

import re

from cnnspec.notations.entry import Entry
from cnnspec.notations.values import Arguments

_STARTS = ["kernel", "bias", "depthwise", "pointwise", "beta", "gamma", "moving_mean", "moving_variance"]
IGNORED = frozenset(
    (
        *("name", "dtype", "trainable", "input_shape", "input_dim", "batch_input_shape", "seed"),
        *(f"{what}_{how}" for what in _STARTS for how in ("initializer", "regularizer", "constraint")),
    )
)
"""Arguments of every layer that do not change the network, except the initial values of its weights."""
_FORMAT = "data_format:format=None"
_SLIDES = f"strides:S=1 padding:P='valid' {_FORMAT}"
_LAST = "activation:then=None use_bias:bias=True"
_CONV = f"filters:K kernel_size:F {_SLIDES}"
_GROUPS = f"dilation_rate:D=1 groups:G=1 {_LAST}"
_DECONV = f"{_CONV} output_padding:extra=0 dilation_rate:D=1 {_LAST}"
_DEPTH = f"dilation_rate:D=1 depth_multiplier:=1 {_LAST}"
_KERAS_1 = f"filters:K rows:known=0 columns:known=0 {_SLIDES} {_LAST} kernel_size:F"
_POOL = f"pool_size:F=2 strides:S=None padding:P='valid' {_FORMAT}"
_AVERAGE = _POOL.replace(":P", ":uncounted")
_AXIS = "axis:last=-1"
_NORM = "epsilon:eps=1e-3 center:=True scale:=True"
_KEEPS = f"{_FORMAT} keepdims:known=False"


def _rows_and_columns(values: Arguments) -> None:
    if "columns" in values:
        values["kernel_size"] = f"({values.pop('rows')},{values.pop('columns')})"


def _without_overlap(values: Arguments) -> None:
    """Filters smaller than the stride leave gaps, and the output ends with one."""
    size, stride = (re.findall("[0-9]+", values.get(name, one)) for name, one in _SIZES)
    if size and stride and "same" not in values.get("padding", ""):
        gaps = [max(int(step) - int(side), 0) for side, step in zip(size * 2, stride * 2, strict=False)]
        values.setdefault("output_padding", f"({gaps[0]}, {gaps[1]})")


_SIZES = (("kernel_size", ""), ("strides", "1"))

KERAS = (
    # --- convolution and pooling
    Entry(
        "Conv2D(32, 3, padding='same', activation='relu')", "conv F3 Psame K32 -> relu", f"{_CONV} {_GROUPS}"
    ),
    Entry("Convolution2D(32, (3, 5))", "conv F3x5 K32", f"{_CONV} {_GROUPS}"),
    Entry("Conv2DTranspose(4, 2, strides=3)", "deconv F2 S3 K4 extra=1", _DECONV, adjust=_without_overlap),
    Entry("DepthwiseConv2D(3, use_bias=False)", "dwconv F3 nobias", f"kernel_size:F {_SLIDES} {_DEPTH}"),
    Entry("SeparableConv2D(32, 3)", "dwconv F3 nobias -> conv F1 K32", f"{_CONV} {_DEPTH} +separable"),
    Entry("Conv1D(32, 3, padding='same')", "conv F3 Psame K32", f"{_CONV} {_GROUPS}", takes="8x16"),
    Entry("Conv3D(32, (1, 3, 3))", "conv F1x3x3 K32", f"{_CONV} {_GROUPS}", takes="8x5x9x9"),
    Entry("MaxPooling1D()", "maxpool F2", _POOL, takes="8x16"),
    Entry("MaxPooling3D((1, 2, 2))", "maxpool F1x2x2", _POOL, takes="8x5x8x8"),
    Entry("AveragePooling1D(2)", "avgpool F2", _AVERAGE, takes="8x16"),
    Entry("AveragePooling3D(2)", "avgpool F2", _AVERAGE, takes="8x4x8x8"),
    Entry("GlobalAveragePooling1D()", "gap", _KEEPS, takes="8x16"),
    Entry("GlobalAveragePooling3D()", "gap", _KEEPS, takes="8x4x8x8"),
    Entry("GlobalMaxPooling1D()", "gmp", _KEEPS, takes="8x16"),
    Entry("MaxPooling2D()", "maxpool F2", _POOL),
    Entry("AveragePooling2D(3, 1, 'same')", "avgpool F3 S1 Psame exclude_pad", _AVERAGE),
    Entry("GlobalAveragePooling2D()", "gap", _KEEPS),
    Entry("GlobalMaxPooling2D()", "gmp", _KEEPS),
    # --- normalisation
    Entry("BatchNormalization()", "bn eps=1e-3 momentum=0.01", f"{_AXIS} momentum:kept=0.99 {_NORM}"),
    Entry("LayerNormalization()", "ln eps=1e-3", f"{_AXIS} {_NORM}"),
    Entry("GroupNormalization(4)", "gn G4 eps=1e-3", f"groups:G=32 {_AXIS} {_NORM}"),
    # --- activations
    Entry("Activation('swish')", "silu", "activation:activation"),
    Entry("ReLU()", "relu", "max_value:ceiling=None negative_slope:=0 threshold:=0"),
    Entry("LeakyReLU(alpha=0.2)", "leaky 0.2", "alpha:*=0.3"),
    Entry("LeakyReLU()", "leaky 0.3", "negative_slope:*=0.3"),
    Entry("PReLU()", "prelu positions", "+positions"),
    Entry("PReLU(shared_axes=[1, 2])", "prelu", "shared_axes:map_axes"),
    Entry("ELU()", "elu", "alpha:*=1"),
    Entry("Softmax()", "softmax", "axis:last=-1"),
    # --- regularisation
    Entry("Dropout(0.25)", "dropout 0.25", "rate:* noise_shape:=None seed:known=None"),
    Entry("SpatialDropout2D(0.25)", "dropout 0.25 maps", f"rate:* {_FORMAT} +maps"),
    Entry("SpatialDropout1D(0.25)", "dropout 0.25 maps", "rate:* +maps", takes="8x16"),
    Entry("SpatialDropout3D(0.25)", "dropout 0.25 maps", f"rate:* {_FORMAT} +maps", takes="8x4x8x8"),
    # --- vectors and sizes
    Entry("Dense(10, activation='softmax')", "fc 10 -> softmax", f"units:* {_LAST}", takes="8"),
    Entry("Flatten()", "flatten", _FORMAT),
    Entry("Reshape((2, 4, 1))", "reshape 1x2x4", "target_shape:volume_last", takes="8"),
    Entry("UpSampling2D()", "upsample 2", f"size:*=2 {_FORMAT} interpolation:mode='nearest'"),
    Entry("ZeroPadding2D((1, 2))", "pad left=2 right=2 top=1 bottom=1", f"padding:height_width=1 {_FORMAT}"),
    Entry("InputLayer((28, 28, 1))", "input 1x28x28", "input_shape:image"),
    Entry("Input(shape=(28, 28, 1))", "input 1x28x28", "shape:image"),
)
KERAS_1 = (Entry("Convolution2D(32, 3, 5)", "conv F3x5 K32", _KERAS_1, adjust=_rows_and_columns),)
"""Each layer: an example, its translation, its signature; the reason why it has none."""
