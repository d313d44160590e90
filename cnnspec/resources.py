"""The files that ship with cnnspec: `grammar/` and `specs/`, the zoo.

In a wheel they are in `cnnspec/_data/`; in a checkout (and so in an editable install) beside the package.
"""

from __future__ import annotations

import os
from typing import Literal

_PACKAGE = os.path.dirname(os.path.abspath(__file__))


def folder(name: Literal["grammar", "specs"]) -> str:
    """The path of a folder that ships with cnnspec."""
    shipped = os.path.join(_PACKAGE, "_data", name)
    return shipped if os.path.isdir(shipped) else os.path.join(os.path.dirname(_PACKAGE), name)


def zoo() -> dict[str, str]:
    """The shipped specs, `{"resnet": "…/specs/classic/resnet.cnn"}`, family by family, each in alphabetical
    order."""
    paths: dict[str, str] = {}
    for path, folders, files in os.walk(folder("specs")):
        folders.sort()
        for file in sorted(files):
            stem, extension = os.path.splitext(file)
            if extension == ".cnn":
                paths.setdefault(stem, os.path.join(path, file))
    return paths


def family(path: str) -> str:
    """The folder of `specs/` that contains a shipped spec: `classic`."""
    return os.path.basename(os.path.dirname(path))
