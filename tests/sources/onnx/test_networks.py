"""Networks exported by both of torch's exporters, imported, built and run: NumPy beside onnxruntime."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import cnnspec
from cnnspec.sources.calls.translate import layers_of
from cnnspec.sources.onnx.convert import convert
from cnnspec.sources.onnx.model import load
from tests.sources.onnx.without_torch import Array, imported, imported_apart


class Residual(nn.Module):
    def __init__(self, k: int, act: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(k, k, 3, padding=1, bias=False), nn.BatchNorm2d(k)
        self.act = act()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.act(self.bn1(self.conv1(x)) + x)
        return y


class Activations(nn.Sequential):
    """Those that exporters take apart."""

    def __init__(self) -> None:
        acts = (nn.SiLU, nn.GELU, nn.Mish, nn.Hardswish, nn.Hardsigmoid, nn.ReLU6, nn.ELU)
        super().__init__(nn.Conv2d(3, 8, 3, 2, 1), *(Residual(8, act) for act in acts))


class ChannelsLast(nn.Module):
    """ConvNeXt's block: a layer norm and fully connected layers over channels, with a scale."""

    def __init__(self) -> None:
        super().__init__()
        self.dw, self.ln = nn.Conv2d(8, 8, 7, padding=3, groups=8), nn.LayerNorm(8, eps=1e-6)
        self.up, self.down = nn.Linear(8, 32), nn.Linear(32, 8)
        self.gamma = nn.Parameter(torch.linspace(0.5, 1.5, 8))

    def forward(self, x: Tensor) -> Tensor:
        y = self.ln(self.dw(x).permute(0, 2, 3, 1))
        y = self.gamma * self.down(functional.gelu(self.up(y)))
        return x + y.permute(0, 3, 1, 2)


class Shuffle(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        one, other = x.chunk(2, 1)
        y = torch.cat([one, self.conv(other)], 1)
        n, c, h, w = y.shape
        return y.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


class Pyramid(nn.Module):
    """Several outputs; upsampling; a squeeze-and-excitation."""

    def __init__(self) -> None:
        super().__init__()
        self.c3, self.c4 = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 2, 1)
        self.fc1, self.fc2 = nn.Conv2d(8, 2, 1), nn.Conv2d(2, 8, 1)
        self.norm = nn.GroupNorm(2, 8)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        c3 = functional.leaky_relu(self.c3(x), 0.1)
        c4 = self.norm(self.c4(c3))
        c4 = c4 * torch.sigmoid(self.fc2(functional.relu(self.fc1(c4.mean((2, 3), keepdim=True)))))
        p3 = c3 + functional.interpolate(c4, scale_factor=2.0, mode="nearest")
        return functional.interpolate(p3, scale_factor=2.0, mode="bilinear", align_corners=False), c4


def classifier() -> nn.Module:
    maps = nn.Conv2d(3, 8, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True), nn.AvgPool2d(3, 2, 1)
    vectors = nn.Linear(8 * 16, 16), nn.LayerNorm(16), nn.Tanh(), nn.Linear(16, 4), nn.Softmax(1)
    return nn.Sequential(*maps, nn.Dropout(0.3), nn.Flatten(), *vectors)


def transposed() -> nn.Module:
    down = nn.Conv2d(3, 4, 3), nn.InstanceNorm2d(4, affine=True), nn.PReLU(4)
    return nn.Sequential(
        *down, nn.Upsample(scale_factor=2), nn.ConvTranspose2d(4, 4, 4, 2, 1), nn.PixelShuffle(2)
    )


def signal() -> nn.Module:
    maps = nn.Conv1d(3, 8, 9, 4), nn.BatchNorm1d(8), nn.ReLU(), nn.MaxPool1d(4)
    return nn.Sequential(*maps, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(8, 4))


def volume() -> nn.Module:
    return nn.Sequential(nn.Conv3d(3, 4, 3, padding=1), nn.BatchNorm3d(4), nn.ReLU(), nn.MaxPool3d((1, 2, 2)))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "activations": (Activations, (3, 16, 16)),
    "channels last": (ChannelsLast, (8, 8, 8)),
    "shuffle": (Shuffle, (4, 6, 6)),
    "pyramid": (Pyramid, (3, 16, 16)),
    "classifier": (classifier, (3, 16, 16)),
    "transposed": (transposed, (3, 10, 10)),
    "signal": (signal, (3, 256)),
    "volume": (volume, (3, 4, 8, 8)),
}
ZOO: dict[str, tuple[int, ...] | None] = {
    "all_cnn": None,
    "resnet_cifar": None,
    "densenet_bc": None,
    "lenet5_modern": None,
    "m5": None,
    "wavenet": None,
    "mobilenet_v2": (3, 64, 64),
    "squeezenet": (3, 64, 64),
    "googlenet": (3, 64, 64),
    "inception_v3": (3, 96, 96),
    "mobilenet_v3": (3, 64, 64),
    "convnext": (3, 64, 64),
    "efficientnet": (3, 64, 64),
    "regnet_y": (3, 64, 64),
    "repvgg": (3, 64, 64),
    "unet": None,
    "srcnn": None,
    "dcgan_generator": None,
    "deeplabv3_resnet50": (3, 64, 64),
    "yolo_v3_tiny": (3, 64, 64),
    "video_resnet": (3, 4, 32, 32),
    "resnext": (3, 64, 64),
}
"""Networks of the zoo, with a smaller input where they permit one."""


