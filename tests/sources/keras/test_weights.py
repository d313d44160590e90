"""The weights of Keras's files: torch's layouts, and files that are not what they seem."""

from __future__ import annotations

import json
import os
import random
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

h5py = pytest.importorskip("h5py", reason="h5py is not installed")

from cnnspec.running.worker import keras as worker  # noqa: E402
from cnnspec.running.worker.messages import Fault  # noqa: E402
from cnnspec.sources.keras.config import Refused, load  # noqa: E402
from cnnspec.sources.keras.convert import converted  # noqa: E402
from cnnspec.sources.keras.weights import config_of, weights_of  # noqa: E402
from tests.sources.built import Array, run  # noqa: E402
from tests.sources.keras.test_convert import entering, layer, model  # noqa: E402

CONV = {"filters": 4, "kernel_size": [3, 3]}
CHANGES = {"scale": False, "center": True}
NETWORK = model(
    entering(6, 5, 2),
    layer("Conv2D", "c", ["x"], **CONV),
    layer("BatchNormalization", "b", ["c"], **CHANGES),
    layer("DepthwiseConv2D", "w", ["b"], kernel_size=[2, 2], depth_multiplier=2, use_bias=False),
    layer("PReLU", "p", ["w"], shared_axes=None),
    layer("Flatten", "f", ["p"]),
    layer("Dropout", "o", ["f"], rate=0.5),
    layer("Dense", "d", ["o"], units=3),
)
SHAPES = {
    "c": {"kernel": (3, 3, 2, 4), "bias": (4,)},
    "b": {"beta": (4,), "moving_mean": (4,), "moving_variance": (4,)},
    "w": {"kernel": (2, 2, 4, 2)},
    "p": {"alpha": (3, 2, 8)},
    "d": {"kernel": (48, 3), "bias": (3,)},
}


def numbers() -> dict[str, dict[str, Array]]:
    chance = np.random.default_rng(0)
    return {
        own: {name: chance.uniform(0.1, 1, shape).astype(np.float32) for name, shape in weights.items()}
        for own, weights in SHAPES.items()
    }


def older(path: Path, given: Mapping[str, Mapping[str, Array]]) -> Path:
    """A whole model, as versions 1 and 2 write it."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"], file.attrs["keras_version"] = NETWORK.decode(), "2.15.0"
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = [own.encode() for own in given]
        for own, weights in given.items():
            group = root.create_group(own)
            names = {name: "depthwise_kernel" if own == "w" else name for name in weights}
            group.attrs["weight_names"] = [f"{own}/{names[name]}:0".encode() for name in weights]
            for name, value in weights.items():
                group[f"{own}/{names[name]}:0"] = value
    return path


def newer(path: Path, given: Mapping[str, Mapping[str, Array]]) -> Path:
    with h5py.File(path, "w") as file:
        for place, (own, weights) in enumerate(given.items()):
            held = file.create_group(f"layers/kind_{place}/vars")
            held.attrs["name"] = own
            for number, value in enumerate(weights.values()):
                held[str(number)] = value
    return path


def zipped(path: Path, given: Mapping[str, Mapping[str, Array]]) -> Path:
    inner = newer(path.with_suffix(".h5"), given)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", NETWORK)
        archive.write(inner, "model.weights.h5")
    return path


def expected(x: Array, given: Mapping[str, Mapping[str, Array]]) -> Array:
    """By torch's functions, flattened row by row with the channels last."""
    at = {own: {name: torch.from_numpy(one) for name, one in row.items()} for own, row in given.items()}
    y = functional.conv2d(torch.from_numpy(x), at["c"]["kernel"].permute(3, 2, 0, 1), at["c"]["bias"])
    mean, variance = at["b"]["moving_mean"], at["b"]["moving_variance"]
    y = functional.batch_norm(y, mean, variance, None, at["b"]["beta"], eps=1e-3)
    y = functional.conv2d(y, at["w"]["kernel"].permute(2, 3, 0, 1).reshape(8, 1, 2, 2), groups=4)
    y = torch.where(y > 0, y, y * at["p"]["alpha"].permute(2, 0, 1))
    y = y.permute(0, 2, 3, 1).flatten(1) @ at["d"]["kernel"] + at["d"]["bias"]
    return y.numpy()


def read(path: Path) -> tuple[Any, dict[str, Array]]:
    trace, layouts = converted(load(NETWORK))
    held = weights_of(str(path), trace, layouts, str(path.parent))
    assert dict(held.shapes) == dict(trace.keys)
    return trace, {key: held.read(key) for key in held.shapes}


@pytest.mark.parametrize("make", [older, newer, zipped])
def test_a_file_of_each_kind(make: Callable[..., Path], tmp_path: Path) -> None:
    given = numbers()
    trace, weights = read(make(tmp_path / "file.x", given))
    x = np.random.default_rng(1).standard_normal((1, 2, 6, 5), dtype=np.float32)
    (out,) = run(trace, weights, [x])
    assert np.allclose(out, expected(x, given), atol=1e-4)


def test_two_weights_exchanged_are_seen(tmp_path: Path) -> None:
    given = numbers()
    x = np.random.default_rng(1).standard_normal((1, 2, 6, 5), dtype=np.float32)
    trace, weights = read(newer(tmp_path / "file.h5", given))
    given["d"]["kernel"] = given["d"]["kernel"][::-1].copy()
    (out,) = run(trace, weights, [x])
    assert not np.allclose(out, expected(x, given), atol=1e-2)


