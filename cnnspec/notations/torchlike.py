"""Layers of tools that have PyTorch's layers, and of each a few of its own: MLX, tinygrad, fastai."""

import re

from cnnspec.notations.entry import Entry
from cnnspec.notations.torch import TORCH
from cnnspec.notations.values import Arguments

_BATCH = "eps:eps=1e-5 momentum:momentum=0.1 affine:affine=True track_running_stats:=True"
_POOL = "kernel_size:F=2 stride:S=None dilation:D=1 padding:P=0"
_FLAT = (
    Entry("reshape((-1, 400))", "flatten", "shape:rows"),
    Entry("flatten(1)", "flatten", "start:=1"),
)


def _half(values: Arguments) -> None:
    """fastai pads by half the filter, and leaves the bias to the norm."""
    size = values.get("ks", "3")
    sides = [str((int(side) - 1) // 2) for side in re.findall("[0-9]+", size)]
    values.setdefault("padding", sides[0] if len(sides) == 1 else f"({', '.join(sides)})")
    act = values.pop("act_cls", "nn.ReLU").rpartition(".")[2]
    values["act_cls"] = {"None": "bn", "defaults.activation": "bn_->_relu"}.get(act, f"bn_->_{act.lower()}")


def _torch_without(*names: str) -> tuple[Entry, ...]:
    """PyTorch's layers but those that mean something else in the tool."""
    return tuple(entry for entry in TORCH if entry.example.partition("(")[0] not in names)


MLX = (
    *_torch_without("GroupNorm", "Upsample"),
    Entry(
        "GroupNorm(4, 8, pytorch_compatible=True)",  # otherwise a group is every 4th channel
        "gn G4",
        "num_groups:G dims:takes eps:eps=1e-5 affine:affine=True pytorch_compatible:is_true=False",
    ),
    Entry("Upsample(2)", "upsample 2", "scale_factor:factor mode:mode='nearest' align_corners:=False"),
    Entry("BatchNorm(8)", "bn", f"num_features:takes {_BATCH}"),
    Entry("LayerNorm(8)", "ln", "dims:takes eps:eps=1e-5 affine:affine=True bias:bias=True"),
    *_FLAT,
)
TINYGRAD = (
    *_torch_without("GELU"),
    Entry("gelu()", "gelu", why="in tinygrad it is the approximation by tanh"),
    Entry("BatchNorm(8)", "bn", f"num_features:takes {_BATCH}"),
    Entry("max_pool2d()", "maxpool F2", _POOL),
    Entry("avg_pool2d()", "avgpool F2", _POOL.replace("dilation:D", "dilation:")),
    *_FLAT,
)
FASTAI = (
    *TORCH,
    Entry(
        "ConvLayer(8, 16, stride=2)",
        "conv F3 S2 P1 K16 nobias -> bn -> relu",
        "ni:takes nf:K ks:F=3 stride:S=1 padding:P=0 bias:=None +nobias act_cls:steps",
        adjust=_half,
    ),
    Entry("AdaptiveAvgPool()", "gap", "sz:is_true=1"),
    Entry("AvgPool()", "avgpool F2", "ks:F=2 stride:S=None padding:P=0"),
    Entry("MaxPool()", "maxpool F2", "ks:F=2 stride:S=None padding:P=0"),
)
"""Each layer: an example, its translation, its signature."""
