"""A pasted program is one finding that shows the whole in this language; its contradictions are others."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest
import torch
from torch import nn

from cnnspec.diagnostics import Diagnostic
from tests.support import findings
from tests.targets.torch.support import built, graph_of, single_threaded

NET = """\
import torch.nn as nn
import torch.nn.functional as F

class Net(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)  # 28x28
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, classes)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = x.view(-1, 16 * 5 * 5)
        x = F.relu(self.fc1(x))
        return self.fc2(x)

net = Net()
"""
SEQUENTIAL = """\
model = nn.Sequential(
    nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(inplace=True),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(16 * 16 * 16, 10),
)
"""
NAMED = """\
model = nn.Sequential(OrderedDict([
    ('conv1', nn.Conv2d(3, 20, 5)),
    ('relu1', nn.ReLU()),
    ('conv2', nn.Conv2d(20, 64, 5)),
]))
"""
FUNCTIONAL = """\
inputs = keras.Input(shape=(32, 32, 3))
x = layers.Conv2D(32, 3, activation="relu")(inputs)
first = layers.MaxPooling2D(3)(x)
x = layers.Conv2D(32, 3, activation="relu", padding="same")(first)
x = layers.Conv2D(32, 3, padding="same")(x)
x = layers.add([x, first])
x = layers.GlobalAveragePooling2D()(x)
outputs = layers.Dense(10)(x)
model = keras.Model(inputs, outputs, name="toy")
"""
ADDED = """\
model = Sequential()
model.add(Conv2D(32, (3, 3), activation='relu', input_shape=(32, 32, 3)))
model.add(MaxPooling2D((2, 2)))
model.add(Flatten())
model.add(Dense(10, activation='softmax'))
model.compile(optimizer='adam')
"""
PRINTED = """\
Sequential(
  (conv1): Conv2d(3, 20, kernel_size=(5, 5), stride=(1, 1))
  (1): BatchNorm2d(20, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
  (2): ReLU(inplace=True)
  (3): Sequential(
    (0): Conv2d(20, 64, kernel_size=(1, 1), stride=(1, 1), bias=False)
    (1): LeakyReLU(negative_slope=0.1)
  )
)
"""
SKIP = """\
def forward(self, x):
    y = F.relu(self.bn(x))
    return torch.cat([x, F.max_pool2d(y, 3, 1, 1)], dim=1) + x
"""
MATLAB = """\
layers = [
    imageInputLayer([32 32 3])
    convolution2dLayer(5,20,'Padding','same')
    reluLayer
    maxPooling2dLayer(2,'Stride',2)
    fullyConnectedLayer(10)
    softmaxLayer
    classificationLayer];
"""
POSITIONS = """\
model = keras.Sequential([
    layers.Conv2D(8, 3),
    layers.Dense(4, activation="relu"),
    layers.GlobalMaxPooling2D(),
    layers.Dense(2),
])
"""
PROGRAMS = {
    "MATLAB": (MATLAB, "MATLAB", "conv F5 Psame K20 -> relu -> maxpool F2\nflatten -> fc 10 -> softmax"),
    "Keras, at each position": (POSITIONS, "Keras", "conv F3 K8\nconv F1 K4 -> relu\ngmp\nfc 2"),
    "a class": (NET, "PyTorch", """\
conv1: conv F5 K6
relu -> maxpool F2
conv2: conv F5 K16
relu -> maxpool F2
flatten
fc1: fc 120
relu
fc2: fc 10"""),
    "nn.Sequential": (SEQUENTIAL, "PyTorch", "conv F3 P1 K16 -> bn -> relu -> maxpool F2\nflatten\nfc 10"),
    "names": (NAMED, "PyTorch", "conv1: conv F5 K20\nrelu\nconv2: conv F5 K64"),
    "Keras, functional": (FUNCTIONAL, "Keras", """\
first: conv F3 K32 -> relu -> maxpool F3
conv F3 Psame K32 -> relu
conv F3 Psame K32
add [ id | @first ]
gap
fc 10"""),
    "Keras, added": (ADDED, "Keras", "conv F3 K32 -> relu -> maxpool F2\nflatten\nfc 10 -> softmax"),
    "print(model)": (PRINTED, "PyTorch", "conv1: conv F5 K20\nbn -> relu\nconv F1 K64 nobias -> leaky 0.1"),
}  # fmt: skip


BLOCKS = """\
class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        width = 8
        self.features = nn.Sequential(
            nn.Conv2d(3, width, 3, padding=1),
            nn.PReLU(),
            nn.Upsample(scale_factor=2),
        )
        self.left = nn.Conv2d(width, width * 2, kernel_size=(1, 3), padding=(0, 1), bias=False)
        self.right = nn.ConvTranspose2d(width, width * 2, 3, padding=1)
        self.norm = nn.InstanceNorm2d(32)
        self.dropout = nn.Dropout(0.5)
        self.out = nn.Linear(in_features=32 + 3, out_features=10)

    def forward(self, images):
        x = self.features(images)
        skip = F.max_pool2d(x, 2, stride=1)
        left, right = self.left(skip), 0
        right = torch.sigmoid(self.right(skip))
        x = self.norm(torch.cat([left, right], dim=1))
        x = F.adaptive_avg_pool2d(x, (16, 16))
        small = F.avg_pool2d(images, 2)
        x = torch.cat((x, small), 1)
        x = x * torch.tanh(x) - x
        x = F.adaptive_avg_pool2d(F.leaky_relu(x, 0.1), 1)
        x = self.dropout(x.flatten(1))
        return F.log_softmax(self.out(x), dim=1)
"""
RESIDUAL = """\
import torch

class BasicBlock(nn.Module):
    groups = 2

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, groups=self.groups)
        self.down = Down(in_planes, planes, kernel=1, stride=stride)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.conv2(out)
        out += self.down(x)
        return F.relu(out)