def test_the_configuration_has_the_version_that_wrote_it(tmp_path: Path) -> None:
    data = config_of(str(older(tmp_path / "model.h5", numbers())))
    assert load(data).older
    assert not load(json.dumps(json.loads(data) | {"keras_version": "3.0"}).encode()).older


def _replaced(path: Path, make: Callable[[Any, str], None]) -> Path:
    """A file whose first filters are something else."""
    newer(path, numbers())
    with h5py.File(path, "r+") as file:
        del file["layers/kind_0/vars/0"]
        make(file["layers/kind_0/vars"], "0")
    return path


def _soft(group: Any, name: str) -> None:
    group[name] = h5py.SoftLink("/layers/kind_0/vars/1")


def _elsewhere(group: Any, name: str) -> None:
    group[name] = h5py.ExternalLink("secret.h5", "/c")


def _external(group: Any, name: str) -> None:
    group.create_dataset(name, (3, 3, 2, 4), "f4", external=[("secret.bin", 0, 288)])


def _virtual(group: Any, name: str) -> None:
    layout = h5py.VirtualLayout((3, 3, 2, 4), "f4")
    layout[:] = h5py.VirtualSource("secret.h5", "c", (3, 3, 2, 4))
    group.create_virtual_dataset(name, layout)


def _texts(group: Any, name: str) -> None:
    group.create_dataset(name, (3, 3, 2, 4), h5py.string_dtype())


def _chunk(group: Any, name: str) -> None:
    chunks = (1 << 14, 1 << 14, 2, 4)
    group.create_dataset(name, (3, 3, 2, 4), "f4", maxshape=(None,) * 4, chunks=chunks, compression="gzip")


def _group(group: Any, name: str) -> None:
    group.create_group(name)


LINKED = {"soft link": _soft, "link to another file": _elsewhere}
HOSTILE = {
    "external storage": (_external, "another file"),
    "virtual": (_virtual, "another file"),
    "texts": (_texts, "type"),
    "a huge chunk": (_chunk, "compressed"),
    "a group": (_group, "not an array"),
    **{name: (make, "is a link") for name, make in LINKED.items()},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_plain_dataset_is_not_read(name: str, tmp_path: Path) -> None:
    make, says = HOSTILE[name]
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["c"] = np.ones((3, 3, 2, 4), np.float32)
    (tmp_path / "secret.bin").write_bytes(b"\1" * 288)
    with pytest.raises(Refused, match=says):
        read(_replaced(tmp_path / "file.h5", make))


def test_a_huge_shape_is_not_read(tmp_path: Path) -> None:
    def huge(group: Any, name: str) -> None:
        group.create_dataset(name, (1 << 20, 1 << 20, 2, 4), "f4", chunks=(64, 64, 2, 4), compression="gzip")

    path = _replaced(tmp_path / "file.h5", huge)
    assert path.stat().st_size < 100_000
    trace, layouts = converted(load(NETWORK))
    found = weights_of(str(path), trace, layouts, str(tmp_path))
    assert found.shapes["c/kernel"] == (1 << 20, 1 << 20, 2, 4)  # which does not fit, and is reported


def test_groups_in_a_circle(tmp_path: Path) -> None:
    path = newer(tmp_path / "file.h5", numbers())
    with h5py.File(path, "r+") as file:
        file["layers/kind_0/layers"] = file["layers"]
    with pytest.raises(Refused, match="inside one another"):
        read(path)


def test_a_bomb(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", NETWORK)
        with archive.open("model.weights.h5", "w", force_zip64=True) as file:
            for _ in range(300):
                file.write(bytes(1 << 20))
    with pytest.raises(Refused, match="larger than the network's"):
        read(path)


@pytest.mark.parametrize("data", [b"", b"\x89HDF\r\n\x1a\n", b"PK\x03\x04 and so on", os.urandom(1000)])
def test_what_is_no_file_of_weights(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    path.write_bytes(data)
    with pytest.raises(Refused, match="not an HDF5 file"):
        read(path)


def test_changed_bytes_are_read_or_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the child process reads a file: whatever HDF5 raises is a finding about the file."""
    monkeypatch.setattr(worker, "limited", lambda: None)
    (tmp_path / "net.json").write_bytes(NETWORK)
    chance = random.Random(5)
    data = [make(tmp_path / "file.h5", numbers()).read_bytes() for make in (older, newer)]
    outcomes = set()
    for number in range(150):
        path = tmp_path / f"{number}.h5"  # an open file is not opened again under its name
        job = {"weights": str(path), "model": str(tmp_path / "net.json"), "inputs": {}}
        changed = bytearray(chance.choice(data))
        for _ in range(chance.randint(1, 8)):
            changed[chance.randrange(chance.choice((200, 4000, len(changed))))] = chance.randrange(256)
        path.write_bytes(changed)
        try:
            held = worker.arrays(job, str(tmp_path))
            for key in held.shapes:
                worker.reading_of(held)(key)
            outcomes.add("read")
        except Fault as found:
            outcomes.add(str(found).partition(":")[0])
    assert {"read", "this is not an HDF5 file", "this is not a complete HDF5 file"} <= outcomes
