"""Programs of many tools, as people paste them: each is one finding, translated or explained."""

from __future__ import annotations

import pytest

from cnnspec.diagnostics import Diagnostic
from tests.support import findings

FLAX = """\
class CNN(nn.Module):
  @nn.compact
  def __call__(self, x):
    x = nn.Conv(features=32, kernel_size=(3, 3))(x)
    x = nn.relu(x)
    x = nn.Dense(features=10)(x)
    return x
"""
HAIKU = (
    "net = hk.Sequential([\n    hk.Conv2D(32, 3), jax.nn.relu,\n    hk.Flatten(),\n    hk.Linear(10),\n])\n"
)
PADDLE = """\
class LeNet(paddle.nn.Layer):
    def __init__(self):
        super().__init__()
        self.conv1 = paddle.nn.Conv2D(in_channels=1, out_channels=6, kernel_size=5, padding=2)

    def forward(self, x):
        return F.relu(self.conv1(x))
"""
GLUON = "net = nn.Sequential()\nnet.add(nn.Conv2D(channels=6, kernel_size=5),\n        nn.Dense(10))\n"
FASTAI = """\
from fastai.vision.all import *
net = nn.Sequential(
    ConvLayer(3, 64, stride=2),
    ConvLayer(64, 8, ks=5, act_cls=None),
    AdaptiveAvgPool(),
    Lambda(lambda x: x.view(x.size(0), -1)),
    nn.Linear(8, 10),
)
"""
NNX = """\
class CNN(nnx.Module):
  def __init__(self, *, rngs: nnx.Rngs):
    self.conv1 = nnx.Conv(1, 32, kernel_size=(3, 3), rngs=rngs)
    self.pool = partial(nnx.avg_pool, window_shape=(2, 2), strides=(2, 2))
    self.linear1 = nnx.Linear(3136, 10, rngs=rngs)

  def __call__(self, x):
    x = self.pool(nnx.relu(self.conv1(x)))
    x = x.reshape(x.shape[0], -1)
    return self.linear1(x)
"""
SYMBOLS = """\
data = mx.sym.Variable('data')
conv1 = mx.sym.Convolution(data=data, kernel=(5,5), num_filter=20)
tanh1 = mx.sym.Activation(data=conv1, act_type="tanh")
pool1 = mx.sym.Pooling(data=tanh1, pool_type="max", kernel=(2,2), stride=(2,2))
gap = mx.sym.Pooling(pool1, global_pool=True, kernel=(7, 7), pool_type='avg')
fc1 = mx.symbol.FullyConnected(data=mx.sym.flatten(data=gap), num_hidden=500)
mlp = mx.sym.SoftmaxOutput(data=fc1, name='softmax')
"""
MNIST = """\
W_conv1 = weight_variable([5, 5, 1, 32])
b_conv1 = bias_variable([32])
weights = {'out': tf.Variable(tf.random_normal([14*14*32, 1024]))}
x_image = tf.reshape(x, [-1, 28, 28, 1])
h_conv1 = tf.nn.relu(tf.nn.conv2d(x_image, W_conv1, strides=[1, 1, 1, 1], padding='SAME') + b_conv1)
h_pool1 = tf.nn.max_pool(h_conv1, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding='SAME')
h_flat = tf.reshape(h_pool1, [-1, 14*14*32])
h_fc1 = tf.nn.relu(tf.add(tf.matmul(h_flat, weights['out']), b_fc1))
"""
LIST = """\
self.layers = [
  nn.Conv2d(1, 32, 5), Tensor.relu,
  nn.BatchNorm(32), Tensor.max_pool2d,
  lambda x: x.flatten(1), nn.Linear(4608, 10)]
"""
FLUX = """\
using Flux
function model(; classes=10)
    return Chain(
        Conv((3, 3), 1=>16, pad=(1,1), relu),   # a comment, with (brackets
        MaxPool((2,2)),
        SkipConnection(Chain(Conv((3, 3), 16=>16, pad=SamePad(), bias=false), BatchNorm(16)), +),
        x -> relu.(x),
        Flux.flatten,
        Dense(3136 => 10),
        softmax)
end
loss(x, y) = Flux.crossentropy(model(x), y)
"""
MLX = """\
import mlx.nn as nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2, stride=2)
        self.fc = nn.Linear(4096, 10)
    def __call__(self, x):
        x = self.pool(nn.relu(self.conv1(x)))
        return self.fc(x.reshape(x.shape[0], -1))
"""
CPP = """\
struct Net : torch::nn::Module {
  Net() {
    conv1 = register_module("conv1", torch::nn::Conv2d(torch::nn::Conv2dOptions(1, 10, 5)));
  }
  torch::Tensor forward(torch::Tensor x) {
    return torch::relu(conv1->forward(x));
  }
};
"""
GRAPH = "graph net (\n  %input[FLOAT, 1x3x32x32]\n) {\n  %1 = Conv[group = 1](%input, %w)\n  return %1\n}\n"
TERMINAL = "$ pip install torch\n$ python train.py --model resnet18\n"
NODES = (
    "import onnx\n"
    "node = onnx.helper.make_node('Conv', ['x', 'w'], ['y'])\n"
    "graph = helper.make_graph([node], 'net', [x], [y])\n"
)
NOT_TRANSLATED = {
    "ONNX code": NODES,
    "C++ code": CPP,
    "a graph of ONNX": GRAPH,
    "a terminal's text": TERMINAL,
    "a sentence": "The first layer filters the 224x224x3 image with 96 kernels of size 11x11x3.\n",
}
R = """\
library(keras)
model <- keras_model_sequential()
model %>%
  layer_conv_2d(filters = 32, kernel_size = c(3L,3L), padding = "same", input_shape = c(28,28,1)) |>
  layer_activation_relu() %>%
  layer_batch_normalization() %>%
  layer_max_pooling_2d(pool_size = c(2, 2)) %>%
  layer_flatten() %>%
  layer_dropout(rate = 0.25) %>%
  layer_dense(units = 10, activation = "softmax", use_bias = FALSE)
model %>% compile(loss = "x")
"""
THE_SAME_IN_PYTHON = """\
model = keras.Sequential([
    layers.Conv2D(32, (3, 3), padding="same", input_shape=(28, 28, 1)),
    layers.ReLU(),
    layers.BatchNormalization(),
    layers.MaxPooling2D((2, 2)),
    layers.Flatten(),
    layers.Dropout(0.25),
    layers.Dense(10, activation="softmax", use_bias=False),
])
"""
MARKDOWN = """\
| Layer   | Filters | Kernel | Stride | Activation |
|---------|---------|--------|--------|------------|
| Conv1   | 64      | 7x7    | 2      | ReLU       |
| MaxPool | -       | 3x3    | 2      | -          |
| Conv2   | 128     | 3      | 1      | ReLU       |
| FC      | 10      | -      | -      | softmax    |
"""
LATEX = r"""\begin{tabular}{lll}
\toprule
layer & output & kernel \\
\midrule
conv1 & $112\times112$ & $7\times7$, 64, stride 2 \\
pool1 & $56\times56$ & $3\times3$ max pool, stride 2 \\
conv2 & $56\times56$ & $3\times3$, 64 \\
\bottomrule
\end{tabular}
"""
SHORT = """\
import torch
import torch.nn as nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.fc = nn.Linear(400, 10)
    def forward(self, x):
        return self.fc(self.conv1(x).flatten(1))
"""
TINYGRAD = """\
class Model:
  def __init__(self):
    self.l1 = nn.Conv2d(1, 32, kernel_size=(3,3))
    self.l2 = nn.Linear(7200, 10)

  def __call__(self, x: Tensor) -> Tensor:
    x = self.l1(x).relu().max_pool2d((2,2))
    return self.l2(x.flatten(1).dropout(0.5))
"""
SLIM = """\
net = slim.conv2d(inputs, 64, [3, 3], stride=2, scope='conv1')
net = slim.max_pool2d(net, [2, 2], scope='pool1')
net = slim.flatten(net)
net = slim.fully_connected(net, 10, activation_fn=None, biases_initializer=None)
"""
ADDED = "model.add(Conv2D(32, (3, 3), activation='relu'))\nmodel.add(MaxPooling2D((2, 2)))\n"
INPUT = "\n(begin the spec with its input, channels first: `input {}x224x224`)"
TRANSLATED = {
    "Flax": (FLAX, "conv F3 Psame K32 -> relu\nconv F1 K10" + INPUT.format(3)),
    "Flax's NNX": (
        NNX,
        "conv1: conv F3 Psame K32\nrelu -> avgpool F2\nflatten\nlinear1: fc 10" + INPUT.format(1),
    ),
    "Haiku": (HAIKU, "conv F3 Psame K32 -> relu\nflatten\nfc 10" + INPUT.format(3)),
    "PaddlePaddle": (PADDLE, "conv1: conv F5 P2 K6\nrelu" + INPUT.format(1)),
    "MXNet's Gluon": (GLUON, "conv F5 K6\nflatten -> fc 10" + INPUT.format(3)),
    "MXNet's symbols": (
        SYMBOLS,
        "conv F5 K20 -> tanh -> maxpool F2\ngap\nflatten\nfc 500 -> softmax" + INPUT.format(3),
    ),
    "fastai": (
        FASTAI,
        "conv F3 S2 P1 K64 nobias -> bn -> relu\nconv F5 P2 K8 nobias -> bn\ngap\nflatten\nfc 10"
        + INPUT.format(3),
    ),
    "TensorFlow": (
        MNIST,
        "input 1x28x28\nconv F5 Psame K32 -> relu -> maxpool F2 Psame\nflatten\nfc 1024 -> relu",
    ),
    "a list of tinygrad": (
        LIST,
        "conv F5 K32 -> relu -> bn -> maxpool F2\nflatten\nfc 10" + INPUT.format(1),
    ),
    "Flux": (
        FLUX,
        "maxpool1: conv F3 P1 K16 -> relu -> maxpool F2\nconv F3 Psame K16 nobias -> bn\n"
        "add [ id | @maxpool1 ] -> relu\nflatten\nfc 10 -> softmax" + INPUT.format(1),
    ),
    "MLX": (
        MLX,
        "conv1: conv F3 P1 K16\nrelu -> maxpool F2\nflatten\nfc: fc 10" + INPUT.format(3),
    ),
    "Markdown": (
        MARKDOWN,
        "conv F7 S2 K64 -> relu -> maxpool F3 S2\nconv F3 K128 -> relu\nflatten -> fc 10 -> softmax"
        + INPUT.format(3),
    ),
    "LaTeX": (LATEX, "conv F7 S2 K64 -> maxpool F3 S2 P1\nconv F3 P1 K64" + INPUT.format(3)),
    "a short class": (SHORT, "conv1: conv F5 K6\nflatten\nfc: fc 10" + INPUT.format(1)),
    "tinygrad": (
        TINYGRAD,
        "l1: conv F3 K32\nrelu -> maxpool F2\nflatten -> dropout 0.5\nl2: fc 10" + INPUT.format(1),
    ),
    "TF-slim": (
        f"input 3x32x32\n{SLIM}",
        "conv F3 S2 Psame K64 -> relu -> maxpool F2\nflatten\nfc 10 nobias",
    ),
}
UNSURE = {
    "lines of a forward": (
        "x = F.relu(self.bn1(self.conv1(x)))\nx = self.pool(x)\n",
        "# self.conv1(x): `self.conv1` is not defined in this text",
    ),
    "arg_scope": (f"with slim.arg_scope([slim.conv2d], padding='VALID'):\n{SLIM}", "`arg_scope` sets"),
    "weights of another text": (
        "x = tf.nn.conv2d(x, W1, strides=[1,1,1,1], padding='SAME')\nx = tf.nn.relu(x)\n",
        "its sizes are in the shape of its weights `W1`",
    ),
    "a block of Flax": (
        FLAX.replace("  @", "  features: int\n  @").replace("features=32", "features=self.features"),
        "what `features` is, is not in this text",
    ),
    "tensors in R": (
        "x <- layer_input(shape = c(8,8,1))\ny <- layer_conv_2d(x, 32, 3)\nz <- x %>% layer_flatten()\n",
        "which layer follows which",
    ),
    "a block with a condition": (
        SHORT.replace("Net", "Inner").replace("        return", "        if x: x = x\n        return")
        + SHORT.replace("nn.Conv2d(1, 6, 5)", "Inner()"),
        "in `Inner`, a loop or a condition in it is not followed",
    ),
}


