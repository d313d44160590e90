"""docs/import.md: every command of it is executed, with small stand-ins for the files that it names."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command, cnnspec  # noqa: F401
from tests.sources.test_published import yolov3_tiny

PAGE = (Path(__file__).parents[2] / "docs" / "import.md").read_text("utf-8")
NETS = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self):
        pool = nn.AdaptiveAvgPool2d(1), nn.Flatten()
        super().__init__(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), *pool, nn.Linear(4, 2))

ResNet = type("ResNet", (Net,), {})
"""
PROTOTXT = """
name: "Net"
input: "data" input_dim: 10 input_dim: 1 input_dim: 28 input_dim: 28
layers { name: "c" type: CONVOLUTION bottom: "data" top: "c"
         convolution_param { num_output: 6 kernel_size: 5 } }
layers { name: "p" type: POOLING bottom: "c" top: "p" pooling_param { kernel_size: 2 stride: 2 } }
layers { name: "f" type: INNER_PRODUCT bottom: "p" top: "f" inner_product_param { num_output: 10 } }
"""


def commands() -> dict[str, list[str]]:
    """By the heading that they are under."""
    found: dict[str, list[str]] = {}
    for part in re.split(r"^## ", PAGE, flags=re.MULTILINE):
        title = part.splitlines()[0].partition(":")[0]
        blocks = re.findall(r"^```console\n(.*?)^```", part, re.MULTILINE | re.DOTALL)
        found[title] = [line[2:] for one in blocks for line in one.splitlines() if line.startswith("$ ")]
    return found


ALL = commands()
FIRST = next(iter(ALL))


def executed(title: str, run: Command, only: str = "") -> int:
    """How many commands there were; each must end well."""
    lines = [one for one in ALL[title] if only in one and not one.startswith("git clone")]
    for line in lines:
        word, *arguments = shlex.split(line, comments=True)
        if word == "python":
            done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            continue
        assert word == "cnnspec", line
        ran = run(*arguments)
        assert ran.status == 0, (line, ran.out, ran.err)
    return len(lines)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("deploy.prototxt").write_text(PROTOTXT)
    Path("yolov3.cfg").write_text(yolov3_tiny())


def test_no_command_is_without_a_test() -> None:
    assert [title for title, lines in ALL.items() if lines] == [FIRST, *(f"Journey {n}" for n in (1, 2, 3))]
    own = [one for one in ALL[FIRST] if "alexnet" not in one]  # torchvision's: `make import`
    assert len(own) == 4


def test_files_of_text(cnnspec: Command) -> None:  # noqa: F811
    assert executed(FIRST, cnnspec, ".cfg") + executed(FIRST, cnnspec, ".prototxt") == 2


@pytest.mark.slow
def test_files_with_weights(cnnspec: Command) -> None:  # noqa: F811
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    pytest.importorskip("h5py", reason="h5py is not installed")
    from tests.sources.keras.test_weights import numbers, zipped
    from tests.sources.onnx.test_hostile import model

    onnx.save(model(), "model.onnx")
    assert executed(FIRST, cnnspec, "model.onnx") == 1
    for name in ("model.cnn", "model.safetensors"):
        Path(name).unlink()
    zipped(Path("model.keras"), numbers())
    assert executed(FIRST, cnnspec, "model.keras") == 1


def caffemodel() -> bytes:
    """As Caffe wrote them when the .prototxt had this form."""
    np = pytest.importorskip("numpy", reason="NumPy is not installed")
    pytest.importorskip("safetensors", reason="safetensors is not installed")
    from tests.sources.test_stored import blob, field, layer

    sizes = {"c": [(6, 1, 5, 5), (6,)], "f": [(10, 6 * 12 * 12), (10,)]}
    return b"".join(
        field(2, layer((4, 6), name, *(blob(np.ones(shape, "<f4"), four=True) for shape in shapes)))
        for name, shapes in sizes.items()
    )


def test_journey_3(cnnspec: Command) -> None:  # noqa: F811
    Path("net.caffemodel").write_bytes(caffemodel())
    assert executed("Journey 3", cnnspec, "cnnspec") == 3
    assert "maxpool F2 ceil" in Path("net.cnn").read_text()
    compile(Path("net.py").read_text(), "net.py", "exec")


@pytest.mark.slow
def test_the_end_of_journey_3(cnnspec: Command, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    pytest.importorskip("torch", reason="torch is not installed")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    Path("net.caffemodel").write_bytes(caffemodel())
    assert executed("Journey 3", cnnspec) == 4


@pytest.mark.slow
def test_journey_1(cnnspec: Command) -> None:  # noqa: F811
    pytest.importorskip("torch", reason="torch is not installed")
    Path("models").mkdir()
    Path("models/net.py").write_text(NETS)
    assert executed("Journey 1", cnnspec) == 5
    assert Path("net.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.slow
def test_journey_2(cnnspec: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:  # noqa: F811
    """From the `.pth` on, by the two lines that the page gives."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    Path("my").mkdir()
    Path("my/nets.py").write_text(NETS)
    space: dict[str, object] = {"__name__": "nets"}
    exec(NETS, space)
    torch.save(space["ResNet"]().state_dict(), "theirs.pth")  # type: ignore[operator]
    (lines,) = re.findall(r"^    (state = .*)\n    (.*)$", PAGE, re.MULTILINE)
    exec("import torch, safetensors.torch\n" + "\n".join(lines), {})
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(__file__).parents[2]}")
    assert executed("Journey 2", cnnspec) == 3
