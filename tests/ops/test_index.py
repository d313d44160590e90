"""Layers are found by their words: each class, once, and no more is imported than what is asked for."""

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


def test_every_class_is_found_by_its_word() -> None:
    assert sorted(words()) == sorted(cls.word for cls in every_class())
    for cls in every_class():
        assert lookup(cls.word) is cls


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
