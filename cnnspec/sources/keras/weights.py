"""The weights of a Keras model, in torch's layouts: from an .h5 file, or from the one inside a .keras file.

Files are untrusted. Only plain datasets are read: those in the file itself, with the shape of the network's
weight, that are stored without a filter or with one of HDF5's own; so no more is read than the network
needs."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from math import prod
from typing import Any

import h5py
import numpy as np

from cnnspec.sources.calls.trace import Trace
from cnnspec.sources.keras.config import LARGEST, Refused
from cnnspec.sources.keras.convert import Layout
from cnnspec.sources.stored import Array, Stored

MOST_GROUPS = 100_000
DEEPEST = 32
MOST_NAMES = 100_000
OVERHEAD = 1 << 28
"""The most bytes of a file in addition to the network's weights; an optimizer has two numbers for each
weight."""
FILTERS = frozenset(("gzip", "lzf", None))


def config_of(path: str) -> bytes:
    """The configuration in an .h5 file of a whole model, with the version that wrote it."""
    with _opened(path) as file:
        data = _text(file.attrs, "model_config")
        version = _text(file.attrs, "keras_version") if "keras_version" in file.attrs else b""
    try:
        document = json.loads(data)
        return json.dumps({"keras_version": version.decode("utf-8", "replace")} | document).encode()
    except (ValueError, TypeError, RecursionError):
        raise Refused("its model_config is no JSON") from None


def weights_of(path: str, trace: Trace, layouts: Mapping[str, Layout], folder: str) -> Stored:
    """The weights in a file for the network of a trace. folder: where the .h5 file from a .keras file is
    written."""
    if zipfile.is_zipfile(path):
        path = _unzipped(path, trace, folder)
    datasets = _by_key(_opened(path), trace, layouts)
    shapes = {key: trace.keys[key] for key, layout in layouts.items() if layout.fill is not None}
    for key, dataset in datasets.items():
        sizes = layouts[key].sizes
        fits = dataset.shape in (sizes, (prod(sizes[:-1]), sizes[-1]))
        shapes[key] = trace.keys[key] if fits else tuple(dataset.shape or ())

    def read(key: str) -> Array:
        layout, shape = layouts[key], trace.keys[key]
        if key not in datasets:
            return np.full(shape, layout.fill, np.float32)
        value: Array = _plain(datasets[key], key)[()]
        return value.reshape(layout.sizes).transpose(layout.order).reshape(shape)

    return Stored(shapes, read)


def _opened(path: str) -> h5py.File:
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise Refused(f"this is not an HDF5 file: {error}"[:200]) from None


def _unzipped(path: str, trace: Trace, folder: str) -> str:
    """Extracts the file of weights from a .keras file into the job's folder."""
    most = 12 * sum(map(prod, trace.keys.values())) + OVERHEAD
    target = os.path.join(folder, "model.weights.h5")
    try:
        with ExitStack() as opened:
            archive = opened.enter_context(zipfile.ZipFile(path))
            inner = opened.enter_context(archive.open("model.weights.h5"))
            out = opened.enter_context(open(target, "wb"))
            while part := inner.read(1 << 20):
                most -= len(part)
                if most < 0:
                    raise Refused("its weights are larger than the network's")
                out.write(part)
    except (zipfile.BadZipFile, KeyError, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise Refused(f"its weights cannot be read: {error}"[:200]) from None
    return target


def _by_key(file: h5py.File, trace: Trace, layouts: Mapping[str, Layout]) -> dict[str, h5py.Dataset]:
    """The dataset of each weight: by name in older files, by the layer's name and a number in newer ones."""
    root = _child(file, "model_weights") if "model_weights" in file else file
    if "layer_names" in root.attrs or "layer_names0" in root.attrs:
        return _by_name(root, trace)
    datasets: dict[str, h5py.Dataset] = {}
    groups = dict(_layers(file))
    by_layer: dict[str, list[str]] = {}
    for key in trace.keys:
        if layouts[key].fill is None:
            by_layer.setdefault(key.rpartition("/")[0], []).append(key)
    for own, keys in by_layer.items():
        for place, key in enumerate(keys):
            if own in groups and str(place) in groups[own]:
                datasets[key] = _array(groups[own], str(place))
    return datasets


def _layers(file: h5py.File) -> Iterator[tuple[str, h5py.Group]]:
    """The layers of a newer file, `layers/conv2d/vars` with the attribute `name`, by their paths of names."""
    waiting: list[tuple[h5py.Group, str, int]] = [(file, "", 0)]
    count = 0
    while waiting:
        group, path, depth = waiting.pop()
        count += len(group)
        if count > MOST_GROUPS or depth > DEEPEST:
            raise Refused(
                f"it has more than {MOST_GROUPS:,} groups, or more than {DEEPEST} inside one another"
            )
        if "layers" not in group:
            continue
        layers = _child(group, "layers")
        for name in layers:
            layer = _child(layers, name)
            if not isinstance(layer, h5py.Group) or "vars" not in layer:
                continue
            held = _child(layer, "vars")
            own = f"{path}{_text(held.attrs, 'name').decode('utf-8', 'replace')}"
            yield own, held
            waiting.append((layer, f"{own}/", depth + 1))


def _by_name(root: h5py.Group, trace: Trace) -> dict[str, h5py.Dataset]:
    """For an older file: each layer has a list of its weights' names (`conv1/kernel:0`)."""
    datasets: dict[tuple[str, str, str], list[h5py.Dataset]] = {}
    for layer in _names(root, "layer_names"):
        group = _child(root, layer)
        for name in _names(group, "weight_names"):
            parts = name.partition(":")[0].split("/")
            inner = parts[-2] if len(parts) > 1 else layer
            *groups, last = name.split("/")
            holder = group
            for part in groups:
                holder = _child(holder, part)
            datasets.setdefault((layer, inner, parts[-1]), []).append(_array(holder, last))
    by_key: dict[str, h5py.Dataset] = {}
    for key in trace.keys:
        *models, own, name = key.split("/")
        aliases = (name, "depthwise_kernel") if name == "kernel" else (name,)
        one = next(
            (datasets[at] for alias in aliases if (at := ((models or [own])[0], own, alias)) in datasets), []
        )
        if len(one) > 1:
            raise Refused(f"it has several weights of the name {key}")
        by_key |= {key: one[0]} if one else {}
    return by_key


def _child(group: Any, name: str) -> Any:
    """The object with this name in the file itself, not a link to elsewhere."""
    if not isinstance(group, h5py.Group) or name not in group:
        raise Refused(f"it has no {name[:100]!r}")
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise Refused(f"{name[:100]!r} in it is a link to another place, which is not followed")
    return group[name]


def _array(group: Any, name: str) -> h5py.Dataset:
    child = _child(group, name)
    if not isinstance(child, h5py.Dataset):
        raise Refused(f"{name[:100]!r} in it is not an array")
    return child


def _plain(dataset: h5py.Dataset, key: str) -> h5py.Dataset:
    """A dataset whose numbers are in the file itself."""
    if dataset.is_virtual or dataset.external:
        raise Refused(f"the numbers of {key} lie in another file, which is not read")
    if dataset.dtype.kind not in "fiu" or dataset.dtype.itemsize > 8:
        raise Refused(f"{key} has the type {dataset.dtype}"[:200])
    chunk = prod(dataset.chunks or (0,)) * dataset.dtype.itemsize
    if dataset.compression not in FILTERS or chunk > max(32 * dataset.size, 1 << 20):
        raise Refused(f"{key} is compressed in a way that is not read")
    return dataset


def _names(group: Any, name: str) -> list[str]:
    """A list of names. A long list is stored in pieces: `layer_names0`, `layer_names1`, …"""
    attrs, names = group.attrs, list[str]()
    pieces = [name] if name in attrs else [f"{name}{place}" for place in range(len(attrs))]
    for piece in pieces:
        if piece not in attrs:
            break
        if len(names) + prod(attrs.get_id(piece).shape) > MOST_NAMES:
            raise Refused(f"it has more than {MOST_NAMES:,} names")
        names += [
            one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in attrs[piece]
        ]
    return names


def _text(attrs: Any, name: str) -> bytes:
    if name not in attrs:
        raise Refused(f"it has no {name}: this is not a file of a Keras model, or it is of another version")
    if attrs.get_id(name).shape not in ((), None):
        raise Refused(f"its {name} is no text")
    value = attrs[name]
    data = value if isinstance(value, bytes) else str(value).encode()
    if len(data) > LARGEST:
        raise Refused(f"its {name} has more than {LARGEST:,} bytes")
    return data
