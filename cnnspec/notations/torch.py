"""PyTorch's layers, torchvision's and timm's."""

import re

from cnnspec.notations.entry import Entry
from cnnspec.notations.values import Arguments

IGNORED = frozenset(("device", "dtype", "training"))
"""Arguments of every layer that do not change the network."""
_REST = "dilation:D=1 groups:G=1 bias:bias=True"
_CONV = "in_channels:takes out_channels:K kernel_size:F stride:S=1 padding:P=0 " + _REST
_LAZY = _CONV.removeprefix("in_channels:takes ")
_DECONV = _CONV.replace("dilation:D=1", "output_padding:extra=0") + " dilation:D=1"
_MODE = "padding_mode:='zeros'"
_POOL = "kernel_size:F stride:S=None padding:P=0"
_MAX = f"{_POOL} dilation:D=1 return_indices:=False ceil_mode:ceil=False"
_AVG = f"{_POOL} ceil_mode:ceil=False count_include_pad:counted=True divisor_override:=None"
_NORM = "num_features:takes eps:eps=1e-5 momentum:momentum=0.1 affine:affine=True track_running_stats:=True"
_ALONE = _NORM.replace("momentum:momentum", "momentum:known").replace("=True", "=False")
_AGAIN = "inplace:in_place=False"
_SIZE = "size:out=None scale_factor:factor=None"
_SCALED = f"{_SIZE} mode:interpolation='nearest' align_corners:corners=None"
_LAYER_NORM = "normalized_shape:whole eps:eps=1e-5 elementwise_affine:affine=True bias:bias=True"


