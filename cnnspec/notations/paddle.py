"""PaddlePaddle's layers."""

from cnnspec.notations.entry import Entry

IGNORED = frozenset(("name", "weight_attr", "param_attr", "data_format", "training"))
_BIAS = "weight_attr:known=None bias_attr:bias=True"
_SLIDES = "in_channels:takes out_channels:K kernel_size:F stride:S=1 padding:P=0"
_MODE = "padding_mode:='zeros'"
_POOL = "kernel_size:F stride:S=None padding:P=0"
_NORM = "num_features:takes momentum:kept=0.9 epsilon:eps=1e-5"

PADDLE = (
    Entry(
        "Conv2D(8, 16, 3, padding=1)", "conv F3 P1 K16", f"{_SLIDES} dilation:D=1 groups:G=1 {_MODE} {_BIAS}"
    ),
    Entry(
        "Conv2DTranspose(8, 4, 2, 2)",
        "deconv F2 S2 K4",
        f"{_SLIDES} output_padding:extra=0 dilation:D=1 groups:G=1 {_BIAS}",
    ),
    Entry("MaxPool2D(2)", "maxpool F2", f"{_POOL} return_mask:=False ceil_mode:ceil=False"),
    Entry("max_pool2d(2)", "maxpool F2", f"{_POOL} return_mask:=False ceil_mode:ceil=False"),
    Entry(
        "AvgPool2D(3, 2, 1)",
        "avgpool F3 S2 P1 exclude_pad",
        f"{_POOL} ceil_mode:ceil=False exclusive:left_out=True",
    ),
    Entry("AdaptiveAvgPool2D((7, 7))", "avgpool out=7x7", "output_size:out"),
    Entry("AdaptiveMaxPool2D(4)", "maxpool out=4x4", "output_size:out return_mask:=False"),
    Entry("BatchNorm2D(8)", "bn", _NORM),
    Entry("GroupNorm(4, 8)", "gn G4", "num_groups:G num_channels:takes epsilon:eps=1e-5"),
    Entry("Linear(8, 10)", "fc 10", f"in_features:takes out_features:* {_BIAS}", takes="8"),
    Entry("Flatten()", "flatten", "start_axis:=1 stop_axis:=-1"),
    Entry("flatten(x, 1)", "flatten", "x:known start_axis:=1 stop_axis:=-1"),
    Entry("reshape([-1, 400])", "flatten", "shape:rows"),
    *(
        Entry(f"{name}()", word)
        for name, word in {
            "ReLU": "relu",
            "ReLU6": "relu6",
            "Sigmoid": "sigmoid",
            "Tanh": "tanh",
            "Silu": "silu",
            "Swish": "silu",
            "Mish": "mish",
            "Hardswish": "hswish",
            "Softplus": "softplus",
        }.items()
    ),
    Entry("GELU()", "gelu", "approximate:=False"),
    Entry("LeakyReLU(0.1)", "leaky 0.1", "negative_slope:*=0.01"),
    Entry("Softmax()", "softmax", "axis:last=-1"),
    Entry("Dropout(0.25)", "dropout 0.25", "p:*=0.5"),
    Entry(
        "Upsample(scale_factor=2)", "upsample 2", "size:out=None scale_factor:factor=None mode:mode='nearest'"
    ),
)
"""Each layer: an example, its translation, its signature."""
