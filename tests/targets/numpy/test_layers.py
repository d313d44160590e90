# ruff: noqa: E501, RUF005, SIM905
"""Every layer function and argument against torch, in float64: what comes out, running statistics, all gradients; and
against finite differences, which owe torch nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from cnnspec.api import load
from cnnspec.targets.numpy import emit
from tests.targets.numpy.support import check_slopes, compare, program
from tests.targets.torch.constructs import CONSTRUCTS as WRITTEN

MAP, VECTOR = "6x9x8", "12"

LAYERS = {
    "conv": [
        "conv F3 K4",
        "conv F1 S3 K4 nobias",
        "conv F3x2 S2x1 P1x2 K4",
        "conv F3 S2 D2 P3 K4",
        "conv F2 P2 K3",
        "conv F3 P4 K2",
        "conv F3 Psame K4",
        "conv F4 S3 Psame K4",
        "conv F2x3 D2 Psame K4",
        "conv F3 G2 P1 K4",
        "conv F3x1 G6 S2 K12 nobias",
        "conv F9x8 K5",
        "conv F3 K4 connect=[0 1 2; 3 5; 4; 0 1 2 3 4 5]",
        "conv F2 S2 K2 connect=[5 0; 1] nobias",
        "conv F2 K2 weight=[1 0; 0 -1] bias=-3 frozen",
        "conv F1 K2 frozen",
        "conv F3 K4 init=he",
        "conv F3 K4 init=normal(0.1)",
        "conv F3 K4 bias=[1 2 3 4] init=xavier",
    ],
    "dwconv": [
        "dwconv F3",
        "dwconv F3 P1 S2 nobias",
        "dwconv F3x2 S1x2 D2x1 P2x0 K18",
        "dwconv F5 Psame S2",
        "dwconv F3 P3 D2",
        "dwconv F2 K12 bias=1/2 frozen",
    ],
    "deconv": [
        "deconv F2 S2 K4",
        "deconv F4 S2 P1 K4 nobias",
        "deconv F4x3 S2 P1 K6 init=bilinear",
        "deconv F3 K4",
        "deconv F3x4 S2x3 P1x2 K4",
        "deconv F3 S2 D2 P3 G2 extra=1 K4",
        "deconv F2 D3 extra=2 K4",
        "deconv F2 D3 extra=2 G3 K6 nobias",
        "deconv F3 S2 Psame K4",
        "deconv F1 S2 Psame K4",
        "deconv F5 S1 Psame K2",
        "deconv F3 P2 K4",
    ],
    "maxpool": [
        "maxpool F2",
        "maxpool F3 S2 P1",
        "maxpool F3 S2 ceil",
        "maxpool F2x3 S3x1 P1x0 ceil",
        "maxpool F3 S2 P1 D2",
        "maxpool F3 S2 Psame",
        "maxpool F1 S2",
        "maxpool out=3x5",
        "maxpool out=1x1",
    ],
    "avgpool": [
        "avgpool F2",
        "avgpool F3 S2 P1",
        "avgpool F3 S2 ceil",
        "avgpool F3 S2 P1 ceil exclude_pad",
        "avgpool F2x3 S3x1 P1x0 exclude_pad",
        "avgpool F3 S2 Psame",
        "avgpool F3 S2 Psame exclude_pad",
        "avgpool out=4x3",
        "avgpool out=11x8",
    ],
    "other maps": ["gap", "gmp", "cmean", "cmax", "subsample F2", "subsample F3x2 S1x2", "subsample F2 frozen"],
    "norms": ["bn", "bn eps=0.01 momentum=0.3", "bn noaffine", "bn frozen", "ln", "ln noaffine eps=1e-3", "gn G3", "gn G1"]
    + ["gn G6 noaffine", "l2norm"],
    "norms of maps": ["in", "in noaffine", "lrn size=5 alpha=0.3 beta=0.5 k=2", "lrn size=2", "lrn size=1"],
    "activations": "relu relu6 elu selu gelu silu mish hswish hsigmoid sigmoid tanh softplus softmax logsoftmax abs".split()
    + ["leaky", "leaky 0.2", "prelu", "prelu one", "prelu frozen", "elu 0.5", "tanh amp=1.7159 gain=2/3"],
    "drops": ["dropout", "dropout 0.2", "dropout 0", "dropout 1", "droppath", "droppath 1/3"],
    "factors": ["scale", "scale one", "scale init=1e-6", "times 0.17", "times 3"],
    "vectors": ["flatten", "fc 5", "fc 5 nobias", "fc 3 init=he", "rbf 4", "rbf 4 frozen", "rbf 3 init=normal(0.1)"],
    "resampling": [
        "upsample 2",
        "upsample 2x3",
        "upsample 2 bilinear",
        "upsample 1x4 bilinear",
        "upsample out=20x9",
        "upsample out=20x9 bilinear",
        "upsample out=5x3",
        "upsample out=5x3 bilinear",
        "pixelunshuffle 1",
        "shuffle G3",
    ],
    "places": [
        "pad 1",
        "pad left=0 right=1 top=2 bottom=0",
        "pad 2 reflect",
        "pad left=3 right=1 top=0 bottom=2 replicate",
        "pad channels=2",
        "pad channels=1:3",
        "crop 4x5",
        "crop 4x5 offset=3x1",
        "slice 1:4",
        "reshape 12x6x6",
    ],
}  # fmt: skip
ONLY_MAPS = {
    "conv",
    "dwconv",
    "deconv",
    "maxpool",
    "avgpool",
    "other maps",
    "norms of maps",
    "resampling",
    "places",
}
SINGLE = [(family, text) for family, texts in LAYERS.items() for text in texts]


def specs(family: str, text: str) -> list[str]:
    """The layer on a map, and on a vector where it takes one."""
    found = [f"input {MAP}\n{text}\n"]
    if family == "vectors" and text != "flatten":
        found = [f"input {VECTOR}\n{text}\n", f"input 12x1x1\n{text}\n"]
    elif family not in ONLY_MAPS:
        found.append(f"input {VECTOR}\n{text}\n")
    return found


@pytest.mark.parametrize(("family", "text"), SINGLE)
@pytest.mark.parametrize("training", [False, True])
def test_layer_equals_torch(family: str, text: str, training: bool) -> None:
    for spec in specs(family, text):
        for name, error in compare(load(text=spec), training, batch=3).items():
            assert error < 1e-10, (spec, name, error)


CONSTRUCTS = {
    "gate of a vector": "input 6x5x4\nmul [ id | gap -> flatten -> fc 6 -> sigmoid ]",
    "gate of 1x1 maps": "input 6x5x4\nmul [ gap -> conv F1 K6 | conv F1 K6 | id ]",
    "gate of one map": "input 6x5x4\nmul [ cmean | id | cmax -> sigmoid ]",
    "product of vectors": "input 6\nmul [ id | fc 6 ]",
    "difference": "input 6x5x4\nsub [ id | conv F3 P1 K6 | avgpool F3 S1 P1 ]",
    "sum of three": "input 6x5x4\nadd [ id | id | conv F1 K6 | id ]",
    "maxout": "input 6x5x4\nmax [ conv F1 K3 -> relu | conv F1 K3 -> relu | conv F1 K3 -> relu ]",
    "concat": "input 6x5x4\nconcat [ id | conv F1 K3 | maxpool F3 S1 P1 ]\nflatten -> fc 3",
    "concat of vectors": "input 6\nconcat [ id | fc 3 ] -> fc 2",
    "ties in a max pooling": "input 3x8x8\nrelu -> maxpool F3 S2 P1 ceil -> relu -> maxpool F2 S1",
    "unpool": "input 6x8x8\np: maxpool F2\nconv F3 P1 K6\nunpool like=@p\nconv F1 K2",
    "unpool of an adaptive pooling": "input 3x9x8\np: maxpool out=3x2\nconv F3 P1 K3\nunpool like=@p\nconv F1 K2",
    "unpool of a pooling as large": "input 3x9x8\np: maxpool F2 S3 Psame\nconv F3 P1 K3\nunpool like=@p\nconv F1 K2",
    "unpool overlapping nothing": "input 3x9x7\np: maxpool F2 S3 P1\nrelu\nunpool like=@p",
    "crop like": "input 6x9x8\na: conv F3 K4\n@a -> conv F4 K4\nb: relu\nconcat [ @a -> crop like=@b | @b ]",
    "upsample like": "input 6x9x8\na: conv F3 K4\nmaxpool F2 -> conv F1 K4 -> upsample like=@a bilinear\nadd [ @a | id ]",
    "pixelshuffle": "input 8x3x4\npixelshuffle 2 -> conv F3 K4 -> pixelunshuffle 2",
    "two inputs, two outputs": (
        "input left: 3x6x6\ninput right: 3x6x6\na: @left -> conv F3 K4\nb: @right -> conv F3 K4\n"
        "c: add [ @a | @b ]\nd: @c -> gap -> fc 2\noutput @c, @d"
    ),
    "one tensor, two outputs": "input 3x4x4\na: conv F1 K4 -> relu\nb: id\nc: conv F3 K2\noutput @b, @c, @a",
    "the input is an output": "input 3x4x4\na: id\nb: conv F1 K2\noutput @b, @a",
    "nothing but the input, twice": "input 3x4x4\na: id\nb: id\nc: relu\noutput @a, @b, @c",
    "shared": (
        "shared tower(k) { conv F3 K=k -> bn -> relu -> dropout 0.3 }\ninput left: 3x6x6\ninput right: 3x6x6\n"
        "a: @left -> tower(4)\nb: @right -> tower(4)\nsub [ @a | @b ] -> abs"
    ),
    "block with an if": (
        "block r(k, s=1) { add [ conv F3 S=s P1 K=k -> bn -> relu | if s > 1 or C != k [ conv F1 S=s K=k ] ] -> relu }\n"
        "input 4x8x8\nr(4) -> r(6) -> r(6, s=2) -> [r(6)]*2"
    ),
    "branch that is not there": (
        "block r(k) { let c = C\n add [ conv F1 K=k | if c == k [ id ] else [ none ] ] }\ninput 4x5x5\nr(4) -> r(6) -> r(6)"
    ),
    "both sides of an if": (
        "block r(h, k) { conv F1 K=k -> if h == 1 [ hswish -> scale ] else [ relu ] -> bn }\n"
        "input 4x5x5\nr(1, 3) -> r(0, 4) -> r(1, 5)"
    ),
    "if inside an if": (
        "block r(a, b) { if a == 1 [ conv F1 K4 -> if b == 1 [ relu ] else [ tanh -> scale ] ] -> conv F1 K3 }\n"
        "input 4x5x5\nr(1, 1) -> r(1, 0) -> r(0, 1) -> r(0, 0)"
    ),
    "repeat whose passes differ": "input 3x16x16\n[conv F3 S=2 if i == 1 else 1 P1 K=4*(i+1) -> relu]*4",
    "repeat in a repeat": "input 3x8x8\n[[conv F3 P1 K4 -> relu]*2 -> maxpool F2]*2",
    "repeat with a branch around": "input 4x6x6\n[add [ [conv F1 K4 -> relu]*2 | id ]]*3",
    "repeat from a label": "input 4x6x6\na: conv F1 K4\n[conv F3 P1 K4 -> relu]*2\nadd [ @a | id ] -> relu",
    "tensor of before in every pass": "input 4x6x6\na: conv F1 K4\n[add [ conv F1 K4 | @a ]]*3",
    "densely connected": "input 4x6x6\n[concat [ id | bn -> relu -> conv F3 P1 K3 ]]*4 -> conv F1 K2",
    "letters": "block c(K, F=1, P=0) { conv F=F P=P K=K -> bn -> relu }\ninput 3x8x8\nc(K4) -> c(F1x3 P0x1 K5) -> c(K4 F3)",
    "letters and names, defaults left out": (
        "let w = 4\nblock b(K, n, x=w+1, S=1) { conv F1 S=S K=K -> [conv F1 K=x]*n }\n"
        "input 3x8x8\nb(K4, 2) -> b(K5, 1, 3, S2) -> b(K2, 1, x=2) -> b(K3, n=2)\n"
        "block c(n=2, K) { conv F1 K=K*n }\nc(K4) -> c(3, K2)"
    ),
    "defaults that are no numbers": (
        "let w = 3\nblock b(k, half=w*C//w, net=2) { conv F1 K=half -> conv F1 K=k*net }\ninput 3x4x4\nb(4) -> b(6, 2) -> b(4, net=1)"
    ),
    "nothing but names": "block a(a, x, k, dx) { conv F1 K=a+x -> relu -> conv F1 K=k*dx }\ninput 3x4x4\na(1, 2, 3, 4) -> a(2, 2, 2, 2)",
    "names that are taken": "input 3x4x4\nnp: conv F1 K4\nel: conv F1 K4\nnet: add [ @np | @el ]\nadd [ @net | @np | @el ]",
    "tensor only measured": "input 4x8x8\na: conv F3 K4\nconv F3 K4 -> upsample like=@a",
    "steps on the way up": (
        "block up(@skip, k) { u: deconv F2 S2 K=k\nconcat [ @skip -> crop like=@u | id ]\nconv F3 K=k }\ninput 2x22x22\n"
        "a: conv F3 K3\nb: maxpool F2 -> conv F3 K4\nmaxpool F2 -> conv F1 K5\nup(@b, 4) -> up(@a, 3)"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONSTRUCTS)
@pytest.mark.parametrize("training", [False, True])
def test_construct_equals_torch(name: str, training: bool) -> None:
    for tensor, error in compare(load(text=CONSTRUCTS[name]), training, batch=3).items():
        assert error < 1e-10, (tensor, error)


@pytest.mark.parametrize(("family", "text"), SINGLE)
def test_gradients_equal_finite_differences(family: str, text: str) -> None:
    for spec in specs(family, text):
        small = spec.replace("9x8", "7x6").replace("F9x8", "F7x6").replace("12x6x6", "6x7x6")
        check_slopes(load(text=small), places=4)


def test_dropout_draws_from_the_generator_it_is_given() -> None:
    module = program(emit(load(text="input 1000\ndropout 0.25")))  # type: ignore[arg-type]
    x = np.ones((4, 1000))
    once = module.forward({}, x, training=True, rng=np.random.default_rng(5))
    again = module.forward({}, x, training=True, rng=np.random.default_rng(5))
    assert np.array_equal(once, again)
    assert set(np.unique(once)) == {0.0, 1 / 0.75}
    assert abs(float((once == 0).mean()) - 0.25) < 0.03
    assert np.array_equal(module.forward({}, x), x)


STARTS: dict[str, Callable[[Any], Any]] = {
    "conv F3 K64": lambda t: torch.nn.Conv2d(32, 64, 3),
    "conv F3 K64 G4": lambda t: torch.nn.Conv2d(32, 64, 3, groups=4),
    "dwconv F4 K64": lambda t: torch.nn.Conv2d(32, 64, 4, groups=32),
    "deconv F3 K64": lambda t: torch.nn.ConvTranspose2d(32, 64, 3),
    "flatten -> fc 64": lambda t: torch.nn.Linear(512, 64),
}


@pytest.mark.parametrize("text", STARTS)
def test_weights_start_as_in_torch(text: str) -> None:
    """The same bound, all of it used, mean 0."""
    module = program(emit(load(text=f"input 32x4x4\n{text}")))  # type: ignore[arg-type]
    ours = module.init(0, np.float64)
    torch.manual_seed(0)
    theirs = STARTS[text](None)
    for name in ("weight", "bias"):
        (mine,) = [value for key, value in ours.items() if key.endswith(name)]
        other = getattr(theirs, name).detach().numpy()
        assert mine.shape == other.shape
        assert np.abs(mine).max() == pytest.approx(np.abs(other).max(), rel=0.1)
        assert mine.std() == pytest.approx(other.std(), rel=0.2)


def test_init_is_the_same_for_the_same_seed_and_has_the_type_asked_for() -> None:
    module = program(emit(load(text="input 3x8x8\nconv F3 K4 -> bn -> relu")))  # type: ignore[arg-type]
    one, other, third = module.init(1), module.init(1), module.init(2, np.float64)
    assert all(np.array_equal(one[key], other[key]) for key in one)
    assert not np.array_equal(one["conv.weight"], third["conv.weight"])
    assert {value.dtype.name for key, value in one.items()} == {"float32", "int64"}
    assert third["conv.weight"].dtype == np.float64


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", WRITTEN)
def test_constructs_written_for_torch(name: str, training: bool) -> None:
    for tensor, error in compare(load(text=WRITTEN[name]), training, batch=3).items():
        assert error < 1e-10, tensor
