"""What the advisories on loaders of ONNX warn of: each file is refused, with a reason."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cnnspec.sources.onnx.convert import convert
from cnnspec.sources.onnx.model import Refused, load

WEIGHTS = np.ones((4, 3, 1, 1), np.float32)


def model(**external: str) -> onnx.ModelProto:
    """A convolution whose weights lie in a file of their own."""
    weight = numpy_helper.from_array(WEIGHTS, "w")
    if external:
        weight.ClearField("raw_data")
        weight.data_location = TensorProto.EXTERNAL
        for key, value in external.items():
            weight.external_data.add(key=key, value=value)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 2, 2))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 4, 2, 2))],
        [weight],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def refused(folder: Path, made: onnx.ModelProto | bytes) -> str:
    path = folder / "inside" / "model.onnx"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(made if isinstance(made, bytes) else made.SerializeToString())
    with pytest.raises(Refused) as caught:
        convert(load(str(path)))
    return str(caught.value)


def outside(folder: Path) -> Path:
    path = folder / "secret.bin"
    path.write_bytes(WEIGHTS.tobytes())
    return path


def test_weights_in_a_file_below_the_model_are_read(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "w.bin").write_bytes(b"\0" * 16 + WEIGHTS.tobytes())
    (tmp_path / "model.onnx").write_bytes(model(location="data/w.bin", offset="16").SerializeToString())
    _, weights = convert(load(str(tmp_path / "model.onnx")))
    assert np.array_equal(weights["w"], WEIGHTS)


@pytest.mark.parametrize("location", ["../secret.bin", "a/../../secret.bin", "..\\secret.bin", ""])
def test_a_path_out_of_the_folder(tmp_path: Path, location: str) -> None:
    outside(tmp_path)
    assert "not below the model" in refused(tmp_path, model(location=location))


def test_an_absolute_path(tmp_path: Path) -> None:
    assert "not below the model" in refused(tmp_path, model(location=str(outside(tmp_path))))


def test_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "w.bin").symlink_to(outside(tmp_path))
    assert "is a link" in refused(tmp_path, model(location="w.bin"))


def test_a_folder_that_is_a_link(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    outside(tmp_path)
    (tmp_path / "inside" / "data").symlink_to(tmp_path)
    assert "is a link" in refused(tmp_path, model(location="data/secret.bin"))


def test_a_hard_link(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    os.link(outside(tmp_path), tmp_path / "inside" / "w.bin")
    assert "no file of its own" in refused(tmp_path, model(location="w.bin"))


@pytest.mark.parametrize("entry", [{"offset": "1"}, {"offset": "-4"}, {"length": "4"}, {"offset": "9" * 30}])
def test_what_is_not_in_the_file(tmp_path: Path, entry: dict[str, str]) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "w.bin").write_bytes(WEIGHTS.tobytes())
    assert "does not hold" in refused(tmp_path, model(location="w.bin", **entry))


@pytest.mark.parametrize("entry", [{"offset": "x"}, {"length": "1e3"}])
def test_an_entry_that_is_no_number(tmp_path: Path, entry: dict[str, str]) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "w.bin").write_bytes(WEIGHTS.tobytes())
    assert "w" in refused(tmp_path, model(location="w.bin", **entry))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "w.bin" in refused(tmp_path, model(location="w.bin"))


def _huge() -> onnx.ModelProto:
    made = model()
    made.graph.initializer[0].dims[:] = [2**40, 3, 1, 1]
    return made


def _negative() -> onnx.ModelProto:
    made = model()
    made.graph.initializer[0].dims[:] = [-4, 3, 1, 1]
    return made


def _short() -> onnx.ModelProto:
    made = model()
    made.graph.initializer[0].raw_data = b"\0\0"
    return made


def _filled() -> onnx.ModelProto:
    """A constant of 10¹² numbers, made of nothing."""
    made = model()
    made.graph.initializer.append(numpy_helper.from_array(np.array([10**6, 10**6]), "size"))
    made.graph.node.insert(0, helper.make_node("ConstantOfShape", ["size"], ["many"]))
    return made


def _spread() -> onnx.ModelProto:
    made = model()
    for axis, name in enumerate("ab"):
        shape = [1, 1]
        shape[axis] = 10**5
        made.graph.initializer.append(numpy_helper.from_array(np.zeros(shape, np.float32), name))
    made.graph.node.insert(0, helper.make_node("Add", ["a", "b"], ["many"]))
    return made


def _counted() -> onnx.ModelProto:
    made = model()
    for name, value in (("begin", 0), ("end", 10**15), ("step", 1)):
        made.graph.initializer.append(numpy_helper.from_array(np.array(value), name))
    made.graph.node.insert(0, helper.make_node("Range", ["begin", "end", "step"], ["many"]))
    return made


def _grown() -> onnx.ModelProto:
    """Each node doubles a constant."""
    made = model()
    made.graph.initializer.append(numpy_helper.from_array(np.zeros(2, np.float32), "c0"))
    for place in range(60):
        made.graph.node.insert(
            place, helper.make_node("Concat", [f"c{place}"] * 2, [f"c{place + 1}"], axis=0)
        )
    return made


def _cycle() -> onnx.ModelProto:
    """A function that calls itself."""
    made = model()
    body = helper.make_node("f", ["x"], ["y"], domain="own")
    made.functions.append(
        helper.make_function("own", "f", ["x"], ["y"], [body], [helper.make_opsetid("own", 1)])
    )
    made.graph.node[0].CopyFrom(helper.make_node("f", ["x"], ["y"], domain="own"))
    return made


def _doubling() -> onnx.ModelProto:
    """Functions that call the next one twice, 40 deep."""
    made = model()
    for place in range(15):
        calls = [helper.make_node(f"f{place + 1}", ["x"], [name], domain="own") for name in ("a", "y")] * 8
        made.functions.append(
            helper.make_function("own", f"f{place}", ["x"], ["y"], calls, [helper.make_opsetid("own", 1)])
        )
    made.graph.node[0].CopyFrom(helper.make_node("f0", ["x"], ["y"], domain="own"))
    return made


def _loop() -> onnx.ModelProto:
    """A node that reads its own output."""
    made = model()
    made.graph.node.insert(0, helper.make_node("Add", ["x", "late"], ["late"]))
    return made


def _versionless() -> onnx.ModelProto:
    made = model()
    del made.opset_import[:]
    return made


def _undone() -> onnx.ModelProto:
    """A control-flow node, with a graph in it."""
    made = model()
    inner = helper.make_graph([], "inner", [], [])
    made.graph.node.insert(0, helper.make_node("If", ["x"], ["z"], then_branch=inner, else_branch=inner))
    return made


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (_huge, "has the shape"),
        (_negative, "has the shape"),
        (_short, "cannot be read"),
        (_filled, "numbers"),
        (_spread, "numbers"),
        (_counted, "numbers"),
        (_grown, "numbers"),
        (_cycle, "deep"),
        (_doubling, "nodes"),
        (_loop, "nothing gives"),
        (_versionless, "version"),
        (_undone, "If"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_hostile_file(tmp_path: Path, made: Callable[[], onnx.ModelProto], says: str) -> None:
    assert says in refused(tmp_path, made())


@pytest.mark.parametrize("data", [b"", b"\0" * 100, b"PK\x03\x04", os.urandom(1000), b"\x08" * 10_000])
def test_what_is_no_onnx_file(tmp_path: Path, data: bytes) -> None:
    assert refused(tmp_path, data)


def test_every_prefix_of_a_file_is_refused_or_read(tmp_path: Path) -> None:
    data = model().SerializeToString()
    path = tmp_path / "model.onnx"
    for end in range(0, len(data), 3):
        path.write_bytes(data[:end])
        with suppress(Refused):
            convert(load(str(path)))


def test_changed_bytes_are_refused_or_read(tmp_path: Path) -> None:
    data, path, chance = model().SerializeToString(), tmp_path / "model.onnx", random.Random(0)
    for _ in range(300):
        changed = bytearray(data)
        for _ in range(chance.randint(1, 6)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        path.write_bytes(changed)
        with suppress(Refused):
            convert(load(str(path)))
