"""Functions of a pasted program that make layers are blocks here, loops in them repetitions."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from tests.support import findings
from tests.targets.torch.support import built, graph_of, single_threaded

FACTORIES = """\
def conv_bn(inp, oup, stride=1):
    return nn.Sequential(
        nn.Conv2d(inp, oup, 3, stride, 1, bias=False), nn.BatchNorm2d(oup), nn.ReLU6(inplace=True)
    )

def conv_dw(inp, oup, stride):
    return nn.Sequential(
        nn.Conv2d(inp, inp, 3, stride, 1, groups=inp, bias=False),
        nn.BatchNorm2d(inp),
        nn.ReLU(inplace=True),
        nn.Conv2d(inp, oup, 1, 1, 0, bias=False),
        nn.BatchNorm2d(oup),
    )

model = nn.Sequential(
    conv_bn(3, 16, 2), conv_dw(16, 24, 1), conv_bn(24, 32),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
)
"""
STAGES = """\
def conv3x3(in_planes, out_planes, stride=1):
    return nn.Conv2d(in_planes, out_planes, kernel_size=3, stride=stride, padding=1, bias=False)

class BasicBlock(nn.Module):
    def __init__(self, inplanes, planes, stride=1):
        super().__init__()
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = nn.BatchNorm2d(planes)

    def forward(self, x):
        return F.relu(self.bn1(self.conv1(x)))

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inplanes = 8
        self.conv1 = conv3x3(3, 8)
        self.layer1 = self._make_layer(8, 2)
        self.layer2 = self._make_layer(16, 3, stride=2)
        self.fc = nn.Linear(16, 10)

    def _make_layer(self, planes, blocks, stride=1):
        layers = []
        layers.append(BasicBlock(self.inplanes, planes, stride))
        self.inplanes = planes
        for _ in range(1, blocks):
            layers.append(BasicBlock(self.inplanes, planes))
        return nn.Sequential(*layers)

    def forward(self, x):
        x = self.layer2(self.layer1(self.conv1(x)))
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        return self.fc(x)
"""
ROWS = """\
layers = [nn.Conv2d(3, 8, 3, padding=1)]
for i in range(2):
    layers += [nn.Conv2d(8, 8, 3, padding=1), nn.ReLU()]
layers += [nn.Conv2d(8, 4, 1)]
model = nn.Sequential(*layers)
"""
EXECUTED = {"functions that make layers": FACTORIES, "stages": STAGES, "rows": ROWS}


def translation(program: str) -> tuple[str, str]:
    """What the one finding shows, and its fix."""
    (found,) = [one for one in findings(program) if one.code.startswith("E")]
    return found.help, found.fix[0].text if found.fix else ""


@pytest.mark.parametrize("case", EXECUTED)
@single_threaded
def test_a_program_and_its_translation_compute_the_same(case: str) -> None:
    names: dict[str, Any] = {"nn": nn, "F": nn.functional, "torch": torch}
    torch.manual_seed(0)
    exec(EXECUTED[case], names)
    original = names["model"] if "model" in names else names["Net"]()
    shown, fix = translation(f"input 3x16x16\n{EXECUTED[case]}")
    assert fix, shown
    model = built(graph_of(f"input 3x16x16\n{fix}\n"))
    theirs, ours = original.state_dict(), model.state_dict()
    assert [one.shape for one in ours.values()] == [one.shape for one in theirs.values()]
    model.load_state_dict(dict(zip(ours, theirs.values(), strict=True)))
    images = torch.rand(2, 3, 16, 16).double()
    torch.testing.assert_close(model.double().eval()(images), original.double().eval()(images))


def test_a_stage_is_a_block_with_a_repetition() -> None:
    shown, _ = translation(f"input 3x16x16\n{STAGES}")
    assert "block make_layer(planes, blocks, stride=1) {" in shown
    assert "[BasicBlock(planes)]*(blocks - 1)" in shown
    assert "layer2: make_layer(16, 3, 2)" in shown


KERAS = """\
def block(x, f):
    x = Conv2D(f, 3, padding='same', activation='relu')(x)
    return BatchNormalization()(x)

inputs = Input((32, 32, 3))
c1 = block(inputs, 16)
for _ in range(2):
    x = block(c1, 16)
"""
UNET = """\
inputs = Input((32, 32, 3))
c1 = block(inputs, 16)
x = MaxPooling2D()(c1)
for _ in range(2):
    x = block(x, 32)
x = Conv2DTranspose(16, 2, strides=2)(x)
x = concatenate([x, c1])
outputs = Conv2D(1, 1)(x)
"""


def test_a_function_of_keras_is_a_block_without_its_tensor() -> None:
    shown, fix = translation(KERAS[: KERAS.index("inputs")] + UNET)
    assert fix
    assert shown.splitlines()[1:] == [
        "block my_block(f) {",
        "  conv F3 Psame K=f -> relu -> bn eps=1e-3 momentum=0.01",
        "}",
        "input 3x32x32",
        "c1: my_block(16)",
        "maxpool F2",
        "[my_block(32)]*2",
        "deconv F2 S2 K16",
        "concat [ id | @c1 ]",
        "conv F1 K1",
    ]


@pytest.mark.parametrize(
    ("program", "why"),
    [
        (
            STAGES.replace(
                "        self.inplanes = planes\n", "        if stride > 1:\n            stride = 2\n"
            ),
            "a loop",
        ),
        (ROWS.replace("nn.Conv2d(8, 8", "nn.Conv2d(8, 8 * i"), "a loop"),
        (KERAS, "a loop"),
        (
            STAGES.replace(
                "        x = F.adap",
                "        for _ in range(2):\n            x = self.layer2(x)\n        x = F.adap",
            ),
            "a loop",
        ),
        (
            "b = nn.ReLU()\n" + ROWS.replace("[nn.Conv2d(8, 8, 3, padding=1), nn.ReLU()]", "[b]"),
            "a loop",
        ),
        (FACTORIES.replace("stride, 1, bias=False), nn", "stride, pad, bias=False), nn"), "what `pad` is"),
    ],
)
def test_what_is_not_plain_is_explained(program: str, why: str) -> None:
    shown, fix = translation(f"input 3x16x16\n{program}".replace("input 3x16x16\ndef block", "def block"))
    assert why in shown
    assert not fix


@pytest.mark.parametrize(
    "program",
    [
        "import torch.nn as nn\nfor i in range(3):\nx = nn.Conv2d(3, 3, 3)\n",
        "def f(x=None):\n    return nn.Conv2d(3, 4, 1)(x)\ny = f(nn.Conv2d(3, 3, 1)(z))\n",
        "def f(k):\n    return f(k)\nx = nn.Sequential(f(3), nn.ReLU())\n",
        "for i in range(f(3)):\n    for j in range(2):\n        x = nn.Conv2d(3, 3, 3)(x)\n",
        "def f(x, k):\n    for i in range(k):\n        x = f(x, k)\n    return x\ny = f(z, 3)\n",
        "def f(k):\n    return nn.Conv2d(3, k, 1)\nnet = nn.Sequential(f(3), nn.ReLU?)\n",
        "def f(*k):\n    return nn.Sequential(*k)\nm = f(nn.ReLU())\n",
    ],
)
def test_odd_functions_end_in_findings(program: str) -> None:
    assert any(one.code.startswith("E") for one in findings(program))
