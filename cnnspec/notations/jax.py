"""The layers of Flax and of Haiku. Their maps have the channels last; a convolution is padded by default."""

from cnnspec.notations.entry import Entry

IGNORED = frozenset(
    (
        *("name", "dtype", "param_dtype", "precision", "rngs", "seed", "train", "training", "is_training"),
        *("kernel_init", "bias_init", "scale_init", "w_init", "b_init", "use_running_average"),
        *("deterministic", "axis_name", "data_format"),
    )
)
_BIAS = "use_bias:bias=True"
_SLIDES = "kernel_size:F strides:S=1 padding:sides_alike='SAME'"
_GROUPS = f"input_dilation:=1 kernel_dilation:D=1 feature_group_count:G=1 {_BIAS}"
_POOL = "window_shape:F strides:S=1 padding:P='VALID'"
_BATCH = "momentum:kept=0.99 epsilon:eps=1e-5 use_bias:=True use_scale:=True"
_NORM = "epsilon:eps=1e-6 use_bias:=True use_scale:=True"
_HK_POOL = "window_shape:F strides:S padding:P"
_TANH = "it is an approximation of it unless `approximate=False`"
_FUNCTIONS = (
    *(Entry(f"{word}()", word) for word in ("relu", "relu6", "sigmoid", "tanh", "selu", "silu", "softplus")),
    Entry("swish()", "silu"),
    Entry("leaky_relu()", "leaky", "negative_slope:*=0.01"),
    Entry("elu()", "elu", "alpha:*=1"),
    Entry("gelu()", "gelu", "approximate:is_true=True", why=_TANH),
    Entry("gelu(approximate=False)", "gelu", "approximate:is_false"),
    Entry("softmax()", "softmax", "axis:last=-1"),
    Entry("log_softmax()", "logsoftmax", "axis:last=-1"),
    Entry("reshape((-1, 400))", "flatten", "shape:rows"),
    Entry("reshape(-1, 400)", "flatten", "batch:batch size:takes"),
    Entry("mean(axis=(1, 2))", "gap", "axis:map_axes"),
)

FLAX = (
    Entry("Conv(32, (3, 3))", "conv F3 Psame K32", f"features:K {_SLIDES} {_GROUPS}"),
    Entry("ConvTranspose(8, (2, 2), 2)", "deconv F2 S2 Psame K8", f"features:K {_SLIDES} {_BIAS}"),
    Entry("Dense(10)", "fc 10", f"features:* {_BIAS}", takes="8"),
    Entry("BatchNorm(False)", "bn momentum=0.01", f"use_running_average:known=None axis:last=-1 {_BATCH}"),
    Entry("LayerNorm()", "ln eps=1e-6", _NORM),
    Entry("GroupNorm(4)", "gn G4 eps=1e-6", f"num_groups:G=32 group_size:=None {_NORM}"),
    Entry("Dropout(0.25)", "dropout 0.25", "rate:*"),
    Entry("max_pool((2, 2), (2, 2))", "maxpool F2", _POOL),
    Entry("avg_pool((3, 3), (2, 2))", "avgpool F3 S2", f"{_POOL} count_include_pad:counted=True"),
    Entry(
        "nnx.Conv(8, 32, (3, 3))",
        "conv F3 Psame K32",
        f"in_features:takes out_features:K {_SLIDES} {_GROUPS}",
    ),
    Entry("nnx.Linear(8, 10)", "fc 10", f"in_features:takes out_features:* {_BIAS}", takes="8"),
    Entry("nnx.BatchNorm(8)", "bn momentum=0.01", f"num_features:takes {_BATCH}"),
    Entry("nnx.LayerNorm(8)", "ln eps=1e-6", f"num_features:takes {_NORM}"),
    Entry("nnx.GroupNorm(8, 4)", "gn G4 eps=1e-6", f"num_features:takes num_groups:G=32 {_NORM}"),
    *_FUNCTIONS,
)
HAIKU = (
    Entry(
        "Conv2D(32, 3)",
        "conv F3 Psame K32",
        "output_channels:K kernel_shape:F stride:S=1 rate:D=1 padding:P='SAME' with_bias:bias=True",
    ),
    Entry("Linear(10)", "fc 10", "output_size:* with_bias:bias=True", takes="8"),
    Entry("Flatten()", "flatten"),
    Entry("MaxPool(2, 2, 'SAME')", "maxpool F2 Psame", _HK_POOL),
    Entry("AvgPool(2, 2, 'VALID')", "avgpool F2", _HK_POOL.replace(":P", ":uncounted")),
    Entry(
        "BatchNorm(True, True, 0.9)",
        "bn",
        "create_scale:=True create_offset:=True decay_rate:kept eps:eps=1e-5",
    ),
    *_FUNCTIONS,
)
"""Each layer: an example, its translation, its signature; the reason why it is not certain."""
