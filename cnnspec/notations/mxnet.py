"""The layers of MXNet: Gluon's, and those of its symbols, whose tensor is `data`."""

from cnnspec.notations.entry import Entry
from cnnspec.notations.values import Arguments

IGNORED = frozenset(
    (
        *("name", "prefix", "params", "layout", "workspace", "cudnn_tune", "cudnn_off", "dtype", "label"),
        *("weight", "bias", "weight_initializer", "bias_initializer", "in_channels", "in_units", "attr"),
    )
)
_SLIDES = "kernel_size:F strides:S=1 padding:P=0"
_LAST = "activation:then=None use_bias:bias=True"
_POOL = "pool_size:F=2 strides:S=None padding:P=0 layout:known=0 ceil_mode:ceil=False"
_NORM = "axis:over_channels=1 momentum:kept=0.9 epsilon:eps=1e-5 center:=True scale:=True"
_KERNEL = "kernel:F num_filter:K stride:S=1 dilate:D=1 pad:P=0 num_group:G=1 no_bias:no_bias=False"
_POOLING = "kernel:F pool_type:pool='max' stride:S=1 pad:P=0 pooling_convention:full='valid'"
_KEEPS = "fix_gamma:is_false eps:eps=1e-3 momentum:kept=0.9"


def _is_global(values: Arguments) -> None:
    """The window of a pool over the whole map is not used."""
    for name in ("kernel", "stride", "pad") if values.get("global_pool") in ("True", "1") else ():
        values.pop(name, None)


MXNET = (
    # --- Gluon
    Entry(
        "Conv2D(32, 3, activation='relu')",
        "conv F3 K32 -> relu",
        f"channels:K {_SLIDES} dilation:D=1 groups:G=1 layout:known=0 {_LAST}",
    ),
    Entry("MaxPool2D()", "maxpool F2", _POOL),
    Entry("AvgPool2D(3, 2, 1)", "avgpool F3 S2 P1", f"{_POOL} count_include_pad:counted=True"),
    Entry("GlobalAvgPool2D()", "gap"),
    Entry("GlobalMaxPool2D()", "gmp"),
    Entry("BatchNorm()", "bn", _NORM),
    Entry("Dense(10)", "fc 10", f"units:* {_LAST} flatten:is_true=True", takes="8"),
    Entry("Flatten()", "flatten"),
    Entry("Dropout(0.25)", "dropout 0.25", "rate:*"),
    Entry("Activation('relu')", "relu", "activation:activation"),
    Entry("LeakyReLU(0.1)", "leaky 0.1", "alpha:*"),
    # --- symbols
    Entry("sym.Convolution(kernel=(5, 5), num_filter=20)", "conv F5 K20", _KERNEL),
    Entry("sym.Pooling(kernel=(2, 2), stride=(2, 2))", "maxpool F2", _POOLING),
    Entry(
        "sym.Pooling(global_pool=True, pool_type='avg')",
        "gap",
        "global_pool:is_true pool_type:global_pool='max'",
        adjust=_is_global,
    ),
    Entry("sym.Activation(act_type='tanh')", "tanh", "act_type:activation"),
    Entry("sym.LeakyReLU(slope=0.1)", "leaky 0.1", "act_type:='leaky' slope:*=0.25"),
    Entry("sym.FullyConnected(num_hidden=10)", "fc 10", "num_hidden:* no_bias:no_bias=False", takes="8"),
    Entry("sym.BatchNorm(fix_gamma=False)", "bn eps=1e-3", _KEEPS),
    Entry(
        "sym.BatchNorm()", "bn eps=1e-3", "eps:eps=1e-3", why="its scale is fixed unless `fix_gamma=False`"
    ),
    Entry("sym.Dropout(p=0.25)", "dropout 0.25", "p:*=0.5"),
    Entry("sym.Flatten()", "flatten"),
    Entry("sym.flatten()", "flatten"),
    Entry("sym.SoftmaxOutput()", "softmax"),
    Entry("sym.softmax()", "softmax", "axis:over_channels=1"),
)
"""Each layer: an example, its translation, its signature; the reason why it is not certain."""
