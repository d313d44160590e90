"""Lines of this language around a pasted part stay as they are: no fix changes or removes them."""

# ruff: noqa: E501 (a paste a line)
from __future__ import annotations

import pytest

from tests.support import findings

PASTED = {
    "prototxt": 'name: "N"\nlayer {\n  name: "r"\n  type: "ReLU"\n  bottom: "data"\n  top: "r"\n}\n',
    "cfg": "# its layers\n[convolutional]\nfilters=8\nsize=3\nstride=1\npad=1\nactivation=relu\n",
    "yaml": "nc: 80  # classes\ndepth_multiple: 1.0\nwidth_multiple: 1.0\nactivation: nn.ReLU()\n"
    "backbone:\n  # [from, repeats, module, args]\n  - [-1, 1, Conv, [64, 3, 2]]\n  - [-1, 1, Conv, [64, 3, 2]]\n",
    "YAML": "layers:\n  - type: conv\n    filters: 16\n    kernel_size: 3\n  - relu\n  - pool: {type: avg, size: 2}\n",
    "words": "## Layers\n**Architecture:**\n1. Convolutional layer: 16 filters of size 3x3, stride 1\n2. ReLU\n"
    "3. Max pooling (2x2)\n",
    "R": "library(keras)\nmodel <- keras_model_sequential()\nmodel %>%\n"
    "  layer_conv_2d(filters = 32, kernel_size = c(3,3)) %>%\n  layer_flatten() %>%\n  layer_dense(10)\n",
    "table": "\\begin{tabular}{lcc}\n\\hline\nconv1 & $7\\times7$, 64, stride 2 & 112 \\\\\n"
    "pool1 & $3\\times3$ max pool, stride 2 & 56 \\\\\nconv2 & $3\\times3$, 64, stride 1 & 56 \\\\\n\\hline\n",
    "Markdown": "| conv | 3x3, 64 |\n| maxpool | 2x2, stride 2 |\n| conv | 3x3, 128 |\n| fc | 10 |\n",
    "torch": "import torch.nn as nn\nmodel = nn.Sequential(\n    nn.Conv2d(3, 16, 3),\n    nn.ReLU(),\n    nn.Flatten(),\n)\n",
    "Keras": "x = Conv2D(32, 3, activation='relu')(x)\nx = Flatten()(x)\nx = Dense(10)(x)\n",
    "summary": 'Model: "m"\n_____________________\n Layer (type)       Output Shape         Param #\n====================\n'
    " conv2d (Conv2D)    (None, 30, 30, 8)    224\n flatten (Flatten)  (None, 7200)         0\n"
    " dense (Dense)      (None, 10)           72010\n====================\nTotal params: 72,234\n",
    "call": "Conv2d(3, 16, 3)\n",
    "calls": "nn.Conv2d(3, 16, 3)\nnn.ReLU()\n",
    "printed": "Sequential(\n  (0): Conv2d(3, 16, kernel_size=(3, 3), stride=(1, 1))\n  (1): ReLU()\n  (2): Flatten()\n)\n",
    "MATLAB": "layers = [\n  convolution2dLayer(3,8)\n  reluLayer\n  fullyConnectedLayer(10)];\n",
}
AROUND = (
    "conv1: conv F3 P1 K3",
    "n: [conv F3 P1 K3]*2",
    "name: relu",
    "title: conv F3 P1 K3 -> relu",
    "Model: conv F3 P1 K3",
    "Total: relu",
    "let width = 8",
    "# mine",
)


@pytest.mark.parametrize("line", AROUND)
@pytest.mark.parametrize("pasted", PASTED)
def test_a_line_before_a_pasted_part_stays(pasted: str, line: str) -> None:
    for before in (f"input 3x64x64\n{line}\n", f"input 3x64x64\n{line}\n\n"):
        end = len(before.rstrip("\n"))
        found = findings(before + PASTED[pasted])
        edits = [edit for one in found for edit in one.fix]
        assert all(edit.span.start >= end for edit in edits), (before, edits)
        assert all(one.span.start >= end for one in found if one.code == "E102")


@pytest.mark.parametrize("line", AROUND)
@pytest.mark.parametrize("pasted", PASTED)
def test_a_line_after_a_pasted_part_stays(pasted: str, line: str) -> None:
    for between in ("", "\n"):
        text = f"input 3x64x64\n{PASTED[pasted]}{between}"
        found = findings(f"{text}{line}\nx2: relu\n")
        edits = [edit for one in found for edit in one.fix]
        assert all(edit.span.end <= len(text) for edit in edits), (text, edits)
        assert all(one.span.end <= len(text) for one in found if one.code == "E102")
