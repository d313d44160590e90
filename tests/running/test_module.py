"""The user's module is imported from where its owner has it, and made with the arguments that it takes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from cnnspec.running.worker.messages import Fault  # noqa: E402
from cnnspec.running.worker.module import Absent, fitting, imported, made  # noqa: E402

NET = """
from torch import nn
{0}
class Net(nn.Module):
    def __init__(self, k, act=None):
        super().__init__()
        self.conv = nn.Conv2d(3, k, 3)
    def forward(self, x):
        {1}
        return self.conv(x)
"""


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is imported here is forgotten again."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    yield
    for name in set(sys.modules) - before:
        if not name.startswith("torch"):
            del sys.modules[name]


def written(folder: Path, **files: str) -> str:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(folder)


def test_a_file_with_relative_imports_is_a_part_of_its_package(tmp_path: Path) -> None:
    folder = written(tmp_path, lib__nets__net="from .parts import K\nfrom ..base import B\n",
                     lib__nets__parts="K = 8", lib__base="B = 9")  # fmt: skip
    found = imported("lib/nets/net.py", folder, Absent())
    assert (found.K, found.B, found.__name__) == (8, 9, "lib.nets.net")


def test_what_lies_in_folders_above_is_found(tmp_path: Path) -> None:
    folder = written(tmp_path, models__net="from blocks.conv import K", blocks__conv="K = 8")
    assert imported("net.py", f"{folder}/models", Absent()).K == 8


CODE = """import cv2
import mmcv.ops as ops
from registry.sub import NETS, Base
class Own(Base):
    x = 1
@NETS.register()
def make(k):
    return isinstance(k, Base)
"""


def test_packages_that_are_not_installed_are_stood_in_for(tmp_path: Path) -> None:
    absent = Absent()
    found = imported("net.py", written(tmp_path, net=CODE), absent)
    assert absent.names == ["cv2", "mmcv", "registry"]
    assert found.Own().x == 1
    assert found.make(3) is False


def test_no_tensor_goes_through_a_package_that_is_not_installed(tmp_path: Path) -> None:
    folder = written(tmp_path, net=NET.format("import mmcv", "x = mmcv.relu(x)"))
    module = made(torch, imported("net.py", folder, Absent()), "net.py", "Net", [4])
    with pytest.raises(ModuleNotFoundError, match="mmcv"):
        module(torch.zeros(1, 3, 8, 8))


@pytest.mark.parametrize("source", ["nets", "nets.sub", "nets.py"])
def test_the_module_itself_is_not_stood_in_for(tmp_path: Path, source: str) -> None:
    with pytest.raises(Fault, match=f"there is no (module|file) {source}"):
        imported(source, str(tmp_path), Absent())


def test_what_is_missing_in_a_package_that_is_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_part"):
        imported("net.py", written(tmp_path, net="import torch.no_such_part"), Absent())


def test_arguments_that_do_not_fit_are_reported_with_those_that_do(tmp_path: Path) -> None:
    found = imported("net.py", written(tmp_path, net=NET.format("", "pass")), Absent())
    with pytest.raises(Fault, match="missing a required argument: 'k'") as wrong:
        made(torch, found, "net.py", "Net", {"act": 1})
    assert wrong.value.finding["note"] == "it takes (k, act=None)"
    assert "--args" in wrong.value.finding["help"]
    module = made(torch, found, "net.py", "Net", {"k": 4})
    with pytest.raises(Fault, match="forward cannot be called: too many positional arguments"):
        fitting("forward", module.forward, [1, 2], {})
