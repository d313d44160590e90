"""A Keras model's configuration as a list of layers, in an order in which they can be computed."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple, TypeAlias

MOST_LAYERS = 20_000
LARGEST = 50_000_000
"""The largest configuration in bytes."""
DEEPEST = 8
"""The largest nesting depth of models."""
Config: TypeAlias = Mapping[str, Any]


class Refused(ValueError):
    """The reason why a configuration cannot be read, a sentence without a full stop."""


class From(NamedTuple):
    """A reference to an output of another layer, among the arguments."""

    key: str


class Step(NamedTuple):
    """One call of a layer. key: of its output. kind: its class; own: the layer's name; models: the models
    around it. arguments: of the call, outputs of other layers (`From`), numbers and lists of these."""

    key: str
    kind: str
    config: Config
    arguments: Sequence[Any]
    own: str
    models: tuple[str, ...]


class Model(NamedTuple):
    """The steps of a model. older: it was written before version 3."""

    name: str
    steps: Sequence[Step]
    outputs: Sequence[str]
    older: bool = False


def load(data: bytes) -> Model:
    """The model of a `.keras` file (a zip with a config.json), or of the JSON text alone."""
    if data[:2] == b"PK":
        data = unzipped(io.BytesIO(data))
    if len(data) > LARGEST:
        raise Refused(f"the configuration has more than {LARGEST:,} bytes")
    try:
        document = json.loads(data)
        return _model(document)
    except Refused:
        raise
    except (ValueError, RecursionError):
        raise Refused("this is not JSON") from None
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise Refused(
            f"this is not the configuration of a Keras model: {type(error).__name__} {error}"[:200]
        ) from None


def unzipped(file: str | BinaryIO) -> bytes:
    """The configuration in a .keras file."""
    try:
        with zipfile.ZipFile(file) as archive, archive.open("config.json") as inner:
            return inner.read(LARGEST + 1)
    except (
        zipfile.BadZipFile,
        KeyError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        OSError,
    ) as error:
        raise Refused(f"this is not a .keras file: {error}"[:200]) from None


def _model(document: Any) -> Model:
    if not isinstance(document, dict) or document.get("class_name") not in (
        "Functional",
        "Model",
        "Sequential",
    ):
        raise Refused(
            "it describes no Functional or Sequential model; a subclassed model has no layers in its file"
        )
    steps: list[Step] = []
    config = document["config"]
    outputs = _read(document, (), (), steps)
    name = config.get("name") if isinstance(config, dict) else None
    return Model(str(name or "model")[:200], steps, outputs, older=_is_older(document))


def _is_older(document: Config) -> bool:
    """Whether it was written before version 3, which writes the module of each class."""
    version = document.get("keras_version")
    return version.startswith(("1.", "2.")) if isinstance(version, str) else "module" not in document


def _read(model: Config, prefix: tuple[str, ...], keys: Sequence[str], steps: list[Step]) -> list[str]:
    """Reads the steps of a model, which may be inside another; returns the keys of its outputs."""
    if len(prefix) > DEEPEST:
        raise Refused(f"its models are more than {DEEPEST} deep")
    config = model["config"]
    if model["class_name"] == "Sequential":
        return _sequential(model, prefix, keys, steps)
    layers = {one["config"].get("name", one.get("name")) if "name" not in one else one["name"]: one
              for one in config["layers"]}  # fmt: skip
    inputs = [_history(one)[0] for one in _listed(config["input_layers"])]
    outputs: dict[tuple[str, int], list[str]] = {}
    waiting = [
        (name, node)
        for name in layers
        for node in range(max(1, len(layers[name].get("inbound_nodes") or ())))
    ]
    while waiting:
        later = []
        for name, node in waiting:
            if not _added(layers[name], name, node, outputs, inputs, keys, prefix, steps):
                later.append((name, node))
        if len(later) == len(waiting):
            raise Refused(f"its layer {later[0][0]} waits for itself")
        waiting = later
    return [_output(outputs, *_history(one)) for one in _listed(config["output_layers"])]


def _added(layer: Config, name: str, node: int, done: dict[tuple[str, int], list[str]], inputs: Sequence[str],
           keys: Sequence[str], prefix: tuple[str, ...], steps: list[Step]) -> bool:  # fmt: skip
    """Adds the step of one call of a layer; False where its inputs do not exist yet."""
    nodes = layer.get("inbound_nodes") or ()
    if name in inputs and keys:
        done[name, 0] = [keys[inputs.index(name)]]
        return True
    arguments = _arguments(nodes[node]) if nodes else []
    for one in _froms(arguments):
        if (one[0], one[1]) not in done:
            return False
    ready = _resolved(arguments, done)
    if layer["class_name"] in ("Functional", "Model", "Sequential"):
        inner = [one.key for one in _flat(ready) if isinstance(one, From)]
        done[name, node] = _read(layer, (*prefix, name), inner, steps)
        return True
    key = "/".join((*prefix, name)) + (f":{node}" if node else "")
    done[name, node] = [key]
    _append(steps, Step(key, layer["class_name"], layer["config"], ready, "/".join((*prefix, name)), prefix))
    return True


def _append(steps: list[Step], step: Step) -> None:
    if len(steps) >= MOST_LAYERS:
        raise Refused(f"it has more than {MOST_LAYERS:,} layers")
    steps.append(step)


def _sequential(model: Config, prefix: tuple[str, ...], keys: Sequence[str], steps: list[Step]) -> list[str]:
    config = model["config"]
    layers = config if isinstance(config, list) else config["layers"]
    before = keys[0] if keys else ""
    for layer in layers:
        name = str(layer["config"].get("name") or layer.get("name") or len(steps))
        if layer["class_name"] == "InputLayer" and before:
            continue
        if not before and layer["class_name"] != "InputLayer":
            shape = layer["config"].get("batch_input_shape") or (model.get("build_config") or {}).get(
                "input_shape"
            )
            if shape is None:
                raise Refused("it does not say the size of its input")
            before = "/".join((*prefix, "input"))
            _append(
                steps, Step(before, "InputLayer", {"batch_shape": shape, "name": "input"}, (), before, prefix)
            )
        if layer["class_name"] in ("Functional", "Model", "Sequential"):
            (before,) = _read(layer, (*prefix, name), [before], steps)
            continue
        key = "/".join((*prefix, name))
        _append(
            steps,
            Step(key, layer["class_name"], layer["config"], [From(before)] if before else [], key, prefix),
        )
        before = key
    return [before]


def _listed(layers: Any) -> list[Any]:
    """`["a", 0, 0]` for one, `[["a", 0, 0], …]` for several; by name in newer files."""
    if isinstance(layers, dict):
        return list(layers.values())
    return [layers] if layers and isinstance(layers[0], str) else list(layers)


def _history(one: Sequence[Any]) -> tuple[str, int, int]:
    name, node, place = one[:3]
    return str(name), int(node), int(place)


class _Waiting(NamedTuple):
    """An output of a layer whose key is not known yet."""

    history: tuple[str, int, int]


def _arguments(node: Any) -> list[Any]:
    """The arguments of a call: `{"args": …, "kwargs": …}` since version 3, before it a list of
    `[name, node, tensor, kwargs]`."""
    if isinstance(node, dict):
        kwargs = node.get("kwargs") or {}
        named = [
            value for key, value in kwargs.items() if key not in ("training", "mask") and value is not None
        ]
        return [_argument(one) for one in [*node.get("args", ()), *named]]
    rows = [node] if node and isinstance(node[0], str) else node
    return [[_Waiting(_history(row)) for row in rows]] if len(rows) > 1 else [_Waiting(_history(rows[0]))]


def _argument(value: Any) -> Any:
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        return _Waiting(_history(value["config"]["keras_history"]))
    if isinstance(value, list):
        return [_argument(one) for one in value[:10_000]]
    return value


def _flat(arguments: Any) -> Iterator[Any]:
    for one in arguments if isinstance(arguments, list) else [arguments]:
        if isinstance(one, list):
            yield from _flat(one)
        else:
            yield one


def _froms(arguments: list[Any]) -> Iterator[tuple[str, int, int]]:
    return (one.history for one in _flat(arguments) if isinstance(one, _Waiting))


def _resolved(arguments: list[Any], outputs: Mapping[tuple[str, int], Sequence[str]]) -> list[Any]:
    return [
        _resolved(argument, outputs)
        if isinstance(argument, list)
        else From(_output(outputs, *argument.history)) if isinstance(argument, _Waiting) else argument
        for argument in arguments
    ]  # fmt: skip


def _output(outputs: Mapping[tuple[str, int], Sequence[str]], name: str, node: int, place: int) -> str:
    keys = outputs[name, node]
    if place >= len(keys):
        raise Refused(f"its layer {name} has no output {place}")
    return keys[place]
