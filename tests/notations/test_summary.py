"""A printed summary is one finding with a network that has its numbers; it leaves open too much for a fix."""

from __future__ import annotations

import pytest

from tests.support import check_text, findings

KERAS = """\
Model: "functional_1"
┏━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┓
┃ Layer (type)        ┃ Output Shape      ┃    Param # ┃ Connected to      ┃
┡━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━┩
│ input_layer_1       │ (None, 32, 32, 3) │          0 │ -                 │
│ (InputLayer)        │                   │            │                   │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ conv2d_2 (Conv2D)   │ (None, 32, 32,    │        448 │ input_layer_1[0]… │
│                     │ 16)               │            │                   │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ conv2d_3 (Conv2D)   │ (None, 32, 32,    │        272 │ conv2d_2[0][0]    │
│                     │ 16)               │            │                   │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ add (Add)           │ (None, 32, 32,    │          0 │ conv2d_2[0][0],   │
│                     │ 16)               │            │ conv2d_3[0][0]    │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ global_average_poo… │ (None, 16)        │          0 │ add[0][0]         │
│ (GlobalAveragePool… │                   │            │                   │
├─────────────────────┼───────────────────┼────────────┼───────────────────┤
│ dense_1 (Dense)     │ (None, 10)        │        170 │ global_average_p… │
└─────────────────────┴───────────────────┴────────────┴───────────────────┘
 Total params: 890 (3.48 KB)
 Trainable params: 890 (3.48 KB)
 Non-trainable params: 0 (0.00 B)
"""
KERAS_2 = """\
Model: "sequential"
_________________________________________________________________
 Layer (type)                Output Shape              Param #
=================================================================
 conv2d (Conv2D)             (None, 26, 26, 32)        320

 max_pooling2d (MaxPooling2D  (None, 13, 13, 32)       0
 )

 flatten (Flatten)           (None, 5408)              0

 dense (Dense)               (None, 10)                54090

=================================================================
Total params: 54,410
Trainable params: 54,410
Non-trainable params: 0
_________________________________________________________________
"""
TORCHSUMMARY = """\
----------------------------------------------------------------
        Layer (type)               Output Shape         Param #
================================================================
            Conv2d-1         [-1, 64, 112, 112]           9,408
       BatchNorm2d-2         [-1, 64, 112, 112]             128
              ReLU-3         [-1, 64, 112, 112]               0
         MaxPool2d-4           [-1, 64, 56, 56]               0
            Conv2d-5           [-1, 64, 56, 56]          36,864
================================================================
Total params: 46,400
Trainable params: 46,400
Non-trainable params: 0
----------------------------------------------------------------
"""
TORCHINFO = """\
==========================================================================================
Layer (type:depth-idx)                   Output Shape              Param #
==========================================================================================
Net                                      [1, 10]                   --
├─Sequential: 1-1                        [1, 16, 16, 16]           --
│    └─Conv2d: 2-1                       [1, 16, 32, 32]           448
│    └─BatchNorm2d: 2-2                  [1, 16, 32, 32]           32
│    └─ReLU: 2-3                         [1, 16, 32, 32]           --
│    └─MaxPool2d: 2-4                    [1, 16, 16, 16]           --
├─Linear: 1-2                            [1, 10]                   40,970
==========================================================================================
Total params: 41,450
Trainable params: 41,450
Non-trainable params: 0
Total mult-adds (M): 0.50
==========================================================================================
"""
ALEXNET = """\
            Conv2d-1           [-1, 64, 55, 55]          23,296
              ReLU-2           [-1, 64, 55, 55]               0
         MaxPool2d-3           [-1, 64, 27, 27]               0
            Conv2d-4           [-1, 64, 27, 27]             640
 AdaptiveAvgPool2d-5             [-1, 64, 6, 6]               0
              ReLU-6                 [-1, 2304]               0
            Linear-7                   [-1, 10]          23,050
================================================================
Total params: 46,986
"""
CUT = KERAS_2.replace(
    "(MaxPooling2D  (None, 13, 13, 32)       0\n )", "(MaxPooling2  (None, 13, 13, 32)        0\n D)"
)
KERAS_BN = """\
 conv2d (Conv2D)             (None, 30, 30, 16)        448
 bn (BatchNormalization)     (None, 30, 30, 16)        64
 flatten (Flatten)           (None, 14400)             0
=================================================================
Total params: 512 (2.00 KB)
Trainable params: 480 (1.88 KB)
Non-trainable params: 32 (128.00 B)
"""
SUMMARIES = [
    (KERAS, "", "890", """\
input 3x32x32
conv2d_2: conv F3 Psame K16 => 16x32x32, params 448
conv F1 K16 => 16x32x32, params 272
add [ @conv2d_2 | id ] => 16x32x32
gap => 16
fc 10 => 10, params 170"""),
    (KERAS_2, "", "54,410", """\
input 1x28x28
conv F3 K32 -> maxpool F2 => 32x13x13, params 320
flatten => 5408
fc 10 => 10, params 54,090"""),
    (CUT, "", "54,410", """\
input 1x28x28
conv F3 K32 -> maxpool F2 => 32x13x13, params 320
flatten => 5408
fc 10 => 10, params 54,090"""),
    (ALEXNET, "", "46,986", """\
input 3x224x224
conv F11 S4 P2 K64 -> relu -> maxpool F2 => 64x27x27, params 23,296
dwconv F3 P1 -> avgpool out=6x6 => 64x6x6, params 640
flatten -> relu => 2304
fc 10 => 10, params 23,050"""),
    (KERAS_BN, "", "480", """\
input 3x32x32
conv F3 K16 -> bn eps=1e-3 momentum=0.01 => 16x30x30, params 480
flatten => 14400"""),
    (TORCHINFO, "", "41,450", """\
input 3x32x32
conv F3 P1 K16 -> bn -> relu -> maxpool F2 => 16x16x16, params 480
flatten -> fc 10 => 10, params 40,970"""),
    (TORCHSUMMARY, "input 3x224x224\n", "46,400", """\
conv F7 S2 P3 K64 nobias -> bn -> relu -> maxpool F2 => 64x56x56, params 9,536
conv F3 P1 K64 nobias => 64x56x56, params 36,864"""),
]  # fmt: skip


@pytest.mark.parametrize(("summary", "before", "params", "here"), SUMMARIES)
def test_a_summary_is_one_finding_with_a_network_of_its_numbers(
    summary: str, before: str, params: str, here: str
) -> None:
    (found,) = [one for one in findings(before + summary) if one.code.startswith("E")]
    lines = found.help.splitlines()
    assert (lines[0], lines[-1]) == (
        "in this language, where it is certain:",
        "(a summary has no activations, strides and paddings; these are the smallest that give its numbers)",
    )
    assert "\n".join(lines[1:-1]) == f"{here}\nexpect params {params}"
    assert found.fix == ()
    (model,) = check_text(before + "\n".join(lines[1:-1]))
    assert not model.has_errors
    assert model.report is not None
    assert all(claim.holds for claim in model.report.claims)


def test_what_no_arguments_give_is_said() -> None:
    (found,) = [one for one in findings(KERAS.replace("272", "273")) if one.code.startswith("E")]
    assert "no arguments give these numbers" in found.help