def exported(module: nn.Module, x: Tensor, path: Path, newer: bool) -> None:
    more: dict[str, Any] = {"external_data": False} if newer else {"opset_version": 13}
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (x,), path, dynamo=newer, verbose=False, **more)


def with_statistics(module: nn.Module) -> nn.Module:
    """Running statistics that change something."""
    for name, value in module.named_buffers():
        if name.endswith("running_mean"):
            value.uniform_(-0.5, 0.5)
        elif name.endswith("running_var"):
            value.uniform_(0.5, 1.5)
    return module.eval()


def check(module: nn.Module, size: tuple[int, ...], path: Path, newer: bool, apart: bool = False) -> str:
    torch.manual_seed(0)
    x = torch.randn(1, *size)
    exported(with_statistics(module), x, path, newer)
    session = onnxruntime.InferenceSession(path)
    expected = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    text, found = (imported_apart if apart else imported)(path, [x.numpy()])
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert np.abs(one.reshape(other.shape) - other).max() <= 1e-5 * max(1, np.abs(other).max())
    return text


@pytest.mark.parametrize("newer", [True, False], ids=["dynamo", "torchscript"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_gives_the_same_output(name: str, newer: bool, tmp_path: Path) -> None:
    make, size = NETWORKS[name]
    check(make(), size, tmp_path / "net.onnx", newer)


@pytest.mark.parametrize("newer", [True, False], ids=["dynamo", "torchscript"])
def test_what_was_taken_apart_is_one_layer_again(newer: bool, tmp_path: Path) -> None:
    text = check(Activations(), (3, 16, 16), tmp_path / "net.onnx", newer)
    for word in ("silu", "gelu", "mish", "hswish", "hsigmoid", "relu6", "elu"):
        assert f"{word}" in text
    assert "sigmoid" not in text.replace("hsigmoid", "")


def test_equal_starts_are_not_shared(tmp_path: Path) -> None:
    """The newer exporter writes the ones and zeros of new norms once for all of them."""
    blocks = [ChannelsLast() for _ in range(3)]
    for block in blocks:
        block.gamma.data.fill_(0.1)
    text = check(nn.Sequential(*blocks), (8, 8, 8), tmp_path / "net.onnx", True)
    assert "shared" not in text
    assert text.count("ln eps=1e-6 -> conv") + text.count("-> ln -> conv") == 1


@pytest.mark.parametrize("change", ["activation", "eps", "weights"])
def test_a_control_is_seen(change: str, tmp_path: Path) -> None:
    """Another activation, another eps, two weights exchanged: the comparison fails."""
    torch.manual_seed(0)
    x = torch.randn(1, 3, 16, 16)
    one, other = (
        nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU()) for _ in range(2)
    )
    other.load_state_dict(one.state_dict())
    if change == "activation":
        other[2] = nn.LeakyReLU(0.01)
    elif change == "eps":
        other[1].eps = 0.1
    else:
        other[0].weight.data = other[0].weight.data.flip(0)
    exported(one.eval(), x, tmp_path / "net.onnx", False)
    exported(other.eval(), x, tmp_path / "other.onnx", False)
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    (expected,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    _, (found,) = imported(tmp_path / "other.onnx", [x.numpy()])
    assert np.abs(found - expected).max() > 1e-4 * np.abs(expected).max()


def test_an_open_size_is_given(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    path = tmp_path / "net.onnx"
    more = {"input_names": ["x"], "dynamic_axes": {"x": {0: "batch", 2: "height", 3: "width"}}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (torch.randn(1, 3, 8, 8),), path, dynamo=False, **more)
    with pytest.raises(ValueError, match="say its size"):
        convert(load(str(path)))
    trace, _ = convert(load(str(path)), {"": (3, 20, 20)})
    assert layers_of(trace).layers[0].shape == (4, 10, 10)


def _file(path: Path, nodes: list[Any], weights: dict[str, Array], **inputs: list[int | str]) -> Path:
    entering = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, size)
        for name, size in inputs.items()
    ]
    leaving = [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)]
    held = [onnx.numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = onnx.helper.make_graph(nodes, "net", entering, leaving, held)
    versions = [onnx.helper.make_opsetid("", 9)]
    path.write_bytes(onnx.helper.make_model(graph, opset_imports=versions, ir_version=8).SerializeToString())
    return path


def _normal(*size: int) -> Array:
    return np.random.default_rng(sum(size)).standard_normal(size).astype(np.float32) / 4


def test_a_file_as_tensorflow_writes_it(tmp_path: Path) -> None:
    """Channels last, "same" padding that is uneven, a mean and a product with the channels last."""
    node = onnx.helper.make_node
    nodes = [
        node("Transpose", ["x"], ["first"], perm=[0, 3, 1, 2]),
        node("Conv", ["first", "w", "b"], ["c"], auto_pad="SAME_UPPER", strides=[2, 2], kernel_shape=[3, 3]),
        node("Clip", ["c"], ["r"], min=0.0, max=6.0),
        node("Transpose", ["r"], ["last"], perm=[0, 2, 3, 1]),
        node("ReduceMean", ["last"], ["m"], axes=[1, 2], keepdims=0),
        node("MatMul", ["m", "w2"], ["p"]),
        node("Add", ["p", "b2"], ["y"]),
    ]
    weights = {"w": _normal(8, 3, 3, 3), "b": _normal(8), "w2": _normal(8, 5), "b2": _normal(5)}
    path = _file(tmp_path / "net.onnx", nodes, weights, x=["N", 16, 16, 3])
    x = _normal(1, 16, 16, 3)
    text, (found,) = imported(path, [x.transpose(0, 3, 1, 2)])
    (expected,) = onnxruntime.InferenceSession(path).run(None, {"x": x})
    assert np.allclose(found, expected, atol=1e-5)
    assert "input 3x16x16" in text
    assert "conv F3 S2 Psame K8 -> relu6" in text


def test_a_file_of_an_older_version(tmp_path: Path) -> None:
    """Upsample by factors, a gate between reshapes by constants, Gemm with its weights the other way."""
    node = onnx.helper.make_node
    nodes = [
        node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        node("LeakyRelu", ["c"], ["r"], alpha=0.1),
        node("MaxPool", ["r"], ["m"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Upsample", ["m", "factors"], ["u"], mode="nearest"),
        node("Concat", ["u", "r"], ["both"], axis=1),
        node("GlobalAveragePool", ["both"], ["p"]),
        node("Reshape", ["p", "flat"], ["v"]),
        node("Gemm", ["v", "w2", "b2"], ["z"]),
        node("Sigmoid", ["z"], ["s"]),
        node("Reshape", ["s", "map"], ["gate"]),
        node("Mul", ["both", "gate"], ["y"]),
    ]
    weights = {"w": _normal(4, 3, 3, 3), "w2": _normal(8, 8), "b2": _normal(8)}
    sizes = {"flat": np.array([0, -1]), "map": np.array([-1, 8, 1, 1])}
    weights |= sizes | {"factors": np.array([1, 1, 2, 2], np.float32)}
    path = _file(tmp_path / "net.onnx", nodes, weights, x=["N", 3, 8, 8])
    x = _normal(1, 3, 8, 8)
    text, (found,) = imported(path, [x])
    (expected,) = onnxruntime.InferenceSession(path).run(None, {"x": x})
    assert np.allclose(found, expected, atol=1e-5)
    assert "upsample 2" in text
    assert "mul [ id | gap -> fc 8 -> sigmoid ]" in text


def test_torch_is_not_needed(tmp_path: Path) -> None:
    exported(with_statistics(Residual(3, nn.SiLU)), torch.randn(1, 3, 8, 8), tmp_path / "net.onnx", False)
    code = """
import sys
sys.modules["torch"] = None
from cnnspec.cli import main
main()
"""
    arguments = ["import", "net.onnx", "-o", "net.cnn", "--weights-out", "net.safetensors"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "net.cnn: written\nnet.safetensors: written\n"), done.stderr
    assert "silu" in (tmp_path / "net.cnn").read_text()


@pytest.mark.heavy
@pytest.mark.parametrize("newer", [True, False], ids=["dynamo", "torchscript"])
@pytest.mark.parametrize("name", ZOO)
def test_a_network_of_the_zoo(name: str, newer: bool, tmp_path: Path) -> None:
    """Imported where torch cannot be."""
    graph = cnnspec.load(f"zoo:{name}")
    size = ZOO[name] or graph.root.values[0]
    assert size is not None
    check(cnnspec.torch_module(f"zoo:{name}"), size, tmp_path / "net.onnx", newer, apart=True)


def test_a_maxpool_that_is_undone(tmp_path: Path) -> None:
    """MaxPool with the places of its maxima, and MaxUnpool: SegNet's `unpool`."""
    node = onnx.helper.make_node
    pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
    nodes = [
        node("MaxPool", ["x"], ["m", "places"], **pool),
        node("Conv", ["m", "w"], ["c"], pads=[1, 1, 1, 1]),
        node("MaxUnpool", ["c", "places"], ["y"], **pool),
    ]
    path = _file(tmp_path / "net.onnx", nodes, {"w": _normal(2, 2, 3, 3)}, x=["N", 2, 8, 8])
    x = _normal(1, 2, 8, 8)
    text, (found,) = imported(path, [x])
    (expected,) = onnxruntime.InferenceSession(path).run(None, {"x": x})
    assert np.allclose(found, expected, atol=1e-5)
    assert "unpool" in text