def errors(text: str) -> list[Diagnostic]:
    return [one for one in findings(text) if one.code.startswith("E")]


@pytest.mark.parametrize("what", NOT_TRANSLATED)
@pytest.mark.parametrize("before", ["", "input 3x32x32\n", "# mine\ninput 3x32x32\nrelu\n"])
def test_what_no_table_has_is_one_finding_that_says_what_it_is(what: str, before: str) -> None:
    (found,) = errors(before + NOT_TRANSLATED[what])
    assert (found.code, found.fix) == ("E102", ())
    assert found.message == f"this is {what}; a spec has its own notation"
    assert "`conv F3 S1 P1 K64 -> relu`" in found.help


def test_keras_in_r_is_keras() -> None:
    (found,), (same,) = errors(R), errors(THE_SAME_IN_PYTHON)
    assert found.help == same.help
    assert found.fix[0].text == same.fix[0].text


@pytest.mark.parametrize("case", TRANSLATED)
def test_a_program_without_an_input_is_one_finding_too(case: str) -> None:
    text, here = TRANSLATED[case]
    (found,) = errors(text)
    assert found.help == f"in this language it is:\n{here}"


@pytest.mark.parametrize("case", UNSURE)
def test_what_is_not_in_the_text_is_named(case: str) -> None:
    text, why = UNSURE[case]
    (found,) = errors(text)
    assert why in found.help
    assert found.fix == ()


def test_two_lines_are_one_finding() -> None:
    (found,) = errors(f"input 3x32x32\n{ADDED}")
    assert found.help == "here it is `conv F3 K32 -> relu -> maxpool F2`"


def test_steps_of_one_line_are_one_finding() -> None:
    (found,) = errors("input 3x32x32\nconv F3 P1 K16 -> relu6() -> maxpool(2) => 16x16x16\n")
    assert found.help == "here it is `relu6 -> maxpool F2`"
    (edit,) = found.fix
    assert edit.text == "relu6 -> maxpool F2"


def test_what_a_tool_has_otherwise_than_torch_is_not_translated_as_torchs() -> None:
    group = MLX.replace("nn.MaxPool2d(2, stride=2)", "nn.GroupNorm(4, 16)")
    (found,) = errors(group)
    assert "`pytorch_compatible=False` has no counterpart here" in found.help
    assert found.fix == ()
    (found,) = errors(group.replace("4, 16", "4, 16, pytorch_compatible=True"))
    assert "pool: gn G4" in found.help
    (found,) = errors("from tinygrad import Tensor, nn\n" + TINYGRAD.replace("relu", "gelu"))
    assert "approximation by tanh" in found.help
    assert found.fix == ()
