"""Steps as other tools and papers write them, put in our words; None where it is not sure."""

from __future__ import annotations

import pytest

from cnnspec.notations.steps import step
from tests.support import findings

STEPS = [
    ("Conv2d(3, 64, 3, 1, 0)", "conv F3 K64"),
    ("ReLU(inplace=True),", "relu"),
    ("ConvTranspose2d(64, 32, 2, 2)", "deconv F2 S2 K32"),
    ("conv 3x3 64", "conv F3 K64"),
    ("conv 3x3, 64", "conv F3 K64"),
    ("conv 64 3x3", "conv F3 K64"),
    ("conv 3 64", "conv F3 K64"),
    ("conv 64, 3x3, stride 2", "conv F3 S2 K64"),
    ("conv(64, 3)", "conv F3 K64"),
    ("conv(3, 64, 3)", "conv F3 K64"),
    ("conv(F3, P1, K64)", "conv F3 P1 K64"),
    ("conv F3 64", "conv F3 K64"),
    ("conv F=(3,3) K=64", "conv F3 K64"),
    ("conv kernel 3, filters 64, stride 1, pad 1", "conv F3 P1 K64"),
    ("conv 3x3, 64, padding='same'", "conv F3 Psame K64"),
    ("conv 11x11s4, 96", "conv F11 S4 K96"),
    ("7x7, 64, /2", "conv F7 S2 K64"),
    ("3x3, 64; 3x3, 64", "conv F3 K64 -> conv F3 K64"),
    ("64 filters 3x3 conv", "conv F3 K64"),
    ("conv3-64", "conv F3 K64"),
    ("conv3-64, conv3-64", "conv F3 K64 -> conv F3 K64"),
    ("FC-4096 relu", "fc 4096 -> relu"),
    ("1000-d fc, softmax", "fc 1000 -> softmax"),
    ("fc(120)", "fc 120"),
    ("fc 400 120", "fc 120"),
    ("Conv / s2 3x3x3x32", "conv F3 S2 K32"),
    ("Conv dw / s2 3x3x32 dw", "dwconv F3 S2"),
    ("3x3 max pool, stride 2", "maxpool F3 S2"),
    ("pool, /2", "maxpool F2"),
    ("maxpool 2", "maxpool F2"),
    ("global average pooling", "gap"),
    ("soft-max", "softmax"),
    ("Conv2D(32,3)", "conv F3 K32"),
    ("Convolution2D(32, (3, 5))", "conv F3x5 K32"),
    ("Conv2D(32, (3, 3), padding='same', activation='relu', input_shape=(28, 28, 1))",
     "conv F3 Psame K32 -> relu"),
    ("SeparableConv2D(32, 3)", "dwconv F3 nobias -> conv F1 K32"),
    ("Activation('relu')", "relu"),
    ("MaxPooling2D()", "maxpool F2"),
    ("MaxPool2d(kernel_size=3, stride=2, padding=1, ceil_mode=True)", "maxpool F3 S2 P1 ceil"),
    ("AdaptiveAvgPool2d(1)", "gap"),
    ("AdaptiveAvgPool2d((7, 7))", "avgpool out=7x7"),
    ("Linear(in_features=400, out_features=120)", "fc 120"),
    ("BatchNorm2d(64, eps=1e-3)", "bn eps=1e-3"),
    ("LeakyReLU(negative_slope=0.2)", "leaky 0.2"),
    ("Upsample(scale_factor=2, mode='bilinear')", "upsample 2 bilinear"),
    ("Reshape((7, 7, 64))", "reshape 64x7x7"),
    ("view(-1, 400)", "flatten"),
    ("add(@a, @b)", "add [ @a | @b ]"),
    ("Add()([a, b])", "add [ @a | @b ]"),
    ("concat a b", "concat [ @a | @b ]"),
    ("add @a", "add [ @a | id ]"),
    ("add { conv F3 P1 K3 | id }", "add [ conv F3 P1 K3 | id ]"),
    ("branch { conv F3 P1 K3 } add { id }", "add [ conv F3 P1 K3 | id ]"),
    ("lrn 5, 1e-4, 0.75, 2", "lrn size=5 alpha=1e-4 beta=0.75 k=2"),
    ("LocalResponseNorm(5, alpha=1e-4, k=2)", "lrn size=5 alpha=1e-4 k=2"),
    ("adaptiveavgpool 1", "gap"),
    ("groupnorm 1 64", "gn G1"),
    ("conv 3x3@64", "conv F3 K64"),
    ("3x3 conv. 64", "conv F3 K64"),
    ("conv (3x3, 64)", "conv F3 K64"),
    ("relu, maxpool 2x2", "relu -> maxpool F2"),
    ("global average pooling, 10-way softmax", "gap -> fc 10 -> softmax"),
    ("Conv1 & 7x7, 64, stride 2 \\\\", "conv F7 S2 K64"),
    ("$3 \\times 3$ conv, 64", "conv F3 K64"),
    ("upsample(scale_factor=2, align_corners=False)", "upsample 2"),
]  # fmt: skip

UNSURE = [
    "Conv2d(3, 64, 3)(x)", "Conv2d(3, 64, *size)", "Conv2d", "(3)", "(" * 400, "Conv2d(" + "1, " * 400,
    "Conv2d(3, 64, f(x))", "Wibble(1)", "x.conv(f(1)(2), *more)",
    "upsample(scale_factor=2, align_corners=True)",
    "", ",", "conv", "conv F3 K64", "conv F3 $ K64", "conv 8 5", "conv(3, 6, 5)", "conv 3x3x64",
    "conv 6@28x28", "conv 3x3 64 96", "Conv2d(3, 64)", "Conv2d(64, 64, 3, padding_mode='reflect')",
    "relu 0.1", "fc 4,096", "view(8, 8)", "wibble 3x3, 64", "concat", "Add()",
    "conv3-64, conv3-64, maxpool", "avg pool, fc-1000, softmax", "conv-64, pool", "max pool",
    "add(x, y)", "conv 3x3, " * 100,
]  # fmt: skip


@pytest.mark.parametrize(("text", "ours"), STEPS, ids=[text for text, _ in STEPS])
def test_a_step_in_our_words(text: str, ours: str) -> None:
    found = step(text)
    assert found is not None
    assert (found.text, found.why) == (ours, "")


@pytest.mark.parametrize("text", UNSURE)
def test_what_is_not_sure_is_not_guessed(text: str) -> None:
    found = step(text)
    assert found is None or not found.sure


@pytest.mark.parametrize("text", [text for text, ours in STEPS if "@" not in ours and "view" not in text])
def test_a_spec_with_it_says_so_once_and_the_fix_mends_it(text: str) -> None:
    spec = f"input 3x64x64\n{text}\n"
    (found,) = [finding for finding in findings(spec) if finding.code.startswith("E")]
    if found.code == "E502":  # its numbers of channels are not this input's
        assert found.fix == ()
        return
    assert found.code == "E102"
    for edit in found.fix:
        spec = spec[: edit.span.start] + edit.text + spec[edit.span.end :]
    after = [finding.code for finding in findings(spec) if finding.code.startswith("E")]
    assert after in ([], ["E302"], ["E307"]), spec  # a map at fc, a reshape: as it would be in our words