def _padded_by_half(values: Arguments) -> None:
    """torchvision pads by half the filter; its convolution has a norm in place of the bias."""
    sides = [str((int(side) - 1) // 2) for side in re.findall("[0-9]+", values.get("kernel_size", "3"))]
    if values.get("padding", "None") == "None":
        values["padding"] = sides[0] if len(sides) == 1 else f"({', '.join(sides)})"
    act = values.pop("activation_layer", "nn.ReLU").rpartition(".")[2].lower()
    values["activation_layer"] = "bn" if act == "none" else f"bn_->_{act}"


TORCH = (
    # --- convolution and pooling
    Entry("Conv2d(8, 16, (3, 5), 2, bias=False)", "conv F3x5 S2 K16 nobias", f"{_CONV} {_MODE}"),
    Entry("Conv1d(8, 64, 3)", "conv F3 K64", f"{_CONV} {_MODE}", takes="8x16"),
    Entry("Conv3d(8, 64, (1, 3, 3))", "conv F1x3x3 K64", f"{_CONV} {_MODE}", takes="8x5x9x9"),
    Entry("ConvTranspose2d(8, 4, 3, 2, output_padding=1)", "deconv F3 S2 K4 extra=1", f"{_DECONV} {_MODE}"),
    Entry("ConvTranspose1d(8, 4, 2, 2)", "deconv F2 S2 K4", f"{_DECONV} {_MODE}", takes="8x16"),
    Entry("ConvTranspose3d(8, 4, 2, 2)", "deconv F2 S2 K4", f"{_DECONV} {_MODE}", takes="8x5x9x9"),
    Entry("LazyConv2d(16, (3, 5), 2, bias=False)", "conv F3x5 S2 K16 nobias", f"{_LAZY} {_MODE}"),
    Entry("LazyConv1d(64, 3)", "conv F3 K64", f"{_LAZY} {_MODE}", takes="8x16"),
    Entry(
        "Conv2dNormActivation(8, 16, stride=2)",
        "conv F3 S2 P1 K16 nobias -> bn -> relu",
        "in_channels:takes out_channels:K kernel_size:F=3 stride:S=1 padding:P=0 groups:G=1 norm_layer:=None "
        "activation_layer:steps dilation:=1 inplace:known=True bias:=None +nobias",
        adjust=_padded_by_half,
    ),
    Entry("MaxPool2d(2, stride=1)", "maxpool F2 S1", _MAX),
    Entry("MaxPool1d(2)", "maxpool F2", _MAX, takes="8x16"),
    Entry("MaxPool3d((1, 2, 2))", "maxpool F1x2x2", _MAX, takes="8x5x8x8"),
    Entry("AvgPool2d(3, 2, 1, count_include_pad=False)", "avgpool F3 S2 P1 exclude_pad", _AVG),
    Entry("AvgPool1d(2)", "avgpool F2", _AVG, takes="8x16"),
    Entry("AvgPool3d(2)", "avgpool F2", _AVG, takes="8x4x8x8"),
    Entry("AdaptiveAvgPool1d(4)", "avgpool out=4", "output_size:out_of_1", takes="8x16"),
    Entry("AdaptiveAvgPool3d((2, 4, 4))", "avgpool out=2x4x4", "output_size:out_of_3", takes="8x4x8x8"),
    Entry(
        "AdaptiveMaxPool1d(4)", "maxpool out=4", "output_size:out_of_1 return_indices:=False", takes="8x16"
    ),
    Entry(
        "AdaptiveMaxPool3d(2)",
        "maxpool out=2x2x2",
        "output_size:out_of_3 return_indices:=False",
        takes="8x4x8x8",
    ),
    Entry("AdaptiveAvgPool2d((7, 7))", "avgpool out=7x7", "output_size:out"),
    Entry("AdaptiveMaxPool2d(4)", "maxpool out=4x4", "output_size:out return_indices:=False"),
    # --- normalisation
    Entry("BatchNorm2d(8, eps=1e-3)", "bn eps=1e-3", _NORM),
    Entry("LazyBatchNorm2d()", "bn", _NORM.removeprefix("num_features:takes ")),
    Entry("BatchNorm1d(8)", "bn", _NORM, takes="8"),
    Entry("BatchNorm3d(8)", "bn", _NORM, takes="8x4x8x8"),
    Entry("SyncBatchNorm(8)", "bn", _NORM),
    Entry("InstanceNorm2d(8)", "in noaffine", _ALONE),
    Entry("InstanceNorm1d(8)", "in noaffine", _ALONE, takes="8x16"),
    Entry("InstanceNorm3d(8)", "in noaffine", _ALONE, takes="8x4x8x8"),
    Entry("LayerNorm([8, 16, 16])", "ln all", _LAYER_NORM),
    Entry("LayerNorm2d(8, eps=1e-6)", "ln eps=1e-6", "num_channels:takes eps:eps=1e-6"),  # timm's
    Entry("LayerNorm2d(8, eps=1e-5)", "ln", "num_channels:takes eps:eps=1e-5"),  # torchvision's
    Entry("GroupNorm(4, 8)", "gn G4", "num_groups:G num_channels:takes eps:eps=1e-5 affine:affine=True"),
    Entry("LocalResponseNorm(5, k=2)", "lrn size=5 k=2", "size:size alpha:alpha=1e-4 beta:beta=0.75 k:k=1"),
    # --- activations
    Entry("ReLU(inplace=True)", "relu", _AGAIN),
    Entry("ReLU6()", "relu6", _AGAIN),
    Entry("LeakyReLU(0.2)", "leaky 0.2", f"negative_slope:*=0.01 {_AGAIN}"),
    Entry("PReLU()", "prelu one", "num_parameters:slopes=1 init:=0.25"),
    Entry("ELU(alpha=0.5)", "elu 0.5", f"alpha:*=1 {_AGAIN}"),
    Entry("SELU()", "selu", _AGAIN),
    Entry("GELU()", "gelu", "approximate:='none'"),
    Entry("SiLU()", "silu", _AGAIN),
    Entry("Mish()", "mish", _AGAIN),
    Entry("Hardswish()", "hswish", _AGAIN),
    Entry("Hardsigmoid()", "hsigmoid", _AGAIN),
    Entry("Sigmoid()", "sigmoid"),
    Entry("Tanh()", "tanh"),
    Entry("Softplus()", "softplus", "beta:=1 threshold:=20"),
    Entry("Softmax(dim=1)", "softmax", "dim:over_channels=None"),
    Entry("Softmax2d()", "softmax"),
    Entry("LogSoftmax(dim=1)", "logsoftmax", "dim:over_channels=None"),
    # --- regularisation
    Entry("Dropout(0.3)", "dropout 0.3", f"p:*=0.5 {_AGAIN}"),
    Entry("Dropout2d(0.3)", "dropout 0.3 maps", f"p:*=0.5 {_AGAIN} +maps"),
    Entry("Dropout1d(0.3)", "dropout 0.3 maps", f"p:*=0.5 {_AGAIN} +maps", takes="8x16"),
    Entry("Dropout3d(0.3)", "dropout 0.3 maps", f"p:*=0.5 {_AGAIN} +maps", takes="8x4x8x8"),
    Entry("StochasticDepth(0.2, 'row')", "droppath 0.2", "p:* mode:='row'"),
    Entry("DropPath(0.2)", "droppath 0.2", "drop_prob:*=0 scale_by_keep:=True"),
    # --- vectors and sizes
    Entry("Linear(8, 10)", "fc 10", "in_features:takes out_features:* bias:bias=True", takes="8"),
    Entry("LazyLinear(10)", "fc 10", "out_features:* bias:bias=True", takes="8"),
    Entry("Flatten()", "flatten", "start_dim:=1 end_dim:=-1"),
    Entry("flatten(x, 1)", "flatten", "input:known start_dim:=1"),
    Entry("view(-1, 400)", "flatten", "batch:batch size:takes"),
    Entry("reshape(-1, 400)", "flatten", "batch:batch size:takes"),
    Entry("Unflatten(1, (2, 2, 4))", "reshape 2x2x4", "dim:=1 unflattened_size:volume", takes="16"),
    Entry("Identity()", "id"),
    Entry("Upsample(size=(11, 11))", "upsample out=11x11", _SCALED),
    Entry("Upsample(None, 2, 'bicubic', True)", "upsample 2 bicubic corners", _SCALED),
    Entry("UpsamplingNearest2d(scale_factor=2)", "upsample 2", _SIZE),
    Entry("UpsamplingBilinear2d(9)", "upsample out=9x9 bilinear corners", f"{_SIZE} +bilinear +corners"),
    Entry("PixelShuffle(2)", "pixelshuffle 2", "upscale_factor:*"),
    Entry("PixelUnshuffle(2)", "pixelunshuffle 2", "downscale_factor:*"),
    Entry("ChannelShuffle(2)", "shuffle G2", "groups:G"),
    Entry("ZeroPad2d((1, 0, 2, 3))", "pad left=1 right=0 top=2 bottom=3", "padding:sides"),
    Entry("ZeroPad1d((1, 2))", "pad left=1 right=2", "padding:sides_of_1", takes="8x16"),
    Entry("ZeroPad3d(1)", "pad 1", "padding:sides_of_3", takes="8x4x8x8"),
    Entry("ReflectionPad2d(1)", "pad 1 reflect", "padding:sides +reflect"),
    Entry("ReflectionPad1d(2)", "pad 2 reflect", "padding:sides_of_1 +reflect", takes="8x16"),
    Entry("ReflectionPad3d(1)", "pad 1 reflect", "padding:sides_of_3 +reflect", takes="8x4x8x8"),
    Entry("ReplicationPad1d(1)", "pad 1 replicate", "padding:sides_of_1 +replicate", takes="8x16"),
    Entry("ReplicationPad3d(2)", "pad 2 replicate", "padding:sides_of_3 +replicate", takes="8x4x8x8"),
    Entry("ReplicationPad2d(1)", "pad 1 replicate", "padding:sides +replicate"),
)
"""Each layer: an example, its translation, its signature; the reason why it has none; a shape that it
accepts."""