class Down(nn.Module):
    def __init__(self, cin, cout, stride, kernel=3):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(cin, cout, kernel, stride, kernel // 2), nn.BatchNorm2d(cout))

    def forward(self, x):
        return self.body(x)

class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, padding=1)
        self.layer1 = BasicBlock(width, width)
        self.layer2 = BasicBlock(width, 2 * width, 2)
        self.layer3 = nn.Sequential(BasicBlock(16, 16), BasicBlock(16, planes=24, stride=2))
        self.down = Down(24, 32, 2)
        self.fc = nn.Linear(32, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = self.layer3(self.layer2(self.layer1(x)))
        x = F.adaptive_avg_pool2d(self.down(x), 1)
        return self.fc(torch.flatten(x, 1))

if __name__ == "__main__":
    print(Net())
"""
UNET = """\
class DoubleConv(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.double_conv = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, x):
        return self.double_conv(x)


class Net(nn.Module):
    def __init__(self, n_channels=3, n_classes=2):
        super(Net, self).__init__()
        self.inc = DoubleConv(n_channels, 16)
        self.down = nn.MaxPool2d(2)
        self.mid = DoubleConv(16, 32)
        self.up = nn.ConvTranspose2d(32, 16, kernel_size=2, stride=2)
        self.dec = DoubleConv(32, 16)
        self.outc = nn.Conv2d(16, n_classes, kernel_size=1)

    def forward(self, x):
        x1 = self.inc(x)
        x2 = self.mid(self.down(x1))
        x = self.up(x2)
        x = torch.cat([x1, x], dim=1)
        x = self.dec(x)
        return self.outc(x)
"""
EXECUTED = {
    "a class": NET,
    "nn.Sequential": SEQUENTIAL,
    "names": NAMED,
    "many forms": BLOCKS,
    "blocks in blocks": RESIDUAL,
    "blocks": UNET,
}


def errors(text: str) -> list[Diagnostic]:
    return [one for one in findings(text) if one.code.startswith("E")]


@pytest.mark.parametrize("case", PROGRAMS)
def test_a_program_is_one_finding_and_its_fix_writes_it(case: str) -> None:
    program, tool, here = PROGRAMS[case]
    spec = f"input 3x32x32\n{program}"
    (found,) = errors(spec)
    assert found.code == "E102"
    assert tool in found.message
    assert found.help == f"in this language it is:\n{here}"
    (edit,) = found.fix
    assert edit.text == here
    assert found.safe
    mended = spec[: edit.span.start] + edit.text + spec[edit.span.end :]
    assert errors(mended) == []


@pytest.mark.parametrize("case", ["Keras, functional", "Keras, added"])
def test_an_input_of_the_program_is_taken_where_the_spec_has_none(case: str) -> None:
    program, _, here = PROGRAMS[case]
    (found,) = errors(program)
    assert found.fix[0].text.replace("inputs: ", "") == f"input 3x32x32\n{here}"


@pytest.mark.parametrize(
    ("program", "size", "said"),
    [
        (NET, 36, ("400", "576")),
        (SEQUENTIAL, 36, ("4,096", "5,184")),
        (PRINTED.replace("(0): Conv2d(20,", "(0): Conv2d(24,"), 32, ("24", "20")),
        (ADDED, 36, ("3x32x32", "3x36x36")),
    ],
)
def test_a_number_that_contradicts_the_network_is_named_with_the_other_and_there_is_no_fix(
    program: str, size: int, said: tuple[str, str]
) -> None:
    found = errors(f"input 3x{size}x{size}\n{program}")
    (against,) = [one for one in found if one.code == "E502"]
    assert all(number in against.message for number in said)
    assert all(one.fix == () for one in found)


@pytest.mark.parametrize(
    ("program", "why"),
    [
        (NET[: NET.index("    def forward")], "in which order its layers are used"),
        (PRINTED.replace("Sequential(\n  (conv1)", "Net(\n  (conv1)"), "in which order its layers are used"),
        (SEQUENTIAL.replace("nn.Flatten()", "Gate(4)"), "# Gate(4): no layer `Gate` is known"),
        (NET.replace("nn.MaxPool2d(2, 2)", "nn.LSTM(6, 2)"), "(6, 2): the language has no recurrent layers"),
        (FUNCTIONAL.replace("layers.add", "layers.average"), "# layers.average([x, first]): what"),
        (NET + NET[NET.index("class Net") :].replace("class Net", "class Other"), "several networks"),
        (SKIP.replace("return", "for i in range(3): x = self.conv1(x)\n    return"), "a loop"),
    ],
)
def test_what_is_not_certain_is_explained_and_there_is_no_fix(program: str, why: str) -> None:
    found = errors(f"input 3x32x32\n{program}")
    assert [one.code for one in found] == ["E102"]
    assert why in found[0].help
    assert found[0].fix == ()


def test_the_rest_of_the_spec_is_checked_with_what_the_program_gives() -> None:
    found = errors(f"input 3x32x32\n{PRINTED}maxpool F2 => 64x15x15\nconv F3 P1 K8 => 8x14x14\n")
    assert [(one.code, one.span.start > 100) for one in found] == [("E102", False), ("E501", True)]


@pytest.mark.parametrize("case", EXECUTED)
@single_threaded
def test_a_program_and_its_translation_compute_the_same(case: str) -> None:
    program = EXECUTED[case]
    names: dict[str, Any] = {"nn": nn, "F": nn.functional, "torch": torch, "OrderedDict": OrderedDict}
    torch.manual_seed(0)
    exec(program, names)
    original = names["model"] if "model" in names else names["Net"]()
    (found,) = errors(f"input 3x32x32\n{program}")
    assert found.fix, found.help
    model = built(graph_of(f"input 3x32x32\n{found.fix[0].text}\n"))
    theirs, ours = original.state_dict(), model.state_dict()
    assert [one.shape for one in ours.values()] == [one.shape for one in theirs.values()]
    model.load_state_dict(dict(zip(ours, theirs.values(), strict=True)))
    images = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(
        model.double().eval()(images.double()), original.double().eval()(images.double())
    )


HOSTILE = {
    "doubling": "a0 = nn.ReLU()\n" + "".join(f"a{i + 1} = nn.Sequential(a{i}, a{i})\n" for i in range(60)),
    "nested": "a0 = nn.ReLU()\n" + "".join(f"a{i + 1} = nn.Sequential(a{i})\n" for i in range(1500)),
    "brackets": "x = nn.Sequential(" * 2000 + "nn.ReLU()" + ")" * 2000,
    "a long sum": f"x = {'+'.join('x' * 10_000)}\n",
    "signs": f"x = {'-' * 20_000}x\n",
    "digits": f"x = nn.Conv2d({'9' * 6000}, 3, 3)\n",
    "a Scale alone": 'layer { type: "Scale" bottom: "x" scale_param { bias_term: true } }',
    "an input and a sum": "x = Input((8, 8, 3))\ny = Dense(3)(z)\nw = Add()([z, y])\nv = ReLU()(w)\n",
    "carriage returns": "x = nn.Sequential(\rnn.ReLU(),\rnn.ReLU(), nn.Conv2d(3,\r3, 3))\r",
    "commas for numbers": "conv2d (Conv2D)  (None, , )  ,\nconv2d (Conv2D)  (None, 3, 3, 3)  ,\n",
    "a null byte": "x = nn.Conv2d(3, 3, 3)\0(x)\n" * 3,
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_program_ends_in_findings(case: str) -> None:
    assert errors(f"input 3x32x32\n{HOSTILE[case]}")


def test_lines_of_another_notation_in_a_row_are_one_finding() -> None:
    (found,) = errors("input 3x32x32\nConv 3x3, 8\npool/2\nmaxpool 2x2\n3x3 conv. 16\nrelu\n")
    assert found.help.splitlines()[1:] == ["conv F3 K8 -> maxpool F2 -> maxpool F2", "conv F3 K16"]


@pytest.mark.parametrize(
    ("before", "program", "here", "sure"),
    [
        (
            "let k = 8\n",
            "x = Conv2D(k, 3)(x)\nx = Conv2D(2 * k, 3)(x)\nx = ReLU()(x)\n",
            "conv F3 K=2*k -> relu",
            True,
        ),
        (
            "",
            "x = Conv2D(k, 3)(x)\nx = Conv2D(2 * k, 3)(x)\nx = ReLU()(x)\n",
            "what `k` is, is not in this text",
            False,
        ),
        ("", f"{SEQUENTIAL}for epoch in range(3):\n    loss = criterion(model(x))\n", "fc 10", True),
        (
            "",
            f"{SEQUENTIAL}loss = nn.CrossEntropyLoss()\noptimizer = optim.SGD(model.parameters())\n",
            "fc 10",
            True,
        ),
        ("", "net = []\nfor i in range(3):\n    net.append(nn.Conv2d(3, 3, 3))\n", "[conv F3 K3]*3", True),
    ],
)
def test_names_and_what_stands_around_a_program(before: str, program: str, here: str, sure: bool) -> None:
    (found,) = errors(f"{before}input 3x32x32\n{program}")
    assert here in found.help
    assert bool(found.fix) is sure
