# ruff: noqa: E501
"""Every way that layers are put together against torch, in float64: what comes out, running statistics, all gradients;
and how weights start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from cnnspec.api import load
from cnnspec.targets.numpy import emit
from tests.targets.numpy.support import compare, program
from tests.targets.torch.constructs import CONSTRUCTS as WRITTEN

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
    "last pass makes what nothing reads": "input 4x8x8\n[ p: conv F3 P1 K4 -> relu\nmaxpool F2 -> conv F3 P1 K4 ]*3\noutput each @p",
    "last pass decides what nothing reads": (
        "block s(n, k) { [ p: conv F3 P1 K=k -> relu\nif C > 3 [ conv F1 K=C ] ]*n\noutput each @p }\n"
        "input 4x8x8\na, b: s(2, 3)\nc, d: @a -> maxpool F2 -> s(2, 4)\noutput @b, @c, @d"
    ),
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
