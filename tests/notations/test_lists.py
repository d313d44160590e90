"""A list of layers, in YAML or in words, is one finding with the network in this language."""

from __future__ import annotations

import pytest

from tests.support import findings

YAML = """\
layers:
  - type: conv
    filters: 16
    kernel_size: 3
  - relu
  - pool: {type: avg, size: 2}
  - dense: 10
"""
WORDS = """\
**Architecture:**
1. Input: 32x32x3 image
2. Convolutional layer: 16 filters of size 3x3, stride 1, same padding
3. ReLU
4. Max pooling (2x2)
5. Fully connected layer with 10 outputs
6. Output layer: 4 units with softmax
"""
LISTS = [
    (
        YAML,
        "this is YAML",
        "conv F3 K16 -> relu -> avgpool F2\nflatten -> fc 10",
    ),
    (
        WORDS,
        "this is a list of layers in words",
        "input 3x32x32\nconv F3 Psame K16 -> relu -> maxpool F2\nflatten -> fc 10\nfc 4 -> softmax",
    ),
    (
        '[{"type": "conv", "filters": 32, "kernel": [3, 5]}, {"type": "relu"}, {"type": "gap"}]\n',
        "this is JSON",
        "conv F3x5 K32 -> relu\ngap",
    ),
    (
        "{'input': [3, 32, 32],\n 'layers': [{'conv': {'filters': 16, 'kernel': 3}},\n {'relu': {}}]}\n",
        "this is JSON",
        "input 3x32x32\nconv F3 K16 -> relu",
    ),
    (
        "* Convolution 5x5, 6 maps\n* Batch norm\n* Convolution with 5x5 kernels, 16 maps\n",
        "this is a list of layers in words",
        "conv F5 K6 -> bn\nconv F5 K16",
    ),
]


@pytest.mark.parametrize(("text", "what", "here"), LISTS)
def test_a_list_is_one_finding_and_its_fix_writes_it(text: str, what: str, here: str) -> None:
    before = "" if here.startswith("input") else "input 3x32x32\n"
    (found,) = [one for one in findings(before + text) if one.code.startswith("E")]
    assert found.message.startswith(what)
    (edit,) = found.fix
    assert edit.text == here
    assert [one for one in findings(before + here) if one.code.startswith("E")] == []


def test_what_is_not_certain_has_no_fix() -> None:
    text = "input 3x32x32\n- conv: {filters: 16}\n- relu\n- pool: 2\n"
    (found,) = [one for one in findings(text) if one.code.startswith("E")]
    assert "# - conv: {filters: 16}: it cannot be read as a layer" in found.help
    assert not found.fix


def test_lines_of_this_language_with_bullets_are_not_a_list() -> None:
    (found,) = [one for one in findings("input 3x32x32\n- conv F3 K8\n- relu\n") if one.code.startswith("E")]
    assert found.message.startswith("a line begins with its steps, without a bullet")


def test_a_table_without_a_row_that_can_be_read_ends_in_findings() -> None:
    text = "input 3x32x32\n\\begin{tabular}{ll}\npool1 & max & $16 \\times 16$ \\\\\n\\end{tabular}\n"
    assert any(one.code.startswith("E") for one in findings(text))
