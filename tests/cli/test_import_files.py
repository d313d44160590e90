"""`cnnspec import FILE`: formats that are text; ONNX is in tests/sources/onnx."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command

CFG = """
[net]
width=16
height=16
channels=3

[convolutional]
batch_normalize=1
filters=8
size=3
stride=1
pad=1
activation=leaky

[convolutional]
batch_normalize=1
filters=8
size=3
stride=1
pad=1
activation=leaky

[shortcut]
from=-2
activation=linear

[convolutional]
filters=30
size=1
stride=1
pad=1
activation=linear

[yolo]
classes=5
"""
PROTOTXT = """
name: "Small"
layer { name: "data" type: "Input" top: "data" input_param { shape: { dim: 1 dim: 1 dim: 28 dim: 28 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
        convolution_param { num_output: 6 kernel_size: 5 } }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
        pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: "relu1" type: "ReLU" bottom: "pool1" top: "pool1" }
layer { name: "ip1" type: "InnerProduct" bottom: "pool1" top: "ip1" inner_product_param { num_output: 10 } }
layer { name: "prob" type: "Softmax" bottom: "ip1" top: "prob" }
"""
KERAS = {
    "class_name": "Sequential",
    "config": {"name": "small", "layers": [
        {"class_name": "InputLayer", "config": {"batch_shape": [None, 8, 8, 3], "name": "x"}},
        {"class_name": "Conv2D", "config": {"name": "c", "filters": 4, "kernel_size": 3}},
        {"class_name": "GlobalAveragePooling2D", "config": {"name": "g"}},
        {"class_name": "Dense", "config": {"name": "d", "units": 5, "activation": "softmax"}}]},
}  # fmt: skip


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_darknet(cnnspec: Command) -> None:
    Path("net.cfg").write_text(CFG)
    ran = cnnspec("import", "net.cfg", "-o", "net.cnn")
    assert (ran.status, ran.out, ran.err) == (0, "net.cnn: written\n", "")
    assert cnnspec("check", "net.cnn").status == 0
    text = Path("net.cnn").read_text()
    assert "add [" in text
    # 8·3·9 + 8·8·9 weights, a weight and a bias for each of 2·8 channels of bn; 30·8 weights and 30 biases
    assert "expect params 1,094" in text
    assert cnnspec("fmt", "--check", "net.cnn").status == 0


def test_lines_that_end_as_on_windows(cnnspec: Command) -> None:
    Path("net.cfg").write_bytes(CFG.replace("\n", "\r\n").encode())
    Path("other.cfg").write_text(CFG)
    assert (
        cnnspec("import", "net.cfg").out.replace("model net", "model other")
        == cnnspec("import", "other.cfg").out
    )


def test_the_weights_of_darknet(cnnspec: Command) -> None:
    np = pytest.importorskip("numpy")
    load_file = pytest.importorskip("safetensors.numpy").load_file
    Path("net.cfg").write_text(CFG)
    count = 8 * 4 + 3 * 8 * 9 + 8 * 4 + 8 * 8 * 9 + 30 + 30 * 8
    numbers = np.arange(count, dtype="<f4")
    Path("net.weights").write_bytes(b"\0" * 16 + numbers.tobytes())
    ran = cnnspec(
        "import", "net.cfg", "-o", "net.cnn", "--weights", "net.weights", "--weights-out", "w.safetensors"
    )
    assert ran.status == 0, ran
    written = load_file("w.safetensors")
    assert sum(array.size for array in written.values() if array.shape) == count
    (key,) = (key for key, array in written.items() if np.array_equal(array, numbers[-270:-240]))
    assert key.endswith("bias")
    with open("net.weights", "ab") as file:
        file.write(bytes(8))
    ran = cnnspec("import", "net.cfg", "--weights", "net.weights", "--weights-out", "other.safetensors")
    assert ran.status == 1
    assert "error[E813]: it has 1,128 numbers, more than the 1,126 of the network in the .cfg" in ran.err
    assert not Path("other.safetensors").exists()


def test_weights_that_go_with_another_file(cnnspec: Command) -> None:
    pytest.importorskip("numpy")
    Path("net.cfg").write_text(CFG)
    Path("net.caffemodel").write_bytes(b"x")
    ran = cnnspec("import", "net.cfg", "--weights", "net.caffemodel", "--weights-out", "w.safetensors")
    assert ran.status == 1
    assert "error[E813]: a .caffemodel file goes with the network in a .prototxt" in ran.err
    assert "cnnspec import NET.prototxt --weights NET.caffemodel" in ran.err


def test_caffe(cnnspec: Command) -> None:
    Path("small.prototxt").write_text(PROTOTXT)
    ran = cnnspec("import", "small.prototxt")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("model Small\n")
    assert "params 8,806" in ran.out  # 6·25 + 6, 864·10 + 10


def test_keras(cnnspec: Command) -> None:
    Path("small.json").write_text(json.dumps(KERAS))
    ran = cnnspec("import", "small.json")
    assert (ran.status, ran.err) == (0, "")
    assert "input 3x8x8" in ran.out
    assert "params 137" in ran.out  # 4·27 + 4, 4·5 + 5


def test_keras_in_hdf5(cnnspec: Command) -> None:
    """The whole model; and the weights alone with the configuration."""
    import numpy as np
    from safetensors.numpy import load_file

    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    kernel = np.arange(20, dtype=np.float32).reshape(4, 5)
    given = {
        "c": {"kernel": np.ones((3, 3, 3, 4)), "bias": np.ones(4)},
        "d": {"kernel": kernel, "bias": np.ones(5)},
    }
    with h5py.File("small.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(KERAS)
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = list(given)
        for own, weights in given.items():
            group = root.create_group(own)
            group.attrs["weight_names"] = [f"{own}/{name}:0" for name in weights]
            for name, value in weights.items():
                group[f"{own}/{name}:0"] = value
    ran = cnnspec(
        "import", "small.h5", "-o", "net.cnn", "--weights-out", "net.safetensors", "--map", "map.json"
    )
    assert (ran.status, ran.err) == (0, "")
    assert json.loads(Path("map.json").read_text())["weights"]["fc.weight"]["from"] == "d/kernel"
    assert np.array_equal(load_file("net.safetensors")["fc.weight"], kernel.T)
    Path("small.json").write_text(json.dumps(KERAS))
    ran = cnnspec("import", "small.json", "--weights", "small.h5", "--weights-out", "other.safetensors")
    assert (ran.status, ran.err) == (0, "")
    assert Path("other.safetensors").read_bytes() == Path("net.safetensors").read_bytes()
    with h5py.File("small.h5", "r+") as file:
        del file["model_weights/d/d/kernel:0"]
        file["model_weights/d/d/kernel:0"] = np.ones((7, 5))
    ran = cnnspec("import", "small.h5", "-o", "net.cnn", "--weights-out", "net.safetensors", "--force")
    assert ran.status == 1
    assert "error[E813]" in ran.err
    assert "d/kernel: the file has 7x5" in ran.err


def test_what_is_not_certain_is_said_with_its_line(cnnspec: Command) -> None:
    Path("net.cfg").write_text(CFG.replace("activation=leaky", "activation=unheard", 1))
    ran = cnnspec("import", "net.cfg")
    assert ran.status == 1
    assert "line 7" in ran.err


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a.pth", "--run-python"),
        ("a.h5", "to_json"),
        ("a.caffemodel", ".prototxt"),
        ("a.cnn", "a spec already"),
        ("a.xyz", ".onnx"),
        ("a", ".onnx"),
        ("a.cfg", "no network is found"),
        ("a.json", "not JSON"),
        ("a.keras", "not a .keras file"),
    ],
)
def test_other_files_say_the_way(cnnspec: Command, name: str, says: str) -> None:
    Path(name).touch()
    ran = cnnspec("import", name)
    assert ran.status == 1
    assert "error[E811]" in ran.err
    assert says in ran.err


def test_weights_alone_name_the_network_that_they_can_be_of(cnnspec: Command) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    sizes = {"C1": (6, 1, 5, 5), "C3": (16, 6, 5, 5), "C5": (120, 16, 5, 5), "F6": (84, 120), "out": (10, 84)}
    weights = {f"{name}.weight": np.zeros(shape, np.float32) for name, shape in sizes.items()}
    biases = {f"{name}.bias": np.zeros(shape[:1], np.float32) for name, shape in sizes.items()}
    save_file({**weights, **biases}, "theirs.safetensors")
    ran = cnnspec("import", "theirs.safetensors")
    assert ran.status == 1
    assert "help: by its shapes, `zoo:lenet5_modern` is the network" in ran.err
    assert "10 of 10 shapes" in ran.err


@pytest.mark.parametrize(
    "data", [b"", b"\xff" * 100, b"\x04" + b"\0" * 7 + b"[[[[", b"\x02" + b"\0" * 7 + b"[]"]
)
def test_no_safetensors_file(cnnspec: Command, data: bytes) -> None:
    Path("a.safetensors").write_bytes(data)
    ran = cnnspec("import", "a.safetensors")
    assert (ran.status, "not a safetensors file" in ran.err) == (1, True)


def test_a_file_that_is_not_there(cnnspec: Command) -> None:
    ran = cnnspec("import", "none.onnx")
    assert ran.status == 1
    assert "E701" in ran.err


@pytest.mark.parametrize("arguments", [(), ("net.cfg", "--run-python", "nets:Net")])
def test_one_source_is_expected(cnnspec: Command, arguments: tuple[str, ...]) -> None:
    assert cnnspec("import", *arguments).status == 2
