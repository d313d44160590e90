"""Every translation of a layer of Darknet, Caffe, a YOLO yaml and MATLAB, executed: beside it stands in torch
what the tool's own source or manual says that the layer computes.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnnspec.notations.caffe import CAFFE
from cnnspec.notations.darknet import DARKNET
from cnnspec.notations.matlab import MATLAB
from cnnspec.notations.slim import SLIM
from cnnspec.notations.yolo import YOLO
from tests.support import findings
from tests.targets.torch.support import built, graph_of, single_threaded


class Darknet(nn.Module):
    """A layer of Darknet: convolutional_layer.c, maxpool_layer.c."""

    def __init__(self, layer: nn.Module | None = None, *behind: nn.Module) -> None:
        super().__init__()
        self.layer, self.behind = layer, nn.Sequential(*behind)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.behind(self.layer(x) if self.layer is not None else x)


class Maxpool(nn.Module):
    """Its padding, size − 1 in all, begins with its smaller half; the size is rounded down."""

    def __init__(self, size: int, stride: int) -> None:
        super().__init__()
        self.size, self.stride = size, stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        padding = self.size - 1
        counts = [(side + padding - self.size) // self.stride + 1 for side in x.shape[2:]]
        padded = F.pad(x, (padding // 2, padding, padding // 2, padding), value=-torch.inf)
        return F.max_pool2d(padded, self.size, self.stride)[:, :, : counts[0], : counts[1]]


class Conv(nn.Module):
    """Ultralytics' Conv."""

    def __init__(self, c1: int, c2: int, k: int, s: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c1, c2, k, s, k // 2, bias=False)
        self.bn = nn.BatchNorm2d(c2, eps=1e-3, momentum=0.03)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.silu(self.bn(self.conv(x)))


class Bottleneck(nn.Module):
    """Ultralytics' Bottleneck, as C3 and C2f use it."""

    def __init__(self, c: int, k: int, shortcut: bool) -> None:
        super().__init__()
        self.cv1, self.cv2, self.add = Conv(c, c, k, 1), Conv(c, c, 3, 1), shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.cv2(self.cv1(x))
        return x + y if self.add else y


class C3(nn.Module):
    """Its layers in the order of the translation, not in Ultralytics'."""

    def __init__(self, c1: int, c2: int, n: int, shortcut: bool) -> None:
        super().__init__()
        c = c2 // 2
        self.cv1 = Conv(c1, c, 1, 1)
        self.m = nn.Sequential(*(Bottleneck(c, 1, shortcut) for _ in range(n)))
        self.cv2, self.cv3 = Conv(c1, c, 1, 1), Conv(2 * c, c2, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.cv3(torch.cat((self.m(self.cv1(x)), self.cv2(x)), 1))


class C2f(nn.Module):
    def __init__(self, c1: int, c2: int, n: int, shortcut: bool) -> None:
        super().__init__()
        c = c2 // 2
        self.cv1 = Conv(c1, 2 * c, 1, 1)
        self.m = nn.ModuleList(Bottleneck(c, 3, shortcut) for _ in range(n))
        self.cv2 = Conv((2 + n) * c, c2, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = list(self.cv1(x).chunk(2, 1))
        for one in self.m:
            y.append(one(y[-1]))
        return self.cv2(torch.cat(y, 1))


class SPPF(nn.Module):
    def __init__(self, c1: int, c2: int, k: int = 5) -> None:
        super().__init__()
        self.cv1, self.cv2 = Conv(c1, c1 // 2, 1, 1), Conv(c1 // 2 * 4, c2, 1, 1)
        self.m = nn.MaxPool2d(k, 1, k // 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.cv1(x)
        y1 = self.m(x)
        y2 = self.m(y1)
        return self.cv2(torch.cat((x, y1, y2, self.m(y2)), 1))


class Global(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3), keepdim=True)


class Flat(nn.Module):
    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x.flatten(1))


def conv(*behind: nn.Module, **options: int | bool) -> nn.Module:
    return Darknet(nn.Conv2d(8, 8, 3, **options), *behind)  # type: ignore[arg-type]


ENTRIES = {entry.example: entry for entry in (*DARKNET, *CAFFE, *YOLO, *MATLAB, *SLIM) if entry.here}
COMPUTES: dict[str, Callable[[], nn.Module]] = {
    "[convolutional]\nbatch_normalize=1\nfilters=8\nsize=3": lambda: conv(
        nn.BatchNorm2d(8), nn.Sigmoid(), bias=False
    ),
    "[maxpool]\nsize=3\nstride=2": lambda: Maxpool(3, 2),
    "[avgpool]": Global,
    "[connected]\noutput=10\nactivation=linear": lambda: nn.Linear(8, 10),
    "[upsample]\nstride=2": lambda: nn.Upsample(scale_factor=2),
    "[softmax]": lambda: nn.Softmax(1),
    'name: "c1" type: "Convolution" num_output: 20 kernel_size: 5': lambda: nn.Conv2d(8, 20, 5),
    'type: "Deconvolution" num_output: 2 kernel_size: 4 stride: 2': lambda: nn.ConvTranspose2d(8, 2, 4, 2),
    'type: "Pooling" pool: MAX kernel_size: 3 stride: 2': lambda: nn.MaxPool2d(3, 2, ceil_mode=True),
    'type: "Pooling" pool: AVE global_pooling: true': Global,
    'type: "InnerProduct" num_output: 10': lambda: nn.Linear(8, 10),
    'type: "LRN" local_size: 5 alpha: 0.0005': lambda: nn.LocalResponseNorm(5, 5e-4, 0.75, 1),
    'type: "BatchNorm"': lambda: nn.BatchNorm2d(8, affine=False),
    'type: "ReLU"': nn.ReLU,
    'type: "PReLU"': lambda: nn.PReLU(8),
    'type: "Sigmoid"': nn.Sigmoid,
    'type: "TanH"': nn.Tanh,
    'type: "AbsVal"': lambda: nn.LeakyReLU(-1.0),
    'type: "Softmax"': lambda: nn.Softmax(1),
    'type: "Flatten"': nn.Flatten,
    "- [-1, 1, Conv, [64, 3, 2]]": lambda: Conv(8, 64, 3, 2),
    "- [-1, 1, nn.Upsample, [None, 2, 'nearest']]": lambda: nn.Upsample(scale_factor=2, mode="nearest"),
    "convolution2dLayer(3, 8, 'Padding', 'same')": lambda: nn.Conv2d(8, 8, 3, padding="same"),
    "maxPooling2dLayer(2, 'Stride', 2)": lambda: nn.MaxPool2d(2, 2),
    "averagePooling2dLayer(2)": lambda: nn.AvgPool2d(2, 1),
    "globalAveragePooling2dLayer()": Global,
    "batchNormalizationLayer()": lambda: nn.BatchNorm2d(8),
    "reluLayer()": nn.ReLU,
    "leakyReluLayer(0.1)": lambda: nn.LeakyReLU(0.1),
    "fullyConnectedLayer(10)": lambda: nn.Linear(8, 10),
    "softmaxLayer()": lambda: nn.Softmax(1),
    "slim.conv2d(64, [3, 3], scope='conv1')": lambda: nn.Sequential(
        nn.Conv2d(8, 64, 3, padding="same"), nn.ReLU()
    ),
    "slim.max_pool2d([2, 2])": lambda: nn.MaxPool2d(2, 2),
    "slim.avg_pool2d([3, 3])": lambda: nn.AvgPool2d(3, 2),
    "slim.fully_connected(10)": lambda: nn.Sequential(nn.Linear(8, 10), nn.ReLU()),
    "slim.flatten()": nn.Flatten,
    "slim.softmax()": lambda: nn.Softmax(1),
}  # fmt: skip
RANDOM = ("dropout", "Dropout", "input", "Input", "[net]")
"""What differs from run to run, and what is no layer."""


def test_all_that_computes_is_executed() -> None:
    rest = [one for one in ENTRIES if one not in COMPUTES and not any(word in one for word in RANDOM)]
    assert rest == []


def same(here: str, takes: str, original: nn.Module) -> None:
    torch.manual_seed(0)
    model = built(graph_of(f"input {takes}\n{here}\n")).double().eval()
    theirs, ours = original.state_dict(), model.state_dict()
    assert [one.shape for one in ours.values()] == [one.shape for one in theirs.values()], here
    model.load_state_dict(dict(zip(ours, theirs.values(), strict=True)))
    x = torch.rand(2, *map(int, takes.split("x"))).double() - 0.5
    torch.testing.assert_close(model(x), original.double().eval()(x), msg=here)


@pytest.mark.parametrize("example", COMPUTES)
@single_threaded
def test_a_layer_and_its_translation_compute_the_same(example: str) -> None:
    entry = ENTRIES[example]
    same(entry.here, entry.takes, COMPUTES[example]())


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("side", [11, 12])
@single_threaded
def test_a_maxpool_of_darknet_is_the_same_or_is_not_translated(size: int, stride: int, side: int) -> None:
    spec = f"input 3x{side}x{side}\n[maxpool]\nsize={size}\nstride={stride}\n"
    (found,) = [one for one in findings(spec) if one.code == "E102"]
    if found.fix:
        same(found.fix[0].text, f"3x{side}x{side}", Maxpool(size, stride))
    else:
        assert (size, stride) not in [(2, 2), (2, 1), (3, 2)]


YAML = """\
nc: 80
depth_multiple: 0.33
width_multiple: 0.5
backbone:
  [[-1, 1, Conv, [16, 3, 2]],  # 0-P1/2
   [-1, 6, C3, [32]],
   [-1, 1, SPPF, [48, 5]],
   [-1, 3, C3, [32, False]],
   [-1, 6, C2f, [64, True]],
   [[-1, 1], 1, Concat, [1]],
   [-1, 3, C2f, [20]],  # 6
  ]
"""


class OfYaml(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [
                Conv(8, 8, 3, 2),
                C3(8, 16, 2, True),
                SPPF(16, 24),
                C3(24, 16, 1, False),
                C2f(16, 32, 2, True),
                C2f(48, 16, 1, False),
            ]
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, second, *rest, last = self.layers
        kept = x = second(first(x))
        for one in rest:
            x = one(x)
        return last(torch.cat((x, kept), 1))


@single_threaded
def test_the_modules_of_a_yaml_are_blocks_that_compute_the_same() -> None:
    (found,) = [one for one in findings(f"input 8x16x16\n{YAML}") if one.code.startswith("E")]
    assert found.fix, found.help
    same(found.fix[0].text, "8x16x16", OfYaml())


def test_the_scales_of_a_yaml_are_named() -> None:
    head = "nc: 80\nscales: # each\n  n: [0.33, 0.25, 1024]\n  s: [0.33, 0.50, 1024]\nbackbone:\n"
    rows = "  - [-1, 1, Conv, [64, 3, 2]]\n  - [-1, 6, C2f, [2048, True]]\n  - [[0, 1], 1, Detect, [nc]]\n"
    (found,) = [one for one in findings(head + rows) if one.code.startswith("E")]
    assert "conv F3 S2 P1 K16 nobias" in found.help
    assert "C2f(256, 2, 1)" in found.help
    assert "its scale `n`" in found.help
    assert "`output @a, @b` gives its inputs" in found.help
    assert found.fix == ()


CAFFE_LAYER = """\
layer {
  name: 'c1'  type: "Convolution"  # a comment: num_output: 7
  bottom: "data", top: "c1"
  param { lr_mult: 2 }
  ...
  convolution_param: < num_output: 20; kernel_size: 5; weight_filler { type: "xavier" } >
}
"""


def test_pasted_caffe_is_read_by_the_parser_of_its_format() -> None:
    """Other quotes, commas, colons before messages; three dots for what was left out."""
    (found,) = [one for one in findings(CAFFE_LAYER) if one.code == "E102"]
    assert found.help is not None
    assert "c1: conv F5 K20" in found.help
