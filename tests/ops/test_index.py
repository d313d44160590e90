"""The index of words: it agrees with the classes, and imports no more than what is asked for."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import cnnspec.ops
from cnnspec.ops import Op, lookup, words
from cnnspec.ops.base import arguments_of

LANGUAGE = [
    "conv",
    "dwconv",
    "deconv",
    "maxpool",
    "avgpool",
    "gap",
    "gmp",
    "cmean",
    "cmax",
    "subsample",
    "bn",
    "in",
    "ln",
    "gn",
    "lrn",
    "relu",
    "relu6",
    "leaky",
    "prelu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "mish",
    "hswish",
    "hsigmoid",
    "sigmoid",
    "tanh",
    "softplus",
    "softmax",
    "logsoftmax",
    "abs",
    "dropout",
    "droppath",
    "scale",
    "times",
    "l2norm",
    "flatten",
    "fc",
    "rbf",
    "upsample",
    "unpool",
    "pixelshuffle",
    "pixelunshuffle",
    "shuffle",
    "pad",
    "crop",
    "slice",
    "reshape",
    "id",
    "none",
    "add",
    "mul",
    "sub",
    "max",
    "concat",
]
"""Every layer of the language's table."""


def every_class() -> list[type[Op]]:
    """All classes with a word of their own, in every module of the folder."""
    folder = Path(cnnspec.ops.__file__).parent
    modules = [import_module(f"cnnspec.ops.{path.stem}") for path in folder.glob("[a-z]*.py")]
    found = {}
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Op) and "word" in vars(value):
                found[value] = None
    return list(found)


def test_index_and_classes_agree() -> None:
    assert sorted(words()) == sorted(cls.word for cls in every_class())
    for cls in every_class():
        assert lookup(cls.word) is cls


def test_the_index_has_the_whole_language() -> None:
    assert sorted(words()) == sorted(LANGUAGE)


def test_a_word_that_is_none() -> None:
    assert lookup("conv2d") is None


def test_lookup_imports_its_family_only() -> None:
    script = (
        "import sys; from cnnspec.ops import lookup; lookup('relu');"
        "print(' '.join(name for name in sys.modules if name.startswith('cnnspec.ops.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(done.stdout.split())
    assert "cnnspec.ops.rectifier" in loaded
    assert not loaded & {
        "cnnspec.ops.activation",
        "cnnspec.ops.conv",
        "cnnspec.ops.pool",
        "cnnspec.ops.norm",
        "cnnspec.ops.dense",
    }


@pytest.mark.parametrize("word", words())
def test_declarations_are_whole(word: str) -> None:
    """A title, a page, an example; arguments that can be written, and told apart."""
    op: Any = lookup(word)
    assert op.__doc__
    assert op.__doc__.strip()
    assert "\n" not in op.title
    assert len(op.title) < 60
    assert op.example.startswith("input ")
    assert word in op.example.split()
    ways: list[object] = []
    for name, argument in arguments_of(op):
        assert argument.doc
        own = [argument.letter, argument.keyword and argument.keyword + "=", argument.positional]
        own += [flag for flag, _ in argument.flags]
        own = [way for way in own if way is not None]
        assert own, "no way to write it"
        ways += own
        for other in argument.replaces:
            assert any(name in back.replaces for field, back in arguments_of(op) if field == other)
    assert len(ways) == len(set(ways))
    # all fields but unpool's link to its maxpool can be written
    declared = {name for name, _ in arguments_of(op)}
    assert set(op.model_fields) - declared == ({"maxpool"} if word == "unpool" else set())
    assert set(op.tensors) == {name for name, argument in arguments_of(op) if argument.kind == "tensor"}
