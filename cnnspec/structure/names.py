"""Names for labels and blocks: names of the source, changed to valid names of the language."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable

from cnnspec.ops import words

KEYWORDS = frozenset("model input let variant default block shared output expect if else and or not".split())  # noqa: SIM905
FIXED = frozenset(("C", "T", "H", "W", "i", "true", "false", "each", "frozen", "same"))
LETTER = re.compile(r"[FSPKGD][0-9x]*")
LONGEST = 40
WORDS = ("ReLU", "SiLU", "NeXt", "ViT", "VoV", "CoAt", "YOLOv")
"""Words of the field with capitals inside."""


def cleaned(text: str) -> str:
    """`layer1.0` as `layer1_0`; "" where no part can be a name."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")[:LONGEST].rstrip("_")
    return name if re.match(r"[A-Za-z]", name) else f"x{name}" if name else ""


def snake(text: str) -> str:
    """`InvertedResidual` as `inverted_residual`, `SEBlock` as `se_block`, `ConvBNReLU` as `conv_bn_relu`."""
    name = cleaned(text)
    for word in WORDS:
        name = name.replace(word, word.capitalize())
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def last_of(path: str) -> tuple[str, str]:
    """The last name of a module's path, without and with the number after it: `stages.0.5` gives `stages` and
    `stages0`."""
    match = re.search(r"([^.]*[^.0-9][^.]*)(?:\.([0-9]+))?[.0-9]*$", path)
    name = cleaned(match[1]) if match else ""
    return name, f"{name}{match[2]}" if match and match[2] and name else name


def free(candidates: Iterable[str], taken: Container[str]) -> str:
    """The first of these names that is not taken; else the last one with the smallest number that makes it
    free."""
    name = "x"
    for name in candidates:
        if name and name not in taken and not unusable(name):
            return name
    number = 2
    joint = "_" if name[-1].isdigit() else ""
    while f"{name}{joint}{number}" in taken or unusable(f"{name}{joint}{number}"):
        number += 1
        if number > 2 and unusable(f"{name}{joint}2"):
            joint = "_"
    return f"{name}{joint}{number}"


def unusable(name: str) -> bool:
    """Whether a name already has a meaning in the language."""
    return name in KEYWORDS or name in FIXED or LETTER.fullmatch(name) is not None


def is_layer(name: str) -> bool:
    return name in words()
