"""What the zoo's programs look like, kept to be read: a change of the emitter shows here, line by line.

`UPDATE_GOLDEN=1 python -m pytest tests/targets/torch/test_golden.py` writes them anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.targets.torch.support import program, spec, zoo

FOLDER = Path(__file__).with_name("golden")
EXTRA = (("deep/resnet.cnn", "ResNet50"), ("classic/vgg.cnn", "VGG16"))
UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))


def named(path: str, variant: str | None) -> str:
    stem = Path(path).stem
    return f"{stem}_{variant}.py" if (path, variant) in EXTRA else f"{stem}.py"


CASES = sorted({*zoo(), *EXTRA}, key=lambda case: (case[0], case[1] or ""))


@pytest.mark.parametrize(("path", "variant"), CASES)
def test_golden(path: str, variant: str | None) -> None:
    file = FOLDER / named(path, variant)
    text = program(spec(path, variant))
    text = re.sub(r"cnnspec \S+: (.*) \(IR \w+\)", r"cnnspec 0.0.0: \1 (IR 0)", text, count=1)
    if UPDATE:
        file.write_text(text, encoding="ascii")
    assert file.exists(), "UPDATE_GOLDEN=1 writes it"
    assert text == file.read_text(encoding="ascii"), "if this is meant: UPDATE_GOLDEN=1 writes it anew"


def test_no_file_is_left_over() -> None:
    names = {named(path, variant) for path, variant in CASES}
    left = {file.name for file in FOLDER.glob("*.py")} - names
    if UPDATE:
        for name in left:
            (FOLDER / name).unlink()
        left = set()
    assert not left


@pytest.mark.parametrize(("path", "variant"), CASES)
def test_nothing_is_defined_for_nobody(path: str, variant: str | None) -> None:
    """Neither a helper nor a block's class that the program does not use, nor an `if` around nothing."""
    text = program(spec(path, variant))
    for name in re.findall(r"^(?:class|def) (\w+)", text, re.MULTILINE):
        assert len(re.findall(rf"\b{name}\b", text)) > 1, name
    assert not re.search(r"^ +pass$", text, re.MULTILINE)
